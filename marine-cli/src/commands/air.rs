//! `marine air`: tools for scripts.

use std::io::Read;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use clap::{Args, Subcommand, ValueEnum};
use marine_air::syntax::{Diagnostic, Location, Severity, format, parse};
use marine_air::{Limits, Script};
use serde_json::json;

use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::ui::{Ui, count};

/// Tools for AIR scripts.
///
/// Tools for scripts written in AIR.
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Examples:
  marine air check hello.air
  marine air fmt hello.air
  cat hello.air | marine air check --deny warnings -"
)]
pub(crate) struct Air {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Parse and check scripts, and show what is wrong where
    Check(Check),
    /// Bring scripts into the usual form
    Fmt(Format),
}

#[derive(Debug, Args)]
struct Check {
    /// The scripts (- is standard input)
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Count these as errors
    #[arg(long)]
    deny: Option<Deny>,
}

#[derive(Debug, Args)]
struct Format {
    /// The scripts (- formats standard input to standard output)
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Change nothing; end with code 3 if something would change
    #[arg(long)]
    check: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Deny {
    Warnings,
}

impl Air {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        match self.action {
            Action::Check(check) => check.run(ui),
            Action::Fmt(format) => format.run(ui),
        }
    }
}

impl Check {
    fn run(self, ui: Ui) -> Outcome {
        let (mut errors, mut warnings) = (0, 0);
        for path in &self.files {
            let text = read(path)?;
            let parsed = Script::parse(&text, &Limits::default());
            for diagnostic in parsed.diagnostics() {
                match diagnostic.severity {
                    Severity::Error => errors += 1,
                    Severity::Warning => warnings += 1,
                }
                ui.result(render(path, &text, diagnostic));
                ui.document("air.diagnostic", document(path, &text, diagnostic));
            }
        }
        ui.note(format_args!(
            "{} checked: {}, {}",
            count(self.files.len(), "script"),
            count(errors, "error"),
            count(warnings, "warning")
        ));
        let denied = errors > 0 || (self.deny.is_some() && warnings > 0);
        Ok(if denied { Exit::Findings } else { Exit::Done })
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

impl Format {
    fn run(self, ui: Ui) -> Outcome {
        let mut exit = Exit::Done;
        for path in &self.files {
            let text = read(path)?;
            let (tree, diagnostics) = parse(&text, &Limits::default());
            let errors: Vec<_> =
                diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).collect();
            if !errors.is_empty() {
                // A broken script has no usual form; guessing one could hide the mistake.
                errors.iter().for_each(|diagnostic| ui.result(render(path, &text, diagnostic)));
                exit = Exit::Findings;
                continue;
            }
            let formatted = format(&tree);
            match (path.as_os_str() == "-", formatted == text) {
                (true, _) if !self.check => ui.result(formatted.trim_end()),
                (_, true) => {}
                (_, false) if self.check => {
                    ui.result(path.display());
                    exit = Exit::Findings;
                }
                (_, false) => std::fs::write(path, formatted)
                    .or_fail(Exit::Usage, format_args!("cannot write `{}`", path.display()))?,
            }
        }
        Ok(exit)
    }
}

/// The source around a finding, as rustc shows it.
pub(crate) fn render(path: &Path, text: &str, diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let name = path.display().to_string();
    let primary = AnnotationKind::Primary.span(diagnostic.primary.span.range()).label(diagnostic.primary.text.as_str());
    let mut snippet = Snippet::source(text).path(name).annotation(primary);
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

fn read(path: &Path) -> Outcome<String> {
    let mut text = String::new();
    let read = match path.as_os_str() == "-" {
        true => std::io::stdin().read_to_string(&mut text).map(|_| text),
        false => std::fs::read_to_string(path),
    };
    read.or_fail(Exit::Usage, format!("cannot read the script `{}`", path.display()))
}
