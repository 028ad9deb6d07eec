//! `marine air trace`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use marine_air::Limits;
use marine_air::trace::{Row, Values, decode_bundle};

use super::read_bytes;
use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::network;
use crate::render;
use crate::ui::Ui;

/// Show what happened in a finished particle
///
/// Verifies a bundle, as `marine run --bundle` and `marine air simulate --bundle` write it, and shows every call with its
/// arguments, result and signature. Needs no network and trusts nobody. Ends with code 24 if the bundle is not genuine.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine air trace finished.particle --alias shop=12D3Koo..
  marine air trace finished.particle --peer shop --alias shop=12D3Koo.. --values full
  marine air trace finished.particle --at 6:7
  marine air trace finished.particle --format svg -o finished.svg")]
pub(super) struct Trace {
    /// The bundle (- is standard input)
    bundle: PathBuf,
    #[command(flatten)]
    view: TraceView,
}

/// What of a trace is shown, and how.
#[derive(Debug, Args)]
pub(crate) struct TraceView {
    /// Only what this peer did or has to do
    #[arg(long, value_name = "PEER")]
    peer: Option<String>,
    /// How values are shown: cut to a line, whole, or by their content identifiers
    #[arg(long, default_value = "short", hide_default_value = true)]
    values: Shown,
    /// Call a peer by a name
    #[arg(long, value_name = "NAME=ID", value_parser = alias)]
    alias: Vec<(String, String)>,
    /// Show one instruction in full: operands, what it waits for, the entries of all peers
    #[arg(long, value_name = "LINE:COL", value_parser = place, conflicts_with = "format")]
    at: Option<(usize, usize)>,
    /// As text, as one JSON document, or as a sequence diagram
    #[arg(long, default_value = "text", hide_default_value = true)]
    format: Format,
    /// Write to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shown {
    Short,
    Full,
    Cid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Svg,
}

impl Trace {
    pub(super) fn run(self, ui: Ui) -> Outcome {
        self.view.show(ui, read_bundle(&self.bundle)?)
    }
}

/// Reads a bundle and verifies it.
pub(crate) fn read_bundle(path: &Path) -> Outcome<marine_air::trace::Trace> {
    let bytes = read_bytes(path)?;
    let (particle, data) = decode_bundle(&bytes, &Limits::default())
        .or_fail(Exit::Unverified, format!("`{}` is no finished particle, or was damaged", path.display()))?;
    render::verify(&Arc::new(particle), data)
}

impl TraceView {
    pub(crate) fn show(self, ui: Ui, trace: marine_air::trace::Trace) -> Outcome {
        let values = match self.values {
            Shown::Short => Values::Short,
            Shown::Full => Values::Full,
            Shown::Cid => Values::Cid,
        };
        let mut trace = match &self.peer {
            Some(peer) => {
                let peer = self.peer_id(peer)?;
                let is_of = |row: &Row| {
                    row.peer.as_ref() == Some(&peer) || row.signed.as_ref().is_some_and(|signed| signed.by == peer)
                };
                let mut trace = trace;
                trace.rows.retain(is_of);
                trace
            }
            None => trace,
        };
        trace = trace.with_aliases(self.alias.iter().map(|(name, peer)| (peer.clone(), name.clone())));
        let shown = match (self.at, self.format) {
            (Some((line, column)), _) => {
                trace.place(line, column, values).ok_or_else(|| nothing_at(&trace, line, column))?
            }
            (None, Format::Text) => trace.text(values).to_string(),
            (None, Format::Json) => serde_json::to_string_pretty(&trace)?,
            (None, Format::Svg) => trace.svg(),
        };
        match &self.output {
            Some(file) => {
                std::fs::write(file, shown.trim_end().to_owned() + "\n")
                    .or_fail(Exit::Usage, format!("cannot write `{}`", file.display()))?;
                ui.status("Wrote", file.display());
            }
            None => ui.result(shown.trim_end()),
        }
        render::documents(ui, &trace);
        Ok(Exit::Done)
    }

    /// The id of a peer that is given by it, or by an alias.
    fn peer_id(&self, peer: &str) -> Outcome<String> {
        if let Some((_, id)) = self.alias.iter().find(|(name, _)| name == peer) {
            return Ok(id.clone());
        }
        let id = network::peer(peer).map_err(|why| {
            Failure::new(Exit::Usage, format!("`{peer}` is no peer: {why}"))
                .help("names are given with `--alias NAME=ID`")
        })?;
        Ok(id.to_string())
    }
}

fn nothing_at(trace: &marine_air::trace::Trace, line: usize, column: usize) -> Failure {
    let places: Vec<String> = trace.places().iter().map(|(line, column)| format!("{line}:{column}")).collect();
    Failure::new(Exit::Usage, format!("no call or canon that was reached begins at {line}:{column}"))
        .help(format!("they begin at {}", places.join(", ")))
}

fn alias(text: &str) -> Result<(String, String), String> {
    let (name, peer) = text.split_once('=').ok_or("expected NAME=ID")?;
    Ok((name.to_string(), network::peer(peer)?.to_string()))
}

fn place(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once(':').and_then(|(line, column)| Some((line.parse().ok()?, column.parse().ok()?)));
    parts.ok_or_else(|| "expected LINE:COLUMN, such as 6:7".to_string())
}
