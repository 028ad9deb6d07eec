//! Lines and indents: which tokens begin a line, and where brackets suspend lines.

use super::kind::SyntaxKind::{self, *};
use super::lexer::Token;

/// A line outside of brackets: it may stretch over several lines of text inside of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// Index of its first token among the significant ones.
    pub(crate) first: usize,
    /// The white space before it, as a range of bytes.
    pub(crate) indent: (u32, u32),
}

/// The significant tokens of a text, in lines.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// Indices of the tokens that are no trivia.
    pub(crate) significant: Vec<usize>,
    /// Offsets of all tokens, and the end of the text behind the last.
    pub(crate) offsets: Vec<u32>,
    /// The lines, in order.
    pub(crate) lines: Vec<Line>,
}

impl Layout {
    pub(crate) fn of(text: &str, tokens: &[Token]) -> Self {
        let mut layout = Self::default();
        let mut offset = 0;
        for (index, token) in tokens.iter().enumerate() {
            layout.offsets.push(offset);
            offset += token.len;
            if !token.kind.is_trivia() {
                layout.significant.push(index);
            }
        }
        layout.offsets.push(offset);
        let view = View { text, tokens, layout: &layout };
        layout.lines = view.lines(&view.closed_brackets());
        layout
    }
}

struct View<'a> {
    text: &'a str,
    tokens: &'a [Token],
    layout: &'a Layout,
}

impl View<'_> {
    /// For each significant token whether it is an opening bracket with a partner. One that is never closed suspends nothing, so
    /// that a forgotten bracket costs one line.
    fn closed_brackets(&self) -> Vec<bool> {
        let significant = &self.layout.significant;
        let mut closed = vec![false; significant.len()];
        let mut open = Vec::new();
        for (at, &token) in significant.iter().enumerate() {
            if !open.is_empty() && self.begins_line(at) && self.surely_outside(at) {
                open.clear();
            }
            match self.tokens[token].kind {
                ParenOpen | BracketOpen => open.push(at),
                ParenClose | BracketClose => {
                    if let Some(opened) = open.pop() {
                        closed[opened] = true;
                    }
                }
                _ => {}
            }
        }
        closed
    }

    fn lines(&self, closed: &[bool]) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        let mut depth = 0usize;
        for (at, &token) in self.layout.significant.iter().enumerate() {
            if depth == 0 && (lines.is_empty() || self.begins_line(at)) {
                lines.push(Line { first: at, indent: self.indent(token) });
            }
            match self.tokens[token].kind {
                ParenOpen | BracketOpen if closed[at] => depth += 1,
                ParenClose | BracketClose => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        lines
    }

    /// Whether only white space stands between this token and the beginning of its line of text.
    fn begins_line(&self, at: usize) -> bool {
        let before = &self.tokens[..self.layout.significant[at]];
        let gap = before.iter().rev().take_while(|token| token.kind.is_trivia());
        gap.clone().any(|token| token.kind == Newline) || gap.count() == before.len()
    }

    fn indent(&self, token: usize) -> (u32, u32) {
        let end = self.layout.offsets[token];
        match token.checked_sub(1).filter(|&before| self.tokens[before].kind == Whitespace) {
            Some(before) => {
                let start = self.layout.offsets[before];
                let text = &self.text[start as usize..end as usize];
                // The byte order mark is white space without width.
                (start + (text.len() - text.trim_start_matches('\u{feff}').len()) as u32, end)
            }
            None => (end, end),
        }
    }

    /// Whether a line of text that begins with this token cannot be inside brackets: no value goes on like this.
    fn surely_outside(&self, at: usize) -> bool {
        let kind = |ahead: usize| self.kind(at + ahead);
        if kind(0) == ArrowLeft {
            return true;
        }
        if kind(0) != Ident && kind(0) != Underscore {
            return false;
        }
        let mut ahead = 1;
        while kind(ahead) == Comma && matches!(kind(ahead + 1), Ident | Underscore) {
            ahead += 2;
        }
        let token = self.layout.significant[at];
        let start = self.layout.offsets[token] as usize;
        let word = &self.text[start..start + self.tokens[token].len as usize];
        match kind(ahead) {
            ArrowLeft | ArrowPush => true,
            Ident | StringLit if ahead == 1 => KEYWORDS.contains(&word),
            Colon if ahead == 1 => {
                matches!(word, "try" | "else" | "otherwise")
                    && self.layout.significant.get(at + 2).is_none_or(|_| self.begins_line(at + 2))
            }
            _ => false,
        }
    }

    fn kind(&self, at: usize) -> SyntaxKind {
        self.layout.significant.get(at).map_or(End, |&token| self.tokens[token].kind)
    }
}

const KEYWORDS: &[&str] = &[
    "aqua", "module", "import", "use", "export", "const", "alias", "data", "ability", "service", "func", "for",
    "parseq", "on", "if", "else", "catch", "par", "co", "join",
];
