//! `marine aqua check`: what is wrong with programs.

use std::path::PathBuf;

use clap::Args;

use crate::aqua::{Nodes, Program, Report, entries};
use crate::exit::{Exit, Outcome};
use crate::options::Deny;
use crate::ui::{Ui, count};

/// Check programs, and show what is wrong where.
///
/// Checks programs with all that they import, and shows what is wrong where. Nothing is written.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine aqua check                                 every .aqua file here and below
  marine aqua check hello.aqua --import node_modules
  marine aqua check --deny warnings --json
  marine explain A1401                              what a code means")]
pub(crate) struct Check {
    /// Files, or folders with all .aqua files below them [default: .]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    program: Program,
    #[command(flatten)]
    nodes: Nodes,
    /// Count these as errors
    #[arg(long)]
    deny: Option<Deny>,
}

impl Check {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let entries = entries(&self.paths)?;
        if entries.is_empty() {
            ui.note("no .aqua files here");
            return Ok(Exit::Nothing);
        }
        let options = self.program.options()?;
        let sources = self.nodes.sources();
        let mut report = Report::default();
        for entry in &entries {
            // Some findings show only when functions are expanded.
            let output = marine_aqua::compile(&entry.path, &sources, &options);
            report.show(ui, &output.checked, &output.diagnostics);
        }
        ui.note(format_args!("{} checked: {}", count(entries.len(), "file"), report.summary()));
        let denied = report.errors > 0 || (self.deny.is_some() && report.warnings > 0);
        Ok(if denied { Exit::Findings } else { Exit::Done })
    }
}
