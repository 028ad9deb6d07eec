//! What a lens does to a value, one step at a time.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use super::{Repr, Value};

/// One step of a lens whose names have been replaced by what they stand for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// A field of an object.
    Field(Arc<str>),
    /// An item of an array.
    Index(u32),
}

/// The printed form, with its leading point.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Field(name) => write!(f, ".{name}"),
            Step::Index(index) => write!(f, ".[{index}]"),
        }
    }
}

/// A lens does not fit a value. The texts are part of the contract with scripts (code 10007; the length's is 10010).
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[expect(missing_docs, reason = "each variant is what its message says, with the parts of the message as fields")]
pub enum LensError {
    #[error("value '{value}' is not an array-type to match array accessor with idx = '{index}'")]
    NotAnArray { value: Value, index: u32 },
    #[error("value '{value}' does not contain element for idx = '{index}'")]
    NoElement { value: Value, index: u32 },
    #[error("value '{value}' does not contain element with field name = '{field}'")]
    NoField { value: Value, field: Arc<str> },
    #[error("value '{value}' is not an map-type to match field accessor with field_name = '{field}'")]
    NotAMap { value: Value, field: Arc<str> },
    #[error("index accessor `{index} can't be converted to u32")]
    IndexRange { index: Value },
    #[error("scalar accessor `{accessor}` should has number or string type")]
    AccessorType { accessor: Value },
    #[error("lambda is applied to a stream that have only '{len}' elements, but '{index}' requested")]
    StreamIndex { len: u32, index: u32 },
    #[error("field accessor (with field name = '{field}') can't be applied to a stream")]
    StreamField { field: Arc<str> },
    #[error("stream accessor `{accessor}` should has number (u32) type")]
    StreamAccessor { accessor: Value },
    #[error("canon stream map accessor `{accessor}` should be either string or number")]
    MapAccessor { accessor: Value },
    #[error("the length functor could applied only to an array-like value, but it's applied to '{value}'")]
    Length { value: Value },
}

impl Step {
    /// The step that the value of a name in brackets makes.
    ///
    /// # Errors
    /// If it is neither a text nor an integer from 0 to 2^32 - 1.
    pub fn dynamic(accessor: &Value) -> Result<Self, LensError> {
        match &accessor.0 {
            Repr::Text(text) => Ok(Step::Field(text.clone())),
            Repr::Int(int) => match int.as_u64().and_then(|index| u32::try_from(index).ok()) {
                Some(index) => Ok(Step::Index(index)),
                None => Err(LensError::IndexRange { index: accessor.clone() }),
            },
            _ => Err(LensError::AccessorType { accessor: accessor.clone() }),
        }
    }
}

impl Value {
    /// The part of the value that the step leads to.
    ///
    /// # Errors
    /// If there is none, or the value is of another kind.
    pub fn step(&self, step: &Step) -> Result<&Value, LensError> {
        match step {
            Step::Index(index) => match self.as_array() {
                Some(items) => items
                    .get(*index as usize)
                    .ok_or_else(|| LensError::NoElement { value: self.clone(), index: *index }),
                None => Err(LensError::NotAnArray { value: self.clone(), index: *index }),
            },
            Step::Field(field) => match &self.0 {
                Repr::Object(object) => {
                    object.get(field).ok_or_else(|| LensError::NoField { value: self.clone(), field: field.clone() })
                }
                _ => Err(LensError::NotAMap { value: self.clone(), field: field.clone() }),
            },
        }
    }

    /// The number of items of an array.
    ///
    /// # Errors
    /// If it is none.
    pub fn length(&self) -> Result<Value, LensError> {
        match self.as_array() {
            Some(items) => Ok(Value::from(items.len() as u64)),
            None => Err(LensError::Length { value: self.clone() }),
        }
    }
}
