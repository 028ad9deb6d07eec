//! Module bytes by CID: files written aside, synced and renamed, or kept in memory.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use cid::Cid;
use marine_manifest::module_cid;

use crate::error::StoreError;

/// See the module's documentation. Methods block on files.
#[derive(Debug)]
pub(crate) enum Blobs {
    /// A node without data directory.
    Memory(Mutex<HashMap<Cid, Arc<[u8]>>>),
    /// `blobs/<last two characters>/<cid>`
    Directory(PathBuf),
}

impl Blobs {
    pub(crate) fn memory() -> Self {
        Self::Memory(Mutex::default())
    }

    /// Blobs under `dir`, which is made if missing. What a crash left half-written is swept.
    pub(crate) fn open(dir: PathBuf) -> Result<Self, StoreError> {
        let aside = dir.join("aside");
        if aside.exists() {
            fs::remove_dir_all(&aside).map_err(StoreError::io("sweep", &aside))?;
        }
        fs::create_dir_all(&aside).map_err(StoreError::io("make", &aside))?;
        Ok(Self::Directory(dir))
    }

    /// Keeps `bytes`, durably if there is a directory.
    pub(crate) fn put(&self, bytes: &[u8]) -> Result<Cid, StoreError> {
        let cid = module_cid(bytes);
        match self {
            Self::Memory(blobs) => {
                blobs.lock().unwrap_or_else(PoisonError::into_inner).insert(cid, bytes.into());
            }
            Self::Directory(dir) => write(dir, &cid, bytes)?,
        }
        Ok(cid)
    }

    /// The bytes of `cid`; `None` if they are missing or do not have this CID (any more).
    pub(crate) fn get(&self, cid: &Cid) -> Option<Arc<[u8]>> {
        match self {
            Self::Memory(blobs) => blobs.lock().unwrap_or_else(PoisonError::into_inner).get(cid).cloned(),
            Self::Directory(dir) => {
                let bytes = fs::read(path(dir, cid)).ok()?;
                (module_cid(&bytes) == *cid).then(|| bytes.into())
            }
        }
    }

    /// Forgets `cid`. The row has gone before, so a failure leaves only garbage.
    pub(crate) fn remove(&self, cid: &Cid) {
        match self {
            Self::Memory(blobs) => drop(blobs.lock().unwrap_or_else(PoisonError::into_inner).remove(cid)),
            Self::Directory(dir) => {
                if let Err(error) = fs::remove_file(path(dir, cid)) {
                    tracing::warn!(target: "store", %cid, %error, "cannot remove a blob");
                }
            }
        }
    }
}

fn path(dir: &Path, cid: &Cid) -> PathBuf {
    let name = cid.to_string();
    let shard = name.len().saturating_sub(2);
    dir.join(&name[shard..]).join(&name)
}

fn write(dir: &Path, cid: &Cid, bytes: &[u8]) -> Result<(), StoreError> {
    let target = path(dir, cid);
    let parent = target.parent().unwrap_or(dir);
    fs::create_dir_all(parent).map_err(StoreError::io("make", parent))?;
    let mut file = tempfile::NamedTempFile::new_in(dir.join("aside")).map_err(StoreError::io("make a file in", dir))?;
    file.write_all(bytes).map_err(StoreError::io("write", &target))?;
    file.as_file().sync_all().map_err(StoreError::io("sync", &target))?;
    file.persist(&target).map_err(|e| StoreError::io("rename to", &target)(e.error))?;
    sync_dir(parent)
}

/// A rename is durable once its directory is.
fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(StoreError::io("sync", dir))?;
    }
    Ok(())
}
