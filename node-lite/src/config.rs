//! What a node is started with: identity, addresses, policy and limits.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use libp2p::{Multiaddr, multiaddr::Protocol};
use marine_manifest::{BinaryGrant, GrantPolicy, HostDir, HostGrant};
use marine_particle::{Keypair, PeerId};

use crate::error::ConfigError;

/// Everything a node needs to know before it starts.
#[derive(Clone)]
pub struct NodeConfig {
    /// The node's own key: its peer id, and what signs its logs.
    pub keypair: Keypair,
    /// Directory of the store, blobs, volumes, vaults and compiled code. `None`: all of it lives in memory or a temporary
    /// directory and is gone with the node.
    pub data_dir: Option<PathBuf>,
    /// Addresses to listen on. Port 0 lets the system choose; [`crate::Node::addresses`] tells what it chose.
    pub listen: Vec<Multiaddr>,
    /// Peers to stay connected with, each ending in `/p2p/<peer id>`.
    pub bootstrap: Vec<Multiaddr>,
    /// Only peers that name the same network exchange particles.
    pub network: String,
    /// Who may deploy, and which host directories services may ask for.
    pub policy: Policy,
    /// Development mode: listens and dials on loopback only, and whoever reaches the node may deploy.
    pub dev: bool,
    /// Bounds on what peers and particles may use.
    pub limits: NodeLimits,
}

/// Who may do what on this node. Nothing is allowed by default.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Who may add modules and blueprints and create services.
    pub deploy: DeployRight,
    /// Peers that may do whatever the node's own key may do.
    pub management: Vec<PeerId>,
    /// Host directories that services may ask for, by the name they ask with (`ask` of a blueprint).
    pub dirs: BTreeMap<String, HostDir>,
    /// Environment variables of the host that services may ask for.
    pub variables: BTreeSet<String>,
    /// Hosts that services may reach.
    pub hosts: BTreeSet<HostGrant>,
    /// Programs that services may run, by the name they ask with.
    pub binaries: BTreeMap<String, BinaryGrant>,
    /// Functions of services here whose results `sig.sign` signs, for the node itself and its management: `service.function`, with the
    /// service's id or alias as scripts call it.
    pub sign: BTreeSet<String>,
}

impl Policy {
    /// What services may have.
    pub(crate) fn grants(&self) -> GrantPolicy {
        GrantPolicy {
            dirs: self.dirs.clone(),
            variables: self.variables.clone(),
            hosts: self.hosts.clone(),
            binaries: self.binaries.clone(),
        }
    }
}

/// Peers with the right to deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeployRight {
    /// Only these (and the node's own key and its management).
    Peers(Vec<PeerId>),
    /// Everybody who reaches the node.
    Any,
}

impl Default for DeployRight {
    fn default() -> Self {
        Self::Peers(Vec::new())
    }
}

/// Bounds on what input can grow. The defaults are those of the specification.
#[derive(Debug, Clone)]
pub struct NodeLimits {
    /// Longest time to live of a particle.
    pub ttl: Duration,
    /// How far ahead of this node's clock a particle may be.
    pub skew: Duration,
    /// Longest script, in bytes. A script and its envelope must fit one frame.
    pub script: usize,
    /// Largest value, in bytes.
    pub value: usize,
    /// Largest data message of a particle, in bytes; also what one neighbour may have in unfinished parts.
    pub data: usize,
    /// Bytes of unfinished parts of all neighbours together.
    pub assembling: usize,
    /// Particles alive at once.
    pub particles: usize,
    /// Particles per second, and burst, that one neighbour may send.
    pub rate_peer: Rate,
    /// Particles per second, and burst, that one init peer may start here.
    pub rate_init: Rate,
    /// Frames a neighbour may send ahead of answers.
    pub credit_frames: u32,
    /// Bytes a neighbour may send ahead of answers.
    pub credit_bytes: u32,
    /// Calls waiting for one service.
    pub calls_per_service: usize,
    /// Calls waiting for all services.
    pub calls: usize,
    /// Guests running at once.
    pub guests: usize,
    /// Longest time of one service call.
    pub call_timeout: Duration,
    /// Services of one owner.
    pub services_per_owner: usize,
    /// Blueprints and modules (each) of one owner.
    pub deployments_per_owner: usize,
    /// Bytes of all stored modules.
    pub blobs: u64,
    /// Bytes of all particles' vaults.
    pub vaults: u64,
    /// Established connections: incoming, outgoing.
    pub connections: (u32, u32),
    /// How long running calls and deliveries may take when the node shuts down.
    pub drain: Duration,
}

/// A token bucket's parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Tokens per second.
    pub per_second: f64,
    /// Tokens at most.
    pub burst: f64,
}

impl Default for NodeLimits {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(3600),
            skew: Duration::from_secs(60),
            script: (1 << 20) - 4096,
            value: 16 << 20,
            data: 64 << 20,
            assembling: 256 << 20,
            particles: 10_000,
            rate_peer: Rate { per_second: 2000.0, burst: 8000.0 },
            rate_init: Rate { per_second: 100.0, burst: 400.0 },
            credit_frames: 64,
            credit_bytes: 8 << 20,
            calls_per_service: 256,
            calls: 4096,
            guests: 32,
            call_timeout: Duration::from_secs(120),
            services_per_owner: 100,
            deployments_per_owner: 200,
            blobs: 10 << 30,
            vaults: 4 << 30,
            connections: (1024, 512),
            drain: Duration::from_secs(10),
        }
    }
}

impl NodeLimits {
    /// The bounds of one execution.
    pub(crate) fn air(&self) -> marine_air::Limits {
        let mut limits = marine_air::Limits::default();
        limits.script_bytes = self.script;
        limits.value_bytes = self.value;
        (limits.data_bytes, limits.message_bytes) = (self.data, self.data);
        limits
    }
}

impl NodeConfig {
    /// A node with this key that listens on a free port of loopback, keeps nothing on disk and lets nobody deploy.
    pub fn new(keypair: Keypair) -> Self {
        Self {
            keypair,
            data_dir: None,
            listen: vec![loopback()],
            bootstrap: Vec::new(),
            network: "main".to_owned(),
            policy: Policy::default(),
            dev: false,
            limits: NodeLimits::default(),
        }
    }

    /// Checks what can be checked without starting anything.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        check_network(&self.network)?;
        if self.dev {
            let foreign = self.listen.iter().chain(&self.bootstrap).find(|address| !is_loopback(address));
            if let Some(address) = foreign {
                return Err(ConfigError::DevAddress { address: address.clone() });
            }
        }
        self.bootstrap.iter().try_for_each(|address| split_peer(address).map(drop))
    }
}

/// A free TCP port of loopback.
fn loopback() -> Multiaddr {
    Multiaddr::empty().with(Protocol::Ip4(std::net::Ipv4Addr::LOCALHOST)).with(Protocol::Tcp(0))
}

fn check_network(name: &str) -> Result<(), ConfigError> {
    let fits = (1..=32).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fits { Ok(()) } else { Err(ConfigError::Network { name: name.to_owned() }) }
}

pub(crate) fn is_loopback(address: &Multiaddr) -> bool {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => ip.is_loopback(),
        Some(Protocol::Ip6(ip)) => ip.is_loopback(),
        _ => false,
    }
}

/// Splits `../p2p/<peer id>` into the address to dial and the peer expected there.
pub(crate) fn split_peer(address: &Multiaddr) -> Result<(Multiaddr, PeerId), ConfigError> {
    let mut dial = address.clone();
    match dial.pop() {
        Some(Protocol::P2p(peer)) if !dial.is_empty() => Ok((dial, peer)),
        _ => Err(ConfigError::NoPeerInAddress { address: address.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_names() {
        for (name, fits) in [("main", true), ("a-1", true), ("", false), ("Main", false), ("a b", false)] {
            assert_eq!(check_network(name).is_ok(), fits, "{name}");
        }
        assert!(check_network(&"x".repeat(33)).is_err());
    }

    #[test]
    fn addresses_need_a_peer() {
        let bare: Multiaddr = "/ip4/127.0.0.1/tcp/7777".parse().unwrap();
        assert!(matches!(split_peer(&bare), Err(ConfigError::NoPeerInAddress { .. })));
        let peer: PeerId = "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5".parse().unwrap();
        assert_eq!(split_peer(&bare.clone().with(Protocol::P2p(peer))).unwrap(), (bare, peer));
    }
}
