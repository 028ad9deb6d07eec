//! Directories that guests fill: removed without trust in how they are nested.
//!
//! A guest can nest directories as deep as it has entries, tens of thousands, by moving one chain to the end of another. Removed by recursion,
//! as the standard library does, each level costs an open file and a part of the stack: the process runs out of the one or the other.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

/// How often a directory is gone through at most: as often as there may be levels, and somebody may add some meanwhile.
const MAX_PASSES: u32 = 1 << 20;

/// Removes the directory at `path` with all that is in it, however deep, and follows no link out of it. It is no error if it is not there.
///
/// # Errors
/// Something cannot be removed; some of the rest may be left, too.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    let dir = match fs::symlink_metadata(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
        Ok(about) if !about.is_dir() => return fs::remove_file(path),
        about => about.and_then(|_| Dir::open_ambient_dir(path, ambient_authority()))?,
    };
    let mut moved = Moved::new()?;
    for _ in 0..MAX_PASSES {
        if remove_top(&dir, &mut moved)? {
            continue;
        }
        match fs::remove_dir(path) {
            Err(cause) if cause.kind() == ErrorKind::DirectoryNotEmpty => {}
            removed => return removed,
        }
    }
    Err(io::Error::other("it is filled while it is removed"))
}

/// Names that nothing in a directory has.
struct Moved {
    random: u128,
    number: u64,
}

impl Moved {
    fn new() -> io::Result<Moved> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|cause| io::Error::other(cause.to_string()))?;
        Ok(Moved { random: u128::from_le_bytes(random), number: 0 })
    }

    fn name(&mut self) -> String {
        self.number += 1;
        format!("{:032x}-{}", self.random, self.number)
    }
}

/// Removes the entries of `dir`, of which directories leave their own directories beside them; says whether there were any.
fn remove_top(dir: &Dir, moved: &mut Moved) -> io::Result<bool> {
    let mut any = false;
    for entry in dir.entries()? {
        let entry = entry?;
        any = true;
        let name = entry.file_name();
        if !entry.file_type()?.is_dir() {
            unless_gone(dir.remove_file(&name))?;
            continue;
        }
        let inner = match dir.open_dir(&name) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => continue,
            inner => inner?,
        };
        for entry in inner.entries()? {
            let entry = entry?;
            unless_gone(match entry.file_type()?.is_dir() {
                true => inner.rename(entry.file_name(), dir, moved.name()),
                false => inner.remove_file(entry.file_name()),
            })?;
        }
        drop(inner);
        unless_gone(dir.remove_dir(&name))?;
    }
    Ok(any)
}

/// Who still uses a directory may rename and remove what is in it, and reading one that changes may miss entries: the next pass sees them.
fn unless_gone(done: io::Result<()>) -> io::Result<()> {
    done.or_else(|cause| match cause.kind() {
        ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty => Ok(()),
        _ => Err(cause),
    })
}

/// A temporary directory for guests, removed when it is dropped.
#[derive(Debug)]
pub struct TempTree(PathBuf);

impl TempTree {
    /// A new one in the system's place for such directories, whose name begins with `prefix`.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(prefix: &str) -> io::Result<TempTree> {
        Ok(TempTree(tempfile::Builder::new().prefix(prefix).tempdir()?.keep()))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempTree {
    fn drop(&mut self) {
        if let Err(error) = remove_tree(&self.0) {
            tracing::warn!(dir = %self.0.display(), %error, "cannot remove a temporary directory");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Directories in each other, so many, with a file in each.
    fn nest(dir: &Path, levels: usize) {
        let mut at = Dir::open_ambient_dir(dir, ambient_authority()).unwrap();
        for _ in 0..levels {
            at.write("file", "x").unwrap();
            at.create_dir("inner").unwrap();
            at = at.open_dir("inner").unwrap();
        }
    }

    #[test]
    fn deep_trees_are_removed() {
        let tree = TempTree::new("marine-test-").unwrap();
        nest(tree.path(), 20_000);
        fs::create_dir_all(tree.path().join("a/b/c")).unwrap();
        let path = tree.path().to_owned();
        drop(tree);
        assert!(!path.exists());
        remove_tree(&path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_are_removed_and_what_they_lead_to_stays() {
        let (tree, other) = (TempTree::new("marine-test-").unwrap(), TempTree::new("marine-test-").unwrap());
        fs::write(other.path().join("kept"), "x").unwrap();
        fs::create_dir(tree.path().join("dir")).unwrap();
        for link in ["link", "dir/link"] {
            std::os::unix::fs::symlink(other.path(), tree.path().join(link)).unwrap();
        }
        remove_tree(tree.path()).unwrap();
        assert!(other.path().join("kept").exists() && !tree.path().exists());
        let link = other.path().join("link");
        std::os::unix::fs::symlink(".", &link).unwrap();
        remove_tree(&link).unwrap();
        assert!(other.path().join("kept").exists() && !link.exists());
    }
}
