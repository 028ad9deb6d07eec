//! A021 to A027: where `next` and `new` may stand with respect to folds, and codes of `fail`.

use std::collections::HashMap;

use super::Scopes;
use super::scopes::OpenFolds;
use crate::syntax::{Diagnostic, Expr, Instruction, NameKind, NodeId, Tree, VarRef};

pub(super) fn check(tree: &Tree, scopes: &Scopes, diagnostics: &mut Vec<Diagnostic>) {
    let mut open = OpenFolds::new(tree);
    let lefts = left_sides(tree);
    let mut first_next = HashMap::new();
    for node in tree.nodes() {
        open.enter(node);
        let error = match tree.instruction(node) {
            Instruction::Fold { iterator, .. } => nested_fold(tree, &open, node, iterator),
            Instruction::New { variable } => new_of_iterator(tree, &open, variable),
            Instruction::FailLiteral { code, .. } if code.expr == Expr::Int(0) => {
                Some(Diagnostic::error(25, code.span, "error code 0 with fail is unsupported").help("0 means no error"))
            }
            Instruction::Next { iterator } => match scopes.fold_of_next(node) {
                Some(fold) => {
                    let first = *first_next.entry(fold).or_insert(node);
                    next_of_fold(tree, fold, node, iterator, first, lefts[node.index()])
                }
                None if tree.is_doubtful(iterator.name) => None,
                None => {
                    let message = format!("iterable '{}' wasn't defined", tree.name(iterator.name));
                    let error = Diagnostic::error(21, iterator.span, message);
                    Some(error.help("`next` must be in the body of a fold with this iterator"))
                }
            },
            _ => None,
        };
        diagnostics.extend(error);
    }
}

fn nested_fold(tree: &Tree, open: &OpenFolds<'_>, node: NodeId, iterator: VarRef) -> Option<Diagnostic> {
    let outer = open.innermost(iterator.name).filter(|&outer| !is_in_last(tree, outer, node))?;
    let message = format!("multiple iterable values found for iterator name '{}'", tree.name(iterator.name));
    let error = Diagnostic::error(23, iterator.span, message).help("rename one of the iterators");
    Some(error.and(iterator_of(tree, outer).span, "the fold around has the same iterator"))
}

fn new_of_iterator(tree: &Tree, open: &OpenFolds<'_>, variable: VarRef) -> Option<Diagnostic> {
    let fold = open.innermost(variable.name)?;
    let message = format!("new can't be applied to a '{}' because it's an iterator", tree.name(variable.name));
    Some(
        Diagnostic::error(24, variable.span, message)
            .and(iterator_of(tree, fold).span, "it is the iterator of this fold"),
    )
}

fn next_of_fold(
    tree: &Tree,
    fold: NodeId,
    next: NodeId,
    iterator: VarRef,
    first: NodeId,
    left: Option<NodeId>,
) -> Option<Diagnostic> {
    let name = tree.name(iterator.name);
    let of_fold = "it is the iterator of this fold";
    if is_in_last(tree, fold, next) {
        let message = format!("next '{name}' can't be used in the last instruction of its fold");
        return Some(Diagnostic::error(27, tree.span(next), message).and(iterator_of(tree, fold).span, of_fold));
    }
    if first != next {
        let message =
            format!("multiple next instructions for iterator '{name}' found for one fold, that is prohibited");
        return Some(Diagnostic::error(22, tree.span(next), message).and(tree.span(first), "the first one is here"));
    }
    let left = left.filter(|&left| left > fold && is_over_stream(tree, fold))?;
    let error = Diagnostic::error(26, tree.span(next), "fold can not have instructions after next");
    let (around, fold) = (tree.parent(left).unwrap_or(left), iterator_of(tree, fold).span);
    let keyword = tree.keyword(around);
    let error = error.and(keyword, format!("`next` is in the left side of this `{}`", tree.slice(keyword)));
    Some(error.and(fold, "this is a fold over a stream or map").help("move `next` to the end of the body"))
}

/// For each node the innermost one, it or around it, that is the left side of a `seq` or `par`.
fn left_sides(tree: &Tree) -> Vec<Option<NodeId>> {
    let mut lefts: Vec<Option<NodeId>> = Vec::with_capacity(tree.len());
    for node in tree.nodes() {
        let left = tree.parent(node).and_then(|parent| {
            let is_left =
                parent.0 + 1 == node.0 && matches!(tree.instruction(parent), Instruction::Seq | Instruction::Par);
            if is_left { Some(node) } else { lefts[parent.index()] }
        });
        lefts.push(left);
    }
    lefts
}

/// Whether `node` is in the last instruction of `fold`.
fn is_in_last(tree: &Tree, fold: NodeId, node: NodeId) -> bool {
    tree.second_child(fold).is_some_and(|last| tree.contains(last, node))
}

pub(super) fn is_over_stream(tree: &Tree, fold: NodeId) -> bool {
    let Instruction::Fold { iterable, .. } = tree.instruction(fold) else { return false };
    match iterable.expr {
        Expr::Variable(name, _) => matches!(tree.name_kind(name), NameKind::Stream | NameKind::Map),
        _ => false,
    }
}

fn iterator_of(tree: &Tree, fold: NodeId) -> VarRef {
    match tree.instruction(fold) {
        Instruction::Fold { iterator, .. } => iterator,
        _ => unreachable!("invariant: only folds are recorded as folds"),
    }
}
