//! [`Tokens`]: the text as parentheses, brackets, strings, words and comments.
//!
//! What a word means (name, number, keyword) is for [`word`](super::word) to tell. White space is skipped; together with it the
//! spans cover the whole text.

use super::instruction::Span;

/// A piece of the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it is.
    pub span: Span,
}

/// The kinds of [`Token`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenKind {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[` outside of a lens.
    OpenBracket,
    /// `]` outside of a lens.
    CloseBracket,
    /// A string literal, quotes included.
    String,
    /// A string literal without closing quote; the last token but the end.
    UnclosedString,
    /// A name with its lens, a number or a keyword, well-formed or not.
    Word,
    /// From `;` to before the end of the line.
    Comment,
    /// The end of the text.
    End,
}

/// The tokens of a text, up to and including [`TokenKind::End`].
#[derive(Clone, Debug)]
pub struct Tokens<'a> {
    source: &'a str,
    position: usize,
    ended: bool,
}

impl<'a> Tokens<'a> {
    /// Starts at the beginning of `source`, after a byte order mark if there is one.
    ///
    /// Spans are 32 bit: of a longer text only the first 2^32 - 1 bytes are looked at, see
    /// [`Limits::script_bytes`](crate::Limits::script_bytes).
    #[must_use]
    pub fn new(source: &'a str) -> Self {
        let position = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { source, position, ended: false }
    }

    /// The next token; at the end, [`TokenKind::End`] for ever.
    pub fn next_token(&mut self) -> Token {
        self.skip_space();
        let start = self.position;
        let kind = self.scan();
        Token { kind, span: Span::new(start as u32, self.position as u32) }
    }

    fn scan(&mut self) -> TokenKind {
        let bytes = self.source.as_bytes();
        let Some(&first) = bytes.get(self.position) else { return TokenKind::End };
        self.position += 1;
        match first {
            b'(' => TokenKind::Open,
            b')' => TokenKind::Close,
            b'[' => TokenKind::OpenBracket,
            b']' => TokenKind::CloseBracket,
            b'"' => self.scan_until(b'"', TokenKind::String, TokenKind::UnclosedString, 1),
            b';' => self.scan_until(b'\n', TokenKind::Comment, TokenKind::Comment, 0),
            _ => {
                self.position -= 1;
                self.scan_word();
                TokenKind::Word
            }
        }
    }

    /// Goes on to `end` and `past` bytes further.
    fn scan_until(&mut self, end: u8, found: TokenKind, missing: TokenKind, past: usize) -> TokenKind {
        match self.source[self.position..].find(end as char) {
            Some(length) => {
                self.position += length + past;
                found
            }
            None => {
                self.position = self.source.len();
                missing
            }
        }
    }

    fn skip_space(&mut self) {
        let bytes = self.source.as_bytes();
        while let Some(&byte) = bytes.get(self.position) {
            match CLASSES[usize::from(byte)] {
                Class::Space => self.position += 1,
                Class::Beyond => match self.char() {
                    Some(char) if char.is_whitespace() => self.position += char.len_utf8(),
                    _ => return,
                },
                _ => return,
            }
        }
    }

    /// Goes on to the end of a word. Brackets belong to it from the first `.$` on.
    fn scan_word(&mut self) {
        let bytes = self.source.as_bytes();
        let start = self.position;
        let mut in_lens = false;
        let mut in_bracket = false;
        while let Some(&byte) = bytes.get(self.position) {
            match CLASSES[usize::from(byte)] {
                Class::Word => {
                    if byte == b'$' && self.position > start && bytes[self.position - 1] == b'.' {
                        in_lens = true;
                    }
                    self.position += 1;
                }
                Class::Beyond => match self.char() {
                    Some(char) if !char.is_whitespace() => self.position += char.len_utf8(),
                    _ => return,
                },
                Class::End if byte == b'[' && in_lens && !in_bracket => {
                    in_bracket = true;
                    self.position += 1;
                }
                Class::End if byte == b']' && in_bracket => {
                    in_bracket = false;
                    self.position += 1;
                }
                Class::Space | Class::End => return,
            }
        }
    }

    fn char(&self) -> Option<char> {
        self.source[self.position..].chars().next()
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if self.ended {
            return None;
        }
        let token = self.next_token();
        self.ended = token.kind == TokenKind::End;
        Some(token)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    /// Ends a word.
    End,
    Word,
    /// Not ASCII.
    Beyond,
}

/// The class of each byte.
static CLASSES: [Class; 256] = {
    let mut classes = [Class::Word; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = class(byte as u8);
        byte += 1;
    }
    classes
};

/// ASCII white space as Unicode has it, vertical tab included.
const fn class(byte: u8) -> Class {
    match byte {
        b' ' | b'\t'..=b'\r' => Class::Space,
        b'(' | b')' | b'[' | b']' | b'"' | b';' => Class::End,
        0x80.. => Class::Beyond,
        _ => Class::Word,
    }
}
