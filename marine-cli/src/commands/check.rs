//! `marine check`: whether a service would build and link, without writing its outputs.

use std::path::{Path, PathBuf};

use clap::Args;
use marine_air::syntax::Severity;
use marine_air::{Limits, Script};
use marine_aqua::Sources;
use marine_build::Profile;
use serde_json::json;

use crate::aqua::{Disk, Program, Report, WithService};
use crate::commands::air;
use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::project::{self, Built};
use crate::selection::Selection;
use crate::ui::{Ui, count};

/// How deep scripts are looked for, and how many are checked.
const DEPTH: usize = 4;
const SCRIPTS: usize = 1_000;

/// Check a service without writing anything.
///
/// Compiles the modules for the Wasm target, reads the manifest, checks that the modules fit together, and checks the AIR scripts and the
/// Aqua programs of the project, these against the services as they are now. Components, blueprint and declarations are thrown away; only
/// cargo keeps what it compiled. Ends with code 3 if anything is wrong.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine check
  marine check shop/Marine.toml
  marine check -p till                    only this module
  marine check --no-link -- --features cards")]
pub(crate) struct Check {
    /// A Marine.toml, a Cargo.toml or a directory
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Do not check that the modules fit together
    #[arg(long)]
    no_link: bool,
    #[command(flatten)]
    selection: Selection,
}

impl Check {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let mut findings = 0;
        for path in self.selection.members(&self.path)? {
            findings += self.check(&path, ui)?;
        }
        ui.document("check.finished", json!({ "findings": findings }));
        match findings {
            0 => ui.status("Checked", "nothing wrong was found"),
            some => ui.note(format_args!("{} found", count(some, "problem"))),
        }
        Ok(if findings == 0 { Exit::Done } else { Exit::Findings })
    }

    /// How many problems there are; each has been shown.
    fn check(&self, path: &Path, ui: Ui) -> Outcome<usize> {
        let mut findings = 0;
        let mut found = |failure: Failure| match failure.exit {
            // What a check is there to find.
            Exit::Build | Exit::Manifest => {
                ui.failure(&failure);
                findings += 1;
                Ok(())
            }
            _ => Err(failure),
        };
        let compiled = match self.compile(path, ui) {
            Ok(built) => built,
            Err(failure) => {
                found(failure)?;
                None
            }
        };
        if let Some(built) = compiled.as_ref().filter(|_| !self.no_link) {
            match built.link() {
                Ok(plan) => {
                    project::show_warnings(&plan, ui);
                    ui.status("Linked", format_args!("{} ({})", built.name(), count(plan.modules().count(), "module")));
                }
                Err(failure) => found(failure)?,
            }
        }
        let dir = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) };
        Ok(findings + scripts(dir, ui)? + programs(dir, compiled.as_ref(), ui)?)
    }

    /// The service of the path, in a directory that is gone afterwards; `None` if there are modules only.
    fn compile(&self, path: &Path, ui: Ui) -> Outcome<Option<Built>> {
        let scratch = tempfile::tempdir().or_fail(Exit::Unexpected, "cannot make a temporary directory")?;
        let mut request = project::request(path, Profile::Dev)?;
        request.out_dir = Some(scratch.path().to_path_buf());
        self.selection.apply(&mut request);
        let progress = ui.progress("Checking");
        let output = project::build(&request, &progress, ui)?;
        if output.service.is_none() {
            return Ok(None);
        }
        // The files are needed until the service is linked.
        Built::of(output).map(|built| Some(built.keeping(scratch)))
    }
}

/// Checks every AIR script below `dir`; returns how many have errors.
fn scripts(dir: &Path, ui: Ui) -> Outcome<usize> {
    let mut broken = 0;
    for path in find(dir, "air") {
        let text = std::fs::read_to_string(&path).or_fail(Exit::Usage, format!("cannot read `{}`", path.display()))?;
        let parsed = Script::parse(&text, &Limits::default());
        for diagnostic in parsed.diagnostics() {
            ui.result(air::render(&path, &text, diagnostic));
            ui.document("air.diagnostic", air::document(&path, &text, diagnostic));
        }
        broken += usize::from(parsed.diagnostics().iter().any(|diagnostic| diagnostic.severity == Severity::Error));
    }
    Ok(broken)
}

/// Checks every Aqua program below `dir`, against the service that was built; returns how many have errors.
fn programs(dir: &Path, built: Option<&Built>, ui: Ui) -> Outcome<usize> {
    let files = find(dir, "aqua");
    if files.is_empty() {
        return Ok(0);
    }
    let options = Program::default().options()?;
    let service: Box<dyn Sources> = match built {
        Some(built) => Box::new(WithService {
            manifest: built.manifest.path.clone(),
            facade: built.wasm(built.manifest.facade())?.to_path_buf(),
        }),
        None => Box::new(Disk),
    };
    let (mut report, mut broken) = (Report::default(), 0);
    for path in files {
        let path = path.strip_prefix(".").unwrap_or(&path).to_string_lossy();
        let output = marine_aqua::compile(&path, &*service, &options);
        report.show(ui, &output.checked, &output.diagnostics);
        broken += usize::from(output.has_errors());
    }
    Ok(broken)
}

/// Files with that extension in `dir` and below it, those of outputs and hidden directories apart.
pub(crate) fn find(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let (mut found, mut left) = (Vec::new(), vec![(dir.to_path_buf(), 0)]);
    while let Some((dir, depth)) = left.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let hidden = name.to_string_lossy().starts_with('.') || name == "target" || name == "node_modules";
            if is_dir && !hidden && depth < DEPTH {
                left.push((path, depth + 1));
            } else if !is_dir && path.extension().is_some_and(|found| found == extension) && found.len() < SCRIPTS {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
