//! The `marine` command: parses the command line, calls the libraries, renders what they answer.
//!
//! One file per command under `commands/`; exit codes in `exit.rs`; everything the user sees goes through `ui.rs`.

mod aqua;
mod commands;
mod demo;
mod exit;
mod identity;
mod logging;
mod network;
mod options;
mod paths;
mod project;
mod render;
mod repl;
mod selection;
mod signals;
mod simulate;
mod template;
mod toolchain;
mod ui;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use crate::options::Options;

fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => return misused(&error),
    };
    let ui = options.ui();
    let exit = commands::run(options, ui).unwrap_or_else(|failure| {
        ui.failure(&failure);
        failure.exit
    });
    ExitCode::from(exit.number())
}

/// Help, versions, and command lines that make no sense.
fn misused(error: &clap::Error) -> ExitCode {
    // Nothing was parsed, so nobody else knows that programs are listening.
    let for_programs = std::env::args_os().take_while(|argument| argument != "--").any(|argument| argument == "--json");
    if for_programs && error.use_stderr() {
        let message = error.to_string();
        let message = message.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let ui = ui::Ui { json: true, quiet: false, verbose: 0 };
        ui.document("error", exit::Failure::new(exit::Exit::Usage, message).document());
    }
    // Nobody is left to tell if this fails.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::Exit::Usage.number()))
}
