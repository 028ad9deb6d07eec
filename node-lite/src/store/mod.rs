//! What a node remembers across restarts: one database file, one lock, and blobs beside it.
//!
//! Everything is read once, at the start ([`Snapshot`]); from then on the working state is in memory and the store only takes
//! changes ([`Op`]). A single writer thread commits whatever gathered while its last commit ran, so the number of commits does
//! not grow with the number of particles. A store in memory takes every change at once and remembers nothing.

mod blobs;
mod rows;
mod tables;
mod writer;

use std::{
    fs::{self, File, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use cid::Cid;
use marine_particle::PeerId;
use tokio::sync::Mutex;

use crate::error::StoreError;

pub(crate) use self::{
    blobs::Blobs,
    rows::{BlueprintRow, ModuleRow, ServiceRow},
};

/// One change. All changes of one [`Store::commit`] become durable together.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// A particle was admitted.
    Particle { cid: Cid, envelope: Vec<u8> },
    /// Record number `n` of a particle's journal.
    Record { cid: Cid, n: u64, record: Vec<u8> },
    /// The particle has to go to the peer; `upto` is the length of its journal now.
    Outbox { peer: PeerId, cid: Cid, upto: u64 },
    /// The peer has the particle as of `upto` records.
    Delivered { peer: PeerId, cid: Cid, upto: u64 },
    /// The particle expired. `peers` are those it was ever addressed to.
    Sweep { cid: Cid, peers: Vec<PeerId> },
    /// A module's blob is in place.
    Module { cid: Cid, row: ModuleRow },
    /// A module is gone.
    RemoveModule { cid: Cid },
    /// A blueprint was added.
    Blueprint { cid: Cid, row: BlueprintRow },
    /// A blueprint is gone.
    RemoveBlueprint { cid: Cid },
    /// A service was created.
    Service { id: String, row: ServiceRow },
    /// A service is gone.
    RemoveService { id: String },
    /// An alias names a service.
    Alias { alias: String, id: String },
    /// An alias is gone.
    RemoveAlias { alias: String },
}

/// All that a store holds when it is opened.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    /// When the store was made, in milliseconds since 1970.
    pub(crate) birth: u64,
    pub(crate) particles: Vec<StoredParticle>,
    pub(crate) outbox: Vec<(PeerId, Cid, u64)>,
    pub(crate) modules: Vec<(Cid, ModuleRow)>,
    pub(crate) blueprints: Vec<(Cid, BlueprintRow)>,
    pub(crate) services: Vec<(String, ServiceRow)>,
    pub(crate) aliases: Vec<(String, String)>,
}

/// A particle with its journal, oldest record first.
#[derive(Debug)]
pub(crate) struct StoredParticle {
    pub(crate) cid: Cid,
    pub(crate) envelope: Vec<u8>,
    pub(crate) records: Vec<Vec<u8>>,
}

/// See the module's documentation.
pub(crate) enum Store {
    /// Nothing is kept.
    Volatile,
    /// A database file.
    Durable {
        /// `None` once closed.
        writer: Mutex<Option<writer::Writer>>,
        sender: writer::Sender,
    },
}

impl Store {
    /// A store in memory, born at `now`.
    pub(crate) fn volatile(now: u64) -> (Self, Snapshot) {
        (Self::Volatile, Snapshot { birth: now, ..Snapshot::default() })
    }

    /// Opens or makes the store in `dir`. Blocks.
    pub(crate) fn open(dir: &Path, now: u64) -> Result<(Self, Snapshot), StoreError> {
        fs::create_dir_all(dir).map_err(StoreError::io("make", dir))?;
        let lock = lock(dir)?;
        let path = dir.join("store.redb");
        let (database, snapshot) = guarded(&path, {
            let path = path.clone();
            move || tables::load(&path, now)
        })?;
        let (writer, sender) = writer::start(database, lock);
        Ok((Self::Durable { writer: Mutex::new(Some(writer)), sender }, snapshot))
    }

    /// Makes the changes durable, all or none, and returns when they are.
    pub(crate) async fn commit(&self, ops: Vec<Op>) -> Result<(), StoreError> {
        match self {
            Self::Volatile => Ok(()),
            Self::Durable { .. } if ops.is_empty() => Ok(()),
            Self::Durable { sender, .. } => sender.commit(ops).await,
        }
    }

    /// Hands over changes that nothing rests on (a loss costs a repetition) and does not wait for them.
    pub(crate) fn submit(&self, ops: Vec<Op>) {
        if let Self::Durable { sender, .. } = self {
            sender.submit(ops);
        }
    }

    /// Commits what was handed over, closes the file and gives the lock back.
    pub(crate) async fn close(&self) {
        let Self::Durable { writer, sender } = self else { return };
        sender.close();
        if let Some(writer) = writer.lock().await.take() {
            writer.join().await;
        }
    }
}

/// Runs `load` on a thread of its own: damage that the database engine answers with a panic becomes an error.
fn guarded<T: Send + 'static>(
    path: &Path,
    load: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let damaged =
        || StoreError::Damaged { path: path.to_owned(), reason: "the database engine could not read it".to_owned() };
    std::thread::spawn(load).join().unwrap_or_else(|_| Err(damaged()))
}

/// Takes the exclusive lock of a data directory and writes down who holds it.
fn lock(dir: &Path) -> Result<File, StoreError> {
    let path: PathBuf = dir.join("lock");
    let error = |action| StoreError::io(action, &path);
    let mut file =
        File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(error("open"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(StoreError::InUse { dir: dir.to_owned(), holder: holder(&mut file) });
        }
        Err(TryLockError::Error(source)) => return Err(error("lock")(source)),
    }
    file.set_len(0).map_err(error("write"))?;
    file.seek(SeekFrom::Start(0)).map_err(error("write"))?;
    write!(file, "{}", std::process::id()).map_err(error("write"))?;
    Ok(file)
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = Read::by_ref(file).take(20).read_to_string(&mut text).is_ok();
    if read && text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
        format!("process {text}")
    } else {
        "another process".to_owned()
    }
}

#[cfg(test)]
mod tests;
