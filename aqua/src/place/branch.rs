//! Parallel branches and loops: what they give out arrives where they stand, and nobody else goes on from there.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use crate::hir::Span;
use crate::ir::{Fold, Loop, LoopKind, Node, Op, Place, Stop, Value, Var, VarKind};

use super::analysis::First;
use super::rename::rename;
use super::{Context, Follow, Giving, Loc, Placer};

impl Placer<'_> {
    pub(super) fn par(
        &mut self,
        nodes: Vec<Node>,
        number: u32,
        context: &Context,
        follow: &Follow,
        out: &mut Vec<Node>,
    ) {
        let (span, meeting) = (self.span, context.place.clone());
        self.enter(number, context, follow, out);
        let numbers = self.children(number, nodes.len());
        let range = self.facts.range(number);
        let start = self.loc.clone();
        let inside = Context {
            handler: meeting.clone(),
            meets: true,
            wrapper: Vec::new(),
            wrapped: meeting.clone(),
            ..context.clone()
        };
        let givings: Vec<Giving> = numbers.iter().map(|&number| self.giving(number, context)).collect();
        let gives: Vec<Vec<Var>> =
            numbers.iter().map(|&n| self.facts.given_out(self.facts.range(n)).collect()).collect();
        let is_awaited = |vars: &Vec<Var>| {
            vars.iter().any(|&var| is_value(self.vars.kind(var)) && self.facts.is_read_after(var, &range))
        };
        let awaited: Vec<bool> = gives.iter().map(is_awaited).collect();
        let knowledge = self.knowledge();
        let mut certain = None;
        let mut arrives = true;
        let mut complete = 0;
        let mut branches = Vec::with_capacity(nodes.len());
        for (index, (node, &number)) in nodes.into_iter().zip(&numbers).enumerate() {
            self.loc = start.clone();
            self.restore(knowledge.clone());
            for &before in &numbers[..index] {
                self.note_pending_in(before, number, &meeting);
            }
            let others_suffice = awaited.iter().enumerate().any(|(other, awaited)| other != index && *awaited);
            let mut branch = Vec::new();
            let span = node.span;
            let mut completes = true;
            let mut homes = context.homes.clone();
            homes.push(Giving { to: meeting.clone(), range: self.facts.range(number) });
            let inside = Context { giving: Some(givings[index].clone()), homes, ..inside.clone() };
            if !self.facts.executes(number) {
                self.node(node, number, &inside, &Follow::Nothing, &mut branch);
                arrives &= start.at.as_ref() == Some(&meeting.peer);
            } else if !gives[index].is_empty() || (!others_suffice && !matches!(follow, Follow::Nothing)) {
                let early = numbers.iter().any(|&other| other != number && !self.facts.nodes[other as usize].moves);
                let is_early = |&var: &Var| {
                    early
                        || numbers
                            .iter()
                            .any(|&other| other != number && self.facts.is_read_in(var, &self.facts.range(other)))
                };
                let secret: Vec<Var> = gives[index].iter().copied().filter(is_early).collect();
                self.deliver_secretly((node, number), &secret, &inside, &meeting, &mut branch);
            } else {
                self.node(node, number, &inside, &Follow::Nothing, &mut branch);
                if others_suffice && self.loc.at.as_ref() != Some(&meeting.peer) {
                    branch.push(Node::new(Op::Never, span));
                    completes = false;
                }
            }
            if completes {
                complete += 1;
                merge_least(&mut certain, &self.certain);
            }
            branches.push(Node::seq(branch, span));
        }
        self.restore(knowledge);
        self.certain = certain.unwrap_or_default();
        let at = arrives.then(|| meeting.peer.clone());
        self.loc = Loc { place: meeting.clone(), at };
        // With a single branch that completes, all it sets is there when the `par` is complete.
        if complete > 1 {
            self.note_pending(&range, &meeting);
        }
        out.push(Node::new(Op::Par(branches), span));
    }

    /// Variables that parallel branches set and later code reads are not there yet.
    fn note_pending(&mut self, range: &Range<u32>, meeting: &Rc<Place>) {
        let given: Vec<Var> = self.facts.sets_in(range.clone()).collect();
        for var in given {
            if is_value(self.vars.kind(var)) && self.facts.is_read_after(var, range) {
                self.pending.insert(var, meeting.clone());
            }
        }
    }

    /// What one branch sets and a later one reads arrives where both meet.
    fn note_pending_in(&mut self, before: u32, branch: u32, meeting: &Rc<Place>) {
        let (set, read) = (self.facts.range(before), self.facts.range(branch));
        let given: Vec<Var> = self.facts.sets_in(set).collect();
        for var in given {
            if is_value(self.vars.kind(var)) && self.facts.is_read_in(var, &read) {
                self.pending.insert(var, meeting.clone());
            }
        }
    }

    /// `co`: runs beside all that follows.
    pub(super) fn detach(&mut self, body: Node, number: u32, context: &Context, follow: &Follow, out: &mut Vec<Node>) {
        let span = self.span;
        self.enter(number, context, follow, out);
        let start = self.loc.clone();
        let knowledge = self.knowledge();
        let nodes = self.detached(body, number + 1, context, false);
        self.restore(knowledge);
        self.loc = start;
        self.note_pending(&self.facts.range(number), &context.place);
        out.push(Node::new(Op::Detach(Box::new(Node::seq(nodes, span))), span));
    }

    /// A branch whose errors nobody sees.
    fn detached(&mut self, body: Node, number: u32, context: &Context, must_return: bool) -> Vec<Node> {
        let giving = self.giving(number, context);
        let to = giving.to.clone();
        let mut homes = context.homes.clone();
        homes.push(Giving { to: context.place.clone(), range: self.facts.range(number) });
        let inside = Context {
            wrapper: Vec::new(),
            wrapped: context.place.clone(),
            is_seen: false,
            giving: Some(giving),
            homes,
            ..context.clone()
        };
        let gives = !self.gives_early_only(&body, number, &inside);
        let mut out = Vec::new();
        if must_return || gives {
            let given: Vec<Var> = self.facts.given_out(self.facts.range(number)).collect();
            let has_values = given.iter().any(|&var| is_value(self.vars.kind(var)));
            let to = if must_return || has_values { context.place.clone() } else { to };
            self.deliver_secretly((body, number), &given, &inside, &to, &mut out);
        } else {
            self.node(body, number, &inside, &Follow::Nothing, &mut out);
        }
        out
    }

    /// Whether all that a branch gives out travels back on its own before the branch ends, if it gives anything.
    fn gives_early_only(&self, body: &Node, number: u32, context: &Context) -> bool {
        let Some(giving) = &context.giving else { return false };
        let given: HashSet<Var> = self.facts.given_out(self.facts.range(number)).collect();
        given.is_empty() || self.is_early((body, number), giving, &given, false)
    }

    /// The same for a node of the branch, after which something executes or not.
    fn is_early(&self, (node, number): (&Node, u32), giving: &Giving, given: &HashSet<Var>, goes_on: bool) -> bool {
        if !self.facts.sets_in(self.facts.range(number)).any(|var| given.contains(&var)) {
            return true;
        }
        match &node.op {
            Op::Seq(nodes) => {
                let numbers = self.children(number, nodes.len());
                let goes_on =
                    |index: usize| goes_on || numbers[index + 1..].iter().any(|&next| self.facts.executes(next));
                nodes
                    .iter()
                    .enumerate()
                    .all(|(index, node)| self.is_early((node, numbers[index]), giving, given, goes_on(index)))
            }
            Op::At { body, .. } | Op::New(_, body) => self.is_early((body, number + 1), giving, given, goes_on),
            _ => goes_on && !self.facts.executes(number) && self.is_sent_ahead(node, giving),
        }
    }

    /// Delivers a branch some of whose variables must not be seen before: other peers would go on with what waits for them.
    fn deliver_secretly(
        &mut self,
        (mut node, number): (Node, u32),
        given: &[Var],
        context: &Context,
        to: &Rc<Place>,
        out: &mut Vec<Node>,
    ) {
        let range = self.facts.range(number);
        let mut names = HashMap::new();
        let mut shown = Vec::new();
        let mut renamed = self.renamed.clone();
        for &var in given {
            let name = self.renamed.get(&var).copied().unwrap_or(var);
            if self.vars.kind(var) == VarKind::Scalar
                && self.facts.nodes[number as usize].moves
                && !names.contains_key(&name)
            {
                let hint = self.vars.info(var).hint.clone();
                let inner = self.vars.add(&hint, VarKind::Scalar);
                self.facts.alias(var, inner, &range);
                names.insert(name, inner);
                shown.push((inner, name));
                renamed.insert(var, inner);
            }
        }
        if !names.is_empty() {
            rename(&mut node, &names);
        }
        let around = std::mem::replace(&mut self.renamed, renamed);
        self.deliver(node, number, context, to, out);
        self.renamed = around;
        for (inner, var) in shown {
            out.push(Node::new(Op::Ap { value: Value::var(inner), output: var }, self.span));
        }
    }

    /// A branch that gives something out: control comes back onto the peer where the branches meet, and only then values
    /// become visible.
    pub(super) fn deliver(&mut self, node: Node, number: u32, context: &Context, to: &Rc<Place>, out: &mut Vec<Node>) {
        let span = node.span;
        if !self.facts.executes(number) {
            if self.loc.at.as_ref() != Some(&to.peer) && self.pushes(number) {
                self.arrive(to, out);
            }
            return self.node(node, number, context, &Follow::Nothing, out);
        }
        let back = Follow::Inside(First::anywhere(to));
        match node.op {
            Op::Seq(mut nodes) => {
                let numbers = self.children(number, nodes.len());
                let kept = numbers.iter().rposition(|&number| self.facts.executes(number)).map_or(0, |last| last + 1);
                let kept = kept + nodes[kept..].iter().take_while(|node| !is_pure(node)).count();
                let tail = nodes.split_off(kept);
                let follows = self.follows(&numbers[..kept], &back);
                for (index, node) in nodes.into_iter().enumerate() {
                    if index + 1 == kept {
                        self.deliver(node, numbers[index], context, to, out);
                    } else {
                        self.node(node, numbers[index], context, &follows[index], out);
                    }
                }
                for (node, &number) in tail.into_iter().zip(&numbers[kept..]) {
                    self.node(node, number, context, &Follow::Nothing, out);
                }
            }
            Op::New(var, body) => {
                let mut inner = Vec::new();
                self.deliver(*body, number + 1, context, to, &mut inner);
                out.push(Node::new(Op::New(var, Box::new(Node::seq(inner, span))), span));
            }
            Op::At { place, mut body } => {
                let tail = split_tail(&mut body);
                self.at(place, *body, number, context, &back, out);
                self.arrive(to, out);
                for node in tail {
                    self.push(node, context, out);
                }
            }
            Op::Xor(left, right) => self.xor((*left, *right), number, context, (&back, Some(to)), out),
            Op::Select(select) => self.select(*select, number, context, (&back, Some(to)), out),
            op => {
                self.node(Node::new(op, span), number, context, &back, out);
                self.arrive(to, out);
            }
        }
    }

    /// A push at the end of a branch, for which control has come to where the branches meet.
    fn push(&mut self, node: Node, context: &Context, out: &mut Vec<Node>) {
        if let Some(to) = self.gives_early(&node, context) {
            return self.send_ahead(node, &to, out);
        }
        self.count(&node.op);
        out.extend(self.cleaned(node));
    }

    /// Where what a branch pushes becomes visible: where the outermost `on` or branch stands inside of which nothing reads
    /// it, so that it need not be fetched from further in.
    fn giving(&mut self, number: u32, context: &Context) -> Giving {
        let range = self.facts.range(number);
        let is_stream = |var: &Var| !is_value(self.vars.kind(*var));
        let given: Vec<Var> = self.facts.given_out(range.clone()).filter(is_stream).collect();
        let is_unread = |home: &&Giving| !given.iter().any(|&var| self.facts.is_read_in(var, &home.range));
        let home = context.homes.iter().find(is_unread).filter(|_| !given.is_empty()).cloned();
        let giving = home.unwrap_or_else(|| Giving { to: context.place.clone(), range: range.clone() });
        for var in given {
            self.meetings.entry(var).or_default().push(Giving { to: giving.to.clone(), range: range.clone() });
        }
        giving
    }

    fn pushes(&self, number: u32) -> bool {
        let mut sets = self.facts.sets_in(self.facts.range(number));
        sets.any(|var| matches!(self.vars.kind(var), VarKind::Stream | VarKind::Map))
    }

    pub(super) fn loops(&mut self, one: Loop, number: u32, context: &Context, follow: &Follow, out: &mut Vec<Node>) {
        let span = self.span;
        self.await_pending(number..number + 1, context, out);
        if matches!(one.kind, LoopKind::Seq | LoopKind::Try) {
            self.hoist(number, context, out);
        }
        self.enter(number, context, follow, out);
        let is_live = self.is_stream(&one.iterable);
        if is_live {
            self.arrive(&context.place, out);
        }
        let start = self.loc.clone();
        let knowledge = self.knowledge();
        let (kind, body) = (one.kind, one.body);
        let moves = self.facts.nodes[number as usize].moves;
        let body = match kind {
            LoopKind::Seq => {
                if moves {
                    self.loc.at = None;
                }
                let next = self.facts.first(number + 1).or(&follow.first());
                let next = First { through: matches!(follow, Follow::Nothing), ..next };
                let nodes = self.placed(body, number + 1, context, &Follow::Inside(next));
                self.join(&start, context);
                nodes
            }
            LoopKind::Try => {
                if moves {
                    self.loc.at = None;
                }
                let tried = context.tried();
                let next = self.facts.first(number + 1).or(&follow.first());
                // What comes after the loop starts from where it stands, whichever iteration was the last.
                let follow = match follow {
                    Follow::Outside { first, .. } => Follow::Inside(first.clone()),
                    follow => follow.clone(),
                };
                let mut node = self.alternative(body, number + 1, &tried, (&follow, None));
                if self.error_leaves(&node, moves, &next, context) {
                    let stops = vec![Stop::Peer(context.place.peer.clone())];
                    node = Node::new(Op::Wrap { body: vec![node], stops }, span);
                }
                self.join(&start, context);
                vec![node]
            }
            LoopKind::Par => {
                let nodes = self.detached(body, number + 1, context, false);
                self.loc = start;
                nodes
            }
            LoopKind::First => {
                let nodes = self.detached(body, number + 1, context, true);
                self.loc = Loc { place: context.place.clone(), at: Some(context.place.peer.clone()) };
                nodes
            }
        };
        let counted = self.certain.clone();
        self.restore(knowledge);
        if kind == LoopKind::First {
            self.certain = counted;
        }
        let body = Node::seq(body, span);
        out.push(fold(Loop { body, ..one_without_body(one.iterable, one.iterator, kind) }, span));
    }

    fn is_stream(&self, iterable: &Value) -> bool {
        matches!(iterable, Value::Var(var, _) if matches!(self.vars.kind(*var), VarKind::Stream | VarKind::Map))
    }
}

fn one_without_body(iterable: Value, iterator: Var, kind: LoopKind) -> Loop {
    Loop { iterable, iterator, kind, body: Node::null(Span::default()) }
}

fn is_value(kind: VarKind) -> bool {
    matches!(kind, VarKind::Scalar | VarKind::Canon | VarKind::CanonMap)
}

fn merge_least(least: &mut Option<std::collections::HashMap<Var, u32>>, other: &std::collections::HashMap<Var, u32>) {
    match least {
        None => *least = Some(other.clone()),
        Some(least) => least.retain(|var, count| {
            *count = (*count).min(other.get(var).copied().unwrap_or(0));
            *count > 0
        }),
    }
}

/// Pushes, copies and tests, which run where control is and wait for nothing that is elsewhere.
fn is_pure(node: &Node) -> bool {
    match &node.op {
        Op::Null | Op::Ap { .. } | Op::ApMap { .. } => true,
        Op::Seq(nodes) => nodes.iter().all(is_pure),
        Op::Xor(left, right) => is_pure(right) && matches!(&left.op, Op::Match { body, .. } if is_pure(body)),
        Op::Select(select) => is_pure(&select.then) && is_pure(&select.otherwise),
        _ => false,
    }
}

/// The variables that a pure node sets or pushes to.
pub(super) fn sets_of(node: &Node, sets: &mut Vec<Var>) {
    match &node.op {
        Op::Ap { output, .. } => sets.push(*output),
        Op::ApMap { map, .. } => sets.push(*map),
        Op::Call(call) => sets.extend(call.output),
        Op::Canon { target, .. } => sets.push(*target),
        Op::Seq(nodes) | Op::Par(nodes) => nodes.iter().for_each(|node| sets_of(node, sets)),
        Op::Xor(left, right) => [left, right].into_iter().for_each(|node| sets_of(node, sets)),
        Op::Select(select) => [&select.then, &select.otherwise].into_iter().for_each(|node| sets_of(node, sets)),
        Op::Match { body, .. } | Op::New(_, body) | Op::Detach(body) => sets_of(body, sets),
        Op::Fold(fold) => sets_of(&fold.body, sets),
        _ => {}
    }
}

/// Takes the pure end off a node.
fn split_tail(node: &mut Node) -> Vec<Node> {
    match &mut node.op {
        Op::Seq(nodes) => {
            let kept = nodes.iter().rposition(|node| !is_pure(node)).map_or(0, |last| last + 1);
            let mut tail = nodes.split_off(kept);
            if let Some(last) = nodes.last_mut() {
                let mut before = split_tail(last);
                before.append(&mut tail);
                tail = before;
            }
            tail
        }
        Op::At { body, .. } => split_tail(body),
        _ => Vec::new(),
    }
}

/// The fold that a loop becomes.
pub(super) fn fold(one: Loop, span: Span) -> Node {
    let Loop { iterable, iterator, kind, body } = one;
    let next = Node::new(Op::Next(iterator), span);
    let (body, last) = match kind {
        LoopKind::Seq => (Op::Seq(vec![body, next]), Op::Null),
        LoopKind::Try => (Op::Xor(Box::new(body), Box::new(next)), Op::Null),
        LoopKind::Par | LoopKind::First => (Op::Par(vec![body, next]), Op::Never),
    };
    let (body, last) = (Node::new(body, span), Some(Node::new(last, span)));
    let fold = Node::new(Op::Fold(Box::new(Fold { iterable, iterator, body, last })), span);
    match kind {
        LoopKind::Par => Node::new(Op::Detach(Box::new(fold)), span),
        _ => fold,
    }
}
