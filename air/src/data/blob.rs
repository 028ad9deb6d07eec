//! [`Blob`]: the encoded bytes of a value, large ones as they came.

use std::ops::{Deref, Range};
use std::sync::Arc;

/// Bytes that nobody changes any more, cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Blob {
    Own(Arc<[u8]>),
    /// A part of a longer message, or bytes that were just written: large ones are not copied.
    Part(Arc<(Vec<u8>, Range<usize>)>),
}

/// From this size on bytes are left where they are.
const LARGE: usize = 64 * 1024;

impl Blob {
    /// A part of a message, which stays as long as this does.
    pub(super) fn part(message: Vec<u8>, range: Range<usize>) -> Self {
        Blob::Part(Arc::new((message, range)))
    }

    /// Whether bytes of this length are better left in a message of that one: as long as they are most of it.
    pub(super) fn is_worth(len: usize, message: usize) -> bool {
        len >= LARGE && len >= message / 2
    }
}

impl Default for Blob {
    fn default() -> Self {
        Blob::Own(Arc::default())
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Blob::Own(bytes) => bytes,
            Blob::Part(part) => &part.0[part.1.clone()],
        }
    }
}

impl From<&[u8]> for Blob {
    fn from(bytes: &[u8]) -> Self {
        Blob::Own(bytes.into())
    }
}

impl From<Vec<u8>> for Blob {
    fn from(mut bytes: Vec<u8>) -> Self {
        if bytes.len() < LARGE {
            return Blob::Own(bytes.into());
        }
        bytes.shrink_to_fit();
        let all = 0..bytes.len();
        Blob::part(bytes, all)
    }
}

impl PartialEq for Blob {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Blob {}
