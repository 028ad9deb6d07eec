//! The machine: starts activations, takes their states up the tree, and decides in which order that happens.
//!
//! There is no recursion: what is left to do lies on an explicit stack (depth first) and in two queues. Settling (calls and
//! `ap`s that have all they need) goes before going on (what that set free), see section 4.13 of the specification.

use std::sync::Arc;

use marine_particle::{Particle, PeerId};

use super::content::{Bound, Content, MapKey, Origin};
use super::error::Catchable;
use super::scope::{Kind, Read, Scope};
use super::state::{Act, ActId, Body, Failure, NONE, Operand, Start, State, Status, Task};
use super::{Rejection, Report};
use crate::Limits;
use crate::check::Script;
use crate::syntax::{self, Expr, Instruction, NodeId, Tree};
use crate::value::Value;

/// What an instance may hold of each kind (text, lens, ..) without being charged for: the limit on activations bounds this.
pub(super) const INSTANCE_ALLOWANCE: usize = 512;

/// One step at work: what never changes, and the state that does.
pub(super) struct Machine<'a> {
    pub(super) script: &'a Script,
    pub(super) tree: &'a Tree,
    pub(super) particle: &'a Particle,
    pub(super) limits: &'a Limits,
    pub(super) me: Option<PeerId>,
    pub(super) state: &'a mut State,
}

/// Why an instruction cannot go on: an error that the script can catch, or the end of the step.
#[derive(Debug)]
pub(super) enum Fault {
    Catch(Box<Catchable>),
    Reject(Rejection),
}

impl From<Catchable> for Fault {
    fn from(error: Catchable) -> Self {
        Fault::Catch(Box::new(error))
    }
}

impl From<Rejection> for Fault {
    fn from(rejection: Rejection) -> Self {
        Fault::Reject(rejection)
    }
}

impl Machine<'_> {
    /// Works until nothing is left.
    pub(super) fn run(&mut self) -> Result<(), Rejection> {
        loop {
            if let Some(act) = self.state.settle.pop_first() {
                self.settle_now(act)?;
                // What settling sets free is queued, so that everything that can settle does so first.
                let State { stack, going, .. } = &mut *self.state;
                going.extend(stack.drain(..));
            } else if let Some(task) = self.state.going.pop_front() {
                self.state.stack.push(task);
                while let Some(task) = self.state.stack.pop() {
                    self.perform(task)?;
                }
            } else if !self.start_batches() && !self.catch_up() {
                return Ok(());
            }
        }
    }

    fn settle_now(&mut self, act: ActId) -> Result<(), Rejection> {
        match self.tree.instruction(self.state.act(act).node) {
            Instruction::Canon { .. } if self.state.is_waiting(act) => {
                let result = self.look_canon(act, true);
                self.catch(act, result)
            }
            _ => self.look(act),
        }
    }

    fn catch(&mut self, act: ActId, result: Result<(), Fault>) -> Result<(), Rejection> {
        match result {
            Ok(()) => Ok(()),
            Err(Fault::Reject(rejection)) => Err(rejection),
            Err(Fault::Catch(error)) => self.raise(act, *error),
        }
    }

    fn perform(&mut self, task: Task) -> Result<(), Rejection> {
        match task {
            Task::Start(start) => self.start(start),
            Task::Look(act) => self.look(act),
            Task::Settled(act) => self.pass_on(act),
            Task::Chain(fold, batch) => self.start_chain(fold, batch),
            Task::End(fold, index) => {
                self.end_at(fold, index);
                Ok(())
            }
            Task::ParStarted(act) => {
                self.check_par(act, None);
                Ok(())
            }
        }
    }

    fn start(&mut self, start: Start) -> Result<(), Rejection> {
        let Start { node, frame, scope, parent, last_error, error } = start;
        let act = self.state.acts.started() as ActId;
        let max = self.limits.activations;
        if act as usize >= max {
            return Err(Rejection::LimitExceeded { what: "number of activations", n: max + 1, max });
        }
        let body = Body::Leaf;
        let status = Status::Waiting;
        let (undone, is_done) = (0, false);
        self.state.acts.push(Act { node, frame, scope, parent, undone, is_done, status, last_error, error, body });
        self.register(act);
        match self.tree.instruction(node) {
            Instruction::Null => self.complete(act),
            Instruction::Never => {}
            Instruction::Seq | Instruction::Xor => {
                self.state.act_mut(act).body = Body::Children([NONE; 2]);
                self.start_child(act, self.tree.first_child(node));
            }
            Instruction::Par => {
                self.state.act_mut(act).body = Body::Children([NONE; 2]);
                self.state.stack.push(Task::ParStarted(act));
                self.start_child(act, self.tree.second_child(node));
                self.start_child(act, self.tree.first_child(node));
            }
            Instruction::New { variable } => {
                let is_in_fold = self.script.scopes().fold_depth(node) > 0;
                let kind = Kind::New { act, name: variable.name, is_in_fold };
                self.state.scopes.push(Scope::new(scope, kind));
                let inner = self.state.scopes.len() as u32 - 1;
                self.state.news.insert((self.state.act(act).frame, node), inner);
                self.state.act_mut(act).body = Body::Children([NONE; 2]);
                self.start_child_in(act, self.tree.first_child(node), inner);
            }
            Instruction::Next { .. } => {
                self.state.act_mut(act).body = Body::Children([NONE; 2]);
                self.start_next(act)?;
            }
            Instruction::Call { .. } => {
                self.start_call(act)?;
                self.look(act)?;
            }
            Instruction::Ap { output, .. } => {
                self.settable(act, output.name)?;
                self.start_operands(act, 1)?;
            }
            Instruction::Canon { .. } => {
                self.start_canon(act)?;
                self.look(act)?;
            }
            Instruction::Fold { iterable: &syntax::Operand { expr: Expr::Variable(name, _), .. }, .. }
                if self.is_stream(name) =>
            {
                self.start_stream_fold(act, name)?;
            }
            Instruction::ApMap { .. } | Instruction::Match { .. } | Instruction::Mismatch { .. } => {
                self.start_operands(act, 2)?;
            }
            Instruction::Fold { .. } | Instruction::Fail { .. } => self.start_operands(act, 1)?,
            Instruction::FailLiteral { .. } => self.look(act)?,
            Instruction::Error => {
                let name = syntax::print_instruction(self.tree, node);
                return Err(Rejection::ParticleInvalid(format!("`{name}` cannot be executed by this version")));
            }
        }
        Ok(())
    }

    /// Lets those who look for it find a started activation: the instruction around it, a `next` that runs it.
    fn register(&mut self, act: ActId) {
        let Act { node, scope, parent, .. } = *self.state.act(act);
        let is_first = self.tree.is_first_child(node);
        if let Some(fold) = self.tree.parent(node)
            && matches!(self.tree.instruction(fold), Instruction::Fold { .. })
            && let Some((_, fold, index)) = self.state.iteration_of(scope, fold)
        {
            match &mut self.state.act_mut(fold).body {
                Body::Fold(fold) if is_first => fold.iterations.push((scope, act)),
                Body::Fold(fold) => fold.last = act,
                Body::StreamFold(fold) => fold.register(index, is_first, act),
                _ => {}
            }
        }
        if parent == NONE {
            return;
        }
        let is_next = matches!(self.tree.instruction(self.state.act(parent).node), Instruction::Next { .. });
        if let Body::Children(children) = &mut self.state.act_mut(parent).body {
            children[usize::from(!is_first && !is_next)] = act;
        }
    }

    /// Queues a child with the scope and the error variables of its parent.
    fn start_child(&mut self, parent: ActId, child: Option<NodeId>) {
        let scope = self.state.act(parent).scope;
        self.start_child_in(parent, child, scope);
    }

    fn start_child_in(&mut self, parent: ActId, child: Option<NodeId>, scope: u32) {
        let Some(node) = child else { return };
        let Act { frame, last_error, error, .. } = self.state.act(parent);
        let (last_error, error) = (last_error.clone(), error.clone());
        self.state.stack.push(Task::Start(Start { node, frame: *frame, scope, parent, last_error, error }));
    }

    fn start_operands(&mut self, act: ActId, count: usize) -> Result<(), Rejection> {
        self.state.act_mut(act).body = Body::Operands(vec![Operand::Missing(None); count].into());
        self.look(act)
    }

    /// Charges for what an instance is about to hold or copy.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), Rejection> {
        let n = self.state.instance_bytes.saturating_add(bytes.saturating_sub(INSTANCE_ALLOWANCE));
        self.state.instance_bytes = n;
        let max = self.limits.instance_bytes;
        if n > max {
            return Err(Rejection::LimitExceeded { what: "memory of the instructions started", n, max });
        }
        Ok(())
    }

    /// Looks whether an instruction has what it waits for, and does what it is there for.
    fn look(&mut self, act: ActId) -> Result<(), Rejection> {
        if !self.state.is_waiting(act) {
            return Ok(());
        }
        let node = self.state.act(act).node;
        let result = match self.tree.instruction(node) {
            Instruction::Call { .. } => self.look_call(act),
            Instruction::Canon { .. } => self.look_canon(act, false),
            Instruction::FailLiteral { code, message } => {
                Err(self.literal_failure(code.expr, self.tree.text(message)).into())
            }
            instruction => self.look_operands(act, instruction),
        };
        self.catch(act, result)
    }

    fn look_operands(&mut self, act: ActId, instruction: Instruction<'_>) -> Result<(), Fault> {
        let mut operands = match std::mem::replace(&mut self.state.act_mut(act).body, Body::Leaf) {
            Body::Operands(operands) => operands,
            // Already past its operands: woken twice.
            other => {
                self.state.act_mut(act).body = other;
                return Ok(());
            }
        };
        let exprs = self.tree.operands(self.state.act(act).node);
        let exprs = &exprs[..operands.len()];
        if let Instruction::Fold { iterable: &syntax::Operand { expr: Expr::Variable(name, lens), .. }, .. } =
            instruction
            && let Read::Content(Content::Canon(canon)) = self.read(act, name)
            && let Some(items) = self.canon_items(act, name, &canon, lens)?
        {
            return Ok(self.start_fold(act, items)?);
        }
        if !self.read_operands(act, &mut operands, exprs)? {
            self.state.act_mut(act).body = Body::Operands(operands);
            return Ok(());
        }
        let mut known = operands.into_iter().filter_map(|operand| match operand {
            Operand::Known(bound) => Some(bound),
            Operand::Missing(_) => None,
        });
        let Some(first) = known.next() else { return Ok(()) };
        match instruction {
            Instruction::Ap { output, .. } => {
                if self.is_stream(output.name) {
                    self.push(act, output.name, first, None)?;
                } else {
                    self.set(act, output.name, Content::Plain(first.kept()))?;
                }
                self.complete(act);
            }
            Instruction::ApMap { map, .. } => {
                let Some(second) = known.next() else { return Ok(()) };
                let pair = self.pair(map.name, first, second)?;
                self.push(act, map.name, pair, None)?;
                self.complete(act);
            }
            Instruction::Match { .. } | Instruction::Mismatch { .. } => {
                let is_match = matches!(instruction, Instruction::Match { .. });
                let are_equal = known.next().is_some_and(|second| first.value == second.value);
                if is_match != are_equal {
                    return Err(if is_match { Catchable::MatchNotEqual } else { Catchable::MismatchEqual }.into());
                }
                self.state.act_mut(act).body = Body::Children([NONE; 2]);
                self.start_child(act, self.tree.first_child(self.state.act(act).node));
            }
            Instruction::Fold { iterable, .. } => {
                let items = self.array_items(first, iterable.expr)?;
                self.start_fold(act, items)?;
            }
            Instruction::Fail { error } => return Err(self.failure_of(act, error.expr, first.value).into()),
            _ => {}
        }
        Ok(())
    }

    /// The element that key and value make in a map.
    fn pair(&self, map: syntax::Name, key: Bound, value: Bound) -> Result<Bound, Catchable> {
        if MapKey::of(&key.value).is_none() {
            return Err(Catchable::MapKey { map: self.tree.name(map).to_owned() });
        }
        let origins = [&key, &value].map(|part| part.origin.tetraplet().clone());
        let object = Value::object([("key", key.value), ("value", value.value)]);
        Ok(Bound { value: object, origin: Origin::Pair(Arc::new(origins)) })
    }

    pub(super) fn complete(&mut self, act: ActId) {
        self.settle(act, Status::Complete);
    }

    pub(super) fn fail(&mut self, act: ActId, failure: Failure) {
        self.settle(act, Status::Failed(failure));
    }

    fn settle(&mut self, act: ActId, status: Status) {
        self.state.acts.settle(act, status);
        self.state.stack.push(Task::Settled(act));
        if let Some(readers) = self.state.hopes.remove(&act) {
            readers.into_iter().for_each(|(reader, operand)| self.wake(reader, operand));
        }
    }

    /// Tells the instruction around a settled one, and every `next` that took it over. The one around goes first, so it is
    /// told last: the stack turns that round.
    fn pass_on(&mut self, act: ActId) -> Result<(), Rejection> {
        for attached in self.state.attached.remove(&act).into_iter().flatten().rev() {
            self.take_over(attached, act);
        }
        let parent = self.state.act(act).parent;
        if parent == NONE { Ok(()) } else { self.child_settled(parent, act) }
    }

    fn child_settled(&mut self, parent: ActId, child: ActId) -> Result<(), Rejection> {
        let this = self.state.act(parent);
        let node = this.node;
        let left = match this.body {
            Body::Children([left, _]) => left,
            _ => NONE,
        };
        let status = self.state.act(child).status.clone();
        match (self.tree.instruction(node), status) {
            (Instruction::Seq, Status::Complete) if child == left => {
                self.start_right(parent, self.state.act(child).last_error.clone(), None);
            }
            (Instruction::Xor, Status::Failed(failure)) if child == left => {
                self.start_right(parent, failure.last_error, Some(failure.raised));
            }
            (Instruction::Par, _) => self.check_par(parent, Some(child)),
            (Instruction::Fold { .. }, _) if matches!(this.body, Body::StreamFold(_)) => {
                return self.chain_settled(parent, child);
            }
            _ => self.take_over(parent, child),
        }
        Ok(())
    }

    fn start_right(&mut self, parent: ActId, last_error: super::state::ErrorRef, handled: super::state::ErrorRef) {
        let Act { node, frame, scope, error, .. } = self.state.act(parent);
        let error = handled.or_else(|| error.clone());
        if let Some(node) = self.tree.second_child(*node) {
            let start = Start { node, frame: *frame, scope: *scope, parent, last_error, error };
            self.state.stack.push(Task::Start(start));
        }
    }

    /// Gives `act` the final state of another activation.
    pub(super) fn take_over(&mut self, act: ActId, from: ActId) {
        let Act { status, last_error, .. } = self.state.act(from);
        let (status, last_error) = (status.clone(), last_error.clone());
        if !self.state.is_waiting(act) || matches!(status, Status::Waiting) {
            return;
        }
        if matches!(status, Status::Complete) {
            self.state.act_mut(act).last_error = last_error;
        }
        self.settle(act, status);
    }

    /// A `par` is complete as soon as one side is, once the right side was started.
    fn check_par(&mut self, par: ActId, settled: Option<ActId>) {
        let this = self.state.act(par);
        let Body::Children([left, right]) = this.body else { return };
        if right == NONE {
            return;
        }
        let (left, right) = (&self.state.act(left).status, &self.state.act(right).status);
        let swallowed = match (&this.status, left, right) {
            (Status::Waiting, Status::Failed(_), Status::Failed(failure)) => {
                let failure = failure.clone();
                self.fail(par, failure);
                return;
            }
            (Status::Waiting, Status::Complete, other) | (Status::Waiting, other, Status::Complete) => {
                let other = other.clone();
                self.complete(par);
                other
            }
            (Status::Complete, ..) => match settled {
                Some(settled) => self.state.act(settled).status.clone(),
                None => return,
            },
            _ => return,
        };
        if let Status::Failed(failure) = swallowed {
            let at = self.state.position_of_failure(&failure);
            self.state.reports.push(Report::Swallowed { at, error: failure.raised.error.clone() });
        }
    }
}
