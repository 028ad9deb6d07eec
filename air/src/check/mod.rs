//! Static validation: from a tree to a [`Script`] that can be executed.
//!
//! [`check`] finds what can be told from the text alone: names nothing defines, misplaced `next`s, and, as warnings, what is
//! likely not meant.

mod folds;
mod names;
mod races;
mod scopes;
mod script;
mod warnings;

pub use scopes::{Scope, ScopeKind, Scopes};
pub use script::{Parsed, Script, ScriptInvalid};

use crate::syntax::{Diagnostic, Instruction, Tree};

/// Checks a tree statically: all errors from A020 on, and, if no instruction is broken, the warnings. Not sorted.
///
/// Takes linear time. Names that occur in broken instructions are not reported as undefined.
#[must_use]
pub fn check(tree: &Tree, scopes: &Scopes) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    names::check(tree, scopes, &mut diagnostics);
    folds::check(tree, scopes, &mut diagnostics);
    let is_whole = !tree.nodes().any(|node| tree.instruction(node) == Instruction::Error);
    if is_whole {
        warnings::check(tree, scopes, &mut diagnostics);
        races::check(tree, scopes, &mut diagnostics);
    }
    diagnostics
}
