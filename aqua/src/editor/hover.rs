//! What a name means, in Markdown.

use rowan::TokenAtOffset;

use super::file;
use crate::check::Checked;
use crate::diagnostic::{FileId, Span};
use crate::index::{Occurrence, SymbolKind};
use crate::syntax::ast;
use crate::syntax::{SyntaxKind, SyntaxNode, parse};

/// How many lines of a declaration are shown.
const LINES: usize = 16;

/// Type, declaration and documentation of the name at a place of the entry file, and the span of that name.
#[must_use]
pub fn hover(checked: &Checked, offset: u32) -> Option<(Span, String)> {
    let found = checked.index.at(FileId(0), offset)?;
    let node = declaration(checked, found.definition);
    let code = code(checked, found, node.as_ref());
    let mut text = format!("```aqua\n{code}\n```");
    if let Some(documentation) = node.as_ref().and_then(ast::documentation) {
        text.push_str("\n\n");
        text.push_str(&documentation);
    }
    if let Some(node) = node.filter(|_| found.kind == SymbolKind::Function) {
        text.push_str(&places(&node));
    }
    Some((found.span, text))
}

fn code(checked: &Checked, found: &Occurrence, node: Option<&SyntaxNode>) -> String {
    let whole = matches!(found.kind, SymbolKind::Type | SymbolKind::Ability | SymbolKind::Service);
    match (whole, node, &found.signature) {
        (true, Some(node), _) => shortened(&node.text().to_string()),
        (_, _, Some(signature)) => signature.to_string(),
        _ if found.kind == SymbolKind::Module => {
            file(checked, found.definition.file).map_or_else(String::new, |file| format!("-- {}", file.path))
        }
        _ => {
            let name = file(checked, found.span.file).and_then(|file| file.text.get(found.span.range()));
            format!("{}: {}", name.unwrap_or_default(), found.ty)
        }
    }
}

fn shortened(text: &str) -> String {
    let mut lines: Vec<&str> = text.trim_end().lines().take(LINES).collect();
    if text.trim_end().lines().count() > LINES {
        lines.push("  ..");
    }
    lines.join("\n")
}

/// The declaration, field or member whose name stands at `definition`.
fn declaration(checked: &Checked, definition: Span) -> Option<SyntaxNode> {
    let source = file(checked, definition.file)?;
    let root = parse(definition.file, &source.text).syntax();
    let token = match root.token_at_offset(definition.start.into()) {
        TokenAtOffset::None => return None,
        TokenAtOffset::Single(token) => token,
        TokenAtOffset::Between(_, token) => token,
    };
    let is_declaration = |kind: SyntaxKind| kind.is_decl() || matches!(kind, SyntaxKind::Field | SyntaxKind::Member);
    let node = token.parent()?;
    is_declaration(node.kind()).then_some(node)
}

/// Where a function runs: the peers of its `on`s.
fn places(func: &SyntaxNode) -> String {
    let ons = func.descendants().filter(|node| matches!(node.kind(), SyntaxKind::OnStmt | SyntaxKind::ParseqStmt));
    let peers: Vec<String> = ons
        .filter_map(|node| {
            let place = if node.kind() == SyntaxKind::OnStmt { 0 } else { 1 };
            ast::children::<ast::Expr>(&node).nth(place)
        })
        .map(|peer| format!("`{}`", ast::AstNode::syntax(&peer).text()))
        .collect();
    match peers.is_empty() {
        true => "\n\nRuns where it is called.".to_string(),
        false => format!("\n\nRuns where it is called, and on {}.", peers.join(", ")),
    }
}
