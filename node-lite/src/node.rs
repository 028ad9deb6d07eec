//! [`Node`]: a peer that hosts services and executes particles.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use libp2p::{Multiaddr, multiaddr::Protocol};
use marine_particle::PeerId;
use marine_runtime::{CodeCacheConfig, Engine, EngineConfig, TempTree, Vaults};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::{
    clock,
    config::{NodeConfig, NodeLimits},
    core::{Core, Parts},
    error::{NodeError, StoreError},
    host::rights::Rights,
    host::{
        NodeHost,
        services::{Places, Registry, Services},
        vault::Keeper,
    },
    store::{Blobs, Snapshot, Store},
};

/// A running node. Dropping it without [`Node::shutdown`] stops it at once, as a crash would: what was acknowledged is kept.
pub struct Node {
    core: Arc<Core>,
}

impl Node {
    /// Opens the store, starts the network, and goes on with what was there before.
    ///
    /// Returns when the node listens. Needs a multi-threaded Tokio runtime, on which it spawns its tasks.
    ///
    /// # Errors
    /// See [`NodeError`]; nothing is left running.
    pub async fn start(config: NodeConfig) -> Result<Self, NodeError> {
        check_runtime()?;
        config.check()?;
        let rights = Arc::new(Rights::new(&config));
        let (places, mut snapshot) = open(config.data_dir.as_deref())?;
        let engine = engine(config.data_dir.as_deref())?;
        let registry = Registry::restore(&mut snapshot);
        let store = places.store.clone();
        let vaults = vaults(places.vaults.clone(), &snapshot, &config.limits).await;
        let services = Arc::new(Services::new(rights.clone(), config.limits.clone(), engine, places, registry, vaults));
        let host = Arc::new(NodeHost::new(rights, services, config.keypair.clone()));
        let parts = Parts {
            keypair: config.keypair,
            network: config.network,
            listen: config.listen,
            bootstrap: config.bootstrap,
            loopback_only: config.dev,
            limits: config.limits,
            store: store.clone(),
            host: host.clone(),
        };
        match Core::start(parts, snapshot, |net| host.connect(net)).await {
            Ok(core) => Ok(Self { core }),
            Err(error) => {
                store.close().await;
                Err(error)
            }
        }
    }

    /// Who this node is.
    pub fn peer_id(&self) -> PeerId {
        self.core.keypair.peer_id()
    }

    /// Addresses on which it can be reached, each ending in `/p2p/<peer id>`.
    pub fn addresses(&self) -> Vec<Multiaddr> {
        let me = Protocol::P2p(self.peer_id());
        self.core.net.listening().into_iter().map(|address| address.with(me.clone())).collect()
    }

    /// Peers with an open connection.
    pub fn connected(&self) -> Vec<PeerId> {
        self.core.net.connected().borrow().iter().copied().collect()
    }

    /// Waits until `peer` is connected and ready to take particles.
    pub async fn wait_connected(&self, peer: PeerId) {
        let mut connected = self.core.net.connected();
        // The sender lives as long as the node.
        let _ = connected.wait_for(|peers| peers.contains(&peer)).await;
    }

    /// Takes no more particles, lets running calls and deliveries end (at most [`crate::NodeLimits::drain`]), and closes the
    /// store. What did not end goes on after a restart.
    ///
    /// # Errors
    /// None at present; kept for stores that fail to close.
    pub async fn shutdown(self) -> Result<(), NodeError> {
        self.core.shutdown(self.core.limits.drain).await;
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.core.stop_now();
    }
}

/// Steps over much data move other tasks off their thread, which a single-threaded runtime cannot do.
pub(crate) fn check_runtime() -> Result<(), NodeError> {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::CurrentThread) | Err(_) => {
            Err(NodeError::Network { reason: "a multi-threaded Tokio runtime is needed".to_owned() })
        }
        Ok(_) => Ok(()),
    }
}

fn engine(data_dir: Option<&Path>) -> Result<Engine, NodeError> {
    let cache = data_dir.map_or(CodeCacheConfig::User, |dir| CodeCacheConfig::Dir(dir.join("code")));
    let config = EngineConfig { cache, ..EngineConfig::default() };
    Engine::new(config).map_err(|e| NodeError::Engine { reason: e.to_string() })
}

/// The vaults of particles that are alive; what is left of others goes.
async fn vaults(dir: PathBuf, snapshot: &Snapshot, limits: &NodeLimits) -> Arc<Keeper> {
    let alive: HashSet<String> = snapshot.particles.iter().map(|particle| particle.cid.to_string()).collect();
    let keeper = Arc::new(Keeper::new(Vaults::new(dir, limits.vaults), limits.value));
    let kept = keeper.clone();
    // It is done for everybody's room: a node that cannot do it starts without.
    let _ = tokio::task::spawn_blocking(move || kept.retain(&alive)).await;
    keeper
}

fn open(data_dir: Option<&Path>) -> Result<(Places, Snapshot), StoreError> {
    let now = clock::now();
    let Some(dir) = data_dir else {
        let temporary = TempTree::new("marine-node-").map_err(StoreError::io("make", std::env::temp_dir()))?;
        let (store, snapshot) = Store::volatile(now);
        let (volumes, vaults) = (temporary.path().join("volumes"), temporary.path().join("vault"));
        let temporary = Some(temporary);
        let places = Places { store: Arc::new(store), blobs: Blobs::memory(), volumes, vaults, temporary };
        return Ok((places, snapshot));
    };
    let (store, snapshot) = Store::open(dir, now)?;
    let blobs = Blobs::open(dir.join("blobs"))?;
    let (volumes, vaults) = (dir.join("volumes"), dir.join("vault"));
    let places = Places { store: Arc::new(store), blobs, volumes, vaults, temporary: None };
    Ok((places, snapshot))
}
