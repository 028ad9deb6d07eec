//! `marine air check`

use std::path::PathBuf;

use clap::Args;
use marine_air::{Limits, Script};

use super::finding::{Counts, scenario};
use super::read_text;
use crate::exit::{Exit, Outcome};
use crate::options::Deny;
use crate::ui::{Ui, count};

/// Parse and check scripts, and show what is wrong where
///
/// Parses and checks scripts, and scenario files (`.toml`) with the scripts in them. Ends with code 3 if there are errors.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine air check hello.air
  marine air check tests/*.toml --deny warnings
  cat hello.air | marine air check -")]
pub(super) struct Check {
    /// The scripts and scenarios (- is a script from standard input)
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Count these as errors
    #[arg(long)]
    deny: Option<Deny>,
}

impl Check {
    pub(super) fn run(self, ui: Ui) -> Outcome {
        let mut counts = Counts::default();
        for path in &self.files {
            let text = read_text(path)?;
            if path.extension().is_some_and(|extension| extension == "toml") {
                scenario(ui, path, &text, &mut counts);
                continue;
            }
            for diagnostic in Script::parse(&text, &Limits::default()).diagnostics() {
                counts.tell(ui, path, &text, diagnostic);
            }
        }
        let Counts { errors, warnings } = counts;
        ui.note(format_args!(
            "{} checked: {}, {}",
            count(self.files.len(), "file"),
            count(errors, "error"),
            count(warnings, "warning")
        ));
        let denied = errors > 0 || (self.deny.is_some() && warnings > 0);
        Ok(if denied { Exit::Findings } else { Exit::Done })
    }
}
