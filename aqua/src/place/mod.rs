//! From places to hops: every call runs where its `on` says, what it gives arrives where it is used, and errors come back.
//!
//! The tree is walked in the order of execution with the knowledge of where control is ([`Loc`]) and of what executes next
//! ([`Follow`]). Hops are written where control moves without an executing instruction that moves it.

mod analysis;
mod branch;
mod choice;
mod rename;
mod route;
mod wait;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use crate::diagnostic::{Code, Diagnostic};
use crate::hir::Span;
use crate::ir::{Node, Op, Place, Script, Stop, Value, Var, VarKind, Vars};
use crate::options::Options;
use analysis::{Analysis, First};
use route::{is_direct, route, trim};

/// Where control is.
#[derive(Clone, Debug)]
struct Loc {
    /// The place whose code runs; routes start there.
    place: Rc<Place>,
    /// The peer where control is for certain, whatever happened before.
    at: Option<Value>,
}

/// What executes after a node.
#[derive(Clone, Debug)]
enum Follow {
    /// Nothing, in this function or parallel branch.
    Nothing,
    /// Something in the block where the node stands.
    Inside(First),
    /// Something after the `on` around: control leaves for `to`.
    Outside { to: Rc<Place>, first: First },
}

impl Follow {
    fn first(&self) -> First {
        match self {
            Self::Nothing => First::nothing(),
            Self::Inside(first) | Self::Outside { first, .. } => first.clone(),
        }
    }
}

/// What holds for a node because of what is around it.
#[derive(Clone, Debug)]
struct Context {
    place: Rc<Place>,
    /// Stops of the wrappers around, up to the next handler.
    wrapper: Vec<Stop>,
    /// Where the innermost of them takes over, or the handler.
    wrapped: Rc<Place>,
    /// Whether something sees an error here.
    is_seen: bool,
    /// Where errors are handled; in a branch of a `par`, where the branches meet.
    handler: Rc<Place>,
    /// Whether errors must arrive at that peer, so that those of all branches meet.
    meets: bool,
    /// The innermost branch around that gives something out.
    giving: Option<Giving>,
    /// All `on`s and parallel branches around, outermost first, each with the place that it stands at.
    homes: Vec<Giving>,
}

impl Context {
    /// What is tried: its errors are handled here.
    fn tried(&self) -> Self {
        let wrapped = self.place.clone();
        Self { wrapper: Vec::new(), wrapped, is_seen: true, handler: self.place.clone(), meets: false, ..self.clone() }
    }
}

/// A branch that gives something out, and where its values become visible.
#[derive(Clone, Debug)]
struct Giving {
    to: Rc<Place>,
    range: Range<u32>,
}

pub(super) struct Placer<'a> {
    options: &'a Options,
    vars: Vars,
    facts: Analysis,
    loc: Loc,
    /// Variables of parallel branches that have not been waited for, with the place where they arrive.
    pending: HashMap<Var, Rc<Place>>,
    /// How many elements a stream has at least.
    certain: HashMap<Var, u32>,
    /// Views whose elements have been waited for.
    ready: HashSet<Var>,
    /// By stream, the branches that push to it and the places where that becomes visible.
    meetings: HashMap<Var, Vec<Giving>>,
    /// What variables are called in the branch where control is.
    renamed: HashMap<Var, Var>,
    /// The canon with one element, once a condition needs it.
    needs_one: Option<Var>,
    /// The relay of the init peer, if there is one.
    relay: Option<Value>,
    warnings: Vec<Diagnostic>,
    span: Span,
}

/// Puts hops and waits for places.
pub(crate) fn place(script: Script, options: &Options) -> (Script, Vec<Diagnostic>) {
    let Script { root, vars, relay, place } = script;
    let facts = Analysis::new(&root, &vars, &place);
    let span = root.span;
    let mut placer = Placer {
        options,
        facts,
        vars,
        loc: Loc { place: place.clone(), at: Some(place.peer.clone()) },
        pending: HashMap::new(),
        certain: HashMap::new(),
        ready: HashSet::new(),
        renamed: HashMap::new(),
        meetings: HashMap::new(),
        needs_one: None,
        relay: relay.map(Value::var),
        warnings: Vec::new(),
        span,
    };
    let context = Context {
        place: place.clone(),
        wrapper: Vec::new(),
        wrapped: place.clone(),
        is_seen: true,
        handler: place.clone(),
        meets: false,
        giving: None,
        homes: Vec::new(),
    };
    let mut nodes = placer.placed(root, 0, &context, &Follow::Nothing);
    if let Some(one) = placer.needs_one {
        fill_one(&mut nodes, one, &mut placer.vars);
    } else {
        drop_one(&mut nodes);
    }
    let script = Script { root: Node::seq(nodes, span), vars: placer.vars, relay, place };
    (script, placer.warnings)
}

impl Placer<'_> {
    /// A node on its own.
    fn placed(&mut self, node: Node, number: u32, context: &Context, follow: &Follow) -> Vec<Node> {
        let mut out = Vec::new();
        self.node(node, number, context, follow, &mut out);
        out
    }

    /// Adds the node to `out`, with the hops that it needs before and after.
    fn node(&mut self, node: Node, number: u32, context: &Context, follow: &Follow, out: &mut Vec<Node>) {
        let around = std::mem::replace(&mut self.span, node.span);
        if self.facts.executes(number) {
            self.executing(node, number, context, follow, out);
        } else {
            self.passive(node, number, context, follow, out);
        }
        self.span = around;
    }

    fn executing(&mut self, node: Node, number: u32, context: &Context, follow: &Follow, out: &mut Vec<Node>) {
        match node.op {
            Op::Seq(nodes) => self.seq(nodes, number, context, follow, out),
            Op::At { place, body } => self.at(place, *body, number, context, follow, out),
            Op::Par(nodes) => self.par(nodes, number, context, follow, out),
            Op::Detach(body) => self.detach(*body, number, context, follow, out),
            Op::Xor(left, right) => self.xor((*left, *right), number, context, (follow, None), out),
            Op::Select(select) => self.select(*select, number, context, (follow, None), out),
            Op::Loop(one) => self.loops(*one, number, context, follow, out),
            Op::New(var, body) => {
                let body = self.placed(*body, number + 1, context, follow);
                let body = Node::seq(body, node.span);
                out.push(Node::new(Op::New(var, Box::new(body)), node.span));
            }
            Op::Match { left, right, equal, body } => {
                self.await_pending(number..number + 1, context, out);
                let body = self.placed(*body, number + 1, context, follow);
                let body = Box::new(Node::seq(body, node.span));
                out.push(Node::new(Op::Match { left, right, equal, body }, node.span));
            }
            Op::Wait(wait) => self.wait(*wait, number, context, out),
            Op::Call(mut call) => {
                self.arrive_to_execute(number, context, out);
                call.output = call.output.filter(|&output| self.facts.is_read(output));
                out.push(Node::new(Op::Call(call), node.span));
            }
            op => {
                self.arrive_to_execute(number, context, out);
                out.push(Node::new(op, node.span));
            }
        }
    }

    /// A node in which nothing executes runs wherever control is, unless what it reads arrives elsewhere.
    fn passive(&mut self, node: Node, number: u32, context: &Context, follow: &Follow, out: &mut Vec<Node>) {
        match node.op {
            Op::Barrier(values) => return self.barrier(&values, context, out),
            Op::Seq(nodes) => return self.seq(nodes, number, context, follow, out),
            Op::At { body, .. } => return self.node(*body, number + 1, context, follow, out),
            _ => {}
        }
        self.await_pending(self.facts.range(number), context, out);
        if let Some(to) = self.gives_early(&node, context) {
            return self.send_ahead(node, &to, out);
        }
        self.count(&node.op);
        // What listens to a stream must be where the stream is filled; the next instruction may bring it there.
        let goes_there = matches!(follow, Follow::Inside(first) if first.only_at(&context.place.peer));
        if !goes_there && matches!(&node.op, Op::Detach(body) if matches!(body.op, Op::Fold(_))) {
            self.arrive(&context.place, out);
        }
        if let Some(node) = self.cleaned(node) {
            out.push(node);
        }
    }

    /// Where the values that a node pushes in the middle of a branch are wanted, if that is not here.
    fn gives_early(&self, node: &Node, context: &Context) -> Option<Rc<Place>> {
        let giving = context.giving.as_ref()?;
        let is_elsewhere = self.loc.at.as_ref() != Some(&giving.to.peer);
        (is_elsewhere && self.is_sent_ahead(node, giving)).then(|| giving.to.clone())
    }

    /// Whether all that a node does is to push what is read outside of its branch only.
    fn is_sent_ahead(&self, node: &Node, giving: &Giving) -> bool {
        let mut sets = Vec::new();
        branch::sets_of(node, &mut sets);
        let is_stream = |var: Var| matches!(self.vars.kind(var), VarKind::Stream | VarKind::Map);
        let is_wanted =
            |&var: &Var| is_stream(var) && !self.facts.is_read_in(var, &giving.range) && self.facts.is_read(var);
        !sets.is_empty() && sets.iter().all(is_wanted)
    }

    /// Lets a push travel back on its own while the branch goes on, so that it becomes visible where it is awaited and
    /// nowhere before.
    fn send_ahead(&mut self, node: Node, to: &Rc<Place>, out: &mut Vec<Node>) {
        let (start, span) = (self.loc.clone(), node.span);
        let mut nodes = Vec::new();
        self.arrive(to, &mut nodes);
        nodes.extend(self.cleaned(node));
        self.loc = start;
        out.push(Node::new(Op::Detach(Box::new(Node::seq(nodes, span))), span));
    }

    /// The node without instructions that nobody needs, at whose end control is where it was.
    fn cleaned(&mut self, mut node: Node) -> Option<Node> {
        node.op = match node.op {
            Op::Ap { value, output } => {
                let is_scalar = self.vars.kind(output) == VarKind::Scalar;
                if is_scalar && !value.may_fail() && !self.facts.is_read(output) {
                    return None;
                }
                Op::Ap { value, output }
            }
            Op::Seq(nodes) => {
                let kept: Vec<Node> = nodes.into_iter().filter_map(|node| self.cleaned(node)).collect();
                return if kept.is_empty() { None } else { Some(Node::seq(kept, node.span)) };
            }
            Op::At { body, .. } => return self.cleaned(*body),
            Op::Select(select) => {
                let select = *select;
                let then = self.kept(select.then);
                let otherwise = self.kept(select.otherwise);
                return self.choice((select.left, select.right, select.equal), then, otherwise, node.span);
            }
            Op::Xor(left, right) => Op::Xor(Box::new(self.kept(*left)), Box::new(self.kept(*right))),
            Op::Match { left, right, equal, body } => {
                Op::Match { left, right, equal, body: Box::new(self.kept(*body)) }
            }
            Op::New(var, body) => Op::New(var, Box::new(self.kept(*body))),
            Op::Par(nodes) => Op::Par(nodes.into_iter().map(|node| self.kept(node)).collect()),
            Op::Detach(body) => Op::Detach(Box::new(self.kept(*body))),
            Op::Loop(one) => {
                let mut one = *one;
                one.body = self.kept(one.body);
                return Some(branch::fold(one, node.span));
            }
            Op::Barrier(_) => return None,
            op => op,
        };
        Some(node)
    }

    fn kept(&mut self, node: Node) -> Node {
        let span = node.span;
        self.cleaned(node).unwrap_or_else(|| Node::null(span))
    }

    fn seq(&mut self, nodes: Vec<Node>, number: u32, context: &Context, follow: &Follow, out: &mut Vec<Node>) {
        let numbers = self.children(number, nodes.len());
        let follows = self.follows(&numbers, follow);
        for ((node, number), follow) in nodes.into_iter().zip(numbers).zip(follows) {
            self.node(node, number, context, &follow, out);
        }
    }

    /// The numbers of a node's children.
    fn children(&self, number: u32, count: usize) -> Vec<u32> {
        let first = number + 1;
        std::iter::successors(Some(first), |&child| Some(self.facts.range(child).end)).take(count).collect()
    }

    /// What executes after each child of a sequence.
    fn follows(&self, numbers: &[u32], follow: &Follow) -> Vec<Follow> {
        let mut follows = Vec::with_capacity(numbers.len());
        let mut rest = First::nothing();
        for &number in numbers.iter().rev() {
            follows.push(if !rest.executes() {
                follow.clone()
            } else if rest.through {
                Follow::Inside(rest.then(&follow.first()))
            } else {
                Follow::Inside(rest.clone())
            });
            rest = self.facts.first(number).then(&rest);
        }
        follows.reverse();
        follows
    }

    fn at(
        &mut self,
        place: Rc<Place>,
        body: Node,
        number: u32,
        context: &Context,
        follow: &Follow,
        out: &mut Vec<Node>,
    ) {
        self.prepare_leaving(number, context, &place, out);
        self.warn_of_client(&place, context);
        let span = body.span;
        // Where nothing happens that may fail, there is no way back to make.
        let is_of_use = self.fails_here(&body, number + 1);
        let stops = if is_of_use { self.way_back(&place, context) } else { Vec::new() };
        let is_wrapped = self.options.error_routes && context.is_seen && !stops.is_empty();
        let wrapped = if is_of_use { place.clone() } else { context.wrapped.clone() };
        let mut wrapper = if is_wrapped { stops.clone() } else { Vec::new() };
        wrapper.extend(context.wrapper.iter().cloned());
        let mut homes = context.homes.clone();
        homes.push(Giving { to: context.place.clone(), range: self.facts.range(number) });
        let inside = Context { place, wrapper, wrapped, homes, ..context.clone() };
        let leaves = match follow {
            Follow::Nothing => Follow::Nothing,
            Follow::Inside(first) => Follow::Outside { to: context.place.clone(), first: first.clone() },
            Follow::Outside { to, first } => Follow::Outside { to: to.clone(), first: first.clone() },
        };
        let known: HashSet<Var> = self.pending.keys().copied().collect();
        let mut inner = self.placed(body, number + 1, &inside, &leaves);
        if !matches!(follow, Follow::Nothing) {
            self.await_before_leaving(&known, self.facts.range(number), &inside, &mut inner);
        }
        if let Follow::Inside(first) = follow {
            self.go(&context.place, first, &mut inner);
        }
        if is_wrapped { push_wrap(out, inner, stops, span) } else { out.append(&mut inner) }
    }

    /// The stops by which an error comes from a place to where the wrappers around take over, or to its handler.
    fn way_back(&self, place: &Rc<Place>, context: &Context) -> Vec<Stop> {
        let mut whole = route(place, &context.handler);
        if context.meets && context.handler.peer != place.peer {
            whole.push(Stop::Peer(context.handler.peer.clone()));
        }
        if whole.ends_with(&context.wrapper) {
            whole.truncate(whole.len() - context.wrapper.len());
            return whole;
        }
        // Where the stops end as the enclosing wrapper begins, it makes them.
        let around = &context.wrapped;
        let mut stops = route(place, around);
        let shared = (0..stops.len()).find(|&index| context.wrapper.starts_with(&stops[index..]));
        match shared {
            Some(index) => stops.truncate(index),
            // It starts from the peer around, which has no relays.
            None if begin_elsewhere(&context.wrapper, place)
                && is_direct(around)
                && around.peer != place.peer
                && !turns_back(stops.last(), context.wrapper.first()) =>
            {
                stops.push(Stop::Peer(around.peer.clone()));
            }
            None => {}
        }
        stops
    }

    /// Whether something may fail at the place of a node itself, outside of the `on`s in it.
    fn fails_here(&self, node: &Node, number: u32) -> bool {
        match &node.op {
            Op::At { .. } => false,
            Op::Seq(nodes) | Op::Par(nodes) => {
                let numbers = self.children(number, nodes.len());
                nodes.iter().zip(numbers).any(|(node, number)| self.fails_here(node, number))
            }
            Op::New(_, body) => self.fails_here(body, number + 1),
            Op::Xor(_, handler) => self.fails_here(handler, self.children(number, 2)[1]),
            _ => self.facts.executes(number) || choice::may_fail(node),
        }
    }

    /// A client is reached through its relay, unless control comes from there.
    fn warn_of_client(&mut self, place: &Rc<Place>, context: &Context) {
        let is_client = place.peer == Value::InitPeer && place.via.is_empty();
        let from = &context.place;
        let comes_from_relay = from.peer == Value::InitPeer || self.relay.as_ref() == Some(&from.peer);
        if is_client && self.relay.is_some() && !comes_from_relay && place.outer.is_some() {
            let message = "the init peer may not be reachable from another peer than its relay";
            let help = "a client is reached through its relay: `on INIT_PEER_ID via HOST_PEER_ID:`";
            self.warnings.push(Diagnostic::new(Code::CLIENT_DIRECT, self.span, message).help(help));
        }
    }

    /// Hops to the place of an instruction that executes; the instruction makes the last move.
    fn arrive_to_execute(&mut self, number: u32, context: &Context, out: &mut Vec<Node>) {
        self.await_pending_elsewhere(number..number + 1, context, out);
        let stops = trim(route(&self.loc.place, &context.place), self.loc.at.as_ref());
        self.hops(stops, out);
        self.loc = Loc { place: context.place.clone(), at: Some(context.place.peer.clone()) };
    }

    /// Moves control to the anchor of a place, or just short of its peer if what follows runs there.
    fn go(&mut self, to: &Rc<Place>, first: &First, out: &mut Vec<Node>) {
        if self.loc.place == *to {
            return;
        }
        let mut stops = route(&self.loc.place, to);
        if is_direct(to) && self.loc.place.peer != to.peer && self.needs_anchor(to, first, &stops) {
            stops.push(Stop::Peer(to.peer.clone()));
        }
        // What executes next makes the last move.
        if matches!(stops.last(), Some(Stop::Peer(peer)) if first.only_at(peer)) {
            stops.pop();
        }
        let stops = trim(stops, self.loc.at.as_ref());
        self.hops(stops, out);
        self.loc.place = to.clone();
    }

    /// Whether control must pass the peer of a place without relays, after these stops, on its way to what comes next: if that is
    /// inside of the place, or may not be reached otherwise.
    fn needs_anchor(&self, to: &Rc<Place>, first: &First, stops: &[Stop]) -> bool {
        let is_cut_off = |next: &Rc<Place>| {
            let way = [stops, &route(to, next)].concat();
            next.peer != to.peer && !contains(&way, &route(&self.loc.place, next))
        };
        let comes_from_inside = !self.loc.place.is_around(to);
        first.more || (comes_from_inside && first.enters(to)) || first.places.iter().any(is_cut_off)
    }

    /// Moves control to the peer of a place.
    fn arrive(&mut self, to: &Rc<Place>, out: &mut Vec<Node>) {
        if self.loc.at.as_ref() != Some(&to.peer) {
            let mut stops = route(&self.loc.place, to);
            stops.push(Stop::Peer(to.peer.clone()));
            let stops = trim(stops, self.loc.at.as_ref());
            self.hops(stops, out);
        }
        self.loc = Loc { place: to.clone(), at: Some(to.peer.clone()) };
    }

    fn hops(&mut self, stops: Vec<Stop>, out: &mut Vec<Node>) {
        for stop in stops {
            if matches!(&stop, Stop::Peer(peer) if Some(peer) == self.loc.at.as_ref()) {
                continue;
            }
            self.loc.at = match &stop {
                Stop::Peer(peer) => Some(peer.clone()),
                Stop::Each { .. } => None,
            };
            out.push(Node::new(Op::Hop(stop), self.span));
        }
    }

    /// Enters a place that a loop, `par` or `try` stands at: as far as what comes first there, or after it, starts from it. Its
    /// peer itself is entered if that lies on the way.
    fn enter(&mut self, number: u32, context: &Context, follow: &Follow, out: &mut Vec<Node>) {
        let first = self.facts.first(number).clone();
        let Some(target) = first.places.first() else { return };
        let to = &context.place;
        if self.loc.place == *to && self.loc.at.is_some() {
            return;
        }
        let is_peer = |stop: &Stop| matches!(stop, Stop::Peer(peer) if *peer == to.peer);
        let stops = if route(&self.loc.place, target).iter().any(is_peer) {
            let mut stops = route(&self.loc.place, to);
            stops.push(Stop::Peer(to.peer.clone()));
            stops
        } else {
            let next = first.then(&follow.first());
            let entries: Vec<Vec<Stop>> = next.places.iter().map(|target| self.entry(to, target)).collect();
            let is_one = !next.more && entries.iter().all(|entry| *entry == entries[0]);
            let mut whole = route(&self.loc.place, to);
            if entries.iter().any(|entry| entry.last().is_some_and(is_peer)) {
                whole.push(Stop::Peer(to.peer.clone()));
            }
            if is_one { entries[0].clone() } else { whole }
        };
        let stops = trim(stops, self.loc.at.as_ref());
        self.hops(stops, out);
        self.loc.place = to.clone();
    }

    /// What is to be passed on the way to a place from which control goes on to a target: its peer too, if that is the way.
    fn entry(&self, to: &Rc<Place>, target: &Rc<Place>) -> Vec<Stop> {
        let mut stops = route(&self.loc.place, to);
        let way = [stops.as_slice(), &route(to, target)].concat();
        if is_direct(to) && target.peer != to.peer && !contains(&way, &route(&self.loc.place, target)) {
            stops.push(Stop::Peer(to.peer.clone()));
        }
        stops
    }
}

/// Whether one way makes all stops of another, in order.
fn contains(way: &[Stop], other: &[Stop]) -> bool {
    let mut way = way.iter();
    other.iter().all(|stop| way.any(|made| made == stop))
}

/// Whether the relays of a collection are walked forwards, then backwards.
fn turns_back(last: Option<&Stop>, next: Option<&Stop>) -> bool {
    matches!((last, next), (Some(Stop::Each { peers, .. }), Some(Stop::Each { peers: same, .. })) if peers == same)
}

/// Whether there are stops, the first of them elsewhere than at the peer of a place.
fn begin_elsewhere(stops: &[Stop], place: &Place) -> bool {
    match stops.first() {
        None => false,
        Some(Stop::Peer(peer)) => *peer != place.peer,
        Some(Stop::Each { .. }) => true,
    }
}

/// Adds a wrapped body; one that follows a wrapper with the same stops goes into it.
fn push_wrap(out: &mut Vec<Node>, mut body: Vec<Node>, stops: Vec<Stop>, span: Span) {
    if let Some(Node { op: Op::Wrap { body: last, stops: same }, .. }) = out.last_mut()
        && *same == stops
    {
        last.append(&mut body);
        return;
    }
    out.push(Node::new(Op::Wrap { body, stops }, span));
}

/// Puts the prologue that makes `#-one-` in its place.
fn fill_one(nodes: &mut [Node], one: Var, vars: &mut Vars) {
    let unit = vars.add("-u-", VarKind::Stream);
    replace_one(nodes, &mut |span| {
        let push = Node::new(Op::Ap { value: Value::Bool(true), output: unit }, span);
        let canon = Node::new(Op::Canon { peer: Value::InitPeer, source: unit, target: one }, span);
        let body = Node::new(Op::Seq(vec![push, canon]), span);
        Some(Op::New(unit, Box::new(body)))
    });
}

fn drop_one(nodes: &mut [Node]) {
    replace_one(nodes, &mut |_| None);
}

/// Only the sequences around the body of the exported function are searched: the marker stands at its start.
fn replace_one(nodes: &mut [Node], with: &mut dyn FnMut(Span) -> Option<Op>) -> bool {
    nodes.iter_mut().any(|node| match &mut node.op {
        Op::One => {
            node.op = with(node.span).unwrap_or(Op::Null);
            true
        }
        Op::Seq(inner) => replace_one(inner, with),
        Op::Xor(left, _) | Op::New(_, left) => replace_one(std::slice::from_mut(left), with),
        _ => false,
    })
}
