//! [`Index`]: which name stands where and what it means, for editors.

use std::sync::Arc;

use crate::diagnostic::Span;
use crate::hir::Type;

/// All names of a program.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// Uses of names, and the definitions themselves, in the order in which they were found.
    pub occurrences: Vec<Occurrence>,
    /// Local names with the range in which they can be used.
    pub locals: Vec<VisibleName>,
    /// The names of the entry file's top level, imported ones too, by name.
    pub globals: Vec<GlobalName>,
}

/// A name of the top level.
#[derive(Clone, Debug)]
pub struct GlobalName {
    /// The name, with the points of a dotted one.
    pub name: Arc<str>,
    /// What it names.
    pub kind: SymbolKind,
    /// Its type, if it has members.
    pub ty: Type,
    /// How its declaration reads.
    pub signature: Arc<str>,
}

/// A name in the text.
#[derive(Clone, Debug)]
pub struct Occurrence {
    /// Where it stands.
    pub span: Span,
    /// The name where it is defined; the same as `span` there.
    pub definition: Span,
    /// What it names.
    pub kind: SymbolKind,
    /// Its type, where it has one.
    pub ty: Type,
    /// How its declaration reads, if that says more than the type.
    pub signature: Option<Arc<str>>,
}

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SymbolKind {
    Const,
    Type,
    Ability,
    Service,
    Function,
    Method,
    Field,
    Local,
    Stream,
    Module,
}

/// A local name and where it can be used.
#[derive(Clone, Debug)]
pub struct VisibleName {
    /// The name.
    pub name: Arc<str>,
    /// Its type.
    pub ty: Type,
    /// From behind its definition to the end of its block.
    pub range: Span,
}

impl Index {
    pub(crate) fn note(&mut self, occurrence: Occurrence) {
        self.occurrences.push(occurrence);
    }

    /// The name at a place: the smallest one that touches it.
    #[must_use]
    pub fn at(&self, file: crate::diagnostic::FileId, offset: u32) -> Option<&Occurrence> {
        let here = self.occurrences.iter().filter(|found| found.span.file == file && found.span.touches(offset));
        here.min_by_key(|found| found.span.end - found.span.start)
    }

    /// All places that name what is defined there, each once, in order.
    #[must_use]
    pub fn references(&self, definition: Span) -> Vec<Span> {
        let mut spans: Vec<Span> =
            self.occurrences.iter().filter(|found| found.definition == definition).map(|found| found.span).collect();
        spans.sort();
        spans.dedup();
        spans
    }
}
