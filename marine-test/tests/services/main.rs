//! `#[marine_test]` in all its forms, on real modules.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calls;
mod confined;
mod forms;
mod types;
