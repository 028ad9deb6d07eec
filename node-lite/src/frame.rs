//! Frames of the particle protocol: their fields, and their one byte form (canonical DAG-CBOR maps).
//!
//! Reading and writing streams is in `net::wire`; what frames mean is in `net::inbound` and `net::outbound`.

use std::collections::BTreeMap;

use cid::Cid;
use ipld_core::ipld::Ipld;
use marine_particle::PeerId;

/// Largest frame in bytes, its length prefix not counted.
pub const MAX_FRAME: usize = 1 << 20;
/// Largest piece of data in one `part` frame, in bytes.
pub const PART: usize = 256 << 10;
/// Version of the protocol that `hello` names.
pub const VERSION: u64 = 1;

/// Longest text in a frame, in bytes.
const MAX_TEXT: usize = 1024;
/// Most entries of a map or list in a frame.
const MAX_ENTRIES: usize = 4096;

/// Heights of logs by peer, as they travel.
pub type Heights = BTreeMap<PeerId, u64>;

/// One frame.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// The first frame of both sides.
    Hello(Hello),
    /// A particle: envelope (unless the receiver is known to have it) and data, or the beginning of the data.
    Particle {
        /// Names this message in answers.
        seq: u64,
        /// The particle.
        cid: Cid,
        /// The encoded envelope.
        env: Option<Vec<u8>>,
        /// The encoded data, or its first bytes.
        data: Vec<u8>,
        /// Size of all the data in bytes, if parts follow.
        total: Option<u64>,
    },
    /// More data of a message.
    Part {
        /// The message.
        seq: u64,
        /// Where in the data this part belongs, in bytes.
        at: u64,
        /// The part.
        data: Vec<u8>,
    },
    /// The message was checked and is on durable storage.
    Ack {
        /// The message.
        seq: u64,
        /// Heights of the logs that are verified and durable at the receiver.
        heads: Heights,
    },
    /// The message was not accepted.
    Err(Refusal),
    /// More may be sent.
    Credit {
        /// This many frames more.
        frames: u32,
        /// This many bytes more.
        bytes: u32,
    },
}

/// What both sides say first.
#[derive(Debug, Clone, PartialEq)]
pub struct Hello {
    /// Protocol version.
    pub version: u64,
    /// The speaker's clock, in milliseconds since 1970.
    pub now: u64,
    /// The network it belongs to.
    pub net: String,
    /// Frames it accepts ahead of answers.
    pub frames: u32,
    /// Bytes it accepts ahead of answers.
    pub bytes: u32,
}

/// Why a message was not accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The message; 0 if the stream as a whole is meant.
    pub seq: u64,
    /// The kind of reason.
    pub code: Code,
    /// The reason for a reader.
    pub text: String,
    /// When to try again, in milliseconds.
    pub retry: Option<u64>,
    /// Heights the receiver has, for [`Code::Gap`].
    pub heads: Option<Heights>,
    /// Proof of [`Code::Equivocation`].
    pub proof: Option<Vec<u8>>,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// Codes of `err` frames.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($(#[doc = $doc])+ $variant,)+ }

        impl Code {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The code as it travels.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

codes! {
    /// Larger than the receiver accepts.
    TooLarge = "too-large",
    /// Not a frame or envelope.
    Malformed = "malformed",
    /// The envelope is not signed by its init peer.
    BadSignature = "bad-signature",
    /// Lives longer than the receiver allows.
    TtlTooLong = "ttl-too-long",
    /// Made too far in the future.
    Future = "future",
    /// No longer alive.
    Expired = "expired",
    /// The script is too long.
    ScriptTooLarge = "script-too-large",
    /// Too many particles of this neighbour or init peer.
    RateLimited = "rate-limited",
    /// No room at the moment.
    Overloaded = "overloaded",
    /// The receiver is about to end.
    ShuttingDown = "shutting-down",
    /// The envelope was left out, but the receiver does not have it.
    UnknownParticle = "unknown-particle",
    /// Entries before those in the data are missing.
    Gap = "gap",
    /// The data does not verify.
    BadData = "bad-data",
    /// Some peer showed two histories.
    Equivocation = "equivocation",
    /// Another network or an unknown kind of frame.
    Unsupported = "unsupported",
}

/// What the sender does about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// Never sends this particle to that peer again.
    GiveUp,
    /// Sends it again after a while.
    Retry,
    /// Sends at once what was missing.
    Complete,
}

impl Code {
    /// The code with this text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }

    /// What the sender does about it.
    pub fn reaction(self) -> Reaction {
        match self {
            Self::RateLimited | Self::Overloaded | Self::ShuttingDown => Reaction::Retry,
            Self::UnknownParticle | Self::Gap => Reaction::Complete,
            _ => Reaction::GiveUp,
        }
    }
}

/// Bytes that are no frame of ours.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum FrameError {
    /// Not DAG-CBOR.
    #[error("frame is not DAG-CBOR: {0}")]
    Syntax(String),
    /// DAG-CBOR, but not in its canonical form.
    #[error("frame is not in canonical form")]
    NotCanonical,
    /// A field is missing or of another type.
    #[error("field `{field}` of the frame is missing or not {expected}")]
    Field {
        /// Its name.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A kind of frame that this version does not know.
    #[error("frame of unknown kind `{0}`")]
    Unknown(String),
    /// The length prefix is over [`MAX_FRAME`] or no varint.
    #[error("frame of {0} bytes is over the limit of {MAX_FRAME}")]
    TooLarge(u64),
}

impl Frame {
    /// The canonical bytes of the frame, without length prefix.
    pub fn encode(self) -> Vec<u8> {
        let map = self.into_map();
        serde_ipld_dagcbor::to_vec(&Ipld::Map(map)).expect("invariant: maps of bytes, texts and integers always encode")
    }

    /// Reads a frame; unknown fields are ignored.
    ///
    /// # Errors
    /// See [`FrameError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        if bytes.len() > MAX_FRAME {
            return Err(FrameError::TooLarge(bytes.len() as u64));
        }
        let ipld: Ipld = serde_ipld_dagcbor::from_slice(bytes).map_err(|e| FrameError::Syntax(e.to_string()))?;
        let again = serde_ipld_dagcbor::to_vec(&ipld).map_err(|e| FrameError::Syntax(e.to_string()))?;
        if again != bytes {
            return Err(FrameError::NotCanonical);
        }
        let Ipld::Map(map) = ipld else { return Err(field("t", "in a map")) };
        Fields(map).frame()
    }

    fn into_map(self) -> BTreeMap<String, Ipld> {
        match self {
            Self::Hello(h) => map(
                "hello",
                [
                    ("v", int(h.version)),
                    ("now", int(h.now)),
                    ("net", Ipld::String(h.net)),
                    ("features", Ipld::List(Vec::new())),
                    ("use", Ipld::String("particles".to_owned())),
                    ("frames", int(h.frames)),
                    ("bytes", int(h.bytes)),
                ],
            ),
            Self::Particle { seq, cid, env, data, total } => {
                let mut map = map("p", [("seq", int(seq)), ("cid", Ipld::Link(cid)), ("data", Ipld::Bytes(data))]);
                map.extend(env.map(|env| ("env".to_owned(), Ipld::Bytes(env))));
                map.extend(total.map(|total| ("total".to_owned(), int(total))));
                map
            }
            Self::Part { seq, at, data } => {
                map("part", [("seq", int(seq)), ("at", int(at)), ("data", Ipld::Bytes(data))])
            }
            Self::Ack { seq, heads } => map("ack", [("seq", int(seq)), ("heads", heights(&heads))]),
            Self::Err(e) => {
                let code = Ipld::String(e.code.as_str().to_owned());
                let text = Ipld::String(cut(e.text));
                let mut map = map("err", [("seq", int(e.seq)), ("code", code), ("text", text)]);
                map.extend(e.retry.map(|retry| ("retry".to_owned(), int(retry))));
                map.extend(e.heads.map(|heads| ("heads".to_owned(), heights(&heads))));
                map.extend(e.proof.map(|proof| ("proof".to_owned(), Ipld::Bytes(proof))));
                map
            }
            Self::Credit { frames, bytes } => map("credit", [("frames", int(frames)), ("bytes", int(bytes))]),
        }
    }
}

/// The fields of a frame that is being read; each is taken once.
struct Fields(BTreeMap<String, Ipld>);

impl Fields {
    fn frame(mut self) -> Result<Frame, FrameError> {
        match self.text("t")?.as_str() {
            "hello" => self.hello().map(Frame::Hello),
            "p" => Ok(Frame::Particle {
                seq: self.uint("seq")?,
                cid: self.link("cid")?,
                env: if self.0.contains_key("env") { Some(self.bytes("env")?) } else { None },
                data: self.bytes("data")?,
                total: if self.0.contains_key("total") { Some(self.uint("total")?) } else { None },
            }),
            "part" => Ok(Frame::Part { seq: self.uint("seq")?, at: self.uint("at")?, data: self.bytes("data")? }),
            "ack" => Ok(Frame::Ack { seq: self.uint("seq")?, heads: self.heights("heads")? }),
            "err" => self.refusal().map(Frame::Err),
            "credit" => Ok(Frame::Credit { frames: self.small("frames")?, bytes: self.small("bytes")? }),
            other => Err(FrameError::Unknown(other.to_owned())),
        }
    }

    fn hello(&mut self) -> Result<Hello, FrameError> {
        if self.text("use")? != "particles" {
            return Err(FrameError::Unknown("hello for another use".to_owned()));
        }
        Ok(Hello {
            version: self.uint("v")?,
            now: self.uint("now")?,
            net: self.text("net")?,
            frames: self.small("frames")?,
            bytes: self.small("bytes")?,
        })
    }

    fn refusal(&mut self) -> Result<Refusal, FrameError> {
        let code = self.text("code")?;
        Ok(Refusal {
            seq: self.uint("seq")?,
            code: Code::parse(&code).ok_or(field("code", "a known code"))?,
            text: self.text("text")?,
            retry: if self.0.contains_key("retry") { Some(self.uint("retry")?) } else { None },
            heads: if self.0.contains_key("heads") { Some(self.heights("heads")?) } else { None },
            proof: if self.0.contains_key("proof") { Some(self.bytes("proof")?) } else { None },
        })
    }

    fn text(&mut self, name: &'static str) -> Result<String, FrameError> {
        match self.0.remove(name) {
            Some(Ipld::String(text)) if text.len() <= MAX_TEXT => Ok(text),
            _ => Err(field(name, "a short text")),
        }
    }

    fn bytes(&mut self, name: &'static str) -> Result<Vec<u8>, FrameError> {
        match self.0.remove(name) {
            Some(Ipld::Bytes(bytes)) => Ok(bytes),
            _ => Err(field(name, "bytes")),
        }
    }

    fn link(&mut self, name: &'static str) -> Result<Cid, FrameError> {
        match self.0.remove(name) {
            Some(Ipld::Link(cid)) => Ok(cid),
            _ => Err(field(name, "a link")),
        }
    }

    fn uint(&mut self, name: &'static str) -> Result<u64, FrameError> {
        self.0.remove(name).and_then(as_u64).ok_or(field(name, "an unsigned integer"))
    }

    fn small(&mut self, name: &'static str) -> Result<u32, FrameError> {
        self.uint(name)?.try_into().map_err(|_| field(name, "an unsigned integer below 2^32"))
    }

    fn heights(&mut self, name: &'static str) -> Result<Heights, FrameError> {
        let expected = "a map from peer ids to heights";
        let Some(Ipld::Map(map)) = self.0.remove(name) else { return Err(field(name, expected)) };
        if map.len() > MAX_ENTRIES {
            return Err(field(name, "a map of at most 4096 peers"));
        }
        let entry = |(peer, height): (String, Ipld)| Some((peer.parse().ok()?, as_u64(height)?));
        map.into_iter().map(entry).collect::<Option<_>>().ok_or(field(name, expected))
    }
}

fn field(field: &'static str, expected: &'static str) -> FrameError {
    FrameError::Field { field, expected }
}

fn map<const N: usize>(kind: &str, fields: [(&str, Ipld); N]) -> BTreeMap<String, Ipld> {
    let kind = ("t".to_owned(), Ipld::String(kind.to_owned()));
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).chain([kind]).collect()
}

fn int(value: impl Into<u64>) -> Ipld {
    Ipld::Integer(i128::from(value.into()))
}

fn as_u64(value: Ipld) -> Option<u64> {
    match value {
        Ipld::Integer(value) => value.try_into().ok(),
        _ => None,
    }
}

fn heights(heights: &Heights) -> Ipld {
    Ipld::Map(heights.iter().map(|(peer, height)| (peer.to_string(), int(*height))).collect())
}

/// Texts come from errors that may quote input: what is too long is cut, at a character.
fn cut(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT - 3).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn peer() -> PeerId {
        "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5".parse().unwrap()
    }

    fn cid() -> Cid {
        "bafyr4icokxxxpncac2inj63jn5vnoaep4ceqdork65anj3h2ypkcwcpdka".parse().unwrap()
    }

    fn frames() -> impl Strategy<Value = Frame> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..64);
        let heads = || any::<u64>().prop_map(|h| Heights::from([(peer(), h)]));
        let code = proptest::sample::select(Code::ALL);
        prop_oneof![
            (any::<u64>(), "[a-z]{1,9}", any::<u32>(), any::<u32>())
                .prop_map(|(now, net, frames, bytes)| Frame::Hello(Hello { version: 1, now, net, frames, bytes })),
            (any::<u64>(), proptest::option::of(bytes()), bytes(), any::<Option<u64>>())
                .prop_map(|(seq, env, data, total)| Frame::Particle { seq, cid: cid(), env, data, total }),
            (any::<u64>(), any::<u64>(), bytes()).prop_map(|(seq, at, data)| Frame::Part { seq, at, data }),
            (any::<u64>(), heads()).prop_map(|(seq, heads)| Frame::Ack { seq, heads }),
            (
                any::<u64>(),
                code,
                ".{0,20}",
                any::<Option<u64>>(),
                proptest::option::of(heads()),
                proptest::option::of(bytes())
            )
                .prop_map(|(seq, code, text, retry, heads, proof)| Frame::Err(Refusal {
                    seq,
                    code,
                    text,
                    retry,
                    heads,
                    proof
                })),
            (any::<u32>(), any::<u32>()).prop_map(|(frames, bytes)| Frame::Credit { frames, bytes }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(frame in frames()) {
            prop_assert_eq!(Frame::decode(&frame.clone().encode()), Ok(frame));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let _ = Frame::decode(&bytes);
        }

        #[test]
        fn a_changed_byte_never_panics(frame in frames(), at in any::<proptest::sample::Index>(), to in any::<u8>()) {
            let mut bytes = frame.encode();
            let at = at.index(bytes.len());
            bytes[at] = to;
            if let Ok(frame) = Frame::decode(&bytes) {
                prop_assert!(Frame::decode(&frame.encode()).is_ok());
            }
        }
    }

    #[test]
    fn refused_forms() {
        type Case<'a> = (&'a [u8], fn(&FrameError) -> bool);
        let cases: &[Case<'_>] = &[
            (b"", |e| matches!(e, FrameError::Syntax(_))),
            (&[0xa0], |e| matches!(e, FrameError::Field { field: "t", .. })),
            (&[0x80], |e| matches!(e, FrameError::Field { field: "t", .. })),
            // {"t": "zz"}
            (&[0xa1, 0x61, b't', 0x62, b'z', b'z'], |e| matches!(e, FrameError::Unknown(_))),
            // {"t": "zz"} with the map's length in two bytes, and with a trailing byte
            (&[0xb8, 1, 0x61, b't', 0x62, b'z', b'z'], |e| {
                matches!(e, FrameError::NotCanonical | FrameError::Syntax(_))
            }),
            (&[0xa1, 0x61, b't', 0x62, b'z', b'z', 0], |e| matches!(e, FrameError::Syntax(_))),
        ];
        for (bytes, fits) in cases {
            let error = Frame::decode(bytes).unwrap_err();
            assert!(fits(&error), "{bytes:x?}: {error:?}");
        }
        assert!(Frame::decode(&[0x81; 100_000]).is_err(), "deep nesting");
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let mut map = Frame::Credit { frames: 1, bytes: 2 }.into_map();
        map.insert("later".to_owned(), Ipld::Bool(true));
        let bytes = serde_ipld_dagcbor::to_vec(&Ipld::Map(map)).unwrap();
        assert_eq!(Frame::decode(&bytes), Ok(Frame::Credit { frames: 1, bytes: 2 }));
    }

    #[test]
    fn long_texts_are_cut() {
        let refusal =
            Refusal { seq: 1, code: Code::BadData, text: "ä".repeat(2000), retry: None, heads: None, proof: None };
        assert!(Frame::decode(&Frame::Err(refusal).encode()).is_ok());
    }
}
