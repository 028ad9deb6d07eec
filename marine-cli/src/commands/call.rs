//! `marine call`: one call of a service, on this machine or over the network.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use marine_node::Multiaddr;
use serde_json::{Value, json};

use crate::commands::run;
use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::identity;
use crate::network;
use crate::repl::{self, Composition, Session};
use crate::ui::{Ui, micros};

/// Call a function of a service, here or on a node.
///
/// Builds the nearest service if needed, links it as a node would, with the grants of its manifest, and makes one call. With `--relay`
/// the call goes over the network instead: to a service of that node, or with `PEER/` before the service to one behind it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine call 'greet(\"Ada\")'
  marine call 'greet(name: \"Ada\")' -m shop/Marine.toml
  marine call 'guestbook.names()'                 any module, not only the facade
  marine call 'count(\"pears\")' -m stock.wasm      a component, without a manifest
  marine call 'whoami()' --params '{\"particle\": {\"init_peer_id\": \"12D3Koo..\"}}'
  marine call 'shop.total([], null)' --relay /ip4/127.0.0.1/tcp/7777/p2p/12D3Koo..
  marine call '12D3Koo../shop.total([], null)' --relay ADDR --ttl 5s")]
pub(crate) struct Call {
    /// Function and arguments; the values are JSON
    call: String,
    /// The manifest, or a component, instead of the nearest Marine.toml
    #[arg(short, long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Call parameters as JSON, or @FILE
    #[arg(long, value_name = "JSON|@FILE")]
    params: Option<String>,
    /// Call a service on the network, by way of this node; ends in /p2p/PEER
    #[arg(long, value_name = "ADDR", value_parser = network::address, conflicts_with_all = ["manifest", "params"])]
    relay: Vec<Multiaddr>,
    /// How long the call may take over the network, in seconds, or with `ms`, `s`, `m`
    #[arg(long, value_parser = run::duration, default_value = "120s", requires = "relay")]
    ttl: Duration,
    /// Your key, by name or path
    #[arg(long, value_name = "KEY", requires = "relay")]
    key: Option<String>,
}

impl Call {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        if !self.relay.is_empty() {
            return self.over_the_network(ui);
        }
        let call = repl::parse(&self.call)?;
        let sources: Vec<_> = self.manifest.into_iter().collect();
        let composition = Composition::from_sources(&sources)?.with_extra(repl::Extra::Nothing);
        let mut session = Session::start(composition, false, ui)?;
        if let Some(params) = self.params {
            session.set_params(&text_or_file(&params)?)?;
        }
        let reply = session.call_once(&call)?;
        ui.result(&reply.text);
        let time = reply.time.unwrap_or_default();
        ui.document("call", json!({ "module": call.module, "function": call.function, "result": reply.result, "micros": time.as_micros() as u64 }));
        if ui.verbose > 0 {
            ui.note(format_args!("({})", micros(time)));
        }
        Ok(Exit::Done)
    }

    fn over_the_network(self, ui: Ui) -> Outcome {
        crate::logging::start("warn", ui.verbose);
        let (peer, text) = match self.call.split_once('/').filter(|(peer, _)| !peer.contains(['(', '"'])) {
            Some((peer, rest)) => (Some(network::peer(peer).map_err(|why| Failure::new(Exit::Usage, why))?), rest),
            None => (None, self.call.as_str()),
        };
        let call = repl::parse(text)?;
        let Some(service) = call.module else {
            return Err(Failure::new(Exit::Usage, "which service? a call over the network names it")
                .help(format!("write `SERVICE.{}(..)`, where SERVICE is an alias or an id", call.function)));
        };
        let Value::Array(args) = call.args else {
            return Err(Failure::new(Exit::Usage, "over the network arguments are given by position")
                .help("only the node knows their names"));
        };
        let key = identity::signer(self.key.as_deref())?;
        network::block_on(async {
            let client = network::connect_any(key, self.relay).await?;
            let peer = peer.unwrap_or_else(|| client.relay());
            let (progress, started) = (ui.progress("Calling"), Instant::now());
            let result = client.call_within(self.ttl, peer, &service, &call.function, args).await;
            drop(progress);
            client.close().await;
            let result = result.map_err(network::answer_failure)?;
            ui.result(repl::pretty(&result));
            ui.document(
                "call",
                json!({
                    "peer": peer.to_string(), "service": service, "function": call.function, "result": result,
                    "micros": started.elapsed().as_micros() as u64,
                }),
            );
            Ok(Exit::Done)
        })
    }
}

/// The text itself, or, behind `@`, what a file holds.
pub(crate) fn text_or_file(argument: &str) -> Outcome<String> {
    match argument.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).or_fail(Exit::Usage, format!("cannot read `{path}`")),
        None => Ok(argument.to_string()),
    }
}
