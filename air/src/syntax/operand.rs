//! [`Shape`]: which operands an instruction takes at a place.

use super::instruction::{Expr, NameKind};
use super::tree::TreeBuilder;

/// A set of kinds of operands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape(u32);

impl Shape {
    pub(super) const TEXT: Shape = Shape(1);
    pub(super) const INT: Shape = Shape(1 << 1);
    pub(super) const EMPTY_ARRAY: Shape = Shape(1 << 2);
    pub(super) const INIT_PEER: Shape = Shape(1 << 3);
    /// `%last_error%` and `:error:` without lens.
    pub(super) const ERROR: Shape = Shape(1 << 4);
    pub(super) const ERROR_LENS: Shape = Shape(1 << 5);
    /// Floats, booleans, `%timestamp%` and `%ttl%`: what only values can be.
    pub(super) const OTHER: Shape = Shape(1 << 6);
    pub(super) const SCALAR: Shape = Shape(1 << 7);
    pub(super) const SCALAR_LENS: Shape = Shape(1 << 8);
    pub(super) const STREAM: Shape = Shape(1 << 9);
    pub(super) const MAP: Shape = Shape(1 << 10);
    pub(super) const CANON: Shape = Shape(1 << 11);
    pub(super) const CANON_LENS: Shape = Shape(1 << 12);
    pub(super) const CANON_MAP: Shape = Shape(1 << 13);
    pub(super) const CANON_MAP_LENS: Shape = Shape(1 << 14);

    /// What can be the service or function of a call.
    pub(super) const NAME_OF_CALL: Shape =
        Self::TEXT.or(Self::SCALAR).or(Self::SCALAR_LENS).or(Self::CANON_LENS).or(Self::CANON_MAP_LENS);
    pub(super) const PEER: Shape = Self::INIT_PEER.or(Self::NAME_OF_CALL);
    pub(super) const KEY: Shape = Self::TEXT.or(Self::INT).or(Self::SCALAR).or(Self::SCALAR_LENS).or(Self::CANON_LENS);
    const VARIABLE: Shape = Self::SCALAR
        .or(Self::SCALAR_LENS)
        .or(Self::CANON)
        .or(Self::CANON_LENS)
        .or(Self::CANON_MAP)
        .or(Self::CANON_MAP_LENS);
    pub(super) const ITERABLE: Shape = Self::EMPTY_ARRAY.or(Self::VARIABLE).or(Self::STREAM).or(Self::MAP);
    pub(super) const VALUE: Shape = Self::VARIABLE
        .or(Self::TEXT)
        .or(Self::INT)
        .or(Self::EMPTY_ARRAY)
        .or(Self::INIT_PEER)
        .or(Self::ERROR)
        .or(Self::ERROR_LENS)
        .or(Self::OTHER);
    pub(super) const FAIL: Shape =
        Self::INT.or(Self::SCALAR).or(Self::SCALAR_LENS).or(Self::CANON_LENS).or(Self::ERROR);
    pub(super) const ANY_VARIABLE: Shape =
        Self::SCALAR.or(Self::STREAM).or(Self::MAP).or(Self::CANON).or(Self::CANON_MAP);

    pub(super) const fn or(self, other: Shape) -> Shape {
        Shape(self.0 | other.0)
    }

    pub(super) fn allows(self, one: Shape) -> bool {
        self.0 & one.0 != 0
    }

    /// The one kind that `expr` is of.
    pub(super) fn of(builder: &TreeBuilder<'_>, expr: Expr) -> Shape {
        match expr {
            Expr::Text(_) => Self::TEXT,
            Expr::Int(_) | Expr::Uint(_) => Self::INT,
            Expr::Float(_) | Expr::Bool(_) | Expr::Timestamp | Expr::Ttl => Self::OTHER,
            Expr::EmptyArray => Self::EMPTY_ARRAY,
            Expr::InitPeer => Self::INIT_PEER,
            Expr::LastError(None) | Expr::Error(None) => Self::ERROR,
            Expr::LastError(Some(_)) | Expr::Error(Some(_)) => Self::ERROR_LENS,
            Expr::Variable(name, lens) => match (builder.name_kind(name), lens.is_some()) {
                (NameKind::Scalar, false) => Self::SCALAR,
                (NameKind::Scalar, true) => Self::SCALAR_LENS,
                (NameKind::Stream, _) => Self::STREAM,
                (NameKind::Map, _) => Self::MAP,
                (NameKind::Canon, false) => Self::CANON,
                (NameKind::Canon, true) => Self::CANON_LENS,
                (NameKind::CanonMap, false) => Self::CANON_MAP,
                (NameKind::CanonMap, true) => Self::CANON_MAP_LENS,
            },
        }
    }

    /// What an operand of one kind is called in messages.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::TEXT => "a string",
            Self::INT => "an integer",
            Self::EMPTY_ARRAY => "`[]`",
            Self::INIT_PEER => "`%init_peer_id%`",
            Self::ERROR => "an error object",
            Self::ERROR_LENS => "an error object with a lens",
            Self::SCALAR => "a scalar",
            Self::SCALAR_LENS => "a scalar with a lens",
            Self::STREAM => "a stream",
            Self::MAP => "a map",
            Self::CANON => "a canon stream",
            Self::CANON_LENS => "a canon stream with a lens",
            Self::CANON_MAP => "a canon map",
            Self::CANON_MAP_LENS => "a canon map with a lens",
            _ => "a value",
        }
    }
}
