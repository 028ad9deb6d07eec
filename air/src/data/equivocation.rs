//! [`Equivocation`]: the proof that a peer wrote its log twice, differently.

use marine_particle::{Particle, PeerId, Signature};

use super::log::{Binding, Hash, next_link_of_hash};
use crate::value::ContentId;

/// A head of a log with its owner's signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedHead {
    /// The number of entries.
    pub len: u64,
    /// The link of the last one.
    pub head: Hash,
    /// The owner's signature over both.
    pub signature: Signature,
}

/// Two signed heads of one peer, neither log a prefix of the other. Anyone who has the particle can verify it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Equivocation {
    /// The particle.
    pub particle: ContentId,
    /// Who wrote twice.
    pub peer: PeerId,
    /// The head of the log that is not longer.
    pub shorter: SignedHead,
    /// The head of the other one.
    pub longer: SignedHead,
    /// The link of the longer log at the length of the shorter one.
    pub link: Hash,
    /// The hashes of the longer log's entries after that.
    pub entries: Vec<Hash>,
}

impl Equivocation {
    /// Whether it proves what it says: both heads are signed by the peer for this particle, the longer log really has
    /// another link where the shorter one ends.
    #[must_use]
    pub fn verify(&self, particle: &Particle) -> bool {
        let binding = Binding { particle_signature: *particle.signature() };
        let signed = |head: &SignedHead| binding.verify_head(&self.peer, head.len, &head.head, &head.signature).is_ok();
        let end = self.entries.iter().fold(self.link, |link, entry| next_link_of_hash(&link, entry));
        ContentId::from_cid(&particle.cid()) == Some(self.particle)
            && self.shorter.len.checked_add(self.entries.len() as u64) == Some(self.longer.len)
            && end == self.longer.head
            && self.link != self.shorter.head
            && signed(&self.shorter)
            && signed(&self.longer)
    }
}
