//! Content identifiers: CIDv1 with blake3-256.

use cid::Cid;
use multihash::Multihash;

/// Multicodec of canonical DAG-CBOR.
pub const DAG_CBOR: u64 = 0x71;
/// Multicodec of plain bytes.
pub const RAW: u64 = 0x55;
/// Multihash code of blake3 with 32 bytes.
pub const BLAKE3_256: u64 = 0x1e;

/// The identifier of a structure, given its canonical DAG-CBOR.
///
/// ```
/// let cid = marine_particle::dag_cbor_cid(&[0x01]);
/// assert_eq!(cid.to_string(), "bafyr4ici7rzb7o6bolqjex5cplywohpcew5je4juqauzrmikcvukdcdffm");
/// ```
#[must_use]
pub fn dag_cbor_cid(encoding: &[u8]) -> Cid {
    cid_of(DAG_CBOR, encoding)
}

/// The identifier of plain bytes, such as a module.
#[must_use]
pub fn raw_cid(bytes: &[u8]) -> Cid {
    cid_of(RAW, bytes)
}

fn cid_of(codec: u64, bytes: &[u8]) -> Cid {
    let digest = blake3::hash(bytes);
    let hash = Multihash::wrap(BLAKE3_256, digest.as_bytes()).expect("invariant: 32 bytes fit into a multihash of 64");
    Cid::new_v1(codec, hash)
}
