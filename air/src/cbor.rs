//! The strict subset of CBOR that all our structures use: canonical DAG-CBOR, written and read.
//!
//! Shortest heads, definite lengths, 64-bit floats and no tag but 42. There is one byte form of everything, so the reader
//! rejects what the writer would not write. It hands out borrowed pieces and never allocates by a length that was only claimed.

use thiserror::Error;

pub(crate) const UINT: u8 = 0;
pub(crate) const NEGATIVE: u8 = 1;
pub(crate) const BYTES: u8 = 2;
pub(crate) const TEXT: u8 = 3;
pub(crate) const ARRAY: u8 = 4;
pub(crate) const MAP: u8 = 5;
pub(crate) const TAG: u8 = 6;
pub(crate) const SIMPLE: u8 = 7;

pub(crate) const FALSE: u8 = 0xf4;
pub(crate) const TRUE: u8 = 0xf5;
pub(crate) const NULL: u8 = 0xf6;
pub(crate) const FLOAT64: u8 = 0xfb;

/// Bytes are not the canonical encoding of what is expected.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what} at byte {offset}")]
pub struct CborError {
    /// What is wrong.
    pub what: &'static str,
    /// Where, counted from the start of the structure that was being read.
    pub offset: usize,
}

/// Where an encoding goes.
pub(crate) trait Sink {
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Hashes an encoding without keeping it.
#[derive(Default)]
pub(crate) struct Hashing {
    /// What is not hashed yet.
    buffer: Vec<u8>,
    /// Of an encoding that is longer than the buffer. It takes two kilobytes.
    hasher: Option<Box<blake3::Hasher>>,
    len: usize,
}

impl Hashing {
    const BUFFER: usize = 16 * 1024;

    /// How many bytes have been written.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        match self.hasher {
            None => *blake3::hash(&self.buffer).as_bytes(),
            Some(mut hasher) => *hasher.update(&self.buffer).finalize().as_bytes(),
        }
    }
}

impl Sink for Hashing {
    fn put(&mut self, bytes: &[u8]) {
        self.len += bytes.len();
        if self.buffer.len() + bytes.len() > Self::BUFFER {
            self.hasher.get_or_insert_default().update(&self.buffer).update(bytes);
            self.buffer.clear();
        } else {
            self.buffer.extend_from_slice(bytes);
        }
    }
}

/// Writes the head of an item: its major type and its length or value, in the shortest form.
pub(crate) fn head(out: &mut impl Sink, major: u8, n: u64) {
    let mut bytes = [0; 9];
    bytes[1..].copy_from_slice(&n.to_be_bytes());
    // The last bytes are the number; what comes before them tells how many.
    let (width, short) = match n {
        0..=23 => (0, n as u8),
        24..=0xff => (1, 24),
        0x100..=0xffff => (2, 25),
        0x1_0000..=0xffff_ffff => (4, 26),
        _ => (8, 27),
    };
    let start = 8 - width;
    bytes[start] = major << 5 | short;
    out.put(&bytes[start..]);
}

pub(crate) fn uint(out: &mut impl Sink, n: u64) {
    head(out, UINT, n);
}

pub(crate) fn int(out: &mut impl Sink, n: i64) {
    match u64::try_from(n) {
        Ok(n) => head(out, UINT, n),
        Err(_) => head(out, NEGATIVE, !n as u64),
    }
}

pub(crate) fn bytes(out: &mut impl Sink, bytes: &[u8]) {
    head(out, BYTES, bytes.len() as u64);
    out.put(bytes);
}

pub(crate) fn text(out: &mut impl Sink, text: &str) {
    head(out, TEXT, text.len() as u64);
    out.put(text.as_bytes());
}

pub(crate) fn array(out: &mut impl Sink, len: usize) {
    head(out, ARRAY, len as u64);
}

/// A place in an encoding.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes have been read.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn fail<T>(&self, what: &'static str) -> Result<T, CborError> {
        Err(CborError { what, offset: self.at })
    }

    /// The first byte of the next item.
    pub(crate) fn peek(&self) -> Result<u8, CborError> {
        match self.bytes.get(self.at) {
            Some(&byte) => Ok(byte),
            None => self.fail("unexpected end"),
        }
    }

    /// Goes over the one byte that [`Reader::peek`] showed.
    pub(crate) fn skip(&mut self) {
        self.at += 1;
    }

    pub(crate) fn end(&self) -> Result<(), CborError> {
        if self.at == self.bytes.len() { Ok(()) } else { self.fail("unexpected bytes after the end") }
    }

    pub(crate) fn take(&mut self, len: u64) -> Result<&'a [u8], CborError> {
        let rest = &self.bytes[self.at..];
        match usize::try_from(len).ok().and_then(|len| rest.get(..len)) {
            Some(piece) => {
                self.at += piece.len();
                Ok(piece)
            }
            None => self.fail("unexpected end"),
        }
    }

    /// Major type and number of the next item's head. Not for floats and simple values.
    pub(crate) fn head(&mut self) -> Result<(u8, u64), CborError> {
        let first = self.peek()?;
        let (major, short) = (first >> 5, first & 31);
        if short < 24 {
            self.at += 1;
            return Ok((major, u64::from(short)));
        }
        if short > 27 {
            return self.fail("indefinite or reserved length");
        }
        let start = self.at;
        self.at += 1;
        let width = 1u64 << (short - 24);
        let n = self.take(width)?.iter().fold(0, |n, &byte| n << 8 | u64::from(byte));
        let least = [24, 0x100, 0x1_0000, 0x1_0000_0000][usize::from(short - 24)];
        if n < least {
            return Err(CborError { what: "number not in its shortest form", offset: start });
        }
        Ok((major, n))
    }

    fn expect(&mut self, major: u8, what: &'static str) -> Result<u64, CborError> {
        let start = self.at;
        match self.head()? {
            (found, n) if found == major => Ok(n),
            _ => Err(CborError { what, offset: start }),
        }
    }

    pub(crate) fn uint(&mut self) -> Result<u64, CborError> {
        self.expect(UINT, "expected an unsigned integer")
    }

    pub(crate) fn u32(&mut self) -> Result<u32, CborError> {
        let n = self.uint()?;
        u32::try_from(n).or_else(|_| self.fail("number is over 2^32 - 1"))
    }

    pub(crate) fn int(&mut self) -> Result<i64, CborError> {
        let (major, n) = self.head()?;
        match (major, i64::try_from(n)) {
            (UINT, Ok(n)) => Ok(n),
            (NEGATIVE, Ok(n)) => Ok(!n),
            (UINT | NEGATIVE, Err(_)) => self.fail("integer out of range"),
            _ => self.fail("expected an integer"),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], CborError> {
        let len = self.expect(BYTES, "expected bytes")?;
        self.take(len)
    }

    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        match self.bytes()?.try_into() {
            Ok(array) => Ok(array),
            Err(_) => self.fail("bytes have a wrong length"),
        }
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, CborError> {
        let len = self.expect(TEXT, "expected a text")?;
        let bytes = self.take(len)?;
        std::str::from_utf8(bytes).or_else(|_| self.fail("text is not UTF-8"))
    }

    /// The number of items of an array. Each takes at least a byte, so a number that cannot be is refused here.
    pub(crate) fn array(&mut self) -> Result<usize, CborError> {
        let len = self.expect(ARRAY, "expected an array")?;
        self.count(len)
    }

    pub(crate) fn count(&self, len: u64) -> Result<usize, CborError> {
        match usize::try_from(len) {
            Ok(len) if len <= self.bytes.len() - self.at => Ok(len),
            _ => self.fail("more items than bytes"),
        }
    }
}
