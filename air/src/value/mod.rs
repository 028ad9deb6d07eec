//! [`Value`]: the JSON values that scripts work on, cheap to clone.
//!
//! Integers and floats are different kinds: `1` and `1.0` are not equal and have different content identifiers. Texts, arrays
//! and objects are shared, never copied.

mod content_id;
mod encode;
mod json;
mod lens;
mod tetraplet;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use content_id::ContentId;
pub(crate) use content_id::PREFIX as CONTENT_ID_PREFIX;
pub use encode::ValueError;
pub use json::Number;
pub use lens::{LensError, Step};
pub use tetraplet::Tetraplet;

/// A JSON value: null, bool, integer (-2^63 to 2^64 - 1), finite float, text, array or object.
///
/// ```
/// use marine_air::value::Value;
///
/// let value: Value = serde_json::json!({"b": 1, "a": [true, -2.5]}).into();
/// assert_eq!(value.to_string(), r#"{"a":[true,-2.5],"b":1}"#);
/// assert_ne!(Value::from(1_i64), Value::float(1.0));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Value(pub(crate) Repr);

pub(crate) type Object = BTreeMap<Arc<str>, Value>;

/// What a [`Value`] is. Kept inside, so that there is one form of each value: no infinite floats, no -0.0.
#[derive(Clone, Debug, Default)]
pub(crate) enum Repr {
    #[default]
    Null,
    Bool(bool),
    Int(Number),
    Float(f64),
    Text(Arc<str>),
    Array(Arc<[Value]>),
    Object(Arc<Object>),
}

impl Value {
    /// JSON's `null`.
    pub const NULL: Value = Value(Repr::Null);

    /// A float; -0.0 becomes 0.0, and what is not finite null.
    #[must_use]
    pub fn float(float: f64) -> Self {
        if float.is_finite() { Self(Repr::Float(if float == 0.0 { 0.0 } else { float })) } else { Self::NULL }
    }

    /// The array of these values.
    #[must_use]
    pub fn array(items: impl IntoIterator<Item = Value>) -> Self {
        Self(Repr::Array(items.into_iter().collect()))
    }

    /// The object with these fields; of equal names the last counts.
    #[must_use]
    pub fn object<K: Into<Arc<str>>>(fields: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self(Repr::Object(Arc::new(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())))
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.as_text().map(|text| &**text)
    }

    pub(crate) fn as_text(&self) -> Option<&Arc<str>> {
        match &self.0 {
            Repr::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if it is one.
    #[must_use]
    pub fn as_int(&self) -> Option<Number> {
        match self.0 {
            Repr::Int(int) => Some(int),
            _ => None,
        }
    }

    /// The items, if it is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value]> {
        match &self.0 {
            Repr::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_shared_array(&self) -> Option<&Arc<[Value]>> {
        match &self.0 {
            Repr::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The field of an object, if it is one and has it.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Value> {
        match &self.0 {
            Repr::Object(object) => object.get(field),
            _ => None,
        }
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        matches!(self.0, Repr::Object(_))
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.0, Repr::Null)
    }
}

/// Structural; shared parts are equal without a look.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Repr::Null, Repr::Null) => true,
            (Repr::Bool(a), Repr::Bool(b)) => a == b,
            (Repr::Int(a), Repr::Int(b)) => a == b,
            (Repr::Float(a), Repr::Float(b)) => a == b,
            (Repr::Text(a), Repr::Text(b)) => a == b,
            (Repr::Array(a), Repr::Array(b)) => Arc::ptr_eq(a, b) || a == b,
            (Repr::Object(a), Repr::Object(b)) => Arc::ptr_eq(a, b) || a == b,
            _ => false,
        }
    }
}

/// Floats are finite, so equality is total.
impl Eq for Value {}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Self(Repr::Bool(bool))
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self(Repr::Int(Number::from(int)))
    }
}

impl From<i32> for Value {
    fn from(int: i32) -> Self {
        Self::from(i64::from(int))
    }
}

impl From<u64> for Value {
    fn from(int: u64) -> Self {
        Self(Repr::Int(Number::from(int)))
    }
}

impl From<Number> for Value {
    fn from(int: Number) -> Self {
        Self(Repr::Int(int))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self(Repr::Text(text.into()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self(Repr::Text(text.into()))
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self(Repr::Text(text))
    }
}
