//! The database's tables: what is in them, how they are read at the start, and how changes are applied.

use std::{collections::BTreeMap, path::Path};

use cid::Cid;
use marine_particle::PeerId;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::{
    Op, Snapshot, StoredParticle,
    rows::{damaged, decode, encode},
};
use crate::error::StoreError;

/// Number of the format that this version writes.
const FORMAT: u64 = 1;

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// Particle CID -> envelope.
const PARTICLES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("particles");
/// Particle CID and number -> record.
const JOURNAL: TableDefinition<'_, (&[u8], u64), &[u8]> = TableDefinition::new("journal");
/// Peer and particle CID -> length of the journal that has to get there.
const OUTBOX: TableDefinition<'_, (&[u8], &[u8]), u64> = TableDefinition::new("outbox");
const MODULES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("modules");
const BLUEPRINTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("blueprints");
const SERVICES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("services");
const ALIASES: TableDefinition<'_, &str, &str> = TableDefinition::new("aliases");

/// Opens or makes the database at `path` and reads all of it.
pub(super) fn load(path: &Path, now: u64) -> Result<(Database, Snapshot), StoreError> {
    let damaged = |e: redb::Error| match e {
        redb::Error::Io(source) if source.kind() != std::io::ErrorKind::InvalidData => {
            StoreError::Io { action: "open", path: path.to_owned(), source }
        }
        other => StoreError::Damaged { path: path.to_owned(), reason: other.to_string() },
    };
    let database = Database::create(path).map_err(|e| damaged(e.into()))?;
    let birth = prepare(&database, path, now, &damaged)?;
    let snapshot = read(&database, birth, &damaged)?;
    Ok((database, snapshot))
}

/// Makes missing tables, checks the format, gives the time the store was made.
fn prepare(
    database: &Database,
    path: &Path,
    now: u64,
    damaged: &impl Fn(redb::Error) -> StoreError,
) -> Result<u64, StoreError> {
    let inner = || -> Result<(u64, u64), redb::Error> {
        let txn = database.begin_write()?;
        let facts = {
            let mut meta = txn.open_table(META)?;
            let format = meta.get("format")?.map(|v| v.value());
            let birth = meta.get("birth")?.map(|v| v.value());
            let facts = (format.unwrap_or(FORMAT), birth.unwrap_or(now));
            meta.insert("format", facts.0)?;
            meta.insert("birth", facts.1)?;
            facts
        };
        Tables::open(&txn)?;
        txn.commit()?;
        Ok(facts)
    };
    let (format, birth) = inner().map_err(damaged)?;
    if format > FORMAT {
        return Err(StoreError::Newer { path: path.to_owned(), found: format, known: FORMAT });
    }
    Ok(birth)
}

fn read(database: &Database, birth: u64, damaged: &impl Fn(redb::Error) -> StoreError) -> Result<Snapshot, StoreError> {
    let raw = Raw::read(database).map_err(damaged)?;
    let mut journal: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
    for (key, n, record) in raw.journal {
        let records = journal.entry(key).or_default();
        if n != records.len() as u64 {
            return Err(super::rows::damaged("journal", &format!("number {n}"), "records are missing before it"));
        }
        records.push(record);
    }
    let particles = raw.particles.into_iter().map(|(key, envelope)| {
        let records = journal.remove(&key).unwrap_or_default();
        Ok(StoredParticle { cid: parse_cid("particles", &key)?, envelope, records })
    });
    let outbox = raw.outbox.into_iter().map(|(peer, cid, upto)| {
        let peer = PeerId::from_bytes(&peer).map_err(|e| super::rows::damaged("outbox", "of a peer", e))?;
        Ok((peer, parse_cid("outbox", &cid)?, upto))
    });
    Ok(Snapshot {
        birth,
        particles: particles.collect::<Result<_, StoreError>>()?,
        outbox: outbox.collect::<Result<_, StoreError>>()?,
        modules: named("modules", raw.modules)?,
        blueprints: named("blueprints", raw.blueprints)?,
        services: (raw.services.into_iter())
            .map(|(id, row)| Ok((id.clone(), decode("services", &id, &row)?)))
            .collect::<Result<_, StoreError>>()?,
        aliases: raw.aliases,
    })
}

fn named<T: serde::de::DeserializeOwned>(
    table: &'static str,
    rows: Vec<(String, Vec<u8>)>,
) -> Result<Vec<(Cid, T)>, StoreError> {
    let row = |(key, row): (String, Vec<u8>)| {
        let cid = key.parse().map_err(|e| damaged(table, &key, e))?;
        Ok((cid, decode(table, &key, &row)?))
    };
    rows.into_iter().map(row).collect()
}

fn parse_cid(table: &'static str, key: &[u8]) -> Result<Cid, StoreError> {
    Cid::try_from(key).map_err(|e| damaged(table, "of a particle", e))
}

/// All rows as they are, so that one function speaks to the database and others interpret.
struct Raw {
    particles: Vec<(Vec<u8>, Vec<u8>)>,
    journal: Vec<(Vec<u8>, u64, Vec<u8>)>,
    outbox: Vec<(Vec<u8>, Vec<u8>, u64)>,
    modules: Vec<(String, Vec<u8>)>,
    blueprints: Vec<(String, Vec<u8>)>,
    services: Vec<(String, Vec<u8>)>,
    aliases: Vec<(String, String)>,
}

impl Raw {
    fn read(database: &Database) -> Result<Self, redb::Error> {
        let txn = database.begin_read()?;
        let mut raw = Self {
            particles: Vec::new(),
            journal: Vec::new(),
            outbox: Vec::new(),
            modules: Vec::new(),
            blueprints: Vec::new(),
            services: Vec::new(),
            aliases: Vec::new(),
        };
        for row in txn.open_table(PARTICLES)?.iter()? {
            let (key, value) = row?;
            raw.particles.push((key.value().to_vec(), value.value().to_vec()));
        }
        for row in txn.open_table(JOURNAL)?.iter()? {
            let (key, value) = row?;
            let (cid, n) = key.value();
            raw.journal.push((cid.to_vec(), n, value.value().to_vec()));
        }
        for row in txn.open_table(OUTBOX)?.iter()? {
            let (key, value) = row?;
            let (peer, cid) = key.value();
            raw.outbox.push((peer.to_vec(), cid.to_vec(), value.value()));
        }
        for (definition, rows) in
            [(MODULES, &mut raw.modules), (BLUEPRINTS, &mut raw.blueprints), (SERVICES, &mut raw.services)]
        {
            for row in txn.open_table(definition)?.iter()? {
                let (key, value) = row?;
                rows.push((key.value().to_owned(), value.value().to_vec()));
            }
        }
        for row in txn.open_table(ALIASES)?.iter()? {
            let (key, value) = row?;
            raw.aliases.push((key.value().to_owned(), value.value().to_owned()));
        }
        Ok(raw)
    }
}

/// The tables of one write transaction.
struct Tables<'txn> {
    particles: redb::Table<'txn, &'static [u8], &'static [u8]>,
    journal: redb::Table<'txn, (&'static [u8], u64), &'static [u8]>,
    outbox: redb::Table<'txn, (&'static [u8], &'static [u8]), u64>,
    modules: redb::Table<'txn, &'static str, &'static [u8]>,
    blueprints: redb::Table<'txn, &'static str, &'static [u8]>,
    services: redb::Table<'txn, &'static str, &'static [u8]>,
    aliases: redb::Table<'txn, &'static str, &'static str>,
}

/// Applies all changes in one transaction.
pub(super) fn apply<'a>(database: &Database, ops: impl IntoIterator<Item = &'a Op>) -> Result<(), StoreError> {
    let failed = |e: redb::Error| StoreError::Write { reason: e.to_string() };
    let txn = database.begin_write().map_err(|e| failed(e.into()))?;
    {
        let mut tables = Tables::open(&txn).map_err(failed)?;
        for op in ops {
            tables.apply(op, failed)?;
        }
    }
    txn.commit().map_err(|e| failed(e.into()))
}

impl<'txn> Tables<'txn> {
    fn open(txn: &'txn WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            particles: txn.open_table(PARTICLES)?,
            journal: txn.open_table(JOURNAL)?,
            outbox: txn.open_table(OUTBOX)?,
            modules: txn.open_table(MODULES)?,
            blueprints: txn.open_table(BLUEPRINTS)?,
            services: txn.open_table(SERVICES)?,
            aliases: txn.open_table(ALIASES)?,
        })
    }

    fn apply(&mut self, op: &Op, failed: impl Fn(redb::Error) -> StoreError) -> Result<(), StoreError> {
        match op {
            Op::Module { cid, row } => {
                let row = encode(row)?;
                self.modules.insert(cid.to_string().as_str(), row.as_slice()).map(drop)
            }
            Op::Blueprint { cid, row } => {
                let row = encode(row)?;
                self.blueprints.insert(cid.to_string().as_str(), row.as_slice()).map(drop)
            }
            Op::Service { id, row } => {
                let row = encode(row)?;
                self.services.insert(id.as_str(), row.as_slice()).map(drop)
            }
            other => self.apply_plain(other),
        }
        .map_err(|e| failed(e.into()))
    }

    /// Changes whose rows need no encoding.
    fn apply_plain(&mut self, op: &Op) -> Result<(), redb::StorageError> {
        match op {
            Op::Particle { cid, envelope } => {
                self.particles.insert(cid.to_bytes().as_slice(), envelope.as_slice())?;
            }
            Op::Record { cid, n, record } => {
                self.journal.insert((cid.to_bytes().as_slice(), *n), record.as_slice())?;
            }
            Op::Outbox { peer, cid, upto } => {
                self.outbox.insert((peer.to_bytes().as_slice(), cid.to_bytes().as_slice()), *upto)?;
            }
            Op::Delivered { peer, cid, upto } => self.delivered(peer, cid, *upto)?,
            Op::Sweep { cid, peers } => self.sweep(cid, peers)?,
            Op::RemoveModule { cid } => drop(self.modules.remove(cid.to_string().as_str())?),
            Op::RemoveBlueprint { cid } => drop(self.blueprints.remove(cid.to_string().as_str())?),
            Op::RemoveService { id } => drop(self.services.remove(id.as_str())?),
            Op::Alias { alias, id } => drop(self.aliases.insert(alias.as_str(), id.as_str())?),
            Op::RemoveAlias { alias } => drop(self.aliases.remove(alias.as_str())?),
            Op::Module { .. } | Op::Blueprint { .. } | Op::Service { .. } => {}
        }
        Ok(())
    }

    /// A line of the outbox that was renewed since the delivered message was made stays.
    fn delivered(&mut self, peer: &PeerId, cid: &Cid, upto: u64) -> Result<(), redb::StorageError> {
        let (peer, cid) = (peer.to_bytes(), cid.to_bytes());
        let key = (peer.as_slice(), cid.as_slice());
        let waits = self.outbox.get(key)?.is_some_and(|line| line.value() <= upto);
        if waits {
            self.outbox.remove(key)?;
        }
        Ok(())
    }

    fn sweep(&mut self, cid: &Cid, peers: &[PeerId]) -> Result<(), redb::StorageError> {
        let cid = cid.to_bytes();
        self.particles.remove(cid.as_slice())?;
        self.journal.retain_in((cid.as_slice(), 0)..=(cid.as_slice(), u64::MAX), |_, _| false)?;
        for peer in peers {
            self.outbox.remove((peer.to_bytes().as_slice(), cid.as_slice()))?;
        }
        Ok(())
    }
}
