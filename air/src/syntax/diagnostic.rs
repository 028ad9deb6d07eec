//! [`Diagnostic`]: what is wrong with a script, where, and what would help.

use std::fmt;

use super::instruction::Span;

/// A finding about a script, independent of how it is shown.
///
/// Ids and messages are stable: scripts, clients and editors compare them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// What kind of finding this is.
    pub id: DiagnosticId,
    /// Whether it stops the script.
    pub severity: Severity,
    /// One line, lower case, without full stop.
    pub message: String,
    /// Where it is.
    pub primary: Label,
    /// Other places that explain it.
    pub secondary: Vec<Label>,
    /// How to mend it.
    pub help: Option<String>,
}

/// A place in the text and what to say about it; the text may be empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// Its caption.
    pub text: String,
}

/// The stable number of a kind of finding, printed as `A020`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DiagnosticId(pub u16);

/// How grave a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// The script is not run.
    Error,
    /// The script is run, but likely does not do what its author meant.
    Warning,
}

impl Diagnostic {
    /// An error at `span` without caption.
    pub(crate) fn error(id: u16, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, id, span, message.into())
    }

    /// A warning at `span` without caption.
    pub(crate) fn warning(id: u16, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, id, span, message.into())
    }

    fn new(severity: Severity, id: u16, span: Span, message: String) -> Self {
        let primary = Label { span, text: String::new() };
        Self { id: DiagnosticId(id), severity, message, primary, secondary: Vec::new(), help: None }
    }

    /// Captions the place.
    pub(crate) fn at(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Adds another place.
    pub(crate) fn and(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// Sets the help line.
    pub(crate) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

impl fmt::Display for DiagnosticId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "A{:03}", self.0)
    }
}

impl fmt::Debug for DiagnosticId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

/// Line and column of an offset, both counted from 1, columns in characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Location {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Location {
    /// The location of a byte offset in `source`; an offset beyond the text means its end.
    #[must_use]
    pub fn of(source: &str, offset: u32) -> Self {
        let before = &source.as_bytes()[..(offset as usize).min(source.len())];
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        let is_char_start = |byte: &&u8| **byte & 0xC0 != 0x80;
        Self {
            line: before.iter().filter(|&&byte| byte == b'\n').count() + 1,
            column: before[line_start..].iter().filter(is_char_start).count() + 1,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Diagnostics as plain lines, `3:5: error[A020]: message`, for logs and for errors that carry text.
#[must_use]
pub fn render_plain(source: &str, diagnostics: &[Diagnostic]) -> String {
    use fmt::Write as _;
    let mut out = String::new();
    for Diagnostic { id, severity, message, primary, secondary, help } in diagnostics {
        let colon = if primary.text.is_empty() { "" } else { ": " };
        let at = Location::of(source, primary.span.start);
        // Writing into a string does not fail.
        let _ = writeln!(out, "{at}: {severity}[{id}]: {message}{colon}{}", primary.text);
        for label in secondary {
            let _ = writeln!(out, "  {}: {}", Location::of(source, label.span.start), label.text);
        }
        if let Some(help) = help {
            let _ = writeln!(out, "  help: {help}");
        }
    }
    out
}
