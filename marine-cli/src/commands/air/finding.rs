//! Findings about scripts and scenarios, as people and programs see them.

use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use marine_air::sim::{ReadScenario, ScenarioFile, Source, Unmet};
use marine_air::syntax::{Diagnostic, Location, Severity};
use serde_json::json;

use super::beside;
use crate::ui::Ui;

/// The source around a finding, as rustc shows it.
pub(crate) fn render(path: &Path, text: &str, diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let primary = AnnotationKind::Primary.span(diagnostic.primary.span.range()).label(diagnostic.primary.text.as_str());
    let mut snippet = Snippet::source(text).path(path.display().to_string()).annotation(primary);
    for label in &diagnostic.secondary {
        snippet = snippet.annotation(AnnotationKind::Context.span(label.span.range()).label(label.text.as_str()));
    }
    let mut report =
        vec![level.primary_title(diagnostic.message.as_str()).id(diagnostic.id.to_string()).element(snippet)];
    if let Some(help) = &diagnostic.help {
        report.push(Group::with_title(Level::HELP.secondary_title(help.as_str())));
    }
    Renderer::styled().render(&report)
}

/// An expectation that was not met, with its place in the scenario.
pub(super) fn render_unmet(path: &Path, text: &str, unmet: &Unmet) -> String {
    let title = unmet.to_string();
    let (first, rest) = title.split_once('\n').unwrap_or((&title, ""));
    let level = Level::ERROR.primary_title(first);
    let head = match unmet.place {
        Some(place) => {
            let line = text.get(place.range()).and_then(|part| part.lines().next()).map_or(0, str::len);
            let start = place.range().start;
            let name = path.display().to_string();
            let snippet =
                Snippet::source(text).path(name).annotation(AnnotationKind::Primary.span(start..start + line));
            Renderer::styled().render(&[level.element(snippet)])
        }
        None => Renderer::styled().render(&[Group::with_title(level)]),
    };
    format!("{head}\n{rest}")
}

pub(crate) fn document(path: &Path, text: &str, diagnostic: &Diagnostic) -> serde_json::Value {
    let at = Location::of(text, diagnostic.primary.span.start);
    json!({
        "file": path,
        "id": diagnostic.id.to_string(),
        "severity": diagnostic.severity.to_string(),
        "message": diagnostic.message,
        "line": at.line,
        "column": at.column,
        "help": diagnostic.help,
    })
}

/// How many findings there were.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) errors: usize,
    pub(super) warnings: usize,
}

impl Counts {
    /// Shows a finding and counts it.
    pub(super) fn tell(&mut self, ui: Ui, path: &Path, text: &str, diagnostic: &Diagnostic) {
        match diagnostic.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
        }
        ui.result(render(path, text, diagnostic));
        ui.document("air.diagnostic", document(path, text, diagnostic));
    }
}

/// Reads a scenario and shows what is wrong with it.
pub(super) fn scenario(ui: Ui, path: &Path, text: &str, counts: &mut Counts) -> Option<ScenarioFile> {
    let load = |script: &str| std::fs::read_to_string(beside(path, script)).map_err(|error| error.to_string());
    let ReadScenario { file, findings, script } = ScenarioFile::read(text, load);
    let script = script.map(|(name, text)| (script_path(path, &name), text));
    for finding in &findings {
        match (finding.source, &script) {
            (Source::Script, Some((path, text))) => counts.tell(ui, path, text, &finding.diagnostic),
            _ => counts.tell(ui, path, text, &finding.diagnostic),
        }
    }
    file
}

/// Of a script that is written in the scenario itself, but with escapes, places are in its own text.
fn script_path(scenario: &Path, name: &str) -> PathBuf {
    match name {
        "air" => PathBuf::from(format!("{} (air)", scenario.display())),
        name => beside(scenario, name),
    }
}
