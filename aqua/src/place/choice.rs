//! Conditions and handlers: which of two nodes runs, and that errors of the one never run the other.

use std::rc::Rc;

use crate::hir::Span;
use crate::ir::{Accessor, Fold, Node, Op, Place, Select, Stop, Value, VarKind};

use super::analysis::First;
use super::route::is_direct;
use super::{Context, Follow, Loc, Placer};

/// What follows; and the place that control must return to if the node gives something out.
pub(super) type Way<'a> = (&'a Follow, Option<&'a Rc<Place>>);

impl Placer<'_> {
    pub(super) fn select(
        &mut self,
        select: Select,
        number: u32,
        context: &Context,
        (follow, deliver): Way<'_>,
        out: &mut Vec<Node>,
    ) {
        let numbers = self.children(number, 2);
        self.await_pending(number..number + 1, context, out);
        let start = self.loc.clone();
        let span = self.span;
        let (pending, certain, ready) = self.knowledge();
        let then = self.alternative(select.then, numbers[0], context, (follow, deliver));
        let (then_loc, then_certain) = (std::mem::replace(&mut self.loc, start), self.certain.clone());
        self.restore((pending.clone(), certain, ready.clone()));
        let otherwise = self.alternative(select.otherwise, numbers[1], context, (follow, deliver));
        self.join(&then_loc, context);
        self.restore_after((pending, then_certain, ready));
        let test = (select.left, select.right, select.equal);
        out.extend(self.choice(test, then, otherwise, span));
    }

    /// One of two ways; it ends where the other one does.
    pub(super) fn alternative(
        &mut self,
        node: Node,
        number: u32,
        context: &Context,
        (follow, deliver): Way<'_>,
    ) -> Node {
        let span = node.span;
        if let Some(to) = deliver {
            let mut nodes = Vec::new();
            self.deliver(node, number, context, to, &mut nodes);
            return Node::seq(nodes, span);
        }
        let mut nodes = self.placed(node, number, context, follow);
        match follow {
            Follow::Outside { to, first } => self.go(to, first, &mut nodes),
            Follow::Inside(first) => self.go(&context.place, first, &mut nodes),
            Follow::Nothing => {}
        }
        Node::seq(nodes, span)
    }

    /// Where control is after one of two ways, the other of which ended at `other`.
    pub(super) fn join(&mut self, other: &Loc, context: &Context) {
        if self.loc.place != other.place {
            self.loc = Loc { place: context.place.clone(), at: None };
        } else if self.loc.at != other.at {
            self.loc.at = None;
        }
    }

    /// The instructions of a condition; `None` if there is nothing to do.
    pub(super) fn choice(
        &mut self,
        (left, right, equal): (Value, Value, bool),
        then: Node,
        otherwise: Node,
        span: Span,
    ) -> Option<Node> {
        let (then, otherwise, equal) =
            if is_empty(&then) { (otherwise, then, !equal) } else { (then, otherwise, equal) };
        if is_empty(&then) {
            return None;
        }
        if !may_fail(&then) {
            let test = Node::new(Op::Match { left, right, equal, body: Box::new(then) }, span);
            return Some(test.xor(otherwise));
        }
        let one = *self.needs_one.get_or_insert_with(|| self.vars.add("-one-", VarKind::Canon));
        let one = Value::var(one);
        let mut sets = Vec::new();
        let mut folds = Vec::new();
        for (node, hint, is_then) in [(then, "then", true), (otherwise, "else", false)] {
            if is_empty(&node) {
                continue;
            }
            let chosen = self.vars.add(hint, VarKind::Scalar);
            let iterator = self.vars.add(hint, VarKind::Scalar);
            sets.push((chosen, is_then));
            let fold = Fold { iterable: Value::var(chosen), iterator, body: node, last: None };
            folds.push(Node::new(Op::Fold(Box::new(fold)), span));
        }
        let way = |is_then: bool| {
            let set = |&(output, chosen_if): &(_, bool)| {
                let value = if chosen_if == is_then { one.clone() } else { Value::EmptyArray };
                Node::new(Op::Ap { value, output }, span)
            };
            Node::seq(sets.iter().map(set).collect(), span)
        };
        let test = Node::new(Op::Match { left, right, equal, body: Box::new(way(true)) }, span);
        let mut nodes = vec![test.xor(way(false))];
        nodes.append(&mut folds);
        Some(Node::seq(nodes, span))
    }

    pub(super) fn xor(
        &mut self,
        (left, right): (Node, Node),
        number: u32,
        context: &Context,
        (follow, deliver): Way<'_>,
        out: &mut Vec<Node>,
    ) {
        let span = self.span;
        let numbers = self.children(number, 2);
        let moves = self.facts.nodes[numbers[0] as usize].moves;
        self.hoist(number, context, out);
        self.enter(numbers[0], context, follow, out);
        let start = self.loc.clone();
        let tried = context.tried();
        let (pending, certain, ready) = self.knowledge();
        let left = self.alternative(left, numbers[0], &tried, (follow, deliver));
        let left_certain = self.certain.clone();
        // What failed may have moved control here, or failed before.
        let stays = !self.facts.executes(numbers[0]) || start.at.as_ref() == Some(&context.place.peer);
        let at = error_at(&left).or(start.at.filter(|_| !moves && stays));
        let left_loc = std::mem::replace(&mut self.loc, Loc { place: context.place.clone(), at });
        self.restore((pending.clone(), certain, ready.clone()));
        let mut handler = Vec::new();
        if deliver.is_none() {
            let next = self.facts.first(numbers[1]).then(&follow.first());
            let pushes = moves && self.pushes_for_later(numbers[1]) && !next.only_at(&context.place.peer);
            if pushes || self.error_leaves(&left, moves, &next, context) {
                self.hops(vec![Stop::Peer(context.place.peer.clone())], &mut handler);
            }
        }
        if always_fails(&right) {
            // Nothing follows it, so it goes nowhere.
            handler.append(&mut self.placed(right, numbers[1], context, &Follow::Nothing));
            self.loc = left_loc;
        } else {
            handler.push(self.alternative(right, numbers[1], context, (follow, deliver)));
            self.join(&left_loc, context);
        }
        self.restore_after((pending, left_certain, ready));
        let handler = inline_error(Node::seq(handler, span));
        out.push(left.xor(handler));
    }

    /// Whether control must be brought to the peer of this place, which has no relays, after an error elsewhere: what comes next
    /// is reached from there.
    pub(super) fn error_leaves(&self, failed: &Node, moves: bool, next: &First, context: &Context) -> bool {
        let place = &context.place;
        moves
            && is_direct(place)
            && next.executes()
            && next.enters(place)
            && error_at(failed).as_ref() != Some(&place.peer)
    }

    fn pushes_for_later(&self, number: u32) -> bool {
        let range = self.facts.range(number);
        self.facts
            .sets_in(range.clone())
            .any(|var| self.vars.kind(var) == VarKind::Stream && self.facts.is_read_after(var, &range))
    }
}

/// Where control is after any error of a node, if that is known.
fn error_at(node: &Node) -> Option<Value> {
    match &node.op {
        Op::Wrap { stops, .. } => match stops.last() {
            Some(Stop::Peer(peer)) => Some(peer.clone()),
            _ => None,
        },
        Op::New(_, body) => error_at(body),
        Op::Seq(nodes) => {
            let mut failing = nodes.iter().filter(|node| may_fail(node));
            let first = error_at(failing.next()?)?;
            failing.all(|node| error_at(node).as_ref() == Some(&first)).then_some(first)
        }
        _ => None,
    }
}

/// A handler that reads the error in its next instruction alone can do without a variable.
fn inline_error(handler: Node) -> Node {
    let Op::Seq(nodes) = &handler.op else { return handler };
    let [Node { op: Op::Ap { value: Value::Error(lens), output }, .. }, next] = nodes.as_slice() else {
        return handler;
    };
    let output = *output;
    if !lens.is_empty() || !matches!(next.op, Op::Ap { .. } | Op::Call(_)) {
        return handler;
    }
    let mut next = next.clone();
    let replace = |value: &mut Value| {
        if let Value::Var(var, lens) = value
            && *var == output
            && !lens.iter().any(|step| matches!(step, Accessor::Dynamic(_)))
        {
            *value = Value::Error(std::mem::take(lens));
        }
    };
    match &mut next.op {
        Op::Ap { value, .. } => replace(value),
        Op::Call(call) => call.args.iter_mut().for_each(replace),
        _ => {}
    }
    let is_left = match &next.op {
        Op::Ap { value, .. } => value.vars().any(|var| var == output),
        Op::Call(call) => {
            let operands = [&call.service, &call.function].into_iter().chain(&call.args);
            operands.flat_map(Value::vars).any(|var| var == output)
        }
        _ => true,
    };
    if is_left { handler } else { next }
}

pub(super) fn is_empty(node: &Node) -> bool {
    match &node.op {
        Op::Null => true,
        Op::Seq(nodes) => nodes.iter().all(is_empty),
        _ => false,
    }
}

/// Whether nothing comes after a node but the handler of its error.
pub(super) fn always_fails(node: &Node) -> bool {
    match &node.op {
        Op::Fail => true,
        Op::Seq(nodes) => nodes.last().is_some_and(always_fails),
        _ => false,
    }
}

/// Whether something in a node may fail.
pub(super) fn may_fail(node: &Node) -> bool {
    match &node.op {
        Op::Null | Op::Never | Op::One | Op::Hop(_) | Op::Canon { .. } | Op::Detach(_) => false,
        Op::Ap { value, .. } => value.may_fail(),
        Op::ApMap { key, value, .. } => key.may_fail() || value.may_fail(),
        Op::Seq(nodes) | Op::Par(nodes) => nodes.iter().any(may_fail),
        Op::Xor(_, right) => may_fail(right),
        Op::New(_, body) => may_fail(body),
        _ => true,
    }
}
