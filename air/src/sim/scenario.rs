//! [`Scenario`]: the description of a simulation.

use std::ops::RangeInclusive;
use std::sync::Arc;

use marine_particle::Particle;

use super::SimError;
use super::network::Network;
use super::peers::Peers;
use super::run::Run;
use super::stub::Stub;
use super::world::World;
use crate::{Limits, Script};

/// A script, the peers that may take part, the stubs that answer their calls, and what the network does to messages.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub(super) script: String,
    pub(super) peers: Peers,
    pub(super) init: String,
    pub(super) timestamp: u64,
    pub(super) ttl: u32,
    pub(super) label: String,
    pub(super) stubs: Vec<Stub>,
    pub(super) net: Net,
    pub(super) limits: Limits,
}

/// What happens to messages and hosts. By default messages take 1 to 40 ms and nothing fails.
#[derive(Clone, Debug)]
pub struct Net {
    /// How long a message takes, in virtual milliseconds. Different delays reorder messages.
    pub delay: RangeInclusive<u64>,
    /// The probability that a message arrives twice.
    pub duplicate: f64,
    /// The probability that a message or its acknowledgement is lost.
    pub loss: f64,
    /// After how many virtual milliseconds without acknowledgement a host sends again; `None`: never.
    pub resend: Option<u64>,
    /// The probability that a byte of a message is changed on the way.
    pub tamper: f64,
    /// The probability, per step, that the host restarts after it has stored the step and before it sends anything.
    pub restart: f64,
    /// The probability, per step, that the host restarts before it has stored the step: the step is lost.
    pub crash: f64,
    /// Restarts at given times.
    pub restarts: Vec<Restart>,
    /// Times in which peers cannot reach each other.
    pub partitions: Vec<Partition>,
}

/// Groups of peers between which all messages and acknowledgements are lost for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The groups. A peer in none of them reaches all.
    pub apart: Vec<Vec<String>>,
    /// When it begins, in virtual milliseconds since the start.
    pub from: u64,
    /// When it is over.
    pub until: u64,
}

impl Partition {
    /// Whether what one peer sends another at this time is lost.
    pub(super) fn parts(&self, from: &str, to: &str, now: u64) -> bool {
        let group = |peer: &str| self.apart.iter().position(|group| group.iter().any(|member| member == peer));
        let are_apart = group(from).zip(group(to)).is_some_and(|(from, to)| from != to);
        are_apart && (self.from..self.until).contains(&now)
    }
}

/// A restart of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// The name of the peer.
    pub peer: String,
    /// When, in virtual milliseconds since the start.
    pub at: u64,
    /// The host does not restart then, but in its next step, which is lost.
    pub before_store: bool,
}

impl Default for Net {
    fn default() -> Self {
        Self {
            delay: 1..=40,
            duplicate: 0.0,
            loss: 0.0,
            resend: None,
            tamper: 0.0,
            restart: 0.0,
            crash: 0.0,
            restarts: Vec::new(),
            partitions: Vec::new(),
        }
    }
}

impl Scenario {
    /// A scenario in which the first of the peers starts the particle. String literals `"@name"` in the script stand for the
    /// peers' ids.
    pub fn new<N: Into<String>>(script: &str, peers: impl IntoIterator<Item = N>) -> Self {
        let names: Vec<String> = peers.into_iter().map(Into::into).collect();
        Self {
            script: script.to_owned(),
            init: names.first().cloned().unwrap_or_default(),
            peers: Peers::new(names),
            timestamp: 1_700_000_000_000,
            ttl: 60_000,
            label: "simulation".to_owned(),
            stubs: Vec::new(),
            net: Net::default(),
            limits: Limits::default(),
        }
    }

    /// The peer that starts the particle.
    #[must_use]
    pub fn init(mut self, peer: &str) -> Self {
        self.init = peer.to_owned();
        self
    }

    /// Adds a stub behind those that are there. A call that none fits fails with 1, `no such service`.
    #[must_use]
    pub fn stub(mut self, stub: Stub) -> Self {
        self.stubs.push(stub);
        self
    }

    /// Sets what the network does.
    #[must_use]
    pub fn net(mut self, net: Net) -> Self {
        self.net = net;
        self
    }

    /// When the particle starts, in milliseconds since 1970, and how long it lives, in milliseconds.
    #[must_use]
    pub fn times(mut self, timestamp: u64, ttl: u32) -> Self {
        (self.timestamp, self.ttl) = (timestamp, ttl);
        self
    }

    /// How long the particle lives, in milliseconds.
    #[must_use]
    pub fn lasting(mut self, ttl: u32) -> Self {
        self.ttl = ttl;
        self
    }

    /// When the particle starts, in milliseconds since 1970.
    #[must_use]
    pub fn timestamp(&self) -> u64 {
        self.timestamp
    }

    /// The label of the particle: scenarios that differ in it alone make different particles.
    #[must_use]
    pub fn label(mut self, label: &str) -> Self {
        self.label = label.to_owned();
        self
    }

    /// The limits of all hosts.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The peers.
    #[must_use]
    pub fn peers(&self) -> &Peers {
        &self.peers
    }

    /// Runs the scenario until nothing is pending or the particle's time is over.
    ///
    /// # Errors
    /// If it cannot be set up, or does not come to rest. What hosts refuse is in the [`Run`].
    pub fn run(&self, seed: u64) -> Result<Run, SimError> {
        Network::new(self, seed)?.run()
    }

    /// The network without scheduler.
    ///
    /// # Errors
    /// If it cannot be set up.
    pub fn world(&self) -> Result<World, SimError> {
        World::new(self)
    }

    /// The signed particle and its script.
    pub(super) fn particle(&self) -> Result<(Arc<Particle>, Arc<Script>), SimError> {
        let text = self.peers.script(&self.script)?;
        let script = Script::parse(&text, &self.limits).script()?;
        let key = self.peers.key(&self.init)?;
        let particle = Particle::sign_new(key, &*self.label, self.timestamp, self.ttl, text)?;
        Ok((Arc::new(particle), script))
    }
}
