//! Services on nodes: what nodes say of them, as declarations, and as interfaces that generated declarations are held against.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use marine_aqua::{Interface, SourceError, Sources};
use marine_node::{Multiaddr, PeerId};
use marine_runtime::{AquaFunction, AquaInterface};
use serde::Deserialize;
use serde_json::json;

use super::Disk;
use super::interface::{NAME, hash, of_declarations};
use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::identity;
use crate::network;

/// How services on nodes are reached, on the command line.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Nodes {
    /// Also hold declarations of services on nodes against these, over this node; ends in /p2p/PEER
    #[arg(long, value_name = "ADDR", value_parser = network::address)]
    relay: Vec<Multiaddr>,
    /// Your key, by name or path
    #[arg(long, value_name = "KEY", requires = "relay")]
    key: Option<String>,
}

impl Nodes {
    /// Files on disk, and services on nodes if there is a relay.
    pub(crate) fn sources(&self) -> OnNodes<'_> {
        OnNodes { nodes: self, known: Mutex::default() }
    }
}

/// See [`Nodes::sources`].
pub(crate) struct OnNodes<'n> {
    nodes: &'n Nodes,
    /// What was asked for already.
    known: Mutex<HashMap<String, Result<Arc<Interface>, SourceError>>>,
}

impl Sources for OnNodes<'_> {
    fn text(&self, path: &str) -> Option<Result<Arc<str>, SourceError>> {
        Disk.text(path)
    }

    fn interface(&self, path: &str) -> Result<Arc<Interface>, SourceError> {
        Disk.interface(path)
    }

    fn deployed(&self, service: &str) -> Option<Result<Arc<Interface>, SourceError>> {
        if self.nodes.relay.is_empty() {
            return None;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let ask = || {
            let described = describe(self.nodes.relay.clone(), self.nodes.key.as_deref(), service);
            let described = described.map_err(|failure| SourceError {
                message: format!("`{service}` does not tell its interface: {}", failure.error),
                help: Some("deploy it".to_owned()),
            })?;
            of_declarations(service, &described.aqua(NAME, service), NAME).map(Arc::new)
        };
        Some(known.entry(service.to_owned()).or_insert_with(ask).clone())
    }

    fn list(&self, folder: &str, ending: &str) -> Vec<String> {
        Disk.list(folder, ending)
    }
}

/// What a node says about a service.
pub(crate) struct Described {
    /// Where it was found.
    peer: PeerId,
    interface: AquaInterface,
}

/// An interface as nodes write it.
#[derive(Debug, Deserialize)]
struct Answer {
    function_signatures: Vec<Function>,
    record_types: Vec<Record>,
}

#[derive(Debug, Deserialize)]
struct Function {
    name: String,
    arguments: Vec<(String, String)>,
    output_types: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Record {
    name: String,
    fields: Vec<(String, String)>,
}

/// The service's name without its peer.
pub(crate) fn service_of(service: &str) -> &str {
    service.split_once('/').map_or(service, |(_, service)| service)
}

/// Asks for `<peer>/<service>`, or a service of the relay.
pub(crate) fn describe(relays: Vec<Multiaddr>, key: Option<&str>, service: &str) -> Outcome<Described> {
    let peer = match service.split_once('/') {
        Some((peer, _)) => Some(network::peer(peer).map_err(|why| Failure::new(Exit::Usage, why))?),
        None => None,
    };
    let key = identity::signer(key)?;
    let (peer, answer) = network::block_on(async {
        let client = network::connect_any(key, relays).await?;
        let peer: PeerId = peer.unwrap_or_else(|| client.relay());
        let answer = client.call(peer, "srv", "get_interface", vec![json!(service_of(service))]).await;
        client.close().await;
        Ok((peer, answer.map_err(network::answer_failure)?))
    })?;
    let answer: Answer = serde_json::from_value(answer).or_fail(Exit::Unexpected, "the node describes no interface")?;
    Ok(Described { peer, interface: answer.into() })
}

impl From<Answer> for AquaInterface {
    fn from(answer: Answer) -> Self {
        let functions = answer.function_signatures.into_iter().map(|Function { name, arguments, output_types }| {
            AquaFunction { name, docs: None, params: arguments, result: output_types.into_iter().next() }
        });
        let records = answer.record_types.into_iter().map(|Record { name, fields }| (name, fields));
        Self { docs: None, records: records.collect(), functions: functions.collect() }
    }
}

impl Described {
    /// The line by which the compiler knows what the declarations have to agree with.
    pub(crate) fn mark(&self, service: &str) -> String {
        format!("-- interface of {}/{}: {}\n", self.peer, service_of(service), hash(&self.aqua(NAME, "")))
    }

    /// The declarations, with `name` for the service and `id` to find it by.
    pub(crate) fn aqua(&self, name: &str, id: &str) -> String {
        self.interface.declarations(name, Some(id))
    }
}
