//! Streams and maps: lists that only grow. Every reader sees the elements in the order in which they became known here.

use std::collections::BTreeMap;

use super::Rejection;
use super::content::Bound;
use super::machine::Machine;
use super::state::{ActId, FrameId, State};
use crate::check::{ScopeKind, Script};
use crate::data::{Element, Key, Position};
use crate::syntax::{Instruction, Name, NameKind, NodeId};
use crate::value::ContentId;

pub(super) type StreamId = u32;

/// Which stream or map: where its `new` stands, or the root frame, and its name.
pub(super) type Home = (FrameId, Option<NodeId>, Name);

#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) elements: Vec<StreamElement>,
    by_key: BTreeMap<Key, u32>,
    /// The folds over it, in the order in which they were started.
    pub(super) folds: Vec<ActId>,
    /// Canons that list an element which is not known here yet, by its key.
    awaited: BTreeMap<Key, Vec<ActId>>,
    pub(super) is_map: bool,
    /// The last canon of this peer.
    pub(super) own: Option<OwnCanon>,
}

/// An element, and the call or `ap` that produced it.
#[derive(Debug)]
pub(super) struct StreamElement {
    pub(super) key: Key,
    pub(super) frame: FrameId,
    pub(super) node: NodeId,
    /// Of a map: the object of key and value.
    pub(super) bound: Bound,
    /// Worked out when first asked for.
    id: Option<ContentId>,
}

/// What later canons of this peer extend.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnCanon {
    pub(super) height: u32,
    pub(super) sequence: u32,
    pub(super) len: u32,
    /// The first elements of the stream that it has all of.
    pub(super) covers: u32,
}

impl Stream {
    pub(super) fn len(&self) -> u32 {
        self.elements.len() as u32
    }

    /// The place of an element in the order of this peer.
    pub(super) fn find(&self, key: &Key) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    /// The content identifier of an element's value.
    pub(super) fn id(&mut self, index: u32) -> ContentId {
        let element = &mut self.elements[index as usize];
        *element.id.get_or_insert_with(|| element.bound.value.content_id())
    }

    /// Wakes `canon` when an element with this key becomes known.
    pub(super) fn await_element(&mut self, key: Key, canon: ActId) {
        let waiting = self.awaited.entry(key).or_default();
        if !waiting.contains(&canon) {
            waiting.push(canon);
        }
    }
}

impl State {
    pub(super) fn stream(&self, stream: StreamId) -> &Stream {
        &self.streams[stream as usize]
    }

    pub(super) fn stream_mut(&mut self, stream: StreamId) -> &mut Stream {
        &mut self.streams[stream as usize]
    }

    /// The position that an element comes from.
    pub(super) fn element_position(&self, stream: StreamId, index: u32) -> Position {
        let element = &self.stream(stream).elements[index as usize];
        self.position(element.node, element.frame)
    }

    /// Where the stream or map that `name` denotes at `act` belongs.
    fn home(&self, script: &Script, act: ActId, name: Name) -> Home {
        let (node, mut frame) = (self.act(act).node, self.act(act).frame);
        let binder = script.scopes().binder(node, name).filter(|scope| scope.kind == ScopeKind::New);
        let outer_depth = binder.map_or(0, |scope| scope.fold_depth as usize);
        if outer_depth == 0 {
            return (0, binder.map(|scope| scope.node), name);
        }
        for _ in outer_depth..script.scopes().fold_depth(node) {
            frame = self.frames[frame as usize].parent;
        }
        (frame, binder.map(|scope| scope.node), name)
    }

    /// The stream that a canon reads, if it has come to it.
    pub(super) fn canon_source(&self, script: &Script, act: ActId) -> Option<StreamId> {
        let Instruction::Canon { source, .. } = script.tree().instruction(self.act(act).node) else { return None };
        self.stream_ids.get(&self.home(script, act, source.name)).copied()
    }
}

impl Machine<'_> {
    /// The stream or map that `name` denotes at `act`: of the innermost `new` of the name, or of the particle.
    pub(super) fn stream_of(&mut self, act: ActId, name: Name) -> StreamId {
        let home = self.state.home(self.script, act, name);
        let next = self.state.streams.len() as StreamId;
        let stream = *self.state.stream_ids.entry(home).or_insert(next);
        if stream == next {
            let is_map = self.tree.name_kind(name) == NameKind::Map;
            self.state.streams.push(Stream { is_map, ..Stream::default() });
        }
        stream
    }

    /// Appends what `act` has produced, and tells who is interested: folds, canons that listed it.
    pub(super) fn push(
        &mut self,
        act: ActId,
        name: Name,
        bound: Bound,
        id: Option<ContentId>,
    ) -> Result<(), Rejection> {
        let stream = self.stream_of(act, name);
        let (node, frame) = (self.state.act(act).node, self.state.act(act).frame);
        let key = self.state.frames[frame as usize].frame.key(node.0);
        let max = self.limits.stream_elements;
        let this = self.state.stream_mut(stream);
        let index = this.len();
        if index as usize >= max {
            return Err(Rejection::StreamSizeLimitExceeded { max });
        }
        if this.by_key.insert(key, index).is_some() {
            return Err(Rejection::KeyCollision(key));
        }
        this.elements.push(StreamElement { key, frame, node, bound: bound.kept(), id });
        let canons = this.awaited.remove(&key).unwrap_or_default();
        canons.into_iter().for_each(|canon| self.wake(canon, 0));
        for fold in 0..self.state.stream(stream).folds.len() {
            let fold = self.state.stream(stream).folds[fold];
            self.state.collecting.insert(fold);
            self.element_known(fold, Element::Key(key), index);
        }
        Ok(())
    }

    pub(super) fn is_stream(&self, name: Name) -> bool {
        matches!(self.tree.name_kind(name), NameKind::Stream | NameKind::Map)
    }
}
