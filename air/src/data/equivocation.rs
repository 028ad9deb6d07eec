//! [`Equivocation`]: the proof that a peer wrote its log twice, differently.

use marine_particle::{Particle, PeerId, Signature};

use super::encode::DataError;
use super::entry::{read_content_id, read_peer, write_content_id};
use super::log::{Binding, Hash, next_link_of_hash};
use crate::cbor::{self, CborError, Reader};
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
    /// The canonical DAG-CBOR, to be kept or shown to others: particle, peer, both heads as `[length, head, signature]`, the link
    /// of the longer log at the shorter one's length, and the hashes of its entries after that.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(400 + 34 * self.entries.len());
        cbor::array(&mut out, 6);
        write_content_id(&mut out, &self.particle);
        cbor::bytes(&mut out, &self.peer.to_bytes());
        for head in [&self.shorter, &self.longer] {
            cbor::array(&mut out, 3);
            cbor::uint(&mut out, head.len);
            cbor::bytes(&mut out, &head.head);
            cbor::bytes(&mut out, &head.signature);
        }
        cbor::bytes(&mut out, &self.link);
        cbor::array(&mut out, self.entries.len());
        self.entries.iter().for_each(|hash| cbor::bytes(&mut out, hash));
        out
    }

    /// Reads the canonical DAG-CBOR. What it says has still to be [verified](Equivocation::verify).
    ///
    /// # Errors
    /// If the bytes are anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, DataError> {
        let mut reader = Reader::new(bytes);
        if reader.array()? != 6 {
            return Ok(reader.fail("a proof of equivocation is an array of six")?);
        }
        let (particle, peer) = (read_content_id(&mut reader)?, read_peer(&mut reader)?);
        let (shorter, longer) = (read_head(&mut reader)?, read_head(&mut reader)?);
        let link = reader.fixed()?;
        let count = reader.array()?;
        let entries = (0..count).map(|_| reader.fixed()).collect::<Result<_, CborError>>()?;
        reader.end()?;
        Ok(Self { particle, peer, shorter, longer, link, entries })
    }

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

fn read_head(reader: &mut Reader<'_>) -> Result<SignedHead, CborError> {
    if reader.array()? != 3 {
        return reader.fail("a signed head is an array of three");
    }
    Ok(SignedHead { len: reader.uint()?, head: reader.fixed()?, signature: reader.fixed()? })
}
