//! Law 4, entry by entry: whoever flips, drops, swaps, replays or re-attributes an entry of a random particle is refused, or has
//! changed nothing that counts. First without any key, then with the key of a peer that takes part.

use std::collections::BTreeMap;

use ipld_core::ipld::Ipld;
use marine_air::Limits;
use marine_air::data::{Data, Entry, Fact};
use marine_air::execution::{EntryState, Execution, Setup};
use marine_air::sim::{Net, Random, World};
use marine_particle::PeerId;
use proptest::prelude::*;

use crate::edits::{edit, entries, segments};
use crate::generate::{PEERS, all_cases};
use crate::laws::config;
use crate::lies;

fn observe(world: &World, bytes: &[u8]) -> Option<Execution> {
    let (particle, script) = (world.particle().clone(), world.script().clone());
    let setup = Setup { particle, script, me: None, limits: Limits::default() };
    let data = Data::decode(bytes, &Limits::default()).ok()?;
    Some(Execution::new(setup, [], Some(data)).ok()?.0)
}

/// All entries with their states.
fn states(execution: &Execution) -> BTreeMap<(PeerId, Vec<u8>), EntryState> {
    execution.view().entries().map(|entry| ((entry.id.peer, entry.entry.encode()), entry.state)).collect()
}

/// Changes a bit somewhere in an entry.
fn flip(item: &mut Ipld, random: &mut Random) {
    match item {
        Ipld::List(items) if !items.is_empty() => {
            let index = random.below(items.len() as u64) as usize;
            flip(&mut items[index], random);
        }
        Ipld::Bytes(bytes) => {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] ^= 1 << random.below(8);
        }
        Ipld::Integer(number) => *number ^= 1,
        _ => {}
    }
}

type Change = fn(&mut Vec<Ipld>, usize, &mut Random);

/// What somebody on the way can do to an entry.
const CHANGES: [(&str, Change); 4] = [
    ("flip", |entries, index, random| flip(&mut entries[index], random)),
    ("drop", |entries, index, _| drop(entries.remove(index))),
    ("swap", |entries, index, _| {
        let other = (index + 1) % entries.len();
        entries.swap(index, other);
    }),
    ("replay", |entries, index, _| entries.push(entries[index].clone())),
];

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn nobody_on_the_way_can_change_an_entry(case in all_cases(), seed in any::<u64>()) {
        let mut run = case.scenario().net(Net { delay: 1..=50, ..Net::default() }).run(seed).unwrap();
        let genuine = run.world.data("a").unwrap().encode();
        let world = &run.world;
        let mut random = Random::new(seed);
        let expected = observe(world, &genuine).unwrap();
        let logs: Vec<(PeerId, usize)> =
            expected.view().logs().iter().map(|log| (*log.peer(), log.len() as usize)).collect();
        for (log, (_, len)) in logs.iter().enumerate() {
            for index in 0..*len {
                for (name, change) in CHANGES {
                    let changed = edit(&genuine, |data| change(entries(&mut segments(data)[log]), index, &mut random));
                    prop_assert!(changed == genuine || observe(world, &changed).is_none(), "{name} {index} of log {log}");
                }
                let other = (log + 1) % logs.len();
                if other != log {
                    let moved = edit(&genuine, |data| {
                        let entry = entries(&mut segments(data)[log]).remove(index);
                        entries(&mut segments(data)[other]).push(entry);
                    });
                    prop_assert!(observe(world, &moved).is_none(), "{index} of log {log} to log {other}");
                }
            }
        }
    }

    /// A peer can say what it likes in its own log. What others have said stays as it was, and what it copies from them is
    /// refused or has no effect.
    #[test]
    fn a_peer_cannot_take_over_what_others_have_said(case in all_cases(), seed in any::<u64>()) {
        let mut run = case.scenario().net(Net { delay: 1..=50, ..Net::default() }).run(seed).unwrap();
        let genuine = run.world.data("a").unwrap().encode();
        let world = &run.world;
        let expected = observe(world, &genuine).unwrap();
        let all = states(&expected);
        for liar in PEERS {
            let key = world.peers().key(liar).unwrap();
            let own: Vec<Vec<u8>> =
                expected.view().entries().filter(|entry| entry.id.peer == key.peer_id()).map(|entry| entry.entry.encode()).collect();
            for (peer, stolen) in all.keys().filter(|(peer, _)| *peer != key.peer_id()) {
                let forged = [own.as_slice(), std::slice::from_ref(stolen)].concat();
                let forged = lies::segment(world.particle(), key, &forged);
                let message = edit(&genuine, |data| {
                    let id = Ipld::Bytes(key.peer_id().to_bytes());
                    segments(data).retain(|segment| !matches!(segment, Ipld::Map(fields) if fields.get("peer") == Some(&id)));
                    segments(data).push(forged);
                    segments(data).sort_by_key(peer_bytes);
                });
                let Some(found) = observe(world, &message) else { continue };
                let mut found_states = states(&found);
                let state = found_states.remove(&(key.peer_id(), stolen.clone()));
                let is_sent = matches!(Entry::decode(stolen).unwrap().fact, Fact::Sent { .. });
                prop_assert!(is_sent || state != Some(EntryState::Verified), "{liar} took {:?} of {peer}", Entry::decode(stolen));
                prop_assert_eq!(&found_states, &all);
                prop_assert_eq!(found.outcome(), expected.outcome());
            }
        }
    }
}

fn peer_bytes(segment: &Ipld) -> Vec<u8> {
    match segment {
        Ipld::Map(fields) => match fields.get("peer") {
            Some(Ipld::Bytes(bytes)) => bytes.clone(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}
