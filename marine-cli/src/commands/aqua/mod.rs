//! `marine aqua`: tools for programs written in Aqua, and the declarations of a component.

mod build;
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
/// With a component, or the Marine.toml of a service that was built, prints what an Aqua program declares to call it: `data` for its
/// records, and a `service` with its functions. Programs that import these declarations are held against the component whenever they are
/// compiled. With --relay, the declarations of a service on a node. The commands are tools for programs written in Aqua.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  marine aqua target/marine/dev/stock.wasm
  marine aqua vendor/stock.wasm -s Stock -i stock > stock.aqua
  marine aqua stock --relay /ip4/127.0.0.1/tcp/7777/p2p/12D3Koo.. > stock.aqua
  marine aqua build hello.aqua
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
    Build(build::Build),
    Check(check::Check),
    Fmt(fmt::Format),
    Lsp(lsp::Lsp),
}

impl Aqua {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        match self.action {
            None => self.declarations.run(ui),
            Some(Action::Build(build)) => build.run(ui),
            Some(Action::Check(check)) => check.run(ui),
            Some(Action::Fmt(format)) => format.run(ui),
            Some(Action::Lsp(lsp)) => lsp.run(),
        }
    }
}
