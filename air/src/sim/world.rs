//! [`World`]: a simulated network in which the caller decides what happens next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use marine_particle::{Particle, PeerId};

use super::SimError;
use super::host::{Host, Input, Message, Shared, Step};
use super::peers::Peers;
use super::run::EntryFact;
use super::scenario::Scenario;
use super::stub::Stub;
use crate::data::{Data, Heads};
use crate::execution::{CallId, CallRequest, CallResult, Execution};
use crate::{Limits, Script};

/// The hosts of a scenario. Nothing happens by itself: messages arrive when [`World::deliver`] is called, and calls are
/// answered when [`World::answer`] is.
pub struct World {
    peers: Peers,
    init: String,
    stubs: Vec<Stub>,
    /// By stub, how many calls it has answered.
    answered: Vec<usize>,
    hosts: BTreeMap<String, Host>,
    shared: Shared,
}

impl World {
    pub(super) fn new(scenario: &Scenario) -> Result<Self, SimError> {
        let (particle, script) = scenario.particle()?;
        let envelope: Arc<[u8]> = particle.encode().into();
        let shared = Shared { particle, script, envelope, limits: scenario.limits.clone() };
        let host = |(name, key): (&str, &_)| (name.to_owned(), Host::new(name, key, shared.clone()));
        Ok(Self {
            hosts: scenario.peers.iter().map(host).collect(),
            peers: scenario.peers.clone(),
            init: scenario.init.clone(),
            answered: vec![0; scenario.stubs.len()],
            stubs: scenario.stubs.clone(),
            shared,
        })
    }

    /// The peers.
    #[must_use]
    pub fn peers(&self) -> &Peers {
        &self.peers
    }

    /// The name of the peer that starts the particle.
    #[must_use]
    pub fn init(&self) -> &str {
        &self.init
    }

    /// The particle.
    #[must_use]
    pub fn particle(&self) -> &Arc<Particle> {
        &self.shared.particle
    }

    /// The script, with ids for names.
    #[must_use]
    pub fn script(&self) -> &Arc<Script> {
        &self.shared.script
    }

    /// The limits of all hosts.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// A peer's execution; `None` if the particle has not reached it.
    ///
    /// # Errors
    /// [`SimError::UnknownPeer`].
    pub fn execution(&self, peer: &str) -> Result<Option<&Execution>, SimError> {
        Ok(self.host(peer)?.execution())
    }

    /// Starts the particle at its initial peer.
    ///
    /// # Errors
    /// If the peer refuses.
    pub fn start(&mut self) -> Result<Step, SimError> {
        let init = self.init.clone();
        self.host_mut(&init)?.start(None)
    }

    /// The newest data of one peer, less what it knows another one to have.
    ///
    /// # Errors
    /// [`SimError::UnknownPeer`], [`SimError::NotThere`].
    pub fn message(&mut self, from: &str, to: &str) -> Result<Message, SimError> {
        let to = self.peers.id(to)?;
        self.host_mut(from)?.message(to)
    }

    /// The newest data of one peer, less what is `known`.
    ///
    /// # Errors
    /// [`SimError::UnknownPeer`], [`SimError::NotThere`].
    pub fn message_beyond(&mut self, from: &str, known: &Heads) -> Result<Message, SimError> {
        self.host_mut(from)?.message_beyond(known)
    }

    /// Hands a message to a peer.
    ///
    /// # Errors
    /// If the peer refuses it; it is as before then.
    pub fn receive(&mut self, peer: &str, message: &Message) -> Result<Step, SimError> {
        self.host_mut(peer)?.receive(message)
    }

    /// Sends the newest data of one peer to another, and lets the first know that it has arrived.
    ///
    /// # Errors
    /// If one of them is not there, or the receiver refuses the message.
    pub fn deliver(&mut self, from: &str, to: &str) -> Result<Step, SimError> {
        let message = self.message(from, to)?;
        let step = self.receive(to, &message)?;
        let (sender, heads) = (self.peers.id(to)?, self.heads(to)?);
        self.host_mut(from)?.learn(sender, &heads);
        Ok(step)
    }

    /// Answers the outstanding calls of `service.function` at a peer as the stubs say, in one step.
    ///
    /// # Errors
    /// [`SimError::NoSuchCall`] if there is none, or the peer refuses.
    pub fn answer(&mut self, peer: &str, call: &str) -> Result<Step, SimError> {
        let wanted = self.outstanding(peer, call)?;
        let results = self.stub_results(peer, &wanted);
        self.resolve(peer, results)
    }

    /// Answers the outstanding calls of `service.function` at a peer with this result, in one step.
    ///
    /// # Errors
    /// [`SimError::NoSuchCall`] if there is none, or the peer refuses.
    pub fn answer_with(&mut self, peer: &str, call: &str, result: &CallResult) -> Result<Step, SimError> {
        let result = match result {
            CallResult::Ok(value) => CallResult::Ok(self.peers.with_ids(value)),
            error => error.clone(),
        };
        let wanted = self.outstanding(peer, call)?;
        self.resolve(peer, wanted.into_iter().map(|request| (request.id, result.clone())).collect())
    }

    fn outstanding(&self, peer: &str, call: &str) -> Result<Vec<CallRequest>, SimError> {
        let is_wanted = |request: &&CallRequest| format!("{}.{}", request.service, request.function) == call;
        let wanted: Vec<CallRequest> = self.host(peer)?.outstanding.values().filter(is_wanted).cloned().collect();
        match wanted.is_empty() {
            true => Err(SimError::NoSuchCall { peer: peer.to_owned(), call: call.to_owned() }),
            false => Ok(wanted),
        }
    }

    /// Answers all outstanding calls at a peer as the stubs say, in one step.
    ///
    /// # Errors
    /// If the particle has not reached the peer, or it refuses.
    pub fn answer_all(&mut self, peer: &str) -> Result<Step, SimError> {
        let wanted: Vec<CallRequest> = self.host(peer)?.outstanding.values().cloned().collect();
        let results = self.stub_results(peer, &wanted);
        self.resolve(peer, results)
    }

    /// Answers calls at a peer with these results, in one step.
    ///
    /// # Errors
    /// If the particle has not reached the peer, or it refuses.
    pub fn resolve(&mut self, peer: &str, results: Vec<(CallId, CallResult)>) -> Result<Step, SimError> {
        self.host_mut(peer)?.resolve(results)
    }

    /// Ends a peer's process and starts it again from what it has stored. Of its latest records `lost` had not been written.
    /// `None`: nothing is left to start from, the peer has never heard of the particle.
    ///
    /// # Errors
    /// If the peer refuses its own records.
    pub fn restart(&mut self, peer: &str, lost: usize) -> Result<Option<Step>, SimError> {
        let is_init = self.init == peer;
        let host = self.host_mut(peer)?;
        host.crash(lost);
        if host.has_records() || is_init { host.start(None).map(Some) } else { Ok(None) }
    }

    /// What a peer was given since it started last, without what it refused.
    ///
    /// # Errors
    /// [`SimError::UnknownPeer`].
    pub fn journal(&self, peer: &str) -> Result<&[Input], SimError> {
        Ok(&self.host(peer)?.journal)
    }

    /// All data of a peer, with its own head signed.
    ///
    /// # Errors
    /// [`SimError::UnknownPeer`], [`SimError::NotThere`].
    pub fn data(&mut self, peer: &str) -> Result<Data, SimError> {
        let limits = self.shared.limits.clone();
        let message = self.message_beyond(peer, &Heads::default())?;
        Ok(Data::decode(&message.data, &limits).expect("invariant: what a peer sends can be decoded"))
    }

    /// All `ok`, `err` and `canon` entries that any peer has.
    ///
    /// # Errors
    /// If a key cannot sign.
    pub fn facts(&mut self) -> Result<BTreeSet<EntryFact>, SimError> {
        let mut facts = BTreeSet::new();
        for data in self.all_data()? {
            for (owner, segment) in data.segments() {
                let owner = self.peers.display(owner);
                facts.extend(segment.entries.iter().filter_map(|entry| EntryFact::new(&owner, entry)));
            }
        }
        Ok(facts)
    }

    /// All data of each peer that the particle has reached.
    ///
    /// # Errors
    /// If a key cannot sign.
    pub fn all_data(&mut self) -> Result<Vec<Data>, SimError> {
        let reached = self.hosts.iter().filter(|(_, host)| host.execution().is_some());
        let names: Vec<String> = reached.map(|(name, _)| name.clone()).collect();
        names.iter().map(|name| self.data(name)).collect()
    }

    pub(super) fn host(&self, peer: &str) -> Result<&Host, SimError> {
        self.hosts.get(peer).ok_or_else(|| SimError::UnknownPeer { name: peer.to_owned() })
    }

    pub(super) fn host_mut(&mut self, peer: &str) -> Result<&mut Host, SimError> {
        self.hosts.get_mut(peer).ok_or_else(|| SimError::UnknownPeer { name: peer.to_owned() })
    }

    pub(super) fn heads(&self, peer: &str) -> Result<Heads, SimError> {
        Ok(self.host(peer)?.heads())
    }

    pub(super) fn learn(&mut self, peer: &str, neighbour: &PeerId, heads: &Heads) -> Result<(), SimError> {
        self.host_mut(peer)?.learn(*neighbour, heads);
        Ok(())
    }

    /// The stub that answers a call.
    pub(super) fn stub(&self, peer: &str, request: &CallRequest) -> Option<&Stub> {
        self.stubs.iter().find(|stub| stub.fits(peer, request, &self.peers))
    }

    /// What the stubs answer; calls to silent ones are left out.
    pub(super) fn stub_results(&mut self, peer: &str, requests: &[CallRequest]) -> Vec<(CallId, CallResult)> {
        let results = requests.iter().filter_map(|request| Some((request.id, self.stub_result(peer, request)?)));
        results.collect()
    }

    fn stub_result(&mut self, peer: &str, request: &CallRequest) -> Option<CallResult> {
        let Some(index) = self.stubs.iter().position(|stub| stub.fits(peer, request, &self.peers)) else {
            return Some(CallResult::Err { code: 1, message: "no such service".to_owned() });
        };
        let result = self.stubs[index].result(peer, request, self.answered[index], &self.peers);
        self.answered[index] += usize::from(result.is_some());
        result
    }
}
