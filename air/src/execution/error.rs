//! Errors that scripts can catch: their codes and texts, the objects that `:error:` and `%last_error%` show.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use crate::value::{LensError, Number, Tetraplet, Value};

/// An error that an instruction failed with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExecutionError {
    /// 10000 to 10012.
    pub code: i64,
    /// The text that belongs to the code.
    pub message: Arc<str>,
    /// The printed form of the instruction that failed.
    pub instruction: Arc<str>,
    /// The peer of a call or canon, in base58.
    pub peer: Option<Arc<str>>,
}

/// `10006 fail with '..' is used without corresponding xor (fail 7 "m")`
impl fmt::Display for ExecutionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.code, self.message, self.instruction.trim_end())
    }
}

/// The code and text of an error, before it is known which instruction failed.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Catchable {
    LocalService {
        code: i32,
        message: Arc<str>,
    },
    MatchNotEqual,
    MismatchEqual,
    FoldOverNonArray {
        expression: String,
        value: Value,
    },
    User {
        object: Value,
    },
    Lens(LensError),
    NotAnErrorObject {
        value: Value,
    },
    NoErrorField {
        value: Value,
        field: &'static str,
    },
    ErrorFieldType {
        value: Value,
        field: &'static str,
        expected: &'static str,
    },
    ZeroErrorCode,
    ClearedByNew {
        name: String,
    },
    NonStringTriplet {
        name: String,
        value: Value,
    },
    MapKey {
        map: String,
    },
    /// `fail :error:`: the very same error again.
    Again(Arc<Raised>),
}

impl Catchable {
    /// The text of the error, if it is not longer than this many bytes.
    pub(super) fn text_within(&self, max: usize) -> Option<String> {
        let mut text = Bounded { text: String::new(), max };
        write!(text, "{self}").ok()?;
        Some(text.text)
    }

    fn code(&self) -> i64 {
        match self {
            Catchable::LocalService { .. } => 10000,
            Catchable::MatchNotEqual => 10001,
            Catchable::MismatchEqual => 10002,
            Catchable::FoldOverNonArray { .. } => 10005,
            Catchable::User { .. } => 10006,
            Catchable::Lens(LensError::Length { .. }) => 10010,
            Catchable::Lens(_) => 10007,
            Catchable::NotAnErrorObject { .. }
            | Catchable::NoErrorField { .. }
            | Catchable::ErrorFieldType { .. }
            | Catchable::ZeroErrorCode => 10008,
            Catchable::ClearedByNew { .. } => 10009,
            Catchable::NonStringTriplet { .. } => 10011,
            Catchable::MapKey { .. } => 10012,
            Catchable::Again(raised) => raised.error.code,
        }
    }
}

/// The wording, slips included, is part of the contract: scripts and clients compare it.
impl fmt::Display for Catchable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Catchable::LocalService { code, message } => {
                let message = Value::from(message.clone());
                write!(f, "Local service error, ret_code is {code}, error message is '{message}'")
            }
            Catchable::MatchNotEqual => f.write_str("compared values do not match"),
            Catchable::MismatchEqual => f.write_str("compared values do not mismatch"),
            Catchable::FoldOverNonArray { expression, value } => {
                write!(f, "expression '{expression}' returned non-array value '{value}' for fold iterable")
            }
            Catchable::User { object } => write!(f, "fail with '{object}' is used without corresponding xor"),
            Catchable::Lens(error) => error.fmt(f),
            Catchable::NotAnErrorObject { value } => {
                write!(
                    f,
                    "scalar should have an object type to be converted into error object, but '{value}' doesn't have"
                )
            }
            Catchable::NoErrorField { value, field } => {
                write!(f, "scalar '{value}' must have field with name '{field}'")
            }
            Catchable::ErrorFieldType { value, field, expected } => {
                write!(f, "{field} of scalar '{value}' must have {expected} type")
            }
            Catchable::ZeroErrorCode => f.write_str("error code must be non-zero, but it is zero"),
            Catchable::ClearedByNew { name } => {
                write!(f, "variable with name '{name}' was cleared by new and then wasn't set")
            }
            Catchable::NonStringTriplet { name, value } => {
                write!(f, "call cannot resolve non-String triplet variable part `{name}` with value '{value}'")
            }
            Catchable::MapKey { map } => write!(f, "unsupported type for {map} map's key"),
            Catchable::Again(raised) => raised.error.message.fmt(f),
        }
    }
}

/// Text that is not written on beyond a length.
struct Bounded {
    text: String,
    max: usize,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if more.len() > self.max - self.text.len() {
            return Err(fmt::Error);
        }
        self.text.push_str(more);
        Ok(())
    }
}

impl From<LensError> for Catchable {
    fn from(error: LensError) -> Self {
        Catchable::Lens(error)
    }
}

/// An error in flight, with what the two error variables show of it.
#[derive(Debug)]
pub(super) struct Raised {
    pub(super) error: ExecutionError,
    /// The object of a `fail`, which `%last_error%` shows as it is.
    object: Option<Value>,
    /// The origin of both variables.
    pub(super) origin: Arc<Tetraplet>,
}

impl PartialEq for Raised {
    fn eq(&self, other: &Self) -> bool {
        self.error == other.error && self.object == other.object
    }
}

impl Raised {
    pub(super) fn new(
        error: Catchable,
        message: String,
        instruction: String,
        peer: Option<Arc<str>>,
        origin: Arc<Tetraplet>,
    ) -> Arc<Self> {
        let code = error.code();
        let object = match error {
            Catchable::User { object } => Some(object),
            _ => None,
        };
        let error = ExecutionError { code, message: message.into(), instruction: instruction.into(), peer };
        Arc::new(Self { error, object, origin })
    }

    /// Whether `%last_error%` shows it: a comparison that went the other way leaves that as it was.
    pub(super) fn is_last_error(&self) -> bool {
        !matches!(self.error.code, 10001 | 10002)
    }

    /// What `:error:` shows.
    pub(super) fn error_object(&self) -> Value {
        self.object_with_peer(self.error.peer.clone())
    }

    /// What `%last_error%` shows.
    pub(super) fn last_error_object(&self, init: &Arc<str>) -> Value {
        match &self.object {
            Some(object) => object.clone(),
            None => self.object_with_peer(Some(self.error.peer.clone().unwrap_or_else(|| init.clone()))),
        }
    }

    fn object_with_peer(&self, peer: Option<Arc<str>>) -> Value {
        let ExecutionError { code, message, instruction, .. } = &self.error;
        let more = [("instruction", Some(instruction.clone())), ("peer_id", peer)];
        let more = more.into_iter().filter_map(|(name, text)| Some((name, Value::from(text?))));
        Value::error_object(Number::from(*code), message.clone(), more)
    }
}

/// What both variables show when there was no error.
pub(super) fn no_error() -> Value {
    Value::error_object(Number::from(0_i64), "".into(), std::iter::empty())
}
