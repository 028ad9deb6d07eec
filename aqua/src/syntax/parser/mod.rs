//! Tokens to tree. Never fails: what cannot be understood becomes an [`Error`] node up to the end of its line.
//!
//! Recursion is bounded by [`MAX_DEPTH`] levels of blocks, values and types together.

mod block;
mod decl;
mod expr;
mod stmt;
mod types;

use rowan::{Checkpoint, GreenNode, GreenNodeBuilder, Language};

use super::kind::{Aqua, SyntaxKind, SyntaxKind::*};
use super::layout::Layout;
use super::lexer::{LexError, Token, lex};
use crate::diagnostic::{Code, Diagnostic, FileId, Span};

/// How deep blocks, values and types may nest.
pub const MAX_DEPTH: u32 = 256;

/// How long a file may be, in bytes.
pub const MAX_FILE: usize = 4 << 20;

/// Parses a whole file. The tree holds every character of `text`.
pub(crate) fn parse(file: FileId, text: &str) -> (GreenNode, Vec<Diagnostic>) {
    if text.len() > MAX_FILE {
        return too_long(file, text);
    }
    let (tokens, lexical) = lex(text);
    let layout = Layout::of(text, &tokens);
    let mut parser = Parser::new(file, text, &tokens, &layout);
    parser.file();
    let errors = parser.merged_errors(lexical);
    (parser.builder.finish(), errors)
}

fn too_long(file: FileId, text: &str) -> (GreenNode, Vec<Diagnostic>) {
    let mut builder = GreenNodeBuilder::new();
    builder.start_node(Aqua::kind_to_raw(File));
    builder.token(Aqua::kind_to_raw(Unknown), text);
    builder.finish_node();
    let message = format!("this file has {} bytes; {MAX_FILE} are allowed", text.len());
    let diagnostic = Diagnostic::new(Code::TOO_BIG, Span::new(file, 0, 0), message).help("split it into modules");
    (builder.finish(), vec![diagnostic])
}

struct Parser<'a> {
    file: FileId,
    text: &'a str,
    tokens: &'a [Token],
    layout: &'a Layout,
    builder: GreenNodeBuilder<'static>,
    /// The next token that goes into the tree.
    next_token: usize,
    /// The current significant token.
    pos: usize,
    /// The current line, and where it ends.
    line: usize,
    line_end: usize,
    /// The open blocks, outermost first.
    blocks: Vec<OpenBlock<'a>>,
    /// Whether the current statement is the first of its block.
    first: bool,
    /// What the function around promises to return, and where it did.
    promised: &'a str,
    returned: Option<usize>,
    depth: u32,
    /// Errors with the line they are in.
    errors: Vec<(usize, Diagnostic)>,
}

/// A block whose lines are being read.
#[derive(Clone, Copy)]
struct OpenBlock<'a> {
    indent: &'a str,
    /// What opened it, in a word, and the line where it did.
    owner: &'static str,
    opener: usize,
}

impl<'a> Parser<'a> {
    fn new(file: FileId, text: &'a str, tokens: &'a [Token], layout: &'a Layout) -> Self {
        let mut parser = Self {
            file,
            text,
            tokens,
            layout,
            builder: GreenNodeBuilder::new(),
            next_token: 0,
            pos: 0,
            line: 0,
            line_end: 0,
            blocks: Vec::new(),
            first: false,
            promised: "",
            returned: None,
            depth: 0,
            errors: Vec::new(),
        };
        parser.set_line(0);
        parser
    }

    fn set_line(&mut self, line: usize) {
        self.line = line;
        let lines = &self.layout.lines;
        self.line_end = lines.get(line + 1).map_or(self.layout.significant.len(), |next| next.first);
    }

    // Looking.

    /// The kind of the token `ahead` of the current one, [`End`] behind the end of the line.
    fn nth(&self, ahead: usize) -> SyntaxKind {
        match self.pos + ahead < self.line_end {
            true => self.tokens[self.layout.significant[self.pos + ahead]].kind,
            false => End,
        }
    }

    fn at(&self, kind: SyntaxKind) -> bool {
        self.nth(0) == kind
    }

    fn nth_text(&self, ahead: usize) -> &'a str {
        match self.pos + ahead < self.line_end {
            true => &self.text[self.token_span(self.pos + ahead).range()],
            false => "",
        }
    }

    fn at_word(&self, word: &str) -> bool {
        self.at(Ident) && self.nth_text(0) == word
    }

    /// Whether the token `ahead` follows the one before it without anything between.
    fn adjacent(&self, ahead: usize) -> bool {
        let at = self.pos + ahead;
        at > 0 && at < self.line_end && self.layout.significant[at] == self.layout.significant[at - 1] + 1
    }

    fn at_line_end(&self) -> bool {
        self.pos >= self.line_end
    }

    fn token_span(&self, at: usize) -> Span {
        let token = self.layout.significant[at];
        Span::new(self.file, self.layout.offsets[token], self.layout.offsets[token + 1])
    }

    /// The current token, or the place behind the last one of the line.
    fn here(&self) -> Span {
        match self.at_line_end() {
            false => self.token_span(self.pos),
            true => {
                let end = self.line_end.checked_sub(1).map_or(0, |last| self.token_span(last).end);
                Span::new(self.file, end, end)
            }
        }
    }

    fn indent_of(&self, line: usize) -> &'a str {
        let (start, end) = self.layout.lines[line].indent;
        &self.text[start as usize..end as usize]
    }

    // Building.

    /// Writes white space and comments before the current token, so that the next node begins with the token itself.
    fn trivia(&mut self) {
        let until = self.layout.significant.get(self.pos).copied().unwrap_or(self.tokens.len());
        while self.next_token < until {
            self.raw_token();
        }
    }

    fn raw_token(&mut self) {
        let (start, end) = (self.layout.offsets[self.next_token], self.layout.offsets[self.next_token + 1]);
        let kind = self.tokens[self.next_token].kind;
        self.builder.token(Aqua::kind_to_raw(kind), &self.text[start as usize..end as usize]);
        self.next_token += 1;
    }

    fn bump(&mut self) {
        if !self.at_line_end() {
            self.trivia();
            self.raw_token();
            self.pos += 1;
        }
    }

    fn eat(&mut self, kind: SyntaxKind) -> bool {
        let found = self.at(kind);
        if found {
            self.bump();
        }
        found
    }

    fn start(&mut self, kind: SyntaxKind) {
        self.trivia();
        self.builder.start_node(Aqua::kind_to_raw(kind));
    }

    fn checkpoint(&mut self) -> Checkpoint {
        self.trivia();
        self.builder.checkpoint()
    }

    fn start_at(&mut self, checkpoint: Checkpoint, kind: SyntaxKind) {
        self.builder.start_node_at(checkpoint, Aqua::kind_to_raw(kind));
    }

    fn finish(&mut self) {
        self.builder.finish_node();
    }

    /// Goes one level deeper. If that is too deep, gives up the line and returns false; otherwise [`Self::leave`] must follow.
    fn enter(&mut self) -> bool {
        if self.depth >= MAX_DEPTH {
            let message = format!("this is nested more than {MAX_DEPTH} levels deep");
            self.error(
                Diagnostic::new(Code::TOO_BIG, self.here(), message)
                    .help("name parts of it, or move them into functions"),
            );
            self.skip_line();
            return false;
        }
        self.depth += 1;
        true
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    // Errors.

    fn error(&mut self, diagnostic: Diagnostic) {
        self.errors.push((self.line, diagnostic));
    }

    /// Says what was expected instead of the current token, and gives up the rest of the line.
    fn unexpected(&mut self, expected: &str) {
        let span = self.here();
        let found = match self.nth(0) {
            End => "the end of the line".to_string(),
            StringLit => "a string".to_string(),
            _ => format!("`{}`", self.nth_text(0)),
        };
        let mut diagnostic = Diagnostic::new(Code::UNEXPECTED, span, format!("expected {expected}, found {found}"));
        let before = self.pos.checked_sub(1).map(|at| self.tokens[self.layout.significant[at]].kind);
        if before == Some(StringLit) && self.adjacent(0) && matches!(self.nth(0), Ident | StringLit | Int | Unknown) {
            diagnostic = diagnostic.at("the string ended at the quote before").help(
                "Aqua strings have no escapes and cannot hold `\"`: take the text as an argument of the function",
            );
        }
        self.error(diagnostic);
        self.skip_line();
    }

    fn expect(&mut self, kind: SyntaxKind, expected: &str) -> bool {
        let found = self.eat(kind);
        if !found {
            self.unexpected(expected);
        }
        found
    }

    /// Puts the rest of the line into an error node.
    fn skip_line(&mut self) {
        if self.at_line_end() {
            return;
        }
        self.start(Error);
        while !self.at_line_end() {
            self.bump();
        }
        self.finish();
    }

    /// Lexical and grammatical errors in order. Behind the first grammatical one in a line nothing more is said about that line, and
    /// neither where a character that belongs nowhere is already the reason.
    fn merged_errors(&mut self, lexical: Vec<LexError>) -> Vec<Diagnostic> {
        let mut lexical: Vec<(usize, Diagnostic)> = lexical.into_iter().map(|error| self.lexical(error)).collect();
        let mut found = std::mem::take(&mut self.errors);
        found.sort_by_key(|(line, error)| (*line, error.primary.span.start));
        let structural = |error: &Diagnostic| !matches!(error.code, Code::UNEXPECTED | Code::TOO_BIG);
        let mut broken: Option<usize> = None;
        let mut kept = Vec::new();
        for (line, error) in found {
            let at = error.primary.span.start;
            if broken == Some(line) {
                continue;
            }
            if !structural(&error) {
                broken = Some(line);
                let reason = |other: &(usize, Diagnostic)| {
                    other.0 == line
                        && other.1.primary.span.start <= at
                        && matches!(other.1.code, Code::CHARACTER | Code::STRING_OPEN)
                };
                let explained = lexical.iter().any(reason);
                lexical.retain(|(other, lexed)| *other != line || lexed.primary.span.start <= at);
                if explained {
                    continue;
                }
            }
            kept.push(error);
        }
        kept.extend(lexical.into_iter().map(|(_, error)| error));
        kept.sort_by_key(|error| error.primary.span.start);
        kept
    }

    fn lexical(&self, error: LexError) -> (usize, Diagnostic) {
        let significant = self.layout.significant.partition_point(|&token| token < error.token);
        let line = self.layout.lines.partition_point(|line| line.first <= significant).saturating_sub(1);
        let span = Span::new(self.file, self.layout.offsets[error.token], self.layout.offsets[error.token + 1]);
        let mut diagnostic = Diagnostic::new(error.code, span, error.message);
        diagnostic.help = error.help;
        (line, diagnostic)
    }

    // Pieces that several rules share.

    /// `open item, item close`, free of layout, a comma at the end allowed.
    fn comma_list(&mut self, close: SyntaxKind, what: &str, item: fn(&mut Self)) {
        while !self.at(close) && !self.at_line_end() {
            item(self);
            if !self.at(close) && !self.eat(Comma) {
                let closing = if close == ParenClose {
                    "`)`"
                } else if close == BracketClose {
                    "`]`"
                } else {
                    "`}`"
                };
                self.unexpected(&format!("`,` or {closing} after {what}"));
                return;
            }
        }
        self.expect(close, "the closing bracket");
    }

    /// `name.name.name`
    fn path(&mut self, expected: &str) -> bool {
        if !self.at(Ident) {
            self.unexpected(expected);
            return false;
        }
        self.start(Path);
        self.bump();
        while self.at(Dot) && self.nth(1) == Ident {
            self.bump();
            self.bump();
        }
        self.finish();
        true
    }

    /// The name that a declaration gives.
    fn name(&mut self, case: Case, what: &str) -> bool {
        if !self.at(Ident) {
            self.unexpected(&format!("the name of {what}"));
            return false;
        }
        self.check_case(case, what);
        self.bump();
        true
    }

    fn check_case(&mut self, case: Case, what: &str) {
        let name = self.nth_text(0);
        let (fits, wanted, better) = match case {
            Case::Lower => {
                (name.starts_with(|c: char| c.is_ascii_lowercase()), "begins with a lower-case letter", lower(name))
            }
            Case::Upper => {
                (name.starts_with(|c: char| c.is_ascii_uppercase()), "begins with an upper-case letter", upper(name))
            }
            Case::Const => {
                let fits = name.starts_with(|c: char| c.is_ascii_uppercase())
                    && !name.contains(|c: char| c.is_ascii_lowercase());
                (fits, "is in capitals", name.to_ascii_uppercase())
            }
        };
        // Names with a leading `_` have their own error.
        if !fits && !name.starts_with('_') {
            let message = format!("the name of {what} {wanted}: `{name}` does not");
            self.error(Diagnostic::new(Code::NAME_CASE, self.here(), message).help(format!("write `{better}`")));
        }
    }
}

/// How a name must begin.
#[derive(Clone, Copy)]
enum Case {
    Lower,
    Upper,
    Const,
}

fn lower(name: &str) -> String {
    name[..1].to_ascii_lowercase() + &name[1..]
}

fn upper(name: &str) -> String {
    name[..1].to_ascii_uppercase() + &name[1..]
}
