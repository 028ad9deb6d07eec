//! `marine particle`: what happened in a finished particle, and whether it is true.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};

use crate::commands::air::{TraceView, read_bundle};
use crate::exit::{Exit, Outcome};
use crate::render;
use crate::ui::Ui;

/// Look into finished particles.
///
/// Reads the files that `marine run --bundle` and `marine air simulate --bundle` write. Needs no network and trusts nobody: everything shown was verified.
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Examples:
  marine particle show finished.particle
  marine particle show finished.particle --alias relay=12D3Koo.. --alias host=12D3Koo..
  marine particle show finished.particle --format svg -o finished.svg
  marine particle verify finished.particle"
)]
pub(crate) struct Particle {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show every call with its arguments, result and signature
    Show(Show),
    /// Say whether everything in it verifies; exit code 24 if not
    Verify(Verify),
}

#[derive(Debug, Args)]
struct Show {
    /// The file (- is standard input)
    bundle: PathBuf,
    #[command(flatten)]
    view: TraceView,
}

#[derive(Debug, Args)]
struct Verify {
    /// The file (- is standard input)
    bundle: PathBuf,
}

impl Particle {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        match self.action {
            Action::Show(show) => show.view.show(ui, read_bundle(&show.bundle)?),
            Action::Verify(verify) => {
                let trace = read_bundle(&verify.bundle)?;
                render::genuine(&trace)?;
                ui.result(format_args!(
                    "verified: {} entries of {} peers, particle {}",
                    trace.verified,
                    trace.logs.len(),
                    trace.particle
                ));
                ui.document("verified", render::summary(&trace));
                if trace.expired(now()) {
                    ui.note("its time is over, so no peer will execute it again; what it proves stays true");
                }
                Ok(Exit::Done)
            }
        }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
