//! Scenario files: simulations and what is expected of them, as TOML.
//!
//! Reading is strict, and finds all mistakes at once, those of the script too: they are [`Diagnostic`]s with places in the
//! file. A [`ScenarioFile`] runs as often as it says, or step by step; a [`Verdict`] tells what was not as expected.
//!
//! ```
//! use marine_air::sim::ScenarioFile;
//!
//! let text = r#"
//! air = '(call "@shop" ("stock" "count") ["pears"] n)'
//! init = "shop"
//! peers = ["shop"]
//!
//! [[stub]]
//! call = "stock.count"
//! ok = 12
//!
//! [[expect.calls]]
//! peer = "shop"
//! calls = [{ call = "stock.count", args = ["pears"] }]
//! "#;
//! let read = ScenarioFile::read(text, |path| Err(format!("there is no file {path}")));
//! assert!(read.findings.is_empty());
//! let verdict = read.file.unwrap().run(1)?;
//! assert!(verdict.passed());
//! # Ok::<(), marine_air::sim::SimError>(())
//! ```

mod expect;
mod parts;
mod script;
mod steps;
mod table;
mod verdict;

use std::ops::RangeInclusive;

pub use verdict::{Unmet, Verdict};

use self::expect::Expectations;
use self::steps::ScriptedStep;
use self::table::Report;
use super::{Scenario, SimError};
use crate::syntax::{Diagnostic, Severity};

// Ids of findings about scenario files. Those about scripts begin with A0 as well, so these are out of their ranges.
/// Not TOML.
const SYNTAX: u16 = 80;
/// A key that the format does not have.
const UNKNOWN_KEY: u16 = 81;
/// A key is missing, or two do not go together.
const WRONG_KEYS: u16 = 82;
/// A value of another type.
const WRONG_TYPE: u16 = 83;
/// A value that makes no sense.
const WRONG_VALUE: u16 = 84;
/// A name that no peer has.
const UNKNOWN_PEER: u16 = 85;
/// The script cannot be read.
const NO_SCRIPT: u16 = 86;

/// A scenario, how often to run it, and what is expected of it.
#[derive(Clone, Debug)]
pub struct ScenarioFile {
    scenario: Scenario,
    seeds: u64,
    steps: Vec<ScriptedStep>,
    expect: Expectations,
}

/// What came of reading a scenario file.
#[derive(Debug)]
pub struct ReadScenario {
    /// The scenario; `None` if a finding is an error.
    pub file: Option<ScenarioFile>,
    /// What is wrong, sorted by place; first what is wrong in the scenario file, then what is in a script of its own.
    pub findings: Vec<Finding>,
    /// The path as it is in the file and the text of the script, if the script is not part of the file, or if it is written
    /// there with escapes.
    pub script: Option<(String, String)>,
}

/// A finding and the text it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Which text.
    pub source: Source,
    /// What is wrong.
    pub diagnostic: Diagnostic,
}

/// The texts of a scenario.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Source {
    /// The scenario file.
    Scenario,
    /// The script in [`ReadScenario::script`].
    Script,
}

/// What came of reading a file of stubs.
#[derive(Debug)]
pub struct ReadStage {
    /// The scenario; `None` if a finding is an error.
    pub scenario: Option<Scenario>,
    /// What is wrong, sorted by place.
    pub findings: Vec<Diagnostic>,
}

impl Scenario {
    /// Reads a file of stubs: a scenario file without script, steps and expectations, for a script that is given beside it.
    /// `peers` take part besides those that the file names; the first of them starts the particle.
    ///
    /// ```
    /// use marine_air::sim::Scenario;
    ///
    /// let stubs = "[[stub]]\npeer = \"shop\"\ncall = \"stock.count\"\nok = 12\n";
    /// let script = r#"(call "@shop" ("stock" "count") [] n)"#;
    /// let read = Scenario::read_stubs(stubs, script, &["shop".to_owned()]);
    /// assert_eq!(read.scenario.unwrap().run(1)?.calls_at("shop"), ["stock.count()"]);
    /// # Ok::<(), marine_air::sim::SimError>(())
    /// ```
    pub fn read_stubs(text: &str, script: &str, peers: &[String]) -> ReadStage {
        let report = Report::default();
        let scenario = parts::read_stage(text, &report, script, peers);
        let mut findings = report.finish();
        findings.sort_by_key(|finding| (finding.primary.span.start, finding.id));
        let is_broken = findings.iter().any(|finding| finding.severity == Severity::Error);
        ReadStage { scenario: scenario.filter(|_| !is_broken), findings }
    }
}

impl ScenarioFile {
    /// Reads a scenario. `load` gives the text of the script if that is in a file of its own: it gets the path as it is
    /// written, and returns why it could not.
    pub fn read(text: &str, load: impl FnOnce(&str) -> Result<String, String>) -> ReadScenario {
        let report = Report::default();
        let read = parts::read(text, &report, load);
        let mut diagnostics = report.finish();
        diagnostics.sort_by_key(|diagnostic| (diagnostic.primary.span.start, diagnostic.id));
        let in_file = |diagnostic| Finding { source: Source::Scenario, diagnostic };
        let mut findings: Vec<Finding> = diagnostics.into_iter().map(in_file).collect();
        let (file, script) = match read {
            Some((file, script)) => {
                findings.extend(script.findings);
                (file, script.own_text)
            }
            None => (None, None),
        };
        findings.sort_by_key(|finding| (finding.source, finding.diagnostic.primary.span.start));
        let is_broken = findings.iter().any(|finding| finding.diagnostic.severity == Severity::Error);
        ReadScenario { file: file.filter(|_| !is_broken), findings, script }
    }

    /// The seeds with which it wants to be run.
    #[must_use]
    pub fn seeds(&self) -> RangeInclusive<u64> {
        1..=self.seeds
    }

    /// Whether it is run step by step, without a seed.
    #[must_use]
    pub fn is_scripted(&self) -> bool {
        !self.steps.is_empty()
    }

    /// The scenario.
    #[must_use]
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Runs it once. Step by step if it says so; the seed has no meaning then.
    ///
    /// # Errors
    /// If it does not come to rest. What is not as expected is in the [`Verdict`].
    pub fn run(&self, seed: u64) -> Result<Verdict, SimError> {
        let (mut run, mut unmet) = match self.is_scripted() {
            true => steps::play(&self.scenario, &self.steps)?,
            false => (self.scenario.run(seed)?, Vec::new()),
        };
        unmet.extend(self.expect.unmet(&mut run, self.is_scripted() || self.scenario.net.tamper > 0.0)?);
        let peers = run.world.peers();
        unmet.iter_mut().flat_map(|unmet| &mut unmet.found).for_each(|text| *text = peers.with_names_in(text));
        Ok(Verdict { run, unmet })
    }
}
