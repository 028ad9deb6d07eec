//! The `marine` command from outside: real processes, real components, real nodes.

mod aqua;
mod authors;
mod demo;
mod docs;
mod node;
mod repl;
mod service;
mod support;
mod templates;
#[cfg(unix)]
mod terminal;
mod transcripts;
