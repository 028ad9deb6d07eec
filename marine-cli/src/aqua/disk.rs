//! [`Disk`]: the compiler's sources are files.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use marine_aqua::{Interface, SourceError, Sources};

use super::interface;
use crate::exit::{Exit, Fail, Outcome};

/// How many files are looked at where all of a folder are wanted.
const MAX_FILES: usize = 10_000;

/// Folders that hold what others wrote, or what was built.
const PASSED_OVER: &[&str] = &["node_modules", "target"];

/// Files on disk; relative paths start in the current directory.
pub(crate) struct Disk;

impl Sources for Disk {
    fn text(&self, path: &str) -> Option<Result<Arc<str>, SourceError>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Some(Ok(text.into())),
            // A path through a file is no path to one.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory) =>
            {
                None
            }
            Err(error) => Some(Err(SourceError { message: error.to_string(), help: None })),
        }
    }

    fn interface(&self, path: &str) -> Result<Arc<Interface>, SourceError> {
        interface::of(path).map(Arc::new)
    }

    fn list(&self, folder: &str, ending: &str) -> Vec<String> {
        let start = if folder.is_empty() { Path::new(".") } else { Path::new(folder) };
        let files = walk(start, ending).into_iter().map(|path| path.to_string_lossy().into_owned());
        files.map(|path| path.strip_prefix("./").map_or(path.clone(), str::to_string)).collect()
    }
}

/// Files on disk, and a service that was just built, but not where builds are looked for.
pub(crate) struct WithService {
    /// The service's manifest.
    pub(crate) manifest: PathBuf,
    /// The component of its facade.
    pub(crate) facade: PathBuf,
}

impl Sources for WithService {
    fn text(&self, path: &str) -> Option<Result<Arc<str>, SourceError>> {
        Disk.text(path)
    }

    fn interface(&self, path: &str) -> Result<Arc<Interface>, SourceError> {
        let is_it = match (Path::new(path).canonicalize(), self.manifest.canonicalize()) {
            (Ok(path), Ok(manifest)) => path == manifest,
            _ => false,
        };
        let path = if is_it { self.facade.to_string_lossy() } else { path.into() };
        Disk.interface(&path)
    }

    fn list(&self, folder: &str, ending: &str) -> Vec<String> {
        Disk.list(folder, ending)
    }
}

/// A file that is compiled, or formatted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// As it is shown.
    pub(crate) path: String,
    /// Its folder, below the folder that was named.
    pub(crate) below: PathBuf,
}

/// The Aqua files that `paths` name: files as they are, folders with all below them. Nothing named means the current directory.
pub(crate) fn entries(paths: &[PathBuf]) -> Outcome<Vec<Entry>> {
    let here = [PathBuf::from(".")];
    let paths = if paths.is_empty() { &here[..] } else { paths };
    let mut found: Vec<Entry> = Vec::new();
    for path in paths {
        let what = std::fs::metadata(path).or_fail(Exit::Usage, format_args!("cannot read `{}`", path.display()))?;
        let files = if what.is_dir() { walk(path, "aqua") } else { vec![path.clone()] };
        for file in files {
            let below = file.parent().and_then(|folder| folder.strip_prefix(path).ok()).map(Path::to_path_buf);
            let text = file.to_string_lossy();
            let entry =
                Entry { path: text.strip_prefix("./").unwrap_or(&text).to_string(), below: below.unwrap_or_default() };
            if !found.iter().any(|other| other.path == entry.path) {
                found.push(entry);
            }
        }
    }
    Ok(found)
}

fn walk(start: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![start.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let hidden = name.to_string_lossy().starts_with('.');
            // Links are not followed: they may lead back.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && !hidden && !PASSED_OVER.iter().any(|passed| name == *passed) {
                folders.push(entry.path());
            } else if kind.is_file() && entry.path().extension().is_some_and(|found| found == ending) {
                files.push(entry.path());
            }
        }
        if files.len() >= MAX_FILES {
            break;
        }
    }
    files.sort();
    files
}
