//! The one unsafe step of this crate: compiled code from the cache is taken for machine code.

use wasmtime::Engine;
use wasmtime::component::Component;

use super::cache::TrustedCode;

/// The component whose compiled code is `code`.
///
/// # Errors
/// If the code was made by another version or for another machine.
#[expect(unsafe_code, reason = "running cached machine code needs trust in its origin, which `TrustedCode` stands for")]
pub(super) fn component(engine: &Engine, code: &TrustedCode) -> wasmtime::Result<Component> {
    // SAFETY: `Component::deserialize` asks for bytes that `Component::serialize` of a trusted process made, unchanged. A
    // `TrustedCode` exists only after a keyed hash over all of its bytes matched; the key is 32 random bytes in a file that only
    // this user can read, and only `CodeCache::store`, fed by `Component::serialize`, makes such hashes. The bytes that were
    // hashed are the bytes in memory that are used here, so a file that changes meanwhile does not matter.
    unsafe { Component::deserialize(engine, code.bytes()) }
}
