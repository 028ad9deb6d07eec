//! What the macros accept and refuse, on the host's target.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accepted;
mod mistakes;
