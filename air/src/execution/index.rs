//! [`Index`]: what the logs say about each position.

use std::collections::BTreeMap;

use marine_particle::PeerId;

use crate::data::{Entry, Fact, Frame, Key};

use super::state::ActId;

#[derive(Debug, Default)]
pub(super) struct Index {
    by_key: BTreeMap<Key, u32>,
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
    pub(super) frame: Frame,
    pub(super) node: u32,
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

impl Index {
    pub(super) fn slot(&self, slot: u32) -> &Slot {
        &self.slots[slot as usize]
    }

    pub(super) fn find(&self, key: &Key) -> Option<&Slot> {
        self.by_key.get(key).map(|&slot| self.slot(slot))
    }

    /// The slot of a position; or its key, if that belongs to another one.
    pub(super) fn slot_at(&mut self, frame: Frame, node: u32) -> Result<u32, Key> {
        let key = frame.key(node);
        let next = self.slots.len() as u32;
        let slot = *self.by_key.entry(key).or_insert(next);
        if slot == next {
            self.slots.push(Slot { frame, node, act: None, results: Vec::new(), sents: Vec::new() });
        }
        let found = self.slot(slot);
        if (found.frame, found.node) == (frame, node) { Ok(slot) } else { Err(key) }
    }

    pub(super) fn set_act(&mut self, slot: u32, act: ActId) {
        self.slots[slot as usize].act = Some(act);
    }

    /// Adds an entry; entries of a log come in order. Returns the activation it is about, if that has started.
    pub(super) fn add(
        &mut self,
        peer: PeerId,
        height: u64,
        entry: &Entry<'_>,
        is_counted: bool,
    ) -> Result<Option<ActId>, Key> {
        let slot = self.slot_at(entry.at.frame(), entry.at.node)?;
        let slot = &mut self.slots[slot as usize];
        match &entry.fact {
            Fact::Sent { to, missing } => {
                slot.sents.push(Sent { by: peer, height, to: *to, missing: missing.clone() });
            }
            _ => {
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
