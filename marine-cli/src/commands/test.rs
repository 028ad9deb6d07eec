//! `marine test`: a service's own tests, and its transcripts.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use marine_build::Profile;
use marine_manifest::{Manifest, Source};
use marine_runtime::TempTree;
use serde_json::json;

use crate::commands::check;
use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::project;
use crate::repl::{self, Composition, Extra, Input, Options, Session};
use crate::ui::{Ui, count};

/// Run the tests of a service.
///
/// Builds the service once, runs cargo's tests of its packages, then every transcript (`*.repl`) of the project against a fresh
/// instance with empty volumes. Ends with code 3 if a test fails, 10 if something does not compile.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine test
  marine test greets                      tests and transcripts whose names contain this
  marine test -- --nocapture              the rest is for the test programs
  marine test --transcripts --update      rewrite transcripts with what is printed now")]
pub(crate) struct Test {
    /// Run only tests and transcripts whose name contains this
    filter: Option<String>,
    /// The manifest, instead of the nearest one
    #[arg(short, long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Run transcripts only
    #[arg(long)]
    transcripts: bool,
    /// Rewrite transcripts with what is printed now
    #[arg(long)]
    update: bool,
    /// Go on after a transcript that differs
    #[arg(long)]
    keep_going: bool,
    /// Arguments for the test programs
    #[arg(last = true, value_name = "ARGS")]
    rest: Vec<String>,
}

impl Test {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let path = match &self.manifest {
            Some(path) => path.clone(),
            None => project::nearest()?,
        };
        let mut exit = Exit::Done;
        for path in project::members(&path)? {
            let one = self.service(&path, ui)?;
            if exit == Exit::Done {
                exit = one;
            }
        }
        ui.document("test.finished", json!({ "passed": exit == Exit::Done }));
        Ok(exit)
    }

    fn service(&self, path: &Path, ui: Ui) -> Outcome {
        let progress = ui.progress("Building");
        let built = project::build_service(Some(path), Profile::Dev, &progress, ui)?;
        drop(progress);
        let mut exit = Exit::Done;
        if !self.transcripts {
            for dir in packages(&built.manifest) {
                self.cargo(&dir, &["--no-run"], ui).map_err(|failure| Failure { exit: Exit::Build, ..failure })?;
                if let Err(failure) = self.cargo(&dir, &[], ui) {
                    ui.failure(&failure);
                    exit = Exit::Findings;
                }
            }
        }
        let transcripts = self.replay(path, &built.manifest.dir, ui)?;
        Ok(if exit == Exit::Done { transcripts } else { exit })
    }

    /// One call of cargo test. What it prints on standard output is no result of ours when programs read.
    fn cargo(&self, dir: &Path, more: &[&str], ui: Ui) -> Outcome<()> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(dir).args(["test", "--workspace"]).args(more).stdin(Stdio::null());
        if ui.quiet || (!more.is_empty() && ui.verbose == 0) {
            cargo.arg("--quiet");
        }
        if more.is_empty() {
            cargo.args(self.filter.as_deref());
            if !self.rest.is_empty() {
                cargo.arg("--").args(&self.rest);
            }
        }
        if ui.json {
            cargo.stdout(std::io::stderr());
        }
        let status = cargo.status().or_fail(Exit::Tool, "cannot run cargo")?;
        let passed = status.success();
        if more.is_empty() || !passed {
            ui.document("test.cargo", json!({ "directory": dir, "passed": passed }));
        }
        match passed {
            true => Ok(()),
            false => Err(Failure::new(Exit::Findings, format!("`cargo test` in `{}` failed", dir.display()))),
        }
    }

    fn replay(&self, manifest: &Path, dir: &Path, ui: Ui) -> Outcome {
        let name = |path: &PathBuf| path.strip_prefix(dir).unwrap_or(path).display().to_string();
        let wanted = |path: &PathBuf| self.filter.as_ref().is_none_or(|filter| name(path).contains(filter.as_str()));
        let transcripts: Vec<PathBuf> = check::find(dir, "repl").into_iter().filter(wanted).collect();
        let mut failed = 0;
        for path in &transcripts {
            let volumes =
                TempTree::new("marine-test-").or_fail(Exit::Unexpected, "cannot make a temporary directory")?;
            let composition = Composition::from_sources(&[manifest.to_path_buf()])?
                .with_extra(Extra::Test)
                .with_volumes(volumes.path().to_path_buf());
            let mut session = Session::start(composition, false, Ui { quiet: true, ..ui })?;
            let options = Options { keep_going: self.keep_going, update: self.update, record: None };
            let exit = repl::run(&mut session, Input::Script(path.clone()), &options)?;
            failed += usize::from(exit != Exit::Done);
            ui.status(if exit == Exit::Done { "Passed" } else { "Failed" }, name(path));
        }
        if failed > 0 {
            ui.note(format_args!(
                "{failed} of {} failed; `marine test --update` takes what is printed now",
                count(transcripts.len(), "transcript")
            ));
        }
        Ok(if failed == 0 { Exit::Done } else { Exit::Findings })
    }
}

/// Where cargo runs: the manifest's own directory if there is a Cargo project, else the directory of every package.
fn packages(manifest: &Manifest) -> Vec<PathBuf> {
    if manifest.dir.join("Cargo.toml").is_file() {
        return vec![manifest.dir.clone()];
    }
    let mut dirs: Vec<PathBuf> = Vec::new();
    for module in &manifest.modules {
        let Source::Crate(path) = &module.source else { continue };
        let dir = manifest.dir.join(path);
        if dir.join("Cargo.toml").is_file() && !dirs.contains(&dir) {
            dirs.push(dir);
        }
    }
    dirs
}
