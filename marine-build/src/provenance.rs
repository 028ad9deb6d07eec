//! Where the sources of a module come from, and the time that counts as that of its build.
//!
//! Both are facts about a package's directory, not about the whole repository: an edit of one module must leave the others as
//! they are, to the byte.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::command::{clean_command, run};
use crate::encode::Git;

/// How long git may take to answer one question.
const LIMIT: Duration = Duration::from_secs(10);
/// Variables by which a git that runs a hook points its children at another repository.
const FOREIGN: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];

/// What git says about a directory.
#[derive(Clone, Debug)]
pub(crate) struct Provenance {
    pub(crate) git: Git,
    /// When the commit was made: seconds since 1970.
    committed: u64,
}

impl Provenance {
    /// Asks git about `dir`; nothing if it is in no repository, ignored there, or never committed, or if there is no git.
    pub(crate) fn of(dir: &Path) -> Option<Provenance> {
        let last = git(dir, &["log", "-1", "--format=%H %ct", "--", "."])?;
        let (commit, time) = last.trim().split_once(' ')?;
        let changes = git(dir, &["status", "--porcelain", "--untracked-files=normal", "--", "."])?;
        let git = Git { commit: commit.to_owned(), dirty: !changes.trim().is_empty() };
        Some(Provenance { git, committed: time.parse().ok()? })
    }

    /// The time that equal sources have in common; none if there are changes.
    pub(crate) fn time(&self) -> Option<u64> {
        (!self.git.dirty).then_some(self.committed)
    }
}

/// The provenances of several directories, found beside other work.
pub(crate) struct Provenances {
    asked: Vec<(PathBuf, JoinHandle<Option<Provenance>>)>,
    found: BTreeMap<PathBuf, Option<Provenance>>,
}

impl Provenances {
    /// Starts to ask about `dirs`.
    pub(crate) fn ask(dirs: impl Iterator<Item = PathBuf>) -> Provenances {
        let dirs = BTreeSet::from_iter(dirs);
        let ask = |dir: PathBuf| (dir.clone(), thread::spawn(move || Provenance::of(&dir)));
        Provenances { asked: dirs.into_iter().map(ask).collect(), found: BTreeMap::new() }
    }

    /// What was found about one of them; waits for the answers.
    pub(crate) fn of(&mut self, dir: &Path) -> Option<&Provenance> {
        for (dir, asked) in self.asked.drain(..) {
            // A thread that panicked has found nothing.
            self.found.insert(dir, asked.join().ok().flatten());
        }
        self.found.get(dir)?.as_ref()
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

fn git(dir: &Path, args: &[&str]) -> Option<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut git = clean_command(Path::new("git"), OsStr::new(&path));
    for name in FOREIGN {
        git.env_remove(name);
    }
    // A question must not take the lock that the author's own git may want.
    git.arg("--no-optional-locks").arg("-C").arg(dir).args(args);
    let finished = run(git, LIMIT).ok()?;
    finished.success().then_some(finished.stdout)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::Provenance;

    #[test]
    fn a_directory_stands_where_its_last_commit_left_it() {
        let repository = tempfile::tempdir().expect("a directory can be made");
        let git = |args: &[&str], time: &str| {
            let mut git = Command::new("git");
            git.arg("-C").arg(repository.path()).args(["-c", "user.name=a", "-c", "user.email=a@b.c"]).args(args);
            git.env("GIT_AUTHOR_DATE", time).env("GIT_COMMITTER_DATE", time);
            assert!(git.output().expect("git runs").status.success(), "{args:?}");
        };
        let (one, two) = (repository.path().join("one"), repository.path().join("two"));
        for dir in [&one, &two] {
            fs::create_dir(dir).expect("a directory can be made");
            fs::write(dir.join("file"), "1").expect("a file can be written");
        }
        git(&["init", "-q"], "");
        assert!(Provenance::of(&one).is_none(), "nothing is committed");
        git(&["add", "one"], "");
        git(&["commit", "-q", "-m", "one"], "2026-01-02T03:04:05Z");
        git(&["add", "two"], "");
        git(&["commit", "-q", "-m", "two"], "2026-02-02T03:04:05Z");

        let first = Provenance::of(&one).expect("it is committed");
        let second = Provenance::of(&two).expect("it is committed");
        assert_eq!((first.time(), first.git.dirty), (Some(1_767_323_045), false));
        assert_ne!(first.git.commit, second.git.commit);
        fs::write(one.join("new"), "2").expect("a file can be written");
        let changed = Provenance::of(&one).expect("it is committed");
        assert_eq!((changed.time(), changed.git.dirty, changed.git.commit), (None, true, first.git.commit));
        assert!(!Provenance::of(&two).expect("it is committed").git.dirty, "the neighbour is as before");
    }
}
