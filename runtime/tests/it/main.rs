//! Modules written as text, linked and called through the public interface.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calls;
mod embedding;
mod garbage;
mod guests;
mod hostile;
mod linking;
mod looks;
mod modules;
mod permissions;
mod pool;
mod programs;
mod stores;
mod web;
