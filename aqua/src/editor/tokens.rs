//! What each word of a file is, for colours.

use std::collections::HashMap;

use crate::check::Checked;
use crate::diagnostic::{FileId, Span};
use crate::index::SymbolKind;
use crate::resolve::token_span;
use crate::syntax::{SyntaxKind, SyntaxToken, parse};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A word of the language.
    Keyword,
    /// From `--` to the end of the line.
    Comment,
    /// May go over several lines.
    String,
    /// Also `true`, `false`, `nil`.
    Literal,
    /// What stands between operands, and arrows.
    Operator,
    /// A type that the language has.
    Scalar,
    /// A name with a meaning.
    Name(SymbolKind),
}

const KEYWORDS: &[&str] = &[
    "aqua",
    "module",
    "declares",
    "import",
    "use",
    "export",
    "as",
    "from",
    "const",
    "alias",
    "data",
    "ability",
    "service",
    "func",
    "for",
    "par",
    "try",
    "rec",
    "parseq",
    "on",
    "via",
    "if",
    "else",
    "catch",
    "otherwise",
    "co",
    "join",
    "copy",
];
const CONSTANTS: &[&str] = &["HOST_PEER_ID", "INIT_PEER_ID", "PARTICLE_TTL", "PARTICLE_TIMESTAMP", "LAST_ERROR"];

/// The tokens of the entry file, whose text is `text`, in order. Names that mean nothing are left out, so is punctuation.
#[must_use]
pub fn tokens(checked: &Checked, text: &str) -> Vec<(Span, TokenKind)> {
    let file = FileId(0);
    let own = checked.index.occurrences.iter().filter(|found| found.span.file == file);
    let names: HashMap<u32, SymbolKind> = own.map(|found| (found.span.start, found.kind)).collect();
    let root = parse(file, text).syntax();
    let tokens = root.descendants_with_tokens().filter_map(rowan::NodeOrToken::into_token);
    tokens
        .filter_map(|token| {
            let span = token_span(file, &token);
            Some((span, kind(&token, names.get(&span.start).copied())?))
        })
        .collect()
}

fn kind(token: &SyntaxToken, name: Option<SymbolKind>) -> Option<TokenKind> {
    match token.kind() {
        SyntaxKind::Comment => Some(TokenKind::Comment),
        SyntaxKind::StringLit => Some(TokenKind::String),
        SyntaxKind::Int | SyntaxKind::Float => Some(TokenKind::Literal),
        SyntaxKind::InitPeer => Some(TokenKind::Name(SymbolKind::Const)),
        SyntaxKind::Top | SyntaxKind::Bottom => Some(TokenKind::Scalar),
        SyntaxKind::Ident => name.map(TokenKind::Name).or_else(|| word(token)),
        kind if (SyntaxKind::Question..=SyntaxKind::ArrowRight).contains(&kind) => Some(TokenKind::Operator),
        _ => None,
    }
}

/// A word that names nothing of the program.
fn word(token: &SyntaxToken) -> Option<TokenKind> {
    let (text, node) = (token.text(), token.parent()?);
    let parent = node.kind();
    let is_type =
        parent.is_type() || node.parent().is_some_and(|outer| parent == SyntaxKind::Path && outer.kind().is_type());
    if matches!(text, "true" | "false" | "nil") {
        Some(TokenKind::Literal)
    } else if CONSTANTS.contains(&text) {
        Some(TokenKind::Name(SymbolKind::Const))
    } else if is_type {
        Some(TokenKind::Scalar)
    } else {
        // Names of the program were found above, so that `on` as a name does not come here.
        (KEYWORDS.contains(&text) && !matches!(parent, SyntaxKind::NameExpr | SyntaxKind::Path))
            .then_some(TokenKind::Keyword)
    }
}
