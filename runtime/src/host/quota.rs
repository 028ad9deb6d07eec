//! How much a directory that the runtime keeps for a service may hold.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::engine::lock;

/// What each entry of a directory counts beside its content, in bytes: about what it takes on a disk.
const ENTRY: u64 = 4096;

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
/// something. It is measured again when that seems to be too much.
#[derive(Debug)]
struct Account {
    dir: PathBuf,
    used: u64,
}

impl Quota {
    /// The quota `limit` (bytes of content, and 4 KiB per entry) of the directory `dir`.
    pub(crate) fn new(dir: PathBuf, limit: u64) -> Quota {
        // Measured when it matters.
        Quota { limit, account: Arc::new(Mutex::new(Account { dir, used: u64::MAX })) }
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
        let mut account = lock(&self.account);
        if account.used.saturating_add(bytes) > self.limit {
            account.used = held(&account.dir);
        }
        let used = account.used.saturating_add(bytes);
        if used > self.limit {
            return Err(QuotaExceeded);
        }
        account.used = used;
        Ok(())
    }

    /// Counts a new entry.
    pub(crate) fn charge_entry(&self) -> Result<(), QuotaExceeded> {
        self.charge(ENTRY)
    }
}

/// Bytes that `dir` holds. What cannot be looked at counts nothing.
fn held(dir: &Path) -> u64 {
    let (mut bytes, mut left) = (0_u64, vec![dir.to_path_buf()]);
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            // Of a link itself, not of what it leads to.
            let Ok(about) = entry.metadata() else { continue };
            let content = if about.is_dir() { 0 } else { about.len() };
            bytes = bytes.saturating_add(ENTRY).saturating_add(content);
            if about.is_dir() {
                left.push(entry.path());
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
}
