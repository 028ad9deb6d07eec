//! Any bytes decode to an error or to a particle whose one encoding they are. The signature is looked at last, so that the
//! fuzzer gets past it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use marine_particle::{Particle, dag_cbor_cid};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(unverified) = Particle::decode_unverified(bytes) {
        let particle = unverified.peek();
        assert_eq!(particle.encode(), bytes);
        assert_eq!(particle.cid(), dag_cbor_cid(bytes));
        let _ = unverified.verify();
    }
});
