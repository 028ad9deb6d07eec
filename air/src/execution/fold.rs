//! `fold` over arrays and canon values, and `next`. Folds over streams are in [`stream_fold`](super::stream_fold).

use std::sync::Arc;

use super::Rejection;
use super::content::{Bound, Content};
use super::error::Catchable;
use super::machine::{Fault, Machine};
use super::scope::{Kind, Scope};
use super::state::{Act, ActId, Body, FoldBody, FrameId, FrameInfo, Items, NONE, ScopeId, Start, Task};
use crate::data::Element;
use crate::syntax::{Expr, Instruction};

/// An iteration to start, run by `parent`: the fold itself, or a `next`.
pub(super) struct Iterating {
    pub(super) fold: ActId,
    pub(super) parent: ActId,
    /// Which element; of a stream, by the order in which they became known here.
    pub(super) index: u32,
    /// Of a stream fold, which chain of the batch.
    pub(super) chain: u32,
    pub(super) element: Element,
    pub(super) value: Bound,
}

impl Machine<'_> {
    /// The items of an array, each of which comes from there.
    pub(super) fn array_items(&self, operand: Bound, expr: Expr) -> Result<Items, Fault> {
        match operand.value.as_shared_array() {
            Some(items) => Ok(Items::Array { items: items.clone(), origin: operand.origin.tetraplet().clone() }),
            None => {
                let expression = self.operand_expression(expr);
                Err(Catchable::FoldOverNonArray { expression, value: operand.value }.into())
            }
        }
    }

    /// Runs the first iteration, whose state the fold takes.
    pub(super) fn start_fold(&mut self, act: ActId, items: Items) -> Result<(), Rejection> {
        if items.len() == 0 {
            self.complete(act);
            return Ok(());
        }
        let fold = FoldBody { items, iterations: Vec::new(), last: NONE };
        self.state.act_mut(act).body = Body::Fold(Box::new(fold));
        self.start_item(act, act, 0)
    }

    fn start_item(&mut self, fold: ActId, parent: ActId, index: u32) -> Result<(), Rejection> {
        let Some(body) = self.state.fold(fold) else { return Ok(()) };
        let value = match &body.items {
            Items::Array { items, origin } => {
                let (item, origin) = (items[index as usize].clone(), Arc::clone(origin));
                Bound::new(item, self.extend_origin(&origin, &format!(".$.[{index}]"))?)
            }
            Items::Elements(items) => items[index as usize].clone(),
        };
        self.start_iteration(Iterating { fold, parent, index, chain: 0, element: Element::Index(index), value })?;
        Ok(())
    }

    /// Queues an iteration. Around it lies what lies around the fold, wherever the `next` stands.
    pub(super) fn start_iteration(&mut self, iterating: Iterating) -> Result<ScopeId, Rejection> {
        let Iterating { fold, parent, index, chain, element, value } = iterating;
        let Act { node, frame: outer, scope, error, .. } = self.state.act(fold);
        let (node, outer, scope, error) = (*node, *outer, *scope, error.clone());
        let last_error = self.state.act(parent).last_error.clone();
        let Instruction::Fold { iterator, .. } = self.tree.instruction(node) else { return Ok(scope) };

        let inner = self.state.frames[outer as usize].frame.iteration(node.0, element);
        let place = self.state.scopes.len() as ScopeId;
        let frame = self.state.frames.len() as FrameId;
        self.state.frames.push(FrameInfo { frame: inner, parent: outer, fold: node.0, element, scope: place });
        let value = Content::Plain(value);
        let kind = Kind::Iteration { fold, index, chain, frame, iterator: iterator.name, value };
        self.state.scopes.push(Scope::new(scope, kind));
        self.iteration_started((outer, node.0, element), frame);
        if let Some(node) = self.tree.first_child(node) {
            self.state.stack.push(Task::Start(Start { node, frame, scope: place, parent, last_error, error }));
        }
        Ok(place)
    }

    /// Runs the next iteration, or the last instruction, and takes its state.
    pub(super) fn start_next(&mut self, act: ActId) -> Result<(), Rejection> {
        let node = self.state.act(act).node;
        let around = self.script.scopes().fold_of_next(node);
        let Some((scope, fold, index)) =
            around.and_then(|fold| self.state.iteration_of(self.state.act(act).scope, fold))
        else {
            return Ok(());
        };
        let Some(body) = self.state.fold(fold) else { return self.next_of_stream(act, scope, fold) };
        let next = index as usize + 1;
        if let Some(&(_, started)) = body.iterations.get(next) {
            self.attach(act, started);
        } else if next < body.items.len() {
            self.start_item(fold, act, index + 1)?;
        } else if body.last != NONE {
            let last = body.last;
            self.attach(act, last);
        } else if self.tree.second_child(self.state.act(fold).node).is_some() {
            let Kind::Iteration { frame, .. } = self.state.scopes[scope as usize].kind else { return Ok(()) };
            self.start_last(act, fold, scope, frame);
        } else {
            self.end_without_last(act);
        }
        Ok(())
    }

    /// Without last instruction `next` is complete at the end; not directly under a `par` though, which would then be
    /// complete because there was nothing left to do.
    fn end_without_last(&mut self, act: ActId) {
        let around = self.tree.parent(self.state.act(act).node).map(|node| self.tree.instruction(node));
        if around != Some(Instruction::Par) {
            self.complete(act);
        }
    }

    /// Runs the last instruction, if there is one, in the iteration whose `next` found the end.
    pub(super) fn start_last(&mut self, act: ActId, fold: ActId, scope: ScopeId, frame: FrameId) {
        let fold = self.state.act(fold);
        let Some(node) = self.tree.second_child(fold.node) else { return };
        let error = fold.error.clone();
        let last_error = self.state.act(act).last_error.clone();
        self.state.stack.push(Task::Start(Start { node, frame, scope, parent: act, last_error, error }));
    }

    /// Makes a `next` follow an activation that was started elsewhere.
    pub(super) fn attach(&mut self, act: ActId, to: ActId) {
        if self.state.is_waiting(to) {
            self.state.attached.entry(to).or_default().push(act);
        } else {
            self.take_over(act, to);
        }
    }
}
