//! From the placed tree to text.
//!
//! The form is what the predecessor's parsers take, without white space that they do not need. Chains of `seq` and `par`
//! become balanced trees, so that depth grows with the source's nesting and a logarithm.

mod names;

use crate::hir::Span;
use crate::ir::{Accessor, Call, Fold, Node, Op, Script, Stop, Value, Var};
use names::Names;

/// A script as text, with the source of each instruction that is no mere structure.
pub(crate) struct Printed {
    pub(crate) text: String,
    /// Ranges of the text in ascending order of their start, and the source they come from.
    pub(crate) map: Vec<(std::ops::Range<u32>, Span)>,
}

/// Prints a script.
pub(crate) fn emit(script: &Script) -> Printed {
    let mut printer = Printer { names: Names::new(&script.vars, script.relay), out: String::new(), map: Vec::new() };
    printer.node(&script.root);
    Printed { text: printer.out, map: printer.map }
}

struct Printer<'a> {
    names: Names<'a>,
    out: String,
    map: Vec<(std::ops::Range<u32>, Span)>,
}

impl Printer<'_> {
    fn node(&mut self, node: &Node) {
        let start = self.out.len() as u32;
        let index = self.map.len();
        let is_leaf = matches!(
            node.op,
            Op::Call(_) | Op::Ap { .. } | Op::ApMap { .. } | Op::Canon { .. } | Op::Match { .. } | Op::Fold(_)
        );
        if is_leaf {
            self.map.push((start..start, node.span));
        }
        self.op(&node.op);
        if is_leaf {
            self.map[index].0.end = self.out.len() as u32;
        }
    }

    fn op(&mut self, op: &Op) {
        match op {
            Op::Null | Op::One | Op::Barrier(_) => self.out.push_str("(null)"),
            Op::Never => self.out.push_str("(never)"),
            Op::Fail => self.out.push_str("(fail :error:)"),
            Op::Seq(nodes) => self.sequence(nodes),
            Op::Par(nodes) => self.chain("par", &nodes.iter().collect::<Vec<_>>()),
            Op::Detach(body) => self.form("par", |p| {
                p.node(body);
                p.out.push_str("(null)");
            }),
            Op::Xor(left, right) => self.form("xor", |p| {
                p.node(left);
                p.node(right);
            }),
            Op::Wrap { body, stops } => self.form("xor", |p| {
                p.sequence(body);
                p.way_back(stops);
            }),
            Op::Call(call) => self.call(call),
            Op::Ap { value, output } => self.words("ap", |p| {
                p.value(value);
                p.out.push(' ');
                p.var(*output);
            }),
            Op::ApMap { key, value, map } => self.words("ap", |p| {
                p.out.push('(');
                p.value(key);
                p.out.push(' ');
                p.value(value);
                p.out.push(')');
                p.var(*map);
            }),
            Op::Canon { peer, source, target } => self.words("canon", |p| {
                p.value(peer);
                p.out.push(' ');
                p.var(*source);
                p.out.push(' ');
                p.var(*target);
            }),
            // Placement has replaced these.
            Op::Select(_) | Op::Loop(_) | Op::At { .. } | Op::Wait(_) => {
                unreachable!("invariant of placement: places are gone")
            }
            Op::Match { left, right, equal, body } => {
                self.out.push_str(if *equal { "(match " } else { "(mismatch " });
                self.value(left);
                self.out.push(' ');
                self.value(right);
                self.out.push(' ');
                self.node(body);
                self.out.push(')');
            }
            Op::Fold(fold) => self.fold(fold),
            Op::Next(iterator) => self.words("next", |p| p.var(*iterator)),
            Op::New(var, body) => self.words("new", |p| {
                p.var(*var);
                p.out.push(' ');
                p.node(body);
            }),
            Op::Hop(stop) => self.hop(stop),
        }
    }

    /// `(keyword CHILDREN)`
    fn form(&mut self, keyword: &str, inside: impl FnOnce(&mut Self)) {
        self.words(keyword, inside);
    }

    /// `(keyword OPERANDS)`
    fn words(&mut self, keyword: &str, inside: impl FnOnce(&mut Self)) {
        self.out.push('(');
        self.out.push_str(keyword);
        self.out.push(' ');
        inside(self);
        self.out.push(')');
    }

    /// Flattens sequences in sequences, and prints them as a balanced tree.
    fn sequence(&mut self, nodes: &[Node]) {
        let mut flat = Vec::with_capacity(nodes.len());
        flatten(nodes, &mut flat);
        self.chain("seq", &flat);
    }

    fn chain(&mut self, keyword: &str, nodes: &[&Node]) {
        match nodes {
            [] => self.out.push_str("(null)"),
            [single] => self.node(single),
            _ => self.form(keyword, |p| {
                let (left, right) = nodes.split_at(nodes.len() / 2);
                p.chain(keyword, left);
                p.chain(keyword, right);
            }),
        }
    }

    fn way_back(&mut self, stops: &[Stop]) {
        self.form("seq", |p| {
            p.stops(stops);
            p.out.push_str("(fail :error:)");
        });
    }

    fn stops(&mut self, stops: &[Stop]) {
        match stops {
            [] => self.out.push_str("(null)"),
            [single] => self.hop(single),
            _ => self.form("seq", |p| {
                let (left, right) = stops.split_at(stops.len() / 2);
                p.stops(left);
                p.stops(right);
            }),
        }
    }

    fn hop(&mut self, stop: &Stop) {
        match stop {
            Stop::Peer(peer) => self.hop_to(|p| p.value(peer)),
            Stop::Each { peers, backwards } => {
                self.out.push_str("(fold ");
                self.value(peers);
                self.out.push_str(" -via- (seq ");
                if *backwards {
                    self.out.push_str("(next -via-)");
                    self.hop_to(|p| p.out.push_str("-via-"));
                } else {
                    self.hop_to(|p| p.out.push_str("-via-"));
                    self.out.push_str("(next -via-)");
                }
                self.out.push_str(")(null))");
            }
        }
    }

    fn hop_to(&mut self, peer: impl FnOnce(&mut Self)) {
        self.out.push_str("(new $-h (new #-h (canon ");
        peer(self);
        self.out.push_str(" $-h #-h)))");
    }

    fn call(&mut self, call: &Call) {
        self.words("call", |p| {
            p.value(&call.peer);
            p.out.push_str(" (");
            p.value(&call.service);
            p.out.push(' ');
            p.value(&call.function);
            p.out.push_str(")[");
            for (index, arg) in call.args.iter().enumerate() {
                if index > 0 {
                    p.out.push(' ');
                }
                p.value(arg);
            }
            p.out.push(']');
            if let Some(output) = call.output {
                p.var(output);
            }
        });
    }

    fn fold(&mut self, fold: &Fold) {
        self.words("fold", |p| {
            p.value(&fold.iterable);
            p.out.push(' ');
            p.var(fold.iterator);
            p.out.push(' ');
            p.node(&fold.body);
            if let Some(last) = &fold.last {
                p.node(last);
            }
        });
    }

    fn var(&mut self, var: Var) {
        let name = self.names.get(var);
        self.out.push_str(name);
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Bool(true) => self.out.push_str("true"),
            Value::Bool(false) => self.out.push_str("false"),
            Value::Int(number) => self.out.push_str(&number.to_string()),
            Value::Float(number) => self.out.push_str(&marine_air::syntax::print_float(*number)),
            Value::Text(text) => {
                self.out.push('"');
                self.out.push_str(text);
                self.out.push('"');
            }
            Value::EmptyArray => self.out.push_str("[]"),
            Value::InitPeer => self.out.push_str("%init_peer_id%"),
            Value::Ttl => self.out.push_str("%ttl%"),
            Value::Timestamp => self.out.push_str("%timestamp%"),
            Value::Error(lens) => {
                self.out.push_str(":error:");
                self.lens(lens);
            }
            Value::Var(var, lens) => {
                self.var(*var);
                self.lens(lens);
            }
            Value::Length(var) => {
                self.var(*var);
                self.out.push_str(".length");
            }
        }
    }

    fn lens(&mut self, lens: &[Accessor]) {
        if lens.is_empty() {
            return;
        }
        self.out.push_str(".$");
        for step in lens {
            match step {
                Accessor::Field(name) => {
                    self.out.push('.');
                    self.out.push_str(name);
                }
                Accessor::Index(index) => {
                    self.out.push_str(".[");
                    self.out.push_str(&index.to_string());
                    self.out.push(']');
                }
                Accessor::Dynamic(var) => {
                    self.out.push_str(".[");
                    self.var(*var);
                    self.out.push(']');
                }
            }
        }
    }
}

fn flatten<'n>(nodes: &'n [Node], flat: &mut Vec<&'n Node>) {
    for node in nodes {
        match &node.op {
            Op::Seq(inner) => flatten(inner, flat),
            Op::Null => {}
            _ => flat.push(node),
        }
    }
}
