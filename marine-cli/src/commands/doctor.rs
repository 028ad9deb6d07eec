//! `marine doctor`: whether everything is there that Marine needs.

use std::fs;
use std::path::Path;

use clap::Args;
use marine_build::toolchain::{Status, TARGET};
use marine_manifest::Manifest;
use serde_json::json;

use crate::exit::{Exit, Outcome};
use crate::paths;
use crate::toolchain;
use crate::ui::{Ui, count};

/// Check what Marine needs on this machine.
///
/// Looks at the compiler, the Wasm target, Marine's own directories and the nearest manifest; says what to do about each finding.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine doctor
  marine doctor --json")]
pub(crate) struct Doctor {}

/// What one check found.
struct Finding {
    subject: &'static str,
    /// What is there, or what is wrong and what to do.
    state: Result<String, Trouble>,
}

struct Trouble {
    what: String,
    remedy: String,
}

impl Doctor {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let status = toolchain::status()?;
        let findings = [
            rust(&status),
            target(&status),
            directory("cache", paths::cache()?),
            directory("data", paths::data()?),
            manifest(),
        ];
        for Finding { subject, state } in &findings {
            match state {
                Ok(fine) => {
                    ui.result(format_args!("ok       {subject:<9} {fine}"));
                    ui.document("doctor", json!({ "subject": subject, "ok": true, "state": fine }));
                }
                Err(Trouble { what, remedy }) => {
                    ui.result(format_args!("problem  {subject:<9} {what}\n         {:<9} -> {remedy}", ""));
                    ui.document("doctor", json!({ "subject": subject, "ok": false, "state": what, "remedy": remedy }));
                }
            }
        }
        let healthy = findings.iter().all(|finding| finding.state.is_ok());
        Ok(if healthy { Exit::Done } else { Exit::Findings })
    }
}

fn rust(status: &Status) -> Finding {
    let state = status.rustc.clone().map_err(|what| Trouble {
        what,
        remedy: "install Rust from https://rustup.rs or from your distribution".into(),
    });
    Finding { subject: "rust", state }
}

fn target(status: &Status) -> Finding {
    let state = status.ready.map(|way| format!("{TARGET}, by {way}")).ok_or_else(|| Trouble {
        what: format!("{TARGET} is not there yet"),
        remedy: if status.may_provision { "marine toolchain install" } else { "rustup target add wasm32-wasip1" }
            .into(),
    });
    Finding { subject: "target", state }
}

/// Whether we may write where we keep things, without leaving anything there.
fn directory(subject: &'static str, path: std::path::PathBuf) -> Finding {
    let state = writable(&path).map(|()| path.display().to_string()).map_err(|error| Trouble {
        what: format!("cannot write to `{}`: {error}", path.display()),
        remedy: match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                format!("make it yours: chown -R \"$USER\" {}", path.display())
            }
            _ => format!("let MARINE_{}_DIR name a directory that can be written", subject.to_uppercase()),
        },
    });
    Finding { subject, state }
}

fn writable(path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(path)?;
    let probe = path.join(format!(".probe-{}", std::process::id()));
    fs::write(&probe, [])?;
    fs::remove_file(&probe)
}

fn manifest() -> Finding {
    let nearest = std::env::current_dir().ok().and_then(Manifest::find);
    let state = match nearest {
        None => Ok("none here; `marine new NAME` starts a service".to_string()),
        Some(path) => match Manifest::read(&path) {
            Ok(manifest) => Ok(format!("{} ({})", path.display(), count(manifest.modules.len(), "module"))),
            Err(errors) => Err(Trouble { what: errors.to_string(), remedy: format!("correct {}", path.display()) }),
        },
    };
    Finding { subject: "manifest", state }
}
