//! AIR: syntax, validation, incremental execution, particle data and a simulator.
//!
//! The crate has no I/O, clock, async, threads or global state, and builds for wasm32. It knows nothing of WebAssembly
//! services or of the network: a host feeds events to a state machine and carries out the effects it returns.

#![forbid(unsafe_code)]

// Language
pub mod check;
mod limits;
pub mod syntax;

// Execution and data
mod cbor;
pub mod data;
pub mod execution;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
pub mod trace;
pub mod value;

pub use check::{Parsed, Script, ScriptInvalid};
pub use data::{Data, Heads, Position};
pub use execution::{
    CallId, CallRequest, CallResult, Effects, Execution, ExecutionError, Outcome, Rejection, Report, Setup, View,
};
pub use limits::Limits;
pub use value::{ContentId, Tetraplet, Value};
