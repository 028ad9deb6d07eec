//! A020 and A052: is there anything before a use that could give the name a value?

use super::Scopes;
use super::script::defined_name;
use crate::syntax::{
    Accessor, Diagnostic, Expr, Instruction, Lens, Name, NameKind, NodeId, Operand, Span, Tree, VarRef,
};

pub(super) fn check(tree: &Tree, scopes: &Scopes, diagnostics: &mut Vec<Diagnostic>) {
    let mut walk = Walk { tree, names: vec![Defined::default(); tree.name_count()], diagnostics };
    let first = first_definitions(tree);
    for node in tree.nodes() {
        for operand in uses(&tree.instruction(node)).into_iter().flatten() {
            walk.operand(node, operand, &first);
        }
        if let Some((variable, lives_in)) = definition(tree, scopes, node) {
            walk.names[variable.name.index()].define(lives_in);
        }
    }
}

struct Walk<'a> {
    tree: &'a Tree,
    names: Vec<Defined>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

/// What is known about a name's definitions so far.
#[derive(Clone, Default)]
struct Defined {
    /// For each definition the innermost fold it is in; those of ended folds are dropped when they are on top.
    live: Vec<Option<NodeId>>,
    ever: bool,
}

impl Defined {
    fn define(&mut self, lives_in: Option<NodeId>) {
        self.ever = true;
        if self.live.last() != Some(&lives_in) {
            self.live.push(lives_in);
        }
    }

    /// Whether a definition is in no fold that has ended before `node`. A walk in preorder never comes back into a fold.
    fn is_live_at(&mut self, tree: &Tree, node: NodeId) -> bool {
        while let Some(&lives_in) = self.live.last() {
            if lives_in.is_none_or(|fold| tree.contains(fold, node)) {
                return true;
            }
            self.live.pop();
        }
        false
    }
}

impl Walk<'_> {
    fn operand(&mut self, node: NodeId, operand: &Operand, first: &[Option<Span>]) {
        let tree = self.tree;
        if let Expr::Variable(name, _) = operand.expr {
            // Without the lens.
            let start = operand.span.start;
            let span = Span::new(start, start + tree.name(name).len() as u32);
            self.variable(node, VarRef { name, span }, first);
        }
        if let Some(Lens::Path(accessors)) = operand.expr.lens().map(|lens| tree.lens(lens)) {
            for accessor in accessors {
                if let Accessor::Dynamic(variable) = *accessor {
                    self.variable(node, variable, first);
                }
            }
        }
    }

    fn variable(&mut self, node: NodeId, VarRef { name, span }: VarRef, first: &[Option<Span>]) {
        let tree = self.tree;
        let defined = &mut self.names[name.index()];
        let text = tree.name(name);
        if tree.is_doubtful(name) {
            return;
        }
        if !defined.ever {
            let mut error = Diagnostic::error(20, span, format!("variable '{text}' wasn't defined"));
            if let Some(later) = first[name.index()] {
                error = error.and(later, "it is defined only here, after its use");
            }
            self.diagnostics.push(error);
        } else if !is_shared(tree, name) && !defined.is_live_at(tree, node) {
            let message = format!("'{text}' is set only in a fold that has ended, where its value is not seen");
            let warning = Diagnostic::warning(52, span, message).at("this waits forever");
            self.diagnostics.push(warning.help("collect values of a fold in a stream and `canon` it"));
        }
    }
}

/// Whether a name belongs to the particle or to a `new`, so that folds do not hide it.
fn is_shared(tree: &Tree, name: Name) -> bool {
    matches!(tree.name_kind(name), NameKind::Stream | NameKind::Map)
}

/// The operands that are read. What a `canon` reads and the iterator of a `next` are not among them.
pub(super) fn uses<'a>(instruction: &Instruction<'a>) -> [&'a [Operand]; 5] {
    let one = |operand: &'a Operand| std::slice::from_ref(operand);
    match *instruction {
        Instruction::Call { peer, service, function, args, .. } => [one(peer), one(service), one(function), args, &[]],
        Instruction::Ap { value, .. } => [one(value), &[], &[], &[], &[]],
        Instruction::ApMap { key, value, .. } => [one(key), one(value), &[], &[], &[]],
        Instruction::Canon { peer, .. } => [one(peer), &[], &[], &[], &[]],
        Instruction::Match { left, right } | Instruction::Mismatch { left, right } => {
            [one(left), one(right), &[], &[], &[]]
        }
        Instruction::Fold { iterable, .. } => [one(iterable), &[], &[], &[], &[]],
        Instruction::Fail { error } => [one(error), &[], &[], &[], &[]],
        _ => [&[]; 5],
    }
}

/// The variable that an instruction defines, and the innermost fold at whose end that is over.
fn definition(tree: &Tree, scopes: &Scopes, node: NodeId) -> Option<(VarRef, Option<NodeId>)> {
    match tree.instruction(node) {
        Instruction::Fold { iterator, .. } => Some((iterator, Some(node))),
        Instruction::New { variable } => Some((variable, scopes.fold(node))),
        ref other => defined_name(other).map(|variable| (variable, scopes.fold(node))),
    }
}

/// Where each name is first set.
fn first_definitions(tree: &Tree) -> Vec<Option<Span>> {
    let mut first = vec![None; tree.name_count()];
    for node in tree.nodes() {
        if let Some(variable) = defined_name(&tree.instruction(node)) {
            first[variable.name.index()].get_or_insert(variable.span);
        }
    }
    first
}
