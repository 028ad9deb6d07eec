//! `fold` over arrays, and `next`.

use super::Rejection;
use super::error::Catchable;
use super::machine::{Fault, Machine};
use super::scope::{Kind, Scope};
use super::state::{Act, ActId, Body, Bound, FoldBody, FrameInfo, NONE, ScopeId, Start, Task};
use crate::data::Element;
use crate::syntax::{Expr, Instruction, Name};

impl Machine<'_> {
    /// Runs the first iteration, whose state the fold takes.
    pub(super) fn start_fold(&mut self, act: ActId, operand: Bound, expr: Expr, iterator: Name) -> Result<(), Fault> {
        let Some(items) = operand.value.as_shared_array().cloned() else {
            let expression = self.operand_expression(expr);
            return Err(Catchable::FoldOverNonArray { expression, value: operand.value }.into());
        };
        if items.is_empty() {
            self.complete(act);
            return Ok(());
        }
        let fold = FoldBody { items, origin: operand.origin, iterations: Vec::new(), last: NONE };
        self.state.act_mut(act).body = Body::Fold(Box::new(fold));
        Ok(self.start_iteration(act, act, 0, iterator)?)
    }

    /// Queues iteration `index` of `fold`, run by `parent`: the fold itself, or a `next`. Around the iteration lies what lies
    /// around the fold, wherever the `next` stands.
    fn start_iteration(&mut self, fold: ActId, parent: ActId, index: u32, iterator: Name) -> Result<(), Rejection> {
        let Act { node, frame, scope, error, .. } = self.state.act(fold);
        let (node, frame, scope, error) = (*node, *frame, *scope, error.clone());
        let last_error = self.state.act(parent).last_error.clone();
        let Some(body) = self.state.fold(fold) else { return Ok(()) };
        let Some(item) = body.items.get(index as usize).cloned() else { return Ok(()) };
        let origin = body.origin.clone();
        let origin = self.extend_origin(&origin, &format!(".$.[{index}]"))?;
        let value = Bound { value: item, origin };

        let element = Element::Index(index);
        let inner = self.state.frames[frame as usize].frame.iteration(node.0, element);
        let place = self.state.scopes.len() as ScopeId;
        self.state.frames.push(FrameInfo { frame: inner, parent: frame, fold: node.0, element, scope: place });
        self.state.scopes.push(Scope::new(scope, Kind::Iteration { fold, index, iterator, value }));
        let frame = self.state.frames.len() as u32 - 1;
        let scope = self.state.scopes.len() as ScopeId - 1;
        if let Some(node) = self.tree.first_child(node) {
            self.state.stack.push(Task::Start(Start { node, frame, scope, parent, last_error, error }));
        }
        Ok(())
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
        let Some(body) = self.state.fold(fold) else { return Ok(()) };
        let next = index as usize + 1;
        if let Some(&(_, started)) = body.iterations.get(next) {
            self.attach(act, started);
        } else if next < body.items.len() {
            if let Instruction::Fold { iterator, .. } = self.tree.instruction(self.state.act(fold).node) {
                self.start_iteration(fold, act, index + 1, iterator.name)?;
            }
        } else if body.last != NONE {
            let last = body.last;
            self.attach(act, last);
        } else {
            self.start_last(act, fold, scope);
        }
        Ok(())
    }

    /// At the end: runs the last instruction in the iteration that found it. Without one, `next` is complete; not directly
    /// under a `par` though, which would then be complete because there was nothing left to do.
    fn start_last(&mut self, act: ActId, fold: ActId, scope: ScopeId) {
        let fold = self.state.act(fold);
        let Some(node) = self.tree.second_child(fold.node) else {
            let around = self.tree.parent(self.state.act(act).node).map(|node| self.tree.instruction(node));
            if around != Some(Instruction::Par) {
                self.complete(act);
            }
            return;
        };
        let error = fold.error.clone();
        let last_error = self.state.act(act).last_error.clone();
        // The body of this iteration was started in its frame.
        let frame = fold_frame(self, scope).unwrap_or(self.state.act(act).frame);
        self.state.stack.push(Task::Start(Start { node, frame, scope, parent: act, last_error, error }));
    }

    /// Makes a `next` follow an activation that was started elsewhere.
    fn attach(&mut self, act: ActId, to: ActId) {
        if self.state.is_waiting(to) {
            self.state.attached.entry(to).or_default().push(act);
        } else {
            self.take_over(act, to);
        }
    }
}

/// The frame of the iteration that a scope belongs to.
fn fold_frame(machine: &Machine<'_>, scope: ScopeId) -> Option<u32> {
    let Kind::Iteration { fold, index, .. } = machine.state.scopes[scope as usize].kind else { return None };
    let &(_, body) = machine.state.fold(fold)?.iterations.get(index as usize)?;
    Some(machine.state.act(body).frame)
}
