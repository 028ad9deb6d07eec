//! `marine call`: one call of a service, on this machine.

use std::path::PathBuf;

use clap::Args;

use crate::exit::{Exit, Fail, Outcome};
use crate::project;
use crate::session::{self, Session};
use crate::ui::Ui;

/// Call a function of a service, here.
///
/// Builds the nearest service if needed, links it as a node would, with the grants of its manifest, and makes one call.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine call 'greet(\"Ada\")'
  marine call 'greet(name: \"Ada\")' -m shop/Marine.toml
  marine call 'guestbook.names()'                 any module, not only the facade
  marine call 'count(\"pears\")' -m stock.wasm      a component, without a manifest
  marine call 'whoami()' --params '{\"particle\": {\"init_peer_id\": \"12D3Koo..\"}}'")]
pub(crate) struct Call {
    /// Function and arguments; the values are JSON
    call: String,
    /// The manifest, or a component, instead of the nearest Marine.toml
    #[arg(short, long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Call parameters as JSON, or @FILE
    #[arg(long, value_name = "JSON|@FILE")]
    params: Option<String>,
}

impl Call {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let call = session::parse(&self.call)?;
        let sources: Vec<_> = self.manifest.into_iter().collect();
        let mut session = Session::new(project::local_service(&sources, ui)?, ui);
        if let Some(params) = self.params {
            session.set_params(&text_or_file(&params)?)?;
        }
        session.call(call)?;
        Ok(Exit::Done)
    }
}

/// The text itself, or, behind `@`, what a file holds.
pub(crate) fn text_or_file(argument: &str) -> Outcome<String> {
    match argument.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).or_fail(Exit::Usage, format!("cannot read `{path}`")),
        None => Ok(argument.to_string()),
    }
}
