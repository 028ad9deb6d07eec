//! One substream to a peer: frames go out within the peer's credit, its answers are read beside.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use cid::Cid;
use futures::{AsyncReadExt, AsyncWrite, io::BufReader};
use libp2p::Stream;
use tokio::{sync::Notify, time::timeout};

use super::{Lane, lock};
use crate::{
    core::Core,
    frame::{Code, Frame, Hello, MAX_FRAME, PART, Reaction, Refusal},
    net::{HANDSHAKE, wire, wire::WireError},
};

/// Messages in parts that are on their way at once.
const PARTIALS: usize = 8;
/// A stream without traffic is closed after this time, unless its lane is pinned.
const IDLE: Duration = Duration::from_secs(60);
/// A frame that cannot be written for this long means that the peer is stuck.
const STUCK: Duration = Duration::from_secs(60);
/// Room that a frame's map, sequence number, CID and sizes need beside envelope and data.
const OVERHEAD: usize = 256;

/// A message that waits for its answer.
struct Sent {
    cid: Cid,
    /// The journal's length when it was made.
    upto: u64,
    /// Credit that its answer brings back.
    bytes: u32,
    /// Whether the answer brings credit back.
    whole: bool,
}

/// The rest of a message in parts.
struct Partial {
    seq: u64,
    at: usize,
    data: Vec<u8>,
}

#[derive(Default)]
struct State {
    frames: u32,
    bytes: u64,
    sent: HashMap<u64, Sent>,
}

struct Session<'a> {
    core: &'a Arc<Core>,
    lane: &'a Arc<Lane>,
    state: Mutex<State>,
    /// Credit came back.
    credit: Notify,
}

/// Serves the lane over `stream`. Tells whether the peer said hello, and how it ended: `Ok` if nothing was left to do.
pub(super) async fn run(core: &Arc<Core>, lane: &Arc<Lane>, mut stream: Stream) -> (bool, Result<(), WireError>) {
    let hello = match timeout(HANDSHAKE, wire::greet(&mut stream, core.hello())).await {
        Ok(Ok(hello)) => hello,
        Ok(Err(error)) => return (false, Err(error)),
        Err(_) => return (false, Err(WireError::Timeout)),
    };
    core.greeted(lane.peer, &hello);
    let session = Session::new(core, lane, &hello);
    let (reader, mut writer) = stream.split();
    let result = tokio::select! {
        result = session.read(BufReader::with_capacity(4 << 10, reader)) => result,
        result = session.write(&mut writer) => result,
    };
    session.end();
    core.parted(&lane.peer);
    (true, result)
}

impl<'a> Session<'a> {
    fn new(core: &'a Arc<Core>, lane: &'a Arc<Lane>, hello: &Hello) -> Self {
        let state = State { frames: hello.frames, bytes: hello.bytes.into(), sent: HashMap::new() };
        Self { core, lane, state: Mutex::new(state), credit: Notify::new() }
    }

    /// What has no answer is sent again on the next stream.
    fn end(&self) {
        let mut queue = self.lane.queue();
        for (_, sent) in lock(&self.state).sent.drain() {
            queue.again(sent.cid);
        }
    }

    async fn write(&self, io: &mut (impl AsyncWrite + Unpin)) -> Result<(), WireError> {
        let mut seq = 0;
        let mut partials: VecDeque<Partial> = VecDeque::new();
        loop {
            let next = if partials.len() < PARTIALS { self.lane.queue().pop() } else { None };
            if let Some(cid) = next {
                seq += 1;
                partials.extend(self.message(io, seq, cid).await?);
            }
            match partials.pop_front() {
                Some(partial) => partials.extend(self.part(io, partial).await?),
                None if next.is_some() => {}
                None => {
                    let idle = timeout(IDLE, self.lane.wake.notified()).await.is_err();
                    if idle && self.is_over() {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn is_over(&self) -> bool {
        let pinned = self.lane.pinned.load(std::sync::atomic::Ordering::Relaxed);
        !pinned && self.lane.queue().is_idle()
    }

    /// Sends a particle, or the beginning of it; returns the rest.
    async fn message(
        &self,
        io: &mut (impl AsyncWrite + Unpin),
        seq: u64,
        cid: Cid,
    ) -> Result<Option<Partial>, WireError> {
        let live = self.core.live(&cid);
        let outgoing = match &live {
            Some(live) => live.outgoing(&self.lane.peer).await,
            None => None,
        };
        let Some(outgoing) = outgoing else {
            // Expired, refused before, or known there already.
            self.lane.queue().settle(cid);
            self.core.delivered(self.lane.peer, cid, u64::MAX);
            return Ok(None);
        };
        let room = MAX_FRAME - OVERHEAD - outgoing.env.as_ref().map_or(0, Vec::len);
        let mut data = outgoing.data;
        let size = data.len();
        let whole = size <= room.min(3 * PART);
        let rest = if whole { Vec::new() } else { data.split_off(room.min(PART)) };
        let at = data.len();
        let total = (!whole).then_some(size as u64);
        let frame = Frame::Particle { seq, cid, env: outgoing.env, data, total };
        let sent = Sent { cid, upto: outgoing.upto, bytes: 0, whole };
        self.put(io, frame, Some((seq, sent))).await?;
        Ok((!whole).then_some(Partial { seq, at, data: rest }))
    }

    /// Sends one part; returns the rest.
    async fn part(
        &self,
        io: &mut (impl AsyncWrite + Unpin),
        mut partial: Partial,
    ) -> Result<Option<Partial>, WireError> {
        if !lock(&self.state).sent.contains_key(&partial.seq) {
            // Refused meanwhile.
            return Ok(None);
        }
        let rest = if partial.data.len() > PART { partial.data.split_off(PART) } else { Vec::new() };
        let next = partial.at + partial.data.len();
        let frame = Frame::Part { seq: partial.seq, at: partial.at as u64, data: partial.data };
        self.put(io, frame, None).await?;
        Ok((!rest.is_empty()).then_some(Partial { seq: partial.seq, at: next, data: rest }))
    }

    /// Writes a frame as soon as the peer has given credit for it. `begins` is the message that it begins.
    async fn put(
        &self,
        io: &mut (impl AsyncWrite + Unpin),
        frame: Frame,
        begins: Option<(u64, Sent)>,
    ) -> Result<(), WireError> {
        let body = frame.encode();
        let bytes = body.len() as u32;
        if timeout(STUCK, self.take_credit(bytes)).await.is_err() {
            if let Some((_, sent)) = begins {
                self.lane.queue().again(sent.cid);
            }
            return Err(WireError::Timeout);
        }
        if let Some((seq, sent)) = begins {
            lock(&self.state).sent.insert(seq, Sent { bytes, ..sent });
        }
        timeout(STUCK, wire::write_body(io, &body)).await.map_err(|_| WireError::Timeout)??;
        Ok(())
    }

    async fn take_credit(&self, bytes: u32) {
        loop {
            {
                let mut state = lock(&self.state);
                if state.frames > 0 && state.bytes >= bytes.into() {
                    state.frames -= 1;
                    state.bytes -= u64::from(bytes);
                    return;
                }
            }
            self.credit.notified().await;
        }
    }

    async fn read(&self, mut reader: impl futures::AsyncRead + Unpin) -> Result<(), WireError> {
        loop {
            match wire::read(&mut reader).await? {
                Frame::Ack { seq, heads } => {
                    let Some(sent) = self.answered(seq) else { continue };
                    if let Some(live) = self.core.live(&sent.cid) {
                        live.acked(&self.lane.peer, heads).await;
                    }
                    self.settle(&sent);
                }
                Frame::Err(refusal) if refusal.seq == 0 => {
                    tracing::warn!(target: "net", peer = %self.lane.peer, code = refusal.code.as_str(), text = refusal.text, "the peer closed our stream");
                    return Err(WireError::Protocol("the peer refused our stream"));
                }
                Frame::Err(refusal) => {
                    if let Some(sent) = self.answered(refusal.seq) {
                        self.refused(sent, refusal).await;
                    }
                }
                Frame::Credit { frames, bytes } => {
                    let mut state = lock(&self.state);
                    state.frames = state.frames.saturating_add(frames);
                    state.bytes = state.bytes.saturating_add(bytes.into());
                }
                _ => return Err(WireError::Protocol("a frame that only senders send")),
            }
            self.credit.notify_one();
        }
    }

    fn answered(&self, seq: u64) -> Option<Sent> {
        let mut state = lock(&self.state);
        let sent = state.sent.remove(&seq)?;
        if sent.whole {
            state.frames = state.frames.saturating_add(1);
            state.bytes = state.bytes.saturating_add(sent.bytes.into());
        }
        Some(sent)
    }

    /// The message needs no more care; the particle goes on waiting if there is news.
    fn settle(&self, sent: &Sent) {
        if self.lane.queue().settle(sent.cid) {
            self.lane.wake.notify_one();
        }
        self.core.delivered(self.lane.peer, sent.cid, sent.upto);
    }

    async fn refused(&self, sent: Sent, refusal: Refusal) {
        let live = self.core.live(&sent.cid);
        tracing::debug!(target: "particle", cid = %sent.cid, peer = %self.lane.peer, code = refusal.code.as_str(), text = refusal.text, "refused by peer");
        match refusal.code.reaction() {
            Reaction::GiveUp => {
                if let Some(live) = live {
                    live.give_up(self.lane.peer, refusal).await;
                }
                self.settle(&Sent { upto: u64::MAX, ..sent });
            }
            Reaction::Retry => {
                self.later(sent.cid, Duration::from_millis(refusal.retry.unwrap_or(1000).clamp(50, 60_000)))
            }
            Reaction::Complete => {
                let tries = match live {
                    Some(live) if refusal.code == Code::Gap => {
                        live.behind(&self.lane.peer, refusal.heads.unwrap_or_default()).await
                    }
                    Some(live) => live.unknown_to(&self.lane.peer).await,
                    None => 0,
                };
                // A peer that keeps asking gets slower answers.
                let pause = if tries < 4 { Duration::ZERO } else { Duration::from_millis(500) };
                self.later(sent.cid, pause);
            }
        }
    }

    fn later(&self, cid: Cid, pause: Duration) {
        let again = move |lane: &Lane| {
            lane.queue().again(cid);
            lane.wake.notify_one();
        };
        if pause.is_zero() {
            return again(self.lane);
        }
        let lane = self.lane.clone();
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            again(&lane);
        });
    }
}
