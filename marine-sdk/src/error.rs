//! An error that crosses the boundary as a text.

use std::fmt;

use crate::abi::{FlatReader, FlatWriter, Layout, Lower, Scratch, Wit};
use crate::describe::Type;

/// An error for functions of a service: a text.
///
/// Made from any [`std::error::Error`], so `?` works; the text is that error followed by its causes. The caller of the
/// service gets it as the error of the call. For errors that a caller is to tell apart, return a `#[marine]` enum
/// instead.
///
/// ```
/// fn parse(text: &str) -> marine_sdk::Result<u32> {
///     if text.is_empty() {
///         return Err(marine_sdk::Error::new("nothing to parse"));
///     }
///     Ok(text.parse()?)
/// }
/// assert_eq!(parse("x").unwrap_err().to_string(), "invalid digit found in string");
/// ```
///
/// Like other catch-all errors it is not a [`std::error::Error`] itself: the conversion from all of these leaves no room.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Error(String);

/// A result whose error is a text.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with this text.
    pub fn new(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        Self(text)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// SAFETY: all is left to the text.
unsafe impl Wit for Error {
    type Flat = <String as Wit>::Flat;
    const LAYOUT: Layout = <String as Wit>::LAYOUT;
    const TYPE: &'static Type = <String as Wit>::TYPE;

    unsafe fn lift(words: &mut FlatReader) -> Self {
        // SAFETY: promised by the caller.
        Self(unsafe { String::lift(words) })
    }
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: promised by the caller.
        Self(unsafe { String::load(from) })
    }
}

// SAFETY: as above.
unsafe impl Lower for Error {
    type Owned = Self;

    fn lower(&self, words: &mut FlatWriter, scratch: &mut Scratch) {
        self.0.lower(words, scratch);
    }
    unsafe fn store(&self, to: *mut u8, scratch: &mut Scratch) {
        // SAFETY: promised by the caller.
        unsafe { self.0.store(to, scratch) }
    }
}

#[cfg(test)]
mod tests {
    use super::Error;

    #[derive(Debug)]
    struct Outer(std::num::ParseIntError);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("cannot read the price")
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn the_text_holds_the_causes() {
        let text = "x".parse::<u8>().map_err(|cause| Error::from(Outer(cause)).to_string());
        assert_eq!(text, Err("cannot read the price: invalid digit found in string".to_owned()));
    }
}
