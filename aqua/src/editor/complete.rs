//! What may stand at a place: members behind a point, paths in an import, names elsewhere.

use std::collections::BTreeMap;

use crate::check::Checked;
use crate::diagnostic::FileId;
use crate::hir::Type;
use crate::index::SymbolKind;
use crate::library;
use crate::sources::Sources;

/// A proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What is inserted.
    pub label: String,
    /// What it is.
    pub kind: CompletionKind,
    /// Its type or signature.
    pub detail: String,
}

/// What a proposal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionKind {
    /// A name with a meaning.
    Symbol(SymbolKind),
    /// A word of the language.
    Keyword,
    /// The path of a file.
    Path,
}

const KEYWORDS: &[&str] =
    &["for", "parseq", "on", "via", "if", "else", "try", "catch", "otherwise", "par", "co", "join", "true", "false"];
const TOP_KEYWORDS: &[&str] = &["func", "service", "data", "ability", "alias", "const", "import", "use", "export"];
const SCALARS: &[&str] = &["bool", "string", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f32", "f64"];

/// Proposals for a place in the entry file, whose text is `text`. The word that stands there already is left for the editor to match.
#[must_use]
pub fn complete(checked: &Checked, text: &str, offset: u32, sources: &dyn Sources) -> Vec<Completion> {
    let before = text.get(..offset as usize).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or("");
    if in_import_path(line) {
        return paths(checked, sources);
    }
    let in_chain = |c: &char| c.is_ascii_alphanumeric() || *c == '_' || *c == '.';
    let chain_start = line.len() - line.chars().rev().take_while(in_chain).count();
    let chain = &line[chain_start..];
    if let Some((owner, _)) = chain.rsplit_once('.') {
        return members(checked, owner, offset);
    }
    let word_only = line.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let keywords = if word_only { TOP_KEYWORDS } else { KEYWORDS };
    names(checked, offset, keywords)
}

fn in_import_path(line: &str) -> bool {
    let imports = line.starts_with("import ") || line.starts_with("use ") || line.starts_with("service ");
    imports && line.matches('"').count() % 2 == 1
}

fn paths(checked: &Checked, sources: &dyn Sources) -> Vec<Completion> {
    let importer = checked.files.first().map_or("", |file| &*file.path);
    let folder = crate::resolve::path::folder(importer);
    let own = sources.list(folder, "aqua").into_iter().filter(|path| path != importer);
    let own = own.map(|path| crate::resolve::path::relative(folder, &path));
    own.chain(library::paths().map(str::to_string))
        .map(|label| Completion { label, kind: CompletionKind::Path, detail: String::new() })
        .collect()
}

fn names(checked: &Checked, offset: u32, keywords: &[&str]) -> Vec<Completion> {
    let mut found: BTreeMap<String, Completion> = BTreeMap::new();
    let mut add = |label: &str, kind: CompletionKind, detail: String| {
        found.entry(label.to_string()).or_insert(Completion { label: label.to_string(), kind, detail });
    };
    for local in
        checked.index.locals.iter().filter(|local| local.range.file == FileId(0) && local.range.touches(offset))
    {
        add(&local.name, CompletionKind::Symbol(SymbolKind::Local), local.ty.to_string());
    }
    for global in &checked.index.globals {
        add(&global.name, CompletionKind::Symbol(global.kind), global.signature.to_string());
    }
    for (word, ty) in [
        ("HOST_PEER_ID", "string"),
        ("INIT_PEER_ID", "string"),
        ("PARTICLE_TTL", "u32"),
        ("PARTICLE_TIMESTAMP", "u64"),
        ("LAST_ERROR", "LastError"),
        ("nil", "?⊥"),
    ] {
        add(word, CompletionKind::Symbol(SymbolKind::Const), ty.to_string());
    }
    for word in keywords.iter().chain(SCALARS) {
        add(word, CompletionKind::Keyword, String::new());
    }
    found.into_values().collect()
}

/// What may stand behind `owner.`
fn members(checked: &Checked, owner: &str, offset: u32) -> Vec<Completion> {
    let mut parts = owner.split('.');
    let first = parts.next().unwrap_or_default();
    let local =
        checked.index.locals.iter().filter(|local| local.range.file == FileId(0) && local.range.touches(offset));
    let local =
        local.filter(|local| &*local.name == first).max_by_key(|local| local.range.start).map(|local| local.ty.clone());
    let Some(mut ty) = local.or_else(|| global_type(checked, first)) else { return behind_module(checked, owner) };
    for part in parts {
        let field = match &ty {
            Type::Data(labelled) | Type::Ability(labelled) => labelled.field(part).cloned(),
            _ => None,
        };
        match field {
            Some(field) => ty = field,
            None => return behind_module(checked, owner),
        }
    }
    fields(&ty)
}

fn global_type(checked: &Checked, name: &str) -> Option<Type> {
    // Types have members only where they are services: a data type is no value.
    let known = checked.index.globals.iter().find(|global| &*global.name == name)?;
    (known.kind == SymbolKind::Service).then(|| known.ty.clone())
}

fn behind_module(checked: &Checked, owner: &str) -> Vec<Completion> {
    let globals = checked.index.globals.iter();
    let inner = globals.filter_map(|global| Some((global.name.strip_prefix(owner)?.strip_prefix('.')?, global)));
    inner
        .map(|(name, global)| Completion {
            label: name.to_string(),
            kind: CompletionKind::Symbol(global.kind),
            detail: global.signature.to_string(),
        })
        .collect()
}

fn fields(ty: &Type) -> Vec<Completion> {
    let method = |label: &str, detail: &str| Completion {
        label: label.to_string(),
        kind: CompletionKind::Symbol(SymbolKind::Method),
        detail: detail.to_string(),
    };
    match ty {
        Type::Data(labelled) | Type::Ability(labelled) => {
            let field = |(name, ty): &(std::sync::Arc<str>, Type)| {
                let kind = if matches!(ty, Type::Arrow(_)) { SymbolKind::Method } else { SymbolKind::Field };
                Completion { label: name.to_string(), kind: CompletionKind::Symbol(kind), detail: ty.to_string() }
            };
            let copy = matches!(ty, Type::Data(_)).then(|| method("copy", "the same with other fields"));
            labelled.fields.iter().map(field).chain(copy).collect()
        }
        Type::Array(_) | Type::Option(_) | Type::Stream(_) => {
            let kind = CompletionKind::Symbol(SymbolKind::Field);
            vec![Completion { label: "length".to_string(), kind, detail: "u32".to_string() }]
        }
        Type::StreamMap(element) => vec![
            method("get", &format!("key: string -> []{element}")),
            method("getStream", &format!("key: string -> *{element}")),
            method("contains", "key: string -> bool"),
            method("keys", "-> []string"),
            method("keysStream", "-> *string"),
        ],
        _ => Vec::new(),
    }
}
