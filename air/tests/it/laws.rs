//! The laws of execution and data (specification, section 8.2), on random scripts and schedules.
//!
//! There are ten thousand cases, most of them for the laws that a single schedule can break: the first, and that nothing stays
//! unreached. `MARINE_LAW_CASES` sets the number for the other laws (48), and so, in proportion, for all.

use std::collections::{BTreeMap, BTreeSet};

use marine_air::Limits;
use marine_air::data::{Data, Fact, Heads};
use marine_air::execution::{Effects, EntryState, Execution, Rejection, Report, Setup};
use marine_air::sim::{Input, Net, Random, Run, World};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use crate::edits::{break_signature, edit, entries, segment};
use crate::generate::{Case, PEERS, all_cases, cases, wild_cases};

/// The number of cases, times `weight`: always the same ones, unless another number is asked for.
pub(crate) fn config(weight: u32) -> Config {
    let asked = std::env::var("MARINE_LAW_CASES").ok().and_then(|text| text.parse::<u32>().ok());
    let rng_seed = if asked.is_some() { RngSeed::Random } else { RngSeed::Fixed(2026) };
    let cases = asked.unwrap_or(48) * weight;
    Config { cases, rng_seed, failure_persistence: None, max_shrink_iters: 4000, ..Config::default() }
}

fn calm() -> Net {
    Net { delay: 1..=1, ..Net::default() }
}

fn disorder() -> Net {
    Net { delay: 1..=200, duplicate: 0.3, ..Net::default() }
}

fn run(case: &Case, net: Net, seed: u64) -> Run {
    case.scenario().net(net).run(seed).unwrap()
}

/// All results and canons, by peer and position. A canon has all its elements: what it builds on is at a height that depends on
/// when other things were written.
fn facts(run: &Run) -> BTreeSet<String> {
    let mut facts = BTreeSet::new();
    for name in PEERS {
        let (Some(execution), id) = (run.world.execution(name).unwrap(), run.world.peers().id(name).unwrap()) else {
            continue;
        };
        let mut canons = BTreeMap::new();
        for entry in execution.view().entries().filter(|entry| entry.id.peer == id) {
            let fact = match entry.entry.fact {
                Fact::Sent { .. } => continue,
                Fact::Canon { base, elements } => {
                    let mut all: Vec<_> = canons.get(&base).cloned().unwrap_or_default();
                    all.extend(elements);
                    canons.insert(entry.id.height, all.clone());
                    Fact::Canon { base: 0, elements: all }
                }
                fact => fact,
            };
            facts.insert(format!("{name} {} {fact:?}\n", entry.entry.at));
        }
    }
    facts
}

/// A peer's execution outside of the simulator, fed by hand.
struct Replica {
    setup: Setup,
    execution: Option<Execution>,
    records: Vec<Data>,
}

impl Replica {
    fn new(world: &World, me: Option<&str>) -> Self {
        let me = me.map(|name| world.peers().id(name).unwrap());
        let (particle, script) = (world.particle().clone(), world.script().clone());
        let setup = Setup { particle, script, me, limits: Limits::default() };
        Self { setup, execution: None, records: Vec::new() }
    }

    /// A replica that begins with these records.
    fn restarted(&self, records: &[Data]) -> (Self, Effects) {
        let (execution, effects) = Execution::new(self.setup.clone(), records.to_vec(), None).unwrap();
        let replica = Self { setup: self.setup.clone(), execution: Some(execution), records: records.to_vec() };
        (replica, effects)
    }

    fn execution(&mut self) -> &mut Execution {
        self.execution.as_mut().unwrap()
    }

    fn apply(&mut self, input: &Input) -> Result<Effects, Rejection> {
        let limits = &self.setup.limits;
        let effects = match input {
            Input::Start(data) => {
                let data = data.as_ref().map(|bytes| Data::decode(bytes, limits)).transpose()?;
                let (execution, effects) = Execution::new(self.setup.clone(), [], data)?;
                self.execution = Some(execution);
                effects
            }
            Input::Merge(bytes) => {
                let data = Data::decode(bytes, limits)?;
                match &mut self.execution {
                    Some(execution) => execution.merge(data)?,
                    None => return self.apply(&Input::Start(Some(bytes.clone()))),
                }
            }
            Input::Resolve(results) => self.execution().resolve_all(results.clone())?,
        };
        self.records.extend(effects.record.clone());
        if let Some(me) = self.setup.me {
            let length = self.execution().heads().get(&me);
            self.execution().stored(length);
        }
        Ok(effects)
    }

    /// All that it knows, as a message.
    fn full(&mut self, world: &World) -> Vec<u8> {
        self.beyond(&Heads::default(), world)
    }

    fn beyond(&mut self, known: &Heads, world: &World) -> Vec<u8> {
        let name = self.setup.me.and_then(|me| world.peers().name(&me)).unwrap_or("a");
        let key = world.peers().key(name).unwrap();
        self.execution().outgoing(known, key).unwrap().encode()
    }
}

/// Everything about effects that anyone can see.
fn show(effects: &Effects) -> String {
    format!("{effects:#?}")
}

fn is_idle(effects: &Effects) -> bool {
    effects.record.is_none() && effects.requests.is_empty() && effects.next_peers.is_empty()
}

/// The peers that the particle has reached, with what each was given.
fn journals(run: &Run) -> Vec<(&'static str, Vec<Input>)> {
    let journal = |name| (name, run.world.journal(name).unwrap().to_vec());
    PEERS.into_iter().map(journal).filter(|(_, inputs)| !inputs.is_empty()).collect()
}

/// What every peer knew after every of its steps, each as one full message.
fn snapshots(run: &Run) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (name, inputs) in journals(run) {
        let mut replica = Replica::new(&run.world, Some(name));
        for input in &inputs {
            replica.apply(input).unwrap();
            all.push(replica.full(&run.world));
        }
    }
    all
}

/// What an observer knows that gets these messages.
fn observed<'a>(world: &World, messages: impl IntoIterator<Item = &'a Vec<u8>>) -> Vec<u8> {
    let mut observer = Replica::new(world, None);
    observer.apply(&Input::Start(None)).unwrap();
    for message in messages {
        observer.apply(&Input::Merge(message.clone())).unwrap();
    }
    observer.full(world)
}

fn shuffled<T>(mut items: Vec<T>, random: &mut Random) -> Vec<T> {
    for index in (1..items.len()).rev() {
        items.swap(index, random.below(index as u64 + 1) as usize);
    }
    items
}

proptest! {
    #![proptest_config(config(80))]

    /// Law 1: whatever the order of events, the same calls are made with the same results. Neither duplicates and delays change
    /// that, nor messages that are lost and sent again, nor hosts that crash and call again.
    #[test]
    fn all_schedules_end_with_the_same_facts(case in cases(), seed in any::<u64>()) {
        let reference = run(&case, calm(), seed);
        prop_assert!(reference.refusals.is_empty(), "{:?}", reference.refusals);
        let faults = Net { loss: 0.2, resend: Some(100), restart: 0.1, crash: 0.1, ..disorder() };
        for net in [disorder(), faults] {
            let other = run(&case, net, seed);
            prop_assert!(other.refusals.is_empty(), "{:?}", other.refusals);
            check_facts(&reference, &other)?;
            prop_assert!(other.repeated_calls().is_empty());
            check_reached(&other)?;
        }
    }
}

proptest! {
    #![proptest_config(config(120))]

    /// Law 5: what other peers have done, and what they have asked this one to do, is reached, whatever looks at order.
    #[test]
    fn no_honest_entry_stays_unreached(case in wild_cases(), seed in any::<u64>()) {
        let run = run(&case, disorder(), seed);
        prop_assert!(run.refusals.is_empty(), "{:?}", run.refusals);
        prop_assert!(run.repeated_calls().is_empty());
        check_reached(&run)?;
    }
}

proptest! {
    #![proptest_config(config(1))]

    /// Changed bytes are refused, and as hosts send again what is not acknowledged, nothing else changes.
    #[test]
    fn a_network_that_changes_bytes_does_no_harm(case in cases(), seed in any::<u64>()) {
        let reference = run(&case, calm(), seed);
        let other = run(&case, Net { tamper: 0.3, resend: Some(100), ..disorder() }, seed);
        check_facts(&reference, &other)?;
        let is_void = |(_, report): &(String, Report)| matches!(report, Report::Void { .. });
        prop_assert!(!other.reports.iter().any(is_void));
    }

    /// Law 7: the same inputs give the same effects; and one seed is one run.
    #[test]
    fn equal_inputs_give_equal_effects(case in all_cases(), seed in any::<u64>()) {
        let (first, second) = (run(&case, disorder(), seed), run(&case, disorder(), seed));
        prop_assert_eq!(first.timeline_text(), second.timeline_text());
        for (name, inputs) in journals(&first) {
            let [mut one, mut two] = [(); 2].map(|()| Replica::new(&first.world, Some(name)));
            for input in &inputs {
                prop_assert_eq!(show(&one.apply(input).unwrap()), show(&two.apply(input).unwrap()));
                prop_assert_eq!(one.full(&first.world), two.full(&first.world));
            }
        }
    }

    /// Law 2, on data: merging is commutative, associative and idempotent, and only adds.
    #[test]
    fn merging_is_a_join(case in all_cases(), seed in any::<u64>()) {
        let run = run(&case, disorder(), seed);
        let world = &run.world;
        let mut random = Random::new(seed);
        let all = shuffled(snapshots(&run), &mut random);
        let joined = observed(world, &all);
        let other_order = shuffled(all.clone(), &mut random);
        prop_assert_eq!(&observed(world, &other_order), &joined, "commutative");
        let (left, right) = all.split_at(all.len() / 2);
        prop_assert_eq!(&observed(world, &[observed(world, left), observed(world, right)]), &joined, "associative");
        prop_assert_eq!(&observed(world, [&joined, &joined]), &joined, "idempotent");
        prop_assert_eq!(&observed(world, [&observed(world, []), &joined]), &joined, "neutral");
        let mut heads = Heads::default();
        let mut observer = Replica::new(world, None);
        observer.apply(&Input::Start(None)).unwrap();
        for message in all {
            observer.apply(&Input::Merge(message)).unwrap();
            let now = observer.execution().heads().clone();
            prop_assert!(now.covers(&heads), "monotone");
            heads = now;
        }
    }

    /// Law 2, on steps: what comes a second time has no effect, and no answer is taken twice.
    #[test]
    fn duplicates_have_no_effect(case in all_cases(), seed in any::<u64>()) {
        let run = run(&case, disorder(), seed);
        for (name, inputs) in journals(&run) {
            let mut replica = Replica::new(&run.world, Some(name));
            let mut requested = BTreeSet::new();
            let mut seen: Vec<Vec<u8>> = Vec::new();
            for input in &inputs {
                let effects = replica.apply(input).unwrap();
                for request in &effects.requests {
                    prop_assert!(requested.insert(request.id), "requested twice: {:?}", request);
                }
                match input {
                    Input::Start(Some(bytes)) | Input::Merge(bytes) => seen.push(bytes.clone()),
                    Input::Resolve(results) => {
                        let again = replica.execution().resolve_all(results.clone());
                        prop_assert_eq!(again.unwrap_err().code(), 30_000);
                    }
                    Input::Start(None) => {}
                }
                seen.push(replica.full(&run.world));
                for message in &seen {
                    let effects = replica.apply(&Input::Merge(message.clone())).unwrap();
                    prop_assert!(is_idle(&effects), "{}", show(&effects));
                }
            }
        }
    }

    /// Law 3: after a restart at any point, everything goes on as if there had been none.
    #[test]
    fn a_restart_changes_no_later_effect(case in all_cases(), seed in any::<u64>()) {
        let run = run(&case, disorder(), seed);
        for (name, inputs) in journals(&run) {
            let mut whole = Replica::new(&run.world, Some(name));
            let mut steps = Vec::new();
            for input in &inputs {
                let effects = whole.apply(input).unwrap();
                steps.push((show(&effects), whole.records.len(), whole.full(&run.world)));
            }
            for at in 1..=inputs.len() {
                let (mut replica, effects) = whole.restarted(&whole.records[..steps[at - 1].1]);
                prop_assert!(effects.record.is_none() && effects.next_peers.is_empty(), "{}", show(&effects));
                prop_assert_eq!(&replica.full(&run.world), &steps[at - 1].2);
                for (input, (effects, _, data)) in inputs[at..].iter().zip(&steps[at..]) {
                    prop_assert_eq!(&show(&replica.apply(input).unwrap()), effects);
                    prop_assert_eq!(&replica.full(&run.world), data);
                }
            }
        }
    }

    /// Law 3: a step that is refused leaves nothing behind.
    #[test]
    fn a_rejected_step_leaves_no_trace(case in all_cases(), seed in any::<u64>()) {
        let run = run(&case, disorder(), seed);
        let foreign = case.scenario().label("another").net(disorder()).run(seed).unwrap();
        let foreign = snapshots(&foreign).pop().unwrap();
        let mut random = Random::new(seed);
        for (name, inputs) in journals(&run) {
            let [mut plain, mut teased] = [(); 2].map(|()| Replica::new(&run.world, Some(name)));
            for input in &inputs {
                if teased.execution.is_some() {
                    tease(&mut teased, input, &foreign, &mut random)?;
                }
                prop_assert_eq!(show(&plain.apply(input).unwrap()), show(&teased.apply(input).unwrap()));
                prop_assert_eq!(plain.full(&run.world), teased.full(&run.world));
            }
        }
    }

    /// Law 4: whoever changes a byte is refused, or has changed nothing.
    #[test]
    fn changed_bytes_are_refused_or_change_nothing(case in all_cases(), seed in any::<u64>()) {
        let run = run(&case, disorder(), seed);
        let world = &run.world;
        let genuine = observed(world, &snapshots(&run));
        let mut random = Random::new(seed);
        for _ in 0..24 {
            let mut changed = genuine.clone();
            let index = random.below(changed.len() as u64) as usize;
            changed[index] ^= 1 + random.below(255) as u8;
            if let Ok(data) = Data::decode(&changed, world.limits()) {
                prop_assert_eq!(data.encode(), &changed[..]);
            }
            check_harmless(world, &genuine, &changed)?;
        }
        for end in [0, 1, genuine.len() / 2, genuine.len() - 1] {
            prop_assert!(Data::decode(&genuine[..end], world.limits()).is_err());
        }
    }

    /// Law 5: what a peer lacks leads to the same state as everything.
    #[test]
    fn a_delta_is_as_good_as_everything(case in all_cases(), seed in any::<u64>()) {
        let run = run(&case, disorder(), seed);
        let world = &run.world;
        let mut full = Replica::new(world, None);
        full.apply(&Input::Start(None)).unwrap();
        let mut observers = vec![full];
        for message in snapshots(&run) {
            observers.push(Replica::new(world, None));
            let last = observers.len() - 1;
            observers[last].apply(&Input::Start(Some(message))).unwrap();
        }
        let mut random = Random::new(seed);
        for _ in 0..6 {
            let [from, to] = [(); 2].map(|()| random.below(observers.len() as u64) as usize);
            let known = observers[to].execution().heads().clone();
            let delta = observers[from].beyond(&known, world);
            let everything = observers[from].full(world);
            prop_assert!(delta.len() <= everything.len());
            let base = observers[to].full(world);
            let mut results = Vec::new();
            for message in [delta, everything] {
                let mut observer = Replica::new(world, None);
                observer.apply(&Input::Start(Some(base.clone()))).unwrap();
                let effects = observer.apply(&Input::Merge(message)).unwrap();
                results.push((effects.outcome.clone(), observer.full(world)));
            }
            prop_assert_eq!(&results[0], &results[1]);
        }
    }
}

fn check_facts(reference: &Run, other: &Run) -> Result<(), TestCaseError> {
    let (expected, found) = (facts(reference), facts(other));
    let missing: String = expected.difference(&found).cloned().collect();
    let more: String = found.difference(&expected).cloned().collect();
    let timelines = || format!("{}\n{}", reference.timeline_text(), other.timeline_text());
    prop_assert!(expected == found, "missing:\n{missing}more:\n{more}{}", timelines());
    Ok(())
}

/// Law 5: no honest entry disagrees with the script, and no result or canon stays unreached. That something was sent to another
/// peer matters to nobody, if this peer never came to it.
fn check_reached(run: &Run) -> Result<(), TestCaseError> {
    for name in PEERS {
        let Some(execution) = run.world.execution(name).unwrap() else { continue };
        let id = run.world.peers().id(name).unwrap();
        for entry in execution.view().entries() {
            let is_for_others = matches!(entry.entry.fact, Fact::Sent { to, .. } if to != id);
            if is_for_others && entry.state == EntryState::Unreached {
                continue;
            }
            prop_assert_eq!(
                entry.state,
                EntryState::Verified,
                "{} at {}\n{}",
                entry.id.height,
                name,
                run.timeline_text()
            );
        }
    }
    Ok(())
}

/// Tries what has to be refused.
fn tease(replica: &mut Replica, next: &Input, foreign: &[u8], random: &mut Random) -> Result<(), TestCaseError> {
    let foreign = replica.apply(&Input::Merge(foreign.to_vec()));
    prop_assert_eq!(foreign.unwrap_err().code(), 3);
    match next {
        Input::Resolve(results) => {
            let mut wrong = results.clone();
            wrong.push(results[0].clone());
            prop_assert_eq!(replica.execution().resolve_all(wrong).unwrap_err().code(), 30_000);
        }
        Input::Start(Some(bytes)) | Input::Merge(bytes) => {
            let data = Data::decode(bytes, &Limits::default()).unwrap();
            let known = replica.execution().heads().clone();
            let new = data.segments().enumerate().filter(|(_, (peer, segment))| segment.len() > known.get(peer));
            let new: Vec<usize> = new.map(|(index, _)| index).collect();
            if !new.is_empty() {
                let index = new[random.below(new.len() as u64) as usize];
                let unsigned = edit(bytes, |data| break_signature(segment(data, index)));
                prop_assert_eq!(replica.apply(&Input::Merge(unsigned)).unwrap_err().code(), 9);
                let cut = edit(bytes, |data| drop(entries(segment(data, index)).pop()));
                prop_assert!(replica.apply(&Input::Merge(cut)).is_err());
            }
        }
        Input::Start(None) => {}
    }
    Ok(())
}

/// Changed data is refused or changes nothing, both where nothing is known and where all is known.
fn check_harmless(world: &World, genuine: &[u8], changed: &[u8]) -> Result<(), TestCaseError> {
    let mut fresh = Replica::new(world, None);
    if fresh.apply(&Input::Start(Some(changed.to_vec()))).is_ok() {
        prop_assert_eq!(&fresh.full(world), genuine);
    }
    let mut knowing = Replica::new(world, None);
    knowing.apply(&Input::Start(Some(genuine.to_vec()))).unwrap();
    if let Ok(effects) = knowing.apply(&Input::Merge(changed.to_vec())) {
        prop_assert!(is_idle(&effects));
    }
    prop_assert_eq!(&knowing.full(world), genuine);
    Ok(())
}
