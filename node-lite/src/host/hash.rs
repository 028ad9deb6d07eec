//! SHA2-256, alone and as a multihash.

use cid::multihash::Multihash;
use sha2::{Digest, Sha256};

/// The code of SHA2-256 among multihashes.
const SHA2_256: u64 = 0x12;

/// The digest of `bytes`.
pub(crate) fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The multihash that says of a digest that it is one.
pub(crate) fn multihash(digest: &[u8; 32]) -> Vec<u8> {
    // Code and length take one byte each.
    [&[SHA2_256 as u8, 32][..], digest].concat()
}

/// The digest in a multihash; `None` if it is another hash, or none.
pub(crate) fn digest_in(multihash: &[u8]) -> Option<[u8; 32]> {
    let hash = Multihash::<64>::from_bytes(multihash).ok()?;
    (hash.code() == SHA2_256).then(|| hash.digest().try_into().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multihashes_hold_their_digest() {
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let digest = digest(b"abc");
        assert_eq!(digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), known);
        assert_eq!(digest_in(&multihash(&digest)), Some(digest));
        let blake3 = [&[0x1e, 32][..], &digest].concat();
        for wrong in [&digest[..], &[], &multihash(&digest)[..33], &blake3] {
            assert_eq!(digest_in(wrong), None);
        }
    }
}
