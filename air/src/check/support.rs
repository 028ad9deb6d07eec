//! What this version parses and checks, but does not execute.

use super::script::defined_name;
use crate::syntax::{Diagnostic, Expr, Instruction, NameKind, Tree, VarRef};

/// Reports (A099) the instructions that the executor of this version does not have: all that has to do with streams and maps.
#[must_use]
pub fn unsupported(tree: &Tree) -> Vec<Diagnostic> {
    let found = tree.nodes().filter_map(|node| {
        let instruction = tree.instruction(node);
        let (what, span) = match instruction {
            Instruction::Canon { .. } => ("`canon`", tree.keyword(node)),
            Instruction::ApMap { map, .. } => (plural(tree, map)?, map.span),
            Instruction::New { variable } => (plural(tree, variable)?, variable.span),
            Instruction::Fold { iterable, .. } => match iterable.expr {
                Expr::Variable(name, _) => (plural(tree, VarRef { name, span: iterable.span })?, iterable.span),
                _ => return None,
            },
            ref other => {
                let output = defined_name(other)?;
                (plural(tree, output)?, output.span)
            }
        };
        let verb = if what == "`canon`" { "is" } else { "are" };
        let error = Diagnostic::error(99, span, format!("{what} {verb} not supported by this version"));
        Some(error.help("scalars, arrays and folds over arrays are"))
    });
    found.collect()
}

/// What a variable is one of, if it is not supported.
fn plural(tree: &Tree, variable: VarRef) -> Option<&'static str> {
    match tree.name_kind(variable.name) {
        NameKind::Scalar => None,
        NameKind::Stream => Some("streams"),
        NameKind::Map => Some("maps"),
        NameKind::Canon => Some("canon streams"),
        NameKind::CanonMap => Some("canon maps"),
    }
}
