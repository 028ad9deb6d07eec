//! Ed25519 keys: signing with a [`Keypair`] or any other [`Signer`], and strict verification.

use std::error::Error;
use std::fmt;

use ed25519_dalek::Signer as _;
use libp2p_identity::{PeerId, ed25519};
use thiserror::Error;
use zeroize::Zeroizing;

/// An Ed25519 signature, as its 64 bytes.
pub type Signature = [u8; 64];

/// The multihash of an Ed25519 peer id up to the key: identity hash of 36 bytes, then the protobuf of the public key with
/// type 1 and 32 bytes of data (libp2p specification "Peer Ids and Keys").
const PEER_ID_PREFIX: [u8; 6] = [0x00, 36, 0x08, 0x01, 0x12, 32];

/// A peer's secret key. It is wiped from memory when dropped, and its `Debug` shows the peer id only.
#[derive(Clone)]
pub struct Keypair {
    key: ed25519_dalek::SigningKey,
    peer_id: PeerId,
}

impl Keypair {
    /// The key pair of a secret seed of 32 bytes (RFC 8032), which should come from a cryptographic source of randomness.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let mut bytes = PEER_ID_PREFIX.to_vec();
        bytes.extend_from_slice(key.verifying_key().as_bytes());
        let peer_id = PeerId::from_bytes(&bytes).expect("invariant: an identity multihash of 36 bytes is a peer id");
        Self { key, peer_id }
    }

    /// The peer that this key makes its holder.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.peer_id
    }

    /// The signature of `message`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        self.key.sign(message).to_bytes()
    }

    /// The seed that the key pair was made from, to be stored. It is wiped from memory when dropped.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.key.to_bytes())
    }

    /// The same key for libp2p's transports. The copy is the caller's to keep secret.
    #[must_use]
    pub fn to_libp2p(&self) -> libp2p_identity::Keypair {
        let secret = ed25519::SecretKey::try_from_bytes(self.key.to_bytes())
            .expect("invariant: any 32 bytes are an Ed25519 secret key");
        ed25519::Keypair::from(secret).into()
    }
}

impl fmt::Debug for Keypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keypair").field("peer_id", &self.peer_id).finish_non_exhaustive()
    }
}

/// Something that signs for a peer: a [`Keypair`], or a key that is kept elsewhere.
pub trait Signer {
    /// The peer whose signatures these are; an Ed25519 one.
    fn peer_id(&self) -> PeerId;

    /// The signature of `message`.
    ///
    /// # Errors
    /// If the key cannot be used now.
    fn sign(&self, message: &[u8]) -> Result<Signature, SignError>;
}

impl Signer for Keypair {
    fn peer_id(&self) -> PeerId {
        self.peer_id
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        Ok(Keypair::sign(self, message))
    }
}

/// A signer could not sign.
#[derive(Debug, Error)]
#[error("cannot sign for peer {peer}")]
pub struct SignError {
    /// The peer whose key was needed.
    pub peer: PeerId,
    /// Why not.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// A signature does not stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// The peer id holds no Ed25519 public key.
    #[error("peer id {0} is not that of an Ed25519 key")]
    NotEd25519(PeerId),
    /// The key's bytes are no point of the curve.
    #[error("peer id {0} holds an invalid Ed25519 key")]
    InvalidKey(PeerId),
    /// The signature is not this peer's over this message, or is not in its strict form.
    #[error("signature by peer {0} does not verify")]
    Mismatch(PeerId),
}

/// Checks that `signature` is the one of `peer` over `message`.
///
/// Strict: small-order keys and malleable signatures are refused, so that all peers agree on what is signed.
///
/// # Errors
/// [`SignatureError`] names the peer and what is wrong.
pub fn verify_strict(peer: &PeerId, message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
    let bytes = ed25519_key(peer).ok_or(SignatureError::NotEd25519(*peer))?;
    let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| SignatureError::InvalidKey(*peer))?;
    key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature))
        .map_err(|_| SignatureError::Mismatch(*peer))
}

/// The public key inside a peer id; `None` for other kinds of keys, and for ids that are only a hash.
pub(crate) fn ed25519_key(peer: &PeerId) -> Option<[u8; 32]> {
    peer.to_bytes().strip_prefix(&PEER_ID_PREFIX)?.try_into().ok()
}
