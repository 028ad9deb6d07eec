//! [`Values`]: the values that a particle carries, each stored, hashed and decoded once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::index::EntryNo;
use super::peers::Peers;
use crate::data::{Blob, Heads};
use crate::value::{ContentId, Value};

#[derive(Debug, Default)]
pub(super) struct Values {
    /// Only looked up, never gone through.
    by_id: HashMap<ContentId, Stored>,
    bytes: usize,
    /// How many of them are referred to by no entry.
    unreferred: usize,
}

#[derive(Debug)]
struct Stored {
    bytes: Blob,
    value: Value,
    /// The first entry that refers to it; of a height of 0 there is none.
    referrer: EntryNo,
    /// Per further log, the lowest height of an entry that does.
    referrers: Vec<EntryNo>,
}

impl Values {
    pub(super) fn contains(&self, id: &ContentId) -> bool {
        self.by_id.contains_key(id)
    }

    pub(super) fn get(&self, id: &ContentId) -> Option<&Value> {
        self.by_id.get(id).map(|stored| &stored.value)
    }

    pub(super) fn encoded(&self, id: &ContentId) -> Option<&Blob> {
        self.by_id.get(id).map(|stored| &stored.bytes)
    }

    /// The bytes of all values together.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a value; returns whether it is new.
    pub(super) fn insert(&mut self, id: ContentId, bytes: Blob, value: Value) -> bool {
        let Entry::Vacant(place) = self.by_id.entry(id) else { return false };
        self.bytes += bytes.len();
        self.unreferred += 1;
        place.insert(Stored { bytes, value, referrer: (0, 0), referrers: Vec::new() });
        true
    }

    /// Takes note that an entry refers to a value. Entries of a log come in their order. Returns the value, if it is here.
    pub(super) fn refer(&mut self, id: &ContentId, entry: EntryNo) -> Option<&Value> {
        let stored = self.by_id.get_mut(id)?;
        if stored.referrer.1 == 0 {
            stored.referrer = entry;
            self.unreferred -= 1;
        } else if stored.all_referrers().all(|(peer, _)| peer != entry.0) {
            stored.referrers.push(entry);
        }
        Some(&stored.value)
    }

    /// A value that no entry refers to.
    pub(super) fn unreferred(&self) -> Option<ContentId> {
        if self.unreferred == 0 {
            return None;
        }
        // The least one, so that the answer is the same everywhere.
        self.by_id.iter().filter(|(_, stored)| stored.referrer.1 == 0).map(|(id, _)| *id).min()
    }

    /// Makes room for this many more.
    pub(super) fn reserve(&mut self, more: usize) {
        self.by_id.reserve(more);
    }

    /// Whether someone who has `known` of the logs has got the value with them.
    pub(super) fn is_known(&self, id: &ContentId, known: &Heads, peers: &Peers) -> bool {
        let stored = self.by_id.get(id);
        stored.is_some_and(|stored| {
            stored.all_referrers().any(|(peer, height)| known.get(&peers.id(peer)) >= u64::from(height))
        })
    }
}

impl Stored {
    fn all_referrers(&self) -> impl Iterator<Item = EntryNo> {
        let first = Some(self.referrer).filter(|(_, height)| *height > 0);
        first.into_iter().chain(self.referrers.iter().copied())
    }
}
