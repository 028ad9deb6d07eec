//! A050 to A060: what runs, but hardly does what its author meant. A052 is in [`names`](super::names), A056 in
//! [`races`](super::races), A054 in the parser.

use std::collections::HashMap;

use super::Scopes;
use super::folds::is_over_stream;
use super::names::uses;
use super::scopes::OpenFolds;
use super::script::defined_name;
use crate::data::parse_peer;
use crate::syntax::{Diagnostic, Expr, Instruction, Name, NameKind, NodeId, Operand, Span, Tree};

pub(super) fn check(tree: &Tree, scopes: &Scopes, diagnostics: &mut Vec<Diagnostic>) {
    let mut walk = Walk {
        tree,
        scopes,
        open: OpenFolds::new(tree),
        calls: calls(tree),
        certain: Vec::with_capacity(tree.len()),
        in_chain: Vec::with_capacity(tree.len()),
        set: HashMap::new(),
        news: vec![Vec::new(); tree.name_count()],
        peers: HashMap::new(),
    };
    for node in tree.nodes() {
        walk.enter(node);
        diagnostics.extend(walk.iterator_set(node));
        diagnostics.extend(walk.set_twice(node));
        diagnostics.extend(walk.next_of_outer(node));
        diagnostics.extend(walk.last_calls(node));
        diagnostics.extend(walk.fold_without_next(node));
        diagnostics.extend(walk.not_a_peer(node));
        diagnostics.extend(walk.last_error_of_chain(node));
    }
    diagnostics.extend(never_written(tree));
}

struct Walk<'a> {
    tree: &'a Tree,
    scopes: &'a Scopes,
    open: OpenFolds<'a>,
    /// The number of calls before each node, and at the end.
    calls: Vec<u32>,
    /// Whether each node so far runs whenever the script does, and only once.
    certain: Vec<bool>,
    /// Whether each node so far may get the error context of the iteration before it in a chain.
    in_chain: Vec<bool>,
    /// Where a name is certainly set, by name and the `new` around.
    set: HashMap<(Name, Option<NodeId>), Span>,
    /// The `new`s around, by name.
    news: Vec<Vec<NodeId>>,
    /// Whether a text is a peer id.
    peers: HashMap<&'a str, bool>,
}

impl<'a> Walk<'a> {
    fn enter(&mut self, node: NodeId) {
        self.open.enter(node);
        let is_certain = self.tree.parent(node).is_none_or(|parent| {
            let is_plain =
                matches!(self.tree.instruction(parent), Instruction::Seq | Instruction::Par | Instruction::New { .. });
            self.certain[parent.index()] && is_plain
        });
        self.certain.push(is_certain);
        let in_chain = self.tree.parent(node).is_some_and(|parent| match self.tree.instruction(parent) {
            Instruction::Fold { .. } if is_over_stream(self.tree, parent) => true,
            // What a handler sees is mostly the error that it handles.
            Instruction::Xor if !self.tree.is_first_child(node) => false,
            _ => self.in_chain[parent.index()],
        });
        self.in_chain.push(in_chain);
        if let Instruction::New { variable } = self.tree.instruction(node) {
            self.news[variable.name.index()].push(node);
        }
    }

    /// A050
    fn iterator_set(&self, node: NodeId) -> Option<Diagnostic> {
        let output = defined_name(&self.tree.instruction(node))?;
        self.open.innermost(output.name)?;
        let message = format!("'{}' is the iterator of a fold around, which can't be set", self.tree.name(output.name));
        Some(Diagnostic::warning(50, output.span, message).at("error 20004 when this is reached"))
    }

    /// A051
    fn set_twice(&mut self, node: NodeId) -> Option<Diagnostic> {
        let output = defined_name(&self.tree.instruction(node))?;
        let is_set_once = !matches!(self.tree.name_kind(output.name), NameKind::Stream | NameKind::Map);
        if !is_set_once || !self.certain[node.index()] {
            return None;
        }
        let news = &mut self.news[output.name.index()];
        while news.last().is_some_and(|&new| !self.tree.contains(new, node)) {
            news.pop();
        }
        let first = *self.set.entry((output.name, news.last().copied())).or_insert(output.span);
        if first == output.span {
            return None;
        }
        let message = format!("'{}' is set twice", self.tree.name(output.name));
        let warning = Diagnostic::warning(51, output.span, message).at("error 20007 when this is reached");
        Some(warning.and(first, "it is set here already"))
    }

    /// A055
    fn next_of_outer(&self, node: NodeId) -> Option<Diagnostic> {
        let fold = self.scopes.fold_of_next(node).filter(|&fold| self.scopes.fold(node) != Some(fold))?;
        let inner = self.scopes.fold(node)?;
        let message = "`next` of an outer fold inside another fold";
        let warning = Diagnostic::warning(55, self.tree.span(node), message);
        let warning = warning.and(self.tree.keyword(fold), "it belongs to this fold");
        Some(warning.and(self.tree.keyword(inner), "each iteration of this fold comes to it"))
    }

    /// A057
    fn last_calls(&self, node: NodeId) -> Option<Diagnostic> {
        let is_stream_fold =
            matches!(self.tree.instruction(node), Instruction::Fold { .. }) && is_over_stream(self.tree, node);
        let last = self.tree.second_child(node).filter(|_| is_stream_fold)?;
        let calls = self.calls[self.tree.subtree_end(last).index()] - self.calls[last.index()];
        let message = "the last instruction of a fold over a stream or map calls something";
        let warning = Diagnostic::warning(57, self.tree.keyword(last), message);
        (calls > 0).then(|| warning.at("what it sees depends on the order in which elements arrive"))
    }

    /// A058
    fn fold_without_next(&self, node: NodeId) -> Option<Diagnostic> {
        let Instruction::Fold { iterator, .. } = self.tree.instruction(node) else { return None };
        if self.scopes.next_of_fold(node).is_some() {
            return None;
        }
        let name = self.tree.name(iterator.name);
        let warning = Diagnostic::warning(58, self.tree.keyword(node), "this fold has no `next`");
        Some(warning.at("it runs for one element").help(format!("go on with `(next {name})`")))
    }

    /// A059
    fn not_a_peer(&mut self, node: NodeId) -> Option<Diagnostic> {
        let (Instruction::Call { peer, .. } | Instruction::Canon { peer, .. }) = self.tree.instruction(node) else {
            return None;
        };
        let &Operand { expr: Expr::Text(text), span } = peer else { return None };
        let text = self.tree.text(text);
        let is_peer = *self.peers.entry(text).or_insert_with(|| parse_peer(text).is_some());
        let warning = || Diagnostic::warning(59, span, "this is not a peer id").at("this waits forever");
        (!is_peer).then(warning)
    }

    /// A060
    fn last_error_of_chain(&self, node: NodeId) -> Option<Diagnostic> {
        let instruction = self.tree.instruction(node);
        let mut used = uses(&instruction).into_iter().flatten().filter(|_| self.in_chain[node.index()]);
        let operand = used.find(|operand| matches!(operand.expr, Expr::LastError(_)))?;
        let message = "`%last_error%` in a fold over a stream or map";
        Some(Diagnostic::warning(60, operand.span, message).at("peers may see different errors here"))
    }
}

/// A053. A fold over what not even a `new` defines is A020 already, and a `canon` whose result nobody reads is only a way to
/// visit a peer.
fn never_written(tree: &Tree) -> Vec<Diagnostic> {
    let mut written = vec![false; tree.name_count()];
    let mut declared = vec![false; tree.name_count()];
    let mut read = vec![false; tree.name_count()];
    for node in tree.nodes() {
        let instruction = tree.instruction(node);
        if let Some(output) = defined_name(&instruction) {
            written[output.name.index()] = true;
        }
        if let Instruction::New { variable } = instruction {
            declared[variable.name.index()] = true;
        }
        for operand in uses(&instruction).into_iter().flatten() {
            if let Expr::Variable(name, _) = operand.expr {
                read[name.index()] = true;
            }
        }
    }
    let unwritten = tree.nodes().filter_map(|node| {
        let (name, span) = match tree.instruction(node) {
            Instruction::Canon { source, target, .. } if read[target.name.index()] => (source.name, source.span),
            Instruction::Fold { iterable: &Operand { expr: Expr::Variable(name, _), span }, .. }
                if declared[name.index()] =>
            {
                (name, span)
            }
            _ => return None,
        };
        let is_shared = matches!(tree.name_kind(name), NameKind::Stream | NameKind::Map);
        let message = || format!("nothing is ever written to '{}'", tree.name(name));
        (is_shared && !written[name.index()]).then(|| Diagnostic::warning(53, span, message()))
    });
    unwritten.collect()
}

fn calls(tree: &Tree) -> Vec<u32> {
    let mut count = 0;
    let mut calls = vec![0];
    for node in tree.nodes() {
        count += u32::from(matches!(tree.instruction(node), Instruction::Call { .. }));
        calls.push(count);
    }
    calls
}
