//! `marine toolchain`: the Wasm target, ahead of time.

use clap::{Args, Subcommand};
use marine_build::toolchain::{TARGET, Way};
use serde_json::json;

use crate::exit::{Exit, Outcome};
use crate::toolchain;
use crate::ui::Ui;

/// Show or install the Wasm target.
///
/// Modules are compiled for wasm32-wasip1. Builds provide that target by themselves; here it is done ahead of time.
/// MARINE_TOOLCHAIN=installed|cached|rustup|distribution forces one way, MARINE_PROVISION=never forbids those that change something.
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Examples:
  marine toolchain
  marine toolchain install"
)]
pub(crate) struct Toolchain {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Action {
    /// Show which way leads to the target; changes nothing
    Status,
    /// Provide the target now
    Install,
}

impl Toolchain {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        match self.action.unwrap_or(Action::Status) {
            Action::Status => status(ui),
            Action::Install => install(ui),
        }
    }
}

fn status(ui: Ui) -> Outcome {
    let status = toolchain::status()?;
    let rustc = status.rustc.as_deref().unwrap_or_else(|why| why);
    let way = status.ready.map(Way::name);
    ui.result(format_args!("compiler   {rustc}"));
    match status.ready {
        Some(way) => ui.result(format_args!("target     {TARGET}, by {way}")),
        None => ui.result(format_args!("target     {TARGET} is not there yet")),
    }
    ui.result(format_args!("sysroots   {}", status.cache.display()));
    ui.document(
        "toolchain",
        json!({ "rustc": rustc, "ready": way, "cache": status.cache, "may_provision": status.may_provision }),
    );
    if way.is_none() {
        ui.note("`marine toolchain install` or the first build provides it");
    }
    Ok(if way.is_some() { Exit::Done } else { Exit::Findings })
}

fn install(ui: Ui) -> Outcome {
    let progress = ui.progress("Providing the Wasm target");
    let found = toolchain::provision(&progress)?;
    drop(progress);
    ui.result(toolchain::describe(&found));
    ui.document("toolchain", json!({ "rustc": found.rustc_version(), "ready": found.way.name() }));
    Ok(Exit::Done)
}
