//! Behaviour at the public boundary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod encode;
mod items;
mod section;
mod toolchain;
