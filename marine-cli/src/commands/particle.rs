//! `marine particle`: what happened in a finished particle, and whether it is true.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};
use marine_air::Limits;
use marine_air::trace::{self, Trace};

use crate::exit::{Exit, Fail, Outcome};
use crate::network;
use crate::render;
use crate::ui::Ui;

/// Look into finished particles.
///
/// Reads the files that `marine run --bundle` writes. Needs no network and trusts nobody: everything shown was verified.
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Examples:
  marine particle show finished.particle
  marine particle show finished.particle --alias relay=12D3Koo.. --alias host=12D3Koo..
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
    /// The file
    bundle: PathBuf,
    /// Call a peer by a name
    #[arg(long, value_name = "NAME=PEER", value_parser = alias)]
    alias: Vec<(String, String)>,
}

#[derive(Debug, Args)]
struct Verify {
    /// The file
    bundle: PathBuf,
}

impl Particle {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        match self.action {
            Action::Show(show) => {
                let aliases = show.alias.into_iter().map(|(name, peer)| (peer, name));
                let trace = read(&show.bundle)?.with_aliases(aliases);
                ui.result(&trace);
                render::documents(ui, &trace);
                Ok(Exit::Done)
            }
            Action::Verify(verify) => {
                let trace = read(&verify.bundle)?;
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

fn read(path: &Path) -> Outcome<Trace> {
    let bytes = std::fs::read(path).or_fail(Exit::Usage, format!("cannot read `{}`", path.display()))?;
    let (particle, data) = trace::decode_bundle(&bytes, &Limits::default())
        .or_fail(Exit::Unverified, format!("`{}` is no finished particle, or was damaged", path.display()))?;
    render::verify(&Arc::new(particle), data)
}

fn alias(text: &str) -> Result<(String, String), String> {
    let (name, peer) = text.split_once('=').ok_or("expected NAME=PEER")?;
    Ok((name.to_string(), network::peer(peer)?.to_string()))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
