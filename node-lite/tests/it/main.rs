//! Nodes and clients over real sockets of loopback, in one process.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on fails")]

mod builtins;
mod deploy;
mod exchange;
mod hostile;
mod raw;
mod restart;
mod support;
