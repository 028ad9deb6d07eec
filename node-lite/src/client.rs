//! [`Client`]: a peer without services of its own, which starts particles and gives their results.
//!
//! It is the same machine as a node, with a store in memory and a host that offers the services of the init peer:
//! `getDataSrv`, `callbackSrv`, `errorHandlingSrv`, and the builtins that need nothing but their arguments.

mod deploy;
mod functions;
mod host;
mod outcome;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use libp2p::Multiaddr;
use marine_air::data::Data;
use marine_particle::{Keypair, NewParticleError, Particle, PeerId};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::{
    actor::Message,
    clock,
    config::{NodeLimits, split_peer},
    core::{Core, Parts},
    error::{ConfigError, NodeError},
    live::{Event, Live, Origin},
    node::check_runtime,
    store::Store,
};

pub use self::{
    deploy::{BlueprintInfo, CallFailure, ModuleInfo, ServiceInfo},
    functions::Functions,
    outcome::{RunError, RunOutcome},
};

/// What a client needs to know before it connects.
#[derive(Clone)]
pub struct ClientConfig {
    /// The key that signs particles and logs.
    pub keypair: Keypair,
    /// Nodes to connect to, each address ending in `/p2p/<peer id>`. Several may be given; one is enough.
    pub relays: Vec<Multiaddr>,
    /// The network the nodes belong to.
    pub network: String,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// Bounds, as for a node.
    pub limits: NodeLimits,
}

impl ClientConfig {
    /// A client of network `main` that gives up connecting after ten seconds.
    pub fn new(keypair: Keypair, relays: Vec<Multiaddr>) -> Self {
        Self {
            keypair,
            relays,
            network: "main".to_owned(),
            connect_timeout: Duration::from_secs(10),
            limits: NodeLimits::default(),
        }
    }
}

/// A client could not connect or start a particle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The network could not be started, or an address does not fit.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// There is nobody to connect to.
    #[error("no relay is given: name the address of a node, ending in `/p2p/<peer id>`")]
    NoRelay,
    /// No relay answered.
    #[error("none of the nodes {relays} could be reached within {} s: check that one is running, its address, and that it is of network `{network}`", after.as_secs())]
    Unreachable {
        /// The relays.
        relays: String,
        /// The network.
        network: String,
        /// How long it was tried.
        after: Duration,
    },
    /// A particle cannot be made of this script.
    #[error("cannot make a particle: {0}")]
    Particle(#[from] NewParticleError),
    /// The time to live does not fit.
    #[error("ttl of {} ms does not fit: use 1 ms to {} s", ttl.as_millis(), max.as_secs())]
    Ttl {
        /// As given.
        ttl: Duration,
        /// The longest possible.
        max: Duration,
    },
    /// The client was closed.
    #[error("the client is closed")]
    Closed,
}

impl From<ConfigError> for ClientError {
    fn from(error: ConfigError) -> Self {
        Self::Node(error.into())
    }
}

/// A connected client. Dropping it closes its connections.
pub struct Client {
    core: Arc<Core>,
    relays: Vec<PeerId>,
}

impl Client {
    /// Connects to the relays; returns when the first of them is ready.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] if none answers in time.
    pub async fn connect(config: ClientConfig) -> Result<Self, ClientError> {
        check_runtime()?;
        let relays: Vec<_> =
            config.relays.iter().map(|address| Ok(split_peer(address)?.1)).collect::<Result<_, ConfigError>>()?;
        if relays.is_empty() {
            return Err(ClientError::NoRelay);
        }
        let unreachable = ClientError::Unreachable {
            relays: config.relays.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            network: config.network.clone(),
            after: config.connect_timeout,
        };
        let (store, snapshot) = Store::volatile(clock::now());
        let parts = Parts {
            keypair: config.keypair,
            network: config.network,
            listen: Vec::new(),
            bootstrap: config.relays,
            loopback_only: false,
            limits: config.limits,
            store: Arc::new(store),
            host: Arc::new(host::ClientHost),
        };
        let client = Self { core: Core::start(parts, snapshot, drop).await?, relays };
        let mut sessions = client.core.sessions();
        let ready = sessions.wait_for(|sessions| client.relays.iter().any(|relay| sessions.contains_key(relay)));
        match tokio::time::timeout(config.connect_timeout, ready).await {
            Ok(Ok(_)) => {}
            _ => return Err(unreachable),
        }
        Ok(client)
    }

    /// Who this client is.
    pub fn peer_id(&self) -> PeerId {
        self.core.keypair.peer_id()
    }

    /// The first relay that is connected; the first of all if none is at the moment.
    pub fn relay(&self) -> PeerId {
        let sessions = self.core.sessions();
        let sessions = sessions.borrow();
        let connected = self.relays.iter().find(|relay| sessions.contains_key(relay));
        *connected.unwrap_or(&self.relays[0])
    }

    /// How far the relay's clock is ahead of this one's, in milliseconds; `None` while it is not connected.
    pub fn clock_ahead(&self) -> Option<i64> {
        self.core.sessions().borrow().get(&self.relay()).copied()
    }

    /// Runs a script and waits for its first response or error, or for the end of its time.
    ///
    /// In the script, at this peer, `getDataSrv.<name>` gives the datum of that name in `data`, `getDataSrv."-relay-"` the
    /// relay's id, `callbackSrv.response(v, ..)` ends the run with these values and `errorHandlingSrv.error(e, n)` with that
    /// error. `ttl` is how long the particle lives.
    ///
    /// # Errors
    /// [`ClientError`] if the particle cannot be made; what goes wrong later is in the outcome.
    pub async fn run(
        &self,
        script: &str,
        data: BTreeMap<String, Value>,
        ttl: Duration,
    ) -> Result<RunOutcome, ClientError> {
        self.run_with(script, data, Functions::default(), ttl).await
    }

    /// The same, with functions that the script may call at this peer.
    ///
    /// # Errors
    /// As [`Client::run`].
    pub async fn run_with(
        &self,
        script: &str,
        data: BTreeMap<String, Value>,
        functions: Functions,
        ttl: Duration,
    ) -> Result<RunOutcome, ClientError> {
        let particle = self.particle(script, ttl)?;
        let (watcher, mut events) = mpsc::unbounded_channel();
        let origin = Origin { watcher, data, relay: self.relay(), functions };
        let live = self.core.enter(particle, Some(origin));
        live.inbox.send(Message::Begin).await.map_err(|_| ClientError::Closed)?;
        let (result, data) = self.wait(&live, &mut events).await?;
        let data = match data {
            Some(data) => Some(data),
            None => bundle(&live).await,
        };
        Ok(RunOutcome::new(result, live.particle.clone(), data))
    }

    /// Closes all connections.
    pub async fn close(self) {
        self.core.shutdown(Duration::ZERO).await;
    }

    fn particle(&self, script: &str, ttl: Duration) -> Result<Particle, ClientError> {
        let max = self.core.limits.ttl;
        let ms = u32::try_from(ttl.as_millis()).ok().filter(|ms| *ms > 0 && ttl <= max);
        let ms = ms.ok_or(ClientError::Ttl { ttl, max })?;
        let mut label = [0; 16];
        // Equal scripts of the same millisecond are told apart by the label; without randomness they would be one particle.
        getrandom::fill(&mut label).map_err(|e| NodeError::Network { reason: e.to_string() })?;
        let label = bs58::encode(label).into_string();
        Ok(Particle::sign_new(&self.core.keypair, label, clock::now(), ms, script)?)
    }

    /// Waits for the event that ends the run. At expiry the data comes with it, since the particle is gone then.
    async fn wait(
        &self,
        live: &Live,
        events: &mut mpsc::UnboundedReceiver<Event>,
    ) -> Result<(Result<Vec<Value>, RunError>, Option<Data>), ClientError> {
        let mut refusals = Vec::new();
        loop {
            let result = match events.recv().await.ok_or(ClientError::Closed)? {
                Event::Response(values) => Ok(values),
                Event::Error { error, index } => Err(RunError::Failed { error, index }),
                Event::Settled(result) => result.map(|()| Vec::new()).map_err(|error| *error),
                Event::Rejected { code, message } => Err(RunError::Rejected { code, message }),
                Event::Refused { peer, refusal } => {
                    let refused = RunError::Refused { peer, code: refusal.code.as_str(), text: refusal.text };
                    if !self.relays.contains(&peer) {
                        refusals.push(refused.to_string());
                        continue;
                    }
                    Err(refused)
                }
                Event::Expired { data } => {
                    let ttl = Duration::from_millis(live.particle.ttl().into());
                    return Ok((Err(RunError::Expired { ttl, refusals }), data));
                }
            };
            return Ok((result, None));
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.core.stop_now();
    }
}

async fn bundle(live: &Live) -> Option<Data> {
    let (done, data) = oneshot::channel();
    live.inbox.send(Message::Bundle { done }).await.ok()?;
    data.await.ok().flatten()
}
