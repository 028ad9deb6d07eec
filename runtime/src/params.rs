//! What a guest may learn about the call it serves: see `wit/marine-host.wit`, interface `call-parameters`.

use serde::{Deserialize, Serialize};

/// Everything about one call from outside; the same for every module that it touches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallParameters {
    /// The particle on whose behalf the call is made.
    pub particle: ParticleParameters,
    /// The service being called; filled in by the service if empty.
    pub service_id: String,
    /// Peer that created the service (base58 peer id); filled in by the service if empty.
    pub service_creator_peer_id: String,
    /// Peer that executes the call (base58 peer id); filled in by the service if empty.
    pub host_id: String,
    /// The same peer as `host_id`; filled in by the service if empty.
    pub worker_id: String,
    /// Per argument of the call: where its value came from.
    pub tetraplets: Vec<Vec<SecurityTetraplet>>,
}

/// The particle, that is the signed workflow program, on whose behalf a call is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ParticleParameters {
    /// CID of its envelope.
    pub id: String,
    /// Peer that made and signed it (base58 peer id).
    pub init_peer_id: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub timestamp: u64,
    /// How long after `timestamp` it may run, in milliseconds.
    pub ttl: u32,
    /// Its program, as AIR text.
    pub script: String,
    /// Signature of the init peer over the envelope.
    pub signature: Vec<u8>,
    /// A text nobody outside of this peer can guess, one per particle.
    pub token: String,
}

/// Where one value came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecurityTetraplet {
    /// Peer that produced the value (base58 peer id).
    pub peer_pk: String,
    /// Service that produced it; empty for a literal.
    pub service_id: String,
    /// Function that produced it; empty for a literal.
    pub function_name: String,
    /// Path into the produced value that was applied; empty for the whole value.
    pub lens: String,
}
