//! One line of code: on one line of text if it fits, else with broken brackets.

use super::WIDTH;
use super::spacing::between;
use crate::syntax::{SyntaxKind, SyntaxToken};

/// The text of a line of code whose tokens these are, trivia included.
pub(super) fn line(tokens: &[SyntaxToken], indent: &str, newline: &str) -> String {
    // With comments between its parts, the author has laid out the line.
    if tokens.iter().any(|token| token.kind() == SyntaxKind::Comment) {
        return as_broken(tokens, indent, newline);
    }
    let significant: Vec<&SyntaxToken> = tokens.iter().filter(|token| !token.kind().is_trivia()).collect();
    fitted(&significant, indent, newline, indent.chars().count())
}

/// All tokens on one line, or broken at the widest brackets. `column` is where the first one stands.
fn fitted(tokens: &[&SyntaxToken], indent: &str, newline: &str, column: usize) -> String {
    let lead = " ".repeat(column.saturating_sub(indent.chars().count()));
    let flat = flat(tokens);
    let whole = format!("{indent}{lead}{flat}");
    if whole.chars().count() <= WIDTH {
        return whole;
    }
    let Some((open, close)) = widest(tokens) else { return whole };
    let inner = format!("{indent}  ");
    let mut out = format!("{indent}{}", self::flat(&tokens[..=open]));
    for element in elements(&tokens[open + 1..close]) {
        out.push_str(newline);
        out.push_str(&fitted(element, &inner, newline, inner.chars().count()));
    }
    out.push_str(newline);
    out.push_str(indent);
    out.push_str(&self::flat(&tokens[close..]));
    out
}

fn flat(tokens: &[&SyntaxToken]) -> String {
    let mut out = String::new();
    for (index, token) in tokens.iter().enumerate() {
        if index > 0 {
            out.push_str(between(tokens[index - 1], token));
        }
        out.push_str(token.text());
    }
    out
}

/// The outermost brackets with the most tokens between them.
fn widest(tokens: &[&SyntaxToken]) -> Option<(usize, usize)> {
    let mut open = Vec::new();
    let mut best: Option<(usize, usize)> = None;
    for (at, token) in tokens.iter().enumerate() {
        match token.kind() {
            SyntaxKind::ParenOpen | SyntaxKind::BracketOpen => open.push(at),
            SyntaxKind::ParenClose | SyntaxKind::BracketClose => {
                let from = open.pop()?;
                let wider = best.is_none_or(|(start, end)| at - from > end - start);
                if open.is_empty() && at > from + 1 && wider {
                    best = Some((from, at));
                }
            }
            _ => {}
        }
    }
    best.filter(|_| open.is_empty())
}

/// The parts between the outermost commas, each with its comma. In a list of arguments a comma may also go on with an arrow type, which
/// stays on one line.
fn elements<'a, 'b>(tokens: &'a [&'b SyntaxToken]) -> Vec<&'a [&'b SyntaxToken]> {
    let mut depth = 0usize;
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.kind() {
            SyntaxKind::ParenOpen | SyntaxKind::BracketOpen | SyntaxKind::BraceOpen => depth += 1,
            SyntaxKind::ParenClose | SyntaxKind::BracketClose | SyntaxKind::BraceClose => {
                depth = depth.saturating_sub(1)
            }
            SyntaxKind::Comma if depth == 0 && !in_arrow(token) => {
                parts.push(&tokens[start..=at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if start < tokens.len() {
        parts.push(&tokens[start..]);
    }
    parts
}

fn in_arrow(token: &SyntaxToken) -> bool {
    token.parent().is_some_and(|node| matches!(node.kind(), SyntaxKind::ArrowType | SyntaxKind::Results))
}

/// The lines as the author broke them, indented by how many brackets are open.
fn as_broken(tokens: &[SyntaxToken], indent: &str, newline: &str) -> String {
    let mut out = String::from(indent);
    let mut depth = 0usize;
    let mut last: Option<&SyntaxToken> = None;
    let mut fresh = false;
    for token in tokens {
        match token.kind() {
            SyntaxKind::Newline => {
                fresh = true;
                continue;
            }
            SyntaxKind::Whitespace => continue,
            SyntaxKind::ParenClose | SyntaxKind::BracketClose => depth = depth.saturating_sub(1),
            _ => {}
        }
        if std::mem::take(&mut fresh) {
            out.push_str(newline);
            out.push_str(indent);
            out.push_str(&"  ".repeat(depth));
        } else if let Some(last) = last {
            out.push_str(if token.kind() == SyntaxKind::Comment { " " } else { between(last, token) });
        }
        out.push_str(token.text().trim_end());
        if matches!(token.kind(), SyntaxKind::ParenOpen | SyntaxKind::BracketOpen) {
            depth += 1;
        }
        last = Some(token);
    }
    out
}
