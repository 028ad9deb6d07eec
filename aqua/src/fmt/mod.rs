//! The usual form of a program: [`format()`].
//!
//! Two spaces a level; one blank line between declarations, at most one inside; single spaces around operators and behind commas, none
//! before `:`; brackets broken only where a line would exceed [`WIDTH`] columns. Only white space changes: comments and tokens stay, and
//! parts with errors stay as they are.

mod spacing;
mod wrap;

use crate::diagnostic::{Code, FileId};
use crate::syntax::{self, Layout, Line, SyntaxKind, SyntaxNode, SyntaxToken, lex};

/// How long a line may be before its brackets are broken.
pub const WIDTH: usize = 100;

/// The usual form of `text`. Formatting it again changes nothing.
#[must_use]
pub fn format(text: &str) -> String {
    let parse = syntax::parse(FileId(0), text);
    if text.len() > syntax::MAX_FILE {
        return text.to_string();
    }
    let root = parse.syntax();
    let tokens: Vec<SyntaxToken> = root.descendants_with_tokens().filter_map(rowan::NodeOrToken::into_token).collect();
    let (lexed, _) = lex(text);
    let layout = Layout::of(text, &lexed);
    // Where lines belong to no block, new indents might put them into one.
    let misfit = |code: Code| (Code::INDENT..=Code::TABS).contains(&code);
    let keeps_indents = parse.diagnostics.iter().any(|diagnostic| misfit(diagnostic.code));
    let formatter = Formatter { text, tokens: &tokens, layout: &layout, keeps_indents };
    let formatted = formatter.file();
    // Nothing but white space may change; whatever would be lost, the author's text is worth more.
    match same_tokens(&root, &formatted) {
        true => formatted,
        false => text.to_string(),
    }
}

struct Formatter<'a> {
    text: &'a str,
    tokens: &'a [SyntaxToken],
    layout: &'a Layout,
    keeps_indents: bool,
}

/// What stands on lines of its own, in order.
#[derive(Clone, Copy)]
enum Piece {
    /// A line of code, by its number.
    Code(usize),
    /// A comment, by its token.
    Comment(usize),
}

impl Formatter<'_> {
    fn file(&self) -> String {
        let newline = if self.text.contains("\r\n") { "\r\n" } else { "\n" };
        let pieces = self.pieces();
        let depths = self.depths();
        let mut out = String::new();
        if self.text.starts_with('\u{feff}') {
            out.push('\u{feff}');
        }
        for (index, piece) in pieces.iter().enumerate() {
            if index > 0 && self.blank_before(&pieces, index) {
                out.push_str(newline);
            }
            let indent = self.indent(&pieces, index, &depths);
            match *piece {
                Piece::Comment(token) => {
                    out.push_str(&indent);
                    out.push_str(self.tokens[token].text().trim_end());
                }
                Piece::Code(line) => out.push_str(&self.code(line, &indent, newline)),
            }
            out.push_str(newline);
        }
        out
    }

    /// The tokens of a line, from its first to its last significant one; comments behind it are not among them.
    fn tokens_of(&self, line: usize) -> std::ops::Range<usize> {
        let Line { first, .. } = self.layout.lines[line];
        let next = self.layout.lines.get(line + 1).map_or(self.layout.significant.len(), |next| next.first);
        self.layout.significant[first]..self.layout.significant[next - 1] + 1
    }

    fn pieces(&self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut at = 0;
        for line in 0..self.layout.lines.len() {
            let range = self.tokens_of(line);
            self.comments(at..range.start, line > 0, &mut pieces);
            pieces.push(Piece::Code(line));
            at = range.end;
        }
        self.comments(at..self.tokens.len(), !self.layout.lines.is_empty(), &mut pieces);
        pieces
    }

    /// Comments between two lines of code. One on the first of the lines stands behind code, and belongs to it.
    fn comments(&self, range: std::ops::Range<usize>, behind_code: bool, pieces: &mut Vec<Piece>) {
        let mut own_line = !behind_code;
        for token in range {
            match self.tokens[token].kind() {
                SyntaxKind::Newline => own_line = true,
                SyntaxKind::Comment if own_line => pieces.push(Piece::Comment(token)),
                _ => {}
            }
        }
    }

    /// The comment that stands behind a line of code, with the white space before it.
    fn trailing(&self, line: usize) -> Option<String> {
        let end = self.tokens_of(line).end;
        let mut gap = String::new();
        for token in &self.tokens[end..] {
            match token.kind() {
                SyntaxKind::Whitespace => gap.push_str(token.text()),
                SyntaxKind::Comment if gap.is_empty() => return Some(format!(" {}", token.text().trim_end())),
                SyntaxKind::Comment => return Some(format!("{gap}{}", token.text().trim_end())),
                _ => return None,
            }
        }
        None
    }

    fn code(&self, line: usize, indent: &str, newline: &str) -> String {
        let tokens = &self.tokens[self.tokens_of(line)];
        let mut text = wrap::line(tokens, indent, newline);
        text.push_str(&self.trailing(line).unwrap_or_default());
        text
    }

    fn indent_text(&self, line: usize) -> &str {
        let (start, end) = self.layout.lines[line].indent;
        &self.text[start as usize..end as usize]
    }

    /// How many blocks are open around each line.
    fn depths(&self) -> Vec<usize> {
        let mut open: Vec<&str> = vec![""];
        let mut depths = Vec::new();
        for line in 0..self.layout.lines.len() {
            let indent = self.indent_text(line);
            while open.len() > 1 && open.last().is_some_and(|last| indent.len() < last.len()) {
                open.pop();
            }
            if open.last().is_some_and(|last| indent.len() > last.len()) {
                open.push(indent);
            }
            depths.push(open.len() - 1);
        }
        depths
    }

    fn indent(&self, pieces: &[Piece], index: usize, depths: &[usize]) -> String {
        let depth = match pieces[index] {
            Piece::Code(line) if self.keeps_indents => return self.indent_text(line).to_string(),
            Piece::Code(line) => depths[line],
            Piece::Comment(token) => return self.comment_indent(pieces, index, token, depths),
        };
        "  ".repeat(depth)
    }

    /// A comment belongs to the line above if it is indented as much, else to the one below.
    fn comment_indent(&self, pieces: &[Piece], index: usize, token: usize, depths: &[usize]) -> String {
        let found = token
            .checked_sub(1)
            .map(|before| &self.tokens[before])
            .filter(|before| before.kind() == SyntaxKind::Whitespace);
        let found = found.map_or("", |before| before.text().trim_start_matches('\u{feff}'));
        if self.keeps_indents {
            return found.to_string();
        }
        let code = |piece: &Piece| if let Piece::Code(line) = piece { Some(*line) } else { None };
        let above = pieces[..index].iter().rev().find_map(code);
        let below = pieces[index..].iter().find_map(code);
        let depth = match (above, below) {
            (None, _) => 0,
            (Some(above), below) => {
                let inside = below.filter(|&below| depths[below] > depths[above]);
                match inside {
                    Some(below) => depths[below],
                    None if found.len() >= self.indent_text(above).len() => depths[above],
                    None => self.enclosing(found, above, below, depths),
                }
            }
        };
        "  ".repeat(depth)
    }

    /// The deepest block between two lines that is indented no more than a comment there.
    fn enclosing(&self, found: &str, above: usize, below: Option<usize>, depths: &[usize]) -> usize {
        let least = below.map_or(0, |below| depths[below]);
        let outer =
            (0..above).rev().find(|&line| self.indent_text(line).len() <= found.len() && depths[line] < depths[above]);
        outer.map_or(least, |line| depths[line]).max(least)
    }

    /// Whether a blank line stands before a piece.
    fn blank_before(&self, pieces: &[Piece], index: usize) -> bool {
        let before = match pieces[index - 1] {
            Piece::Code(line) => line,
            // A comment and what follows stay together or apart as they were.
            Piece::Comment(_) => return self.has_blank(pieces, index),
        };
        let code = pieces[index..].iter().position(|piece| matches!(piece, Piece::Code(_)));
        let Some(Piece::Code(line)) = code.map(|at| pieces[index + at]) else { return self.has_blank(pieces, index) };
        let attached = code.is_some_and(|at| (index + 1..=index + at).all(|at| !self.has_blank(pieces, at)));
        if self.begins_declaration(line) && attached && (self.is_inner(before) || self.opens_block(line)) {
            return true;
        }
        self.has_blank(pieces, index) && !self.opens_block(before)
    }

    /// Whether the text has an empty line between a piece and the one before.
    fn has_blank(&self, pieces: &[Piece], index: usize) -> bool {
        let start = match pieces[index - 1] {
            Piece::Code(line) => self.tokens_of(line).end,
            Piece::Comment(token) => token + 1,
        };
        let end = match pieces[index] {
            Piece::Code(line) => self.tokens_of(line).start,
            Piece::Comment(token) => token,
        };
        self.tokens[start..end].iter().filter(|token| token.kind() == SyntaxKind::Newline).count() > 1
    }

    fn begins_declaration(&self, line: usize) -> bool {
        let first = self.tokens_of(line).start;
        let parent = self.tokens[first].parent();
        parent.is_some_and(|node| {
            node.kind().is_decl() && node.text_range().start() == self.tokens[first].text_range().start()
        })
    }

    fn is_inner(&self, line: usize) -> bool {
        !self.indent_text(line).is_empty()
    }

    fn opens_block(&self, line: usize) -> bool {
        self.layout.lines.get(line + 1).is_some() && self.indent_text(line + 1).len() > self.indent_text(line).len()
    }
}

/// Whether `formatted` has the tokens of `tree`, in the same structure.
fn same_tokens(tree: &SyntaxNode, formatted: &str) -> bool {
    let parse = syntax::parse(FileId(0), formatted);
    let shape = |node: &SyntaxNode| {
        let mut shape: Vec<(SyntaxKind, String)> = Vec::new();
        for event in node.preorder_with_tokens() {
            match event {
                rowan::WalkEvent::Enter(rowan::NodeOrToken::Token(token)) if !token.kind().is_trivia() => {
                    shape.push((token.kind(), token.text().to_string()));
                }
                rowan::WalkEvent::Enter(rowan::NodeOrToken::Token(token)) if token.kind() == SyntaxKind::Comment => {
                    shape.push((token.kind(), token.text().trim_end().to_string()));
                }
                rowan::WalkEvent::Enter(rowan::NodeOrToken::Node(node)) => shape.push((node.kind(), String::new())),
                rowan::WalkEvent::Leave(rowan::NodeOrToken::Node(node)) => shape.push((node.kind(), "end".to_string())),
                _ => {}
            }
        }
        // Comments at the end of a block may be counted to the block or to what follows it.
        let comments: Vec<_> = shape.extract_if(.., |(kind, _)| *kind == SyntaxKind::Comment).collect();
        (shape, comments)
    };
    shape(tree) == shape(&parse.syntax())
}
