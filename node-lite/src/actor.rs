//! One actor per particle: it takes messages and call results one at a time and turns effects into records, calls and lines
//! of the outbox.
//!
//! Order within a turn: steps of the execution, then one durable commit of everything they added, and only then what rests on
//! it (acknowledgements, frames to other peers, the end of a run). Calls start before the commit: they leave nothing of ours
//! anywhere else.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use marine_air::{
    Script,
    data::Data,
    execution::{CallId, CallRequest, CallResult, Effects, Execution, Outcome, Rejection, Setup},
};
use marine_particle::PeerId;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use tracing::Instrument;

use crate::{
    client::RunError,
    clock,
    core::{Answering, Core},
    frame::{Code, Refusal},
    host::{Fault, answer, args::BUSY},
    live::{Event, Live, State, heavy},
    net::inbound::Answer,
    store::Op,
};

/// Messages taken in one turn.
const TURN: usize = 16;
/// How long one turn feeds results: a script of many local calls must not hold up other particles, nor outlive its time.
const SLICE: Duration = Duration::from_millis(10);

/// What an actor is sent.
pub(crate) enum Message {
    /// A neighbour's data.
    Data { from: PeerId, data: Vec<u8>, answer: Answer },
    /// The particle was made here: begin.
    Begin,
    /// Everything that is known of it, for a bundle.
    Bundle { done: oneshot::Sender<Option<Data>> },
}

/// Why an actor ends.
enum End {
    Expired,
    Stopped,
    /// The particle cannot run here.
    Dead,
}

struct Actor {
    core: Arc<Core>,
    live: Arc<Live>,
    calls: JoinSet<(CallId, CallResult)>,
    /// Results that the execution has not taken yet, in batches.
    results: VecDeque<Vec<(CallId, CallResult)>>,
    /// Changes that are not committed yet.
    ops: Vec<Op>,
    next_peers: BTreeSet<PeerId>,
    /// What whoever started the particle is told after the next commit.
    events: Vec<Event>,
}

/// Runs the particle until it expires. `records` is its journal after a restart, `addressed` who still waits for it.
pub(crate) async fn run(
    core: Arc<Core>,
    live: Arc<Live>,
    inbox: mpsc::Receiver<Message>,
    records: Vec<Vec<u8>>,
    addressed: Vec<PeerId>,
) {
    let span = tracing::debug_span!(target: "particle", "particle", cid = %live.cid, init = %live.particle.init());
    let actor = Actor {
        core,
        live,
        calls: JoinSet::new(),
        results: VecDeque::new(),
        ops: Vec::new(),
        next_peers: BTreeSet::new(),
        events: Vec::new(),
    };
    actor.run(inbox, records, addressed).instrument(span).await;
}

impl Actor {
    async fn run(mut self, mut inbox: mpsc::Receiver<Message>, records: Vec<Vec<u8>>, addressed: Vec<PeerId>) {
        let end = self.serve(&mut inbox, records, addressed).await;
        self.core.leave(&self.live.cid);
        self.calls.abort_all();
        match end {
            End::Expired => {
                if self.live.origin.is_some() {
                    self.live.tell(Event::Expired { data: self.bundle().await });
                }
                let peers = self.live.state().await.addressed.iter().copied().collect();
                self.core.store.submit(vec![Op::Sweep { cid: self.live.cid, peers }]);
            }
            End::Stopped | End::Dead => {}
        }
        while let Some(calls) = self.calls.join_next().await {
            drop(calls);
        }
        if let End::Expired = end {
            self.core.host.forget(self.live.cid);
        }
        // Messages that are still in the inbox are answered by being dropped.
    }

    async fn serve(
        &mut self,
        inbox: &mut mpsc::Receiver<Message>,
        records: Vec<Vec<u8>>,
        addressed: Vec<PeerId>,
    ) -> End {
        let mut stop = self.core.stopped();
        let expiry = tokio::time::sleep(clock::until(self.live.end()));
        tokio::pin!(expiry);
        if !records.is_empty() && !self.revive(records, addressed).await {
            return End::Dead;
        }
        loop {
            let (mut messages, mut results) = (Vec::new(), Vec::new());
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return End::Stopped,
                () = &mut expiry => return End::Expired,
                Some(result) = self.calls.join_next() => results.extend(self.finished(result)),
                message = inbox.recv() => match message {
                    Some(message) => messages.push(message),
                    None => return End::Stopped,
                },
                () = tokio::task::yield_now(), if !self.results.is_empty() => {}
            }
            while messages.len() < TURN
                && let Ok(message) = inbox.try_recv()
            {
                messages.push(message);
            }
            while let Some(result) = self.calls.try_join_next() {
                results.extend(self.finished(result));
            }
            if !self.turn(messages, results).await {
                return End::Dead;
            }
        }
    }

    fn finished(&self, result: Result<(CallId, CallResult), tokio::task::JoinError>) -> Option<(CallId, CallResult)> {
        result.inspect_err(|error| tracing::error!(target: "service", %error, "a call was lost")).ok()
    }

    /// Takes messages and results, commits, sends. `false`: the particle cannot run here.
    async fn turn(&mut self, messages: Vec<Message>, results: Vec<(CallId, CallResult)>) -> bool {
        let (mut acks, mut bundles) = (Vec::new(), Vec::new());
        let live = self.live.clone();
        let alive = {
            let mut state = live.state().await;
            for message in messages {
                match message {
                    Message::Begin => self.begin(&mut state),
                    Message::Data { from, data, answer } => acks.extend(self.data(&mut state, from, data, answer)),
                    Message::Bundle { done } => bundles.push(done),
                }
            }
            if !results.is_empty() {
                self.results.push_back(results);
            }
            heavy(state.bytes, || self.work(&mut state));
            state.execution.is_some()
        };
        if alive {
            self.settle(acks).await;
        }
        for done in bundles {
            // Who no longer waits needs no bundle.
            let _ = done.send(self.bundle().await);
        }
        alive
    }

    fn begin(&mut self, state: &mut State) {
        if state.execution.is_none()
            && let Err(rejection) = self.build(state, Vec::new(), None)
        {
            self.live.tell(Event::Rejected { code: rejection.code().into(), message: rejection.to_string() });
        }
    }

    /// Takes a neighbour's data. Returns the answer to give once it is durable.
    fn data(&mut self, state: &mut State, from: PeerId, data: Vec<u8>, answer: Answer) -> Option<Answer> {
        let size = data.len();
        let merged = heavy(size, || {
            let data = Data::decode_owned(data, &self.core.limits.air())?;
            let heads = data.heads();
            match &mut state.execution {
                Some(execution) => {
                    let effects = execution.merge(data)?;
                    self.absorb(state, effects);
                }
                None => self.build(state, Vec::new(), Some(data))?,
            }
            // Only now: what does not verify says nothing, and may name any number of peers.
            state.heard_from(from, &heads);
            Ok::<(), Rejection>(())
        });
        match merged {
            Ok(()) => Some(answer),
            Err(rejection) => {
                tracing::debug!(target: "particle", peer = %from, %rejection, "data rejected");
                answer.refuse(refuse(&rejection, state));
                None
            }
        }
    }

    /// Makes the execution, and the particle durable with it.
    fn build(&mut self, state: &mut State, records: Vec<Data>, data: Option<Data>) -> Result<(), Rejection> {
        let particle = self.live.particle.clone();
        let fresh = records.is_empty();
        let limits = self.core.limits.air();
        let script = Script::parse(particle.script(), &limits).script()?;
        let setup = Setup { particle: particle.clone(), script, me: Some(self.core.keypair.peer_id()), limits };
        let (execution, effects) = Execution::new(setup, records, data)?;
        state.execution = Some(execution);
        if fresh {
            self.ops.push(Op::Particle { cid: self.live.cid, envelope: particle.encode() });
        }
        self.absorb(state, effects);
        Ok(())
    }

    /// Goes on after a restart.
    async fn revive(&mut self, records: Vec<Vec<u8>>, addressed: Vec<PeerId>) -> bool {
        let live = self.live.clone();
        let mut state = live.state().await;
        (state.journal, state.bytes) = (records.len() as u64, records.iter().map(Vec::len).sum());
        state.addressed.extend(&addressed);
        let revived = heavy(state.bytes, || {
            let limits = self.core.limits.air();
            let records = records.iter().map(|record| Data::decode(record, &limits)).collect::<Result<_, _>>()?;
            self.build(&mut state, records, None)
        });
        drop(state);
        if let Err(rejection) = revived {
            tracing::error!(target: "store", cid = %self.live.cid, %rejection, "the journal of a particle is damaged");
            return false;
        }
        self.next_peers.extend(addressed);
        self.settle(Vec::new()).await;
        true
    }

    /// Notes what a step wants; what calls answer at once waits for [`Actor::work`].
    fn absorb(&mut self, state: &mut State, effects: Effects) {
        let mut results = Vec::new();
        self.take(state, effects, &mut results);
        if !results.is_empty() {
            self.results.push_back(results);
        }
    }

    /// Feeds results, and what is answered at once, until only later answers are left or the turn's time is over.
    fn work(&mut self, state: &mut State) {
        let begun = Instant::now();
        while let Some(results) = self.results.pop_front() {
            let Some(execution) = &mut state.execution else { return };
            let retry = (results.len() > 1).then(|| results.clone());
            let only = results.first().map(|(id, _)| *id);
            match execution.resolve_all(results) {
                Ok(effects) => self.absorb(state, effects),
                // One of several does not fit: try them one by one.
                Err(rejection) => match (retry, only) {
                    (Some(results), _) => self.results.extend(results.into_iter().map(|result| vec![result])),
                    (None, Some(id)) => self.unresolvable(state, id, &rejection),
                    (None, None) => {}
                },
            }
            if begun.elapsed() >= SLICE {
                return;
            }
        }
    }

    /// A result that the execution does not take becomes an error of the call, if that is taken.
    fn unresolvable(&mut self, state: &mut State, id: CallId, rejection: &Rejection) {
        let message = format!("the result is not acceptable: {rejection}");
        let Some(execution) = &mut state.execution else { return };
        match execution.resolve(id, CallResult::Err { code: 3, message }) {
            Ok(effects) => self.absorb(state, effects),
            Err(_) => {
                tracing::debug!(target: "exec", %rejection, "a call's result was rejected");
                let (code, message) = (rejection.code().into(), rejection.to_string());
                self.live.tell(Event::Rejected { code, message });
            }
        }
    }

    /// Notes what a step wants; calls that are answered at once add to `results`.
    fn take(&mut self, state: &mut State, effects: Effects, results: &mut Vec<(CallId, CallResult)>) {
        if let Some(record) = effects.record {
            let record = record.encode();
            state.bytes += record.len();
            self.ops.push(Op::Record { cid: self.live.cid, n: state.journal, record });
            state.journal += 1;
        }
        for report in &effects.reports {
            tracing::debug!(target: "exec", ?report, "report");
        }
        self.next_peers.extend(effects.next_peers);
        for request in effects.requests {
            results.extend(self.call(request));
        }
    }

    fn call(&mut self, request: CallRequest) -> Option<(CallId, CallResult)> {
        let id = request.id;
        // Timers cost no thread, but memory; other calls are bounded where they wait, too.
        let most = self.core.limits.calls;
        if self.calls.len() >= most {
            let fault = Fault::new(BUSY, format!("the particle waits for {most} calls already; try again later"));
            return Some((id, answer(Err(fault))));
        }
        let span =
            tracing::debug_span!(target: "service", "call", service = &*request.service, function = &*request.function);
        let answering = span.in_scope(|| self.core.host.call(&self.live, request));
        match answering {
            Answering::Now(result) => return Some((id, result)),
            Answering::End(event) => {
                self.events.push(event);
                return Some((id, answer(Ok(serde_json::Value::Null))));
            }
            Answering::Timer(future) => self.calls.spawn(async move { (id, future.await) }.instrument(span)),
            Answering::Later(future) => {
                let running = Running::new(self.core.clone());
                let call = async move {
                    let result = future.await;
                    drop(running);
                    (id, result)
                };
                self.calls.spawn(call.instrument(span))
            }
        };
        None
    }

    /// Commits, then does what rests on it.
    async fn settle(&mut self, acks: Vec<Answer>) {
        let next_peers = std::mem::take(&mut self.next_peers);
        let me = self.core.keypair.peer_id();
        let cid = self.live.cid;
        {
            let mut state = self.live.state().await;
            state.addressed.extend(&next_peers);
            let upto = state.journal;
            self.ops.extend(next_peers.iter().map(|peer| Op::Outbox { peer: *peer, cid, upto }));
        }
        if !self.commit().await {
            return;
        }
        let heights = {
            let mut state = self.live.state().await;
            let heights = state.heights();
            if let Some(execution) = &mut state.execution {
                execution.stored(heights.get(&me).copied().unwrap_or(0));
            }
            heights
        };
        for peer in next_peers {
            self.core.lanes.enqueue(&self.core, peer, cid);
        }
        for answer in acks {
            answer.ack(heights.clone());
        }
        // An event's own call is among the results: whoever is told finds it in the bundle.
        if self.results.is_empty() {
            self.events.drain(..).for_each(|event| self.live.tell(event));
        }
        self.report().await;
    }

    /// Until it succeeds, nothing that rests on it may go out; the store may have room again later.
    /// `false`: the node stops before that.
    async fn commit(&mut self) -> bool {
        let ops = std::mem::take(&mut self.ops);
        if ops.is_empty() {
            return true;
        }
        let mut stop = self.core.stopped();
        let mut pause = Duration::from_millis(100);
        while let Err(error) = self.core.store.commit(ops.clone()).await {
            tracing::error!(target: "store", %error, "cannot store a step of a particle; trying again");
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(10)),
                _ = stop.wait_for(|stop| *stop) => return false,
            }
        }
        true
    }

    /// Tells whoever started the particle here when nothing more can come.
    async fn report(&self) {
        if self.live.origin.is_none() || !self.calls.is_empty() || !self.results.is_empty() {
            return;
        }
        let state = self.live.state().await;
        let waits = state.execution.as_ref().is_some_and(|execution| execution.view().waiting() > 0);
        let settled = match state.execution.as_ref().map(Execution::outcome) {
            Some(Outcome::Failed(error)) => Err(Box::new(RunError::workflow(error))),
            Some(Outcome::Complete) if !waits => Ok(()),
            _ => return,
        };
        drop(state);
        self.live.tell(Event::Settled(settled));
    }

    async fn bundle(&self) -> Option<Data> {
        let mut state = self.live.state().await;
        let bytes = state.bytes;
        let execution = state.execution.as_mut()?;
        heavy(bytes, || execution.outgoing(&Default::default(), &self.core.keypair)).ok()
    }
}

/// Counts a call that somebody waits for when the node ends.
struct Running(Arc<Core>);

impl Running {
    fn new(core: Arc<Core>) -> Self {
        core.calls.fetch_add(1, Ordering::Relaxed);
        Self(core)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a neighbour is told about data that was rejected.
fn refuse(rejection: &Rejection, state: &State) -> Refusal {
    let text = format!("{}: {rejection}", rejection.code());
    match rejection {
        Rejection::Gap { .. } => Refusal { heads: Some(state.heights()), ..Refusal::new(Code::Gap, text) },
        Rejection::Equivocation { .. } => Refusal::new(Code::Equivocation, text),
        _ => Refusal::new(Code::BadData, text),
    }
}
