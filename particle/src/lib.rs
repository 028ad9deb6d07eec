//! Peer identities, signatures and the signed particle envelope.
//!
//! What a node, a client and the AIR execution share and nothing else: who a peer is ([`PeerId`], [`Keypair`]), how it
//! signs ([`Signer`], [`verify_strict`]), and the envelope that a script travels in ([`Particle`]). There is no clock and no
//! source of randomness here: the caller supplies the time and the seeds, so the crate builds for wasm32.

#![forbid(unsafe_code)]

mod content_id;
mod envelope;
mod keys;

pub use cid::Cid;
pub use content_id::{BLAKE3_256, DAG_CBOR, RAW, dag_cbor_cid, raw_cid};
pub use envelope::{
    DecodeError, MAX_ENVELOPE_BYTES, MAX_LABEL_BYTES, MAX_SCRIPT_BYTES, NewParticleError, Particle, TimeError,
    TimePolicy, Unverified,
};
pub use keys::{Keypair, SignError, Signature, SignatureError, Signer, verify_strict};
pub use libp2p_identity::PeerId;
pub use zeroize::Zeroizing;
