//! Acceptance tests across rooms.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aqua;
mod build;
mod guests;
mod languages;
mod node;
mod runtime;
mod sdk_bindings;
mod sdk_calls;
mod sdk_crates;
mod sdk_reach;
mod sdk_types;
mod vault;
mod web;
