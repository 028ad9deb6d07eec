//! Counts things by name, in a key-value store of the host that `Marine.toml` grants.

use marine_sdk::{Error, Result, kv, marine};

/// The store, as the manifest calls it.
const STORE: &str = "counts";
/// How many names one answer lists.
const MOST_NAMES: u32 = 1_000;

/// A name and how often it was counted.
#[marine]
pub struct Count {
    pub name: String,
    pub count: i64,
}

/// Adds `by` to the count of `name` and returns the sum. Nobody sees a half-done count: the store adds.
#[marine]
fn add(name: &str, by: i64) -> Result<i64> {
    Ok(kv::open(STORE)?.increment(checked(name)?, by)?)
}

/// How often `name` was counted; nothing if it never was.
#[marine]
fn get(name: &str) -> Result<i64> {
    count(&kv::open(STORE)?, name)
}

/// All counts whose names begin with `prefix`, sorted by name.
#[marine]
fn list(prefix: &str) -> Result<Vec<Count>> {
    let store = kv::open(STORE)?;
    let names = store.keys(prefix, MOST_NAMES)?.into_iter();
    names.map(|name| Ok(Count { count: count(&store, &name)?, name })).collect()
}

/// Forgets `name`; says whether there was such a count.
#[marine]
fn forget(name: &str) -> Result<bool> {
    Ok(kv::open(STORE)?.delete(name)?)
}

fn count(store: &kv::Store, name: &str) -> Result<i64> {
    match store.get(name)? {
        Some(digits) => Ok(String::from_utf8(digits)?.parse()?),
        None => Ok(0),
    }
}

fn checked(name: &str) -> Result<&str> {
    match name.trim() {
        "" => Err(Error::new("a count needs a name")),
        name => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_something() {
        assert_eq!(checked(" tea ").unwrap(), "tea");
        assert!(checked(" ").is_err());
    }
}
