//! `marine doctor`: whether everything is there that Marine needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use marine_build::toolchain::{INSTALL_C_COMPILER, Status, TARGET};
use marine_manifest::{Manifest, OLD_FILE_NAME, Project};
use serde_json::json;

use crate::exit::{Exit, Outcome};
use crate::paths;
use crate::toolchain;
use crate::ui::{Ui, count, size};

/// The most files that are counted when a directory is measured.
const MAX_FILES: usize = 100_000;

/// Check what Marine needs on this machine.
///
/// Looks at the compilers, the Wasm target, Marine's own directories, the clock and the nearest manifest; says what to do about each
/// finding. With `--fix` it does what can be done: provides the target and makes directories. Ends with code 3 if something is wrong.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine doctor
  marine doctor --fix
  marine doctor --json")]
pub(crate) struct Doctor {
    /// Do what can be done about the findings
    #[arg(long)]
    fix: bool,
}

/// What one check found.
struct Finding {
    subject: &'static str,
    /// What is there, or what is wrong and what to do.
    state: Result<String, Trouble>,
}

struct Trouble {
    what: String,
    remedy: String,
    fix: Option<fn(Ui) -> Outcome<()>>,
}

impl Doctor {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let mut findings = examine()?;
        if self.fix {
            let fixable: Vec<_> = findings.iter().filter_map(|finding| finding.state.as_ref().err()?.fix).collect();
            if !fixable.is_empty() {
                for fix in fixable {
                    fix(ui)?;
                }
                findings = examine()?;
            }
        }
        for Finding { subject, state } in &findings {
            match state {
                Ok(fine) => {
                    ui.result(format_args!("ok       {subject:<9} {fine}"));
                    ui.document("doctor", json!({ "subject": subject, "ok": true, "state": fine }));
                }
                Err(Trouble { what, remedy, fix }) => {
                    ui.result(format_args!("problem  {subject:<9} {what}\n         {:<9} -> {remedy}", ""));
                    ui.document(
                        "doctor",
                        json!({ "subject": subject, "ok": false, "state": what, "remedy": remedy, "fixable": fix.is_some() }),
                    );
                }
            }
        }
        let healthy = findings.iter().all(|finding| finding.state.is_ok());
        Ok(if healthy { Exit::Done } else { Exit::Findings })
    }
}

fn examine() -> Outcome<Vec<Finding>> {
    let status = toolchain::status()?;
    Ok(vec![
        rust(&status),
        target(&status),
        c_code(&status),
        directory("cache", paths::cache()?, |path| format!("{} ({})", path.display(), size(bytes_in(path)))),
        directory("data", paths::data()?, |path| path.display().to_string()),
        clock(),
        manifest(),
    ])
}

fn rust(status: &Status) -> Finding {
    let state = status.rustc.clone().map_err(|what| Trouble {
        what,
        remedy: "install Rust from https://rustup.rs or from your distribution".into(),
        fix: None,
    });
    Finding { subject: "rust", state }
}

fn target(status: &Status) -> Finding {
    let state = status.ready.map(|way| format!("{TARGET}, by {way}")).ok_or_else(|| match status.may_provision {
        true => Trouble {
            what: format!("{TARGET} is not there yet"),
            remedy: "marine toolchain install".into(),
            fix: Some(|ui| {
                let progress = ui.progress("Providing the Wasm target");
                toolchain::provision(&progress).map(drop)
            }),
        },
        false => Trouble {
            what: format!("{TARGET} is not there yet"),
            remedy: "rustup target add wasm32-wasip1".into(),
            fix: None,
        },
    });
    Finding { subject: "target", state }
}

/// Most modules have no C code, so nothing is wrong without a compiler for it.
fn c_code(status: &Status) -> Finding {
    let state = match &status.c_compiler {
        Some(compiler) => format!("for modules that contain some: {compiler}"),
        None => format!("no compiler; only modules that contain some (SQLite, say) need one: {INSTALL_C_COMPILER}"),
    };
    Finding { subject: "c code", state: Ok(state) }
}

/// Whether we may write where we keep things, without leaving anything there.
fn directory(subject: &'static str, path: PathBuf, describe: impl Fn(&Path) -> String) -> Finding {
    let state = writable(&path).map(|()| describe(&path)).map_err(|error| Trouble {
        what: format!("cannot write to `{}`: {error}", path.display()),
        remedy: match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                format!("make it yours: chown -R \"$USER\" {}", path.display())
            }
            _ => format!("let MARINE_{}_DIR name a directory that can be written", subject.to_uppercase()),
        },
        fix: None,
    });
    Finding { subject, state }
}

fn writable(path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(path)?;
    let probe = path.join(format!(".probe-{}", std::process::id()));
    fs::write(&probe, [])?;
    fs::remove_file(&probe)
}

/// Bytes of the files in `dir` and below it.
fn bytes_in(dir: &Path) -> u64 {
    let (mut bytes, mut files, mut left) = (0u64, 0, vec![dir.to_path_buf()]);
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            files += 1;
            let Ok(about) = entry.metadata() else { continue };
            if files > MAX_FILES {
                return bytes;
            }
            if about.is_dir() {
                left.push(entry.path());
            } else {
                bytes = bytes.saturating_add(about.len());
            }
        }
    }
    bytes
}

/// Particles carry times, and peers refuse those that differ much from their own. Without a network only a clock that is behind this
/// very program can be told.
fn clock() -> Finding {
    let built = std::env::current_exe().and_then(fs::metadata).and_then(|about| about.modified());
    let state = match built {
        Ok(built) if built > SystemTime::now() => Err(Trouble {
            what: "the clock is behind: this program seems to come from the future".into(),
            remedy: "set the clock: timedatectl set-ntp true".into(),
            fix: None,
        }),
        _ => Ok("not behind this program; `marine run` warns if it differs from a node's".into()),
    };
    Finding { subject: "clock", state }
}

fn manifest() -> Finding {
    let here = std::env::current_dir().unwrap_or_default();
    let wrong =
        |path: &Path, what: String| Err(Trouble { what, remedy: format!("correct {}", path.display()), fix: None });
    let state = match Manifest::find(&here) {
        None if here.join(OLD_FILE_NAME).is_file() => Err(Trouble {
            what: format!("there is a {OLD_FILE_NAME} of the predecessor and no Marine.toml"),
            remedy: "marine migrate".into(),
            fix: None,
        }),
        None => Ok("none here; `marine new NAME` starts a service".to_string()),
        Some(path) => match Project::read(&path) {
            Err(errors) => wrong(&path, errors.to_string()),
            Ok(Some(project)) => Ok(format!("{} ({})", path.display(), count(project.members.len(), "service"))),
            Ok(None) => match Manifest::read(&path) {
                Ok(manifest) => Ok(format!("{} ({})", path.display(), count(manifest.modules.len(), "module"))),
                Err(errors) => wrong(&path, errors.to_string()),
            },
        },
    };
    Finding { subject: "manifest", state }
}
