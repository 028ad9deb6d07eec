//! `marine completions`: a completion script for a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::exit::{Exit, Outcome};
use crate::options::Options;
use crate::ui::Ui;

/// Print completions for a shell.
///
/// Prints a completion script on standard output.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine completions bash > ~/.local/share/bash-completion/completions/marine
  marine completions zsh > ~/.zfunc/_marine")]
pub(crate) struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Options::command(), "marine", &mut script);
        ui.result(String::from_utf8_lossy(&script).trim_end());
        ui.document(
            "completions",
            serde_json::json!({ "shell": self.shell.to_string(), "script": String::from_utf8_lossy(&script) }),
        );
        Ok(Exit::Done)
    }
}
