//! What variables hold: a value with its origin, or a stream or map as one peer saw it.

use std::sync::Arc;

use super::stream::StreamId;
use crate::value::{Number, Tetraplet, Value};

/// A value with its origin.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    One(Arc<Tetraplet>),
    /// A pair of a map: the origins of its key and of its value.
    Pair(Arc<[Arc<Tetraplet>; 2]>),
    /// A canon stream or map as a whole.
    Many(Arc<Parts>),
}

/// The origins of a canon stream or map, and of its elements in their order.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) whole: Arc<Tetraplet>,
    pub(super) elements: Vec<Arc<Tetraplet>>,
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Plain(Bound),
    Canon(Arc<Canon>),
}

/// The first `len` elements of a sequence that a peer has stated.
#[derive(Debug)]
pub(super) struct Canon {
    pub(super) stream: StreamId,
    pub(super) sequence: u32,
    pub(super) len: u32,
    /// Of the whole, and of what is worked out from it.
    pub(super) origin: Arc<Tetraplet>,
}

/// The key of a pair; `5` and `"5"` are different.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum MapKey {
    Text(Arc<str>),
    Int(Number),
}

impl Origin {
    /// The origin that a part of the value has, before its lens; that of a pair is its value's.
    pub(super) fn tetraplet(&self) -> &Arc<Tetraplet> {
        match self {
            Origin::One(tetraplet) => tetraplet,
            Origin::Pair(pair) => &pair[1],
            Origin::Many(parts) => &parts.whole,
        }
    }

    /// What a service is told.
    pub(super) fn tetraplets(&self) -> Vec<Tetraplet> {
        match self {
            Origin::Many(parts) => parts.elements.iter().map(|tetraplet| tetraplet.as_ref().clone()).collect(),
            _ => vec![self.tetraplet().as_ref().clone()],
        }
    }

    /// The origin of a value once it is kept: what was a canon's is an array or object made at its peer.
    pub(super) fn kept(self) -> Self {
        match self {
            Origin::Many(parts) => Origin::One(parts.whole.clone()),
            other => other,
        }
    }
}

impl Bound {
    pub(super) fn new(value: Value, origin: Arc<Tetraplet>) -> Self {
        Self { value, origin: Origin::One(origin) }
    }

    /// The value as a scalar or stream holds it.
    pub(super) fn kept(self) -> Self {
        Self { value: self.value, origin: self.origin.kept() }
    }
}

impl MapKey {
    /// The key that a value makes: a text or an integer.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match (value.as_text(), value.as_int()) {
            (Some(text), _) => Some(MapKey::Text(text.clone())),
            (_, Some(int)) => Some(MapKey::Int(int)),
            _ => None,
        }
    }

    /// The name of the field in the object that the whole map makes.
    pub(super) fn field(&self) -> Arc<str> {
        match self {
            MapKey::Text(text) => text.clone(),
            MapKey::Int(int) => int.to_string().into(),
        }
    }

    /// The printed accessor that leads to it.
    pub(super) fn accessor(&self) -> String {
        match self {
            MapKey::Text(text) => format!(".{text}"),
            MapKey::Int(int) => format!(".[{int}]"),
        }
    }
}
