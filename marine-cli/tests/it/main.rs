//! The `marine` command from outside: real processes, real components, real nodes.

mod aqua;
mod demo;
mod docs;
mod node;
mod service;
mod support;
mod transcripts;
