//! [`Values`]: the values that a particle carries, each stored, hashed and decoded once.

use std::collections::HashMap;
use std::sync::Arc;

use marine_particle::PeerId;

use crate::data::Heads;
use crate::value::{ContentId, Value};

#[derive(Debug, Default)]
pub(super) struct Values {
    /// Only looked up, never gone through.
    by_id: HashMap<ContentId, Stored>,
    bytes: usize,
}

#[derive(Debug)]
struct Stored {
    bytes: Arc<[u8]>,
    value: Value,
    /// Per log, the lowest height of an entry that refers to it.
    referrers: Vec<(PeerId, u64)>,
}

impl Values {
    pub(super) fn contains(&self, id: &ContentId) -> bool {
        self.by_id.contains_key(id)
    }

    pub(super) fn get(&self, id: &ContentId) -> Option<&Value> {
        self.by_id.get(id).map(|stored| &stored.value)
    }

    pub(super) fn encoded(&self, id: &ContentId) -> Option<&Arc<[u8]>> {
        self.by_id.get(id).map(|stored| &stored.bytes)
    }

    /// The bytes of all values together.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a value; returns whether it is new.
    pub(super) fn insert(&mut self, id: ContentId, bytes: Arc<[u8]>, value: Value) -> bool {
        if self.contains(&id) {
            return false;
        }
        self.bytes += bytes.len();
        self.by_id.insert(id, Stored { bytes, value, referrers: Vec::new() });
        true
    }

    /// Takes note that an entry refers to a value. Entries of a log come in their order.
    pub(super) fn refer(&mut self, id: &ContentId, peer: PeerId, height: u64) {
        if let Some(stored) = self.by_id.get_mut(id)
            && !stored.referrers.iter().any(|(other, _)| *other == peer)
        {
            if stored.referrers.is_empty() {
                // Nearly always the only one; a vector would make room for four.
                stored.referrers.reserve_exact(1);
            }
            stored.referrers.push((peer, height));
        }
    }

    pub(super) fn is_referred_to(&self, id: &ContentId) -> bool {
        self.by_id.get(id).is_some_and(|stored| !stored.referrers.is_empty())
    }

    /// Whether someone who has `known` of the logs has got the value with them.
    pub(super) fn is_known(&self, id: &ContentId, known: &Heads) -> bool {
        let referrers = self.by_id.get(id).map_or(&[][..], |stored| &stored.referrers);
        referrers.iter().any(|(peer, height)| known.get(peer) >= *height)
    }
}
