//! How much a directory that the runtime keeps for a service may hold.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};

use crate::engine::lock;

/// What each entry of a directory counts beside its content, in bytes: about what it takes on a disk.
const ENTRY: u64 = 4096;

/// How much of a total may be counted twice.
const SLACK: u64 = 64 * 1024;
/// How deep directories are looked at; what is deeper has too long paths before long.
const MAX_DEPTH: usize = 128;
/// More than any limit.
const MAX_HELD: u64 = UNKNOWN - 1;
/// What a directory holds that was not measured.
const UNKNOWN: u64 = u64::MAX;

/// More was to be written than the quota of a directory allows.
#[derive(Debug, thiserror::Error)]
#[error("the quota of the directory is used up")]
pub(crate) struct QuotaExceeded;

/// The account of one directory. Clones, of which each may have a limit of its own, share it.
#[derive(Clone, Debug)]
pub(crate) struct Quota {
    limit: u64,
    account: Arc<Mutex<Account>>,
}

/// What a directory holds, at most: what it held when it was measured, and all that was written since, whether or not it replaced
/// something. It is measured again when that seems to be too much; if it counts for a total, often enough to be about right.
#[derive(Debug)]
struct Account {
    dir: PathBuf,
    used: u64,
    /// What it held when it was measured.
    measured: u64,
    /// Files that are or were open: those that have no name any more are found by this alone.
    open: Vec<Weak<File>>,
    /// What this directory and others may hold together.
    total: Option<Total>,
}

/// A bound on several directories together. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Total {
    limit: u64,
    used: Arc<Mutex<u64>>,
}

impl Total {
    /// The bound `limit`, in bytes as [`Quota`] counts them.
    pub(crate) fn new(limit: u64) -> Total {
        Total { limit, used: Arc::default() }
    }

    /// Counts that one of the directories holds `now` instead of `before`, unless that is too much.
    fn replace(&self, before: u64, now: u64) -> Result<(), QuotaExceeded> {
        let mut used = lock(&self.used);
        let after = used.saturating_sub(before).saturating_add(now);
        // Less is always welcome.
        if now > before && after > self.limit {
            return Err(QuotaExceeded);
        }
        *used = after;
        Ok(())
    }
}

impl Account {
    fn new(dir: PathBuf, total: Option<Total>) -> Account {
        Account { dir, used: UNKNOWN, measured: 0, open: Vec::new(), total }
    }

    /// What is counted so far.
    fn counted(&self) -> u64 {
        if self.used == UNKNOWN { 0 } else { self.used }
    }

    fn set(&mut self, used: u64) -> Result<(), QuotaExceeded> {
        if let Some(total) = &self.total {
            total.replace(self.counted(), used)?;
        }
        self.used = used;
        Ok(())
    }

    /// Looks what is there. If that is too much for all together, it is not counted, and nothing can be added.
    fn measure(&mut self) -> Result<(), QuotaExceeded> {
        self.open.retain(|file| file.strong_count() > 0);
        let nameless = self.open.iter().filter_map(Weak::upgrade).map(|file| nameless(&file)).sum();
        self.measured = held(&self.dir).saturating_add(nameless);
        self.set(self.measured)
    }

    /// Whether `bytes` more are so many since it was measured that others of the total would suffer if much of it replaced something.
    fn is_stale(&self, bytes: u64) -> bool {
        let since = self.used.saturating_add(bytes).saturating_sub(self.measured);
        self.total.is_some() && since > SLACK + self.measured / 4
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if let Some(total) = &self.total {
            // Less is never too much.
            let _ = total.replace(self.counted(), 0);
        }
    }
}

impl Quota {
    /// The quota `limit` (bytes of content, and 4 KiB per entry) of the directory `dir`.
    pub(crate) fn new(dir: PathBuf, limit: u64) -> Quota {
        // Measured when it matters.
        Quota { limit, account: Arc::new(Mutex::new(Account::new(dir, None))) }
    }

    /// The same for a directory that counts for `total`, with what is in it already.
    pub(crate) fn of_total(dir: PathBuf, limit: u64, total: &Total) -> Quota {
        let mut account = Account::new(dir, Some(total.clone()));
        let _ = account.measure();
        Quota { limit, account: Arc::new(Mutex::new(account)) }
    }

    /// The same directory with another limit.
    pub(crate) fn with_limit(&self, limit: u64) -> Quota {
        Quota { limit, account: self.account.clone() }
    }

    /// Whether this is the account of the same directory.
    pub(crate) fn is_same(&self, other: &Quota) -> bool {
        Arc::ptr_eq(&self.account, &other.account)
    }

    /// Counts `bytes` that are about to be written.
    pub(crate) fn charge(&self, bytes: u64) -> Result<(), QuotaExceeded> {
        self.charge_while(bytes, || ())
    }

    /// Counts a new file of so many `bytes`, which `write` writes: nothing is measured before it is there.
    pub(crate) fn charge_file<T>(&self, bytes: u64, write: impl FnOnce() -> T) -> Result<T, QuotaExceeded> {
        self.charge_while(bytes.saturating_add(ENTRY), write)
    }

    fn charge_while<T>(&self, bytes: u64, work: impl FnOnce() -> T) -> Result<T, QuotaExceeded> {
        let mut account = lock(&self.account);
        if account.used.saturating_add(bytes) > self.limit || account.is_stale(bytes) {
            account.measure()?;
        }
        let used = account.used.saturating_add(bytes);
        if used > self.limit {
            return Err(QuotaExceeded);
        }
        account.set(used)?;
        Ok(work())
    }

    /// The directory is gone.
    pub(crate) fn clear(&self) {
        // Less is never too much.
        let _ = lock(&self.account).set(0);
    }

    /// A file of the directory was opened.
    pub(crate) fn opened(&self, file: &Arc<File>) {
        let mut account = lock(&self.account);
        if account.open.len() == account.open.capacity() {
            account.open.retain(|file| file.strong_count() > 0);
        }
        account.open.push(Arc::downgrade(file));
    }

    /// Counts a new entry.
    pub(crate) fn charge_entry(&self) -> Result<(), QuotaExceeded> {
        self.charge(ENTRY)
    }
}

/// Bytes of a file that no directory has any more.
#[cfg(unix)]
fn nameless(file: &File) -> u64 {
    use std::os::unix::fs::MetadataExt;
    file.metadata().ok().filter(|about| about.nlink() == 0).map_or(0, |about| about.len())
}

/// Elsewhere open files keep their names.
#[cfg(not(unix))]
fn nameless(_: &File) -> u64 {
    0
}

/// Bytes that `dir` holds; endlessly many if that cannot be told, because it is nested too deep or cannot be looked at.
fn held(dir: &Path) -> u64 {
    let (mut bytes, mut left) = (0_u64, vec![(dir.to_path_buf(), 0)]);
    while let Some((dir, depth)) = left.pop() {
        let entries = match fs::read_dir(&dir) {
            // Gone meanwhile.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
            Err(_) => return MAX_HELD,
            Ok(_) if depth > MAX_DEPTH => return MAX_HELD,
            Ok(entries) => entries,
        };
        for entry in entries.flatten() {
            // Of a link itself, not of what it leads to.
            let Ok(about) = entry.metadata() else { continue };
            let content = if about.is_dir() { 0 } else { about.len() };
            bytes = bytes.saturating_add(ENTRY).saturating_add(content);
            if about.is_dir() {
                left.push((entry.path(), depth + 1));
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_counts_until_it_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let quota = Quota::new(dir.path().to_path_buf(), 20_000);
        quota.charge(10_000).unwrap();
        // Nothing was written in the end, so there is room again.
        quota.charge(15_000).unwrap();
        fs::write(dir.path().join("a"), vec![0; 10_000]).unwrap();
        assert!(quota.charge(6_000).is_err(), "content and entry are 14096 bytes");
        quota.charge(5_000).unwrap();
        let wide = quota.with_limit(50_000);
        wide.charge(20_000).unwrap();
        assert!(quota.is_same(&wide) && quota.charge_entry().is_ok(), "measured again");
        fs::remove_file(dir.path().join("a")).unwrap();
        quota.charge(20_000).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn open_files_without_a_name_count() {
        use std::io::Write;
        let dir = tempfile::tempdir().unwrap();
        let quota = Quota::new(dir.path().to_path_buf(), 20_000);
        let mut file = File::create(dir.path().join("a")).unwrap();
        file.write_all(&[0; 15_000]).unwrap();
        let file = Arc::new(file);
        quota.opened(&file);
        fs::remove_file(dir.path().join("a")).unwrap();
        assert!(quota.charge(6_000).is_err());
        drop(file);
        quota.charge(6_000).unwrap();
    }

    #[test]
    fn what_is_replaced_again_and_again_does_not_fill_the_total() {
        let dir = tempfile::tempdir().unwrap();
        let total = Total::new(1 << 20);
        let of = |name: &str| {
            fs::create_dir(dir.path().join(name)).unwrap();
            Quota::of_total(dir.path().join(name), 1 << 20, &total)
        };
        let (a, b) = (of("a"), of("b"));
        for _ in 0..100 {
            fs::write(dir.path().join("a/file"), vec![0; 50_000]).unwrap();
            a.charge(50_000).unwrap();
        }
        b.charge(800_000).unwrap();
    }

    #[test]
    fn directories_have_a_bound_together() {
        let dir = tempfile::tempdir().unwrap();
        let total = Total::new(20_000);
        let of = |name: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(&path).unwrap();
            Quota::of_total(path, 15_000, &total)
        };
        fs::create_dir(dir.path().join("b")).unwrap();
        fs::write(dir.path().join("b/old"), vec![0; 4_000]).unwrap();
        let (a, b) = (of("a"), of("b"));
        a.charge(10_000).unwrap();
        assert!(b.charge(2_000).is_err(), "8096 bytes are there, 10000 are counted for a");
        b.charge(1_000).unwrap();
        // What one had is free when it is gone.
        drop(a);
        b.charge(5_000).unwrap();
        assert!(b.charge(7_000).is_err(), "its own limit holds too");
    }
}
