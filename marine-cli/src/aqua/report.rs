//! Diagnostics of several programs, each shown once.

use std::collections::HashSet;

use marine_air::syntax::Location;
use marine_aqua::Checked;
use marine_aqua::diagnostic::{Diagnostic, Severity, render};
use serde_json::json;

use crate::ui::{Ui, count};

/// What was shown so far. Programs that share files share their findings too.
#[derive(Default)]
pub(crate) struct Report {
    seen: HashSet<String>,
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
}

impl Report {
    /// Shows what is new, as results.
    pub(crate) fn show(&mut self, ui: Ui, checked: &Checked, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            let text = render(diagnostic, &|file| checked.source(file));
            if !self.seen.insert(text.clone()) {
                continue;
            }
            match diagnostic.severity {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
            }
            ui.result(text);
            ui.document("aqua.diagnostic", document(checked, diagnostic));
        }
    }

    /// `2 errors, 1 warning`
    pub(crate) fn summary(&self) -> String {
        format!("{}, {}", count(self.errors, "error"), count(self.warnings, "warning"))
    }
}

/// Shows findings beside the results of something else.
pub(crate) fn note(ui: Ui, checked: &Checked, diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        ui.note(render(diagnostic, &|file| checked.source(file)));
    }
}

fn document(checked: &Checked, diagnostic: &Diagnostic) -> serde_json::Value {
    let span = diagnostic.primary.span;
    let (path, text) = checked.source(span.file);
    let (start, end) = (Location::of(text, span.start), Location::of(text, span.end));
    json!({
        "file": path,
        "id": diagnostic.code.to_string(),
        "severity": diagnostic.severity.to_string(),
        "message": diagnostic.message,
        "label": diagnostic.primary.text,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "help": diagnostic.help,
    })
}
