//! Canonical DAG-CBOR of values, and back.
//!
//! Object names stand shorter first, then bytewise; integers are in the shortest form, floats always 64 bits wide.

use std::sync::Arc;

use thiserror::Error;

use super::content_id::ContentId;
use super::{Object, Repr, Value};
use crate::Limits;
use crate::cbor::{self, CborError, Reader, Sink};

/// Bytes are not a value, or a value is over a limit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ValueError {
    /// Not canonical DAG-CBOR, or something that is not JSON.
    #[error("value is not canonical DAG-CBOR of JSON: {0}")]
    Malformed(#[from] CborError),
    /// Too many bytes.
    #[error("value of {bytes} bytes is over the limit of {max}")]
    Bytes {
        /// The length of its DAG-CBOR.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Too deep.
    #[error("value nests deeper than the limit of {max}")]
    Nesting {
        /// The limit.
        max: usize,
    },
}

impl Value {
    /// The canonical DAG-CBOR.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_to(&mut out);
        out
    }

    /// The canonical DAG-CBOR, if it is within the limits.
    ///
    /// # Errors
    /// [`ValueError::Bytes`] or [`ValueError::Nesting`].
    pub fn encode_within(&self, limits: &Limits) -> Result<Vec<u8>, ValueError> {
        if self.is_deeper(limits.value_nesting) {
            return Err(ValueError::Nesting { max: limits.value_nesting });
        }
        let bytes = self.encode();
        check_length(bytes.len(), limits)?;
        Ok(bytes)
    }

    /// The content identifier. Encodes and hashes the whole value.
    #[must_use]
    pub fn content_id(&self) -> ContentId {
        ContentId::of(&self.encode())
    }

    /// Reads canonical DAG-CBOR.
    ///
    /// # Errors
    /// If the bytes are anything else than the canonical encoding of one JSON value within the limits.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, ValueError> {
        check_length(bytes.len(), limits)?;
        let mut reader = Reader::new(bytes);
        let value = read(&mut reader, limits.value_nesting, limits.value_nesting)?;
        reader.end()?;
        Ok(value)
    }

    pub(crate) fn encode_to(&self, out: &mut impl Sink) {
        match &self.0 {
            Repr::Null => out.put(&[cbor::NULL]),
            Repr::Bool(bool) => out.put(&[if *bool { cbor::TRUE } else { cbor::FALSE }]),
            Repr::Int(int) => match (int.as_u64(), int.as_i64()) {
                (Some(n), _) => cbor::uint(out, n),
                (None, n) => cbor::int(out, n.unwrap_or_default()),
            },
            Repr::Float(float) => {
                out.put(&[cbor::FLOAT64]);
                out.put(&float.to_be_bytes());
            }
            Repr::Text(text) => cbor::text(out, text),
            Repr::Array(items) => {
                cbor::array(out, items.len());
                items.iter().for_each(|item| item.encode_to(out));
            }
            Repr::Object(object) => {
                cbor::head(out, cbor::MAP, object.len() as u64);
                let mut fields: Vec<_> = object.iter().collect();
                // The map is sorted bytewise already, and this sort is stable.
                fields.sort_by_key(|(name, _)| name.len());
                for (name, value) in fields {
                    cbor::text(out, name);
                    value.encode_to(out);
                }
            }
        }
    }

    /// Whether arrays and objects are nested in more than `depth` levels.
    fn is_deeper(&self, depth: usize) -> bool {
        match (&self.0, depth.checked_sub(1)) {
            (Repr::Array(_) | Repr::Object(_), None) => true,
            (Repr::Array(items), Some(depth)) => items.iter().any(|item| item.is_deeper(depth)),
            (Repr::Object(object), Some(depth)) => object.values().any(|value| value.is_deeper(depth)),
            _ => false,
        }
    }
}

fn check_length(bytes: usize, limits: &Limits) -> Result<(), ValueError> {
    let max = limits.value_bytes;
    if bytes <= max { Ok(()) } else { Err(ValueError::Bytes { bytes, max }) }
}

fn read(reader: &mut Reader<'_>, depth: usize, max: usize) -> Result<Value, ValueError> {
    let first = reader.peek()?;
    if first >> 5 == cbor::SIMPLE {
        return Ok(read_simple(reader, first)?);
    }
    if matches!(first >> 5, cbor::TEXT) {
        return Ok(reader.text()?.into());
    }
    let (major, n) = reader.head()?;
    match major {
        cbor::UINT => Ok(n.into()),
        cbor::NEGATIVE => match i64::try_from(n) {
            Ok(n) => Ok((!n).into()),
            Err(_) => Ok(reader.fail("integer below -2^63")?),
        },
        cbor::ARRAY => {
            let depth = depth.checked_sub(1).ok_or(ValueError::Nesting { max })?;
            let count = reader.count(n)?;
            // Reserves at most a few kilobytes for what is only claimed.
            let mut items = Vec::with_capacity(count.min(256));
            for _ in 0..count {
                items.push(read(reader, depth, max)?);
            }
            Ok(Value(Repr::Array(items.into())))
        }
        cbor::MAP => {
            let depth = depth.checked_sub(1).ok_or(ValueError::Nesting { max })?;
            read_object(reader, n, depth, max)
        }
        cbor::BYTES => Ok(reader.fail("bytes are not JSON")?),
        _ => Ok(reader.fail("links are not JSON")?),
    }
}

fn read_simple(reader: &mut Reader<'_>, first: u8) -> Result<Value, CborError> {
    reader.skip();
    match first {
        cbor::FALSE => Ok(false.into()),
        cbor::TRUE => Ok(true.into()),
        cbor::NULL => Ok(Value::NULL),
        cbor::FLOAT64 => {
            let bits = reader.take(8)?.iter().fold(0, |n, &byte| n << 8 | u64::from(byte));
            let float = f64::from_bits(bits);
            if !float.is_finite() || (float == 0.0 && bits != 0) {
                return reader.fail("float is not finite, or is -0.0");
            }
            Ok(Value(Repr::Float(float)))
        }
        _ => reader.fail("not a bool, null or 64-bit float"),
    }
}

fn read_object(reader: &mut Reader<'_>, len: u64, depth: usize, max: usize) -> Result<Value, ValueError> {
    let mut object = Object::new();
    let mut last: Option<&str> = None;
    for _ in 0..reader.count(len)? {
        let name = reader.text()?;
        if last.is_some_and(|last| (last.len(), last) >= (name.len(), name)) {
            return Ok(reader.fail("object names are not in order")?);
        }
        last = Some(name);
        let value = read(reader, depth, max)?;
        object.insert(name.into(), value);
    }
    Ok(Value(Repr::Object(Arc::new(object))))
}
