//! Aqua: parsing, checking and compilation to AIR.
//!
//! The crate has no I/O: texts come through a trait, and what it gives back are scripts and diagnostics.

#![forbid(unsafe_code)]

pub mod hir;
mod sources;

pub use sources::{Interface, SourceError, Sources};
