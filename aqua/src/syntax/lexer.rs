//! Text to tokens. Every character is in exactly one token, so that the tokens' texts together are the text.

use super::kind::SyntaxKind::{self, *};
use crate::diagnostic::Code;

/// A token: its kind and how many bytes it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Token {
    pub(crate) kind: SyntaxKind,
    pub(crate) len: u32,
}

/// Something wrong with one token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LexError {
    pub(crate) token: usize,
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// Splits `text` into tokens.
pub(crate) fn lex(text: &str) -> (Vec<Token>, Vec<LexError>) {
    let mut lexer = Lexer { rest: text, tokens: Vec::with_capacity(text.len() / 3), errors: Vec::new() };
    while let Some(first) = lexer.rest.chars().next() {
        let (kind, len) = lexer.next(first);
        lexer.rest = &lexer.rest[len..];
        lexer.tokens.push(Token { kind, len: len as u32 });
    }
    (lexer.tokens, lexer.errors)
}

/// Longest first, so that the first that fits is the right one.
const PUNCTUATION: &[(&str, SyntaxKind)] = &[
    ("%init_peer_id%", InitPeer),
    // The spelling of the first examples ever printed.
    ("%init_peer%", InitPeer),
    ("<<-", ArrowPush),
    ("<-", ArrowLeft),
    ("<=", LessEq),
    (">=", GreaterEq),
    ("->", ArrowRight),
    ("==", EqEq),
    ("&&", AndAnd),
    ("||", OrOr),
    ("**", StarStar),
    ("(", ParenOpen),
    (")", ParenClose),
    ("[", BracketOpen),
    ("]", BracketClose),
    ("{", BraceOpen),
    ("}", BraceClose),
    (",", Comma),
    (".", Dot),
    (":", Colon),
    ("?", Question),
    ("=", Eq),
    ("<", Less),
    (">", Greater),
    ("+", Plus),
    ("-", Minus),
    ("*", Star),
    ("/", Slash),
    ("%", Percent),
    ("⊤", Top),
    ("⊥", Bottom),
];

struct Lexer<'a> {
    rest: &'a str,
    tokens: Vec<Token>,
    errors: Vec<LexError>,
}

impl Lexer<'_> {
    fn next(&mut self, first: char) -> (SyntaxKind, usize) {
        match first {
            ' ' | '\t' => (Whitespace, self.count(|c| c == ' ' || c == '\t')),
            '\u{feff}' if self.tokens.is_empty() => (Whitespace, first.len_utf8()),
            '\n' => (Newline, 1),
            '\r' if self.rest.starts_with("\r\n") => (Newline, 2),
            '-' if self.rest.starts_with("--") => (Comment, self.comment()),
            '"' => self.string(),
            '0'..='9' => self.number(),
            'a'..='z' | 'A'..='Z' => (Ident, self.count(|c| c.is_ascii_alphanumeric() || c == '_')),
            '_' => self.underscore(),
            '!' => self.bang(),
            _ => self.punctuation(first),
        }
    }

    fn punctuation(&mut self, first: char) -> (SyntaxKind, usize) {
        if let Some((text, kind)) = PUNCTUATION.iter().find(|(text, _)| self.rest.starts_with(text)) {
            return (*kind, text.len());
        }
        let code = Code::CHARACTER;
        let shown = if first.is_control() { first.escape_default().to_string() } else { first.to_string() };
        let help = match first {
            '\'' => Some("strings stand in double quotes: `\"`"),
            '#' => Some("comments begin with `--`"),
            '&' => Some("the operator is `&&`"),
            '|' => Some("the operator is `||`"),
            ';' => Some("a statement ends with its line"),
            '\u{201c}' | '\u{201d}' => Some("strings stand in straight quotes: `\"`"),
            _ => None,
        };
        self.error(code, format!("`{shown}` is no character of Aqua"), help);
        (Unknown, first.len_utf8())
    }

    /// `!=` is one token unless another `=` follows: `a!=="x"` compares `a!` with `"x"`.
    fn bang(&self) -> (SyntaxKind, usize) {
        match self.rest.starts_with("!=") && !self.rest.starts_with("!==") {
            true => (NotEq, 2),
            false => (Bang, 1),
        }
    }

    /// To the end of the line, which stays outside; so does the `\r` of `\r\n`.
    fn comment(&self) -> usize {
        let line = self.rest.find('\n').map_or(self.rest, |end| &self.rest[..end]);
        line.strip_suffix('\r').filter(|_| line.len() < self.rest.len()).unwrap_or(line).len()
    }

    fn string(&mut self) -> (SyntaxKind, usize) {
        let close = self.rest[1..].find('"').map(|at| at + 2);
        let line = self.rest.find(['\r', '\n']).unwrap_or(self.rest.len());
        match close {
            // A string over several lines with a word right behind it is one whose quote was forgotten: no program has that.
            Some(len) if len > line && self.rest[len..].starts_with(|c: char| c.is_ascii_alphanumeric()) => {}
            Some(len) => return (StringLit, len),
            None => {}
        }
        // Without a closing quote the string ends with its line, so that only this line is lost.
        let len = line;
        self.error(Code::STRING_OPEN, "this string is not closed".into(), Some("close it with `\"`"));
        (StringLit, len)
    }

    fn number(&mut self) -> (SyntaxKind, usize) {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (mut len, mut kind) = (digits(self.rest), Int);
        let leading = self.rest.starts_with('0') && len > 1;
        if self.rest[len..].starts_with('.') && self.rest[len + 1..].starts_with(|c: char| c.is_ascii_digit()) {
            len += 1 + digits(&self.rest[len + 1..]);
            kind = Float;
        }
        let tail = self.rest[len..].bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        let text = &self.rest[..len + tail];
        if tail > 0 {
            let help = Some("numbers have decimal digits only: no hex, exponent or `_`");
            self.error(Code::NUMBER, format!("`{text}` is no number"), help);
        } else if leading {
            let help = format!("write `{}`", strip_zeros(text));
            self.error(Code::NUMBER, format!("`{text}` begins with a zero"), Some(&help));
        }
        (kind, len + tail)
    }

    fn underscore(&mut self) -> (SyntaxKind, usize) {
        let len = self.count(|c| c.is_ascii_alphanumeric() || c == '_');
        if len == 1 {
            return (Underscore, 1);
        }
        let text = &self.rest[..len];
        let help = format!("write `{}`", text.trim_start_matches('_'));
        self.error(Code::CHARACTER, format!("`{text}` begins with `_`; no name does"), Some(&help));
        (Ident, len)
    }

    fn count(&self, accept: impl Fn(char) -> bool) -> usize {
        self.rest.find(|c| !accept(c)).unwrap_or(self.rest.len())
    }

    fn error(&mut self, code: Code, message: String, help: Option<&str>) {
        let token = self.tokens.len();
        self.errors.push(LexError { token, code, message, help: help.map(str::to_string) });
    }
}

fn strip_zeros(text: &str) -> &str {
    let stripped = text.trim_start_matches('0');
    match stripped.starts_with(|c: char| c.is_ascii_digit()) {
        true => stripped,
        false => &text[text.len() - stripped.len() - 1..],
    }
}
