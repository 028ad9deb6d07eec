//! [`Log`]: one peer's facts, as a hash chain with a signed head.

use std::sync::Arc;

use marine_particle::{PeerId, Signature, SignatureError, verify_strict};

/// A blake3 hash.
pub type Hash = [u8; 32];

/// What all chains and signatures of a particle are bound to: the initial peer's signature, which covers the envelope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding {
    pub(crate) particle_signature: Signature,
}

impl Binding {
    /// The link before the first entry of a peer's log.
    pub(crate) fn first_link(&self, peer: &PeerId) -> Hash {
        let mut input = self.particle_signature.to_vec();
        input.extend_from_slice(&peer.to_bytes());
        blake3::derive_key("marine-chain-1", &input)
    }

    /// What the owner of a log signs.
    pub(crate) fn head_message(&self, len: u64, head: &Hash) -> Vec<u8> {
        let mut message = Vec::with_capacity(14 + 64 + 8 + 32);
        message.extend_from_slice(b"marine-head-1\0");
        message.extend_from_slice(&self.particle_signature);
        message.extend_from_slice(&len.to_be_bytes());
        message.extend_from_slice(head);
        message
    }

    pub(crate) fn verify_head(
        &self,
        peer: &PeerId,
        len: u64,
        head: &Hash,
        signature: &Signature,
    ) -> Result<(), SignatureError> {
        verify_strict(peer, &self.head_message(len, head), signature)
    }
}

/// The link after `entry`.
pub(crate) fn next_link(link: &Hash, entry: &[u8]) -> Hash {
    next_link_of_hash(link, blake3::hash(entry).as_bytes())
}

/// The link after the entry with this hash.
pub(crate) fn next_link_of_hash(link: &Hash, entry: &Hash) -> Hash {
    let mut input = [0; 64];
    input[..32].copy_from_slice(link);
    input[32..].copy_from_slice(entry);
    *blake3::hash(&input).as_bytes()
}

/// One peer's log: encoded entries, the link after each, and the highest head that is known to be signed.
#[derive(Clone, Debug)]
pub struct Log {
    peer: PeerId,
    entries: Vec<Arc<[u8]>>,
    /// One more than entries: the first link comes before all of them.
    links: Vec<Hash>,
    signed: Option<(u64, Signature)>,
}

impl Log {
    pub(crate) fn new(peer: PeerId, binding: &Binding) -> Self {
        Self { peer, entries: Vec::new(), links: vec![binding.first_link(&peer)], signed: None }
    }

    /// Its owner.
    #[must_use]
    pub fn peer(&self) -> &PeerId {
        &self.peer
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The encoded entries; entry `n` is at index `n - 1`.
    #[must_use]
    pub fn entries(&self) -> &[Arc<[u8]>] {
        &self.entries
    }

    /// The encoded entry at a height, counted from 1.
    #[must_use]
    pub fn entry(&self, height: u64) -> Option<&Arc<[u8]>> {
        self.entries.get(usize::try_from(height).ok()?.checked_sub(1)?)
    }

    /// The link after this many entries, if there are as many.
    #[must_use]
    pub fn link(&self, len: u64) -> Option<&Hash> {
        self.links.get(usize::try_from(len).ok()?)
    }

    /// The link after all entries.
    #[must_use]
    pub fn head(&self) -> &Hash {
        &self.links[self.entries.len()]
    }

    /// The highest length that has a signature, and the signature.
    #[must_use]
    pub fn signed(&self) -> Option<(u64, &Signature)> {
        self.signed.as_ref().map(|(len, signature)| (*len, signature))
    }

    /// Appends an entry whose link was not worked out yet. Returns its height.
    pub(crate) fn push(&mut self, entry: Arc<[u8]>) -> u64 {
        let link = next_link(self.head(), &entry);
        self.push_linked(entry, link)
    }

    pub(crate) fn push_linked(&mut self, entry: Arc<[u8]>, link: Hash) -> u64 {
        self.entries.push(entry);
        self.links.push(link);
        self.len()
    }

    /// Takes note of a signature over the head at `len`.
    pub(crate) fn sign(&mut self, len: u64, signature: Signature) {
        if self.signed.is_none_or(|(old, _)| old < len) {
            self.signed = Some((len, signature));
        }
    }
}
