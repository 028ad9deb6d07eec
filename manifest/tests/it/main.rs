//! Behaviour at the public boundary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod blueprint;
mod edit;
mod keys;
mod manifest;
mod migrate;
mod mistakes;
mod project;
