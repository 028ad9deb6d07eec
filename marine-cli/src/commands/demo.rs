//! `marine demo`: the whole idea on real parts.

use clap::Args;

use crate::demo;
use crate::exit::Outcome;
use crate::ui::Ui;

/// See everything work, on this machine.
///
/// Builds two services, starts three nodes as processes of their own, deploys the services to two of them, and runs two workflows: one in
/// AIR that hops client -> relay -> host -> relay -> client, and one in Aqua that goes on to the third node. Shows the answers and the
/// verified traces, and cleans up.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine demo
  marine demo --keep                 leave the nodes running and show how to use them
  marine demo --name Ada")]
pub(crate) struct Demo {
    /// Leave the nodes running
    #[arg(long)]
    keep: bool,
    /// Whom the service greets
    #[arg(long, default_value = "Ada")]
    name: String,
}

impl Demo {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        demo::run(ui, demo::Config { keep: self.keep, name: self.name })
    }
}
