//! Waiting until sources change.
//!
//! Directories are watched one by one, without those that hold outputs (`target`) or are hidden: watching a tree as a whole would
//! follow every file that cargo writes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::exit::{Exit, Fail, Outcome};

/// How long nothing must happen before a change counts as complete: editors write in several steps.
const QUIET: Duration = Duration::from_millis(150);
/// The most directories that are watched; each takes a handle of the system.
const MAX_DIRECTORIES: usize = 4_096;

/// Some directories with all that lies below them.
pub(crate) struct Watcher {
    watcher: RecommendedWatcher,
    changes: Receiver<PathBuf>,
    roots: Vec<PathBuf>,
    watched: BTreeSet<PathBuf>,
}

impl Watcher {
    /// Starts watching `roots`. Only changes at paths that `counts` accepts are noticed.
    pub(crate) fn new(roots: Vec<PathBuf>, counts: impl Fn(&Path) -> bool + Send + 'static) -> Outcome<Self> {
        let (to, changes) = channel();
        let heard = move |event: notify::Result<Event>| {
            // Reading counts as an event, too; and an error means that events were lost, which only a change can follow.
            let Ok(Event {
                kind: EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_),
                paths,
                ..
            }) = event
            else {
                return;
            };
            for path in paths.into_iter().filter(|path| is_source(path) && counts(path)) {
                // Whoever waited is gone if this fails.
                let _ = to.send(path);
            }
        };
        let watcher = notify::recommended_watcher(heard).or_fail(Exit::Unexpected, "cannot watch files")?;
        let mut this = Self { watcher, changes, roots, watched: BTreeSet::new() };
        this.look_for_directories()?;
        Ok(this)
    }

    /// Waits for a change and its end. `None` if `patience` was over before anything changed.
    pub(crate) fn wait(&mut self, patience: Option<Duration>) -> Outcome<Option<PathBuf>> {
        let first = match patience {
            None => self.changes.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(patience) => self.changes.recv_timeout(patience),
        };
        let Ok(first) = first else { return Ok(None) };
        while self.changes.recv_timeout(QUIET).is_ok() {}
        // The change may have been a new directory.
        self.look_for_directories()?;
        Ok(Some(first))
    }

    fn look_for_directories(&mut self) -> Outcome<()> {
        let mut left = self.roots.clone();
        let mut present = BTreeSet::new();
        while let Some(dir) = left.pop() {
            if present.len() >= MAX_DIRECTORIES || !present.insert(dir.clone()) {
                continue;
            }
            let entries = std::fs::read_dir(&dir).into_iter().flatten().flatten();
            let below =
                entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()) && is_source(&entry.path()));
            left.extend(below.map(|entry| entry.path()));
        }
        for dir in present.difference(&self.watched) {
            let watching = self.watcher.watch(dir, RecursiveMode::NonRecursive);
            watching.or_fail(Exit::Unexpected, format!("cannot watch `{}`", dir.display()))?;
        }
        // A directory that is gone has no handle any more.
        self.watched = present;
        Ok(())
    }
}

/// Whether a change at `path` may change what a build makes: nothing hidden, no output, no file that editors or cargo leave behind.
fn is_source(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let left_behind = name.ends_with('~') || name.ends_with(".swp") || name.ends_with(".tmp") || name == "4913";
    !(name.starts_with('.') || left_behind || ["target", "node_modules", "Cargo.lock", "__pycache__"].contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_sources_are_noticed_and_others_are_not() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path().canonicalize().expect("it is there");
        for name in ["src", "target", ".git"] {
            std::fs::create_dir(root.join(name)).expect("created");
        }
        let made = root.join("made.wasm");
        let mut watcher = Watcher::new(vec![root.clone()], move |path| path != made).expect("watching");
        for name in ["target/x.rs", ".git/index", "Cargo.lock", "src/lib.rs~", "made.wasm"] {
            std::fs::write(root.join(name), "x").expect("written");
        }
        std::fs::write(root.join("src/lib.rs"), "x").expect("written");
        let minute = Some(Duration::from_secs(60));
        assert_eq!(watcher.wait(minute).expect("watching"), Some(root.join("src/lib.rs")));
        std::fs::create_dir(root.join("src/inner")).expect("created");
        assert_eq!(watcher.wait(minute).expect("watching"), Some(root.join("src/inner")));
        std::fs::write(root.join("src/inner/a.rs"), "x").expect("written");
        assert_eq!(watcher.wait(minute).expect("watching"), Some(root.join("src/inner/a.rs")));
    }
}
