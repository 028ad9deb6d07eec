//! What editors ask about a checked program: offsets in, plain data out. Knows no protocol.

mod complete;
mod hover;
mod symbols;
mod tokens;

pub use complete::{Completion, CompletionKind, complete};
pub use hover::hover;
pub use symbols::{Symbol, symbols};
pub use tokens::{TokenKind, tokens};

use crate::check::Checked;
use crate::diagnostic::{FileId, Span};
use crate::hir::SourceFile;

/// Where the name at a place of the entry file is defined.
#[must_use]
pub fn definition(checked: &Checked, offset: u32) -> Option<Span> {
    Some(checked.index.at(FileId(0), offset)?.definition)
}

/// All places in the program's files that name what is named at `definition`, that place included.
#[must_use]
pub fn references(checked: &Checked, definition: Span) -> Vec<Span> {
    checked.index.references(definition)
}

/// Whether `name` can take the place of `old`: names begin like the ones they replace.
#[must_use]
pub fn is_name_like(name: &str, old: &str) -> bool {
    let upper = |text: &str| text.starts_with(|c: char| c.is_ascii_uppercase());
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic()) && (upper(name) == upper(old));
    begins && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn file(checked: &Checked, id: FileId) -> Option<&SourceFile> {
    checked.files.get(id.0 as usize)
}
