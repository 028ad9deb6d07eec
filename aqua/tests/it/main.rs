//! Tests of the compiler at its public boundary.

mod cases;
mod examples;
mod fuzzed;
mod library;
mod shorten;
mod support;
mod topology;
