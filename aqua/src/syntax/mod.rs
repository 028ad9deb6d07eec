//! Text to a lossless tree that tolerates errors.
//!
//! [`parse`] never fails. Its tree holds every character of the text in order, and typed views of it are in [`ast`]. The grammar is that
//! of the Aqua language; words are not reserved, layout is by indent, and inside of brackets lines are free.

pub mod ast;
mod kind;
mod layout;
mod lexer;
mod parser;

pub use kind::{Aqua, SyntaxKind, SyntaxNode, SyntaxToken};
pub(crate) use layout::{Layout, Line};
pub(crate) use lexer::lex;
pub use parser::{MAX_DEPTH, MAX_FILE};

use crate::diagnostic::{Diagnostic, FileId};

/// A parsed file.
#[derive(Clone, Debug)]
pub struct Parse {
    green: rowan::GreenNode,
    /// What is wrong with the text, in order.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses `text`; spans of diagnostics are in `file`.
#[must_use]
pub fn parse(file: FileId, text: &str) -> Parse {
    let (green, diagnostics) = parser::parse(file, text);
    Parse { green, diagnostics }
}

impl Parse {
    /// The root of the tree, of kind [`SyntaxKind::File`].
    #[must_use]
    pub fn syntax(&self) -> SyntaxNode {
        SyntaxNode::new_root(self.green.clone())
    }
}
