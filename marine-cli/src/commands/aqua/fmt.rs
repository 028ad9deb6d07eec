//! `marine aqua fmt`: the usual form of programs.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use marine_aqua::fmt::format;
use serde_json::json;

use crate::aqua::entries;
use crate::exit::{Exit, Fail, Outcome};
use crate::ui::{Ui, count};

/// Bring programs into the usual form.
///
/// Brings programs into the usual form. Only white space changes; parts with errors stay as they are.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine aqua fmt                    every .aqua file here and below
  marine aqua fmt --check            list the files that would change
  marine aqua fmt - < hello.aqua     standard input to standard output")]
pub(crate) struct Format {
    /// Files, or folders with all .aqua files below them (- formats standard input) [default: .]
    paths: Vec<PathBuf>,
    /// Change nothing; end with code 3 if something would change
    #[arg(long)]
    check: bool,
}

impl Format {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        if matches!(self.paths.as_slice(), [only] if only.as_os_str() == "-") {
            return self.standard_input(ui);
        }
        let entries = entries(&self.paths)?;
        let mut changed = 0;
        for path in entries.iter().map(|entry| &entry.path) {
            let text = std::fs::read_to_string(path).or_fail(Exit::Usage, format_args!("cannot read `{path}`"))?;
            let formatted = format(&text);
            if formatted == text {
                continue;
            }
            changed += 1;
            ui.document("aqua.formatted", json!({ "file": path, "written": !self.check }));
            if self.check {
                ui.result(path);
            } else {
                std::fs::write(path, formatted).or_fail(Exit::Usage, format_args!("cannot write `{path}`"))?;
            }
        }
        let what = if self.check { "would change" } else { "changed" };
        ui.note(format_args!("{} looked at, {changed} {what}", count(entries.len(), "file")));
        Ok(if self.check && changed > 0 { Exit::Findings } else { Exit::Done })
    }

    fn standard_input(&self, ui: Ui) -> Outcome {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).or_fail(Exit::Usage, "cannot read standard input")?;
        let formatted = format(&text);
        if self.check {
            return Ok(if formatted == text { Exit::Done } else { Exit::Findings });
        }
        ui.result(formatted.trim_end());
        ui.document("aqua.formatted", json!({ "text": formatted }));
        Ok(Exit::Done)
    }
}
