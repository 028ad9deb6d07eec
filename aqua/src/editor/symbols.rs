//! The outline of a file.

use crate::diagnostic::{FileId, Span};
use crate::index::SymbolKind;
use crate::resolve::{span_of, token_span};
use crate::syntax::{SyntaxKind, SyntaxNode, ast, parse};

/// A declaration of a file, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: SymbolKind,
    /// The whole of it.
    pub span: Span,
    /// Its name in the text.
    pub name_span: Span,
    /// Fields and members.
    pub children: Vec<Symbol>,
}

/// The declarations of a text, in order.
#[must_use]
pub fn symbols(text: &str) -> Vec<Symbol> {
    let file = FileId(0);
    let root = parse(file, text).syntax();
    root.children().filter(|node| node.kind().is_decl()).filter_map(|node| symbol(file, &node)).collect()
}

fn symbol(file: FileId, node: &SyntaxNode) -> Option<Symbol> {
    let kind = match node.kind() {
        SyntaxKind::Const => SymbolKind::Const,
        SyntaxKind::Alias | SyntaxKind::Data => SymbolKind::Type,
        SyntaxKind::Ability => SymbolKind::Ability,
        SyntaxKind::Service => SymbolKind::Service,
        SyntaxKind::Func => SymbolKind::Function,
        SyntaxKind::Field => SymbolKind::Field,
        SyntaxKind::Member => SymbolKind::Method,
        _ => return None,
    };
    // Declarations begin with their keyword.
    let name = ast::words(node).nth(usize::from(node.kind().is_decl()))?;
    let block = ast::child::<ast::Block>(node).filter(|_| node.kind() != SyntaxKind::Func);
    let children =
        block.iter().flat_map(|block| ast::AstNode::syntax(block).children()).filter_map(|child| symbol(file, &child));
    let children = children.collect();
    Some(Symbol {
        name: name.text().to_string(),
        kind,
        span: span_of(file, node),
        name_span: token_span(file, &name),
        children,
    })
}
