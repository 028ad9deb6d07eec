//! Modules in other languages, made by the command that the manifest gives.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use marine_manifest::{Manifest, ModuleEntry, Source};

use crate::command::{clean_command, shown, stream};
use crate::error::BuildError;
use crate::event::BuildEvent;

/// The most files that are looked at to see whether something is newer than a component; beyond, it counts as outdated.
const MAX_FILES: usize = 20_000;
/// Directories that hold what others made.
const MADE: [&str; 3] = ["target", "node_modules", "__pycache__"];

/// Runs the commands of the modules that have one and are missing or older than what lies beside the manifest; where commands may
/// not be `run`, what is outdated is told and what is missing is an error. What lies in `outputs` is written by builds, and makes
/// nothing outdated.
pub(crate) fn make(
    manifest: &Manifest,
    outputs: &[&Path],
    run: bool,
    events: &mut dyn FnMut(BuildEvent<'_>),
) -> Result<(), BuildError> {
    let outputs: Vec<_> = outputs.iter().filter_map(|path| std::path::absolute(path).ok()).collect();
    for entry in &manifest.modules {
        if let (Source::Wasm(wasm), [program, args @ ..]) = (&entry.source, entry.build.as_slice())
            && is_outdated(wasm, &manifest.dir, &outputs)
        {
            if !run {
                if !wasm.is_file() {
                    return Err(BuildError::NotMade { module: entry.name.clone(), wasm: wasm.clone() });
                }
                events(BuildEvent::Outdated { module: &entry.name });
                continue;
            }
            run_command(entry, program, args, &manifest.dir, events)?;
            if !wasm.is_file() {
                return Err(failed(entry, &entry.build.join(" "), format!("it made no {}", wasm.display())));
            }
            touch(wasm);
        }
    }
    Ok(())
}

fn run_command(
    entry: &ModuleEntry,
    program: &str,
    args: &[String],
    dir: &Path,
    events: &mut dyn FnMut(BuildEvent<'_>),
) -> Result<(), BuildError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // `./make.sh` is meant beside the manifest, wherever the build was started.
    let beside = dir.join(program);
    let program = if program.contains('/') && beside.is_file() { beside.as_path() } else { Path::new(program) };
    let mut command = clean_command(program, &path);
    command.args(args).current_dir(dir);
    let line = shown(&command);
    events(BuildEvent::Command { module: &entry.name, command: &line });
    match stream(command, &mut |line| events(BuildEvent::Cargo(line))) {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(entry, &line, format!("{status}, see its messages above"))),
        Err(cause) => Err(failed(entry, &line, format!("it cannot be started: {cause}"))),
    }
}

fn failed(entry: &ModuleEntry, command: &str, why: String) -> BuildError {
    BuildError::Command { module: entry.name.clone(), command: command.to_owned(), why }
}

/// Whether a component is missing, or something beside the manifest is newer.
fn is_outdated(wasm: &Path, dir: &Path, outputs: &[PathBuf]) -> bool {
    match fs::metadata(wasm).and_then(|meta| meta.modified()) {
        Ok(made) => newer_exists(dir, made, outputs),
        Err(_) => true,
    }
}

fn newer_exists(dir: &Path, made: SystemTime, outputs: &[PathBuf]) -> bool {
    let mut dirs = vec![dir.to_path_buf()];
    let mut seen = 0;
    while let Some(dir) = dirs.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for entry in entries.flatten() {
            seen += 1;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path();
            if name.starts_with('.')
                || MADE.contains(&name.as_ref())
                || name.ends_with(".wasm")
                || outputs.contains(&path)
            {
                continue;
            }
            if kind.is_dir() {
                dirs.push(path);
            } else if seen > MAX_FILES
                || entry.metadata().and_then(|meta| meta.modified()).is_ok_and(|time| time > made)
            {
                return true;
            }
        }
    }
    false
}

/// What a command found unchanged is as good as made now.
fn touch(wasm: &Path) {
    // Where the time cannot be set, the command runs once more next time.
    let _ = fs::File::options().append(true).open(wasm).and_then(|file| file.set_modified(SystemTime::now()));
}
