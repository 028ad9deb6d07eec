//! [`ContentId`]: the blake3-256 CID of a DAG-CBOR structure, as its digest.

use std::fmt;
use std::hash::{Hash, Hasher};

use cid::Cid;
use marine_particle::{BLAKE3_256, DAG_CBOR};
use multihash::Multihash;

/// CIDv1, dag-cbor, blake3-256, in the bytes of a DAG-CBOR link: the multibase prefix 0, version, codec, hash, length.
pub(crate) const PREFIX: [u8; 5] = [0, 1, 0x71, 0x1e, 32];

/// The content identifier of a value or a particle: CIDv1, codec dag-cbor, hash blake3-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContentId([u8; 32]);

/// A part of what is a hash already: tables with a key of their own need no more.
impl Hash for ContentId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.iter().take(8).fold(0, |n, &byte| n << 8 | u64::from(byte)));
    }
}

impl ContentId {
    /// The identifier of a structure, given its canonical encoding.
    #[must_use]
    pub fn of(encoding: &[u8]) -> Self {
        Self(*blake3::hash(encoding).as_bytes())
    }

    /// The identifier with this digest.
    #[must_use]
    pub fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The blake3 digest.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.0
    }

    /// The identifier as a CID of any kind.
    #[must_use]
    pub fn to_cid(&self) -> Cid {
        let hash = Multihash::wrap(BLAKE3_256, &self.0).expect("invariant: 32 bytes fit into a multihash of 64");
        Cid::new_v1(DAG_CBOR, hash)
    }

    /// The identifier, if `cid` is of our kind.
    #[must_use]
    pub fn from_cid(cid: &Cid) -> Option<Self> {
        let digest = cid.hash().digest().try_into().ok()?;
        let id = Self(digest);
        (id.to_cid() == *cid).then_some(id)
    }
}

/// Base32 text, as in `bafyr4i..`.
impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_cid().fmt(f)
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
