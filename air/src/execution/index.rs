//! [`Index`]: what the logs say about each position.

use std::collections::HashMap;

use super::peers::PeerNo;
use super::state::{ActId, NONE};
use crate::data::{Entry, Fact, Frame};

/// In place of an activation: it was let go.
const OVER: ActId = NONE - 1;

/// An entry: whose log it is in, and its height there.
pub(super) type EntryNo = (PeerNo, u32);

#[derive(Debug, Default)]
pub(super) struct Index {
    /// By instruction, the slots of the root frame.
    root: Vec<u32>,
    /// The slots of iterations. Only looked up, never gone through: hashing has no influence on what happens.
    others: HashMap<(Frame, u32), u32>,
    slots: Vec<Slot>,
    /// Per log, the state of each entry.
    states: Vec<Vec<Record>>,
    unreached_results: usize,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    state: EntryState,
    /// It is among the unreached results as long as it is unreached.
    is_counted: bool,
}

/// The entries about one position, and the activation there.
#[derive(Debug)]
pub(super) struct Slot {
    act: ActId,
    /// The peer of the call or canon, once it is known.
    peer: PeerNo,
    /// The first result; of a height of 0 there is none.
    result: EntryNo,
    more: Option<Box<More>>,
}

/// What few positions have.
#[derive(Debug, Default)]
struct More {
    /// All results but the first.
    results: Vec<EntryNo>,
    sents: Vec<Sent>,
}

#[derive(Debug)]
pub(super) struct Sent {
    pub(super) by: PeerNo,
    pub(super) height: u32,
    pub(super) to: PeerNo,
    pub(super) missing: Box<[u32]>,
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

impl Slot {
    const EMPTY: Slot = Slot { act: NONE, peer: NONE, result: (NONE, 0), more: None };

    /// `ok`, `err` and `canon` entries; at most one per log.
    pub(super) fn results(&self) -> impl Iterator<Item = EntryNo> {
        let first = Some(self.result).filter(|(_, height)| *height > 0);
        first.into_iter().chain(self.more.iter().flat_map(|more| more.results.iter().copied()))
    }

    pub(super) fn sents(&self) -> &[Sent] {
        self.more.as_ref().map_or(&[], |more| &more.sents)
    }

    /// The peer of the call or canon here, once it is known.
    pub(super) fn peer(&self) -> Option<PeerNo> {
        Some(self.peer).filter(|&peer| peer != NONE)
    }

    /// The result that a peer has stated.
    pub(super) fn result_of(&self, peer: PeerNo) -> Option<EntryNo> {
        self.results().find(|(owner, _)| *owner == peer)
    }
}

/// What there is at a position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum At {
    /// It was not reached.
    Nothing,
    Started(ActId),
    /// What was there has settled and was let go.
    Over(u32),
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
            self.slots.push(Slot::EMPTY);
        }
        *slot
    }

    pub(super) fn set_act(&mut self, slot: u32, act: ActId) {
        self.slots[slot as usize].act = act;
    }

    /// The activation of a slot was let go.
    pub(super) fn set_over(&mut self, slot: u32) {
        self.slots[slot as usize].act = OVER;
    }

    pub(super) fn set_peer(&mut self, slot: u32, peer: PeerNo) {
        self.slots[slot as usize].peer = peer;
    }

    /// Adds an entry; entries of a log come in order. Returns what there is at its position.
    ///
    /// # Errors
    /// If the log has said something else about the position before (6.2).
    pub(super) fn add(
        &mut self,
        (by, height): EntryNo,
        entry: &Entry<'_>,
        to: Option<PeerNo>,
        is_counted: bool,
    ) -> Result<At, &'static str> {
        let number = self.slot_at(entry.at.frame(), entry.at.node);
        let slot = &mut self.slots[number as usize];
        match (&entry.fact, to) {
            (Fact::Sent { missing, .. }, Some(to)) => {
                let before = slot.sents().iter().rev().find(|sent| sent.by == by);
                if before.is_some_and(|before| !are_fewer(missing, &before.missing)) {
                    return Err("forwards again without an argument that was missing before");
                }
                let missing = missing.as_slice().into();
                slot.more.get_or_insert_default().sents.push(Sent { by, height, to, missing });
            }
            _ if slot.result_of(by).is_some() => {
                return Err("is the second result of one log at this position");
            }
            _ if slot.result.1 == 0 => slot.result = (by, height),
            _ => slot.more.get_or_insert_default().results.push((by, height)),
        }
        if self.states.len() <= by as usize {
            self.states.resize_with(by as usize + 1, Vec::new);
        }
        self.states[by as usize].push(Record { state: EntryState::Unreached, is_counted });
        self.unreached_results += usize::from(is_counted);
        Ok(match slot.act {
            NONE => At::Nothing,
            OVER => At::Over(number),
            act => At::Started(act),
        })
    }

    pub(super) fn set_state(&mut self, (peer, height): EntryNo, state: EntryState) {
        let states = self.states.get_mut(peer as usize);
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

    pub(super) fn state(&self, (peer, height): EntryNo) -> EntryState {
        let states = self.states.get(peer as usize);
        let record = states.and_then(|states| states.get((height as usize).checked_sub(1)?));
        record.map_or(EntryState::Unreached, |record| record.state)
    }
}
