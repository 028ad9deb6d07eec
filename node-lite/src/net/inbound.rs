//! What a neighbour sends us: its substream is read within its credit, messages are put together, checked and handed over,
//! and answered on the same substream.
//!
//! A frame's credit travels with the frame ([`Answer`]) and is free again when the answer has been written. A neighbour that
//! sends more than its credit, or does not read answers, is simply not read.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::{AsyncReadExt, io::BufReader};
use libp2p::Stream;
use libp2p_stream::IncomingStreams;
use marine_particle::PeerId;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::AbortHandle,
    time::timeout,
};

use super::{HANDSHAKE, wire};
use crate::{
    admission::Ticket,
    core::Core,
    frame::{Code, Frame, Heights, Refusal},
    net::wire::WireError,
};

/// Unfinished messages of one neighbour.
const ASSEMBLIES: usize = 16;
/// A neighbour with unfinished messages that sends nothing for so long is stuck; what it began takes room from others.
const STUCK: Duration = Duration::from_secs(60);

/// Serves every stream that peers open. One per peer: the newest, since a peer that opens another has lost the first.
pub(crate) async fn accept(core: Arc<Core>, mut incoming: IncomingStreams) {
    let mut streams: HashMap<PeerId, AbortHandle> = HashMap::new();
    let mut stop = core.stopped();
    loop {
        let next = tokio::select! {
            next = futures::StreamExt::next(&mut incoming) => next,
            _ = stop.wait_for(|stop| *stop) => None,
        };
        let Some((peer, stream)) = next else { break };
        streams.retain(|_, task| !task.is_finished());
        let core = core.clone();
        let task = tokio::spawn(async move {
            if let Err(error) = serve(core, peer, stream).await {
                tracing::debug!(target: "net", %peer, %error, "inbound stream closed");
            }
        });
        if let Some(old) = streams.insert(peer, task.abort_handle()) {
            old.abort();
        }
    }
    streams.values().for_each(AbortHandle::abort);
}

/// The credit that one frame holds.
struct Credit {
    _frame: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
    bytes: u32,
}

/// A frame to write, and the credit that is free once it is written.
struct Reply {
    frame: Frame,
    _credit: Option<Credit>,
}

/// The duty to answer a message. Dropped without an answer it says `overloaded`: what is not accepted is answered.
pub(crate) struct Answer {
    seq: u64,
    replies: mpsc::UnboundedSender<Reply>,
    credit: Option<Credit>,
    given: bool,
}

impl Answer {
    /// The message is verified and durable.
    pub(crate) fn ack(mut self, heads: Heights) {
        let frame = Frame::Ack { seq: self.seq, heads };
        self.give(frame);
    }

    /// The message is not accepted.
    pub(crate) fn refuse(mut self, mut refusal: Refusal) {
        tracing::debug!(target: "particle", code = refusal.code.as_str(), text = refusal.text, "refused");
        refusal.seq = self.seq;
        self.give(Frame::Err(refusal));
    }

    fn give(&mut self, frame: Frame) {
        self.given = true;
        // A stream that is gone needs no answers.
        let _ = self.replies.send(Reply { frame, _credit: self.credit.take() });
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.given {
            let mut refusal = Refusal::new(Code::Overloaded, "the particle left memory; send it again");
            (refusal.seq, refusal.retry) = (self.seq, Some(500));
            self.give(Frame::Err(refusal));
        }
    }
}

impl Refusal {
    /// A refusal for this reason; the message it answers is filled in by [`Answer::refuse`].
    pub(crate) fn new(code: Code, text: impl Into<String>) -> Self {
        Self { seq: 0, code, text: text.into(), retry: None, heads: None, proof: None }
    }

    /// The same, to be tried again after so many milliseconds.
    pub(crate) fn retry(mut self, after: u64) -> Self {
        self.retry = Some(after);
        self
    }
}

/// A message of which parts are missing.
struct Assembly {
    ticket: Ticket,
    answer: Answer,
    data: Vec<u8>,
    total: usize,
    /// What it holds of the room for unfinished messages.
    room: Vec<OwnedSemaphorePermit>,
}

async fn serve(core: Arc<Core>, peer: PeerId, mut stream: Stream) -> Result<(), WireError> {
    let greeted = timeout(HANDSHAKE, wire::greet(&mut stream, core.hello())).await.map_err(|_| WireError::Timeout)?;
    if let Err(error) = greeted {
        if let Some(refusal) = stream_refusal(&error) {
            // A courtesy: the peer may be gone.
            let _ = timeout(HANDSHAKE, wire::write(&mut stream, Frame::Err(refusal))).await;
        }
        return Err(error);
    }
    let (reader, mut writer) = stream.split();
    let (replies, mut waiting) = mpsc::unbounded_channel();
    let mut inbound = Inbound {
        frames: Arc::new(Semaphore::new(core.limits.credit_frames as usize)),
        bytes: Arc::new(Semaphore::new(core.limits.credit_bytes as usize)),
        core,
        peer,
        replies,
        assemblies: HashMap::new(),
    };
    let write = async {
        while let Some(reply) = waiting.recv().await {
            wire::write(&mut writer, reply.frame).await?;
        }
        Ok::<(), WireError>(())
    };
    tokio::pin!(write);
    let result = tokio::select! {
        result = inbound.read(BufReader::with_capacity(16 << 10, reader)) => result,
        result = &mut write => return result,
    };
    if let Some(refusal) = result.as_ref().err().and_then(stream_refusal) {
        inbound.say(Frame::Err(refusal), None);
    }
    // What was accepted before the stream ended is still answered, if the other side listens.
    drop(inbound);
    let _ = timeout(HANDSHAKE, write).await;
    result
}

/// What a peer is told before its stream is closed; nothing if it is the stream that broke.
fn stream_refusal(error: &WireError) -> Option<Refusal> {
    let code = match error {
        WireError::Io(_) | WireError::Timeout => return None,
        WireError::Protocol(_) | WireError::Frame(crate::frame::FrameError::Unknown(_)) => Code::Unsupported,
        WireError::Frame(_) => Code::Malformed,
    };
    Some(Refusal::new(code, error.to_string()))
}

/// The reading side of one neighbour's stream.
struct Inbound {
    core: Arc<Core>,
    peer: PeerId,
    frames: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    replies: mpsc::UnboundedSender<Reply>,
    assemblies: HashMap<u64, Assembly>,
}

impl Inbound {
    async fn read(&mut self, mut reader: impl futures::AsyncRead + Unpin) -> Result<(), WireError> {
        let closed = |_| WireError::Protocol("stopped");
        loop {
            let frame = self.frames.clone().acquire_owned().await.map_err(closed)?;
            let body = wire::read_bytes(&mut reader);
            let body = if self.assemblies.is_empty() {
                body.await?
            } else {
                timeout(STUCK, body).await.map_err(|_| WireError::Timeout)??
            };
            let Some(body) = body else { return Ok(()) };
            let size = u32::try_from(body.len()).unwrap_or(u32::MAX);
            let wanted = size.min(self.core.limits.credit_bytes);
            let bytes = self.bytes.clone().acquire_many_owned(wanted).await.map_err(closed)?;
            let credit = Credit { _frame: frame, _bytes: bytes, bytes: size };
            match Frame::decode(&body)? {
                Frame::Particle { seq, cid, env, data, total } => {
                    let whole = total.is_none();
                    let (held, back) = if whole { (Some(credit), None) } else { (None, Some(credit)) };
                    let answer = Answer { seq, replies: self.replies.clone(), credit: held, given: false };
                    match self.core.admit(&self.peer, cid, env) {
                        Ok(ticket) if whole => self.core.deliver(ticket, self.peer, data, answer).await,
                        Ok(ticket) => self.begin(seq, ticket, data, total.unwrap_or_default(), answer),
                        Err(refusal) => answer.refuse(refusal),
                    }
                    self.give_back(back);
                }
                Frame::Part { seq, at, data } => {
                    self.part(seq, at, data).await;
                    self.give_back(Some(credit));
                }
                _ => return Err(WireError::Protocol("a frame that only receivers send")),
            }
        }
    }

    /// Credit of frames that are not answered one by one comes back when they are put aside.
    fn give_back(&self, credit: Option<Credit>) {
        if let Some(credit) = credit {
            self.say(Frame::Credit { frames: 1, bytes: credit.bytes }, Some(credit));
        }
    }

    fn say(&self, frame: Frame, credit: Option<Credit>) {
        // A stream that is gone needs no frames.
        let _ = self.replies.send(Reply { frame, _credit: credit });
    }

    fn begin(&mut self, seq: u64, ticket: Ticket, data: Vec<u8>, total: u64, answer: Answer) {
        let limit = self.core.limits.data;
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        if total > limit {
            let text = format!("data of {total} bytes is over the limit of {limit}");
            return answer.refuse(Refusal::new(Code::TooLarge, text));
        }
        let announced: usize = self.assemblies.values().map(|a| a.total).sum();
        if self.assemblies.len() >= ASSEMBLIES || announced + total > limit {
            return answer.refuse(Refusal::new(Code::Overloaded, "too many unfinished messages").retry(500));
        }
        if data.len() >= total || self.assemblies.contains_key(&seq) {
            return answer.refuse(Refusal::new(Code::Malformed, "announced size or number of a message does not fit"));
        }
        let Some(room) = self.room(data.len()) else { return answer.refuse(no_room()) };
        self.assemblies.insert(seq, Assembly { ticket, answer, data, total, room: vec![room] });
    }

    /// Room for so many bytes of unfinished messages, if there is any.
    fn room(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        self.core.assembling.clone().try_acquire_many_owned(u32::try_from(bytes).ok()?).ok()
    }

    /// Parts of messages that were refused are still on their way: they are dropped.
    async fn part(&mut self, seq: u64, at: u64, data: Vec<u8>) {
        let Some(mut assembly) = self.assemblies.remove(&seq) else { return };
        let fits =
            at == assembly.data.len() as u64 && !data.is_empty() && assembly.data.len() + data.len() <= assembly.total;
        if !fits {
            return assembly.answer.refuse(Refusal::new(Code::Malformed, "part does not follow the one before"));
        }
        let Some(room) = self.room(data.len()) else { return assembly.answer.refuse(no_room()) };
        assembly.room.push(room);
        assembly.data.extend_from_slice(&data);
        if assembly.data.len() < assembly.total {
            self.assemblies.insert(seq, assembly);
        } else {
            self.core.deliver(assembly.ticket, self.peer, assembly.data, assembly.answer).await;
        }
    }
}

fn no_room() -> Refusal {
    Refusal::new(Code::Overloaded, "no room for unfinished messages").retry(1000)
}
