//! [`Diagnostic`]: what is wrong with a program, where, and what would help.
//!
//! Independent of how it is shown: [`render`] draws it as text, the language server sends it to editors.

mod code;
mod render;

pub use code::{Code, CodeInfo};
pub use render::{render, render_plain};

use std::fmt;

pub use crate::hir::{FileId, Span};

/// A finding about a program.
///
/// Codes are stable: scripts and editors compare them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// What kind of finding this is.
    pub code: Code,
    /// Whether it stops the program.
    pub severity: Severity,
    /// One line, lower case, without full stop.
    pub message: String,
    /// Where it is.
    pub primary: Label,
    /// Other places that explain it.
    pub secondary: Vec<Label>,
    /// How to mend it.
    pub help: Option<String>,
    /// A replacement of text that mends it, for editors.
    pub fix: Option<Fix>,
}

/// A place in a file and what to say about it; the text may be empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// Its caption.
    pub text: String,
}

/// A change of one place in a file that an editor may offer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fix {
    /// What is replaced; an empty span inserts.
    pub span: Span,
    /// By what.
    pub text: String,
}

/// How grave a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Nothing is compiled.
    Error,
    /// The program is compiled, but likely does not do what its author meant.
    Warning,
}

impl Span {
    /// From the beginning of this to the end of `other`, in this one's file.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { end: other.end.max(self.end), ..self }
    }

    /// The offsets as a range for slicing.
    #[must_use]
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Whether `offset` lies in it or at its end.
    #[must_use]
    pub fn touches(self, offset: u32) -> bool {
        self.start <= offset && offset <= self.end
    }
}

impl Diagnostic {
    /// A finding at `span`, as grave as its code says.
    #[must_use]
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        let primary = Label { span, text: String::new() };
        let (message, secondary) = (message.into(), Vec::new());
        Self { code, severity: code.severity(), message, primary, secondary, help: None, fix: None }
    }

    /// Captions the place.
    #[must_use]
    pub fn at(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn and(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// Sets the help line.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Offers to replace the primary span by `text`.
    #[must_use]
    pub fn replace(mut self, text: impl Into<String>) -> Self {
        self.fix = Some(Fix { span: self.primary.span, text: text.into() });
        self
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}
