//! Values from and to JSON: `serde_json` trees, and the compact text used in messages.

use std::fmt;
use std::sync::Arc;

use super::{Repr, Value};

/// An integer from -2^63 to 2^64 - 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Number(Sign);

/// Every number has one form: `Negative` holds only numbers below 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Sign {
    Negative(i64),
    Positive(u64),
}

impl Number {
    /// The number, if it is not negative.
    #[must_use]
    pub fn as_u64(self) -> Option<u64> {
        match self.0 {
            Sign::Positive(n) => Some(n),
            Sign::Negative(_) => None,
        }
    }

    /// The number, if it is below 2^63.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        match self.0 {
            Sign::Positive(n) => i64::try_from(n).ok(),
            Sign::Negative(n) => Some(n),
        }
    }
}

impl From<i64> for Number {
    fn from(n: i64) -> Self {
        Self(u64::try_from(n).map_or(Sign::Negative(n), Sign::Positive))
    }
}

impl From<u64> for Number {
    fn from(n: u64) -> Self {
        Self(Sign::Positive(n))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Sign::Negative(n) => n.fmt(f),
            Sign::Positive(n) => n.fmt(f),
        }
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::NULL,
            Json::Bool(bool) => bool.into(),
            Json::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(n), _) => n.into(),
                (_, Some(n)) => n.into(),
                _ => Self::float(number.as_f64().unwrap_or_default()),
            },
            Json::String(text) => text.into(),
            Json::Array(items) => Self::array(items.into_iter().map(Value::from)),
            Json::Object(fields) => Self::object(fields.into_iter().map(|(name, value)| (name, Value::from(value)))),
        }
    }
}

impl From<&Value> for serde_json::Value {
    fn from(value: &Value) -> Self {
        match &value.0 {
            Repr::Null => Self::Null,
            Repr::Bool(bool) => Self::Bool(*bool),
            Repr::Int(Number(Sign::Negative(n))) => (*n).into(),
            Repr::Int(Number(Sign::Positive(n))) => (*n).into(),
            Repr::Float(float) => (*float).into(),
            Repr::Text(text) => Self::String(text.to_string()),
            Repr::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Repr::Object(object) => {
                Self::Object(object.iter().map(|(name, value)| (name.to_string(), value.into())).collect())
            }
        }
    }
}

impl From<Value> for serde_json::Value {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

impl Value {
    /// Reads JSON text. Integers out of range become floats; of duplicate names the last counts.
    ///
    /// # Errors
    /// If the text is not JSON, or nested deeper than 127.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<serde_json::Value>(text).map(Self::from)
    }

    /// The object `{"error_code", "message"}` and further fields, in one go.
    pub(crate) fn error_object(
        code: Number,
        message: Arc<str>,
        more: impl Iterator<Item = (&'static str, Value)>,
    ) -> Self {
        let fields = [("error_code", Value::from(code)), ("message", Value::from(message))];
        Self::object(fields.into_iter().chain(more))
    }
}

/// Compact JSON, names sorted bytewise, floats in the shortest form that has a point.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Null => f.write_str("null"),
            Repr::Bool(bool) => bool.fmt(f),
            Repr::Int(int) => int.fmt(f),
            Repr::Float(float) => write_float(f, *float),
            Repr::Text(text) => write_text(f, text),
            Repr::Array(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    f.write_str(if index > 0 { "," } else { "" })?;
                    item.fmt(f)?;
                }
                f.write_str("]")
            }
            Repr::Object(object) => {
                f.write_str("{")?;
                for (index, (name, value)) in object.iter().enumerate() {
                    f.write_str(if index > 0 { "," } else { "" })?;
                    write_text(f, name)?;
                    f.write_str(":")?;
                    value.fmt(f)?;
                }
                f.write_str("}")
            }
        }
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let json = serde_json::to_string(text).map_err(|_| fmt::Error)?;
    f.write_str(&json)
}

fn write_float(f: &mut fmt::Formatter<'_>, float: f64) -> fmt::Result {
    let text = format!("{float:?}");
    match text.split_once('e') {
        Some((digits, exponent)) if !digits.contains('.') => write!(f, "{digits}.0e{exponent}"),
        _ => f.write_str(&text),
    }
}
