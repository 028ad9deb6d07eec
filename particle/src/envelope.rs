//! [`Particle`]: the signed, immutable envelope of a script.
//!
//! The one byte form is canonical DAG-CBOR of a map with the keys `v`, `id`, `ts`, `sig`, `ttl`, `init` and `script`.
//! A `Particle` in hand has been signed or verified, and its CID is that of its encoding.

use std::borrow::Cow;

use cid::Cid;
use libp2p_identity::PeerId;
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, Bytes};
use thiserror::Error;

use crate::keys::{Signature, SignatureError, Signer, ed25519_key, verify_strict};
use crate::{SignError, dag_cbor_cid};

/// The longest label, in bytes.
pub const MAX_LABEL_BYTES: usize = 128;
/// The longest script, in bytes.
pub const MAX_SCRIPT_BYTES: usize = 16 * 1024 * 1024;
/// The longest encoding: the script and, generously, everything else.
pub const MAX_ENVELOPE_BYTES: usize = MAX_SCRIPT_BYTES + 1024;

const VERSION: u64 = 1;
const DOMAIN: &[u8] = b"marine-particle-1\0";

/// A script with who started it, when, and for how long it may run, signed by the one who started it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Particle {
    id: String,
    init: PeerId,
    timestamp: u64,
    ttl: u32,
    script: String,
    signature: Signature,
    cid: Cid,
}

impl Particle {
    /// Makes and signs a particle.
    ///
    /// `id` is a label of 1 to 128 bytes that keeps equal scripts apart; `timestamp` is in milliseconds since 1970, `ttl` in
    /// milliseconds. The initial peer is the signer.
    ///
    /// ```
    /// use marine_particle::{Keypair, Particle};
    ///
    /// let key = Keypair::from_seed(&[7; 32]);
    /// let particle = Particle::sign_new(&key, "hello-1", 1_700_000_000_000, 60_000, "(null)")?;
    /// assert_eq!(Particle::decode(&particle.encode())?, particle);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the label or the script has a length that is not allowed, or the signer cannot sign.
    pub fn sign_new(
        signer: &(impl Signer + ?Sized),
        id: impl Into<String>,
        timestamp: u64,
        ttl: u32,
        script: impl Into<String>,
    ) -> Result<Self, NewParticleError> {
        let (id, script, init) = (id.into(), script.into(), signer.peer_id());
        check_label(&id).map_err(NewParticleError::Label)?;
        if script.len() > MAX_SCRIPT_BYTES {
            return Err(NewParticleError::ScriptLength(script.len()));
        }
        if ed25519_key(&init).is_none() {
            return Err(NewParticleError::Peer(SignatureError::NotEd25519(init)));
        }
        let message = Unsigned { id: &id, init: &init.to_bytes(), timestamp, ttl, script: &script }.message();
        let signature = signer.sign(&message)?;
        let mut particle = Self { id, init, timestamp, ttl, script, signature, cid: Cid::default() };
        particle.cid = dag_cbor_cid(&particle.encode());
        Ok(particle)
    }

    /// Reads and verifies a particle.
    ///
    /// # Errors
    /// If the bytes are not the canonical encoding, break a limit, or the signature does not verify.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self::decode_unverified(bytes)?.verify()?)
    }

    /// Reads a particle and leaves the signature for later, so that a host can first do the checks that cost less.
    ///
    /// # Errors
    /// If the bytes are not the canonical encoding, or break a limit.
    pub fn decode_unverified(bytes: &[u8]) -> Result<Unverified, DecodeError> {
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return Err(DecodeError::Length(bytes.len()));
        }
        let map: Map<'_> =
            serde_ipld_dagcbor::from_slice(bytes).map_err(|error| DecodeError::Malformed(error.to_string()))?;
        if map.v != VERSION {
            return Err(DecodeError::Version(map.v));
        }
        check_label(&map.id).map_err(DecodeError::Label)?;
        if map.script.len() > MAX_SCRIPT_BYTES {
            return Err(DecodeError::ScriptLength(map.script.len()));
        }
        let ttl = u32::try_from(map.ttl).map_err(|_| DecodeError::Ttl(map.ttl))?;
        let init = PeerId::from_bytes(&map.init).map_err(|error| DecodeError::Peer(error.to_string()))?;
        // The decoder takes some bytes that it would not write, such as integers that are longer than need be.
        if map.encode() != bytes {
            return Err(DecodeError::NotCanonical);
        }
        let (id, script) = (map.id.into_owned(), map.script.into_owned());
        let (signature, cid) = (map.sig.into_array(), dag_cbor_cid(bytes));
        Ok(Unverified(Self { id, init, timestamp: map.ts, ttl, script, signature, cid }))
    }

    /// The canonical encoding, as it is sent and stored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let map = Map {
            v: VERSION,
            id: Cow::Borrowed(&self.id),
            ts: self.timestamp,
            sig: ByteArray::new(self.signature),
            ttl: u64::from(self.ttl),
            init: Cow::Owned(self.init.to_bytes()),
            script: Cow::Borrowed(&self.script),
        };
        map.encode()
    }

    /// The particle's identity: the CID of its encoding.
    #[must_use]
    pub fn cid(&self) -> Cid {
        self.cid
    }

    /// The label that keeps equal scripts apart.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The peer that started it.
    #[must_use]
    pub fn init(&self) -> PeerId {
        self.init
    }

    /// When it was started, in milliseconds since 1970, by the initial peer's clock.
    #[must_use]
    pub fn timestamp(&self) -> u64 {
        self.timestamp
    }

    /// How long it may run, in milliseconds.
    #[must_use]
    pub fn ttl(&self) -> u32 {
        self.ttl
    }

    /// The AIR script.
    #[must_use]
    pub fn script(&self) -> &str {
        &self.script
    }

    /// The initial peer's signature.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Whether the particle's time is over at `now`, in milliseconds since 1970. One whose end cannot be represented counts
    /// as expired.
    #[must_use]
    pub fn expired(&self, now: u64) -> bool {
        self.timestamp.checked_add(u64::from(self.ttl)).is_none_or(|end| end <= now)
    }

    /// Checks that a host may take the particle at `now`, in milliseconds since 1970.
    ///
    /// # Errors
    /// If it has expired, claims to be from the future, or wants to live for too long.
    pub fn check_time(&self, now: u64, policy: &TimePolicy) -> Result<(), TimeError> {
        if self.expired(now) {
            return Err(TimeError::Expired { timestamp: self.timestamp, ttl: self.ttl, now });
        }
        let ahead = self.timestamp.saturating_sub(now);
        if ahead > policy.max_skew {
            return Err(TimeError::Ahead { ahead, max: policy.max_skew });
        }
        if self.ttl > policy.max_ttl {
            return Err(TimeError::Ttl { ttl: self.ttl, max: policy.max_ttl });
        }
        Ok(())
    }
}

/// A particle whose signature nobody has checked yet: all that it says may be forged.
#[derive(Clone, Debug)]
pub struct Unverified(Particle);

impl Unverified {
    /// What the particle claims, for checks that come before the signature's.
    #[must_use]
    pub fn peek(&self) -> &Particle {
        &self.0
    }

    /// Checks the initial peer's signature.
    ///
    /// # Errors
    /// If the initial peer did not sign this.
    pub fn verify(self) -> Result<Particle, SignatureError> {
        let Particle { id, init, timestamp, ttl, script, signature, .. } = &self.0;
        let message = Unsigned { id, init: &init.to_bytes(), timestamp: *timestamp, ttl: *ttl, script }.message();
        verify_strict(init, &message, signature)?;
        Ok(self.0)
    }
}

/// What a host accepts of a particle's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimePolicy {
    /// How far the timestamp may be ahead of the host's clock, in milliseconds; 30 s by default.
    pub max_skew: u64,
    /// The longest time to live, in milliseconds; no bound by default.
    pub max_ttl: u32,
}

impl Default for TimePolicy {
    fn default() -> Self {
        Self { max_skew: 30_000, max_ttl: u32::MAX }
    }
}

/// A host does not take a particle because of its times, all in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TimeError {
    /// Its time is over.
    #[error("particle has expired: started at {timestamp} for {ttl} ms, and it is {now}")]
    Expired {
        /// When it was started, since 1970.
        timestamp: u64,
        /// How long it might run.
        ttl: u32,
        /// The host's time, since 1970.
        now: u64,
    },
    /// Its timestamp lies in the future.
    #[error("particle is {ahead} ms ahead of this host's clock, more than the {max} ms allowed: check both clocks")]
    Ahead {
        /// How far.
        ahead: u64,
        /// How far is allowed.
        max: u64,
    },
    /// It wants to live for longer than the host allows.
    #[error("particle's ttl of {ttl} ms is over this host's limit of {max} ms")]
    Ttl {
        /// What it wants.
        ttl: u32,
        /// What is allowed.
        max: u32,
    },
}

/// A particle cannot be made.
#[derive(Debug, Error)]
pub enum NewParticleError {
    /// The label has this many bytes.
    #[error("particle id of {0} bytes: it must have 1 to {MAX_LABEL_BYTES}")]
    Label(usize),
    /// The script has this many bytes.
    #[error("script of {0} bytes is over the limit of {MAX_SCRIPT_BYTES}")]
    ScriptLength(usize),
    /// The signer's peer cannot start particles.
    #[error("the initial peer cannot sign")]
    Peer(#[source] SignatureError),
    /// The signer failed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// Bytes are not a valid particle (code 3, `ParticleInvalid`).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// More bytes than any particle has.
    #[error("particle of {0} bytes is over the limit of {MAX_ENVELOPE_BYTES}")]
    Length(usize),
    /// Not DAG-CBOR, or not the map of an envelope.
    #[error("particle is malformed: {0}")]
    Malformed(String),
    /// A version that this crate does not know.
    #[error("particle has version {0}, only version {VERSION} is known")]
    Version(u64),
    /// The label has this many bytes.
    #[error("particle id of {0} bytes: it must have 1 to {MAX_LABEL_BYTES}")]
    Label(usize),
    /// The script has this many bytes.
    #[error("script of {0} bytes is over the limit of {MAX_SCRIPT_BYTES}")]
    ScriptLength(usize),
    /// The time to live, in milliseconds.
    #[error("ttl of {0} ms is not below 2^32")]
    Ttl(u64),
    /// The initial peer is no peer id.
    #[error("initial peer of the particle is not a peer id: {0}")]
    Peer(String),
    /// The same content has another, canonical encoding.
    #[error("particle is not encoded as canonical DAG-CBOR")]
    NotCanonical,
    /// The initial peer did not sign this.
    #[error("particle is not signed by its initial peer")]
    Signature(#[from] SignatureError),
}

fn check_label(id: &str) -> Result<(), usize> {
    if (1..=MAX_LABEL_BYTES).contains(&id.len()) { Ok(()) } else { Err(id.len()) }
}

/// The map on the wire. Its fields stand in canonical order: shorter keys first, then bytewise.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Map<'a> {
    v: u64,
    #[serde(borrow)]
    id: Cow<'a, str>,
    ts: u64,
    sig: ByteArray<64>,
    ttl: u64,
    #[serde(with = "serde_bytes")]
    init: Cow<'a, [u8]>,
    #[serde(borrow)]
    script: Cow<'a, str>,
}

impl Map<'_> {
    fn encode(&self) -> Vec<u8> {
        serialize(self, Vec::with_capacity(self.script.len() + 512))
    }
}

/// What the signature covers: the map without `sig`.
struct Unsigned<'a> {
    id: &'a str,
    init: &'a [u8],
    timestamp: u64,
    ttl: u32,
    script: &'a str,
}

impl Unsigned<'_> {
    /// The signed bytes. The domain tag keeps a signature from meaning anything elsewhere.
    fn message(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Map<'a> {
            v: u64,
            id: &'a str,
            ts: u64,
            ttl: u32,
            init: &'a Bytes,
            script: &'a str,
        }
        let Self { id, init, timestamp: ts, ttl, script } = *self;
        let mut message = Vec::with_capacity(script.len() + 512);
        message.extend_from_slice(DOMAIN);
        serialize(&Map { v: VERSION, id, ts, ttl, init: Bytes::new(init), script }, message)
    }
}

/// Appends the encoding of `value` to `out`.
fn serialize(value: &impl Serialize, mut out: Vec<u8>) -> Vec<u8> {
    serde_ipld_dagcbor::to_writer(&mut out, value)
        .expect("invariant: a map of texts, bytes and integers can be encoded, and a vector can be written to");
    out
}
