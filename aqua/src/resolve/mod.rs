//! Modules and names: which files belong to a program, what they declare, and what a name in a file means.
//!
//! [`load`](load::load) reads all files that the entry reaches; [`scope::build`] gives each its names, imported files first. Nothing here
//! knows types: that two declarations are equal is asked of the checker later.

pub(crate) mod constant;
pub(crate) mod load;
pub(crate) mod path;
pub(crate) mod scope;

use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, FileId, Span};
use crate::syntax::{SyntaxNode, SyntaxToken};

/// A file of the program, which is a module.
pub(crate) struct Module {
    /// As sources name it.
    pub(crate) path: Arc<str>,
    pub(crate) text: Arc<str>,
    pub(crate) root: SyntaxNode,
    /// Whether it belongs to the author: found from the entry by relative paths alone.
    pub(crate) own: bool,
    /// The name in its header.
    pub(crate) name: String,
    /// Its imports and uses, in order of the text.
    pub(crate) imports: Vec<ImportLine>,
    /// What names mean in it; dotted names as a whole.
    pub(crate) scope: HashMap<String, Entry>,
    /// What importers may see.
    pub(crate) declared: Vec<(String, DefId)>,
    /// Whether an import failed, so that an unknown name may well be one of its.
    pub(crate) incomplete: bool,
}

/// An `import` or `use`.
pub(crate) struct ImportLine {
    pub(crate) node: SyntaxNode,
    /// Behind which name its names go; `None` for `import`.
    pub(crate) is_use: bool,
    pub(crate) target: Option<FileId>,
    /// Whether a name of it was needed. Set while checking.
    pub(crate) used: std::cell::Cell<bool>,
}

/// What a name means in a module.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) def: DefId,
    /// Index of the import that brings it; `None` for what the module defines itself.
    pub(crate) import: Option<usize>,
    /// Where the name comes into the file.
    pub(crate) span: Span,
}

/// The number of a declaration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct DefId(pub(crate) u32);

/// A declaration.
pub(crate) struct Def {
    pub(crate) name: Arc<str>,
    pub(crate) kind: DefKind,
    /// Its name in the text.
    pub(crate) span: Span,
    pub(crate) node: SyntaxNode,
}

/// What a declaration declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DefKind {
    Const,
    Alias,
    Data,
    Ability,
    Service,
    Func,
    /// Of a broken import.
    Poison,
}

impl DefKind {
    /// The word that begins such a declaration.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Const => "const",
            Self::Alias => "alias",
            Self::Data => "data",
            Self::Ability => "ability",
            Self::Service => "service",
            Self::Func => "func",
            Self::Poison => "",
        }
    }

    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Const => "a constant",
            Self::Alias => "an alias",
            Self::Data => "a data type",
            Self::Ability => "an ability",
            Self::Service => "a service",
            Self::Func => "a function",
            Self::Poison => "unknown",
        }
    }
}

/// All modules and declarations of a program, and what was found wrong so far.
pub(crate) struct Modules {
    /// By [`FileId`], the entry first.
    pub(crate) modules: Vec<Module>,
    /// Imported files before those that import them.
    pub(crate) order: Vec<FileId>,
    pub(crate) defs: Vec<Def>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Modules {
    pub(crate) fn module(&self, file: FileId) -> &Module {
        &self.modules[file.0 as usize]
    }

    pub(crate) fn def(&self, id: DefId) -> &Def {
        &self.defs[id.0 as usize]
    }

    /// A place for people: `stock.aqua:4`.
    pub(crate) fn place(&self, span: Span) -> String {
        let module = self.module(span.file);
        let name = module.path.rsplit('/').next().unwrap_or(&module.path);
        format!("{name}:{}", line_of(&module.text, span.start))
    }

    /// The line that a span begins in, from 1.
    pub(crate) fn line(&self, span: Span) -> usize {
        line_of(&self.module(span.file).text, span.start)
    }

    /// What a name in a module means, and the import is noted as needed.
    pub(crate) fn lookup(&self, file: FileId, name: &str) -> Option<DefId> {
        let module = self.module(file);
        let entry = module.scope.get(name)?;
        if let Some(import) = entry.import {
            module.imports[import].used.set(true);
        }
        Some(entry.def)
    }

    /// The longest beginning of a dotted name that means something, and how many of its parts that are.
    pub(crate) fn lookup_prefix(&self, file: FileId, names: &[String]) -> Option<(DefId, usize)> {
        (1..=names.len()).rev().find_map(|len| Some((self.lookup(file, &names[..len].join("."))?, len)))
    }
}

pub(crate) fn line_of(text: &str, offset: u32) -> usize {
    let end = (offset as usize).min(text.len());
    text.as_bytes()[..end].iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// The span of a node without the trivia around it.
pub(crate) fn span_of(file: FileId, node: &SyntaxNode) -> Span {
    let range = node.text_range();
    Span::new(file, range.start().into(), range.end().into())
}

/// The span of a token.
pub(crate) fn token_span(file: FileId, token: &SyntaxToken) -> Span {
    let range = token.text_range();
    Span::new(file, range.start().into(), range.end().into())
}

/// The content of a string token.
pub(crate) fn unquote(token: &SyntaxToken) -> &str {
    let text = token.text().strip_prefix('"').unwrap_or(token.text());
    text.strip_suffix('"').unwrap_or(text)
}

/// The candidate that is most like `name`, if one is like it at all.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.len() / 3).max(1);
    candidates
        .filter(|candidate| *candidate != name)
        .map(|candidate| (strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}
