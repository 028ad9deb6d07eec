//! Values: JSON on the outside, component values on the inside, converted along the types of a function.

mod error;
mod from_json;
mod shape;
#[cfg(test)]
mod tests;
mod to_json;

pub(crate) use self::error::Fault;
pub use self::error::ValueError;
pub(crate) use self::from_json::arguments;
pub(crate) use self::shape::{Returned, Signature};
pub use self::to_json::Dialect;
pub(crate) use self::to_json::Writer;
