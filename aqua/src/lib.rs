//! Aqua: parsing, checking and compilation to AIR.
//!
//! The crate has no I/O: texts come through a trait, and what it gives back are scripts and diagnostics.

#![forbid(unsafe_code)]

mod descriptor;
mod emit;
mod expand;
pub mod hir;
mod ir;
mod options;
mod output;
mod place;
mod sources;

pub use descriptor::{descriptor, source_map};
pub use options::Options;
pub use output::{Script, TooLarge, script};
pub use sources::{Interface, SourceError, Sources};
