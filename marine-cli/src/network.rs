//! Talking to nodes as a client: connecting, deploying, and what errors of the network mean for the exit code.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use marine_manifest::{Blueprint, Cid};
use marine_node::{CallFailure, Client, ClientConfig, ClientError, Multiaddr, NodeError, PeerId, RunError};
use marine_particle::Keypair;

use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::project::Built;
use crate::signals::Stop;

/// What an address of a node looks like, for those whose text is none.
const ADDRESS_FORM: &str = "write /ip4/127.0.0.1/tcp/7777, followed by /p2p/12D3Koo.. if it is another node's";

/// How long a node may take to answer the first greeting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An address on the command line.
pub(crate) fn address(text: &str) -> Result<Multiaddr, String> {
    text.parse().map_err(|error| format!("{error}; {ADDRESS_FORM}"))
}

/// A peer id on the command line.
pub(crate) fn peer(text: &str) -> Result<PeerId, String> {
    text.parse().map_err(|_| "this is no peer id; they look like 12D3Koo.., `marine key show` prints yours".to_string())
}

/// What is needed to create a service elsewhere.
pub(crate) struct Package {
    pub(crate) blueprint: Blueprint,
    /// Content id of the blueprint.
    pub(crate) id: Cid,
    /// Name, id and bytes of every module.
    pub(crate) modules: Vec<(String, Cid, Vec<u8>)>,
}

/// What a deployment did.
#[derive(Debug)]
pub(crate) struct Deployed {
    pub(crate) service_id: String,
    pub(crate) blueprint: String,
    pub(crate) modules_sent: usize,
    /// Whether anything had to be done.
    pub(crate) changed: bool,
}

impl Package {
    /// Reads what a build wrote.
    pub(crate) fn load(built: &Built) -> Outcome<Self> {
        let mut modules = Vec::new();
        for module in &built.manifest.modules {
            let path = built.wasm(&module.name)?;
            let bytes = std::fs::read(path).or_fail(Exit::Build, format!("cannot read `{}`", path.display()))?;
            modules.push((module.name.clone(), marine_manifest::module_cid(&bytes), bytes));
        }
        Ok(Self { blueprint: built.service()?.blueprint.clone(), id: built.service()?.cid, modules })
    }
}

/// Runs `work` on a runtime of its own. Ctrl-C ends it at once.
pub(crate) fn block_on<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    on_runtime(async {
        let mut stop = Stop::listen()?;
        tokio::select! {
            result = work => result,
            () = stop.requested() => Err(Failure::new(Exit::Interrupted, "interrupted")),
        }
    })
}

/// Runs `work`, which knows itself what to do about Ctrl-C, on a runtime of its own.
pub(crate) fn on_runtime<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    // Threads that are still busy must not hold up the end of the process.
    runtime.shutdown_background();
    result
}

/// Connects to the node at `address`.
pub(crate) async fn connect(key: Keypair, address: &Multiaddr) -> Outcome<Client> {
    connect_any(key, vec![address.clone()]).await
}

/// Connects to the nodes at `addresses`; one that answers is enough.
pub(crate) async fn connect_any(key: Keypair, addresses: Vec<Multiaddr>) -> Outcome<Client> {
    let mut config = ClientConfig::new(key, addresses);
    config.connect_timeout = CONNECT_TIMEOUT;
    Client::connect(config).await.map_err(client_failure)
}

/// Creates the service of `package` on `host`, unless the alias stands for the same blueprint there already.
pub(crate) async fn deploy(client: &Client, host: PeerId, package: &Package, alias: Option<&str>) -> Outcome<Deployed> {
    if let Some(service_id) = unchanged(client, host, &package.id, alias).await? {
        return Ok(Deployed { service_id, blueprint: package.id.to_string(), modules_sent: 0, changed: false });
    }
    let present =
        client.modules(host).await.map_err(|failure| call_failure(failure, "asking which modules the node has"))?;
    let mut modules_sent = 0;
    for (name, cid, bytes) in &package.modules {
        if present.iter().any(|module| module.hash == cid.to_string()) {
            continue;
        }
        client
            .add_module(host, name, bytes)
            .await
            .map_err(|failure| call_failure(failure, format_args!("sending module `{name}`")))?;
        modules_sent += 1;
    }
    let blueprint = client
        .add_blueprint(host, &package.blueprint)
        .await
        .map_err(|failure| call_failure(failure, "sending the blueprint"))?;
    let service_id = client
        .create_service(host, &blueprint)
        .await
        .map_err(|failure| call_failure(failure, "creating the service"))?;
    if let Some(alias) = alias {
        // The alias moves last: whoever calls it meets the old service or the new one, never none.
        client
            .add_alias(host, alias, &service_id)
            .await
            .map_err(|failure| call_failure(failure, format_args!("giving it the alias `{alias}`")))?;
    }
    Ok(Deployed { service_id, blueprint: blueprint.to_string(), modules_sent, changed: true })
}

/// The service behind `alias`, if it was made from `blueprint`.
async fn unchanged(client: &Client, host: PeerId, blueprint: &Cid, alias: Option<&str>) -> Outcome<Option<String>> {
    let Some(alias) = alias else { return Ok(None) };
    let failed = |failure| call_failure(failure, format_args!("asking what `{alias}` stands for"));
    let Some(id) = client.resolve_alias(host, alias).await.map_err(failed)? else { return Ok(None) };
    let info = client.service_info(host, &id).await.map_err(failed)?;
    Ok((info.blueprint_id == blueprint.to_string()).then_some(id))
}

/// What it means that a client could not be connected.
fn client_failure(error: ClientError) -> Failure {
    let (exit, help) = match &error {
        ClientError::Unreachable { .. } => {
            (Exit::Unreachable, Some("`marine node --dev` starts a node and prints its address".to_string()))
        }
        ClientError::Node(NodeError::Config(_))
        | ClientError::NoRelay
        | ClientError::Ttl { .. }
        | ClientError::Particle(_) => (Exit::Usage, None),
        _ => (Exit::Unexpected, None),
    };
    Failure { exit, error: error.into(), help }
}

/// What it means that a workflow could not even be started.
pub(crate) fn run_failure(error: ClientError) -> Failure {
    client_failure(error)
}

/// What it means that a workflow ended without an answer.
pub(crate) fn workflow_failure(error: RunError) -> Failure {
    let exit = match &error {
        RunError::Refused { .. } => Exit::Refused,
        RunError::Expired { .. } => Exit::NoAnswer,
        _ => Exit::Workflow,
    };
    let help = (exit == Exit::NoAnswer).then(|| {
        "a peer on the way may be offline, or its peer id wrong; `--trace` shows how far it came, `--ttl` gives it longer"
            .to_string()
    });
    Failure { exit, error: error.into(), help }
}

/// What it means that a call which the user made failed.
pub(crate) fn answer_failure(error: CallFailure) -> Failure {
    let exit = match &error {
        CallFailure::Service { code: 1, .. } => Exit::Service,
        CallFailure::Service { code: 6, .. } => Exit::Refused,
        CallFailure::Service { .. } => Exit::Call,
        CallFailure::Run { error: RunError::Expired { .. }, .. } => Exit::NoAnswer,
        CallFailure::Run { error: RunError::Refused { .. }, .. } => Exit::Refused,
        CallFailure::Run { .. } => Exit::Workflow,
        CallFailure::Name(_) => Exit::Usage,
        _ => Exit::Unexpected,
    };
    Failure { exit, error: error.into(), help: None }
}

/// What it means that a call which a command made for itself failed.
fn call_failure(error: CallFailure, doing: impl Display) -> Failure {
    let (exit, help) = match &error {
        CallFailure::Service { code: 6, .. } => (
            Exit::Refused,
            Some(
                "ask the node's operator to start it with `--deploy` and your peer id (`marine key show`)".to_string(),
            ),
        ),
        CallFailure::Service { .. } => (Exit::Refused, None),
        CallFailure::Run { error: RunError::Expired { .. }, .. } => (Exit::NoAnswer, None),
        CallFailure::Run { error: RunError::Refused { .. }, .. } => (Exit::Refused, None),
        _ => (Exit::Unexpected, None),
    };
    Failure { exit, error: anyhow::Error::from(error).context(format!("{doing} failed")), help }
}
