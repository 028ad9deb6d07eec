//! The swarm and the task that drives it: listening, dialling, the address book, who is connected.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    net::{IpAddr, TcpListener},
    time::Duration,
};

use futures::StreamExt;
use libp2p::{
    Multiaddr, Swarm, SwarmBuilder,
    connection_limits::{self, ConnectionLimits},
    core::transport::ListenerId,
    identify,
    multiaddr::Protocol,
    noise, ping,
    swarm::{DialError, NetworkBehaviour, SwarmEvent, dial_opts::DialOpts},
    tcp, yamux,
};
use libp2p_stream::IncomingStreams;
use marine_particle::{Keypair, PeerId};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use super::{Command, Contact, HANDSHAKE, Net, PROTOCOL};
use crate::{config::NodeLimits, error::NodeError};

/// Connections of one peer.
const PER_PEER: u32 = 4;
/// Handshakes at once, in each direction.
const PENDING: u32 = 128;
/// A connection without streams is closed after this time.
const IDLE: Duration = Duration::from_secs(60);
/// Peers of which addresses are remembered.
const BOOK: usize = 1024;
/// Addresses remembered per peer.
const ADDRESSES: usize = 8;

#[derive(NetworkBehaviour)]
struct Behaviour {
    limits: connection_limits::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    streams: libp2p_stream::Behaviour,
}

/// A running network.
pub(crate) struct Started {
    pub(crate) net: Net,
    /// Streams that peers open.
    pub(crate) incoming: IncomingStreams,
    /// Ends when the network has let go of its addresses.
    pub(crate) driver: JoinHandle<()>,
}

/// Starts the network. Returns once every address of `listen` is listened on.
pub(crate) async fn start(
    keypair: &Keypair,
    listen: &[Multiaddr],
    loopback_only: bool,
    limits: &NodeLimits,
    mut stop: watch::Receiver<bool>,
) -> Result<Started, NodeError> {
    let mut swarm = build(keypair, limits)?;
    let control = swarm.behaviour().streams.new_control();
    let incoming = control.clone().accept(PROTOCOL).map_err(|e| NodeError::Network { reason: e.to_string() })?;
    let listening = listen_on(&mut swarm, listen).await?;
    let (commands, requests) = mpsc::channel(64);
    let (connected, connected_now) = watch::channel(HashSet::new());
    let (addresses, addresses_now) = watch::channel(listening);
    let net = Net { commands, control, connected: connected_now, listening: addresses_now };
    let driver = Driver { swarm, book: Book::default(), dialling: HashMap::new(), connected, addresses, loopback_only };
    let driver = tokio::spawn(async move {
        tokio::select! {
            () = driver.run(requests) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    });
    Ok(Started { net, incoming, driver })
}

fn build(keypair: &Keypair, limits: &NodeLimits) -> Result<Swarm<Behaviour>, NodeError> {
    let failed = |reason: String| NodeError::Network { reason };
    let (incoming, outgoing) = limits.connections;
    let connection_limits = ConnectionLimits::default()
        .with_max_established_incoming(Some(incoming))
        .with_max_established_outgoing(Some(outgoing))
        .with_max_established_per_peer(Some(PER_PEER))
        .with_max_pending_incoming(Some(PENDING))
        .with_max_pending_outgoing(Some(PENDING));
    let builder = SwarmBuilder::with_existing_identity(keypair.to_libp2p())
        .with_tokio()
        .with_tcp(tcp::Config::new().nodelay(true), noise::Config::new, yamux::Config::default)
        .map_err(|e| failed(e.to_string()))?
        .with_behaviour(|key| Behaviour {
            limits: connection_limits::Behaviour::new(connection_limits),
            identify: identify::Behaviour::new(
                identify::Config::new("/marine/1.0.0".to_owned(), key.public())
                    .with_agent_version(format!("marine/{}", env!("CARGO_PKG_VERSION"))),
            ),
            ping: ping::Behaviour::new(ping::Config::new().with_interval(Duration::from_secs(15))),
            streams: libp2p_stream::Behaviour::new(),
        })
        .map_err(|e| failed(e.to_string()))?;
    Ok(builder
        .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE))
        .with_connection_timeout(HANDSHAKE)
        .build())
}

/// Listens and waits until the system has said on which addresses.
async fn listen_on(swarm: &mut Swarm<Behaviour>, listen: &[Multiaddr]) -> Result<Vec<Multiaddr>, NodeError> {
    let failed = |address: &Multiaddr, reason: String| NodeError::Listen { address: address.clone(), reason };
    let mut waiting: HashMap<ListenerId, &Multiaddr> = HashMap::new();
    for address in listen {
        probe(address).map_err(|e| failed(address, e.to_string()))?;
        let id = swarm.listen_on(address.clone()).map_err(|e| failed(address, e.to_string()))?;
        waiting.insert(id, address);
    }
    let mut listening = Vec::new();
    while !waiting.is_empty() {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { listener_id, address } => {
                waiting.remove(&listener_id);
                listening.push(address);
            }
            SwarmEvent::ListenerClosed { listener_id, reason, .. } => {
                if let Some(address) = waiting.remove(&listener_id) {
                    let reason = reason.err().map_or_else(|| "closed".to_owned(), |e| e.to_string());
                    return Err(failed(address, reason));
                }
            }
            _ => {}
        }
    }
    Ok(listening)
}

/// Fails if somebody else has the port: libp2p's own listeners share ports, so it would not notice.
fn probe(address: &Multiaddr) -> std::io::Result<()> {
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next() {
        Some(Protocol::Ip4(ip)) => ip.into(),
        Some(Protocol::Ip6(ip)) => ip.into(),
        _ => return Ok(()),
    };
    match parts.next() {
        Some(Protocol::Tcp(port)) if port != 0 => TcpListener::bind((ip, port)).map(drop),
        _ => Ok(()),
    }
}

/// Where peers were found before: the latest few addresses of the latest few peers.
#[derive(Default)]
struct Book {
    addresses: HashMap<PeerId, VecDeque<Multiaddr>>,
    order: VecDeque<PeerId>,
    /// Configured addresses, which nobody can push out.
    fixed: HashMap<PeerId, Vec<Multiaddr>>,
    /// Those of them that could not be reached the last time.
    away: HashSet<PeerId>,
}

impl Book {
    fn learn(&mut self, peer: PeerId, address: Multiaddr) {
        let known = self.addresses.entry(peer).or_insert_with(|| {
            self.order.push_back(peer);
            VecDeque::new()
        });
        known.retain(|old| *old != address);
        known.push_front(address);
        known.truncate(ADDRESSES);
        if self.order.len() > BOOK
            && let Some(oldest) = self.order.pop_front()
        {
            self.addresses.remove(&oldest);
            if !self.fixed.contains_key(&oldest) {
                self.away.remove(&oldest);
            }
        }
    }

    /// Notes whether a peer could be reached.
    fn tried(&mut self, peer: &PeerId, reached: bool) {
        if reached {
            self.away.remove(peer);
        } else if self.addresses.contains_key(peer) || self.fixed.contains_key(peer) {
            self.away.insert(*peer);
        }
    }

    fn reachable(&self) -> Vec<Contact> {
        let learnt = self.addresses.keys().filter(|peer| !self.fixed.contains_key(peer));
        let peers = self.fixed.keys().chain(learnt).filter(|peer| !self.away.contains(peer));
        peers.map(|&peer| Contact { peer, addresses: self.of(&peer) }).collect()
    }

    fn of(&self, peer: &PeerId) -> Vec<Multiaddr> {
        let fixed = self.fixed.get(peer).into_iter().flatten();
        let learnt = self.addresses.get(peer).into_iter().flatten();
        let mut all: Vec<_> = fixed.cloned().collect();
        all.extend(learnt.filter(|address| !all.contains(address)).cloned().collect::<Vec<_>>());
        all
    }
}

type Waiter = oneshot::Sender<Result<(), String>>;

struct Driver {
    swarm: Swarm<Behaviour>,
    book: Book,
    /// Who waits for a connection that is being made.
    dialling: HashMap<PeerId, Vec<Waiter>>,
    connected: watch::Sender<HashSet<PeerId>>,
    addresses: watch::Sender<Vec<Multiaddr>>,
    /// Only addresses of loopback are dialled.
    loopback_only: bool,
}

impl Driver {
    async fn run(mut self, mut requests: mpsc::Receiver<Command>) {
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.event(event),
                request = requests.recv() => match request {
                    Some(request) => self.command(request),
                    None => return,
                },
            }
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Learn { peer, address } => self.book.fixed.entry(peer).or_default().push(address),
            Command::Hear { peer, address } => self.book.learn(peer, address),
            Command::Connect { peer, done } => self.connect(peer, done),
            // Who no longer waits needs no answer.
            Command::Reachable { done } => drop(done.send(self.book.reachable())),
        }
    }

    fn connect(&mut self, peer: PeerId, done: Waiter) {
        if self.swarm.is_connected(&peer) {
            return answer(done, Ok(()));
        }
        if let Some(waiters) = self.dialling.get_mut(&peer) {
            return waiters.push(done);
        }
        let mut addresses = self.book.of(&peer);
        addresses.retain(|address| !self.loopback_only || crate::config::is_loopback(address));
        if addresses.is_empty() {
            return answer(done, Err("no address of this peer is known".to_owned()));
        }
        match self.swarm.dial(DialOpts::peer_id(peer).addresses(addresses).build()) {
            Ok(()) => drop(self.dialling.insert(peer, vec![done])),
            // Somebody dials it already: its success or failure is ours.
            Err(DialError::DialPeerConditionFalse(_)) => drop(self.dialling.insert(peer, vec![done])),
            Err(error) => answer(done, Err(error.to_string())),
        }
    }

    fn event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } => {
                tracing::debug!(target: "net", peer = %peer_id, "connected");
                if endpoint.is_dialer() {
                    self.book.learn(peer_id, endpoint.get_remote_address().clone());
                }
                self.book.tried(&peer_id, true);
                self.connected.send_if_modified(|peers| peers.insert(peer_id));
                self.dialled(&peer_id, Ok(()));
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, cause, .. } => {
                tracing::debug!(target: "net", peer = %peer_id, ?cause, "disconnected");
                self.connected.send_if_modified(|peers| peers.remove(&peer_id));
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. } => {
                tracing::debug!(target: "net", %peer, %error, "cannot connect");
                if !self.swarm.is_connected(&peer) {
                    self.book.tried(&peer, false);
                }
                self.dialled(&peer, Err(error.to_string()));
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                self.addresses.send_modify(|known| known.push(address));
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                self.addresses.send_modify(|known| known.retain(|a| *a != address));
            }
            SwarmEvent::Behaviour(event) => self.behaviour(event),
            _ => {}
        }
    }

    fn behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                for address in info.listen_addrs.into_iter().take(ADDRESSES) {
                    self.book.learn(peer_id, address);
                }
            }
            // A peer that does not speak ping may stay; one that no longer answers is gone, even if the system has not noticed.
            BehaviourEvent::Ping(ping::Event { result: Err(ping::Failure::Unsupported), .. }) => {}
            BehaviourEvent::Ping(ping::Event { connection, result: Err(error), .. }) => {
                tracing::debug!(target: "net", %error, "no answer to ping");
                self.swarm.close_connection(connection);
            }
            _ => {}
        }
    }

    fn dialled(&mut self, peer: &PeerId, result: Result<(), String>) {
        for waiter in self.dialling.remove(peer).unwrap_or_default() {
            answer(waiter, result.clone());
        }
    }
}

/// Who no longer waits needs no answer.
fn answer(waiter: Waiter, result: Result<(), String>) {
    let _ = waiter.send(result);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_do_not_push_out_configured_addresses() {
        let relay = PeerId::random();
        let address: Multiaddr = "/ip4/127.0.0.1/tcp/7777".parse().unwrap();
        let mut book = Book::default();
        book.fixed.entry(relay).or_default().push(address.clone());
        for port in 1..=2 * ADDRESSES as u16 {
            book.learn(relay, Multiaddr::empty().with(Protocol::Tcp(port)));
        }
        for _ in 0..=BOOK {
            book.learn(PeerId::random(), address.clone());
        }
        assert_eq!(book.of(&relay), [address]);
        assert_eq!(book.addresses.len(), BOOK);
    }

    #[test]
    fn who_did_not_answer_is_not_reachable_until_met_again() {
        let (ann, bob) = (PeerId::random(), PeerId::random());
        let address: Multiaddr = "/ip4/127.0.0.1/tcp/7777".parse().unwrap();
        let mut book = Book::default();
        book.fixed.entry(ann).or_default().push(address.clone());
        book.learn(ann, address.clone());
        book.learn(bob, address.clone());
        let names = |book: &Book| book.reachable().into_iter().map(|contact| contact.peer).collect::<Vec<_>>();
        assert_eq!(names(&book), [ann, bob]);
        book.tried(&ann, false);
        book.tried(&PeerId::random(), false);
        assert_eq!(book.reachable(), [Contact { peer: bob, addresses: vec![address] }]);
        assert_eq!(book.away.len(), 1, "strangers are not remembered");
        book.tried(&ann, true);
        assert_eq!(names(&book), [ann, bob]);
    }
}
