//! What a word means: a keyword, a number, or a variable with its lens.

use super::diagnostic::Diagnostic;
use super::instruction::{Accessor, Expr, LensId, NameKind, Span, VarRef};
use super::tree::TreeBuilder;

/// Words that are no names, and what `call` and its like are spelled as.
pub(super) const RESERVED: [&str; 16] = [
    "call", "canon", "ap", "seq", "par", "fail", "fold", "xor", "never", "new", "next", "null", "match", "mismatch",
    "true", "false",
];

pub(super) const INIT_PEER: &str = "%init_peer_id%";
pub(super) const TIMESTAMP: &str = "%timestamp%";
pub(super) const TTL: &str = "%ttl%";
pub(super) const LAST_ERROR: &str = "%last_error%";
pub(super) const ERROR: &str = ":error:";

/// Reads the word at `span` as an expression. Warnings go to `warnings`.
///
/// # Errors
/// The diagnostic that says what is wrong with it.
pub(super) fn read(
    builder: &mut TreeBuilder<'_>,
    span: Span,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Expr, Diagnostic> {
    let text = builder.slice(span);
    let mut word = Word { builder, span, at: 0, text, warnings };
    match text.as_bytes()[0] {
        b'%' | b':' => word.special(),
        b'$' | b'#' => word.variable(),
        _ => word.plain(),
    }
}

/// A word, read up to `at`.
struct Word<'w, 'a> {
    builder: &'w mut TreeBuilder<'a>,
    span: Span,
    text: &'a str,
    at: usize,
    warnings: &'w mut Vec<Diagnostic>,
}

impl Word<'_, '_> {
    fn special(&mut self) -> Result<Expr, Diagnostic> {
        match self.text {
            INIT_PEER => return Ok(Expr::InitPeer),
            TIMESTAMP => return Ok(Expr::Timestamp),
            TTL => return Ok(Expr::Ttl),
            _ => {}
        }
        for (word, make) in [(LAST_ERROR, Expr::LastError as fn(_) -> _), (ERROR, Expr::Error as fn(_) -> _)] {
            if self.text.starts_with(word) {
                self.at = word.len();
                return Ok(make(self.lens()?));
            }
        }
        for word in [INIT_PEER, TIMESTAMP, TTL] {
            if self.text.starts_with(word) {
                return Err(self.malformed_lens(word.len(), format!("`{word}` has no lens")));
            }
        }
        if self.text.starts_with('%') { self.variable() } else { Err(self.unexpected(0)) }
    }

    fn plain(&mut self) -> Result<Expr, Diagnostic> {
        let sign = usize::from(matches!(self.text.as_bytes()[0], b'+' | b'-'));
        let name = name_length(self.text).max(sign + name_length(&self.text[sign..]));
        let head = &self.text[..name];
        if head.len() > sign && head.as_bytes()[sign..].iter().all(u8::is_ascii_digit) {
            return self.number(name);
        }
        match self.text {
            "true" => return Ok(Expr::Bool(true)),
            "false" => return Ok(Expr::Bool(false)),
            _ => {}
        }
        if head.is_empty() || head == "+" {
            return Err(self.unexpected(head.len().min(self.text.len() - 1)));
        }
        if RESERVED.contains(&head) {
            let message = format!("expected a name or a value, found the reserved word `{head}`");
            return Err(Diagnostic::error(6, self.part(0, name), message));
        }
        self.at = name;
        self.named(NameKind::Scalar)
    }

    /// A number whose digits before the point are `..whole`.
    fn number(&self, whole: usize) -> Result<Expr, Diagnostic> {
        let malformed = |message: &str| Diagnostic::error(3, self.span, message);
        let rest = &self.text[whole..];
        if rest.is_empty() {
            // An explicit plus sign is not known to `u64`'s and `i64`'s parsers of all versions in the same way: both take it.
            return (self.text.parse().map(Expr::Int))
                .or_else(|_| self.text.parse().map(Expr::Uint))
                .map_err(|_| malformed("integer is out of range: it must be from -2^63 to 2^64-1"));
        }
        if !is_fraction(rest) {
            return Err(malformed("malformed number"));
        }
        match self.text.parse::<f64>() {
            // Adding zero turns -0.0 into 0.0 and changes nothing else.
            Ok(number) if number.is_finite() => Ok(Expr::Float(number + 0.0)),
            _ => Err(malformed("number is out of range: it must be finite as a 64-bit float")),
        }
    }

    fn variable(&mut self) -> Result<Expr, Diagnostic> {
        let (kind, sigil) = match self.text.as_bytes() {
            [b'#', b'%', ..] => (NameKind::CanonMap, 2),
            [b'#', b'$', ..] => (NameKind::Canon, 2),
            [b'#', ..] => (NameKind::Canon, 1),
            [b'$', ..] => (NameKind::Stream, 1),
            _ => (NameKind::Map, 1),
        };
        let length = name_length(&self.text[sigil..]);
        if length == 0 {
            let message = format!("expected a name after `{}`", &self.text[..sigil]);
            return Err(Diagnostic::error(4, self.part(0, sigil), message));
        }
        self.at = sigil + length;
        self.named(kind)
    }

    /// The variable whose name ends at `self.at`, and its lens.
    fn named(&mut self, kind: NameKind) -> Result<Expr, Diagnostic> {
        let end = self.at;
        if matches!(kind, NameKind::Stream | NameKind::Map) && self.text[end..].starts_with('.') {
            let message = "a stream or map has no lens";
            return Err(self.malformed_lens(end, message).help("take its values with `canon` first"));
        }
        let lens = self.lens()?;
        let name = self.builder.intern(kind, self.part(0, end));
        Ok(Expr::Variable(name, lens))
    }

    /// What follows a name: nothing, or a lens up to the end of the word.
    fn lens(&mut self) -> Result<Option<LensId>, Diagnostic> {
        let rest = &self.text[self.at..];
        if rest.is_empty() {
            return Ok(None);
        }
        if rest == ".length" {
            return Ok(Some(self.builder.length_lens()));
        }
        if !rest.starts_with('.') {
            return Err(self.unexpected(self.at));
        }
        let Some(accessors) = rest.strip_prefix(".$") else {
            let message = "expected `.length` or `.$` and accessors after the name";
            return Err(self.malformed_lens(self.at, message));
        };
        if accessors.is_empty() {
            return Err(self.malformed_lens(self.at, "expected an accessor after `.$`"));
        }
        let first = self.builder.accessor_count();
        self.at += 2;
        while self.at < self.text.len() {
            let accessor = self.accessor()?;
            self.builder.accessor(accessor);
            if self.text[self.at..].starts_with('!') {
                let mark = self.part(self.at, self.at + 1);
                self.warnings
                    .push(Diagnostic::warning(54, mark, "`!` after an accessor has no effect").help("remove it"));
                self.at += 1;
            }
        }
        Ok(Some(self.builder.lens(first)))
    }

    fn accessor(&mut self) -> Result<Accessor, Diagnostic> {
        let rest = &self.text[self.at..];
        if rest.starts_with('[') || rest.starts_with(".[") {
            let open = self.at + usize::from(rest.starts_with('.'));
            let Some(length) = self.text[open..].find(']') else {
                return Err(self.malformed_lens(open, "expected `]` at the end of the accessor"));
            };
            self.at = open + length + 1;
            return self.bracket(open + 1, open + length);
        }
        let Some(field) = rest.strip_prefix('.') else {
            return Err(self.malformed_lens(self.at, "expected `.field` or `[index]`"));
        };
        let length = name_length(field);
        if length == 0 || field.as_bytes()[0].is_ascii_digit() {
            let message = "expected a field name, which does not start with a digit";
            return Err(self.malformed_lens(self.at, message).help("write an index in brackets: `.[0]`"));
        }
        let start = self.at + 1;
        self.at = start + length;
        Ok(Accessor::Field(self.part(start, self.at)))
    }

    /// The accessor with `start..end` between its brackets.
    fn bracket(&mut self, start: usize, end: usize) -> Result<Accessor, Diagnostic> {
        let text = &self.text[start..end];
        let span = self.part(start, end);
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let out_of_range = |_| Diagnostic::error(5, span, "malformed lens").at("an index is at most 2^32-1");
            return text.parse().map(Accessor::Index).map_err(out_of_range);
        }
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let is_name = !unsigned.is_empty() && name_length(unsigned) == unsigned.len() || text == "-";
        let is_number = unsigned.bytes().all(|byte| byte.is_ascii_digit()) && text != "-";
        if !is_name || is_number || RESERVED.contains(&text) {
            return Err(self.malformed_lens(start - 1, "expected an index or the name of a scalar in the brackets"));
        }
        Ok(Accessor::Dynamic(VarRef { name: self.builder.intern(NameKind::Scalar, span), span }))
    }

    fn part(&self, start: usize, end: usize) -> Span {
        Span::new(self.span.start + start as u32, self.span.start + end as u32)
    }

    /// A lens that is wrong from `at` on.
    fn malformed_lens(&self, at: usize, why: impl Into<String>) -> Diagnostic {
        Diagnostic::error(5, self.part(at, self.text.len()), "malformed lens").at(why)
    }

    /// A character that no word has at this place.
    fn unexpected(&self, at: usize) -> Diagnostic {
        let char = self.text[at..].chars().next().unwrap_or_default();
        let span = self.part(at, at + char.len_utf8());
        if at > 0 && matches!(char, '$' | '%' | '#') {
            return Diagnostic::error(4, span, format!("`{char}` can only be at the beginning of a name"));
        }
        Diagnostic::error(1, span, format!("unexpected character `{}`", char.escape_debug()))
    }
}

/// The bytes of name characters that `text` starts with.
fn name_length(text: &str) -> usize {
    let is_ascii_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let ascii = text.bytes().take_while(is_ascii_part).count();
    if text.as_bytes().get(ascii).is_none_or(u8::is_ascii) {
        return ascii;
    }
    text.find(|char: char| !(char.is_alphanumeric() || matches!(char, '_' | '-'))).unwrap_or(text.len())
}

/// Whether `text` is `.digits` and perhaps an exponent; no digits after the point will do.
fn is_fraction(text: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let Some(fraction) = text.strip_prefix('.') else { return false };
    let Some(exponent) = fraction[digits(fraction)..].strip_prefix(['e', 'E']) else {
        return digits(fraction) == fraction.len();
    };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    !exponent.is_empty() && digits(exponent) == exponent.len()
}
