//! [`Execution`]: the steps of a particle at one peer, and what is kept between them.

use marine_particle::{PeerId, SignError, Signer};

use super::close::Wishes;
use super::machine::Machine;
use super::peers::PeerNo;
use super::state::{ActId, NONE, ROOT, Start, State, Status, Task};
use super::view::View;
use super::{CallId, CallResult, Effects, Outcome, Rejection, Setup, value_rejection};
use crate::data::{Blob, Data, Entry, Fact, Heads, Origin, Position};
use crate::syntax::NodeId;
use crate::value::{ContentId, Value};

/// Room for so many tasks is kept between steps.
const KEPT_TASKS: usize = 256;

/// A log that a step has made longer.
#[derive(Clone, Copy, Debug)]
struct Grown {
    /// The first one of its step.
    is_first: bool,
    /// Nobody in a step that has added nothing, but has a record.
    peer: PeerNo,
    /// Its lengths before and after.
    from: u32,
    len: u32,
}

/// The execution of a particle at one peer.
#[derive(Debug)]
pub struct Execution {
    setup: Setup,
    state: State,
    outcome: Outcome,
    /// What the steps so far have added to the data, in their order.
    history: Vec<Grown>,
    /// This much of the own log is on durable storage.
    stored: u64,
}

impl Execution {
    /// Builds the tree, replays this peer's own records (trusted, oldest first), applies the data that came with the
    /// particle, and closes one step.
    ///
    /// Calls without result are requested, also those that were before a restart.
    ///
    /// # Errors
    /// If records or data are rejected, or the script breaks a rule on its way.
    pub fn new(
        setup: Setup,
        records: impl IntoIterator<Item = Data>,
        data: Option<Data>,
    ) -> Result<(Self, Effects), Rejection> {
        if setup.script.tree().source().as_ref() != setup.particle.script() {
            return Err(Rejection::ParticleInvalid("the script is not that of the particle".to_owned()));
        }
        let state = State::new(&setup);
        let mut this = Self { setup, state, outcome: Outcome::Running, history: Vec::new(), stored: 0 };
        let is_restart = this.replay(records)?;
        this.stored = this.own_length();
        if let Some(data) = data {
            this.apply(&data, Origin::Network)?;
        }
        if !is_restart {
            this.start_root();
        }
        let wishes = this.work()?;
        let effects = this.finish(wishes);
        Ok((this, effects))
    }

    /// Takes what `data` has more.
    ///
    /// # Errors
    /// If the data is rejected; the execution is then as it was before.
    pub fn merge(&mut self, data: Data) -> Result<Effects, Rejection> {
        self.step(|this| this.apply(&data, Origin::Network))
    }

    /// Takes the result of a call that was requested.
    ///
    /// # Errors
    /// If the call is not outstanding, or a limit is reached: a host then resolves the call with an error.
    pub fn resolve(&mut self, call: CallId, result: CallResult) -> Result<Effects, Rejection> {
        self.resolve_all(vec![(call, result)])
    }

    /// Takes several results in one step.
    ///
    /// # Errors
    /// As [`Execution::resolve`]; none of the results is taken then.
    pub fn resolve_all(&mut self, results: Vec<(CallId, CallResult)>) -> Result<Effects, Rejection> {
        self.step(|this| results.into_iter().try_for_each(|(call, result)| this.write_result(call, result)))
    }

    /// Own entries up to this length are on durable storage; [`Execution::outgoing`] never contains others.
    pub fn stored(&mut self, own_length: u64) {
        self.stored = self.stored.max(own_length.min(self.own_length()));
    }

    /// What a peer that has `known` lacks. Signs the own head at most once per length.
    ///
    /// # Errors
    /// If the signer fails.
    pub fn outgoing(&mut self, known: &Heads, signer: &dyn Signer) -> Result<Data, SignError> {
        let mut data = self.state.logs.delta(known);
        if let Some(me) = self.setup.me {
            data.segments.remove(&me);
            if let Some(segment) = self.own_segment(me, known, signer)? {
                data.segments.insert(me, segment);
            }
        }
        let machine = machine(&self.setup, &mut self.state);
        let mut values = Vec::new();
        for segment in data.segments.values() {
            let entries = segment.entries.iter().filter_map(|bytes| Entry::decode(bytes).ok());
            for id in entries.filter_map(|entry| machine.referred_value(&entry)) {
                if let Some(bytes) = machine.state.values.encoded(&id)
                    && !machine.state.values.is_known(&id, known, &machine.state.peers)
                {
                    values.push((id, bytes.clone()));
                }
            }
        }
        data.add_values(values);
        Ok(data)
    }

    /// The length per log.
    #[must_use]
    pub fn heads(&self) -> &Heads {
        self.state.logs.heads()
    }

    /// The state of the script here.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// A look inside, for tools.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View::new(&self.setup, &self.state)
    }

    /// The length of this peer's own log.
    #[must_use]
    pub fn own_length(&self) -> u64 {
        self.setup.me.map_or(0, |me| self.heads().get(&me))
    }

    fn own_segment(
        &mut self,
        me: PeerId,
        known: &Heads,
        signer: &dyn Signer,
    ) -> Result<Option<crate::data::Segment>, SignError> {
        let len = self.stored;
        let Some(mut segment) = self.state.logs.segment(&me, known.get(&me), len) else { return Ok(None) };
        if segment.signature.is_none()
            && let Some(message) = self.state.logs.head_message(&me, len)
        {
            let signature = signer.sign(&message)?;
            self.state.logs.sign(&me, len, signature);
            segment.signature = Some(signature);
        }
        Ok(Some(segment))
    }

    /// Runs one step as a whole or not at all.
    fn step(&mut self, input: impl FnOnce(&mut Self) -> Result<(), Rejection>) -> Result<Effects, Rejection> {
        let signed: Vec<_> =
            self.state.logs.iter().map(|log| (*log.peer(), log.signed().map(|(n, s)| (n, *s)))).collect();
        match input(self).and_then(|()| self.work()) {
            Ok(wishes) => Ok(self.finish(wishes)),
            Err(rejection) => {
                if self.is_touched() {
                    self.rebuild(&signed);
                }
                Err(rejection)
            }
        }
    }

    /// Checks data and takes it into logs and index.
    fn apply(&mut self, data: &Data, origin: Origin) -> Result<(), Rejection> {
        let extensions = self.state.logs.check(data, origin)?;
        let mut machine = machine(&self.setup, &mut self.state);
        let checked = machine.check(data, &extensions)?;
        for extension in &extensions {
            machine.state.grown.entry(extension.peer).or_insert(extension.have);
        }
        machine.take(checked)?;
        extensions.into_iter().for_each(|extension| self.state.logs.extend(extension));
        Ok(())
    }

    fn write_result(&mut self, call: CallId, result: CallResult) -> Result<(), Rejection> {
        let mut machine = machine(&self.setup, &mut self.state);
        let act = machine.state.call_ids.get(&call).copied();
        let act = act.filter(|act| machine.state.outstanding.contains(act) && machine.state.is_requested(*act));
        let (Some(act), Some(me)) = (act, machine.state.me) else { return Err(Rejection::UnknownCall(call)) };
        machine.write_result(me, act, result)
    }

    fn start_root(&mut self) {
        let start = Start { node: NodeId::ROOT, frame: 0, scope: 0, parent: NONE, last_error: None, error: None };
        self.state.going.push_back(Task::Start(start));
    }

    fn work(&mut self) -> Result<Wishes, Rejection> {
        let mut machine = machine(&self.setup, &mut self.state);
        machine.run()?;
        machine.close()
    }

    /// Makes effects of what the step has done.
    fn finish(&mut self, wishes: Wishes) -> Effects {
        let record = self.record();
        machine(&self.setup, &mut self.state).tidy();
        self.state.stack.shrink_to(KEPT_TASKS);
        self.state.going.shrink_to(KEPT_TASKS);
        if self.outcome == Outcome::Running {
            self.outcome = match &self.state.act(ROOT).status {
                Status::Complete if self.state.acts.started() > 0 => Outcome::Complete,
                Status::Failed(failure) => Outcome::Failed(failure.raised.error.clone()),
                _ => Outcome::Running,
            };
        }
        let reports = std::mem::take(&mut self.state.reports);
        let Wishes { requests, next_peers } = wishes;
        Effects { requests, next_peers, record, outcome: self.outcome.clone(), reports }
    }

    /// What the logs have grown by, and the values that came with it. The first step of something that waits has a record
    /// in any case: what a replay would otherwise take for the first step might be a later one.
    fn record(&mut self) -> Option<Data> {
        let grown = std::mem::take(&mut self.state.grown);
        let values = std::mem::take(&mut self.state.new_values);
        let is_first = self.history.is_empty();
        if grown.is_empty() && !is_first {
            return None;
        }
        let mut data = Data::empty(self.state.logs.particle());
        let steps_before = self.history.len();
        for (peer, from) in grown {
            let len = self.heads().get(&peer);
            data.segments.extend(self.state.logs.segment(&peer, from, len).map(|segment| (peer, segment)));
            // Heights are below the limit on entries.
            let (from, len) = (from as u32, len as u32);
            let is_first = self.history.len() == steps_before;
            self.history.push(Grown { is_first, peer: self.state.peers.number(peer), from, len });
        }
        if self.history.len() == steps_before {
            self.history.push(Grown { is_first: true, peer: NONE, from: 0, len: 0 });
        }
        data.add_values(values);
        (!data.is_empty() || self.state.acts.waiting() > 0).then_some(data)
    }

    /// Takes records as steps, without their effects. Returns whether there were any.
    fn replay(&mut self, records: impl IntoIterator<Item = Data>) -> Result<bool, Rejection> {
        let mut is_started = false;
        for record in records {
            self.apply(&record, Origin::Record)?;
            if !std::mem::replace(&mut is_started, true) {
                self.start_root();
            }
            machine(&self.setup, &mut self.state).run()?;
            self.finish(Wishes::default());
        }
        Ok(is_started)
    }

    /// Whether a rejected step has got as far as changing something.
    fn is_touched(&self) -> bool {
        !self.state.grown.is_empty() || !self.state.new_values.is_empty()
    }

    /// Goes back to the state after the last step, by replaying all of them.
    fn rebuild(&mut self, signed: &[(PeerId, Option<(u64, marine_particle::Signature)>)]) {
        let history = std::mem::take(&mut self.history);
        let mut old = std::mem::replace(&mut self.state, State::new(&self.setup));
        let steps = history.chunk_by(|_, next| !next.is_first);
        let records: Vec<Data> = steps.map(|step| record_of(&self.setup, &mut old, step)).collect();
        self.outcome = Outcome::Running;
        let replayed = self.replay(records);
        debug_assert!(replayed.is_ok(), "invariant: a sequence of steps that was taken once can be taken again");
        for (peer, signature) in signed {
            if let Some((len, signature)) = signature {
                self.state.logs.sign(peer, *len, *signature);
            }
        }
        // Everything outstanding was requested when it came up.
        self.state.touched.clear();
        for act in self.state.outstanding.clone() {
            self.state.set_requested(act);
        }
    }
}

/// The record of an earlier step.
fn record_of(setup: &Setup, state: &mut State, step: &[Grown]) -> Data {
    let machine = machine(setup, state);
    let (mut data, mut values) = (Data::empty(machine.state.logs.particle()), Vec::new());
    for &Grown { peer, from, len, .. } in step.iter().filter(|grown| grown.peer != NONE) {
        let peer = machine.state.peers.id(peer);
        let Some(segment) = machine.state.logs.segment(&peer, from.into(), len.into()) else { continue };
        let entries = segment.entries.iter().filter_map(|bytes| Entry::decode(bytes).ok());
        for id in entries.filter_map(|entry| machine.referred_value(&entry)) {
            values.extend(machine.state.values.encoded(&id).map(|bytes| (id, bytes.clone())));
        }
        data.segments.insert(peer, segment);
    }
    data.add_values(values);
    data
}

fn machine<'a>(setup: &'a Setup, state: &'a mut State) -> Machine<'a> {
    let Setup { particle, script, me, limits } = setup;
    Machine { script, tree: script.tree(), particle, limits, me: *me, state }
}

impl Machine<'_> {
    /// An entry has come for a started activation.
    pub(super) fn notice(&mut self, act: ActId) {
        if self.state.is_waiting(act) {
            self.state.settle.insert(act);
        } else {
            self.review(act);
        }
    }

    pub(super) fn add_value(&mut self, id: ContentId, bytes: Blob, value: Value) {
        if self.state.values.insert(id, bytes.clone(), value) {
            self.state.new_values.push((id, bytes));
        }
    }

    /// Writes what came of a call to this peer's log.
    fn write_result(&mut self, me: PeerNo, act: ActId, result: CallResult) -> Result<(), Rejection> {
        let (value, code) = match result {
            CallResult::Ok(value) => (value, None),
            CallResult::Err { code, message } => (Value::from(message), Some(code)),
        };
        let encoded = value.encode_within(self.limits);
        let bytes: Blob = encoded.map_err(|error| value_rejection(ContentId::of(&[]), error))?.into();
        let id = ContentId::of(&bytes);
        let args = self.args_hash(act)?;
        let at: Position = self.state.position_of(act);
        let [service, function] = [1, 2].map(|index| self.call_text(act, index));
        let (service, function) = (&*service, &*function);
        let fact = match code {
            None => Fact::Ok { service, function, args, result: id },
            Some(code) => Fact::Err { service, function, args, code, message: id },
        };
        let entry = Entry { at, fact };
        if self.referred_value(&entry).is_some() {
            if !self.state.values.contains(&id) {
                self.check_sizes(0, bytes.len())?;
            }
            self.add_value(id, bytes, value);
        }
        self.append(me, &entry)?;
        self.state.outstanding.remove(&act);
        self.state.settle.insert(act);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use marine_particle::{Keypair, Particle};

    use super::super::content::Bound;
    use super::*;
    use crate::check::Script;
    use crate::data::Frame;
    use crate::{Limits, value::Tetraplet};

    /// Nobody can make two positions with one key, so here one comes a second time.
    #[test]
    #[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    fn positions_with_the_same_key_are_refused() {
        let key = Keypair::from_seed(&[1; 32]);
        let limits = Limits::default();
        let particle = Particle::sign_new(&key, "test", 0, 60_000, "(ap 1 $s)").unwrap();
        let script = Script::parse(particle.script(), &limits).script().unwrap();
        let setup = Setup { particle: Arc::new(particle), script, me: Some(key.peer_id()), limits };
        let (mut execution, _) = Execution::new(setup.clone(), [], None).unwrap();
        let mut machine = machine(&setup, &mut execution.state);
        let name = machine.tree.find_name("$s").unwrap();
        let bound = Bound::new(Value::from(2), Arc::new(Tetraplet::default()));
        let rejection = machine.push(ROOT, name, bound, None).unwrap_err();
        assert_eq!(rejection, Rejection::KeyCollision(Frame::ROOT.key(0)));
        assert_eq!(rejection.code(), 20102);
    }
}
