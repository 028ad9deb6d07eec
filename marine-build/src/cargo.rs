//! One cargo call: its messages pass through, its artifacts are collected.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use cargo_metadata::{CompilerMessage, Message};

use crate::build::BuildRequest;
use crate::command::{send_lines, shown};
use crate::error::BuildError;
use crate::event::{BuildEvent, Diagnostic};
use crate::project::CrateModule;
use crate::toolchain::{TARGET, Toolchain};

/// How many of cargo's last lines an error keeps.
const LAST_LINES: usize = 40;

/// A target that cargo built or found up to date.
#[derive(Debug)]
pub(crate) struct Artifact {
    pub(crate) package_id: String,
    pub(crate) target: String,
    pub(crate) wasm: PathBuf,
}

/// What arrives from the two threads that read cargo's pipes.
enum Line {
    Stderr(String),
    Artifact(Artifact),
    Diagnostic(Diagnostic),
}

/// Builds the packages of `modules`, which belong to one workspace.
pub(crate) fn build(
    request: &BuildRequest,
    toolchain: &Toolchain,
    dir: &Path,
    modules: &[&CrateModule],
    target_dir: &Path,
    events: &mut dyn FnMut(BuildEvent<'_>),
) -> Result<Vec<Artifact>, BuildError> {
    let mut cargo = command(request, toolchain.cargo(dir), modules, target_dir);
    cargo.stdout(Stdio::piped()).stderr(Stdio::piped());
    let line = shown(&cargo);
    let mut child = cargo.spawn().map_err(BuildError::io("run", "cargo"))?;
    let (to, lines) = mpsc::channel();
    read_messages(child.stdout.take(), to.clone());
    send_lines(child.stderr.take(), to, Line::Stderr);

    let mut artifacts = Vec::new();
    let mut last = std::collections::VecDeque::with_capacity(LAST_LINES);
    let mut said = |text: &str, events: &mut dyn FnMut(BuildEvent<'_>)| {
        events(BuildEvent::Cargo(text));
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(text.to_owned());
    };
    for line in lines {
        match line {
            Line::Artifact(artifact) => artifacts.push(artifact),
            Line::Stderr(text) => said(&text, events),
            Line::Diagnostic(diagnostic) => {
                events(BuildEvent::Diagnostic(&diagnostic));
                diagnostic.rendered.lines().for_each(|line| said(line, events));
            }
        }
    }
    let status = child.wait().map_err(BuildError::io("wait for", "cargo"))?;
    if status.success() {
        return Ok(artifacts);
    }
    let last = Vec::from(last).join("\n");
    Err(BuildError::Cargo { status: status.to_string(), command: line, last })
}

fn command(request: &BuildRequest, mut cargo: Command, modules: &[&CrateModule], target_dir: &Path) -> Command {
    let (format, color) = match request.color {
        true => ("json,json-diagnostic-rendered-ansi", "always"),
        false => ("json", "never"),
    };
    cargo.arg("build").args(["--message-format", format, "--color", color]);
    cargo.args(["--profile", request.profile.cargo_name()]);
    if let Some(module) = modules.first() {
        cargo.arg("--manifest-path").arg(module.workspace_root.join("Cargo.toml"));
    }
    let mut packages: Vec<&str> = modules.iter().map(|module| module.package_id.as_str()).collect();
    packages.sort_unstable();
    packages.dedup();
    for package in packages {
        cargo.args(["-p", package]);
    }
    cargo.args(["--target", TARGET]).arg("--target-dir").arg(target_dir).args(&request.cargo_args);
    cargo
}

fn read_messages(pipe: Option<impl Read + Send + 'static>, to: mpsc::Sender<Line>) {
    let Some(pipe) = pipe else { return };
    thread::spawn(move || {
        for message in Message::parse_stream(BufReader::new(pipe)).map_while(Result::ok) {
            let line = match message {
                Message::CompilerArtifact(artifact) => made(artifact).map(Line::Artifact),
                Message::CompilerMessage(message) => Some(Line::Diagnostic(found(message))),
                _ => None,
            };
            // The receiver lives until both pipes end.
            if let Some(line) = line {
                let _ = to.send(line);
            }
        }
    });
}

fn made(artifact: cargo_metadata::Artifact) -> Option<Artifact> {
    let wasm = artifact.filenames.into_iter().find(|file| file.extension() == Some("wasm"))?;
    Some(Artifact { package_id: artifact.package_id.repr, target: artifact.target.name, wasm: wasm.into() })
}

fn found(CompilerMessage { message, .. }: CompilerMessage) -> Diagnostic {
    let place = message.spans.iter().find(|span| span.is_primary);
    Diagnostic {
        level: serde_json::to_value(message.level)
            .ok()
            .and_then(|level| Some(level.as_str()?.to_owned()))
            .unwrap_or_default(),
        code: message.code.map(|code| code.code),
        place: place.map(|span| (span.file_name.clone(), span.line_start, span.column_start)),
        rendered: message.rendered.unwrap_or_else(|| message.message.clone()),
        message: message.message,
    }
}
