//! Key-value stores that the manifest grants (`kv`): private to the service, durable, shared by its modules.
//!
//! ```no_run
//! use marine_sdk::kv;
//!
//! /// Counts visits; the count outlives the service.
//! #[marine_sdk::marine]
//! fn visit(page: &str) -> Result<i64, kv::KvError> {
//!     kv::open("visits")?.increment(page, 1)
//! }
//! # fn main() {}
//! ```
//!
//! Each operation is atomic, and durable when it returns. What has to read and write at once is done with
//! [`Store::increment`] and [`Store::swap`].

use std::fmt;

use crate::marine;

/// Why an operation was not done.
#[marine(crate = "crate")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum KvError {
    /// No grant for this store.
    Denied,
    /// The store cannot be opened, or a value cannot be counted with; says why.
    NoStore(String),
    /// Key or value over the limit.
    TooLarge,
    /// The store's quota is used up.
    Quota,
    /// Granted for reading only.
    ReadOnly,
}

impl fmt::Display for KvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KvError::Denied => "the store is not granted to this module",
            KvError::NoStore(why) => why,
            KvError::TooLarge => "the key or the value is too large",
            KvError::Quota => "the store's quota is used up",
            KvError::ReadOnly => "the store is granted for reading only",
        })
    }
}

impl std::error::Error for KvError {}

/// A store that is granted to this module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    name: String,
}

/// Opens the store granted as `name`.
///
/// # Errors
/// [`KvError::Denied`] and [`KvError::NoStore`].
///
/// # Panics
/// On native targets, unless inside of [`testing::with_stores`](crate::testing::with_stores).
pub fn open(name: impl Into<String>) -> Result<Store, KvError> {
    let name = name.into();
    platform::open(&name)?;
    Ok(Store { name })
}

impl Store {
    /// The value of `key`, if there is one.
    ///
    /// # Errors
    /// See [`KvError`]; the same holds for all operations.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        platform::get(&self.name, key)
    }

    /// Sets the value of `key`.
    ///
    /// # Errors
    /// See [`KvError`].
    pub fn set(&self, key: &str, value: impl AsRef<[u8]>) -> Result<(), KvError> {
        platform::set(&self.name, key, value.as_ref())
    }

    /// Removes `key`; returns whether it was there.
    ///
    /// # Errors
    /// See [`KvError`].
    pub fn delete(&self, key: &str) -> Result<bool, KvError> {
        platform::delete(&self.name, key)
    }

    /// Whether there is a value for `key`.
    ///
    /// # Errors
    /// See [`KvError`].
    pub fn exists(&self, key: &str) -> Result<bool, KvError> {
        platform::exists(&self.name, key)
    }

    /// The keys that begin with `prefix`, in bytewise order, at most `limit`.
    ///
    /// # Errors
    /// See [`KvError`].
    pub fn keys(&self, prefix: &str, limit: u32) -> Result<Vec<String>, KvError> {
        platform::keys(&self.name, prefix, limit)
    }

    /// Adds `by` to the integer at `key`, written in decimal digits (0 if there is none), and returns the sum.
    ///
    /// # Errors
    /// See [`KvError`].
    pub fn increment(&self, key: &str, by: i64) -> Result<i64, KvError> {
        platform::increment(&self.name, key, by)
    }

    /// Sets the value of `key` to `new` (`None`: removes it) if it is `expected` (`None`: absent); returns whether it was.
    ///
    /// # Errors
    /// See [`KvError`].
    pub fn swap(&self, key: &str, expected: Option<&[u8]>, new: Option<&[u8]>) -> Result<bool, KvError> {
        platform::swap(&self.name, key, expected, new)
    }
}

#[cfg(target_arch = "wasm32")]
mod platform {
    use super::KvError;
    use crate::host::keyvalue as host;

    fn error(error: host::KvError) -> KvError {
        match error {
            host::KvError::Denied => KvError::Denied,
            host::KvError::NoStore(why) => KvError::NoStore(why),
            host::KvError::TooLarge => KvError::TooLarge,
            host::KvError::Quota => KvError::Quota,
            host::KvError::ReadOnly => KvError::ReadOnly,
        }
    }

    pub(super) fn open(store: &str) -> Result<(), KvError> {
        host::open(store).map_err(error)
    }

    pub(super) fn get(store: &str, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        host::get(store, key).map_err(error)
    }

    pub(super) fn set(store: &str, key: &str, value: &[u8]) -> Result<(), KvError> {
        host::set(store, key, value).map_err(error)
    }

    pub(super) fn delete(store: &str, key: &str) -> Result<bool, KvError> {
        host::delete(store, key).map_err(error)
    }

    pub(super) fn exists(store: &str, key: &str) -> Result<bool, KvError> {
        host::exists(store, key).map_err(error)
    }

    pub(super) fn keys(store: &str, prefix: &str, limit: u32) -> Result<Vec<String>, KvError> {
        host::keys(store, prefix, limit).map_err(error)
    }

    pub(super) fn increment(store: &str, key: &str, by: i64) -> Result<i64, KvError> {
        host::increment(store, key, by).map_err(error)
    }

    pub(super) fn swap(store: &str, key: &str, expected: Option<&[u8]>, new: Option<&[u8]>) -> Result<bool, KvError> {
        host::swap(store, key, expected, new).map_err(error)
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod platform {
    use super::KvError;
    use crate::testing::in_store;

    pub(super) fn open(store: &str) -> Result<(), KvError> {
        in_store(store, |_| Ok(()))
    }

    pub(super) fn get(store: &str, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        in_store(store, |values| Ok(values.get(key).cloned()))
    }

    pub(super) fn set(store: &str, key: &str, value: &[u8]) -> Result<(), KvError> {
        in_store(store, |values| {
            values.insert(key.to_owned(), value.to_owned());
            Ok(())
        })
    }

    pub(super) fn delete(store: &str, key: &str) -> Result<bool, KvError> {
        in_store(store, |values| Ok(values.remove(key).is_some()))
    }

    pub(super) fn exists(store: &str, key: &str) -> Result<bool, KvError> {
        in_store(store, |values| Ok(values.contains_key(key)))
    }

    pub(super) fn keys(store: &str, prefix: &str, limit: u32) -> Result<Vec<String>, KvError> {
        in_store(store, |values| {
            let found = values.keys().filter(|key| key.starts_with(prefix));
            Ok(found.take(limit as usize).cloned().collect())
        })
    }

    pub(super) fn increment(store: &str, key: &str, by: i64) -> Result<i64, KvError> {
        in_store(store, |values| {
            let number = values.get(key).map_or(Some(0), |text| std::str::from_utf8(text).ok()?.parse::<i64>().ok());
            let sum = number.and_then(|number| number.checked_add(by));
            let sum = sum.ok_or_else(|| KvError::NoStore(format!("the value of `{key}` cannot be counted with")))?;
            values.insert(key.to_owned(), sum.to_string().into_bytes());
            Ok(sum)
        })
    }

    pub(super) fn swap(store: &str, key: &str, expected: Option<&[u8]>, new: Option<&[u8]>) -> Result<bool, KvError> {
        in_store(store, |values| {
            if values.get(key).map(Vec::as_slice) != expected {
                return Ok(false);
            }
            match new {
                Some(new) => values.insert(key.to_owned(), new.to_owned()),
                None => values.remove(key),
            };
            Ok(true)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{KvError, open};
    use crate::testing::with_stores;

    #[test]
    fn native_tests_have_stores_in_memory() {
        with_stores(&["visits"], || {
            assert_eq!(open("other"), Err(KvError::Denied));
            let store = open("visits").expect("it is granted");
            assert_eq!(store.get("a"), Ok(None));
            assert_eq!((store.increment("a", 2), store.increment("a", -5)), (Ok(2), Ok(-3)));
            assert_eq!(store.get("a"), Ok(Some(b"-3".to_vec())));
            assert_eq!(store.set("b", "text"), Ok(()));
            assert!(matches!(store.increment("b", 1), Err(KvError::NoStore(_))));
            assert_eq!(store.swap("c", None, Some(b"1")), Ok(true));
            assert_eq!(store.swap("c", None, Some(b"2")), Ok(false));
            assert_eq!(store.swap("c", Some(b"1"), None), Ok(true));
            assert_eq!(store.exists("c"), Ok(false));
            assert_eq!(store.keys("", 9), Ok(vec!["a".to_owned(), "b".to_owned()]));
            assert_eq!(store.keys("", 1), Ok(vec!["a".to_owned()]));
            assert_eq!((store.delete("b"), store.delete("b")), (Ok(true), Ok(false)));
        });
        let found = with_stores(&["visits"], || open("visits").and_then(|store| store.get("a")));
        assert_eq!(found, Ok(None), "each test starts empty");
    }
}
