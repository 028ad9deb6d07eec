//! Aqua: parsing, checking and compilation to AIR.
//!
//! The crate has no I/O: texts come through a trait, and what it gives back are scripts and diagnostics.

#![forbid(unsafe_code)]

mod check;
mod descriptor;
pub mod diagnostic;
mod emit;
mod expand;
pub mod hir;
mod index;
mod ir;
mod library;
mod options;
mod output;
mod place;
mod resolve;
mod sources;
pub mod syntax;

pub use check::{Checked, check};
pub use descriptor::{descriptor, source_map};
pub use index::{Index, Occurrence, SymbolKind, VisibleName};
pub use library::paths as library_paths;
pub use options::{ImportRule, Options};
pub use output::{Script, TooLarge, script};
pub use sources::{Interface, SourceError, Sources};
