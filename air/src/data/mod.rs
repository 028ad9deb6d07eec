//! Particle data: what peers have recorded about a particle.
//!
//! One append-only log per peer that did something, each a hash chain whose head its owner signs. [`Logs`] merges by keeping,
//! per peer, the longer of two logs; [`Data`] is what travels between peers and what a peer stores: segments of logs, and the
//! values that their entries refer to. This module knows nothing of scripts; what an entry means at its position is for
//! [`crate::execution`] to tell.

mod blob;
mod encode;
mod entry;
mod equivocation;
mod heads;
mod log;
mod logs;
mod pack;
mod position;

pub(crate) use blob::Blob;
pub use encode::DataError;
pub(crate) use entry::parse_peer;
pub use entry::{Entry, Fact};
pub use equivocation::{Equivocation, SignedHead};
pub use heads::Heads;
pub use log::{Hash, Log};
pub(crate) use logs::{Extension, Origin};
pub use logs::{Logs, MergeError};
pub use position::{Element, Frame, Key, Position};

use std::collections::BTreeMap;
use std::sync::Arc;

use marine_particle::{PeerId, Signature};

use crate::value::ContentId;

/// A message of particle data, or a record of a step: segments of logs, and values. Decoded, or made by
/// [`Logs::delta`]; its form is canonical, what it says has still to be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    pub(crate) particle: ContentId,
    /// By peer.
    pub(crate) segments: BTreeMap<PeerId, Segment>,
    /// The DAG-CBOR of values, by identifier.
    values: Vec<(ContentId, Blob)>,
}

/// A piece of one peer's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// How many entries come before.
    pub from: u64,
    /// The encoded entries; at least one.
    pub entries: Vec<Arc<[u8]>>,
    /// The link of the last entry.
    pub head: Hash,
    /// The owner's signature over the head; missing only in the owner's own records.
    pub signature: Option<Signature>,
}

impl Data {
    /// Data that says nothing, neutral in a merge.
    #[must_use]
    pub fn empty(particle: ContentId) -> Self {
        Self { particle, segments: BTreeMap::new(), values: Vec::new() }
    }

    /// The particle it is about.
    #[must_use]
    pub fn particle(&self) -> ContentId {
        self.particle
    }

    /// The segments, sorted by peer.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = (&PeerId, &Segment)> {
        self.segments.iter()
    }

    /// The values, sorted by identifier.
    pub(crate) fn values(&self) -> &[(ContentId, Blob)] {
        &self.values
    }

    /// Adds values; of equal ones one is kept.
    pub(crate) fn add_values(&mut self, values: impl IntoIterator<Item = (ContentId, Blob)>) {
        self.values.extend(values);
        // What came with a message is sorted already, which makes this a look at each.
        self.values.sort_by_key(|(id, _)| *id);
        self.values.dedup_by_key(|(id, _)| *id);
    }

    /// Per log, the length that its segment reaches.
    #[must_use]
    pub fn heads(&self) -> Heads {
        self.segments.iter().map(|(&peer, segment)| (peer, segment.len())).collect()
    }

    /// The number of entries.
    #[must_use]
    pub fn entry_count(&self) -> usize {
        self.segments.values().map(|segment| segment.entries.len()).sum()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty() && self.values.is_empty()
    }
}

impl Segment {
    /// The length of the log up to the end of this segment.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a segment has at least one entry")]
    pub fn len(&self) -> u64 {
        self.from + self.entries.len() as u64
    }
}
