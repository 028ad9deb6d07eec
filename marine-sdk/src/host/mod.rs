//! The host interfaces of `wit/marine-host.wit`, as seen from inside a module.
//!
//! `bindings` is written by wit-bindgen from that file; `tests/tests/it/sdk_bindings.rs` fails when the two drift apart
//! and tells how to write it anew. It carries the type of the interfaces in a custom section, which the component
//! encoder reads.

#[rustfmt::skip]
#[allow(
    missing_docs, unreachable_pub, dead_code, unused_imports, unsafe_op_in_unsafe_fn, clippy::all,
    clippy::allow_attributes_without_reason, clippy::unwrap_used,
    reason = "generated"
)]
mod bindings;

#[cfg(feature = "logger")]
pub(crate) use bindings::marine::host::log;
pub(crate) use bindings::marine::host::{binaries, call_parameters, http, keyvalue};

pub(crate) mod rt;
