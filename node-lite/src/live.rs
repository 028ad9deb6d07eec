//! A particle that is alive here: its execution, and what each neighbour is known to have of it.
//!
//! The actor (`actor`) feeds the execution; lanes (`net::outbound`) ask it what to send. Both take the same lock, for the time
//! of one step.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, OnceLock},
};

use cid::Cid;
use marine_air::{
    data::{Data, Heads},
    execution::Execution,
};
use marine_particle::{Keypair, Particle, PeerId};
use tokio::sync::{Mutex, mpsc};

use crate::{
    actor::Message,
    frame::{Heights, Refusal},
};

/// Messages that may wait for the actor of one particle.
pub(crate) const INBOX: usize = 64;
/// A step over this many bytes may take its time: other tasks are moved off the thread.
const HEAVY: usize = 128 << 10;

/// See the module's documentation.
pub(crate) struct Live {
    pub(crate) cid: Cid,
    pub(crate) particle: Arc<Particle>,
    pub(crate) inbox: mpsc::Sender<Message>,
    /// Whoever started the particle here.
    pub(crate) origin: Option<Origin>,
    state: Mutex<State>,
    keypair: Keypair,
    token: OnceLock<String>,
}

/// Whoever started a particle here, and what it gives to the script.
pub(crate) struct Origin {
    /// Told what matters to it.
    pub(crate) watcher: mpsc::UnboundedSender<Event>,
    /// What `getDataSrv` gives.
    pub(crate) data: BTreeMap<String, serde_json::Value>,
    /// What `getDataSrv."-relay-"` gives.
    pub(crate) relay: PeerId,
    /// What else it offers to the script.
    pub(crate) functions: crate::client::Functions,
}

/// What the starter of a particle is told.
#[derive(Debug)]
pub(crate) enum Event {
    /// The script called `callbackSrv.response`.
    Response(Vec<serde_json::Value>),
    /// The script called `errorHandlingSrv.error`.
    Error { error: serde_json::Value, index: serde_json::Value },
    /// A neighbour will not take the particle.
    Refused { peer: PeerId, refusal: Refusal },
    /// The script failed, or is complete, and nothing local waits.
    Settled(Result<(), Box<crate::client::RunError>>),
    /// The execution rejected the particle or a result.
    Rejected { code: i64, message: String },
    /// Time is over; with what was known until then.
    Expired { data: Option<Data> },
}

#[derive(Default)]
pub(crate) struct State {
    /// `None` until the actor has built it.
    pub(crate) execution: Option<Execution>,
    /// Records in the journal.
    pub(crate) journal: u64,
    /// Bytes of these records.
    pub(crate) bytes: usize,
    /// Peers it was ever addressed to.
    pub(crate) addressed: HashSet<PeerId>,
    neighbours: HashMap<PeerId, Neighbour>,
}

#[derive(Default)]
struct Neighbour {
    /// What it has, as far as is known.
    heads: Heads,
    /// Whether it has the envelope.
    envelope: bool,
    /// Whether it refused the particle for good.
    refused: bool,
    /// How often it asked for more since it last acknowledged.
    asked: u32,
}

/// What a lane sends.
pub(crate) struct Outgoing {
    pub(crate) env: Option<Vec<u8>>,
    pub(crate) data: Vec<u8>,
    /// The journal's length that this covers.
    pub(crate) upto: u64,
}

impl Live {
    pub(crate) fn new(
        particle: Particle,
        keypair: Keypair,
        inbox: mpsc::Sender<Message>,
        origin: Option<Origin>,
    ) -> Self {
        Self {
            cid: particle.cid(),
            particle: Arc::new(particle),
            inbox,
            origin,
            state: Mutex::default(),
            keypair,
            token: OnceLock::new(),
        }
    }

    /// When the particle ends, in milliseconds since 1970.
    pub(crate) fn end(&self) -> u64 {
        self.particle.timestamp().saturating_add(self.particle.ttl().into())
    }

    pub(crate) async fn state(&self) -> tokio::sync::MutexGuard<'_, State> {
        self.state.lock().await
    }

    pub(crate) fn tell(&self, event: Event) {
        if let Some(origin) = &self.origin {
            // Who no longer listens needs no events.
            let _ = origin.watcher.send(event);
        }
    }

    /// A text that only this peer and the services it calls for this particle know; the same after a restart.
    pub(crate) fn token(&self) -> String {
        let make = || {
            let secret = self.keypair.sign(&[b"marine-token-1\0", self.cid.to_bytes().as_slice()].concat());
            bs58::encode(&blake3::hash(&secret).as_bytes()[..16]).into_string()
        };
        self.token.get_or_init(make).clone()
    }

    /// What `peer` lacks; `None` if it lacks nothing or will not have it.
    pub(crate) async fn outgoing(&self, peer: &PeerId) -> Option<Outgoing> {
        let mut state = self.state.lock().await;
        let state = &mut *state;
        let execution = state.execution.as_mut()?;
        let neighbour = state.neighbours.entry(*peer).or_default();
        if neighbour.refused || (neighbour.envelope && neighbour.heads.covers(execution.heads())) {
            return None;
        }
        let make = || execution.outgoing(&neighbour.heads, &self.keypair).map(|data| data.encode());
        match heavy(state.bytes, make) {
            Ok(data) => {
                let env = (!neighbour.envelope).then(|| self.particle.encode());
                Some(Outgoing { env, data, upto: state.journal })
            }
            Err(error) => {
                tracing::error!(target: "particle", cid = %self.cid, %error, "cannot sign");
                None
            }
        }
    }

    /// `peer` has verified and stored logs up to `heads`.
    pub(crate) async fn acked(&self, peer: &PeerId, mut heads: Heights) {
        let mut state = self.state.lock().await;
        let state = &mut *state;
        // Logs that are not here are of no interest, and could be made up without end.
        heads.retain(|peer, _| state.execution.as_ref().is_some_and(|execution| execution.heads().get(peer) > 0));
        let neighbour = state.neighbours.entry(*peer).or_default();
        neighbour.envelope = true;
        neighbour.asked = 0;
        raise(&mut neighbour.heads, heads);
    }

    /// `peer` lacks something we thought it had; `heads` is what it has. Returns how often it asked by now.
    pub(crate) async fn behind(&self, peer: &PeerId, heads: Heights) -> u32 {
        let mut state = self.state.lock().await;
        let neighbour = state.neighbours.entry(*peer).or_default();
        neighbour.heads = Heads::default();
        raise(&mut neighbour.heads, heads);
        neighbour.asked += 1;
        neighbour.asked
    }

    /// `peer` does not know the particle. Returns how often it asked by now.
    pub(crate) async fn unknown_to(&self, peer: &PeerId) -> u32 {
        let mut state = self.state.lock().await;
        let neighbour = state.neighbours.entry(*peer).or_default();
        (neighbour.envelope, neighbour.heads) = (false, Heads::default());
        neighbour.asked += 1;
        neighbour.asked
    }

    /// `peer` will never take the particle.
    pub(crate) async fn give_up(&self, peer: PeerId, refusal: Refusal) {
        self.state.lock().await.neighbours.entry(peer).or_default().refused = true;
        self.tell(Event::Refused { peer, refusal });
    }
}

impl State {
    /// `peer` sent verified data with logs up to `heads`, so it has them.
    pub(crate) fn heard_from(&mut self, peer: PeerId, heads: &Heads) {
        let neighbour = self.neighbours.entry(peer).or_default();
        neighbour.envelope = true;
        neighbour.heads.join(heads);
    }

    /// Heights of all logs.
    pub(crate) fn heights(&self) -> Heights {
        let heads = self.execution.as_ref().map(|execution| execution.heads().iter());
        heads.into_iter().flatten().map(|(peer, height)| (*peer, height)).collect()
    }
}

/// Runs `step`, which works on about so many `bytes`.
pub(crate) fn heavy<T>(bytes: usize, step: impl FnOnce() -> T) -> T {
    if bytes > HEAVY { tokio::task::block_in_place(step) } else { step() }
}

fn raise(heads: &mut Heads, to: impl IntoIterator<Item = (PeerId, u64)>) {
    to.into_iter().for_each(|(peer, height)| heads.insert(peer, height));
}
