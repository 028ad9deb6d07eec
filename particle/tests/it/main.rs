//! Tests of identities, signatures and envelopes at the crate's public boundary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod envelope;
mod keys;

/// The key of the specification's test vectors.
fn key() -> marine_particle::Keypair {
    marine_particle::Keypair::from_seed(&[1; 32])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
