//! The options that every command takes, and the list of commands.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, ValueEnum};

use crate::commands::Command;
use crate::exit::{Exit, Failure, Outcome};
use crate::ui::Ui;

/// Builds services of sandboxed modules from plain Rust, runs them on nodes, and calls them by workflows that carry their own proof.
#[derive(Debug, Parser)]
#[command(
    name = "marine",
    version,
    propagate_version = true,
    after_help = "\
Examples:
  marine demo                        see everything work, on this machine
  marine new shop && cd shop         start a service
  marine build && marine repl        build it, try it by hand
  marine node --dev                  run a node for development

Exit codes are listed by `marine explain exit-codes`."
)]
pub(crate) struct Options {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What checks count as errors besides errors.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Deny {
    Warnings,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
struct Global {
    /// Print results as JSON documents, one per line
    #[arg(long, global = true)]
    json: bool,
    /// Print results and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more of what happens; twice for debugging
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = false)]
    color: Color,
    /// Run as if started in this directory
    #[arg(short = 'C', global = true, value_name = "DIR")]
    directory: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

impl Options {
    /// How this run talks to its user.
    pub(crate) fn ui(&self) -> Ui {
        match self.global.color {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        }
        .write_global();
        Ui { json: self.global.json, quiet: self.global.quiet, verbose: self.global.verbose }
    }

    /// Goes to the directory of `-C`.
    pub(crate) fn enter_directory(&self) -> Outcome<()> {
        let Some(directory) = &self.global.directory else { return Ok(()) };
        std::env::set_current_dir(directory)
            .map_err(|error| Failure::new(Exit::Usage, format!("cannot work in `{}`: {error}", directory.display())))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        for command in Options::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("marine "), "`marine {}` has no examples", command.get_name());
        }
    }
}
