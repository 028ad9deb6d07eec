//! The key-value stores of one service: tables of one redb file, made when the first of them is used.
//!
//! Every operation is one transaction, durable when it returns. Beside the data a table keeps how many bytes each store holds, so
//! that a quota costs one look-up.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, Weak};

use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition, TableError};

use crate::engine::lock;

/// The longest key, in bytes.
pub(crate) const MAX_KEY: usize = 1024;
/// The longest value, in bytes.
pub(crate) const MAX_VALUE: usize = 4 * 1024 * 1024;
/// The most keys that are listed at once.
const MAX_KEYS: usize = 100_000;
/// Bytes that redb keeps of a file in memory, per service.
const CACHE: usize = 1024 * 1024;
/// Where the stores lie in the directory of the service's volumes; no volume can be called like that.
const FILE: &str = ".stores.redb";
/// Store to bytes of its keys and values.
const SIZES: TableDefinition<'_, &str, u64> = TableDefinition::new("sizes");

/// Why an operation was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreError {
    /// The file cannot be used, or does not hold what is needed; says why.
    Unusable(String),
    /// Key or value over the limit.
    TooLarge,
    /// The quota would be exceeded.
    Quota,
}

impl<E: Into<redb::Error>> From<E> for StoreError {
    fn from(error: E) -> StoreError {
        StoreError::Unusable(error.into().to_string())
    }
}

/// The stores of one service.
#[derive(Debug)]
pub(crate) struct Stores {
    /// `None`: the service has no place to keep anything.
    file: Option<PathBuf>,
    open: Mutex<Option<Arc<Database>>>,
}

impl Stores {
    /// Stores that lie in `dir`, the directory of the service's volumes.
    pub(crate) fn new(dir: Option<&Path>) -> Stores {
        Stores { file: dir.map(|dir| dir.join(FILE)), open: Mutex::default() }
    }

    /// Makes sure that `store` can be used.
    pub(crate) fn open(&self, store: &str) -> Result<(), StoreError> {
        self.read(store, |_| Ok(()))
    }

    pub(crate) fn get(&self, store: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(store, |table| match table {
            Some(table) => Ok(table.get(key)?.map(|value| value.value().to_vec())),
            None => Ok(None),
        })
    }

    /// Keys that start with `prefix`, in bytewise order, at most `limit`.
    pub(crate) fn keys(&self, store: &str, prefix: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        self.read(store, |table| {
            let mut keys = Vec::new();
            let Some(table) = table else { return Ok(keys) };
            for entry in table.range(prefix..)? {
                let (key, _) = entry?;
                if keys.len() >= MAX_KEYS.min(limit as usize) || !key.value().starts_with(prefix) {
                    break;
                }
                keys.push(key.value().to_owned());
            }
            Ok(keys)
        })
    }

    pub(crate) fn set(&self, store: &str, quota: u64, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.write(store, quota, |entries| entries.put(key, Some(value)))
    }

    /// Whether there was one.
    pub(crate) fn delete(&self, store: &str, key: &str) -> Result<bool, StoreError> {
        self.write(store, u64::MAX, |entries| {
            let was = entries.table.get(key)?.is_some();
            entries.put(key, None)?;
            Ok(was)
        })
    }

    /// The sum.
    pub(crate) fn increment(&self, store: &str, quota: u64, key: &str, by: i64) -> Result<i64, StoreError> {
        self.write(store, quota, |entries| {
            let before = match entries.table.get(key)? {
                None => 0,
                Some(value) => std::str::from_utf8(value.value())
                    .ok()
                    .and_then(|text| text.parse::<i64>().ok())
                    .ok_or_else(|| StoreError::Unusable(format!("`{key}` does not hold a decimal integer")))?,
            };
            let sum = before.checked_add(by).ok_or(StoreError::TooLarge)?;
            entries.put(key, Some(sum.to_string().as_bytes()))?;
            Ok(sum)
        })
    }

    /// Whether the value was `expected` and is `new` now.
    pub(crate) fn swap(
        &self,
        store: &str,
        quota: u64,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StoreError> {
        self.write(store, quota, |entries| {
            let is_expected = entries.table.get(key)?.as_ref().map(|value| value.value()) == expected;
            if is_expected {
                entries.put(key, new)?;
            }
            Ok(is_expected)
        })
    }

    fn read<T>(
        &self,
        store: &str,
        work: impl FnOnce(Option<redb::ReadOnlyTable<&'static str, &'static [u8]>>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let name = table_name(store);
        let transaction = self.database()?.begin_read()?;
        match transaction.open_table(TableDefinition::new(&name)) {
            Ok(table) => work(Some(table)),
            Err(TableError::TableDoesNotExist(_)) => work(None),
            Err(error) => Err(error.into()),
        }
    }

    fn write<T>(
        &self,
        store: &str,
        quota: u64,
        work: impl FnOnce(&mut Entries<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let name = table_name(store);
        let transaction = self.database()?.begin_write()?;
        let done = {
            let mut sizes = transaction.open_table(SIZES)?;
            let before = sizes.get(store)?.map_or(0, |size| size.value());
            let mut entries =
                Entries { table: transaction.open_table(TableDefinition::new(&name))?, size: before, changed: false };
            let done = work(&mut entries)?;
            let (size, changed) = (entries.size, entries.changed);
            drop(entries);
            if !changed {
                // Nothing to make durable.
                drop(sizes);
                transaction.abort()?;
                return Ok(done);
            }
            if size > quota && size > before {
                return Err(StoreError::Quota);
            }
            sizes.insert(store, size)?;
            done
        };
        transaction.commit()?;
        Ok(done)
    }

    fn database(&self) -> Result<Arc<Database>, StoreError> {
        let mut open = lock(&self.open);
        if let Some(database) = &*open {
            return Ok(database.clone());
        }
        let Some(file) = &self.file else {
            return Err(StoreError::Unusable("this host gives the service no place to keep data".to_owned()));
        };
        let database = shared(file)?;
        *open = Some(database.clone());
        Ok(database)
    }
}

/// One store in a write transaction.
struct Entries<'txn> {
    table: Table<'txn, &'static str, &'static [u8]>,
    size: u64,
    changed: bool,
}

impl Entries<'_> {
    /// Sets the value, or with `None` deletes it.
    fn put(&mut self, key: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        if key.len() > MAX_KEY || value.is_some_and(|value| value.len() > MAX_VALUE) {
            return Err(StoreError::TooLarge);
        }
        let bytes = |value: usize| (key.len() + value) as u64;
        let before = match value {
            Some(value) => {
                self.size += bytes(value.len());
                self.table.insert(key, value)?
            }
            None => self.table.remove(key)?,
        };
        let freed = before.as_ref().map_or(0, |before| bytes(before.value().len()));
        self.changed |= before.is_some() || value.is_some();
        drop(before);
        self.size = self.size.saturating_sub(freed);
        Ok(())
    }
}

fn table_name(store: &str) -> String {
    format!("store/{store}")
}

/// The database in `file`. Two services of one process that share their volumes share it; redb keeps other processes out.
fn shared(file: &Path) -> Result<Arc<Database>, StoreError> {
    static OPEN: LazyLock<Mutex<HashMap<PathBuf, Weak<Database>>>> = LazyLock::new(Mutex::default);
    let unusable = |cause: std::io::Error| StoreError::Unusable(format!("{}: {cause}", file.display()));
    if let Some(dir) = file.parent() {
        std::fs::create_dir_all(dir).map_err(unusable)?;
    }
    let dir = file.parent().unwrap_or(Path::new(".")).canonicalize().map_err(unusable)?;
    let mut open = lock(&OPEN);
    open.retain(|_, database| database.strong_count() > 0);
    if let Some(database) = open.get(&dir).and_then(Weak::upgrade) {
        return Ok(database);
    }
    let database = Database::builder().set_cache_size(CACHE).create(file)?;
    let database = Arc::new(database);
    open.insert(dir, Arc::downgrade(&database));
    Ok(database)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_live_in_their_store_and_outlive_it() {
        let dir = tempfile::tempdir().unwrap();
        let stores = Stores::new(Some(dir.path()));
        assert_eq!(stores.get("a", "k"), Ok(None));
        assert_eq!(stores.keys("a", "", 10), Ok(vec![]));
        for key in ["k", "k2", "l", "j"] {
            stores.set("a", u64::MAX, key, key.as_bytes()).unwrap();
        }
        stores.set("b", u64::MAX, "k", b"other").unwrap();
        assert_eq!(stores.keys("a", "k", 10), Ok(vec!["k".to_owned(), "k2".to_owned()]));
        assert_eq!(stores.keys("a", "", 2), Ok(vec!["j".to_owned(), "k".to_owned()]));
        assert_eq!((stores.delete("a", "k"), stores.delete("a", "k")), (Ok(true), Ok(false)));
        drop(stores);
        let again = Stores::new(Some(dir.path()));
        assert_eq!((again.get("a", "k"), again.get("b", "k")), (Ok(None), Ok(Some(b"other".to_vec()))));
        let beside = Stores::new(Some(dir.path()));
        assert_eq!(beside.get("b", "k"), Ok(Some(b"other".to_vec())), "two services of one process share the file");
        let none = Stores::new(None).open("a");
        assert!(matches!(none, Err(StoreError::Unusable(_))));
    }

    #[test]
    fn counters_and_swaps() {
        let dir = tempfile::tempdir().unwrap();
        let stores = Stores::new(Some(dir.path()));
        let add = |by| stores.increment("a", 1000, "n", by);
        assert_eq!([add(5), add(-7), add(i64::MIN)], [Ok(5), Ok(-2), Err(StoreError::TooLarge)]);
        assert_eq!(stores.get("a", "n"), Ok(Some(b"-2".to_vec())));
        stores.set("a", 1000, "n", b"two").unwrap();
        assert!(matches!(add(1), Err(StoreError::Unusable(_))));

        let swap = |expected: Option<&str>, new: Option<&str>| {
            stores.swap("a", 1000, "s", expected.map(str::as_bytes), new.map(str::as_bytes))
        };
        assert_eq!(swap(Some("x"), Some("y")), Ok(false));
        assert_eq!(swap(None, Some("y")), Ok(true));
        assert_eq!(swap(Some("y"), None), Ok(true));
        assert_eq!(stores.get("a", "s"), Ok(None));
    }

    #[test]
    fn quotas_count_what_is_held() {
        let dir = tempfile::tempdir().unwrap();
        let stores = Stores::new(Some(dir.path()));
        let set = |key: &str, bytes: usize| stores.set("a", 100, key, &vec![0; bytes]);
        assert_eq!([set("k", 99), set("k", 99), set("l", 0)], [Ok(()), Ok(()), Err(StoreError::Quota)]);
        assert_eq!(set("k", 50), Ok(()));
        assert_eq!([set("l", 49), set("l", 48), set("l", 40)], [Err(StoreError::Quota), Ok(()), Ok(())]);
        assert_eq!(stores.delete("a", "k"), Ok(true));
        assert_eq!(set("k", 58), Ok(()));
        assert_eq!(stores.set("a", u64::MAX, &"x".repeat(MAX_KEY + 1), b""), Err(StoreError::TooLarge));
        assert_eq!(stores.set("a", u64::MAX, "v", &vec![0; MAX_VALUE + 1]), Err(StoreError::TooLarge));
        assert_eq!(stores.get("a", "v"), Ok(None));
    }
}
