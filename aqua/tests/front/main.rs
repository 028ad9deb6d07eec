//! Tests of parsing, checking, diagnostics and formatting at the public boundary.

mod diagnostics;
mod formatting;
mod laws;
mod packages;
mod support;
mod syntax;
