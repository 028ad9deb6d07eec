//! [`Rejection`]: why a step was not taken.

use std::sync::Arc;

use marine_particle::PeerId;
use thiserror::Error;

use crate::check::ScriptInvalid;
use crate::data::{DataError, Equivocation, Key, MergeError};
use crate::value::ContentId;

/// A step was refused. The execution is as it was before, and usable.
///
/// Unlike the errors that scripts can catch, these are about the input of the step, or about scripts that break the rules on
/// variables. [`Rejection::code`] gives the number that hosts exchange.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Rejection {
    /// The script has errors.
    #[error(transparent)]
    ScriptInvalid(#[from] ScriptInvalid),
    /// Data is not canonical, of another version, or an entry is out of place.
    #[error("malformed data: {0}")]
    DataMalformed(String),
    /// Data of another particle, or a script that is not the particle's.
    #[error("{0}")]
    ParticleInvalid(String),
    /// A value that an entry needs is missing, or nothing refers to a value.
    #[error("value {value} {problem}")]
    ValueMismatch {
        /// The value.
        value: ContentId,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A log's chain or head does not verify.
    #[error(transparent)]
    SignatureInvalid(MergeError),
    /// Something is too large.
    #[error("{what} of {n} is over the limit of {max}")]
    LimitExceeded {
        /// What.
        what: &'static str,
        /// How large it is.
        n: usize,
        /// What is allowed.
        max: usize,
    },
    /// An instruction sets the iterator of a fold around it.
    #[error("variable with name '{name}' can't be shadowed, shadowing isn't supported for iterables")]
    IterableShadowing {
        /// The iterator.
        name: String,
    },
    /// A variable outside of folds is set for a second time.
    #[error("trying to shadow variable '{name}', but shadowing is allowed only inside fold blocks")]
    ShadowingIsNotAllowed {
        /// The variable.
        name: String,
    },
    /// A stream or map grew too long.
    #[error("stream size goes over the allowed limit of {max}")]
    StreamSizeLimitExceeded {
        /// How many elements it may have.
        max: usize,
    },
    /// A peer wrote its log twice.
    #[error("peer {peer} wrote two different logs")]
    Equivocation {
        /// Which peer.
        peer: PeerId,
        /// What proves it to anyone; missing if the log here is this peer's own and was never signed.
        proof: Option<Arc<Equivocation>>,
    },
    /// A segment starts after what is here; the sender should send from `have` on.
    #[error("a segment of the log of {peer} starts after entry {from}, but only {have} entries are here")]
    Gap {
        /// The owner of the log.
        peer: PeerId,
        /// The length that is here.
        have: u64,
        /// Where the segment starts.
        from: u64,
    },
    /// Two positions have the same key.
    #[error("two positions of the particle have the key {0}")]
    KeyCollision(Key),
    /// A result for a call that nobody waits for.
    #[error("no call {0} is outstanding")]
    UnknownCall(Key),
}

impl Rejection {
    /// The number of the kind of rejection, the same in all versions.
    #[must_use]
    pub fn code(&self) -> i32 {
        match self {
            Rejection::ScriptInvalid(_) => 1,
            Rejection::DataMalformed(_) => 2,
            Rejection::ParticleInvalid(_) => 3,
            Rejection::ValueMismatch { .. } => 8,
            Rejection::SignatureInvalid(_) => 9,
            Rejection::LimitExceeded { .. } => 10,
            Rejection::IterableShadowing { .. } => 20004,
            Rejection::ShadowingIsNotAllowed { .. } => 20007,
            Rejection::StreamSizeLimitExceeded { .. } => 20013,
            Rejection::Equivocation { .. } => 20100,
            Rejection::Gap { .. } => 20101,
            Rejection::KeyCollision(_) => 20102,
            Rejection::UnknownCall(_) => 30000,
        }
    }
}

impl From<MergeError> for Rejection {
    fn from(error: MergeError) -> Self {
        match error {
            MergeError::OtherParticle { .. } => Rejection::ParticleInvalid(error.to_string()),
            MergeError::Gap { peer, have, from } => Rejection::Gap { peer, have, from },
            MergeError::Equivocation { peer, proof } => Rejection::Equivocation { peer, proof: proof.map(Arc::from) },
            MergeError::Chain { .. } | MergeError::Signature { .. } => Rejection::SignatureInvalid(error),
        }
    }
}

impl From<DataError> for Rejection {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Limit { what, n, max } => Rejection::LimitExceeded { what, n, max },
            DataError::Malformed(_) | DataError::Version(_) => Rejection::DataMalformed(error.to_string()),
        }
    }
}
