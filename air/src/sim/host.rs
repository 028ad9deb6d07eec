//! [`Host`]: one simulated peer with its execution, its storage and what it knows of its neighbours.

use std::collections::BTreeMap;
use std::sync::Arc;

use marine_particle::{Keypair, Particle, PeerId};

use super::SimError;
use crate::data::{Data, Heads};
use crate::execution::{CallId, CallRequest, CallResult, Effects, Execution, Outcome, Rejection, Report, Setup};
use crate::{Limits, Script};

/// What travels between peers: the bytes of a particle and of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The encoded envelope.
    pub particle: Arc<[u8]>,
    /// The encoded data.
    pub data: Vec<u8>,
}

/// What a peer was given in a step.
#[derive(Clone, Debug)]
pub enum Input {
    /// The particle, with the encoded data that came with it.
    Start(Option<Vec<u8>>),
    /// Encoded data.
    Merge(Vec<u8>),
    /// Results of calls.
    Resolve(Vec<(CallId, CallResult)>),
}

/// What a step at a peer led to.
#[derive(Clone, Debug)]
pub struct Step {
    /// The calls that the peer has to make.
    pub requests: Vec<CallRequest>,
    /// The peers that the particle has to go to.
    pub next_peers: Vec<PeerId>,
    /// Whether the step added something to the peer's data.
    pub recorded: bool,
    /// The state of the script at the peer.
    pub outcome: Outcome,
    /// What the peer reports.
    pub reports: Vec<Report>,
}

/// What all hosts of a simulation share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) particle: Arc<Particle>,
    pub(super) script: Arc<Script>,
    pub(super) envelope: Arc<[u8]>,
    pub(super) limits: Limits,
}

pub(super) struct Host {
    name: String,
    key: Keypair,
    shared: Shared,
    execution: Option<Execution>,
    /// What is on the host's disk.
    records: Vec<Vec<u8>>,
    /// By neighbour, what it has for sure.
    known: BTreeMap<PeerId, Heads>,
    pub(super) outstanding: BTreeMap<CallId, CallRequest>,
    /// Counts restarts.
    pub(super) life: u32,
    /// What was accepted in this life.
    pub(super) journal: Vec<Input>,
}

impl Host {
    pub(super) fn new(name: &str, key: &Keypair, shared: Shared) -> Self {
        Self {
            name: name.to_owned(),
            key: key.clone(),
            shared,
            execution: None,
            records: Vec::new(),
            known: BTreeMap::new(),
            outstanding: BTreeMap::new(),
            life: 0,
            journal: Vec::new(),
        }
    }

    pub(super) fn peer_id(&self) -> PeerId {
        self.key.peer_id()
    }

    pub(super) fn execution(&self) -> Option<&Execution> {
        self.execution.as_ref()
    }

    /// Whether the host would find something of the particle on its disk.
    pub(super) fn has_records(&self) -> bool {
        !self.records.is_empty()
    }

    fn setup(&self) -> Setup {
        let Shared { particle, script, limits, .. } = &self.shared;
        let (particle, script, limits) = (particle.clone(), script.clone(), limits.clone());
        Setup { particle, script, me: Some(self.peer_id()), limits }
    }

    /// Begins the execution with what is stored, and the data that came with the particle.
    pub(super) fn start(&mut self, data: Option<Data>) -> Result<Step, SimError> {
        let input = Input::Start(data.as_ref().map(Data::encode));
        let mut records = Vec::with_capacity(self.records.len());
        for record in &self.records {
            records.push(Data::decode(record, &self.shared.limits).map_err(|error| self.rejected(error.into()))?);
        }
        let (execution, effects) =
            Execution::new(self.setup(), records, data).map_err(|rejection| self.rejected(rejection))?;
        self.execution = Some(execution);
        Ok(self.finish(input, effects))
    }

    /// Takes a message of a neighbour.
    pub(super) fn receive(&mut self, message: &Message) -> Result<Step, SimError> {
        let data = Data::decode(&message.data, &self.shared.limits).map_err(|error| self.rejected(error.into()))?;
        let Some(execution) = &mut self.execution else { return self.start(Some(data)) };
        match execution.merge(data) {
            Ok(effects) => Ok(self.finish(Input::Merge(message.data.clone()), effects)),
            Err(rejection) => Err(self.rejected(rejection)),
        }
    }

    /// Answers calls, all in one step.
    pub(super) fn resolve(&mut self, results: Vec<(CallId, CallResult)>) -> Result<Step, SimError> {
        let not_there = SimError::NotThere { peer: self.name.clone() };
        let execution = self.execution.as_mut().ok_or(not_there)?;
        let ids: Vec<CallId> = results.iter().map(|(id, _)| *id).collect();
        match execution.resolve_all(results.clone()) {
            Ok(effects) => {
                ids.iter().for_each(|id| drop(self.outstanding.remove(id)));
                Ok(self.finish(Input::Resolve(results), effects))
            }
            Err(rejection) => Err(self.rejected(rejection)),
        }
    }

    /// Stores the step; only then may anything leave the peer.
    fn finish(&mut self, input: Input, effects: Effects) -> Step {
        self.journal.push(input);
        let Effects { requests, next_peers, record, outcome, reports, .. } = effects;
        let recorded = record.is_some();
        self.records.extend(record.map(|record| record.encode()));
        let own = self.peer_id();
        if let Some(execution) = &mut self.execution {
            let length = execution.heads().get(&own);
            execution.stored(length);
        }
        self.outstanding.extend(requests.iter().map(|request| (request.id, request.clone())));
        Step { requests, next_peers, recorded, outcome, reports }
    }

    /// Ends the process: what is not stored is gone. `steps` is how many of the latest records had not been written.
    pub(super) fn crash(&mut self, lost: usize) {
        self.records.truncate(self.records.len().saturating_sub(lost));
        self.execution = None;
        self.known.clear();
        self.outstanding.clear();
        self.journal.clear();
        self.life += 1;
    }

    /// The newest data that a neighbour is not known to have.
    pub(super) fn message(&mut self, to: PeerId) -> Result<Message, SimError> {
        let known = self.known.get(&to).cloned().unwrap_or_default();
        self.message_beyond(&known)
    }

    pub(super) fn message_beyond(&mut self, known: &Heads) -> Result<Message, SimError> {
        let not_there = SimError::NotThere { peer: self.name.clone() };
        let data = self.execution.as_mut().ok_or(not_there)?.outgoing(known, &self.key)?;
        Ok(Message { particle: self.shared.envelope.clone(), data: data.encode() })
    }

    /// Takes note of what a neighbour has.
    pub(super) fn learn(&mut self, neighbour: PeerId, heads: &Heads) {
        self.known.entry(neighbour).or_default().join(heads);
    }

    pub(super) fn heads(&self) -> Heads {
        self.execution.as_ref().map(|execution| execution.heads().clone()).unwrap_or_default()
    }

    fn rejected(&self, rejection: Rejection) -> SimError {
        SimError::Rejected { peer: self.name.clone(), rejection: Box::new(rejection) }
    }
}
