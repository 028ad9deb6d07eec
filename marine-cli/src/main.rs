//! The `marine` command: parses the command line, calls the libraries, renders what they answer.
//!
//! One file per command under `commands/`; exit codes in `exit.rs`; everything the user sees goes through `ui.rs`.

mod aqua;
mod commands;
mod demo;
mod exit;
mod expression;
mod identity;
mod logging;
mod network;
mod options;
mod paths;
mod project;
mod render;
mod session;
mod signals;
mod template;
mod toolchain;
mod ui;

use std::process::ExitCode;

use clap::Parser;

use crate::options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    let ui = options.ui();
    let exit = commands::run(options, ui).unwrap_or_else(|failure| {
        ui.failure(&failure);
        failure.exit
    });
    ExitCode::from(exit.number())
}
