//! The network: one task drives the libp2p swarm; everything else talks to it through [`Net`].
//!
//! Connections are made and limited here; what flows over them is in [`inbound`] and [`outbound`].

pub(crate) mod inbound;
pub(crate) mod outbound;
mod swarm;
pub(crate) mod wire;

use std::{collections::HashSet, time::Duration};

use libp2p::{Multiaddr, Stream, StreamProtocol};
use libp2p_stream::Control;
use marine_particle::PeerId;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

pub(crate) use self::swarm::start;

/// The one protocol of ours.
pub(crate) const PROTOCOL: StreamProtocol = StreamProtocol::new("/marine/particle/1.0.0");

/// How long connecting, opening a stream or exchanging `hello` may take.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(10);

/// What the swarm task is asked to do.
enum Command {
    /// Connect to a peer of which an address is known; answers when that succeeded or failed.
    Connect { peer: PeerId, done: oneshot::Sender<Result<(), String>> },
    /// Remember for good where a peer can be reached.
    Learn { peer: PeerId, address: Multiaddr },
    /// Remember where a peer may be reached, among other places.
    Hear { peer: PeerId, address: Multiaddr },
    /// Tell which peers can be reached, as far as is known, and where.
    Reachable { done: oneshot::Sender<Vec<Contact>> },
}

/// A peer and its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contact {
    pub(crate) peer: PeerId,
    pub(crate) addresses: Vec<Multiaddr>,
}

/// The way to the swarm task.
#[derive(Clone)]
pub(crate) struct Net {
    commands: mpsc::Sender<Command>,
    control: Control,
    connected: watch::Receiver<HashSet<PeerId>>,
    listening: watch::Receiver<Vec<Multiaddr>>,
}

/// Why there is no stream to a peer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("cannot connect: {0}")]
    Connect(String),
    #[error("cannot open a stream: {0}")]
    Stream(String),
    #[error("no answer within {} s", HANDSHAKE.as_secs())]
    Timeout,
    #[error("the network is stopped")]
    Stopped,
}

impl Net {
    /// Opens a stream of our protocol, connecting first if need be.
    pub(crate) async fn open(&self, peer: PeerId) -> Result<Stream, OpenError> {
        self.connect(peer).await?;
        let mut control = self.control.clone();
        let opened = timeout(HANDSHAKE, control.open_stream(peer, PROTOCOL)).await;
        opened.map_err(|_| OpenError::Timeout)?.map_err(|e| OpenError::Stream(e.to_string()))
    }

    /// Connects to a peer, unless it is connected, at the addresses that are known.
    pub(crate) async fn connect(&self, peer: PeerId) -> Result<(), OpenError> {
        if self.is_connected(&peer) {
            return Ok(());
        }
        let (done, answer) = oneshot::channel();
        let connected = async {
            self.commands.send(Command::Connect { peer, done }).await.map_err(|_| OpenError::Stopped)?;
            answer.await.map_err(|_| OpenError::Stopped)?.map_err(OpenError::Connect)
        };
        timeout(HANDSHAKE, connected).await.map_err(|_| OpenError::Timeout)?
    }

    /// Remembers for good where `peer` can be reached.
    pub(crate) async fn learn(&self, peer: PeerId, address: Multiaddr) {
        // A stopped network needs no addresses.
        let _ = self.commands.send(Command::Learn { peer, address }).await;
    }

    /// Remembers where `peer` may be reached, until it hears of better places.
    pub(crate) async fn hear(&self, peer: PeerId, address: Multiaddr) {
        // A stopped network needs no addresses.
        let _ = self.commands.send(Command::Hear { peer, address }).await;
    }

    /// Peers of which an address is known and that did not fail to answer there the last time, in no order.
    pub(crate) async fn reachable(&self) -> Vec<Contact> {
        let (done, answer) = oneshot::channel();
        // A stopped network reaches nobody.
        let _ = self.commands.send(Command::Reachable { done }).await;
        answer.await.unwrap_or_default()
    }

    pub(crate) fn is_connected(&self, peer: &PeerId) -> bool {
        self.connected.borrow().contains(peer)
    }

    /// Peers with an open connection, as it changes.
    pub(crate) fn connected(&self) -> watch::Receiver<HashSet<PeerId>> {
        self.connected.clone()
    }

    /// Addresses that are listened on.
    pub(crate) fn listening(&self) -> Vec<Multiaddr> {
        self.listening.borrow().clone()
    }
}
