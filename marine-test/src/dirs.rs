//! Places for one test: what it writes is seen by nobody else, and gone afterwards.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use marine_manifest::{Dir, Mode};
use marine_runtime::{ServiceSpec, TempTree};

use crate::start::StartFailure;

/// The directory of one test, in which its volumes and its copies lie.
#[derive(Debug)]
pub(crate) struct Places {
    dir: TempTree,
}

impl Places {
    pub(crate) fn new() -> Result<Places, StartFailure> {
        let dir = TempTree::new("marine-test-");
        dir.map(|dir| Places { dir }).map_err(failed(&std::env::temp_dir()))
    }

    /// Where volumes and stores are kept.
    pub(crate) fn volumes(&self) -> PathBuf {
        self.dir.path().join("volumes")
    }

    /// Lets `spec` write to copies of the host's directories instead of to themselves. Modules that share one share the copy.
    pub(crate) fn divert(&self, spec: &mut ServiceSpec) -> Result<(), StartFailure> {
        let mut copies: HashMap<PathBuf, PathBuf> = HashMap::new();
        let writable: Vec<PathBuf> =
            host_dirs(spec).filter(|(_, mode)| **mode == Mode::ReadWrite).map(|(path, _)| path.clone()).collect();
        for path in writable {
            if !copies.contains_key(&path) {
                let copy = self.dir.path().join(format!("copy-{}", copies.len()));
                fs::create_dir_all(&copy).map_err(failed(&copy))?;
                // What is missing and may be made is made empty; what is missing otherwise is reported when the service is built.
                if path.is_dir() {
                    copy_dir(&path, &copy).map_err(failed(&path))?;
                }
                copies.insert(path.clone(), copy);
            }
        }
        for (path, _) in host_dirs(spec) {
            if let Some(copy) = copies.get(path) {
                path.clone_from(copy);
            }
        }
        Ok(())
    }
}

/// The host's directories that modules are granted, readers of a written one included.
fn host_dirs(spec: &mut ServiceSpec) -> impl Iterator<Item = (&mut PathBuf, &mut Mode)> {
    let dirs = spec.modules.iter_mut().flat_map(|module| module.grants.dirs.values_mut());
    dirs.filter_map(|dir| match dir {
        Dir::Host { path, mode, create } if *create || path.is_dir() => Some((path, mode)),
        _ => None,
    })
}

/// Copies the files below `from`; links are copied as links. A list of directories instead of recursion: trees may be deep.
fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    let mut left = vec![(from.to_path_buf(), to.to_path_buf())];
    while let Some((from, to)) = left.pop() {
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            let (source, target) = (entry.path(), to.join(entry.file_name()));
            let kind = entry.file_type()?;
            if kind.is_dir() {
                fs::create_dir(&target)?;
                left.push((source, target));
            } else if kind.is_symlink() {
                link(&source, &target)?;
            } else if kind.is_file() {
                fs::copy(&source, &target)?;
            }
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(fs::read_link(from)?, to)
}

#[cfg(not(unix))]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to).map(drop)
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> StartFailure {
    let path = path.display().to_string();
    move |cause| StartFailure::Place { path, cause }
}
