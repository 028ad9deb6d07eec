//! Integration tests of marine-air, one binary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

// Language
mod checks;
mod diagnostics;
mod formatting;
mod grammar;
mod printing;
mod scale;
mod scenario_files;
mod scripts;

// The manual
mod book;

// Execution and data
#[expect(unreachable_pub, reason = "public in the package of the fuzzers")]
#[path = "../../../fuzz/src/edits.rs"]
mod edits;
mod fuzzed;
mod generate;
mod hostile;
mod laws;
mod lies;
mod semantics;
mod sim;
mod steps;
mod streams;
mod tampering;
mod trace;
mod values;
mod vectors;
