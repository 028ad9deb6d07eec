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

pub(crate) use bindings::marine::host::call_parameters;
#[cfg(feature = "logger")]
pub(crate) use bindings::marine::host::log;

/// What the bindings expect of a runtime library. `cabi_realloc` is part of this crate, so nothing has to be linked.
pub(crate) mod rt {
    /// Called so that the allocator is linked.
    pub(crate) fn maybe_link_cabi_realloc() {}
}
