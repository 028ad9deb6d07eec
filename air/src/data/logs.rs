//! [`Logs`]: all logs of a particle, the CRDT that travels with it.
//!
//! Merging keeps, per peer, the longer of two logs; entries are never reordered or rewritten. It costs what was not known,
//! plus one look-up per segment: a head that is here already is compared and not verified again.

use std::collections::BTreeMap;
use std::sync::Arc;

use marine_particle::{Particle, PeerId, Signature, SignatureError};
use thiserror::Error;

use super::equivocation::{Equivocation, SignedHead};
use super::log::{Binding, Hash, Log, next_link};
use super::{Data, Heads, Segment};
use crate::value::ContentId;

/// The logs of one particle.
#[derive(Clone, Debug)]
pub struct Logs {
    particle: ContentId,
    binding: Binding,
    logs: BTreeMap<PeerId, Log>,
    heads: Heads,
    hashed: u64,
    verified: u64,
}

/// Data cannot be merged.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum MergeError {
    /// It belongs elsewhere.
    #[error("data is of particle {found}, not of {expected}")]
    OtherParticle {
        /// The particle of the data.
        found: ContentId,
        /// This particle.
        expected: ContentId,
    },
    /// A segment starts after what is here.
    #[error("a segment of the log of {peer} starts after entry {from}, but only {have} entries are here")]
    Gap {
        /// The owner of the log.
        peer: PeerId,
        /// The length that is here.
        have: u64,
        /// Where the segment starts.
        from: u64,
    },
    /// Entries do not lead to the head that is stated.
    #[error("the entries of the log of {peer} do not make the chain that its head at {len} ends")]
    Chain {
        /// The owner of the log.
        peer: PeerId,
        /// The length of the log.
        len: u64,
    },
    /// The head is not signed by the owner of the log.
    #[error("the head at {len} of the log of {peer} is not signed by it")]
    Signature {
        /// The owner of the log.
        peer: PeerId,
        /// The length of the log.
        len: u64,
        /// What is wrong with the signature; `None`: there is none.
        #[source]
        source: Option<Box<SignatureError>>,
    },
    /// The owner of a log wrote it twice.
    #[error("peer {peer} wrote two different logs")]
    Equivocation {
        /// The owner of the log.
        peer: PeerId,
        /// The proof; missing if the log that is here is this peer's own and not signed yet.
        proof: Option<Box<Equivocation>>,
    },
}

/// What a message adds to one log, verified.
#[derive(Clone, Debug)]
pub(crate) struct Extension {
    pub(crate) peer: PeerId,
    /// The length of the log before.
    pub(crate) have: u64,
    entries: Vec<(Arc<[u8]>, Hash)>,
    signature: Option<Signature>,
}

impl Extension {
    pub(crate) fn entries(&self) -> impl ExactSizeIterator<Item = &Arc<[u8]>> {
        self.entries.iter().map(|(entry, _)| entry)
    }
}

impl Logs {
    /// No logs yet.
    #[must_use]
    pub fn new(particle: &Particle) -> Self {
        let binding = Binding { particle_signature: *particle.signature() };
        let particle =
            ContentId::from_cid(&particle.cid()).expect("invariant: a particle's CID is dag-cbor with blake3-256");
        Self { particle, binding, logs: BTreeMap::new(), heads: Heads::default(), hashed: 0, verified: 0 }
    }

    /// The particle.
    #[must_use]
    pub fn particle(&self) -> ContentId {
        self.particle
    }

    /// The length per log.
    #[must_use]
    pub fn heads(&self) -> &Heads {
        &self.heads
    }

    /// A peer's log.
    #[must_use]
    pub fn get(&self, peer: &PeerId) -> Option<&Log> {
        self.logs.get(peer)
    }

    /// All logs, by peer.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Log> {
        self.logs.values()
    }

    /// How many entries have been hashed, and how many signatures verified, so far.
    #[must_use]
    pub fn counters(&self) -> (u64, u64) {
        (self.hashed, self.verified)
    }

    /// Takes what `data` has more. Commutative, associative and idempotent; changes nothing if it fails.
    ///
    /// This looks at chains and signatures only: whether entries and values make sense is not checked here.
    ///
    /// # Errors
    /// See [`MergeError`].
    pub fn merge(&mut self, data: &Data) -> Result<(), MergeError> {
        let extensions = self.check(data, Origin::Network)?;
        extensions.into_iter().for_each(|extension| self.extend(extension));
        Ok(())
    }

    /// Works out and verifies what `data` adds, by peer. A peer's own records need no
    /// signatures.
    pub(crate) fn check(&mut self, data: &Data, origin: Origin) -> Result<Vec<Extension>, MergeError> {
        if data.particle != self.particle {
            return Err(MergeError::OtherParticle { found: data.particle, expected: self.particle });
        }
        let mut extensions = Vec::new();
        for (peer, segment) in &data.segments {
            extensions.extend(self.check_segment(*peer, segment, origin)?);
        }
        Ok(extensions)
    }

    fn check_segment(
        &mut self,
        peer: PeerId,
        segment: &Segment,
        origin: Origin,
    ) -> Result<Option<Extension>, MergeError> {
        let (have, first);
        match self.logs.get(&peer) {
            Some(log) if log.link(segment.len()) == Some(&segment.head) => {
                // Nothing new. A missing signature would be no ground to trust, so it is refused all the same.
                return match segment.signature {
                    None if origin == Origin::Network => {
                        Err(MergeError::Signature { peer, len: segment.len(), source: None })
                    }
                    _ => Ok(None),
                };
            }
            Some(log) => {
                have = log.len();
                first = log.link(segment.from).copied();
            }
            None => {
                have = 0;
                first = (segment.from == 0).then(|| self.binding.first_link(&peer));
            }
        }
        let Some(first) = first else {
            return Err(MergeError::Gap { peer, have, from: segment.from });
        };
        let known = (have - segment.from) as usize;
        let is_same = match self.logs.get(&peer) {
            Some(log) => {
                known <= segment.entries.len() && log.entries()[segment.from as usize..] == segment.entries[..known]
            }
            None => true,
        };
        let (start, mut link) = match (is_same, self.logs.get(&peer)) {
            (true, Some(log)) => (known, *log.head()),
            _ => (0, first),
        };
        let mut entries = Vec::with_capacity(segment.entries.len() - start);
        for entry in &segment.entries[start..] {
            link = next_link(&link, entry);
            entries.push((entry.clone(), link));
        }
        self.hashed += entries.len() as u64;
        let len = segment.len();
        if link != segment.head {
            return Err(MergeError::Chain { peer, len });
        }
        if origin == Origin::Network {
            let signature = segment.signature.ok_or(MergeError::Signature { peer, len, source: None })?;
            self.verified += 1;
            self.binding
                .verify_head(&peer, len, &segment.head, &signature)
                .map_err(|source| MergeError::Signature { peer, len, source: Some(Box::new(source)) })?;
        }
        if is_same {
            return Ok(Some(Extension { peer, have, entries, signature: segment.signature }));
        }
        let proof = self.logs.get(&peer).and_then(|log| self.proof(log, segment, &entries)).map(Box::new);
        Err(MergeError::Equivocation { peer, proof })
    }

    /// `links` are the segment's entries from its start, each with its link.
    fn proof(&self, log: &Log, segment: &Segment, links: &[(Arc<[u8]>, Hash)]) -> Option<Equivocation> {
        let (our_len, our_signature) = log.signed()?;
        let ours = SignedHead { len: our_len, head: *log.link(our_len)?, signature: *our_signature };
        let theirs = SignedHead { len: segment.len(), head: segment.head, signature: segment.signature? };
        let hash = |entry: &Arc<[u8]>| *blake3::hash(entry).as_bytes();
        let (shorter, longer, link, entries) = if theirs.len <= ours.len {
            let link = *log.link(theirs.len)?;
            let rest = &log.entries()[theirs.len as usize..ours.len as usize];
            (theirs, ours, link, rest.iter().map(hash).collect())
        } else {
            let at = (ours.len.checked_sub(segment.from)?) as usize;
            let link = if at == 0 { *log.link(segment.from)? } else { links[at - 1].1 };
            let rest = links[at..].iter().map(|(entry, _)| hash(entry)).collect();
            (ours, theirs, link, rest)
        };
        (link != shorter.head).then_some(Equivocation {
            particle: self.particle,
            peer: *log.peer(),
            shorter,
            longer,
            link,
            entries,
        })
    }

    /// Carries out what [`Logs::check`] found.
    pub(crate) fn extend(&mut self, extension: Extension) {
        let binding = self.binding;
        let log = self.logs.entry(extension.peer).or_insert_with(|| Log::new(extension.peer, &binding));
        for (entry, link) in extension.entries {
            log.push_linked(entry, link);
        }
        if let Some(signature) = extension.signature {
            log.sign(log.len(), signature);
        }
        self.heads.insert(extension.peer, log.len());
    }

    /// Appends an entry to a log that this peer owns. Returns its height.
    pub(crate) fn append(&mut self, peer: PeerId, entry: Arc<[u8]>) -> u64 {
        let binding = self.binding;
        let log = self.logs.entry(peer).or_insert_with(|| Log::new(peer, &binding));
        self.hashed += 1;
        let height = log.push(entry);
        self.heads.insert(peer, height);
        height
    }

    /// What a peer's head at `len` has to be signed over.
    pub(crate) fn head_message(&self, peer: &PeerId, len: u64) -> Option<Vec<u8>> {
        let head = self.logs.get(peer)?.link(len)?;
        Some(self.binding.head_message(len, head))
    }

    pub(crate) fn sign(&mut self, peer: &PeerId, len: u64, signature: Signature) {
        if let Some(log) = self.logs.get_mut(peer) {
            log.sign(len, signature);
        }
    }

    /// The entries of a log after `from`, up to `len`.
    pub(crate) fn segment(&self, peer: &PeerId, from: u64, len: u64) -> Option<Segment> {
        let log = self.logs.get(peer)?;
        if from >= len {
            return None;
        }
        let entries = log.entries().get(from as usize..len as usize)?.to_vec();
        let signature = log.signed().filter(|(signed, _)| *signed == len).map(|(_, signature)| *signature);
        Some(Segment { from, entries, head: *log.link(len)?, signature })
    }

    /// The signed part of all logs that goes beyond `known`, without values.
    #[must_use]
    pub fn delta(&self, known: &Heads) -> Data {
        let mut data = Data::empty(self.particle);
        for (peer, log) in &self.logs {
            let signed = log.signed().map_or(0, |(len, _)| len);
            if let Some(segment) = self.segment(peer, known.get(peer), signed) {
                data.segments.insert(*peer, segment);
            }
        }
        data
    }
}

/// Where data comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// Another peer, or anyone.
    Network,
    /// A peer's own storage. What was signed has been verified, the rest it wrote itself.
    Record,
}
