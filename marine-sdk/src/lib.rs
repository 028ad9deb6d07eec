//! What a module of a Marine service depends on.
//!
//! A module is a Rust crate whose functions, marked with [`#[marine]`](macro@marine), can be called from outside of the
//! WebAssembly component that `marine build` makes of it:
//!
//! ```
//! use marine_sdk::{Result, marine, module_manifest};
//!
//! module_manifest!();
//!
//! /// One line of a bill.
//! #[marine]
//! pub struct Line {
//!     pub item: String,
//!     pub cents: u64,
//! }
//!
//! /// Adds up a bill.
//! #[marine]
//! fn total(lines: &[Line], discount: Option<u8>) -> Result<u64> {
//!     let sum = lines.iter().map(|line| line.cents).sum::<u64>();
//!     let percent = 100u64.checked_sub(discount.unwrap_or(0).into());
//!     Ok(sum * percent.ok_or_else(|| marine_sdk::Error::new("no more than 100 %"))? / 100)
//! }
//! # fn main() {}
//! ```
//!
//! # Types that cross the boundary
//!
//! | Rust | WIT |
//! |---|---|
//! | `bool`, `char`, `f32`, `f64` | the same |
//! | `u8` .. `u64`, `i8` .. `i64` | `u8` .. `u64`, `s8` .. `s64` |
//! | `String`, `&str` | `string` |
//! | `Vec<T>`, `&[T]` | `list<T>` |
//! | `Option<T>`, `Result<T, E>` | `option<T>`, `result<T, E>` |
//! | `(A, B, ..)` of up to 16 | `tuple<..>` |
//! | `#[marine] struct` with named fields | `record` |
//! | `#[marine] struct Wrapper(T)`, `Box<T>`, type aliases | as `T` |
//! | `#[marine] enum` | `enum`, or `variant` if a case carries something |
//! | [`Error`] | `string` |
//!
//! All of them nest. Functions take them by value, by `&` or by `&mut` (a copy: the caller sees no change).
//!
//! # Targets
//!
//! Modules are built for `wasm32-wasip1`. On other targets everything compiles too, so that `cargo test` runs a crate's
//! unit tests natively; imported functions panic there.

pub mod abi;
pub mod binaries;
mod call_parameters;
pub mod describe;
mod error;
#[cfg(target_arch = "wasm32")]
mod host;
pub mod http;
pub mod kv;
#[cfg(feature = "logger")]
mod logger;
#[doc(hidden)]
pub mod start;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use binaries::{BINARY_SUCCESS_CODE, MountedBinaryResult, MountedBinaryStringResult};
pub use call_parameters::{CallParameters, ParticleParameters, SecurityTetraplet, call_id, get_call_parameters};
pub use error::{Error, Result};
#[cfg(feature = "logger")]
pub use log;
#[cfg(feature = "logger")]
pub use logger::{LOG_VARIABLE, TargetMap, WasmLoggerBuilder};
pub use marine_macro::fce;
pub use marine_macro::{marine, module_manifest};
