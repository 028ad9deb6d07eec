//! [`Verdict`]: what came of a run that something was expected of.

use std::fmt;

use crate::sim::Run;
use crate::syntax::Span;

/// A run, and in what it was not as expected.
pub struct Verdict {
    /// The run. Of one that was scripted, times are numbers of steps.
    pub run: Run,
    /// What was not as expected, in the order of the file.
    pub unmet: Vec<Unmet>,
}

/// An expectation that was not met.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unmet {
    /// Where in the scenario file it is; `None` for one that every run has to meet.
    pub place: Option<Span>,
    /// What it is about.
    pub what: String,
    /// What was expected, one line per item.
    pub expected: Vec<String>,
    /// What was found.
    pub found: Vec<String>,
}

impl Verdict {
    /// Whether everything was as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.unmet.is_empty()
    }
}

/// `what`, then what was expected and what was found, indented.
impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        for (title, lines) in [("expected", &self.expected), ("found", &self.found)] {
            match &lines[..] {
                [] => write!(f, "\n  {title}: nothing")?,
                [line] => write!(f, "\n  {title}: {line}")?,
                lines => {
                    write!(f, "\n  {title}:")?;
                    lines.iter().try_for_each(|line| write!(f, "\n    {line}"))?;
                }
            }
        }
        Ok(())
    }
}
