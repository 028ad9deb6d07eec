//! [`Network`]: the seeded scheduler over a [`World`]: it chooses what happens when, faults included.
//!
//! Every event has a virtual time and a number; the earliest one is next. Chance decides only how long things take and what
//! goes wrong, so that a seed is a run.

use std::collections::BTreeMap;

use super::SimError;
use super::host::{Message, Step};
use super::random::Random;
use super::run::{CallRow, Refusal, Run, TimelineRow};
use super::scenario::{Net, Scenario};
use super::world::World;
use crate::data::Heads;
use crate::execution::{CallId, CallRequest};

/// More events than any script of a test leads to.
const MAX_EVENTS: usize = 200_000;

pub(super) struct Network {
    random: Random,
    net: Net,
    ttl: u64,
    run: Run,
    now: u64,
    /// By time and number.
    queue: BTreeMap<(u64, u64), Event>,
    scheduled: u64,
    /// What hosts have to send and is not acknowledged yet: from, to, and what the receiver will have then. A real host keeps
    /// this on its disk, beside the records.
    unacknowledged: BTreeMap<(String, String), Heads>,
    /// Hosts whose next step will be lost.
    doomed: Vec<String>,
}

enum Event {
    Start,
    Deliver { from: String, to: String, message: Message },
    Acknowledge { from: String, to: String, heads: Heads },
    Resend { from: String, to: String },
    Answer { peer: String, life: u32, request: CallRequest },
    Restart { peer: String, before_store: bool },
}

impl Network {
    pub(super) fn new(scenario: &Scenario, seed: u64) -> Result<Self, SimError> {
        let mut this = Self {
            random: Random::new(seed),
            net: scenario.net.clone(),
            ttl: u64::from(scenario.ttl),
            run: Run::new(seed, World::new(scenario)?),
            now: 0,
            queue: BTreeMap::new(),
            scheduled: 0,
            unacknowledged: BTreeMap::new(),
            doomed: Vec::new(),
        };
        this.schedule(0, Event::Start);
        for restart in &scenario.net.restarts {
            this.run.world.host(&restart.peer)?;
            let event = Event::Restart { peer: restart.peer.clone(), before_store: restart.before_store };
            this.schedule(restart.at, event);
        }
        Ok(this)
    }

    pub(super) fn run(mut self) -> Result<Run, SimError> {
        let mut steps = 0;
        while let Some(((time, _), event)) = self.queue.pop_first() {
            if time >= self.ttl {
                break;
            }
            if steps == MAX_EVENTS {
                return Err(SimError::Endless { steps });
            }
            steps += 1;
            self.now = time;
            self.handle(event)?;
        }
        self.finish()
    }

    fn finish(mut self) -> Result<Run, SimError> {
        self.run.duration = self.now;
        self.run.close()?;
        Ok(self.run)
    }

    fn handle(&mut self, event: Event) -> Result<(), SimError> {
        match event {
            Event::Start => {
                let init = self.run.world.init().to_owned();
                self.log(&init, || "starts the particle".to_owned());
                let step = self.run.world.start();
                self.settle(&init, step).map(drop)
            }
            Event::Deliver { from, to, message } => self.deliver(&from, &to, &message),
            Event::Acknowledge { from, to, heads } => self.acknowledge(&from, &to, &heads),
            Event::Resend { from, to } => {
                let is_due = self.unacknowledged.contains_key(&(from.clone(), to.clone()));
                if is_due { self.send(&from, &to) } else { Ok(()) }
            }
            Event::Answer { peer, life, request } => self.answer(&peer, life, request),
            Event::Restart { peer, before_store: true } => {
                self.doomed.push(peer);
                Ok(())
            }
            Event::Restart { peer, before_store: false } => self.restart(&peer, 0),
        }
    }

    fn deliver(&mut self, from: &str, to: &str, message: &Message) -> Result<(), SimError> {
        self.run.messages += 1;
        self.run.bytes += message.data.len();
        self.log(to, || format!("gets {} bytes from {from}", message.data.len()));
        let step = self.run.world.receive(to, message);
        let is_lost = self.settle(to, step)?;
        if !is_lost && !self.is_lost(to, from) {
            let heads = self.run.world.heads(to)?;
            let (from, to) = (to.to_owned(), from.to_owned());
            self.schedule_message(Event::Acknowledge { from, to, heads });
        }
        Ok(())
    }

    /// `from` tells `to` what it has.
    fn acknowledge(&mut self, from: &str, to: &str, heads: &Heads) -> Result<(), SimError> {
        let neighbour = self.run.world.peers().id(from)?;
        self.run.world.learn(to, &neighbour, heads)?;
        let pair = (to.to_owned(), from.to_owned());
        if self.unacknowledged.get(&pair).is_some_and(|wanted| heads.covers(wanted)) {
            self.unacknowledged.remove(&pair);
        }
        Ok(())
    }

    fn answer(&mut self, peer: &str, life: u32, request: CallRequest) -> Result<(), SimError> {
        if self.run.world.host(peer)?.life != life {
            return Ok(());
        }
        let mut requests = vec![request];
        // Now and then a host has several answers at once.
        while self.is_answer_due(peer, life) && self.random.chance(0.5) {
            if let Some((_, Event::Answer { request, .. })) = self.queue.pop_first() {
                requests.push(request);
            }
        }
        let results = self.run.world.stub_results(peer, &requests);
        let ids: Vec<CallId> = results.iter().map(|(id, _)| *id).collect();
        let names: Vec<String> = requests.iter().map(|call| format!("{}.{}", call.service, call.function)).collect();
        self.log(peer, || format!("has answers to {}", names.join(", ")));
        if ids.is_empty() {
            return Ok(());
        }
        let step = self.run.world.resolve(peer, results);
        self.settle(peer, step).map(drop)
    }

    /// Whether the next event is one more answer for this peer, at this time.
    fn is_answer_due(&self, peer: &str, life: u32) -> bool {
        match self.queue.first_key_value() {
            Some(((time, _), Event::Answer { peer: other, life: its_life, .. })) => {
                *time == self.now && other == peer && *its_life == life
            }
            _ => false,
        }
    }

    /// Carries out the effects of a step at a peer, or its loss. Returns whether it was refused or lost.
    fn settle(&mut self, peer: &str, step: Result<Step, SimError>) -> Result<bool, SimError> {
        let step = match step {
            Ok(step) => step,
            Err(SimError::Rejected { rejection, .. }) => {
                let (code, text) = (rejection.code(), self.run.world.peers().with_names_in(&rejection.to_string()));
                self.log(peer, || format!("refuses it with {code}: {text}"));
                self.run.refusals.push(Refusal { time: self.now, peer: peer.to_owned(), code, text });
                return Ok(true);
            }
            Err(error) => return Err(error),
        };
        let doomed = self.doomed.iter().position(|name| name == peer).map(|index| self.doomed.swap_remove(index));
        if doomed.is_some() || self.random.chance(self.net.crash) {
            self.restart(peer, usize::from(step.recorded))?;
            return Ok(true);
        }
        self.note(peer, &step);
        let targets = self.targets(peer, &step)?;
        if self.random.chance(self.net.restart) {
            // The calls that the step asked for are asked for again after the restart.
            self.restart(peer, 0)?;
            return Ok(false);
        }
        self.request(peer, step.requests)?;
        for target in targets {
            self.send(peer, &target)?;
        }
        Ok(false)
    }

    /// The next peers, noted as such where a restart does not forget them.
    fn targets(&mut self, peer: &str, step: &Step) -> Result<Vec<String>, SimError> {
        let heads = self.run.world.heads(peer)?;
        let mut targets = Vec::new();
        for id in &step.next_peers {
            match self.run.world.peers().name(id).map(str::to_owned) {
                Some(name) => {
                    self.unacknowledged.entry((peer.to_owned(), name.clone())).or_default().join(&heads);
                    targets.push(name);
                }
                None => self.log(peer, || format!("cannot reach {id}, which is not simulated")),
            }
        }
        Ok(targets)
    }

    fn request(&mut self, peer: &str, requests: Vec<CallRequest>) -> Result<(), SimError> {
        let life = self.run.world.host(peer)?.life;
        for request in requests {
            let row = CallRow::new(self.now, peer, life, &request, self.run.world.peers());
            self.log(peer, || format!("calls {row}"));
            self.run.calls.push(row);
            let delay = self.run.world.stub(peer, &request).map_or(0..=0, |stub| stub.delay_of(&request));
            let delay = self.random.within(&delay);
            self.schedule(delay, Event::Answer { peer: peer.to_owned(), life, request });
        }
        Ok(())
    }

    fn send(&mut self, from: &str, to: &str) -> Result<(), SimError> {
        let mut message = self.run.world.message(from, to)?;
        self.log(from, || format!("sends {} bytes to {to}", message.data.len()));
        if let Some(resend) = self.net.resend {
            self.schedule(resend, Event::Resend { from: from.to_owned(), to: to.to_owned() });
        }
        if self.is_lost(from, to) {
            self.log(from, || format!("the message to {to} is lost"));
            return Ok(());
        }
        if self.random.chance(self.net.tamper) {
            let index = self.random.below(message.data.len() as u64) as usize;
            let change = 1 + self.random.below(255) as u8;
            message.data[index] ^= change;
            self.log(from, || format!("byte {index} of the message to {to} is changed"));
        }
        let (from, to) = (from.to_owned(), to.to_owned());
        if self.random.chance(self.net.duplicate) {
            let (from, to, message) = (from.clone(), to.clone(), message.clone());
            self.schedule_message(Event::Deliver { from, to, message });
        }
        self.schedule_message(Event::Deliver { from, to, message });
        Ok(())
    }

    /// Whether what one peer sends another now does not arrive.
    fn is_lost(&mut self, from: &str, to: &str) -> bool {
        let are_apart = self.net.partitions.iter().any(|partition| partition.parts(from, to, self.now));
        are_apart || self.random.chance(self.net.loss)
    }

    /// Restarts a host, whose last `lost` records were not written; it sends again what is not acknowledged.
    fn restart(&mut self, peer: &str, lost: usize) -> Result<(), SimError> {
        self.log(peer, || format!("restarts, {lost} records lost"));
        let Some(step) = self.run.world.restart(peer, lost)? else { return Ok(()) };
        self.note(peer, &step);
        let mut targets = self.targets(peer, &step)?;
        let pending = self.unacknowledged.keys().filter(|(from, _)| from == peer).map(|(_, to)| to.clone());
        targets.extend(pending);
        targets.sort_unstable();
        targets.dedup();
        self.request(peer, step.requests)?;
        for target in targets {
            self.send(peer, &target)?;
        }
        Ok(())
    }

    fn note(&mut self, peer: &str, step: &Step) {
        for report in &step.reports {
            let text = self.run.report_text(report);
            self.log(peer, || format!("reports {text}"));
            self.run.reports.push((peer.to_owned(), report.clone()));
        }
    }

    fn schedule_message(&mut self, event: Event) {
        let delay = self.random.within(&self.net.delay);
        self.schedule(delay, event);
    }

    fn schedule(&mut self, delay: u64, event: Event) {
        self.scheduled += 1;
        self.queue.insert((self.now.saturating_add(delay), self.scheduled), event);
    }

    fn log(&mut self, peer: &str, event: impl FnOnce() -> String) {
        self.run.timeline.push(TimelineRow { time: self.now, peer: peer.to_owned(), event: event() });
    }
}
