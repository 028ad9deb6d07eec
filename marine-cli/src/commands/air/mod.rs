//! `marine air`: tools for scripts, their simulations and their traces.

mod check;
mod finding;
mod format;
mod simulate;
mod trace;

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use marine_air::{Limits, Script};

use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::ui::Ui;

pub(crate) use self::finding::{document, render};
pub(crate) use self::trace::{TraceView, read_bundle};

/// Tools for AIR scripts.
///
/// Tools for scripts written in AIR: what is wrong with them, how they behave without a network, and what a finished run proves.
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Examples:
  marine air check hello.air
  marine air fmt hello.air
  marine air simulate hello.toml --seeds 100
  marine air trace finished.particle --format svg -o finished.svg"
)]
pub(crate) struct Air {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Check(check::Check),
    Fmt(format::Format),
    Simulate(simulate::Simulate),
    Trace(trace::Trace),
}

impl Air {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        match self.action {
            Action::Check(check) => check.run(ui),
            Action::Fmt(format) => format.run(ui),
            Action::Simulate(simulate) => simulate.run(ui),
            Action::Trace(trace) => trace.run(ui),
        }
    }
}

/// Refuses a script that no peer would execute, showing what is wrong with it.
pub(crate) fn check_script(ui: Ui, path: &Path, text: &str) -> Outcome<()> {
    let parsed = Script::parse(text, &Limits::default());
    if !parsed.has_errors() {
        return Ok(());
    }
    for diagnostic in parsed.diagnostics() {
        ui.note(render(path, text, diagnostic));
    }
    Err(Failure::new(Exit::Findings, format!("`{}` has errors, so it was not run", path.display())))
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The text of a file, or of standard input for `-`.
fn read_text(path: &Path) -> Outcome<String> {
    String::from_utf8(read_bytes(path)?).or_fail(Exit::Usage, format!("`{}` is not a text in UTF-8", path.display()))
}

fn read_bytes(path: &Path) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = match is_standard_input(path) {
        true => std::io::stdin().read_to_end(&mut bytes).map(|_| bytes),
        false => std::fs::read(path),
    };
    read.or_fail(Exit::Usage, format!("cannot read `{}`", path.display()))
}

/// The scenario's script may be in a file of its own, whose path starts from the scenario's directory.
fn beside(scenario: &Path, script: &str) -> PathBuf {
    scenario.parent().unwrap_or_else(|| Path::new("")).join(script)
}
