//! `marine run`: a workflow, from this machine, over a relay.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use marine_node::{Multiaddr, RunOutcome};
use serde_json::{Value, json};

use crate::commands::air;
use crate::commands::call::text_or_file;
use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::identity;
use crate::network;
use crate::render;
use crate::repl::pretty;
use crate::ui::Ui;

/// Run a workflow written in AIR.
///
/// Runs an AIR script as a client that is connected to one node only, and prints what the script hands to `callbackSrv.response`.
/// The script reads `--data` by `getDataSrv`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine run hello.air --relay /ip4/127.0.0.1/tcp/7777/p2p/12D3Koo..
  marine run hello.air --relay ADDR --data '{\"host\": \"12D3Koo..\", \"name\": \"Ada\"}' --trace
  marine run hello.air --relay ADDR --data @input.json --bundle finished.particle")]
pub(crate) struct Run {
    /// The script (- is standard input)
    script: PathBuf,
    /// Node to connect to, ending in /p2p/PEER
    #[arg(long, value_name = "ADDR", required = true, value_parser = network::address)]
    relay: Vec<Multiaddr>,
    /// What the script may ask for: a JSON object, or @FILE
    #[arg(long, value_name = "JSON|@FILE", default_value = "{}")]
    data: String,
    /// How long the workflow may take, in seconds, or with `ms`, `s`, `m`
    #[arg(long, value_parser = duration, default_value = "30s")]
    ttl: Duration,
    /// Your key, by name or path
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Show every call with its verified signature
    #[arg(long)]
    trace: bool,
    /// Keep the finished particle in this file
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

impl Run {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        crate::logging::start("warn", ui.verbose);
        let script = read_script(&self.script)?;
        air::check_script(ui, &self.script, &script)?;
        let data = parse_data(&text_or_file(&self.data)?)?;
        let key = identity::signer(self.key.as_deref())?;
        network::block_on(async {
            let client = network::connect_any(key, self.relay).await?;
            let (key_peer, relay) = (client.peer_id(), client.relay());
            warn_of_clock(ui, client.clock_ahead());
            let progress = ui.progress("Running");
            let outcome = client.run(&script, data, self.ttl).await;
            drop(progress);
            client.close().await;
            let outcome = outcome.map_err(network::run_failure)?;
            // The answer is shown even if it cannot be kept; a workflow that failed says why before all else.
            let kept = self.bundle.as_deref().map_or(Ok(()), |path| keep(ui, path, &outcome));
            if self.trace && (outcome.data.is_some() || outcome.result.is_ok()) {
                let names = [(key_peer.to_string(), "client"), (relay.to_string(), "relay")];
                let trace = render::verified(&outcome)?.with_aliases(names);
                // The result stands alone on standard output.
                ui.note(&trace);
                render::documents(ui, &trace);
            }
            let values = outcome.result.map_err(network::workflow_failure)?;
            show(ui, &values);
            kept.map(|()| Exit::Done)
        })
    }
}

/// A particle carries our time; where clocks differ much, others take it for expired or for one from the future.
fn warn_of_clock(ui: Ui, ahead: Option<i64>) {
    if let Some(ms) = ahead.filter(|ms| ms.abs() > 1000) {
        let way = if ms > 0 { "ahead of" } else { "behind" };
        ui.warn(format_args!(
            "the relay's clock is {} s {way} yours; check the time of both machines",
            ms.abs() / 1000
        ));
    }
}

/// Writes the file that proves the run.
fn keep(ui: Ui, path: &Path, outcome: &RunOutcome) -> Outcome<()> {
    std::fs::write(path, render::bundle(outcome)?)
        .or_fail(Exit::Usage, format!("cannot write `{}`", path.display()))?;
    ui.status("Kept", format_args!("the finished particle in {}", path.display()));
    Ok(())
}

/// Texts raw, anything else as JSON; one value per line.
fn show(ui: Ui, values: &[Value]) {
    for value in values {
        match value {
            Value::String(text) => ui.result(text),
            value => ui.result(pretty(value)),
        }
    }
    ui.document("run", json!({ "result": values }));
}

fn read_script(path: &Path) -> Outcome<String> {
    let read = match path.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(path),
    };
    read.or_fail(Exit::Usage, format!("cannot read the script `{}`", path.display()))
}

fn parse_data(text: &str) -> Outcome<BTreeMap<String, Value>> {
    serde_json::from_str(text).map_err(|error| {
        Failure::new(Exit::Usage, format!("--data is not a JSON object: {error}"))
            .help("for example --data '{\"name\": \"Ada\"}'")
    })
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| format!("`{text}` is no duration; write `30s`, `500ms` or `2m`"))?;
    match &text[digits.len()..] {
        "" | "s" => Ok(Duration::from_secs(number)),
        "ms" => Ok(Duration::from_millis(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        unit => Err(format!("unknown unit `{unit}`; write `30s`, `500ms` or `2m`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("30"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("soon").is_err() && duration("3h").is_err() && duration("").is_err());
    }
}
