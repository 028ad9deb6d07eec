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
//! | `String`, `&str`, `Box<str>`, `Cow<str>` | `string` |
//! | `Vec<T>`, `&[T]`, `Box<[T]>`, `VecDeque<T>`, `HashSet<T>`, `BTreeSet<T>` | `list<T>` |
//! | `[T; N]` | `list<T>`; another length is an argument error |
//! | `HashMap<K, V>`, `BTreeMap<K, V>` | `list<tuple<K, V>>`, sorted by key |
//! | `Option<T>`, `Result<T, E>` | `option<T>`, `result<T, E>` |
//! | `(A, B, ..)` of up to 16 | `tuple<..>` |
//! | `#[marine] struct` with named fields | `record` |
//! | `#[marine] enum` | `enum`, or `variant` if a case carries something |
//! | `#[marine] struct Wrapper(T)`, `Box<T>`, `Cow<T>`, type aliases | as `T` |
//! | `#[marine(as = "Type")]` | as `Type`, to which and from which it converts |
//! | [`Error`] | `string` |
//!
//! All of them nest. Functions take them by value, by `&` or by `&mut` (a copy: the caller sees no change). A type of your
//! own that is none of these crosses as one that is:
//!
//! ```
//! use marine_sdk::marine;
//!
//! /// A version; callers see `"1.20"`.
//! #[marine(as = "String")]
//! pub struct Version(u16, u16);
//!
//! impl From<&Version> for String {
//!     fn from(version: &Version) -> String {
//!         format!("{}.{}", version.0, version.1)
//!     }
//! }
//!
//! impl From<String> for Version {
//!     fn from(text: String) -> Version {
//!         let (major, minor) = text.split_once('.').unwrap_or((&text, ""));
//!         Version(major.parse().unwrap_or(0), minor.parse().unwrap_or(0))
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! # Imports
//!
//! ```
//! use marine_sdk::{MountedBinaryResult, marine};
//!
//! /// Functions of the module that the manifest calls `stock`.
//! #[marine]
//! #[module_import("stock", version = "^1.2")]
//! unsafe extern "C" {
//!     /// Called `reserve` there.
//!     #[link_name = "reserve"]
//!     fn hold(items: &[&str], count: u32) -> Result<u64, String>;
//! }
//!
//! /// Programs of the host, under the names that the manifest grants.
//! #[marine]
//! #[host_import]
//! unsafe extern "C" {
//!     fn pdftotext(cmd: Vec<String>) -> MountedBinaryResult;
//! }
//! # fn main() {}
//! ```
//!
//! `#[link(wasm_import_module = "stock")]` is another spelling of the first. The host's other interfaces are the modules
//! [`binaries`], [`http`] and [`kv`], and [`get_call_parameters`].
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
pub mod vault;

pub use binaries::{BINARY_SUCCESS_CODE, MountedBinaryResult, MountedBinaryStringResult};
pub use call_parameters::{CallParameters, ParticleParameters, SecurityTetraplet, call_id, get_call_parameters};
pub use error::{Error, Result};
#[cfg(feature = "logger")]
pub use log;
#[cfg(feature = "logger")]
pub use logger::{LOG_VARIABLE, TargetMap, WasmLoggerBuilder};
pub use marine_macro::fce;
pub use marine_macro::{marine, module_manifest};
