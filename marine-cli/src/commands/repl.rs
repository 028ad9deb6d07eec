//! `marine repl`: a service under your hands.

use std::path::PathBuf;

use clap::Args;
use marine_manifest::Manifest;

use crate::exit::Outcome;
use crate::repl::{self, Composition, Input, Options, Session};
use crate::ui::Ui;

/// Try a service by hand.
///
/// Builds the nearest service and lets you call it line by line; or takes a manifest, or components to try without one; or begins
/// empty. `help` inside lists the commands.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine repl
  marine repl shop/Marine.toml
  marine repl vendor/stock.wasm -c 'count(\"pears\")'
  marine repl --record visit.repl         write what you do as a transcript
  marine repl --script visit.repl         replay it: a difference ends with code 3
  marine repl --script visit.repl --update")]
pub(crate) struct Repl {
    /// A manifest, or components (the last one is the facade)
    sources: Vec<PathBuf>,
    /// Run the commands or the transcript in this file (- is standard input)
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    script: Option<PathBuf>,
    /// Run this command and end; may be given several times
    #[arg(short, long, value_name = "COMMAND")]
    command: Vec<String>,
    /// Go on after a failed command or a difference
    #[arg(long)]
    keep_going: bool,
    /// Rewrite the transcript with what is printed now
    #[arg(long, requires = "script")]
    update: bool,
    /// Write the session as a transcript
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Take the components of the last build
    #[arg(long)]
    no_build: bool,
    /// Begin without a service
    #[arg(long, conflicts_with = "sources")]
    empty: bool,
}

impl Repl {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let nothing_here = self.sources.is_empty() && Manifest::find(std::env::current_dir()?).is_none();
        let composition = match self.empty || nothing_here {
            true => Composition::empty(),
            false => Composition::from_sources(&self.sources)?.building(!self.no_build),
        };
        let input = match self.script {
            Some(path) => Input::Script(path),
            None if !self.command.is_empty() => Input::Lines(self.command),
            None => Input::Standard,
        };
        let interactive = matches!(input, Input::Standard) && std::io::IsTerminal::is_terminal(&std::io::stdin());
        let mut session = Session::start(composition, interactive, ui)?;
        let options = Options { keep_going: self.keep_going, update: self.update, record: self.record };
        repl::run(&mut session, input, &options)
    }
}
