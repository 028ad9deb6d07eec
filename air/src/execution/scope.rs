//! Variables: which scope a name is read from and set in, who waits for it, and when a `new` variable can no longer be set.

use std::sync::Arc;

use super::Rejection;
use super::content::Content;
use super::machine::Machine;
use super::state::{Act, ActId, Body, FrameId, NONE, ScopeId, State};
use super::stream_fold::Iteration;
use crate::check::{Scope as Scoping, ScopeKind};
use crate::syntax::{Instruction, Name, NodeId};
use crate::value::Value;

/// An instance of a lexical scope.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) parent: ScopeId,
    pub(super) kind: Kind,
    cells: Cells,
}

/// The variables of a scope, by name. The root scope may have as many as the script has names, the others have few.
#[derive(Debug)]
enum Cells {
    All(Vec<Option<Box<Cell>>>),
    Few(Vec<(Name, Cell)>),
}

impl Cells {
    fn get(&self, name: Name) -> Option<&Cell> {
        match self {
            Cells::All(cells) => cells.get(name.index())?.as_deref(),
            Cells::Few(cells) => cells.binary_search_by_key(&name, |(name, _)| *name).ok().map(|at| &cells[at].1),
        }
    }

    fn get_mut(&mut self, name: Name) -> &mut Cell {
        match self {
            Cells::All(cells) => {
                if cells.len() <= name.index() {
                    cells.resize_with(name.index() + 1, || None);
                }
                cells[name.index()].get_or_insert_default()
            }
            Cells::Few(cells) => {
                let at = match cells.binary_search_by_key(&name, |(name, _)| *name) {
                    Ok(at) => at,
                    Err(at) => {
                        cells.insert(at, (name, Cell::default()));
                        at
                    }
                };
                &mut cells[at].1
            }
        }
    }
}

#[derive(Debug)]
pub(super) enum Kind {
    Root,
    /// One iteration of a fold; the iterator is its first variable.
    Iteration {
        fold: ActId,
        /// Which element; of a stream, by the order in which they became known here.
        index: u32,
        /// Of a stream fold, which chain of the batch.
        chain: u32,
        frame: FrameId,
        iterator: Name,
        value: Content,
    },
    /// The variable of a `new`. Outside of folds it is set once.
    New {
        act: ActId,
        name: Name,
        is_in_fold: bool,
    },
}

/// A variable in a scope, and the activations to wake when it is set.
#[derive(Debug, Default)]
struct Cell {
    value: Option<Content>,
    /// Each with the number of the operand that it waits for.
    waiting: Vec<(ActId, u32)>,
}

/// What reading a name found.
pub(super) enum Read {
    Content(Content),
    /// Nothing yet; in which `new` of this name the search ended, if in one.
    Missing(Option<ScopeId>),
}

impl Scope {
    pub(super) fn root() -> Self {
        Self { parent: NONE, kind: Kind::Root, cells: Cells::All(Vec::new()) }
    }

    pub(super) fn new(parent: ScopeId, kind: Kind) -> Self {
        Self { parent, kind, cells: Cells::Few(Vec::new()) }
    }

    /// Lets go of all values that were set here.
    pub(super) fn clear(&mut self) {
        self.cells = Cells::Few(Vec::new());
    }

    fn is_set_once(&self) -> bool {
        matches!(self.kind, Kind::Root | Kind::New { is_in_fold: false, .. })
    }

    fn value(&self, name: Name) -> Option<&Content> {
        match &self.kind {
            Kind::Iteration { iterator, value, .. } if *iterator == name => Some(value),
            _ => self.cells.get(name)?.value.as_ref(),
        }
    }
}

impl State {
    /// The scopes around, from inside out.
    fn scopes_from(&self, scope: ScopeId) -> impl Iterator<Item = (ScopeId, &Scope)> {
        let get = |id: ScopeId| self.scopes.get(id as usize).map(|scope| (id, scope));
        std::iter::successors(get(scope), move |(_, scope)| get(scope.parent))
    }

    /// What a name stands for in the root scope.
    pub(super) fn root_content(&self, name: Name) -> Option<&Content> {
        self.scopes.first()?.value(name)
    }

    /// The iterator's value in an iteration.
    pub(super) fn iterator_value(&self, frame: FrameId) -> Option<&Value> {
        let scope = self.scopes.get(self.frames.get(frame as usize)?.scope as usize)?;
        match &scope.kind {
            Kind::Iteration { value: Content::Plain(bound), .. } => Some(&bound.value),
            _ => None,
        }
    }

    /// The iteration of `fold` around: its scope, its activation, and which iteration it is.
    pub(super) fn iteration_of(&self, scope: ScopeId, fold: NodeId) -> Option<(ScopeId, ActId, u32)> {
        self.scopes_from(scope).find_map(|(id, scope)| match scope.kind {
            Kind::Iteration { fold: act, index, .. } if self.act(act).node == fold => Some((id, act, index)),
            _ => None,
        })
    }
}

impl Machine<'_> {
    /// The scopes in which `act` looks for a name, from inside out: iterations, then the `new` of the name or the iteration
    /// whose iterator it is, or else the root. It is set in the first of them. Other `new`s are not passed through, however
    /// many there are.
    fn places(&self, act: ActId, name: Name) -> impl Iterator<Item = ScopeId> {
        let Act { node, frame, .. } = *self.state.act(act);
        let binder = self.script.scopes().binder(node, name);
        let new = binder.filter(|scope| scope.kind == ScopeKind::New).map(|scope| scope.node);
        let frames_inside = self.script.scopes().fold_depth(node) - binder.map_or(0, |scope| scope.fold_depth as usize);
        let frames = &self.state.frames;
        let outwards = std::iter::successors(Some(frame), |&frame| Some(frames[frame as usize].parent));
        outwards.take(frames_inside + 1).enumerate().filter_map(move |(depth, frame)| match new {
            Some(new) if depth == frames_inside => self.state.news.get(&(frame, new)).copied(),
            _ => Some(frames[frame as usize].scope),
        })
    }

    pub(super) fn read(&self, act: ActId, name: Name) -> Read {
        for id in self.places(act, name) {
            let scope = &self.state.scopes[id as usize];
            if let Some(value) = scope.value(name) {
                return Read::Content(value.clone());
            }
            if matches!(scope.kind, Kind::New { .. }) {
                return Read::Missing(Some(id));
            }
        }
        Read::Missing(None)
    }

    /// The scope in which an instruction sets a name, if it may as far as can be told now.
    pub(super) fn settable(&self, act: ActId, name: Name) -> Result<ScopeId, Rejection> {
        let node = self.state.act(act).node;
        let text = || self.tree.name(name).to_owned();
        let binder = self.script.scopes().binder(node, name);
        if binder.is_some_and(|scope| scope.kind == ScopeKind::Fold) {
            return Err(Rejection::IterableShadowing { name: text() });
        }
        let target = self.places(act, name).next().unwrap_or(0);
        let scope = &self.state.scopes[target as usize];
        if scope.is_set_once() && scope.value(name).is_some() {
            return Err(Rejection::ShadowingIsNotAllowed { name: text() });
        }
        Ok(target)
    }

    /// Sets a name and wakes who waits for it.
    pub(super) fn set(&mut self, act: ActId, name: Name, content: Content) -> Result<(), Rejection> {
        let target = self.settable(act, name)?;
        let cell = self.state.scopes[target as usize].cells.get_mut(name);
        cell.value = Some(content);
        let waiting = std::mem::take(&mut cell.waiting);
        waiting.into_iter().for_each(|(act, operand)| self.wake(act, operand));
        Ok(())
    }

    /// Registers an operand of `act` wherever a value for the name could come up.
    pub(super) fn wait_for(&mut self, act: ActId, operand: u32, name: Name) {
        let folds = self.setting_folds(name);
        let can_hold = |id: &ScopeId| match self.state.scopes[*id as usize].kind {
            Kind::Root | Kind::New { .. } => true,
            Kind::Iteration { fold, .. } => folds.binary_search(&self.state.act(fold).node).is_ok(),
        };
        let places: Vec<ScopeId> = self.places(act, name).filter(can_hold).collect();
        for place in places {
            self.state.scopes[place as usize].cells.get_mut(name).waiting.push((act, operand));
        }
    }

    /// The folds in whose iterations an instruction sets the name.
    fn setting_folds(&mut self, name: Name) -> Arc<[NodeId]> {
        if let Some(folds) = self.state.setting_folds.get(&name) {
            return folds.clone();
        }
        let innermost = |node: NodeId| {
            let scopes = self.script.scopes();
            let is_new_inside = |new: &Scoping| new.fold_depth as usize == scopes.fold_depth(node);
            let binder = scopes.binder(node, name).filter(|scope| scope.kind == ScopeKind::New);
            if binder.is_some_and(is_new_inside) { None } else { scopes.fold(node) }
        };
        let mut folds: Vec<NodeId> = self.script.definitions(name).iter().filter_map(|&node| innermost(node)).collect();
        folds.sort_unstable();
        folds.dedup();
        let folds: Arc<[NodeId]> = folds.into();
        self.state.setting_folds.insert(name, folds.clone());
        folds
    }

    /// Whether something may still set the variable of a `new`. If so, `reader` looks again when that has settled.
    ///
    /// For a definition inside the `new`, the innermost started activation on the way down to it decides: it may get there
    /// as long as it waits, unless it is the reader, or waits because of the reader inside of it.
    pub(super) fn hope_for(&mut self, reader: ActId, operand: u32, scope: ScopeId) -> bool {
        let Kind::New { act, name, .. } = self.state.scopes[scope as usize].kind else { return true };
        let new = self.state.act(act).node;
        let definitions = self.script.definitions(name);
        let inside = definitions.partition_point(|&node| node <= new)..;
        for &definition in definitions[inside].iter().take_while(|&&node| self.tree.contains(new, node)) {
            let binder = self.script.scopes().binder(definition, name);
            if binder.is_none_or(|binder| binder.node != new) {
                continue;
            }
            if let Some(act) = self.find_hope(reader, act, definition) {
                let readers = self.state.hopes.entry(act).or_default();
                if readers.last() != Some(&(reader, operand)) {
                    readers.push((reader, operand));
                }
                return true;
            }
        }
        false
    }

    /// A waiting activation, innermost on the way from `top` to the instruction `goal`, that is not around `reader`.
    fn find_hope(&self, reader: ActId, top: ActId, goal: NodeId) -> Option<ActId> {
        let top_node = self.state.act(top).node;
        let mut way: Vec<NodeId> = std::iter::successors(Some(goal), |&node| self.tree.parent(node))
            .take_while(|&node| node != top_node)
            .collect();
        way.reverse();
        let mut open = vec![(top, 0)];
        while let Some((act, depth)) = open.pop() {
            let before = open.len();
            if let Some(&child) = way.get(depth) {
                open.extend(self.children_at(reader, act, child).into_iter().map(|act| (act, depth + 1)));
            }
            let is_innermost = open.len() == before;
            if is_innermost && self.state.is_waiting(act) && !self.is_around(act, reader) {
                return Some(act);
            }
        }
        None
    }

    /// The started activations of the instruction `child` directly below `act`. Of a fold around the reader only the
    /// reader's own iteration counts.
    fn children_at(&self, reader: ActId, act: ActId, child: NodeId) -> Vec<ActId> {
        let this = self.state.act(act);
        let is_first = self.tree.is_first_child(child);
        match &this.body {
            Body::Children(children) => {
                let act = children[usize::from(!is_first)];
                if act == NONE { Vec::new() } else { vec![act] }
            }
            Body::Fold(fold) if !is_first => Vec::from_iter((fold.last != NONE).then_some(fold.last)),
            Body::Fold(fold) => {
                let own = self.state.iteration_of(self.state.act(reader).scope, this.node);
                match own {
                    Some((_, own, index)) if own == act => {
                        fold.iterations.get(index as usize).map(|&(_, body)| body).into_iter().collect()
                    }
                    _ => fold.iterations.iter().map(|&(_, body)| body).collect(),
                }
            }
            Body::StreamFold(fold) => {
                let own = self.state.iteration_of(self.state.act(reader).scope, this.node);
                let own = own.filter(|(_, own, _)| *own == act).and_then(|(_, _, index)| fold.iteration(index));
                let of = |iteration: &Iteration| if is_first { iteration.body } else { iteration.last };
                let mut acts: Vec<ActId> = match own {
                    Some(own) => vec![of(own)],
                    None => fold.started().map(of).collect(),
                };
                acts.retain(|&act| act != NONE);
                acts
            }
            _ => Vec::new(),
        }
    }

    /// Whether `inner` is `outer` or lies inside of it.
    fn is_around(&self, outer: ActId, inner: ActId) -> bool {
        let (outer, inner) = (self.state.act(outer), self.state.act(inner));
        let mut frame = inner.frame;
        while frame != outer.frame {
            frame = self.state.frames[frame as usize].parent;
            if frame == NONE {
                return false;
            }
        }
        self.tree.contains(outer.node, inner.node)
    }

    /// Queues an activation for which something about one of its operands may have changed.
    pub(super) fn wake(&mut self, act: ActId, operand: u32) {
        self.state.wake_ups += 1;
        if !self.state.is_waiting(act) {
            return;
        }
        if let Some(call) = self.state.call_mut(act) {
            call.woken.push(operand);
        }
        let is_settling = match self.tree.instruction(self.state.act(act).node) {
            Instruction::Call { .. } | Instruction::Ap { .. } | Instruction::ApMap { .. } => true,
            Instruction::Canon { .. } => self.has_foreign_result(act),
            _ => false,
        };
        if is_settling {
            self.state.settle.insert(act);
        } else {
            self.state.going.push_back(super::state::Task::Look(act));
        }
    }

    /// Whether another peer has stated a result at this position. What this peer has stated does not count: a replay of the
    /// step in which it did has it from the beginning, and has to go the same way.
    fn has_foreign_result(&self, act: ActId) -> bool {
        let slot = self.state.call(act).map(|call| self.state.index.slot(call.slot));
        slot.is_some_and(|slot| slot.results().any(|(owner, _)| Some(owner) != self.state.me))
    }
}
