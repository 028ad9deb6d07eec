//! `marine aqua`: tools for programs written in Aqua, and the declarations of a component.

mod check;
mod declarations;
mod fmt;
mod lsp;

use clap::{Args, Subcommand};

use self::declarations::Declarations;
use crate::exit::Outcome;
use crate::ui::Ui;

/// Tools for Aqua programs, and the declarations of a component.
///
/// With a component, prints what an Aqua program declares to call it: `data` for its records, and a `service` with its functions. The
/// commands are tools for programs written in Aqua.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  marine aqua target/marine/dev/stock.wasm
  marine aqua vendor/stock.wasm -s Stock -i stock > stock.aqua
  marine aqua check hello.aqua
  marine aqua fmt
  marine aqua lsp                    started by editors"
)]
pub(crate) struct Aqua {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    declarations: Declarations,
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
            None => self.declarations.run(ui),
            Some(Action::Check(check)) => check.run(ui),
            Some(Action::Fmt(format)) => format.run(ui),
            Some(Action::Lsp(lsp)) => lsp.run(),
        }
    }
}
