//! [`Index`]: what the logs say about each position.

use std::collections::{BTreeMap, HashMap};

use marine_particle::PeerId;

use super::state::{ActId, NONE};
use crate::data::{Entry, Fact, Frame};

#[derive(Debug, Default)]
pub(super) struct Index {
    /// By instruction, the slots of the root frame.
    root: Vec<u32>,
    /// The slots of iterations. Only looked up, never gone through: hashing has no influence on what happens.
    others: HashMap<(Frame, u32), u32>,
    slots: Vec<Slot>,
    /// Per log, the state of each entry.
    states: BTreeMap<PeerId, Vec<Record>>,
    unreached_results: usize,
}

#[derive(Debug)]
struct Record {
    state: EntryState,
    /// It is among the unreached results as long as it is unreached.
    is_counted: bool,
}

/// The entries about one position, and the activation there.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) act: Option<ActId>,
    /// `ok`, `err` and `canon` entries; at most one per log.
    pub(super) results: Vec<(PeerId, u64)>,
    pub(super) sents: Vec<Sent>,
}

#[derive(Debug)]
pub(super) struct Sent {
    pub(super) by: PeerId,
    pub(super) height: u64,
    pub(super) to: PeerId,
    pub(super) missing: Vec<u32>,
}

/// How an entry fits what is known here (6.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryState {
    /// Its position was not reached here, or it is held until its operands are known.
    Unreached,
    /// It agrees with its position.
    Verified,
    /// It disagrees, and has no effect.
    Void,
}

/// Whether ascending lists are a part of one another, and not all of it.
fn are_fewer(fewer: &[u32], more: &[u32]) -> bool {
    fewer.len() < more.len() && fewer.iter().all(|index| more.binary_search(index).is_ok())
}

impl Index {
    pub(super) fn slot(&self, slot: u32) -> &Slot {
        &self.slots[slot as usize]
    }

    /// The slot of a position.
    pub(super) fn slot_at(&mut self, frame: Frame, node: u32) -> u32 {
        let next = self.slots.len() as u32;
        let slot = if frame == Frame::ROOT {
            if self.root.len() <= node as usize {
                self.root.resize(node as usize + 1, NONE);
            }
            &mut self.root[node as usize]
        } else {
            self.others.entry((frame, node)).or_insert(NONE)
        };
        if *slot == NONE {
            *slot = next;
            self.slots.push(Slot { act: None, results: Vec::new(), sents: Vec::new() });
        }
        *slot
    }

    pub(super) fn set_act(&mut self, slot: u32, act: ActId) {
        self.slots[slot as usize].act = Some(act);
    }

    /// Adds an entry; entries of a log come in order. Returns the activation it is about, if that has started.
    ///
    /// # Errors
    /// If the log has said something else about the position before (6.2).
    pub(super) fn add(
        &mut self,
        peer: PeerId,
        height: u64,
        entry: &Entry<'_>,
        is_counted: bool,
    ) -> Result<Option<ActId>, &'static str> {
        let slot = self.slot_at(entry.at.frame(), entry.at.node);
        let slot = &mut self.slots[slot as usize];
        match &entry.fact {
            Fact::Sent { to, missing } => {
                let before = slot.sents.iter().rev().find(|sent| sent.by == peer);
                if before.is_some_and(|before| !are_fewer(missing, &before.missing)) {
                    return Err("forwards again without an argument that was missing before");
                }
                slot.sents.push(Sent { by: peer, height, to: *to, missing: missing.clone() });
            }
            _ => {
                if slot.results.iter().any(|(owner, _)| *owner == peer) {
                    return Err("is the second result of one log at this position");
                }
                if slot.results.is_empty() {
                    // Nearly always the only one; a vector would make room for four.
                    slot.results.reserve_exact(1);
                }
                slot.results.push((peer, height));
            }
        }
        self.states.entry(peer).or_default().push(Record { state: EntryState::Unreached, is_counted });
        self.unreached_results += usize::from(is_counted);
        Ok(slot.act)
    }

    pub(super) fn set_state(&mut self, peer: &PeerId, height: u64, state: EntryState) {
        let states = self.states.get_mut(peer);
        if let Some(record) = states.and_then(|states| states.get_mut((height as usize).checked_sub(1)?)) {
            if record.is_counted && record.state == EntryState::Unreached && state != EntryState::Unreached {
                self.unreached_results -= 1;
            }
            record.state = state;
        }
    }

    /// The number of results that no position here has taken or refused, as far as they count for catching up.
    pub(super) fn unreached_results(&self) -> usize {
        self.unreached_results
    }

    pub(super) fn state(&self, peer: &PeerId, height: u64) -> EntryState {
        let states = self.states.get(peer);
        let record = states.and_then(|states| states.get((height as usize).checked_sub(1)?));
        record.map_or(EntryState::Unreached, |record| record.state)
    }
}
