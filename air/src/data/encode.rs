//! The canonical bytes of [`Data`].

use std::collections::BTreeMap;
use std::ops::Range;

use marine_particle::PeerId;
use thiserror::Error;

use super::entry::{read_content_id, read_peer, write_content_id};
use super::pack::{Names, NamesReader, pack, unpack};
use super::{Blob, Data, Segment};
use crate::Limits;
use crate::cbor::{self, CborError, Reader};
use crate::value::ContentId;

const VERSION: u64 = 1;

/// Bytes are not particle data.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DataError {
    /// Not in the canonical form.
    #[error("particle data is malformed: {0}")]
    Malformed(#[from] CborError),
    /// Of a version that this crate does not know.
    #[error("particle data has version {0}, only version {VERSION} is known")]
    Version(u64),
    /// Over a limit.
    #[error("{what} of {n} is over the limit of {max}")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        n: usize,
        /// What is allowed.
        max: usize,
    },
}

impl Data {
    /// The canonical bytes. The same logs and values make the same bytes everywhere.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let entries: usize = self.segments.values().flat_map(|s| &s.entries).map(|entry| entry.len() + 3).sum();
        let values: usize = self.values.iter().map(|(_, value)| value.len() + 9).sum();
        let mut out = Vec::with_capacity(64 + self.segments.len() * 200 + entries + values);
        cbor::array(&mut out, 4);
        cbor::uint(&mut out, VERSION);
        write_content_id(&mut out, &self.particle);
        cbor::array(&mut out, self.segments.len());
        for (peer, segment) in &self.segments {
            segment.encode_to(&peer.to_bytes(), &mut out);
        }
        cbor::array(&mut out, self.values.len());
        self.values.iter().for_each(|(_, value)| cbor::bytes(&mut out, value));
        out
    }

    /// Reads the canonical bytes. Entries and values stay encoded; values are hashed.
    ///
    /// # Errors
    /// If the bytes are not canonical, or over the limits on a message's length or on entries.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, DataError> {
        let (mut data, large) = Self::read(bytes, limits)?;
        if let Some((at, range)) = large {
            data.values[at].1 = bytes[range].into();
        }
        Ok(data)
    }

    /// Reads the canonical bytes, as [`Data::decode`] does. A value that makes up most of a long message is not copied: it stays where
    /// it is.
    ///
    /// # Errors
    /// As [`Data::decode`].
    pub fn decode_owned(bytes: Vec<u8>, limits: &Limits) -> Result<Self, DataError> {
        let (mut data, large) = Self::read(&bytes, limits)?;
        if let Some((at, range)) = large {
            data.values[at].1 = Blob::part(bytes, range);
        }
        Ok(data)
    }

    /// The data, in which the bytes of a value that makes up most of a long message are missing, and where they are.
    fn read(bytes: &[u8], limits: &Limits) -> Result<(Self, Option<Place>), DataError> {
        if bytes.len() > limits.message_bytes {
            return Err(DataError::Limit { what: "length of the message", n: bytes.len(), max: limits.message_bytes });
        }
        let mut reader = Reader::new(bytes);
        if reader.array()? != 4 {
            return Ok(reader.fail("particle data is not an array of four")?);
        }
        match reader.uint()? {
            VERSION => {}
            version => return Err(DataError::Version(version)),
        }
        let particle = read_content_id(&mut reader)?;
        let segments = read_segments(&mut reader, limits.entries)?;
        let (values, large) = read_values(&mut reader, bytes.len())?;
        reader.end()?;
        Ok((Self { particle, segments, values }, large))
    }
}

impl Segment {
    /// A map; its keys stand shorter first, then bytewise.
    fn encode_to(&self, peer: &[u8], out: &mut Vec<u8>) {
        let names = Names::of(&self.entries);
        cbor::head(out, cbor::MAP, 7);
        cbor::text(out, "len");
        cbor::uint(out, self.len());
        cbor::text(out, "sig");
        match &self.signature {
            Some(signature) => cbor::bytes(out, signature),
            None => out.push(cbor::NULL),
        }
        cbor::text(out, "from");
        cbor::uint(out, self.from);
        cbor::text(out, "head");
        cbor::bytes(out, &self.head);
        cbor::text(out, "peer");
        cbor::bytes(out, peer);
        cbor::text(out, "names");
        names.encode_to(out);
        cbor::text(out, "entries");
        cbor::array(out, self.entries.len());
        self.entries.iter().for_each(|entry| pack(entry, &names, out));
    }
}

fn read_segments(reader: &mut Reader<'_>, max_entries: usize) -> Result<BTreeMap<PeerId, Segment>, DataError> {
    let mut segments: BTreeMap<PeerId, Segment> = BTreeMap::new();
    let mut left = max_entries;
    for _ in 0..reader.array()? {
        let (peer, segment) = read_segment(reader, max_entries, &mut left)?;
        if segments.last_key_value().is_some_and(|(last, _)| *last >= peer) {
            return Ok(reader.fail("segments are not in the order of their peers")?);
        }
        segments.insert(peer, segment);
    }
    Ok(segments)
}

fn read_segment(reader: &mut Reader<'_>, max_entries: usize, left: &mut usize) -> Result<(PeerId, Segment), DataError> {
    if reader.head()? != (cbor::MAP, 7) {
        return Ok(reader.fail("segment is not a map of seven")?);
    }
    read_key(reader, "len")?;
    let len = reader.uint()?;
    read_key(reader, "sig")?;
    let signature = match reader.peek()? {
        cbor::NULL => {
            reader.skip();
            None
        }
        _ => Some(reader.fixed()?),
    };
    read_key(reader, "from")?;
    let from = reader.uint()?;
    read_key(reader, "head")?;
    let head = reader.fixed()?;
    read_key(reader, "peer")?;
    let peer = read_peer(reader)?;
    read_key(reader, "names")?;
    let mut names = NamesReader::read(reader)?;
    read_key(reader, "entries")?;
    let count = reader.array()?;
    *left = left.checked_sub(count).ok_or(DataError::Limit {
        what: "number of entries",
        n: max_entries.saturating_sub(*left).saturating_add(count),
        max: max_entries,
    })?;
    if count == 0 || from.checked_add(count as u64) != Some(len) {
        return Ok(reader.fail("length of a segment does not agree with its entries")?);
    }
    let mut entries = Vec::with_capacity(count.min(1024));
    let mut entry = Vec::with_capacity(256);
    for _ in 0..count {
        unpack(reader, &mut names, &mut entry)?;
        entries.push(entry.as_slice().into());
    }
    names.end(reader)?;
    Ok((peer, Segment { from, entries, head, signature }))
}

fn read_key(reader: &mut Reader<'_>, key: &str) -> Result<(), CborError> {
    if reader.text()? == key { Ok(()) } else { reader.fail("unexpected key in a segment") }
}

/// Which value, and where its bytes are in a message.
type Place = (usize, Range<usize>);

/// Values, sorted by identifier.
type Values = Vec<(ContentId, Blob)>;

fn read_values(reader: &mut Reader<'_>, message: usize) -> Result<(Values, Option<Place>), CborError> {
    let count = reader.array()?;
    let mut values = Values::with_capacity(count.min(1024));
    let mut large = None;
    for _ in 0..count {
        let bytes = reader.bytes()?;
        let id = ContentId::of(bytes);
        if values.last().is_some_and(|(last, _)| *last >= id) {
            return reader.fail("values are not in the order of their identifiers");
        }
        let end = reader.position();
        let is_left = large.is_none() && Blob::is_worth(bytes.len(), message);
        if is_left {
            large = Some((values.len(), end - bytes.len()..end));
        }
        values.push((id, if is_left { Blob::default() } else { bytes.into() }));
    }
    Ok((values, large))
}
