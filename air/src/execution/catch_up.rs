//! Catching up: what other peers have done in iterations that this peer has not come to yet (4.10).
//!
//! An entry about an iteration that was not started is noted under the outermost such iteration. That iteration is started
//! out of turn once its element is known, no call is outstanding here, and the step has nothing else left to do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::index::{EntryNo, EntryState};
use super::machine::Machine;
use super::state::{ActId, FrameId, Task};
use crate::data::{Element, Entry, Fact, Position};
use crate::syntax::NodeId;

/// An iteration: the frame around its fold, the fold and the element.
type Place = (FrameId, u32, Element);

#[derive(Debug, Default)]
pub(super) struct Wanted {
    by_place: BTreeMap<Place, Vec<Want>>,
    /// Elements known here of which something is noted.
    ready: BTreeSet<(Urgency, ActId, u32)>,
    /// Folds that may have unvisited elements in chains that are not complete.
    lagging: BTreeSet<ActId>,
    /// Iterations of folds with a last instruction whose `next` has run another iteration.
    passed: BTreeSet<(ActId, u32)>,
    /// What was forwarded to this peer and may not have been reached, but for what (b) leaves to chains that are complete.
    asked: BTreeMap<EntryNo, Arc<[(u32, Element)]>>,
}

/// An entry about something inside of an iteration.
#[derive(Clone, Debug)]
struct Want {
    folds: Arc<[(u32, Element)]>,
    /// How many of the folds lie outside of the place.
    depth: usize,
    entry: EntryNo,
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

    pub(super) fn may_end(&mut self, fold: ActId, index: u32) {
        self.passed.insert((fold, index));
    }
}

impl Machine<'_> {
    /// Notes what an entry says about iterations that were not started.
    ///
    /// What this peer itself has written at the end of a step or while it took a canon is left out: a replay of the step has
    /// it from the beginning, and has to go the same way.
    pub(super) fn note_wants(&mut self, entry: EntryNo, at: &Position, fact: &Fact<'_>) {
        let is_own = Some(entry.0) == self.state.me;
        match fact {
            Fact::Ok { .. } | Fact::Err { .. } => self.want(at, entry, Urgency::Done),
            Fact::Canon { elements, .. } if !is_own => {
                self.want(at, entry, Urgency::Done);
                elements.iter().for_each(|(at, _)| self.want(at, entry, Urgency::Done));
            }
            Fact::Sent { to, .. } if !is_own && Some(*to) == self.me => {
                self.state.wanted.asked.insert(entry, at.folds.as_slice().into());
                self.want(at, entry, Urgency::Asked);
            }
            Fact::Canon { .. } | Fact::Sent { .. } => {}
        }
    }

    fn want(&mut self, at: &Position, entry: EntryNo, urgency: Urgency) {
        if at.folds.iter().any(|(_, element)| matches!(element, Element::Key(_))) {
            self.want_from(0, Want { folds: at.folds.as_slice().into(), depth: 0, entry, urgency });
        }
    }

    /// Notes a want under the first iteration that was not started, seen from `frame`, which was.
    fn want_from(&mut self, frame: FrameId, mut want: Want) {
        if let Some((depth, place)) = self.first_not_started(frame, &want.folds, want.depth) {
            want.depth = depth;
            self.make_ready(place, want.urgency);
            self.state.wanted.by_place.entry(place).or_default().push(want);
        }
    }

    /// The outermost of the iterations `folds[depth..]` in `frame` that was not started, and how many folds lie around it.
    fn first_not_started(&self, mut frame: FrameId, folds: &[(u32, Element)], depth: usize) -> Option<(usize, Place)> {
        for (depth, &(fold, element)) in folds.iter().enumerate().skip(depth) {
            match self.state.frame_ids.get(&(frame, fold, element)) {
                Some(&inner) => frame = inner,
                None => return Some((depth, (frame, fold, element))),
            }
        }
        None
    }

    fn make_ready(&mut self, place: Place, urgency: Urgency) {
        if let Some((act, index)) = self.known_element(place) {
            self.state.wanted.ready.insert((urgency, act, index));
        }
    }

    /// The started fold of a place, and the number of the element, if it is known.
    fn known_element(&self, (frame, fold, element): Place) -> Option<(ActId, u32)> {
        let Element::Key(key) = element else { return None };
        let &act = self.state.stream_folds.get(&(frame, NodeId(fold)))?;
        let stream = self.state.stream_fold(act)?.stream;
        Some((act, self.state.stream(stream).find(&key)?))
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
        wanted.into_iter().for_each(|(element, urgency)| self.make_ready((frame, node, element), urgency));
    }

    /// An element of a stream fold has become known.
    pub(super) fn element_known(&mut self, fold: ActId, element: Element, index: u32) {
        let (frame, node) = self.fold_place(fold);
        let Wanted { by_place, ready, .. } = &mut self.state.wanted;
        let wants = by_place.get(&(frame, node, element));
        ready.extend(wants.into_iter().flatten().map(|want| (want.urgency, fold, index)));
    }

    /// An iteration was started: what was noted of it concerns what lies inside.
    pub(super) fn iteration_started(&mut self, place: Place, frame: FrameId) {
        self.state.frame_ids.insert(place, frame);
        for want in self.state.wanted.by_place.remove(&place).into_iter().flatten() {
            if want.urgency == Urgency::Asked {
                self.state.wanted.asked.insert(want.entry, want.folds.clone());
            }
            self.want_from(frame, Want { depth: want.depth + 1, ..want });
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
        if self.state.index.unreached_results() == 0 && !self.is_asked() {
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
        while let Some((fold, index)) = self.state.wanted.passed.pop_first() {
            if self.is_without_last(fold, index) {
                self.state.going.push_back(Task::End(fold, index));
                return true;
            }
        }
        false
    }

    /// Whether something was forwarded to this peer that it has not reached. It may lie behind a chain that another peer has seen
    /// complete, because it knew the elements in another order. What lies in an element that a complete chain has left out does
    /// not count: nobody here waits for that.
    fn is_asked(&mut self) -> bool {
        while let Some((entry, folds)) = self.state.wanted.asked.first_key_value() {
            if self.is_unreached(*entry) && !self.is_left_out(folds) {
                return true;
            }
            self.state.wanted.asked.pop_first();
        }
        false
    }

    fn is_left_out(&self, folds: &[(u32, Element)]) -> bool {
        let place = self.first_not_started(0, folds, 0).map(|(_, place)| place);
        let element = place.and_then(|place| self.known_element(place));
        element.is_some_and(|(fold, index)| {
            let body = self.state.stream_fold(fold);
            body.is_some_and(|body| body.is_unvisited(index) && !body.is_lagging(index))
        })
    }

    fn is_unreached(&self, entry: EntryNo) -> bool {
        self.state.index.state(entry) == EntryState::Unreached
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
        wants.into_iter().flatten().any(|want| want.urgency == urgency && self.is_unreached(want.entry))
    }
}

/// Whether catching up cares that an entry was not reached (c), as a result; see [`Machine::is_asked`] for what was forwarded.
pub(super) fn is_counted(entry: &Entry<'_>, is_own: bool) -> bool {
    match entry.fact {
        Fact::Ok { .. } | Fact::Err { .. } => true,
        Fact::Canon { .. } => !is_own,
        Fact::Sent { .. } => false,
    }
}
