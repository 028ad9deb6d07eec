//! [`Heads`]: how much of each log someone has.

use std::collections::BTreeMap;

use marine_particle::PeerId;

/// The length per log; logs that are not there have length 0.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Heads(BTreeMap<PeerId, u64>);

impl Heads {
    /// The length of a peer's log.
    #[must_use]
    pub fn get(&self, peer: &PeerId) -> u64 {
        self.0.get(peer).copied().unwrap_or(0)
    }

    /// Raises a length; a lower one than before changes nothing.
    pub fn insert(&mut self, peer: PeerId, len: u64) {
        let old = self.0.entry(peer).or_insert(len);
        *old = len.max(*old);
    }

    /// The lengths, by peer.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&PeerId, u64)> {
        self.0.iter().map(|(peer, &len)| (peer, len))
    }

    /// Raises every length to that of `other`.
    pub fn join(&mut self, other: &Heads) {
        other.iter().for_each(|(&peer, len)| self.insert(peer, len));
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every log is at least as long as in `other`.
    #[must_use]
    pub fn covers(&self, other: &Heads) -> bool {
        other.iter().all(|(peer, len)| self.get(peer) >= len)
    }
}

impl FromIterator<(PeerId, u64)> for Heads {
    fn from_iter<I: IntoIterator<Item = (PeerId, u64)>>(iter: I) -> Self {
        let mut heads = Self::default();
        iter.into_iter().for_each(|(peer, len)| heads.insert(peer, len));
        heads
    }
}
