//! [`Names`]: numbers for variables, in the order of their first occurrence.

use std::collections::HashMap;

use super::instruction::{Name, NameKind, Span};

/// The variables met so far. Texts are borrowed from the source.
#[derive(Default)]
pub(super) struct Names<'a> {
    list: Vec<(Span, NameKind)>,
    /// The standard hash is keyed, so that no script can make look-ups slow.
    by_text: HashMap<&'a str, Name>,
}

impl<'a> Names<'a> {
    /// The number of the variable that stands at `span` of `source`, sigil included.
    pub(super) fn intern(&mut self, source: &'a str, kind: NameKind, span: Span) -> Name {
        let list = &mut self.list;
        *self.by_text.entry(&source[span.range()]).or_insert_with(|| {
            list.push((span, kind));
            Name(list.len() as u32 - 1)
        })
    }

    pub(super) fn kind(&self, name: Name) -> NameKind {
        self.list[name.index()].1
    }

    /// First occurrence and kind, by number.
    pub(super) fn into_list(self) -> Vec<(Span, NameKind)> {
        self.list
    }
}
