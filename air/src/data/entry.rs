//! [`Entry`]: one fact in a peer's log, and its canonical bytes.

use marine_particle::{Cid, PeerId};

use super::log::Hash;
use super::position::Position;
use crate::cbor::{self, CborError, Reader};
use crate::value::{CONTENT_ID_PREFIX, ContentId};

/// A fact about an instance of an instruction, stated by the owner of the log it is in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry<'a> {
    /// Which instance.
    pub at: Position,
    /// What about it.
    pub fact: Fact<'a>,
}

/// What an entry says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fact<'a> {
    /// The call was executed here with these arguments and returned this.
    Ok {
        /// The service called.
        service: &'a str,
        /// The function called.
        function: &'a str,
        /// blake3 of the DAG-CBOR array of the arguments.
        args: Hash,
        /// The result; the value is with the data only if the call has an output.
        result: ContentId,
    },
    /// The call was executed here with these arguments and failed.
    Err {
        /// The service called.
        service: &'a str,
        /// The function called.
        function: &'a str,
        /// blake3 of the DAG-CBOR array of the arguments.
        args: Hash,
        /// The service's code.
        code: i32,
        /// The service's message, a text among the values.
        message: ContentId,
    },
    /// The stream or map had these elements here.
    Canon {
        /// 0, or the height in this log of an earlier canon of the same stream, whose elements come first.
        base: u64,
        /// The elements after those, each with the call or `ap` that produced it.
        elements: Vec<(Position, ContentId)>,
    },
    /// The call or canon was forwarded.
    Sent {
        /// The peer that has to do it; the log's owner itself if it is at work on it.
        to: PeerId,
        /// The indexes of the arguments that were not known here, ascending.
        missing: Vec<u32>,
    },
}

/// An Ed25519 peer id up to the key: identity multihash of 36 bytes, protobuf of a public key of type 1 with 32 bytes.
const PEER_PREFIX: [u8; 6] = [0x00, 36, 0x08, 0x01, 0x12, 32];

/// The libp2p codec of peer ids in the form of a CID.
const LIBP2P_KEY: u64 = 0x72;
/// No form of an Ed25519 peer id, not even a CID in binary digits, is longer. Decoding base58 takes time quadratic in a text.
const LONGEST_PEER_TEXT: usize = 512;

/// The peer that a text denotes, in base58 or as a CID, if its id holds an Ed25519 key, so that signatures can be checked
/// with it alone.
pub(crate) fn parse_peer(text: &str) -> Option<PeerId> {
    if text.len() > LONGEST_PEER_TEXT {
        return None;
    }
    let from_cid = |cid: Cid| PeerId::from_bytes(&cid.hash().to_bytes()).ok().filter(|_| cid.codec() == LIBP2P_KEY);
    text.parse().ok().or_else(|| text.parse().ok().and_then(from_cid)).filter(is_ed25519)
}

fn is_ed25519(peer: &PeerId) -> bool {
    let bytes = peer.to_bytes();
    bytes.len() == 38 && bytes.starts_with(&PEER_PREFIX)
}

pub(crate) fn read_peer(reader: &mut Reader<'_>) -> Result<PeerId, CborError> {
    let bytes = reader.bytes()?;
    if bytes.len() != 38 || !bytes.starts_with(&PEER_PREFIX) {
        return reader.fail("not the id of a peer with an Ed25519 key");
    }
    PeerId::from_bytes(bytes).or_else(|_| reader.fail("not a peer id"))
}

pub(crate) fn write_content_id(out: &mut Vec<u8>, id: &ContentId) {
    cbor::head(out, cbor::TAG, 42);
    cbor::head(out, cbor::BYTES, 37);
    out.extend_from_slice(&CONTENT_ID_PREFIX);
    out.extend_from_slice(id.digest());
}

pub(crate) fn read_content_id(reader: &mut Reader<'_>) -> Result<ContentId, CborError> {
    if reader.head()? != (cbor::TAG, 42) {
        return reader.fail("expected a link");
    }
    let bytes: [u8; 37] = reader.fixed()?;
    match bytes.split_first_chunk::<5>() {
        Some((prefix, digest)) if *prefix == CONTENT_ID_PREFIX => {
            let mut id = [0; 32];
            id.copy_from_slice(digest);
            Ok(ContentId::from_digest(id))
        }
        _ => reader.fail("link is not dag-cbor with blake3-256"),
    }
}

impl Fact<'_> {
    /// Its number in an encoded entry, and how many items that has.
    pub(super) fn kind(&self) -> (u64, usize) {
        match self {
            Fact::Ok { .. } => (0, 6),
            Fact::Err { .. } => (1, 7),
            Fact::Canon { .. } => (2, 4),
            Fact::Sent { .. } => (3, 4),
        }
    }
}

impl<'a> Entry<'a> {
    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        self.encode_to(&mut out);
        out
    }

    pub(super) fn encode_to(&self, out: &mut Vec<u8>) {
        let (kind, len) = self.fact.kind();
        cbor::array(out, len);
        cbor::uint(out, kind);
        self.at.encode_to(out);
        match &self.fact {
            Fact::Ok { service, function, args, result } => {
                write_call(out, service, function, args);
                write_content_id(out, result);
            }
            Fact::Err { service, function, args, code, message } => {
                write_call(out, service, function, args);
                cbor::int(out, i64::from(*code));
                write_content_id(out, message);
            }
            Fact::Canon { base, elements } => {
                cbor::uint(out, *base);
                cbor::array(out, elements.len());
                for (at, value) in elements {
                    cbor::array(out, 2);
                    at.encode_to(out);
                    write_content_id(out, value);
                }
            }
            Fact::Sent { to, missing } => {
                cbor::bytes(out, &to.to_bytes());
                cbor::array(out, missing.len());
                missing.iter().for_each(|index| cbor::uint(out, u64::from(*index)));
            }
        }
    }

    /// Reads the canonical bytes of one entry.
    ///
    /// # Errors
    /// If they are anything else.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes);
        let len = reader.array()?;
        let kind = reader.uint()?;
        if !matches!((kind, len), (0, 6) | (1, 7) | (2, 4) | (3, 4)) {
            return reader.fail("unknown kind of entry, or one of a wrong length");
        }
        let at = Position::read(&mut reader)?;
        let fact = match kind {
            0 => {
                let (service, function, args) = read_call(&mut reader)?;
                Fact::Ok { service, function, args, result: read_content_id(&mut reader)? }
            }
            1 => {
                let (service, function, args) = read_call(&mut reader)?;
                let code = reader.int()?;
                let code = i32::try_from(code).or_else(|_| reader.fail("error code is no 32-bit integer"))?;
                Fact::Err { service, function, args, code, message: read_content_id(&mut reader)? }
            }
            2 => Fact::Canon { base: reader.uint()?, elements: read_elements(&mut reader)? },
            _ => Fact::Sent { to: read_peer(&mut reader)?, missing: read_missing(&mut reader)? },
        };
        reader.end()?;
        Ok(Self { at, fact })
    }
}

fn write_call(out: &mut Vec<u8>, service: &str, function: &str, args: &Hash) {
    cbor::text(out, service);
    cbor::text(out, function);
    cbor::bytes(out, args);
}

fn read_call<'a>(reader: &mut Reader<'a>) -> Result<(&'a str, &'a str, Hash), CborError> {
    Ok((reader.text()?, reader.text()?, reader.fixed()?))
}

fn read_elements(reader: &mut Reader<'_>) -> Result<Vec<(Position, ContentId)>, CborError> {
    let count = reader.array()?;
    let mut elements = Vec::with_capacity(count.min(256));
    for _ in 0..count {
        if reader.array()? != 2 {
            return reader.fail("element of a canon is not a pair");
        }
        elements.push((Position::read(reader)?, read_content_id(reader)?));
    }
    Ok(elements)
}

pub(super) fn read_missing(reader: &mut Reader<'_>) -> Result<Vec<u32>, CborError> {
    let count = reader.array()?;
    let mut missing: Vec<u32> = Vec::with_capacity(count.min(256));
    for _ in 0..count {
        let index = reader.u32()?;
        if missing.last().is_some_and(|&last| last >= index) {
            return reader.fail("missing arguments are not in ascending order");
        }
        missing.push(index);
    }
    Ok(missing)
}
