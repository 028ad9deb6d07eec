//! Bundles: a particle together with data about it, in one file that anyone can verify.
//!
//! The form is DAG-CBOR, an array of the encodings of both.

use marine_particle::{DecodeError, Particle};
use thiserror::Error;

use crate::Limits;
use crate::cbor::{self, CborError, Reader};
use crate::data::{Data, DataError};

/// Bytes are not a bundle.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum BundleError {
    /// Not an array of a particle and data.
    #[error("bundle is not an array of a particle and data: {0}")]
    Malformed(#[from] CborError),
    /// The particle is malformed, or not signed by its initial peer.
    #[error("particle in the bundle: {0}")]
    Particle(#[from] DecodeError),
    /// The data is malformed.
    #[error("data in the bundle: {0}")]
    Data(#[from] DataError),
}

/// The bundle of a particle and data about it.
#[must_use]
pub fn encode_bundle(particle: &Particle, data: &Data) -> Vec<u8> {
    let mut out = Vec::new();
    cbor::array(&mut out, 2);
    out.extend_from_slice(&particle.encode());
    out.extend_from_slice(&data.encode());
    out
}

/// Reads a bundle and checks the particle's signature. The data has still to be verified, see [`verify`](super::verify).
///
/// # Errors
/// [`BundleError`] says which part is wrong and why.
pub fn decode_bundle(bytes: &[u8], limits: &Limits) -> Result<(Particle, Data), BundleError> {
    let mut reader = Reader::new(bytes);
    if reader.array()? != 2 {
        return Ok(reader.fail("expected two items")?);
    }
    let start = reader.position();
    skip_item(&mut reader)?;
    let (particle, data) = (&bytes[start..reader.position()], &bytes[reader.position()..]);
    Ok((Particle::decode(particle)?, Data::decode(data, limits)?))
}

/// Goes over one item and all that is inside. Needs no stack for what is nested.
fn skip_item(reader: &mut Reader<'_>) -> Result<(), CborError> {
    let mut items: u64 = 1;
    while items > 0 {
        items -= 1;
        if reader.peek()? >> 5 == cbor::SIMPLE {
            reader.take(if reader.peek()? == cbor::FLOAT64 { 9 } else { 1 })?;
            continue;
        }
        let (major, n) = reader.head()?;
        match major {
            cbor::BYTES | cbor::TEXT => drop(reader.take(n)?),
            cbor::ARRAY => items += reader.count(n)? as u64,
            cbor::MAP => items += 2 * reader.count(n)? as u64,
            cbor::TAG => items += 1,
            _ => {}
        }
    }
    Ok(())
}
