//! What placement has to know beforehand: where variables are set and read, and where what comes next runs.
//!
//! Nodes are numbered in preorder, so that a subtree is a range of numbers.

use std::ops::Range;
use std::rc::Rc;

use crate::ir::{Node, Op, Place, Value, Var, VarKind, Vars};

/// Facts about a tree, by the number of the node or variable.
pub(super) struct Analysis {
    pub(super) nodes: Vec<NodeFacts>,
    /// By variable, the nodes that read it, ascending.
    reads: Vec<Vec<u32>>,
    /// Nodes that set a variable or push to it, ascending.
    sets: Vec<(u32, Var)>,
    pub(super) waits: Vec<WaitFacts>,
    /// By variable, where it is pushed to in parallel: branch and the place where the branches meet.
    pushes: Vec<Vec<(Range<u32>, Rc<Place>)>>,
    /// Pushes inside loops.
    repeated: Vec<Range<u32>>,
}

/// Facts about a subtree.
#[derive(Clone, Debug)]
pub(super) struct NodeFacts {
    /// The number after its last node.
    pub(super) end: u32,
    /// Where it executes first.
    pub(super) first: First,
    /// Whether something in it executes at a place other than its own.
    pub(super) moves: bool,
}

/// The places where a subtree may execute first.
#[derive(Clone, Debug)]
pub(super) struct First {
    /// They, each once; none: nothing executes.
    pub(super) places: Vec<Rc<Place>>,
    /// Whether there may be others.
    pub(super) more: bool,
    /// Whether control may pass without anything executing.
    pub(super) through: bool,
}

/// How many places [`First`] tells apart.
const MAX_FIRST: usize = 4;

/// A wait for a stream element.
pub(super) struct WaitFacts {
    pub(super) node: u32,
    pub(super) stream: Var,
    pub(super) index: Value,
}

impl First {
    pub(super) fn nothing() -> Self {
        Self { places: Vec::new(), more: false, through: true }
    }

    fn at(place: &Rc<Place>) -> Self {
        Self { places: vec![place.clone()], more: false, through: false }
    }

    /// Somewhere, and here for one.
    pub(super) fn anywhere(place: &Rc<Place>) -> Self {
        Self { more: true, ..Self::at(place) }
    }

    /// This or the other.
    pub(super) fn or(&self, other: &Self) -> Self {
        let mut both = Self { through: self.through || other.through, more: self.more || other.more, ..self.clone() };
        for place in &other.places {
            if both.places.iter().any(|known| Rc::ptr_eq(known, place) || known == place) {
                continue;
            }
            match both.places.len() < MAX_FIRST {
                true => both.places.push(place.clone()),
                false => both.more = true,
            }
        }
        both
    }

    /// This, then the other.
    pub(super) fn then(&self, next: &Self) -> Self {
        if self.through { Self { through: next.through, ..self.or(next) } } else { self.clone() }
    }

    pub(super) fn executes(&self) -> bool {
        !self.places.is_empty()
    }

    /// Whether all of it runs at this peer.
    pub(super) fn only_at(&self, peer: &Value) -> bool {
        self.executes() && !self.more && !self.through && self.places.iter().all(|place| place.peer == *peer)
    }

    /// Whether some of it runs in an `on` inside of this place, at another peer.
    pub(super) fn enters(&self, around: &Rc<Place>) -> bool {
        self.more || self.places.iter().any(|place| place.peer != around.peer && around.is_around(place))
    }
}

impl Analysis {
    pub(super) fn new(root: &Node, vars: &Vars, place: &Rc<Place>) -> Self {
        let mut analysis = Self {
            nodes: Vec::new(),
            reads: vec![Vec::new(); vars.len()],
            sets: Vec::new(),
            waits: Vec::new(),
            pushes: vec![Vec::new(); vars.len()],
            repeated: Vec::new(),
        };
        Walk { analysis: &mut analysis, vars, place: place.clone(), branches: Vec::new() }.node(root);
        // Hops to the relay are not there yet.
        for relay in &place.via {
            let (crate::ir::Relay::Peer(value) | crate::ir::Relay::Each(value)) = relay;
            value.vars().for_each(|var| analysis.reads[var.0 as usize].push(0));
        }
        for reads in &mut analysis.reads {
            reads.sort_unstable();
        }
        analysis.sets.sort_unstable();
        analysis
    }

    /// Makes a variable known that stands for another one inside a range.
    pub(super) fn alias(&mut self, var: Var, alias: Var, range: &Range<u32>) {
        let reads = self.reads[var.0 as usize].iter().copied().filter(|read| range.contains(read)).collect();
        let index = alias.0 as usize;
        if self.reads.len() <= index {
            self.reads.resize(index + 1, Vec::new());
            self.pushes.resize(index + 1, Vec::new());
        }
        self.reads[index] = reads;
        // It is read at the end of the branch at least.
        self.reads[index].push(range.end - 1);
    }

    pub(super) fn range(&self, node: u32) -> Range<u32> {
        node..self.nodes[node as usize].end
    }

    pub(super) fn first(&self, node: u32) -> &First {
        &self.nodes[node as usize].first
    }

    pub(super) fn executes(&self, node: u32) -> bool {
        self.first(node).executes()
    }

    pub(super) fn is_read(&self, var: Var) -> bool {
        !self.reads[var.0 as usize].is_empty()
    }

    pub(super) fn is_read_in(&self, var: Var, range: &Range<u32>) -> bool {
        let reads = &self.reads[var.0 as usize];
        let index = reads.partition_point(|&read| read < range.start);
        reads.get(index).is_some_and(|&read| read < range.end)
    }

    pub(super) fn is_read_after(&self, var: Var, range: &Range<u32>) -> bool {
        self.reads[var.0 as usize].last().is_some_and(|&read| read >= range.end)
    }

    /// What a subtree sets and something outside of it reads.
    pub(super) fn given_out(&self, range: Range<u32>) -> impl Iterator<Item = Var> + '_ {
        let is_outside = move |var: &Var| {
            let reads = &self.reads[var.0 as usize];
            reads.first().is_some_and(|&read| read < range.start) || reads.last().is_some_and(|&read| read >= range.end)
        };
        self.sets_in(range.clone()).filter(is_outside)
    }

    pub(super) fn sets_in(&self, range: Range<u32>) -> impl Iterator<Item = Var> + '_ {
        let start = self.sets.partition_point(|&(node, _)| node < range.start);
        self.sets[start..].iter().take_while(move |&&(node, _)| node < range.end).map(|&(_, var)| var)
    }

    /// Where the branches meet that push to a stream beside a node. What a branch in a branch pushes goes to where the outer
    /// one meets others, unless it is read inside.
    pub(super) fn pushed_beside(&self, stream: Var, node: u32) -> impl Iterator<Item = &Rc<Place>> {
        let beside = move |(branch, _): &&(Range<u32>, Rc<Place>)| !branch.contains(&node);
        let pushes = &self.pushes[stream.0 as usize];
        let goes_further = move |inner: &Range<u32>| {
            pushes.iter().filter(beside).any(|(outer, _)| {
                outer != inner
                    && outer.start <= inner.start
                    && inner.end <= outer.end
                    && !self.is_read_in(stream, outer)
            })
        };
        pushes.iter().filter(beside).filter(move |(branch, _)| !goes_further(branch)).map(|(_, place)| place)
    }

    /// How many elements a stream has at most when a node is reached, if no loop fills it.
    pub(super) fn most_before(&self, stream: Var, node: u32) -> Option<u32> {
        let mut count = 0;
        for &(set, var) in &self.sets {
            if var == stream {
                if set > node || self.repeated.iter().any(|range| range.contains(&set)) {
                    return None;
                }
                count += 1;
            }
        }
        Some(count)
    }

    pub(super) fn waits_in(&self, range: Range<u32>) -> &[WaitFacts] {
        let start = self.waits.partition_point(|wait| wait.node < range.start);
        let end = self.waits.partition_point(|wait| wait.node < range.end);
        &self.waits[start..end]
    }

    /// Whether a variable is set by something inside this range.
    pub(super) fn is_set_in(&self, var: Var, range: Range<u32>) -> bool {
        self.sets_in(range).any(|set| set == var)
    }
}

struct Walk<'a> {
    analysis: &'a mut Analysis,
    vars: &'a Vars,
    place: Rc<Place>,
    /// Parallel branches around the node: start and where they meet.
    branches: Vec<(u32, usize, Rc<Place>)>,
}

impl Walk<'_> {
    fn node(&mut self, node: &Node) -> u32 {
        let number = self.analysis.nodes.len() as u32;
        self.analysis.nodes.push(NodeFacts { end: 0, first: First::nothing(), moves: false });
        let first = self.op(&node.op, number);
        let end = self.analysis.nodes.len() as u32;
        let place = self.place.clone();
        let facts = &mut self.analysis.nodes[number as usize];
        facts.end = end;
        facts.first = first;
        let elsewhere = matches!(&node.op, Op::At { place: there, .. } if *there != place);
        let children_move = self.children_move(number);
        let facts = &mut self.analysis.nodes[number as usize];
        facts.moves = facts.first.executes() && (elsewhere || children_move);
        number
    }

    fn children_move(&self, number: u32) -> bool {
        let end = self.analysis.nodes[number as usize].end;
        let mut child = number + 1;
        while child < end {
            let facts = &self.analysis.nodes[child as usize];
            if facts.moves {
                return true;
            }
            child = facts.end;
        }
        false
    }

    fn op(&mut self, op: &Op, number: u32) -> First {
        match op {
            Op::Null | Op::Never | Op::Fail | Op::One | Op::Hop(_) | Op::Next(_) | Op::Wrap { .. } => First::nothing(),
            Op::Seq(nodes) => nodes.iter().fold(First::nothing(), |first, node| {
                let next = self.child(node);
                first.then(&next)
            }),
            Op::Par(nodes) => {
                let firsts: Vec<First> = nodes.iter().map(|node| self.parallel(node)).collect();
                firsts.into_iter().reduce(|a, b| a.or(&b)).unwrap_or_else(First::nothing)
            }
            Op::Detach(node) => First { through: true, ..self.parallel(node) },
            Op::Xor(left, right) => {
                let (left, right) = (self.child(left), self.child(right));
                if left.through || !left.executes() { left.or(&right) } else { left }
            }
            Op::Select(select) => {
                self.reads(&select.left, number);
                self.reads(&select.right, number);
                let then = self.child(&select.then);
                then.or(&self.child(&select.otherwise))
            }
            Op::Match { left, right, body, .. } => {
                self.reads(left, number);
                self.reads(right, number);
                self.child(body)
            }
            Op::Call(call) => {
                let operands = [&call.peer, &call.service, &call.function].into_iter().chain(&call.args);
                operands.for_each(|value| self.reads(value, number));
                let place = self.place.clone();
                if let Some(output) = call.output {
                    self.sets(output, number);
                }
                First::at(&place)
            }
            Op::Ap { value, output } => {
                self.reads(value, number);
                self.sets(*output, number);
                First::nothing()
            }
            Op::ApMap { key, value, map } => {
                self.reads(key, number);
                self.reads(value, number);
                self.sets(*map, number);
                First::nothing()
            }
            Op::Canon { peer, source, target } => {
                self.reads(peer, number);
                self.read(*source, number);
                self.sets(*target, number);
                First::at(&self.place)
            }
            Op::Wait(wait) => {
                self.read(wait.stream, number);
                self.reads(&wait.index, number);
                self.sets(wait.view, number);
                let (stream, index) = (wait.stream, wait.index.clone());
                self.analysis.waits.push(WaitFacts { node: number, stream, index });
                First::at(&self.place)
            }
            Op::Loop(one) => {
                self.reads(&one.iterable, number);
                self.sets(one.iterator, number);
                let start = self.analysis.nodes.len() as u32;
                let is_parallel = matches!(one.kind, crate::ir::LoopKind::Par | crate::ir::LoopKind::First);
                let body = if is_parallel { self.parallel(&one.body) } else { self.child(&one.body) };
                self.analysis.repeated.push(start..self.analysis.nodes.len() as u32);
                First { through: one.kind != crate::ir::LoopKind::First, ..body }
            }
            Op::Fold(fold) => {
                self.reads(&fold.iterable, number);
                self.sets(fold.iterator, number);
                self.analysis.repeated.push(number..number + 3);
                let body = self.child(&fold.body);
                if let Some(last) = &fold.last {
                    self.child(last);
                }
                First { through: true, ..body }
            }
            Op::New(_, body) => self.child(body),
            Op::Barrier(values) => {
                values.iter().for_each(|value| self.reads(value, number));
                First::nothing()
            }
            Op::At { place, body } => {
                let around = std::mem::replace(&mut self.place, place.clone());
                self.reads(&place.peer, number);
                for relay in &place.via {
                    let (crate::ir::Relay::Peer(value) | crate::ir::Relay::Each(value)) = relay;
                    self.reads(value, number);
                }
                let first = self.child(body);
                self.place = around;
                first
            }
        }
    }

    fn child(&mut self, node: &Node) -> First {
        let number = self.node(node);
        self.analysis.nodes[number as usize].first.clone()
    }

    /// A child that runs beside others.
    fn parallel(&mut self, node: &Node) -> First {
        let start = self.analysis.nodes.len() as u32;
        let sets = self.analysis.sets.len();
        self.branches.push((start, sets, self.place.clone()));
        let first = self.child(node);
        let Some((start, sets, place)) = self.branches.pop() else { return first };
        let range = start..self.analysis.nodes.len() as u32;
        for index in sets..self.analysis.sets.len() {
            let var = self.analysis.sets[index].1;
            let pushes = &mut self.analysis.pushes[var.0 as usize];
            let is_new = pushes.last().is_none_or(|(last, _)| *last != range);
            if matches!(self.vars.kind(var), VarKind::Stream | VarKind::Map) && is_new {
                pushes.push((range.clone(), place.clone()));
            }
        }
        first
    }

    fn reads(&mut self, value: &Value, number: u32) {
        let vars: Vec<Var> = value.vars().collect();
        for var in vars {
            self.read(var, number);
        }
    }

    fn read(&mut self, var: Var, number: u32) {
        self.analysis.reads[var.0 as usize].push(number);
    }

    fn sets(&mut self, var: Var, number: u32) {
        self.analysis.sets.push((number, var));
    }
}
