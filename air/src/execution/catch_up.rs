//! Catching up: what other peers have done in iterations that this peer has not come to yet (4.10).
//!
//! An entry about an iteration that was not started is noted under the outermost such iteration. That iteration is started
//! out of turn once its element is known, no call is outstanding here, and the step has nothing else left to do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::EntryId;
use super::index::EntryState;
use super::machine::Machine;
use super::state::{ActId, FrameId};
use crate::data::{Element, Entry, Fact, Position};
use crate::syntax::NodeId;

#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// By the frame around the fold, the fold and the element.
    by_place: BTreeMap<(FrameId, u32, Element), Vec<Want>>,
    /// Elements known here of which something is noted.
    ready: BTreeSet<(Urgency, ActId, u32)>,
    /// Folds that may have unvisited elements in chains that are not complete.
    lagging: BTreeSet<ActId>,
}

/// An entry about something inside of an iteration.
#[derive(Clone, Debug)]
struct Want {
    folds: Arc<[(u32, Element)]>,
    /// How many of the folds lie outside of the place.
    depth: usize,
    entry: EntryId,
    urgency: Urgency,
}

/// Which of the rules (a) and (b) an entry is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Urgency {
    /// A result, or an element that a canon lists.
    Done,
    /// Something was forwarded to this peer.
    Asked,
}

impl Wanted {
    pub(super) fn may_lag(&mut self, fold: ActId) {
        self.lagging.insert(fold);
    }
}

impl Machine<'_> {
    /// Notes what an entry says about iterations that were not started.
    ///
    /// What this peer itself has written at the end of a step or while it took a canon is left out: a replay of the step has
    /// it from the beginning, and has to go the same way.
    pub(super) fn note_wants(&mut self, entry: EntryId, at: &Position, fact: &Fact<'_>) {
        let is_own = Some(entry.peer) == self.me;
        match fact {
            Fact::Ok { .. } | Fact::Err { .. } => self.want(at, entry, Urgency::Done),
            Fact::Canon { elements, .. } if !is_own => {
                self.want(at, entry, Urgency::Done);
                elements.iter().for_each(|(at, _)| self.want(at, entry, Urgency::Done));
            }
            Fact::Sent { to, .. } if !is_own && Some(*to) == self.me => self.want(at, entry, Urgency::Asked),
            Fact::Canon { .. } | Fact::Sent { .. } => {}
        }
    }

    fn want(&mut self, at: &Position, entry: EntryId, urgency: Urgency) {
        if at.folds.iter().any(|(_, element)| matches!(element, Element::Key(_))) {
            self.want_from(0, Want { folds: at.folds.as_slice().into(), depth: 0, entry, urgency });
        }
    }

    /// Notes a want under the first iteration that was not started, seen from `frame`, which was.
    fn want_from(&mut self, mut frame: FrameId, mut want: Want) {
        while let Some(&(fold, element)) = want.folds.get(want.depth) {
            match self.state.frame_ids.get(&(frame, fold, element)) {
                Some(&inner) => {
                    frame = inner;
                    want.depth += 1;
                }
                None => {
                    self.make_ready(frame, fold, element, want.urgency);
                    self.state.wanted.by_place.entry((frame, fold, element)).or_default().push(want);
                    return;
                }
            }
        }
    }

    fn make_ready(&mut self, frame: FrameId, fold: u32, element: Element, urgency: Urgency) {
        let Element::Key(key) = element else { return };
        let Some(&act) = self.state.stream_folds.get(&(frame, NodeId(fold))) else { return };
        let Some(body) = self.state.stream_fold(act) else { return };
        if let Some(index) = self.state.stream(body.stream).find(&key) {
            self.state.wanted.ready.insert((urgency, act, index));
        }
    }

    /// A stream fold was started: elements of it may have been noted already.
    pub(super) fn fold_started(&mut self, fold: ActId) {
        let (frame, node) = self.fold_place(fold);
        self.state.stream_folds.insert((frame, NodeId(node)), fold);
        let from = (frame, node, Element::Index(0));
        let to = (frame, node + 1, Element::Index(0));
        let wanted = self.state.wanted.by_place.range(from..to);
        let wanted: Vec<_> =
            wanted.flat_map(|(&(.., element), wants)| wants.iter().map(move |want| (element, want.urgency))).collect();
        wanted.into_iter().for_each(|(element, urgency)| self.make_ready(frame, node, element, urgency));
    }

    /// An element of a stream fold has become known.
    pub(super) fn element_known(&mut self, fold: ActId, element: Element, index: u32) {
        let (frame, node) = self.fold_place(fold);
        let Wanted { by_place, ready, .. } = &mut self.state.wanted;
        let wants = by_place.get(&(frame, node, element));
        ready.extend(wants.into_iter().flatten().map(|want| (want.urgency, fold, index)));
    }

    /// An iteration was started: what was noted of it concerns what lies inside.
    pub(super) fn iteration_started(&mut self, place: (FrameId, u32, Element), frame: FrameId) {
        self.state.frame_ids.insert(place, frame);
        if let Some(wants) = self.state.wanted.by_place.remove(&place) {
            wants.into_iter().for_each(|want| self.want_from(frame, Want { depth: want.depth + 1, ..want }));
        }
    }

    /// Starts an iteration out of turn, if one is needed; whether there was one.
    pub(super) fn catch_up(&mut self) -> bool {
        if !self.state.outstanding.is_empty() {
            return false;
        }
        while let Some(ready) = self.state.wanted.ready.pop_first() {
            let (urgency, fold, index) = ready;
            if self.is_needed(urgency, fold, index) {
                self.catch_up_element(fold, index);
                return true;
            }
        }
        if self.state.index.unreached_results() == 0 {
            return false;
        }
        while let Some(&fold) = self.state.wanted.lagging.first() {
            if let Some(index) =
                self.state.stream_fold_mut(fold).and_then(super::stream_fold::StreamFold::first_lagging)
            {
                self.catch_up_element(fold, index);
                return true;
            }
            self.state.wanted.lagging.pop_first();
        }
        false
    }

    fn is_needed(&self, urgency: Urgency, fold: ActId, index: u32) -> bool {
        let Some(body) = self.state.stream_fold(fold) else { return false };
        let is_open = match urgency {
            Urgency::Done => body.is_unvisited(index),
            Urgency::Asked => body.is_lagging(index),
        };
        if !is_open {
            return false;
        }
        let (frame, node) = self.fold_place(fold);
        let key = self.state.stream(body.stream).elements[index as usize].key;
        let wants = self.state.wanted.by_place.get(&(frame, node, Element::Key(key)));
        let is_unreached = |entry: &EntryId| self.state.index.state(&entry.peer, entry.height) == EntryState::Unreached;
        wants.into_iter().flatten().any(|want| want.urgency == urgency && is_unreached(&want.entry))
    }
}

/// Whether catching up cares that an entry was not reached (c).
pub(super) fn is_counted(entry: &Entry<'_>, is_own: bool) -> bool {
    match entry.fact {
        Fact::Ok { .. } | Fact::Err { .. } => true,
        Fact::Canon { .. } => !is_own,
        Fact::Sent { .. } => false,
    }
}
