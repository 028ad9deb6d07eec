//! What stands between two tokens of a line.

use crate::syntax::{SyntaxKind, SyntaxKind::*, SyntaxToken};

/// The white space between two neighbouring tokens. In parts with errors it is left as it is.
pub(super) fn between(left: &SyntaxToken, right: &SyntaxToken) -> &'static str {
    if in_error(left) || in_error(right) {
        return if left.text_range().end() == right.text_range().start() { "" } else { " " };
    }
    if joined(left, right) { "" } else { " " }
}

fn parent(token: &SyntaxToken) -> SyntaxKind {
    token.parent().map_or(Error, |node| node.kind())
}

fn in_error(token: &SyntaxToken) -> bool {
    parent(token) == Error
}

fn joined(left: &SyntaxToken, right: &SyntaxToken) -> bool {
    let (before, after) = (left.kind(), right.kind());
    match (before, after) {
        (ParenOpen | BracketOpen | BraceOpen, _) | (_, ParenClose | BracketClose | BraceClose | Comma | Colon) => {
            return true;
        }
        (Dot, _) | (_, Dot) => return true,
        _ => {}
    }
    let glued_before = match (after, parent(right)) {
        (ParenOpen, ArgList | Params | Service) => true,
        (BracketOpen, IndexExpr) => true,
        (BracketOpen, CollectionExpr) => matches!(before, Question | Star) && parent(left) == CollectionExpr,
        (BraceOpen, Given) => true,
        (BraceOpen, Abilities) => !arrow_abilities(right),
        (Bang, BangExpr) => true,
        (Int, BangExpr) => true,
        (Eq, Const) => before == Question,
        _ => false,
    };
    let glued_after = matches!(
        (before, parent(left)),
        (Question | Star | StarStar | Percent | BracketClose, CollectionType) | (Bang, NotExpr) | (Minus, Literal)
    );
    glued_before || glued_after
}

/// Whether the braces belong to an arrow type: `{Ab} A -> B`.
fn arrow_abilities(token: &SyntaxToken) -> bool {
    token.parent().and_then(|node| node.parent()).is_some_and(|node| node.kind() == ArrowType)
}
