//! The vault of the particle: files by which the services that one particle calls on one peer pass data to each other (manifest:
//! `vault = true`).
//!
//! ```no_run
//! use marine_sdk::{Result, marine, vault};
//!
//! /// Keeps the report where the next service of the workflow finds it; returns where that is.
//! #[marine]
//! fn keep(report: &str) -> Result<String> {
//!     let path = vault::dir().join("report.txt");
//!     std::fs::write(&path, report)?;
//!     Ok(path.display().to_string())
//! }
//! # fn main() {}
//! ```
//!
//! The files are gone with the particle, and other particles cannot reach them.

use std::path::PathBuf;

use crate::get_call_parameters;

/// The directory of the files of the particle whose call is being served. It is there if the manifest grants the vault.
///
/// # Panics
/// On native targets, unless inside of [`testing::with_call_parameters`](crate::testing::with_call_parameters).
pub fn dir() -> PathBuf {
    let particle = get_call_parameters().particle;
    // Real ids and tokens have none of these; parameters that a test made up may.
    let name = format!("{}-{}", particle.id, particle.token).replace(['/', '\\', '\0', ':'], "_");
    PathBuf::from("/tmp/vault").join(name)
}
