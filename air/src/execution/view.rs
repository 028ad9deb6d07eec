//! [`View`]: a look inside an execution, for tools, tests and traces.

use marine_particle::PeerId;

use super::content::Content;
use super::index::{EntryNo, EntryState};
use super::state::{ActId, Operand, State, Status};
use super::{EntryId, Setup};
use crate::data::{Element, Entry, Fact, Logs, Position};
use crate::syntax::{Instruction, Name, NodeId};
use crate::value::{ContentId, Value};

/// What an execution looks like between two steps.
#[derive(Clone, Copy)]
pub struct View<'a> {
    setup: &'a Setup,
    state: &'a State,
}

/// How much work an execution has done so far; the same for the same inputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Instances of instructions started.
    pub activations: u64,
    /// Times that an instance was woken because something it waited for happened.
    pub wake_ups: u64,
    /// Entries hashed.
    pub hashes: u64,
    /// Signatures verified.
    pub signature_checks: u64,
}

/// An entry and how it fits here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryView<'a> {
    /// Which entry.
    pub id: EntryId,
    /// What it says.
    pub entry: Entry<'a>,
    /// Whether its position was reached, and it agrees.
    pub state: EntryState,
}

/// A call or canon that has been reached.
#[derive(Clone, PartialEq, Debug)]
pub struct CallView {
    /// Where.
    pub at: Position,
    /// The peer in base58, service and function; `None` while not known. A canon has only a peer.
    pub target: [Option<String>; 3],
    /// What a canon reads and what it sets, as in `$s #s`.
    pub canon: Option<String>,
    /// The arguments; `None` while not known. Peers forget the operands of calls that are over, observers do not.
    pub args: Vec<Option<Value>>,
    /// What has become of it.
    pub state: CallState,
}

/// What has become of a call.
#[derive(Clone, PartialEq, Debug)]
pub enum CallState {
    /// It returned.
    Ok {
        /// The entry that says so.
        entry: EntryId,
        /// What it returned.
        result: ContentId,
        /// The value, if it is with the data.
        value: Option<Value>,
    },
    /// It was executed and failed.
    Err {
        /// The entry that says so.
        entry: EntryId,
        /// The service's code.
        code: i32,
        /// The service's message.
        message: String,
    },
    /// The peer of a canon has stated these elements.
    Seen {
        /// The entry that says so.
        entry: EntryId,
        /// The elements, in its order.
        elements: Vec<Value>,
    },
    /// It failed before it was executed, with this error.
    Failed(super::ExecutionError),
    /// It is being executed at this peer.
    Outstanding,
    /// Some operands are not known; these are the names they wait for.
    Waiting(Vec<String>),
    /// It has been forwarded to its peer by these.
    Sent(Vec<PeerId>),
}

impl<'a> View<'a> {
    pub(super) fn new(setup: &'a Setup, state: &'a State) -> Self {
        Self { setup, state }
    }

    /// What the execution is about.
    #[must_use]
    pub fn setup(&self) -> &'a Setup {
        self.setup
    }

    /// The logs.
    #[must_use]
    pub fn logs(&self) -> &'a Logs {
        &self.state.logs
    }

    /// A value that the particle carries.
    #[must_use]
    pub fn value(&self, id: &ContentId) -> Option<&'a Value> {
        self.state.values.get(id)
    }

    /// How much work was done.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let (hashes, signature_checks) = self.state.logs.counters();
        let activations = self.state.acts.started() as u64;
        Counters { activations, wake_ups: self.state.wake_ups, hashes, signature_checks }
    }

    /// The number of instances that wait for something.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.state.acts.waiting()
    }

    /// The number of calls to this peer that have their arguments and no result.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.state.outstanding.len()
    }

    /// The value of a variable outside of folds and `new`s.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&'a Value> {
        let name: Name = self.setup.script.tree().find_name(name)?;
        match self.state.root_content(name)? {
            Content::Plain(bound) => Some(&bound.value),
            Content::Canon(_) => None,
        }
    }

    /// The iterator's value in the iteration that a chain of folds names, as in [`Position::folds`]; `None`: not started.
    #[must_use]
    pub fn iterator(&self, folds: &[(u32, Element)]) -> Option<Value> {
        let inner =
            |frame, &(fold, element): &(u32, Element)| self.state.frame_ids.get(&(frame, fold, element)).copied();
        let frame = folds.iter().try_fold(0, inner)?;
        self.state.iterator_value(frame).cloned()
    }

    /// All entries, by log and height.
    pub fn entries(&self) -> impl Iterator<Item = EntryView<'a>> + use<'a> {
        let (index, peers) = (&self.state.index, &self.state.peers);
        self.state.logs.iter().flat_map(move |log| {
            let peer = *log.peer();
            let number = peers.find(&peer);
            (1..).zip(log.entries()).filter_map(move |(height, bytes)| {
                let entry = Entry::decode(bytes).ok()?;
                let state = number.map_or(EntryState::Unreached, |number| index.state((number, height as u32)));
                Some(EntryView { id: EntryId { peer, height }, entry, state })
            })
        })
    }

    /// The calls and canons that have been reached, in the order of the script, iterations in the order in which they were
    /// started. Of a peer's own execution those are missing that can no longer change; observers show all.
    #[must_use]
    pub fn calls(&self) -> Vec<CallView> {
        let mut acts: Vec<(NodeId, ActId)> = self
            .state
            .acts
            .kept()
            .filter(|&act| self.state.call(act).is_some())
            .map(|act| (self.state.act(act).node, act))
            .collect();
        acts.sort_unstable();
        acts.into_iter().filter_map(|(_, act)| self.call(act)).collect()
    }

    fn call(&self, id: ActId) -> Option<CallView> {
        let status = &self.state.act(id).status;
        let call = self.state.call(id)?;
        let text = |index: usize| {
            let bound = call.operands.get(index)?.known()?;
            bound.value.as_str().map(str::to_owned)
        };
        let peer = self.state.peer_of_call(id).map(|peer| self.state.peers.id(peer).to_base58()).or_else(|| text(0));
        let value = |operand: &Operand| operand.known().map(|bound| bound.value.clone());
        let args = call.operands.iter().skip(3).map(value).collect();
        let state = self.result(id).unwrap_or_else(|| match status {
            Status::Failed(failure) => CallState::Failed(failure.raised.error.clone()),
            _ if self.state.outstanding.contains(&id) => CallState::Outstanding,
            _ => self.waiting_state(id),
        });
        let tree = self.setup.script.tree();
        let canon = match tree.instruction(self.state.act(id).node) {
            Instruction::Canon { source, target, .. } => {
                Some(format!("{} {}", tree.name(source.name), tree.name(target.name)))
            }
            _ => None,
        };
        Some(CallView { at: self.state.position_of(id), target: [peer, text(1), text(2)], canon, args, state })
    }

    fn waiting_state(&self, id: ActId) -> CallState {
        let tree = self.setup.script.tree();
        let Some(call) = self.state.call(id) else { return CallState::Waiting(Vec::new()) };
        let slot = self.state.index.slot(call.slot);
        let sents = slot.sents().iter().filter(|sent| Some(sent.to) == slot.peer());
        let senders: Vec<PeerId> = sents.map(|sent| self.state.peers.id(sent.by)).collect();
        if !senders.is_empty() {
            return CallState::Sent(senders);
        }
        let names = call.operands.iter().filter_map(|operand| match operand {
            Operand::Missing(name) => name.map(|name| tree.name(name).to_owned()),
            Operand::Known(_) => None,
        });
        CallState::Waiting(names.collect())
    }

    /// The verified result of a settled call.
    fn result(&self, id: ActId) -> Option<CallState> {
        let call = self.state.call(id)?;
        let slot = self.state.index.slot(call.slot);
        let number = slot.results().find(|&entry| self.state.index.state(entry) == EntryState::Verified)?;
        let entry = EntryId { peer: self.state.peers.id(number.0), height: number.1.into() };
        let bytes = self.state.logs.get(&entry.peer)?.entry(entry.height)?;
        match Entry::decode(bytes).ok()?.fact {
            Fact::Ok { result, .. } => {
                let has_output = matches!(
                    self.setup.script.tree().instruction(self.state.act(id).node),
                    Instruction::Call { output: Some(_), .. }
                );
                let value = self.state.values.get(&result).filter(|_| has_output).cloned();
                Some(CallState::Ok { entry, result, value })
            }
            Fact::Err { code, message, .. } => {
                let message = self.state.values.get(&message).and_then(Value::as_str).unwrap_or_default().to_owned();
                Some(CallState::Err { entry, code, message })
            }
            Fact::Canon { .. } => Some(CallState::Seen { entry, elements: self.stated_elements(id, number)? }),
            Fact::Sent { .. } => None,
        }
    }

    fn stated_elements(&self, id: ActId, entry: EntryNo) -> Option<Vec<Value>> {
        let stated = self.state.sequences.stated(entry)?;
        let list = self.state.sequences.get(stated.sequence).resolved.get(..stated.len as usize)?;
        let stream = self.state.canon_source(&self.setup.script, id)?;
        let elements = &self.state.stream(stream).elements;
        Some(list.iter().map(|&index| elements[index as usize].bound.value.clone()).collect())
    }
}
