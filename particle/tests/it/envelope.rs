//! The envelope's byte form: the specification's vector, and that there is no second one.

use marine_particle::{
    Keypair, MAX_LABEL_BYTES, MAX_SCRIPT_BYTES, NewParticleError, Particle, PeerId, SignError, Signature, Signer,
    TimePolicy,
};
use proptest::prelude::*;

use crate::{hex, key};

fn vector() -> Particle {
    let script = format!("(call \"{}\" (\"stock\" \"count\") [\"pears\"] n)", key().peer_id());
    Particle::sign_new(&key(), "vector", 1_700_000_000_000, 60_000, script).unwrap()
}

#[test]
fn encodes_as_the_test_vector() {
    let particle = vector();
    assert_eq!(particle.encode().len(), 248);
    let signature = "e77948edc260f2988e57b78e19975b3f876352f81e428d9a8c704e09f834856858ac8e860547d9707ff60253d5e1b8e00bc791e966\
                     03b808283cfe8aab68330b";
    assert_eq!(hex(particle.signature()), signature);
    assert_eq!(particle.cid().to_string(), "bafyr4icokxxxpncac2inj63jn5vnoaep4ceqdork65anj3h2ypkcwcpdka");
    assert_eq!(Particle::decode(&particle.encode()), Ok(particle));
}

#[test]
fn reads_before_it_verifies() {
    let mut bytes = vector().encode();
    *bytes.last_mut().unwrap() = b']';
    let unverified = Particle::decode_unverified(&bytes).unwrap();
    assert_eq!(unverified.peek().id(), "vector");
    assert!(unverified.verify().is_err());
    let intact = Particle::decode_unverified(&vector().encode()).unwrap();
    assert_eq!(intact.verify(), Ok(vector()));
}

#[test]
fn every_changed_bit_is_noticed() {
    let bytes = vector().encode();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(Particle::decode(&changed).is_err(), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert!(Particle::decode(&bytes[..length]).is_err(), "length {length}");
    }
    assert!(Particle::decode(&[&bytes[..], &[0]].concat()).is_err(), "a byte too many");
}

/// The error for the vector's encoding after `from`, hex, is replaced by `to`.
fn decode_edited(from: &str, to: &str) -> String {
    let text = hex(&vector().encode());
    assert_eq!(text.matches(from).count(), 1, "{from} in {text}");
    let edited = text.replace(from, to);
    let bytes: Vec<u8> =
        (0..edited.len()).step_by(2).map(|at| u8::from_str_radix(&edited[at..at + 2], 16).unwrap()).collect();
    Particle::decode(&bytes).unwrap_err().to_string()
}

#[test]
fn other_forms_are_refused() {
    // a7, then 61 76 01 "v": 1, 62 69 64 "id", 62 74 73 "ts", 63 73 69 67 "sig", 63 74 74 6c "ttl": 19 ea60, ..
    insta::assert_snapshot!(decode_edited("a7617601", "a761761801"), @r#"particle is malformed: NonMinimal { name: "u64", found: 24 }"#);
    insta::assert_snapshot!(decode_edited("a7617601", "a7617602"), @"particle has version 2, only version 1 is known");
    insta::assert_snapshot!(decode_edited("a7617601", "bf617601"), @"particle is malformed: IndefiniteSize");
    insta::assert_snapshot!(decode_edited("a761760162696466766563746f72", "a762696466766563746f72617601"), @"particle is malformed: UnorderedKey");
    insta::assert_snapshot!(decode_edited("a7617601", "a8617601617601"), @"particle is malformed: UnorderedKey");
    insta::assert_snapshot!(decode_edited("a7617601", "a8617601617a01"), @r#"particle is malformed: Msg("unknown field `z`, expected one of `v`, `id`, `ts`, `sig`, `ttl`, `init`, `script`")"#);
    insta::assert_snapshot!(decode_edited("66766563746f72", "60"), @"particle id of 0 bytes: it must have 1 to 128");
    insta::assert_snapshot!(decode_edited("6374746c19ea60", "6374746c1b0000000100000000"), @"ttl of 4294967296 ms is not below 2^32");
    insta::assert_snapshot!(decode_edited("6374746c19ea60", "6374746c20"), @r#"particle is malformed: Mismatch { name: "u64", found: 32 }"#);
    insta::assert_snapshot!(decode_edited("6373696758", "6373696778"), @r#"particle is malformed: Mismatch { name: "bytes", found: 120 }"#);
    insta::assert_snapshot!(decode_edited("5826002408011220", "5826002508011220"), @"initial peer of the particle is not a peer id: invalid multihash");
    insta::assert_snapshot!(decode_edited("5826002408011220", "5826002408021220"), @"particle is not signed by its initial peer");
}

#[test]
fn sizes_are_bounded() {
    let make = |label: usize, script: usize| Particle::sign_new(&key(), "x".repeat(label), 0, 0, "x".repeat(script));
    assert!(make(MAX_LABEL_BYTES, 0).is_ok());
    assert!(matches!(make(0, 0), Err(NewParticleError::Label(0))));
    assert!(matches!(make(MAX_LABEL_BYTES + 1, 0), Err(NewParticleError::Label(129))));
    assert!(matches!(make(1, MAX_SCRIPT_BYTES + 1), Err(NewParticleError::ScriptLength(_))));
    let largest = make(MAX_LABEL_BYTES, MAX_SCRIPT_BYTES).unwrap();
    assert_eq!(Particle::decode(&largest.encode()), Ok(largest));
    assert!(Particle::decode(&vec![0; MAX_SCRIPT_BYTES * 2]).is_err());
}

#[test]
fn a_signer_that_cannot_sign_says_why() {
    struct Locked;
    impl Signer for Locked {
        fn peer_id(&self) -> PeerId {
            key().peer_id()
        }
        fn sign(&self, _: &[u8]) -> Result<Signature, SignError> {
            Err(SignError { peer: self.peer_id(), source: "the key store is locked".into() })
        }
    }
    let error = Particle::sign_new(&Locked, "x", 0, 0, "(null)").unwrap_err();
    assert_eq!(error.to_string(), "cannot sign for peer 12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the key store is locked");
}

#[test]
fn times_are_checked_against_a_given_now() {
    let check = |timestamp: u64, ttl: u32, now: u64| {
        let particle = Particle::sign_new(&key(), "x", timestamp, ttl, "(null)").unwrap();
        let policy = TimePolicy { max_ttl: 100_000, ..TimePolicy::default() };
        particle.check_time(now, &policy).map_err(|error| error.to_string()).err().unwrap_or_default()
    };
    insta::assert_snapshot!(check(1000, 500, 1499), @"");
    insta::assert_snapshot!(check(1000, 500, 1500), @"particle has expired: started at 1000 for 500 ms, and it is 1500");
    insta::assert_snapshot!(check(u64::MAX, 500, 1500), @"particle has expired: started at 18446744073709551615 for 500 ms, and it is 1500");
    insta::assert_snapshot!(check(40_000, 500, 10_000), @"");
    insta::assert_snapshot!(check(40_001, 500, 10_000), @"particle is 30001 ms ahead of this host's clock, more than the 30000 ms allowed: check both clocks");
    insta::assert_snapshot!(check(1000, 100_001, 1000), @"particle's ttl of 100001 ms is over this host's limit of 100000 ms");
}

proptest! {
    #[test]
    fn what_is_signed_is_read_back(
        seed: [u8; 32], id in "\\PC{1,32}", timestamp: u64, ttl: u32, script in "(?s).{0,200}",
    ) {
        let particle = Particle::sign_new(&Keypair::from_seed(&seed), id, timestamp, ttl, script).unwrap();
        let bytes = particle.encode();
        let decoded = Particle::decode(&bytes).unwrap();
        prop_assert_eq!(decoded.encode(), bytes);
        prop_assert_eq!(decoded, particle);
    }

    #[test]
    fn arbitrary_bytes_are_read_without_panic(bytes: Vec<u8>) {
        prop_assert!(Particle::decode(&bytes).is_err());
    }

    #[test]
    fn edited_particles_are_read_without_panic(at in 0..248_usize, bytes in proptest::collection::vec(any::<u8>(), 1..9)) {
        let mut edited = vector().encode();
        let end = (at + bytes.len()).min(edited.len());
        edited.splice(at..end, bytes);
        if let Ok(particle) = Particle::decode(&edited) {
            prop_assert_eq!(particle.encode(), edited);
        }
    }
}
