//! Content ids: CIDv1 over blake3-256, the name of a module or blueprint that nobody can forge.

pub use ::cid::Cid;
use multihash::Multihash;

/// Multicodec of bytes taken as they are.
const RAW: u64 = 0x55;
/// Multicodec of DAG-CBOR.
pub(crate) const DAG_CBOR: u64 = 0x71;
/// Multicodec of the 256-bit blake3 digest.
const BLAKE3: u64 = 0x1e;

/// The id of a module: CIDv1, raw codec, blake3-256 over the component's bytes.
pub fn module_cid(bytes: &[u8]) -> Cid {
    content_cid(RAW, bytes)
}

/// The id of `bytes` read as `codec` (a multicodec number): CIDv1, blake3-256.
pub fn content_cid(codec: u64, bytes: &[u8]) -> Cid {
    let digest = blake3::hash(bytes);
    let hash = Multihash::wrap(BLAKE3, digest.as_bytes()).expect("a 32-byte digest fits a multihash of 64 bytes");
    Cid::new_v1(codec, hash)
}

/// Whether `cid` is one that [`module_cid`] can produce.
pub(crate) fn is_module_cid(cid: &Cid) -> bool {
    cid.version() == ::cid::Version::V1 && cid.codec() == RAW && cid.hash().code() == BLAKE3 && cid.hash().size() == 32
}
