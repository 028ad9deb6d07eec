//! Peer ids, content ids, and what strict verification refuses.

use marine_particle::{Keypair, PeerId, SignatureError, Signer, dag_cbor_cid, raw_cid, verify_strict};

use crate::key;

#[test]
fn a_seed_gives_the_peer_id_of_the_test_vector() {
    let key = key();
    assert_eq!(key.peer_id().to_base58(), "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5");
    assert_eq!(key.to_libp2p().public().to_peer_id(), key.peer_id());
    assert_eq!(Keypair::from_seed(&key.seed()).peer_id(), key.peer_id());
}

#[test]
fn content_ids_are_those_of_the_test_vectors() {
    let cases: [(&[u8], &str); 4] = [
        (b"\x64test", "bafyr4igvo7koqcwfnxpjdv46dl5pnve6q36vvxyjlmetzhj7b5baxq4gze"),
        (b"\x01", "bafyr4ici7rzb7o6bolqjex5cplywohpcew5je4juqauzrmikcvukdcdffm"),
        (b"\xfb\x3f\xf0\0\0\0\0\0\0", "bafyr4ia2cbnach5rfnpfuaza7h74tnsxpmvcemcxaeie3vyzgjff6mspga"),
        (
            b"\xa2\x61b\x01\x62aa\x82\xf5\xfb\xc0\x04\0\0\0\0\0\0",
            "bafyr4ibasfjgvr7ukrot7rvgpxsiaikeao2oskunfitl4n7qyee7fd2dqi",
        ),
    ];
    for (bytes, cid) in cases {
        assert_eq!(dag_cbor_cid(bytes).to_string(), cid);
    }
    assert!(raw_cid(b"").to_string().starts_with("bafkr4i"), "raw, blake3-256");
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?}", key());
    assert!(shown.contains("12D3KooW"), "{shown}");
    assert!(!shown.contains("[1, 1"), "{shown}");
    assert!(!shown.contains("0101"), "{shown}");
}

#[test]
fn a_signature_is_of_one_peer_over_one_message() {
    let key = key();
    let signature = Signer::sign(&key, b"message").unwrap();
    let peer = key.peer_id();
    assert_eq!(verify_strict(&peer, b"message", &signature), Ok(()));
    assert_eq!(verify_strict(&peer, b"massage", &signature), Err(SignatureError::Mismatch(peer)));
    let other = Keypair::from_seed(&[2; 32]).peer_id();
    assert_eq!(verify_strict(&other, b"message", &signature), Err(SignatureError::Mismatch(other)));
    for bit in 0..512 {
        let mut changed = signature;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(verify_strict(&peer, b"message", &changed).is_err(), "bit {bit}");
    }
}

/// Adding the order of the group to the second half gives a signature that sloppy verifiers take as well.
#[test]
fn malleable_signatures_are_refused() {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut signature = key().sign(b"message");
    let mut carry = 0_u16;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert!(verify_strict(&key().peer_id(), b"message", &signature).is_err());
}

/// The neutral element as a key "signs" everything for verifiers that do not look for keys of small order.
#[test]
fn keys_of_small_order_are_refused() {
    let mut id = vec![0, 36, 8, 1, 18, 32, 1];
    id.resize(38, 0);
    let peer = PeerId::from_bytes(&id).unwrap();
    let mut signature = [0; 64];
    signature[0] = 1;
    assert!(verify_strict(&peer, b"anything", &signature).is_err());
}

#[test]
fn peers_without_an_ed25519_key_are_named() {
    // The hash of an RSA key, and an identity hash that holds a key of another type.
    let hashed = [&[0x12, 32][..], &[7; 32]].concat();
    let other = [&[0, 36, 8, 2, 18, 32][..], &[7; 32]].concat();
    for bytes in [hashed, other] {
        let peer = PeerId::from_bytes(&bytes).unwrap();
        assert_eq!(verify_strict(&peer, b"", &[0; 64]), Err(SignatureError::NotEd25519(peer)));
    }
}
