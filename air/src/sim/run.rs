//! [`Run`]: all that happened in a simulation.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::SimError;
use super::peers::Peers;
use super::stub::tetraplets_value;
use super::world::World;
use crate::data::{Entry, Fact};
use crate::execution::{CallId, CallRequest, Outcome, Report};
use crate::value::Value;

/// The record of a finished simulation, and the network as it was left.
pub struct Run {
    /// The seed that repeats it.
    pub seed: u64,
    /// How long it took, in virtual milliseconds.
    pub duration: u64,
    /// All calls, in the order in which they were requested. Calls that a restarted host makes again are there again.
    pub calls: Vec<CallRow>,
    /// The state of the script at each peer that the particle reached.
    pub outcomes: BTreeMap<String, Outcome>,
    /// All `ok`, `err` and `canon` entries.
    pub facts: BTreeSet<EntryFact>,
    /// How many messages arrived.
    pub messages: usize,
    /// The bytes of data in them.
    pub bytes: usize,
    /// What hosts refused.
    pub refusals: Vec<Refusal>,
    /// What executions reported, with the name of the peer.
    pub reports: Vec<(String, Report)>,
    /// What happened when.
    pub timeline: Vec<TimelineRow>,
    /// The network as it was left.
    pub world: World,
}

/// A call request.
#[derive(Clone, Debug)]
pub struct CallRow {
    /// When, in virtual milliseconds.
    pub time: u64,
    /// The name of the peer.
    pub peer: String,
    /// How often the peer had restarted before.
    pub life: u32,
    /// The request's id.
    pub id: CallId,
    /// The service.
    pub service: String,
    /// The function.
    pub function: String,
    /// The arguments, with `@name` for ids of peers.
    pub args: Vec<Value>,
    /// By argument, its tetraplets: arrays of objects, with `@name` for ids of peers.
    pub tetraplets: Value,
}

/// A message or an answer that a host refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// When, in virtual milliseconds.
    pub time: u64,
    /// The name of the peer that refused.
    pub peer: String,
    /// The code of the rejection.
    pub code: i32,
    /// Its text.
    pub text: String,
}

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineRow {
    /// When, in virtual milliseconds.
    pub time: u64,
    /// The name of the peer.
    pub peer: String,
    /// What happened there.
    pub event: String,
}

/// An `ok`, `err` or `canon` entry and the peer that stated it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryFact {
    /// The name of the peer.
    pub peer: String,
    /// The encoded entry.
    pub entry: Arc<[u8]>,
}

impl Run {
    pub(super) fn new(seed: u64, world: World) -> Self {
        Self {
            seed,
            duration: 0,
            calls: Vec::new(),
            outcomes: BTreeMap::new(),
            facts: BTreeSet::new(),
            messages: 0,
            bytes: 0,
            refusals: Vec::new(),
            reports: Vec::new(),
            timeline: Vec::new(),
            world,
        }
    }

    /// Notes in what state the network was left.
    pub(super) fn close(&mut self) -> Result<(), SimError> {
        self.facts = self.world.facts()?;
        let outcome = |name: &str| {
            let execution = self.world.execution(name).ok()??;
            Some((name.to_owned(), execution.outcome().clone()))
        };
        self.outcomes = self.world.peers().iter().filter_map(|(name, _)| outcome(name)).collect();
        Ok(())
    }

    /// A report with `@name` for ids of peers.
    #[must_use]
    pub fn report_text(&self, report: &Report) -> String {
        self.world.peers().with_names_in(&report.to_string())
    }

    /// The calls made at a peer, in order, as `service.function(arguments)` with JSON arguments.
    #[must_use]
    pub fn calls_at(&self, peer: &str) -> Vec<String> {
        self.calls.iter().filter(|call| call.peer == peer).map(CallRow::to_string).collect()
    }

    /// The calls that a host requested twice without a restart between. A correct execution has none.
    #[must_use]
    pub fn repeated_calls(&self) -> Vec<&CallRow> {
        let mut seen = BTreeSet::new();
        self.calls.iter().filter(|call| !seen.insert((&call.peer, call.life, call.id))).collect()
    }

    /// What a peer could give away: the bundle of the particle and all of the peer's data.
    ///
    /// # Errors
    /// [`SimError::UnknownPeer`], [`SimError::NotThere`].
    pub fn bundle(&mut self, peer: &str) -> Result<Vec<u8>, SimError> {
        let data = self.world.data(peer)?;
        Ok(crate::trace::encode_bundle(self.world.particle(), &data))
    }

    /// The timeline as text, one line per event.
    #[must_use]
    pub fn timeline_text(&self) -> String {
        self.timeline.iter().map(|row| format!("{row}\n")).collect()
    }
}

impl CallRow {
    pub(super) fn new(time: u64, peer: &str, life: u32, request: &CallRequest, peers: &Peers) -> Self {
        Self {
            time,
            peer: peer.to_owned(),
            life,
            id: request.id,
            service: request.service.to_string(),
            function: request.function.to_string(),
            args: request.args.iter().map(|arg| peers.with_names(arg)).collect(),
            tetraplets: peers.with_names(&tetraplets_value(&request.tetraplets)),
        }
    }
}

/// `service.function(1,"two")`
impl fmt::Display for CallRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let args = Value::array(self.args.iter().cloned()).to_string();
        write!(f, "{}.{}({})", self.service, self.function, &args[1..args.len() - 1])
    }
}

impl fmt::Display for TimelineRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6} {:<8} {}", self.time, self.peer, self.event)
    }
}

impl EntryFact {
    /// The fact of an entry; `None` for `sent` entries, which only say what was tried.
    pub(super) fn new(peer: &str, entry: &Arc<[u8]>) -> Option<Self> {
        let decoded = Entry::decode(entry).ok()?;
        let is_fact = !matches!(decoded.fact, Fact::Sent { .. });
        is_fact.then(|| Self { peer: peer.to_owned(), entry: entry.clone() })
    }
}

impl fmt::Debug for EntryFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.peer)?;
        match Entry::decode(&self.entry) {
            Ok(entry) => fmt::Debug::fmt(&entry, f),
            Err(error) => write!(f, "{error}"),
        }
    }
}
