//! A056: a name that has a value is read on one side of a `par` and shadowed on the other, so that the order of events decides
//! which value is read.

use std::ops::Range;

use super::Scopes;
use super::names::uses;
use super::script::defined_name;
use crate::check::ScopeKind;
use crate::syntax::{Accessor, Diagnostic, Expr, Instruction, Lens, Name, NameKind, NodeId, Span, Tree};

pub(super) fn check(tree: &Tree, scopes: &Scopes, diagnostics: &mut Vec<Diagnostic>) {
    // Outside of folds a name is set once.
    if !tree.nodes().any(|node| tree.is_fold(node)) {
        return;
    }
    let mut walk = Walk { tree, scopes, places: vec![Places::default(); tree.name_count()], steps: 32 * tree.len() };
    for node in tree.nodes() {
        walk.note(node);
    }
    for name in (0..tree.name_count() as u32).map(Name) {
        // What is in streams only grows.
        if matches!(tree.name_kind(name), NameKind::Stream | NameKind::Map) {
            continue;
        }
        let sets = walk.places[name.index()].sets.clone();
        diagnostics.extend(sets.into_iter().filter_map(|set| walk.race(name, set)));
    }
}

/// Where a name is read and set, in the order of the text.
#[derive(Clone, Default)]
struct Places {
    reads: Vec<(NodeId, Span)>,
    sets: Vec<(NodeId, Span)>,
}

struct Walk<'a> {
    tree: &'a Tree,
    scopes: &'a Scopes,
    /// By name.
    places: Vec<Places>,
    /// A script that needs more is looked at in part: the time stays linear.
    steps: usize,
}

impl Walk<'_> {
    fn note(&mut self, node: NodeId) {
        let tree = self.tree;
        let instruction = tree.instruction(node);
        for operand in uses(&instruction).into_iter().flatten() {
            if let Expr::Variable(name, _) = operand.expr {
                self.places[name.index()].reads.push((node, operand.span));
            }
            if let Some(Lens::Path(accessors)) = operand.expr.lens().map(|lens| tree.lens(lens)) {
                for accessor in accessors {
                    if let Accessor::Dynamic(variable) = *accessor {
                        self.places[variable.name.index()].reads.push((node, variable.span));
                    }
                }
            }
        }
        if let Some(output) = defined_name(&instruction) {
            self.places[output.name.index()].sets.push((node, output.span));
        }
    }

    /// The first `par` around `set` on whose other side the name is read, in the iteration in which it is set.
    fn race(&mut self, name: Name, (set, span): (NodeId, Span)) -> Option<Diagnostic> {
        let (tree, scopes) = (self.tree, self.scopes);
        let fold = scopes.fold(set)?;
        let binder = scopes.binder(set, name);
        let is_own = |new: &&super::Scope| new.fold_depth as usize == scopes.fold_depth(set);
        let limit = match binder {
            Some(binder) if binder.kind == ScopeKind::Fold => return None,
            binder => binder.filter(is_own).map_or(fold, |new| new.node),
        };
        let mut inner = set;
        while let Some(around) = tree.parent(inner).filter(|&around| around != limit) {
            self.steps = self.steps.checked_sub(1)?;
            if tree.instruction(around) == Instruction::Par {
                let other = other_side(tree, around, inner)?;
                if let Some(read) = self.read_in(name, other, binder.map(|binder| binder.node))
                    && self.is_set_before(name, around, limit)
                {
                    let text =
                        format!("'{}' has a value, and another one on the other side of a `par`", tree.name(name));
                    let warning = Diagnostic::warning(56, read, text);
                    let warning = warning.at("which of them is read depends on the order of events");
                    return Some(warning.and(span, "it is set here").and(tree.keyword(around), "of this `par`"));
                }
            }
            inner = around;
        }
        None
    }

    fn read_in(&mut self, name: Name, nodes: Range<NodeId>, binder: Option<NodeId>) -> Option<Span> {
        let reads = &self.places[name.index()].reads;
        let start = reads.partition_point(|(node, _)| *node < nodes.start);
        for &(node, span) in reads[start..].iter().take_while(|(node, _)| *node < nodes.end) {
            self.steps = self.steps.checked_sub(1)?;
            if self.scopes.binder(node, name).map(|binder| binder.node) == binder {
                return Some(span);
            }
        }
        None
    }

    /// Whether the name has a value that can be seen at `par`: one set before, around it or in the same `new`.
    fn is_set_before(&mut self, name: Name, par: NodeId, limit: NodeId) -> bool {
        let is_new = matches!(self.tree.instruction(limit), Instruction::New { .. });
        let sets = &self.places[name.index()].sets;
        for &(node, _) in sets.iter().take_while(|(node, _)| *node < par) {
            let Some(steps) = self.steps.checked_sub(1) else { return false };
            self.steps = steps;
            let is_around = self.scopes.fold(node).is_none_or(|fold| self.tree.contains(fold, par));
            if is_around && (!is_new || node > limit) {
                return true;
            }
        }
        false
    }
}

fn other_side(tree: &Tree, par: NodeId, side: NodeId) -> Option<Range<NodeId>> {
    let right = tree.second_child(par)?;
    Some(if side == right { tree.first_child(par)?..right } else { right..tree.subtree_end(par) })
}
