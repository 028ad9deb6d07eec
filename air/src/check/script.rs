//! [`Script`]: a tree without errors, with what execution looks up all the time worked out once.

use std::sync::Arc;

use thiserror::Error;

use super::check;
use super::scopes::Scopes;
use crate::Limits;
use crate::syntax::{self, Diagnostic, Instruction, Name, NodeId, Severity, Tree, render_plain};

/// What came of parsing and checking a text: a tree in any case, and all findings, sorted by position.
#[derive(Clone, Debug)]
pub struct Parsed {
    tree: Tree,
    scopes: Scopes,
    diagnostics: Vec<Diagnostic>,
}

/// A script that passed all checks. Made by [`Script::parse`] and [`Parsed::script`].
#[derive(Debug)]
pub struct Script {
    tree: Tree,
    scopes: Scopes,
    definitions: Definitions,
}

/// How many errors the message of [`ScriptInvalid`] spells out.
const SHOWN_ERRORS: usize = 20;

/// The script has errors (code 1, `ScriptInvalid`).
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("the script has {}:\n{}", count_of_errors(.diagnostics.len()), .text.trim_end())]
pub struct ScriptInvalid {
    /// The errors, without warnings; the message shows the first 20.
    pub diagnostics: Vec<Diagnostic>,
    text: String,
}

fn count_of_errors(n: usize) -> String {
    if n == 1 { "1 error".to_owned() } else { format!("{n} errors") }
}

impl Script {
    /// Parses and checks `text`. Never fails; see [`Parsed::script`]. Takes time linear in the text.
    #[must_use]
    pub fn parse(text: &str, limits: &Limits) -> Parsed {
        let (tree, mut diagnostics) = syntax::parse(text, limits);
        let scopes = Scopes::new(&tree);
        // A tree over a limit is only a part of the script, so that checking it would report what is not so.
        let is_whole = !diagnostics.iter().any(|diagnostic| diagnostic.id == syntax::OVER_LIMIT);
        if is_whole {
            diagnostics.extend(check(&tree, &scopes));
        }
        diagnostics.sort_by_key(|diagnostic| (diagnostic.primary.span, diagnostic.id));
        Parsed { tree, scopes, diagnostics }
    }

    /// The instructions.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The folds and `new`s around each instruction, and the fold of each `next`.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// The instructions that set `name` or append to it (outputs of `call`, `ap` and `canon`), in preorder.
    ///
    /// Iterators and `new`s are not among them; those are in [`Script::scopes`].
    #[must_use]
    pub fn definitions(&self, name: Name) -> &[NodeId] {
        let Definitions { nodes, starts } = &self.definitions;
        &nodes[starts[name.index()] as usize..starts[name.index() + 1] as usize]
    }
}

impl Parsed {
    /// The tree; where the text was broken it has [`Instruction::Error`] nodes.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// All findings, sorted by position.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Whether there is an error among the findings.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// The script, if it may be executed; warnings do not count.
    ///
    /// # Errors
    /// [`ScriptInvalid`] with all errors.
    pub fn script(self) -> Result<Arc<Script>, ScriptInvalid> {
        if self.has_errors() {
            let mut diagnostics = self.diagnostics;
            diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
            // Finding a line takes time linear in the text, so a text with very many errors gets the first ones only.
            let shown = diagnostics.len().min(SHOWN_ERRORS);
            let text = render_plain(self.tree.source(), &diagnostics[..shown]);
            return Err(ScriptInvalid { diagnostics, text });
        }
        let definitions = Definitions::new(&self.tree);
        Ok(Arc::new(Script { tree: self.tree, scopes: self.scopes, definitions }))
    }
}

/// The variable that an instruction sets or appends to.
pub(super) fn defined_name(instruction: &Instruction<'_>) -> Option<syntax::VarRef> {
    match *instruction {
        Instruction::Call { output, .. } => output,
        Instruction::Ap { output, .. } => Some(output),
        Instruction::ApMap { map, .. } => Some(map),
        Instruction::Canon { target, .. } => Some(target),
        _ => None,
    }
}

/// Lists of nodes by name, back to back.
#[derive(Debug)]
struct Definitions {
    nodes: Vec<NodeId>,
    /// List `i` is `starts[i]..starts[i + 1]`.
    starts: Vec<u32>,
}

impl Definitions {
    fn new(tree: &Tree) -> Self {
        let mut pairs: Vec<(Name, NodeId)> = tree
            .nodes()
            .filter_map(|node| defined_name(&tree.instruction(node)).map(|output| (output.name, node)))
            .collect();
        pairs.sort_unstable();
        let mut starts = Vec::with_capacity(tree.name_count() + 1);
        for name in 0..=tree.name_count() as u32 {
            starts.push(pairs.partition_point(|&(other, _)| other < Name(name)) as u32);
        }
        Self { nodes: pairs.into_iter().map(|(_, node)| node).collect(), starts }
    }
}
