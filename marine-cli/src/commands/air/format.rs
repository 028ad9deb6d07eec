//! `marine air fmt`

use std::path::PathBuf;

use clap::Args;
use marine_air::Limits;
use marine_air::syntax::{Severity, format, parse};

use super::finding::Counts;
use super::{is_standard_input, read_text};
use crate::exit::{Exit, Fail, Outcome};
use crate::ui::Ui;

/// Bring scripts into the usual form
///
/// Two spaces per level; what fits 100 columns on one line; comments stay. Scripts with errors are left as they are.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine air fmt hello.air
  marine air fmt --check *.air
  cat hello.air | marine air fmt - > usual.air")]
pub(super) struct Format {
    /// The scripts (- formats standard input to standard output)
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Change nothing; list what would change, and end with code 3 then
    #[arg(long)]
    check: bool,
}

impl Format {
    pub(super) fn run(self, ui: Ui) -> Outcome {
        let mut exit = Exit::Done;
        for path in &self.files {
            let text = read_text(path)?;
            let (tree, diagnostics) = parse(&text, &Limits::default());
            let mut counts = Counts::default();
            let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
            errors.for_each(|diagnostic| counts.tell(ui, path, &text, diagnostic));
            if counts.errors > 0 {
                // A broken script has no usual form; guessing one could hide the mistake.
                exit = Exit::Findings;
                continue;
            }
            let formatted = format(&tree);
            match (is_standard_input(path), formatted == text) {
                (true, _) if !self.check => ui.result(formatted.trim_end()),
                (_, true) => {}
                (_, false) if self.check => {
                    ui.result(path.display());
                    ui.document("air.unformatted", serde_json::json!({ "file": path }));
                    exit = Exit::Findings;
                }
                (_, false) => {
                    std::fs::write(path, formatted)
                        .or_fail(Exit::Usage, format_args!("cannot write `{}`", path.display()))?;
                    ui.status("Formatted", path.display());
                }
            }
        }
        Ok(exit)
    }
}
