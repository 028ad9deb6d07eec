//! The canonical ABI in Rust: what `#[marine]` generates code against.
//!
//! [`Wit`] and [`Lower`] are the traits; the rest is glue that only generated code calls and that may change with any
//! version.

mod call;
mod collections;
mod compound;
mod flat;
mod memory;
mod scalars;
mod wit;

pub use call::{IncomingArgs, OutgoingArgs, ResultSlot, take_result};
pub use flat::{
    Append, Cons, CoreType, ExportResult, FlatList, FlatReader, FlatWriter, ImportParams, ImportResult,
    MAX_FLAT_PARAMS, MAX_FLAT_RESULTS, Nil, Params, Pointer, Slice,
};
pub use memory::{FieldReader, FieldWriter, Layout, Scratch};
pub use wit::{Lower, Wit, assert_lower, assert_wit};

/// The case number of an enum or variant is none of its cases: the canonical ABI was broken.
#[cold]
pub fn invalid_case() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    unreachable!("a case number beyond the cases of its type")
}
