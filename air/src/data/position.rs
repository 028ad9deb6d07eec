//! [`Position`]: where in the script, and in which iterations, something happened; and its short names.
//!
//! A [`Frame`] names an iteration by hashing the chain of folds around it, a [`Key`] an instruction in a frame, so that the
//! same place has the same name on every peer, in whatever order elements arrived.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

use blake3::hazmat::{ContextKey, HasherExt, hash_derive_key_context};

use crate::cbor::{self, CborError, Reader};

/// What tells the iterations of a fold apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Element {
    /// The index in an array or canon value.
    Index(u32),
    /// The key of the call or `ap` that produced the element of a stream or map.
    Key(Key),
}

/// An iteration: a hash of the frame around its fold, the fold, and the element.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Frame([u8; 16]);

/// A part of what is a hash already: tables with a key of their own need no more.
impl Hash for Frame {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.iter().take(8).fold(0, |n, &byte| n << 8 | u64::from(byte)));
    }
}

/// The name of an instance of an instruction: a hash of its frame and its number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Key([u8; 16]);

/// An instance of an instruction: its number in the script, and the iterations around it, outermost first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Position {
    /// The preorder number of the instruction; the root is 0.
    pub node: u32,
    /// Each fold around it by its number, and the element.
    pub folds: Vec<(u32, Element)>,
}

impl Frame {
    /// Outside of all folds.
    pub const ROOT: Frame = Frame([0; 16]);

    /// The iteration for `element` of the instance of `fold` in this frame.
    #[must_use]
    pub fn iteration(self, fold: u32, element: Element) -> Frame {
        let mut input = Vec::with_capacity(37);
        input.extend_from_slice(&self.0);
        input.extend_from_slice(&fold.to_be_bytes());
        match element {
            Element::Index(index) => {
                input.push(0);
                input.extend_from_slice(&index.to_be_bytes());
            }
            Element::Key(key) => {
                input.push(1);
                input.extend_from_slice(&key.0);
            }
        }
        Frame(short_hash(&FRAME_CONTEXT, &input))
    }

    /// The key of an instruction in this frame.
    #[must_use]
    pub fn key(self, node: u32) -> Key {
        let mut input = [0; 20];
        input[..16].copy_from_slice(&self.0);
        input[16..].copy_from_slice(&node.to_be_bytes());
        Key(short_hash(&KEY_CONTEXT, &input))
    }
}

/// The contexts of blake3's key derivation, hashed once.
static FRAME_CONTEXT: LazyLock<ContextKey> = LazyLock::new(|| hash_derive_key_context("marine-frame-1"));
static KEY_CONTEXT: LazyLock<ContextKey> = LazyLock::new(|| hash_derive_key_context("marine-key-1"));

fn short_hash(context: &ContextKey, input: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    let hash = blake3::Hasher::new_from_context_key(context).update(input).finalize();
    short.copy_from_slice(&hash.as_bytes()[..16]);
    short
}

impl Key {
    /// The 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The key with these bytes, for instance from a host's own table.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl Position {
    /// The innermost iteration around.
    #[must_use]
    pub fn frame(&self) -> Frame {
        self.folds.iter().fold(Frame::ROOT, |frame, &(fold, element)| frame.iteration(fold, element))
    }

    /// The short name.
    #[must_use]
    pub fn key(&self) -> Key {
        self.frame().key(self.node)
    }

    pub(crate) fn encode_to(&self, out: &mut Vec<u8>) {
        cbor::array(out, 1 + 2 * self.folds.len());
        cbor::uint(out, u64::from(self.node));
        for (fold, element) in &self.folds {
            cbor::uint(out, u64::from(*fold));
            match element {
                Element::Index(index) => cbor::uint(out, u64::from(*index)),
                Element::Key(key) => cbor::bytes(out, &key.0),
            }
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let len = reader.array()?;
        if len % 2 == 0 {
            return reader.fail("position without a node, or with half an iteration");
        }
        let node = reader.u32()?;
        let mut folds = Vec::with_capacity((len / 2).min(64));
        for _ in 0..len / 2 {
            let fold = reader.u32()?;
            let element = match reader.peek()? >> 5 {
                cbor::BYTES => Element::Key(Key(reader.fixed()?)),
                _ => Element::Index(reader.u32()?),
            };
            folds.push((fold, element));
        }
        Ok(Self { node, folds })
    }
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

/// `9[2:0][7:c50d..]`: the instruction, then each fold around it with its element.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.node)?;
        self.folds.iter().try_for_each(|(fold, element)| match element {
            Element::Index(index) => write!(f, "[{fold}:{index}]"),
            Element::Key(key) => write!(f, "[{fold}:{key}]"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of the specification, section 12.
    #[test]
    fn keys_and_frames_have_their_specified_names() {
        let root = Frame::ROOT;
        assert_eq!(root.key(0).to_string(), "2dea80fe2c5e229b5a419ba4dd97efe3");
        assert_eq!(root.key(3).to_string(), "c50d3e40909c131f006504968d3dc6d0");
        let a = root.iteration(2, Element::Index(0));
        assert_eq!(format!("{a:?}"), "7fad701ef34e3e713810fad6c17e4514");
        assert_eq!(a.key(5).to_string(), "0307364e3d0c265eb5ceaa5dff72cfee");
        let b = a.iteration(7, Element::Key(root.key(3)));
        assert_eq!(format!("{b:?}"), "c000b49e0d5360da1487c3b3875b6e49");
        assert_eq!(b.key(9).to_string(), "ba4ab3596b370733eec984120102fb82");

        let at = Position { node: 9, folds: vec![(2, Element::Index(0)), (7, Element::Key(root.key(3)))] };
        assert_eq!(at.key(), b.key(9));
        let mut bytes = Vec::new();
        at.encode_to(&mut bytes);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "850902000750c50d3e40909c131f006504968d3dc6d0");
        assert_eq!(Position::read(&mut Reader::new(&bytes)), Ok(at));
    }
}
