//! `marine aqua`: tools for programs written in Aqua.

mod check;
mod fmt;
mod lsp;

use clap::{Args, Subcommand};

use crate::exit::Outcome;
use crate::ui::Ui;

/// Tools for Aqua programs.
///
/// Tools for programs written in Aqua.
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Examples:
  marine aqua check hello.aqua
  marine aqua fmt
  marine aqua lsp                    started by editors"
)]
pub(crate) struct Aqua {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Check(check::Check),
    Fmt(fmt::Format),
    Lsp(lsp::Lsp),
}

impl Aqua {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        match self.action {
            Action::Check(check) => check.run(ui),
            Action::Fmt(format) => format.run(ui),
            Action::Lsp(lsp) => lsp.run(),
        }
    }
}
