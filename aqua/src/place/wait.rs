//! Waits: for elements of streams, and for variables of parallel branches.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use crate::ir::{Accessor, Fold, Node, Op, Place, Value, Var, VarKind, Wait};

use crate::diagnostic::{Code, Diagnostic};

use super::{Context, Placer, choice};

/// What is known at a point: pending variables, least lengths of streams, views waited for.
pub(super) type Knowledge = (HashMap<Var, Rc<Place>>, HashMap<Var, u32>, HashSet<Var>);

impl Placer<'_> {
    pub(super) fn knowledge(&self) -> Knowledge {
        (self.pending.clone(), self.certain.clone(), self.ready.clone())
    }

    pub(super) fn restore(&mut self, (pending, certain, ready): Knowledge) {
        (self.pending, self.certain, self.ready) = (pending, certain, ready);
    }

    /// After two ways: what was pending before still is, and streams are as long as the shorter way made them.
    pub(super) fn restore_after(&mut self, (pending, certain, ready): Knowledge) {
        self.pending.extend(pending);
        self.ready = ready;
        self.certain.retain(|var, count| {
            *count = (*count).min(certain.get(var).copied().unwrap_or(0));
            *count > 0
        });
    }

    /// Counts what an instruction certainly pushes.
    pub(super) fn count(&mut self, op: &Op) {
        match op {
            Op::Ap { output, .. } if self.vars.kind(*output) == VarKind::Stream => {
                *self.certain.entry(*output).or_default() += 1;
            }
            Op::Seq(nodes) => nodes.iter().for_each(|node| self.count(&node.op)),
            Op::At { body, .. } | Op::New(_, body) => self.count(&body.op),
            Op::Xor(left, right) if choice::always_fails(right) => self.count(&left.op),
            Op::Xor(left, right) => self.count_less(&left.op, &right.op),
            Op::Select(select) => self.count_less(&select.then.op, &select.otherwise.op),
            _ => {}
        }
    }

    fn count_less(&mut self, left: &Op, right: &Op) {
        let before = self.certain.clone();
        self.count(left);
        let after_left = std::mem::replace(&mut self.certain, before);
        self.count(right);
        self.certain.retain(|var, count| {
            *count = (*count).min(after_left.get(var).copied().unwrap_or(0));
            *count > 0
        });
    }

    /// Waits for variables of parallel branches that are read in this range, where they arrive.
    pub(super) fn await_pending(&mut self, range: Range<u32>, context: &Context, out: &mut Vec<Node>) {
        for (var, place) in self.pending_in(&range) {
            // Where the variable arrives, the instruction that reads it waits for it.
            if self.loc.at.as_ref() == Some(&place.peer) {
                continue;
            }
            self.await_at(var, &place, context, out);
        }
    }

    /// The same for an instruction that executes: it waits by itself if it runs where the variable arrives.
    pub(super) fn await_pending_elsewhere(&mut self, range: Range<u32>, context: &Context, out: &mut Vec<Node>) {
        for (var, place) in self.pending_in(&range) {
            if place.peer == context.place.peer {
                self.pending.remove(&var);
            } else {
                self.await_at(var, &place, context, out);
            }
        }
    }

    /// Pending variables that are read in this range, in the order they were made.
    fn pending_in(&self, range: &Range<u32>) -> Vec<(Var, Rc<Place>)> {
        let is_read = |(var, _): &(&Var, &Rc<Place>)| self.facts.is_read_in(**var, range);
        let mut found: Vec<_> = self.pending.iter().filter(is_read).map(|(var, place)| (*var, place.clone())).collect();
        found.sort_unstable_by_key(|(var, _)| *var);
        found
    }

    fn await_at(&mut self, var: Var, place: &Rc<Place>, _context: &Context, out: &mut Vec<Node>) {
        self.arrive(place, out);
        let hint = self.vars.info(var).hint.clone();
        let output = self.vars.add(&hint, VarKind::Scalar);
        let name = self.renamed.get(&var).copied().unwrap_or(var);
        out.push(Node::new(Op::Ap { value: Value::var(name), output }, self.span));
        self.pending.remove(&var);
    }

    /// What arrives at a place that control leaves for good, and is read later, is waited for while control is there.
    pub(super) fn await_before_leaving(
        &mut self,
        known: &HashSet<Var>,
        range: Range<u32>,
        context: &Context,
        out: &mut Vec<Node>,
    ) {
        let is_new = |(var, _): &(&Var, &Rc<Place>)| !known.contains(var) && self.facts.is_read_after(**var, &range);
        let mut new: Vec<_> = self.pending.iter().filter(is_new).map(|(var, place)| (*var, place.clone())).collect();
        new.sort_unstable_by_key(|(var, _)| *var);
        for (var, place) in new {
            self.await_at(var, &place, context, out);
        }
    }

    /// `join` of variables.
    pub(super) fn barrier(&mut self, values: &[Value], context: &Context, out: &mut Vec<Node>) {
        for var in values.iter().flat_map(Value::vars) {
            if let Some(place) = self.pending.get(&var).cloned() {
                self.await_at(var, &place, context, out);
            }
        }
    }

    /// Before control leaves for another place: waits at this one for what arrives here and is needed there.
    pub(super) fn prepare_leaving(&mut self, number: u32, context: &Context, to: &Rc<Place>, out: &mut Vec<Node>) {
        let range = self.facts.range(number);
        for (var, place) in self.pending_in(&range) {
            self.await_at(var, &place, context, out);
        }
        if to.peer == context.place.peer {
            return;
        }
        let waits: Vec<(Var, Value)> =
            self.facts.waits_in(range.clone()).iter().map(|wait| (wait.stream, wait.index.clone())).collect();
        for (stream, index) in waits {
            let beside = self.beside(stream, number);
            let is_filled_here = !beside.is_empty() && beside.iter().all(|place| place.peer == context.place.peer);
            let is_known =
                ![stream].into_iter().chain(index.vars()).any(|var| self.facts.is_set_in(var, range.clone()));
            if is_filled_here && is_known && !self.is_ready(stream, &index) {
                self.arrive(&context.place, out);
                let fold = self.counted(stream, &index, &context.place.peer);
                out.push(fold);
                self.note_ready(stream, &index);
            }
        }
    }

    /// What a block that runs more than once, or may fail, would wait for at this place is waited for before it.
    pub(super) fn hoist(&mut self, number: u32, context: &Context, out: &mut Vec<Node>) {
        let range = self.facts.range(number);
        if !self.facts.nodes[number as usize].moves {
            return;
        }
        for (var, place) in self.pending_in(&range) {
            if place.peer == context.place.peer {
                self.await_at(var, &place, context, out);
            }
        }
    }

    /// Where elements appear that are pushed beside a node.
    fn beside(&self, stream: Var, number: u32) -> Vec<Rc<Place>> {
        let known = self.meetings.get(&stream).into_iter().flatten();
        let known: Vec<Rc<Place>> =
            known.filter(|giving| !giving.range.contains(&number)).map(|giving| giving.to.clone()).collect();
        let pushes: Vec<Rc<Place>> = self.facts.pushed_beside(stream, number).cloned().collect();
        if known.is_empty() { pushes } else { known }
    }

    fn is_ready(&self, stream: Var, index: &Value) -> bool {
        match index {
            Value::Int(index) => self.certain.get(&stream).is_some_and(|&count| i64::from(count) > *index),
            _ => false,
        }
    }

    fn note_ready(&mut self, stream: Var, index: &Value) {
        if let Value::Int(index) = index {
            let count = u32::try_from(*index).unwrap_or(u32::MAX).saturating_add(1);
            let known = self.certain.entry(stream).or_default();
            *known = (*known).max(count);
        }
    }

    pub(super) fn wait(&mut self, wait: Wait, number: u32, context: &Context, out: &mut Vec<Node>) {
        let Wait { stream, index, view } = wait;
        let canon = Node::new(Op::Canon { peer: context.place.peer.clone(), source: stream, target: view }, self.span);
        let beside = self.beside(stream, number);
        let is_read = self.facts.is_read(view);
        if self.is_ready(stream, &index) {
            if is_read {
                self.arrive_to_execute(number, context, out);
                out.push(canon);
            }
        } else if beside.is_empty() {
            self.arrive_to_execute(number, context, out);
            out.push(canon);
            self.warn_of_endless(stream, &index, number);
            let element = Value::Var(view, vec![accessor(&index)]);
            let output = self.vars.add("item", VarKind::Scalar);
            let test = Node::new(Op::Ap { value: element, output }, self.span);
            out.push(test.xor(Node::new(Op::Never, self.span)));
        } else {
            let single = beside.iter().all(|place| place.peer == beside[0].peer);
            self.await_pending_elsewhere(number..number + 1, context, out);
            // Elements that arrive at one other place are waited for there.
            let there = if single { beside[0].clone() } else { context.place.clone() };
            self.arrive(&there, out);
            if single && index == Value::Int(0) {
                let iterator = self.vars.add("i", VarKind::Scalar);
                let body = Node::null(self.span);
                let fold = Fold { iterable: Value::var(stream), iterator, body, last: None };
                out.push(Node::new(Op::Fold(Box::new(fold)), self.span));
            } else {
                let fold = self.counted(stream, &index, &there.peer);
                out.push(fold);
            }
            if is_read {
                self.arrive_to_execute(number, context, out);
                out.push(canon);
            }
        }
        self.note_ready(stream, &index);
        self.ready.insert(view);
    }

    /// Nothing pushes any more when this wait is reached: are there enough elements at best?
    fn warn_of_endless(&mut self, stream: Var, index: &Value, number: u32) {
        let (Value::Int(index), Some(most)) = (index, self.facts.most_before(stream, number)) else { return };
        if i64::from(most) > *index {
            return;
        }
        let name = self.vars.info(stream).hint.clone();
        let message = format!("this waits for ever: `{name}` has at most {most} elements here");
        let help = "wait for fewer, or ask without waiting: `if s.length > 2:`";
        self.warnings.push(Diagnostic::new(Code::WAITS_FOREVER, self.span, message).help(help));
    }

    /// Waits for the element at a peer: what is there already is taken as it is, so that others who come here later go the
    /// same way; else the counting fold, at every element that arrives.
    ///
    /// `(xor (seq (canon P $s #ww) (ap #ww.$.[n] x)) (fold $s i (seq (canon P $s #ww) (xor (ap #ww.$.[n] x) (next i))) (never)))`
    fn counted(&mut self, stream: Var, index: &Value, peer: &Value) -> Node {
        let hint = self.vars.info(stream).hint.clone();
        let so_far = self.vars.add(&hint, VarKind::Canon);
        let item = self.vars.add("item", VarKind::Scalar);
        let node = |op| Node::new(op, self.span);
        let canon = node(Op::Canon { peer: peer.clone(), source: stream, target: so_far });
        let test = node(Op::Ap { value: Value::Var(so_far, vec![accessor(index)]), output: item });
        let now = node(Op::Seq(vec![canon, test]));
        now.xor(self.counting_fold(stream, index.clone(), peer.clone()))
    }

    /// `(fold $s i (seq (canon P $s #ww) (xor (ap #ww.$.[n] x) (next i))) (never))`
    fn counting_fold(&mut self, stream: Var, index: Value, peer: Value) -> Node {
        let hint = self.vars.info(stream).hint.clone();
        let iterator = self.vars.add("i", VarKind::Scalar);
        let so_far = self.vars.add(&hint, VarKind::Canon);
        let item = self.vars.add("item", VarKind::Scalar);
        let node = |op| Node::new(op, self.span);
        let canon = node(Op::Canon { peer, source: stream, target: so_far });
        let test = node(Op::Ap { value: Value::Var(so_far, vec![accessor(&index)]), output: item });
        let body = node(Op::Seq(vec![canon, test.xor(node(Op::Next(iterator)))]));
        let last = Some(node(Op::Never));
        node(Op::Fold(Box::new(Fold { iterable: Value::var(stream), iterator, body, last })))
    }
}

fn accessor(index: &Value) -> Accessor {
    match index {
        Value::Int(index) => Accessor::Index(u32::try_from(*index).unwrap_or(u32::MAX)),
        Value::Var(var, _) => Accessor::Dynamic(*var),
        _ => unreachable!("invariant of the expander: an index is a literal or a scalar"),
    }
}
