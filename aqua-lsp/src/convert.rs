//! Places and paths between the protocol and the compiler.

use std::str::FromStr;

use lsp_types::{Position, Range, Uri};

/// Where lines of a text begin.
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(ends).collect() }
    }

    /// The position of a byte offset; one behind the text is its end.
    pub(crate) fn position(&self, offset: u32) -> Position {
        let mut offset = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let column = self.text[self.starts[line]..offset].encode_utf16().count();
        Position::new(line as u32, column as u32)
    }

    pub(crate) fn range(&self, range: std::ops::Range<usize>) -> Range {
        Range::new(self.position(range.start as u32), self.position(range.end as u32))
    }

    /// The byte offset of a position; one behind its line is the line's end.
    pub(crate) fn offset(&self, position: Position) -> u32 {
        let Some(&start) = self.starts.get(position.line as usize) else { return self.text.len() as u32 };
        let line = self.text[start..].split('\n').next().unwrap_or("");
        let mut units = 0;
        let within = line.char_indices().find(|(_, c)| {
            let here = units >= position.character as usize;
            units += c.len_utf16();
            here
        });
        let end = line.strip_suffix('\r').unwrap_or(line).len();
        (start + within.map_or(end, |(at, _)| at.min(end))) as u32
    }
}

/// The path of a `file:` address; other addresses stand for themselves.
pub(crate) fn path_of(uri: &Uri) -> String {
    let text = uri.as_str();
    let Some(path) = text.strip_prefix("file://") else { return text.to_string() };
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let [byte, tail @ ..] = rest {
        let escaped = tail.first_chunk().filter(|_| *byte == b'%').and_then(|digits| hex(*digits));
        bytes.push(escaped.unwrap_or(*byte));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The address of an absolute path.
pub(crate) fn uri_of(path: &str) -> Option<Uri> {
    if !path.starts_with('/') {
        return Uri::from_str(path).ok();
    }
    let mut text = String::from("file://");
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' | b'@' => {
                text.push(char::from(byte))
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    Uri::from_str(&text).ok()
}

/// The byte that two hexadecimal digits stand for.
fn hex(digits: [u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? * 16 + low?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_offsets() {
        let lines = Lines::of("a\r\n⊤𝄞x\n");
        for (offset, line, column) in [(0, 0, 0), (1, 0, 1), (3, 1, 0), (6, 1, 1), (10, 1, 3), (11, 1, 4), (12, 2, 0)] {
            assert_eq!(lines.position(offset), Position::new(line, column));
            assert_eq!(lines.offset(Position::new(line, column)), offset);
        }
        assert_eq!(lines.offset(Position::new(0, 99)), 1);
        assert_eq!(lines.offset(Position::new(9, 0)), 12);
    }

    #[test]
    fn paths_and_addresses() {
        for path in ["/home/a b/ü.aqua", "/@x/100%.aqua"] {
            assert_eq!(uri_of(path).map(|uri| path_of(&uri)).as_deref(), Some(path));
        }
    }
}
