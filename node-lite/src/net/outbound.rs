//! What we send: one lane per peer, which keeps a queue of particles that have to get there, and one substream.
//!
//! The queue names particles only. What is sent is made at the moment of sending, so several updates of one particle become
//! one message, and waiting costs no memory. At most one message of a particle is on its way to a peer.

mod session;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cid::Cid;
use marine_particle::PeerId;
use tokio::sync::Notify;

use crate::core::Core;

/// First and longest pause between tries to reach a peer.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// Peers that particles may wait for at once; those that are connected always have a lane.
const LANES: usize = 10_000;

/// All lanes.
#[derive(Default)]
pub(crate) struct Lanes {
    lanes: Mutex<HashMap<PeerId, Arc<Lane>>>,
}

/// The way to one peer.
pub(crate) struct Lane {
    peer: PeerId,
    queue: Mutex<Queue>,
    /// Something was queued.
    wake: Notify,
    /// The peer connected: waiting for the next try is over.
    connected: Notify,
    /// Kept open without anything to send.
    pinned: AtomicBool,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Cid>,
    queued: HashSet<Cid>,
    /// Messages on their way; `true` if there is news for the same particle.
    in_flight: HashMap<Cid, bool>,
    /// Whether a task serves the lane.
    served: bool,
}

impl Lanes {
    /// Queues `cid` for `peer`.
    pub(crate) fn enqueue(&self, core: &Arc<Core>, peer: PeerId, cid: Cid) {
        let full = {
            let lanes = lock(&self.lanes);
            lanes.len() >= LANES && !lanes.contains_key(&peer) && !core.net.is_connected(&peer)
        };
        if full {
            // The line stays in the store; a restart tries again.
            tracing::warn!(target: "net", %peer, %cid, "particles wait for too many peers: this one is not sent");
            return;
        }
        let lane = self.lane(peer);
        lane.enqueue(cid);
        lane.serve(core);
    }

    /// Connects to `peer` now, and again whenever the connection is lost.
    pub(crate) fn pin(&self, core: &Arc<Core>, peer: PeerId) {
        let lane = self.lane(peer);
        lane.pinned.store(true, Ordering::Relaxed);
        lane.serve(core);
    }

    /// The peer connected by itself.
    pub(crate) fn connected(&self, peer: &PeerId) {
        if let Some(lane) = lock(&self.lanes).get(peer) {
            lane.connected.notify_one();
        }
    }

    /// Whether nothing is on its way to, or waits for, those of the peers that `reachable` picks.
    pub(crate) fn idle(&self, reachable: impl Fn(&PeerId) -> bool) -> bool {
        lock(&self.lanes).values().filter(|lane| reachable(&lane.peer)).all(|lane| lane.queue().is_idle())
    }

    fn lane(&self, peer: PeerId) -> Arc<Lane> {
        lock(&self.lanes).entry(peer).or_insert_with(|| Arc::new(Lane::new(peer))).clone()
    }

    /// Forgets a lane that has nothing to do, unless it got something meanwhile.
    fn retire(&self, lane: &Lane) -> bool {
        let mut lanes = lock(&self.lanes);
        let mut queue = lane.queue();
        if !queue.is_idle() || lane.pinned.load(Ordering::Relaxed) {
            return false;
        }
        queue.served = false;
        lanes.remove(&lane.peer);
        true
    }
}

impl Queue {
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_empty()
    }

    fn push(&mut self, cid: Cid) {
        if let Some(news) = self.in_flight.get_mut(&cid) {
            *news = true;
        } else if self.queued.insert(cid) {
            self.waiting.push_back(cid);
        }
    }

    /// The next particle to send; it counts as on its way from now on.
    fn pop(&mut self) -> Option<Cid> {
        let cid = self.waiting.pop_front()?;
        self.queued.remove(&cid);
        self.in_flight.insert(cid, false);
        Some(cid)
    }

    /// Forgets what waits and is not `wanted` any more.
    fn retain(&mut self, wanted: impl Fn(&Cid) -> bool) {
        self.waiting.retain(&wanted);
        self.queued.retain(wanted);
    }

    /// The message was answered for good. Queues the particle again if there is news; returns whether.
    fn settle(&mut self, cid: Cid) -> bool {
        let news = self.in_flight.remove(&cid).unwrap_or(false);
        if news {
            self.push(cid);
        }
        news
    }

    /// The message was lost or has to be sent again.
    fn again(&mut self, cid: Cid) {
        self.in_flight.remove(&cid);
        self.push(cid);
    }
}

impl Lane {
    fn new(peer: PeerId) -> Self {
        Self {
            peer,
            queue: Mutex::default(),
            wake: Notify::new(),
            connected: Notify::new(),
            pinned: AtomicBool::new(false),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        lock(&self.queue)
    }

    fn enqueue(&self, cid: Cid) {
        self.queue().push(cid);
        self.wake.notify_one();
    }

    /// Sees to it that a task serves the lane.
    fn serve(self: &Arc<Self>, core: &Arc<Core>) {
        let served = std::mem::replace(&mut self.queue().served, true);
        if !served {
            let (lane, core) = (self.clone(), core.clone());
            tokio::spawn(async move {
                let mut stop = core.stopped();
                tokio::select! {
                    () = run(&core, &lane) => {}
                    _ = stop.wait_for(|stop| *stop) => {}
                }
            });
        }
    }
}

/// Serves a lane until it has nothing to do.
async fn run(core: &Arc<Core>, lane: &Arc<Lane>) {
    let mut pause = PAUSES.0;
    loop {
        // Expired particles would keep the lane of a peer that never comes.
        lane.queue().retain(|cid| core.live(cid).is_some());
        if core.lanes.retire(lane) {
            return;
        }
        match core.net.open(lane.peer).await {
            Ok(stream) => {
                let (greeted, result) = session::run(core, lane, stream).await;
                if greeted {
                    pause = PAUSES.0;
                }
                match result {
                    Ok(()) => continue,
                    Err(error) => tracing::debug!(target: "net", peer = %lane.peer, %error, "outbound stream closed"),
                }
            }
            Err(error) => tracing::debug!(target: "net", peer = %lane.peer, %error, "peer is out of reach"),
        }
        tokio::select! {
            () = tokio::time::sleep(jitter(pause)) => pause = (pause * 2).min(PAUSES.1),
            () = lane.connected.notified() => {}
        }
    }
}

/// Between three and five quarters of the pause, so that peers do not try in step.
fn jitter(pause: Duration) -> Duration {
    let mut byte = [128];
    // Without randomness the pause is as good as any.
    let _ = getrandom::fill(&mut byte);
    pause * 3 / 4 + pause / 2 * u32::from(byte[0]) / 255
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_updates_become_one_message() {
        let cid = marine_manifest::module_cid(b"a");
        let mut queue = Queue::default();
        queue.push(cid);
        queue.push(cid);
        assert_eq!((queue.pop(), queue.pop()), (Some(cid), None));
        queue.push(cid);
        assert_eq!(queue.pop(), None, "one at a time");
        assert!(queue.settle(cid), "news came while it was on its way");
        assert_eq!(queue.pop(), Some(cid));
        queue.again(cid);
        assert_eq!(queue.pop(), Some(cid));
        assert!(!queue.settle(cid));
        assert!(queue.is_idle());
        queue.push(cid);
        queue.retain(|_| false);
        assert!(queue.is_idle() && queue.queued.is_empty(), "nothing waits for what has expired");
    }

    #[test]
    fn jitter_keeps_the_scale() {
        for _ in 0..100 {
            let pause = jitter(Duration::from_secs(1));
            assert!((750..=1250).contains(&pause.as_millis()), "{pause:?}");
        }
    }
}
