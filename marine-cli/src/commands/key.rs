//! `marine key`: keys of the user.

use clap::{Args, Subcommand};
use marine_node::keyfile;
use serde_json::json;

use crate::exit::{Exit, Failure, Outcome};
use crate::identity;
use crate::ui::Ui;

/// Keys of yours.
///
/// Keys sign what you send. Each is a file that only you can read; commands take one by name or path with --key.
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Examples:
  marine key new                     make the key called `default`
  marine key new deployer
  marine key show deployer           its peer id, to be put into a node's --deploy list"
)]
pub(crate) struct Key {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key
    New(Which),
    /// Show the peer id of a key
    Show(Which),
}

#[derive(Debug, Args)]
struct Which {
    /// Name of the key, or path of its file
    #[arg(default_value = "default")]
    key: String,
}

impl Key {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let (Action::New(which) | Action::Show(which)) = &self.action;
        let path = identity::key_path(&which.key)?;
        let key = match &self.action {
            Action::New(_) if path.exists() => {
                return Err(Failure::new(Exit::Usage, format!("there is a key in `{}` already", path.display()))
                    .help("give the new one another name; keys are never overwritten"));
            }
            Action::New(_) => identity::usable(keyfile::load_or_create(&path))?,
            Action::Show(_) => identity::existing(&which.key, &path)?,
        };
        ui.status(if matches!(self.action, Action::New(_)) { "Created" } else { "Read" }, path.display());
        ui.result(key.peer_id());
        ui.document("key", json!({ "peer_id": key.peer_id().to_string(), "path": path }));
        Ok(Exit::Done)
    }
}
