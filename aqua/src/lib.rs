//! Aqua: parsing, checking and compilation to AIR.
//!
//! The crate has no I/O: texts come through a trait, and what it gives back are scripts and diagnostics.

#![forbid(unsafe_code)]

// Language
mod check;
pub mod diagnostic;
pub mod editor;
pub mod fmt;
pub mod hir;
mod index;
mod library;
mod resolve;
pub mod syntax;

// Compilation
mod compile;
mod descriptor;
mod emit;
mod expand;
mod ir;
mod options;
mod output;
mod place;
mod sources;

pub use check::{Checked, check};
pub use compile::{Output, compile};
pub use descriptor::{descriptor, source_map};
pub use index::{GlobalName, Index, Occurrence, SymbolKind, VisibleName};
pub use library::paths as library_paths;
pub use options::{ImportRule, Options};
pub use output::{Script, TooLarge, script};
pub use sources::{Interface, SourceError, Sources};
