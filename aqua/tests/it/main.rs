//! Tests of the compiler at its public boundary.

mod build;
mod examples;
