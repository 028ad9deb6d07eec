//! What a node and a client have in common: live particles, neighbours, the store, and the host that answers calls.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use cid::Cid;
use futures::future::BoxFuture;
use libp2p::Multiaddr;
use marine_air::execution::{CallRequest, CallResult};
use marine_particle::{Keypair, Particle, PeerId};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::JoinHandle,
};

use crate::{
    actor::{self, Message},
    admission::Ticket,
    clock,
    config::{NodeLimits, split_peer},
    error::NodeError,
    frame::{Code, Hello, Refusal, VERSION},
    live::{Event, INBOX, Live, Origin},
    net::{self, Net, inbound::Answer, outbound::Lanes},
    rates::Rates,
    store::{Op, Snapshot, Store},
};

/// Answers the calls that scripts make to this peer.
pub(crate) trait Host: Send + Sync + 'static {
    /// Answers `request`, made by the particle `live`.
    fn call(&self, live: &Arc<Live>, request: CallRequest) -> Answering;

    /// A particle has ended: what is kept for it goes.
    fn forget(&self, _particle: Cid) {}
}

/// An answer, or what will give it.
pub(crate) enum Answering {
    /// The answer.
    Now(CallResult),
    /// The answer comes later; nothing blocks a thread of the executor meanwhile.
    Later(BoxFuture<'static, CallResult>),
    /// The answer is a matter of time only: nobody waits for it when the node ends.
    Timer(BoxFuture<'static, CallResult>),
    /// The answer is `null`, and whoever started the particle is told this once it is durable.
    End(Event),
}

/// What [`Core::start`] needs.
pub(crate) struct Parts {
    pub(crate) keypair: Keypair,
    pub(crate) network: String,
    pub(crate) listen: Vec<Multiaddr>,
    pub(crate) bootstrap: Vec<Multiaddr>,
    pub(crate) loopback_only: bool,
    pub(crate) limits: NodeLimits,
    pub(crate) store: Arc<Store>,
    pub(crate) host: Arc<dyn Host>,
}

/// See the module's documentation.
pub(crate) struct Core {
    pub(crate) keypair: Keypair,
    pub(crate) limits: NodeLimits,
    pub(crate) store: Arc<Store>,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) net: Net,
    pub(crate) lanes: Lanes,
    /// When the store was made, in milliseconds since 1970.
    pub(crate) birth: u64,
    /// Room for messages of which parts are missing, in bytes.
    pub(crate) assembling: Arc<Semaphore>,
    /// Calls that are being answered.
    pub(crate) calls: AtomicUsize,
    network: String,
    particles: Mutex<HashMap<Cid, Arc<Live>>>,
    rates: Mutex<(Rates, Rates)>,
    /// Peers that said hello on our substream, and how far their clocks are ahead, in milliseconds.
    sessions: watch::Sender<HashMap<PeerId, i64>>,
    draining: AtomicBool,
    stop: watch::Sender<bool>,
    /// The network's task, until the end.
    driver: Mutex<Option<JoinHandle<()>>>,
}

/// The two buckets of a particle that enters, under one lock.
pub(crate) struct RatesGuard<'a>(MutexGuard<'a, (Rates, Rates)>);

impl Core {
    /// Starts the network and revives what the store remembers.
    ///
    /// `connected` gets the network before any particle runs.
    pub(crate) async fn start(
        parts: Parts,
        snapshot: Snapshot,
        connected: impl FnOnce(Net),
    ) -> Result<Arc<Self>, NodeError> {
        let bootstrap: Vec<_> = parts.bootstrap.iter().map(split_peer).collect::<Result<_, _>>()?;
        let (stop, stopped) = watch::channel(false);
        let started = net::start(&parts.keypair, &parts.listen, parts.loopback_only, &parts.limits, stopped).await?;
        let core = Arc::new(Self {
            rates: Mutex::new((Rates::new(parts.limits.rate_peer), Rates::new(parts.limits.rate_init))),
            assembling: Arc::new(Semaphore::new(parts.limits.assembling.min(Semaphore::MAX_PERMITS))),
            keypair: parts.keypair,
            limits: parts.limits,
            store: parts.store,
            host: parts.host,
            net: started.net,
            lanes: Lanes::default(),
            birth: snapshot.birth,
            calls: AtomicUsize::new(0),
            network: parts.network,
            particles: Mutex::default(),
            sessions: watch::channel(HashMap::new()).0,
            draining: AtomicBool::new(false),
            stop,
            driver: Mutex::new(Some(started.driver)),
        });
        connected(core.net.clone());
        core.revive(snapshot);
        tokio::spawn(net::inbound::accept(core.clone(), started.incoming));
        tokio::spawn(core.clone().notice_connections());
        for (address, peer) in bootstrap {
            core.net.learn(peer, address).await;
            core.lanes.pin(&core, peer);
        }
        Ok(core)
    }

    /// Goes on with particles that are alive, and forgets the others.
    fn revive(self: &Arc<Self>, snapshot: Snapshot) {
        let now = clock::now();
        let mut addressed: HashMap<Cid, Vec<PeerId>> = HashMap::new();
        for (peer, cid, _) in snapshot.outbox {
            addressed.entry(cid).or_default().push(peer);
        }
        for stored in snapshot.particles {
            let peers = addressed.remove(&stored.cid).unwrap_or_default();
            match Particle::decode(&stored.envelope) {
                Ok(particle) if !particle.expired(now) => {
                    let (live, inbox) = self.make_live(particle, None);
                    lock(&self.particles).insert(live.cid, live.clone());
                    tokio::spawn(actor::run(self.clone(), live, inbox, stored.records, peers));
                }
                expired_or_damaged => {
                    if let Err(error) = expired_or_damaged {
                        tracing::error!(target: "store", cid = %stored.cid, %error, "dropped a damaged particle");
                    }
                    self.store.submit(vec![Op::Sweep { cid: stored.cid, peers }]);
                    self.host.forget(stored.cid);
                }
            }
        }
    }

    /// Hands data over to the particle's actor. Waits while that has too much to do.
    pub(crate) async fn deliver(self: &Arc<Self>, ticket: Ticket, from: PeerId, data: Vec<u8>, answer: Answer) {
        let live = match ticket {
            Ticket::Live(live) => live,
            Ticket::New(particle) => self.enter(*particle, None),
        };
        let message = Message::Data { from, data, answer };
        if let Err(mpsc::error::SendError(Message::Data { answer, .. })) = live.inbox.send(message).await {
            answer.refuse(Refusal::new(Code::Overloaded, "the particle is about to leave memory").retry(500));
        }
    }

    /// The live particle of this envelope: a new one, unless somebody else brought it meanwhile.
    pub(crate) fn enter(self: &Arc<Self>, particle: Particle, origin: Option<Origin>) -> Arc<Live> {
        let mut particles = lock(&self.particles);
        if let Some(live) = particles.get(&particle.cid()) {
            return live.clone();
        }
        let (live, inbox) = self.make_live(particle, origin);
        particles.insert(live.cid, live.clone());
        drop(particles);
        tokio::spawn(actor::run(self.clone(), live.clone(), inbox, Vec::new(), Vec::new()));
        live
    }

    fn make_live(&self, particle: Particle, origin: Option<Origin>) -> (Arc<Live>, mpsc::Receiver<Message>) {
        let (inbox, messages) = mpsc::channel(INBOX);
        (Arc::new(Live::new(particle, self.keypair.clone(), inbox, origin)), messages)
    }

    /// Forgets a particle whose actor has ended.
    pub(crate) fn leave(&self, cid: &Cid) {
        lock(&self.particles).remove(cid);
    }

    pub(crate) fn live(&self, cid: &Cid) -> Option<Arc<Live>> {
        lock(&self.particles).get(cid).cloned()
    }

    pub(crate) fn live_count(&self) -> usize {
        lock(&self.particles).len()
    }

    /// The neighbour has the particle as of `upto` records.
    pub(crate) fn delivered(&self, peer: PeerId, cid: Cid, upto: u64) {
        self.store.submit(vec![Op::Delivered { peer, cid, upto }]);
    }

    pub(crate) fn rates(&self) -> RatesGuard<'_> {
        RatesGuard(lock(&self.rates))
    }

    pub(crate) fn hello(&self) -> Hello {
        Hello {
            version: VERSION,
            now: clock::now(),
            net: self.network.clone(),
            frames: self.limits.credit_frames,
            bytes: self.limits.credit_bytes,
        }
    }

    /// A peer said hello on our substream to it.
    pub(crate) fn greeted(&self, peer: PeerId, hello: &Hello) {
        let ahead = hello.now.wrapping_sub(clock::now()).cast_signed();
        self.sessions.send_modify(|sessions| _ = sessions.insert(peer, ahead));
    }

    /// Our substream to a peer ended.
    pub(crate) fn parted(&self, peer: &PeerId) {
        self.sessions.send_modify(|sessions| _ = sessions.remove(peer));
    }

    pub(crate) fn sessions(&self) -> watch::Receiver<HashMap<PeerId, i64>> {
        self.sessions.subscribe()
    }

    /// Turns true when everything has to end.
    pub(crate) fn stopped(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Takes no new particles, lets running calls and deliveries to connected peers end (no longer than `drain`), and stops.
    pub(crate) async fn shutdown(&self, drain: Duration) {
        self.draining.store(true, Ordering::Relaxed);
        let done = async {
            let mut tick = tokio::time::interval(Duration::from_millis(5));
            while !self.is_quiet() {
                tick.tick().await;
            }
        };
        if tokio::time::timeout(drain, done).await.is_err() && !drain.is_zero() {
            tracing::warn!(target: "node", "calls or deliveries did not end in time; they go on after a restart");
        }
        self.stop.send_replace(true);
        let driver = lock(&self.driver).take();
        if let Some(driver) = driver
            && let Err(error) = driver.await
        {
            tracing::error!(target: "net", %error, "the network's task was lost");
        }
        self.store.close().await;
    }

    /// Stops without waiting for anything.
    pub(crate) fn stop_now(&self) {
        self.stop.send_replace(true);
    }

    fn is_quiet(&self) -> bool {
        self.calls.load(Ordering::Relaxed) == 0 && self.lanes.idle(|peer| self.net.is_connected(peer))
    }

    /// Wakes lanes whose peer connected by itself.
    async fn notice_connections(self: Arc<Self>) {
        let (mut connected, mut stop) = (self.net.connected(), self.stopped());
        let mut known: HashSet<PeerId> = HashSet::new();
        loop {
            let now = connected.borrow_and_update().clone();
            now.difference(&known).for_each(|peer| self.lanes.connected(peer));
            known = now;
            let changed = tokio::select! {
                changed = connected.changed() => changed.is_ok(),
                _ = stop.wait_for(|stop| *stop) => false,
            };
            if !changed {
                return;
            }
        }
    }
}

impl RatesGuard<'_> {
    /// Takes a token of the neighbour and one of the init peer.
    ///
    /// # Errors
    /// Milliseconds to wait.
    pub(crate) fn take(&mut self, from: PeerId, init: PeerId) -> Result<(), u64> {
        let now = std::time::Instant::now();
        self.0.0.take(from, now)?;
        self.0.1.take(init, now)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
