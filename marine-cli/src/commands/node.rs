//! `marine node`: runs a node until it is told to stop.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use marine_node::keyfile;
use marine_node::{ConfigError, DeployRight, Multiaddr, Node as Running, NodeConfig, NodeError, Policy, StoreError};
use marine_particle::PeerId;
use serde_json::json;

use crate::exit::{Exit, Failure, Outcome};
use crate::identity;
use crate::network;
use crate::paths;
use crate::signals;
use crate::ui::Ui;

/// Where a node listens unless told otherwise: everywhere, or on loopback for development.
const LISTEN: &str = "/ip4/0.0.0.0/tcp/7777";
const LISTEN_DEV: &str = "/ip4/127.0.0.1/tcp/7777";

/// Run a node.
///
/// Runs a node: hosts services, executes and forwards particles. Prints its peer id, addresses, data directory and policy when it
/// is up. Ctrl-C lets it finish what it does; a second one ends it at once, losing nothing that was acknowledged.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  marine node --dev                                     for your own machine: loopback only, everybody may deploy
  marine node --data /var/lib/marine --deploy 12D3Koo..
  marine node run --listen /ip4/0.0.0.0/tcp/0 --bootstrap /ip4/10.0.0.1/tcp/7777/p2p/12D3Koo.."
)]
pub(crate) struct Node {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    options: RunOptions,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Run a node; what `marine node` does by itself
    Run(RunOptions),
}

#[derive(Debug, Args)]
struct RunOptions {
    /// For development: loopback only, whoever reaches the node may deploy
    #[arg(long)]
    dev: bool,
    /// Directory of the node's store and key
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", value_parser = network::address)]
    listen: Vec<Multiaddr>,
    /// Node to stay connected with, ending in /p2p/PEER
    #[arg(long, value_name = "ADDR", value_parser = network::address)]
    bootstrap: Vec<Multiaddr>,
    /// Nodes of other networks are not talked to
    #[arg(long, value_name = "NAME", default_value = "main")]
    network: String,
    /// File with the node's key, instead of node.key in its data directory
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Peer that may deploy here
    #[arg(long, value_name = "PEER", value_parser = network::peer)]
    deploy: Vec<PeerId>,
    /// End when standard input ends, so that no node outlives the process that started it
    #[arg(long, hide = true)]
    until_eof: bool,
}

impl Node {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let options = match self.action {
            Some(Action::Run(options)) => options,
            None => self.options,
        };
        network::on_runtime(serve(options, ui))
    }
}

async fn serve(options: RunOptions, ui: Ui) -> Outcome {
    // The swarm's own greeting says nothing that is not printed anyway.
    crate::logging::start("info,libp2p_swarm=warn", ui.verbose);
    let until_eof = options.until_eof;
    let data = options.data.clone().map_or_else(|| Ok(paths::data()?.join("node")), Ok::<_, Failure>)?;
    let config = configure(options, data.clone())?;
    let policy = summary(&config);
    // Listening for signals starts before the node does, so that none is missed.
    let mut stop = signals::Stop::listen()?;
    let node = Running::start(config).await.map_err(|error| failure(error, &data))?;
    announce(ui, &node, &data, &policy);
    let by_signal = tokio::select! {
        () = stop.requested() => true,
        () = end_of_input(), if until_eof => false,
    };
    ui.status("Draining", "running calls and deliveries finish; Ctrl-C again ends at once");
    tokio::select! {
        result = node.shutdown() => { result.map_err(|error| failure(error, &data))?; }
        // What was acknowledged is on disk already: leaving now loses nothing of it.
        () = requested_again(&mut stop, by_signal) => return Ok(Exit::Interrupted),
    }
    ui.status("Stopped", "all is stored");
    Ok(Exit::Done)
}

/// A second request to stop. Whoever asks by a signal may have closed the input as well, so a node that drains because its input
/// ended has not been asked by a signal yet.
async fn requested_again(stop: &mut signals::Stop, by_signal: bool) {
    if !by_signal {
        stop.requested().await;
    }
    stop.requested().await;
}

fn configure(options: RunOptions, data: PathBuf) -> Outcome<NodeConfig> {
    let key_file = options.key.unwrap_or_else(|| data.join("node.key"));
    let mut config = NodeConfig::new(identity::usable(keyfile::load_or_create(&key_file))?);
    config.data_dir = Some(data);
    config.listen = match options.listen.is_empty() {
        true => vec![default_listen(options.dev)?],
        false => options.listen,
    };
    config.bootstrap = options.bootstrap;
    config.network = options.network;
    config.dev = options.dev;
    config.policy = Policy { deploy: DeployRight::Peers(options.deploy), ..Policy::default() };
    Ok(config)
}

fn default_listen(dev: bool) -> Outcome<Multiaddr> {
    let address = if dev { LISTEN_DEV } else { LISTEN };
    address.parse().map_err(|error| Failure::new(Exit::Unexpected, format!("`{address}`: {error}")))
}

fn summary(config: &NodeConfig) -> String {
    match &config.policy.deploy {
        _ if config.dev => "whoever reaches this node may deploy (--dev)".to_string(),
        DeployRight::Any => "everybody may deploy".to_string(),
        DeployRight::Peers(peers) if peers.is_empty() => {
            "only the node's own key may deploy; `--deploy PEER` lets others".to_string()
        }
        DeployRight::Peers(peers) => {
            let names: Vec<_> = peers.iter().map(ToString::to_string).collect();
            format!("may deploy: {}", names.join(", "))
        }
    }
}

fn announce(ui: Ui, node: &Running, data: &std::path::Path, policy: &str) {
    ui.result(format_args!("peer id    {}", node.peer_id()));
    for address in node.addresses() {
        ui.result(format_args!("address    {address}"));
    }
    ui.result(format_args!("data       {}", data.display()));
    ui.result(format_args!("policy     {policy}"));
    ui.document(
        "node.ready",
        json!({
            "peer_id": node.peer_id().to_string(),
            "addresses": node.addresses().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "data": data,
            "policy": policy,
            "process": std::process::id(),
        }),
    );
}

/// Ends when the other side of standard input is gone. A thread of its own reads: it may block until the process ends.
async fn end_of_input() {
    let (gone, noticed) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // An error of the input is an end of it, too.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = gone.send(());
    });
    // The sender is gone only after it has sent.
    let _ = noticed.await;
}

fn failure(error: NodeError, data: &std::path::Path) -> Failure {
    let (exit, help) = match &error {
        NodeError::Config(ConfigError::DevAddress { .. }) => (Exit::Usage, None),
        NodeError::Config(_) => (Exit::Usage, None),
        NodeError::Store(StoreError::InUse { .. } | StoreError::Newer { .. }) => (Exit::DataDirectory, None),
        NodeError::Listen { .. } => {
            let help = "another program may use the port; `--listen /ip4/127.0.0.1/tcp/0` takes a free one".to_string();
            (Exit::Listen, Some(help))
        }
        _ => (Exit::Unexpected, Some(format!("the node's data directory is `{}`", data.display()))),
    };
    Failure { exit, error: error.into(), help }
}
