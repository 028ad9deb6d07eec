//! Questions of editors, one function each.

use std::collections::{BTreeSet, HashMap};

use lsp_server::{ErrorCode, Request};
use lsp_types::request::{
    CodeActionRequest, Completion, DocumentSymbolRequest, Formatting, GotoDefinition, HoverRequest,
    PrepareRenameRequest, References, Rename, Request as _, SemanticTokensFullRequest,
};
use lsp_types::{
    CodeAction, CodeActionKind, CodeActionParams, CompletionItem, CompletionItemKind, CompletionParams,
    DocumentFormattingParams, DocumentSymbol, DocumentSymbolParams, GotoDefinitionParams, Hover, HoverContents,
    HoverParams, Location, MarkupContent, MarkupKind, ReferenceParams, RenameParams, SemanticTokensParams, SymbolKind,
    TextDocumentPositionParams, TextEdit, Uri, WorkspaceEdit,
};
use marine_aqua::editor::{self, CompletionKind, Symbol};
use marine_aqua::{SymbolKind as Meaning, fmt};
use serde::de::DeserializeOwned;
use serde_json::{Value, to_value};

use crate::colours;
use crate::convert::{Lines, path_of, uri_of};
use crate::workspace::Workspace;

/// Why a question is not answered.
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

type Answer = Result<Value, Refusal>;

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self { code: ErrorCode::InvalidParams, message: error.to_string() }
    }
}

/// The answer to a request; `None` if there is no such method.
pub(crate) fn answer(workspace: &mut Workspace<'_>, request: &Request) -> Option<Answer> {
    Some(match request.method.as_str() {
        GotoDefinition::METHOD => with(request, |params| definition(workspace, params)),
        References::METHOD => with(request, |params| references(workspace, params)),
        HoverRequest::METHOD => with(request, |params| hover(workspace, params)),
        Completion::METHOD => with(request, |params| completion(workspace, params)),
        PrepareRenameRequest::METHOD => with(request, |params| prepare_rename(workspace, params)),
        Rename::METHOD => with(request, |params| rename(workspace, params)),
        DocumentSymbolRequest::METHOD => with(request, |params| document_symbols(workspace, params)),
        Formatting::METHOD => with(request, |params| formatting(workspace, params)),
        SemanticTokensFullRequest::METHOD => with(request, |params| semantic_tokens(workspace, params)),
        CodeActionRequest::METHOD => with(request, |params| code_actions(workspace, params)),
        _ => return None,
    })
}

fn with<P: DeserializeOwned>(request: &Request, answer: impl FnOnce(P) -> Answer) -> Answer {
    answer(serde_json::from_value(request.params.clone())?)
}

/// An open file and a place in it.
struct Place {
    path: String,
    text: std::sync::Arc<str>,
    offset: u32,
}

fn place(workspace: &Workspace<'_>, at: &TextDocumentPositionParams) -> Option<Place> {
    let path = path_of(&at.text_document.uri);
    let text = workspace.text(&path)?;
    let offset = Lines::of(&text).offset(at.position);
    Some(Place { path, text, offset })
}

fn definition(workspace: &mut Workspace<'_>, params: GotoDefinitionParams) -> Answer {
    let Some(place) = place(workspace, &params.text_document_position_params) else { return Ok(Value::Null) };
    let checked = workspace.check(&place.path);
    let target = editor::definition(&checked, place.offset).and_then(|span| workspace.location(&checked, span));
    Ok(to_value(target)?)
}

fn references(workspace: &mut Workspace<'_>, params: ReferenceParams) -> Answer {
    let Some(place) = place(workspace, &params.text_document_position) else { return Ok(Value::Null) };
    let found = uses(workspace, &place);
    let locations: Vec<Location> = found.map_or_else(Vec::new, |found| found.locations);
    Ok(to_value(locations)?)
}

/// What is named at a place, and where else it is named.
struct Uses {
    name: String,
    /// Whether it is defined in a file that may be changed.
    own: bool,
    locations: Vec<Location>,
}

fn uses(workspace: &mut Workspace<'_>, place: &Place) -> Option<Uses> {
    let checked = workspace.check(&place.path);
    let found = checked.index.at(marine_aqua::diagnostic::FileId(0), place.offset)?;
    let (defined_in, text) = checked.source(found.definition.file);
    let name = text.get(found.definition.start as usize..found.definition.end as usize)?.to_string();
    let (defined_in, start) = (defined_in.to_string(), found.definition.start);
    let mut locations: Vec<(Location, (u32, u32))> = Vec::new();
    let mut seen: BTreeSet<(String, u32)> = BTreeSet::new();
    for path in std::iter::once(place.path.clone()).chain(workspace.all_files()) {
        let program = workspace.check(&path);
        let defining = program.files.iter().position(|file| *file.path == *defined_in);
        let Some(file) = defining else { continue };
        let mut definition = found.definition;
        definition.file = marine_aqua::diagnostic::FileId(file as u32);
        for span in editor::references(&program, definition) {
            let (path, text) = program.source(span.file);
            // An import under another name stands for what it renames, but does not have its name.
            let same_name = text.get(span.start as usize..span.end as usize) == Some(name.as_str());
            if same_name && seen.insert((path.to_string(), span.start)) {
                locations.extend(workspace.location(&program, span).map(|location| (location, (span.start, span.end))));
            }
        }
    }
    let own = defined_in.starts_with('/') && !name.is_empty();
    debug_assert!(start <= found.definition.end, "spans go forward");
    Some(Uses { name, own, locations: locations.into_iter().map(|(location, _)| location).collect() })
}

fn hover(workspace: &mut Workspace<'_>, params: HoverParams) -> Answer {
    let Some(place) = place(workspace, &params.text_document_position_params) else { return Ok(Value::Null) };
    let checked = workspace.check(&place.path);
    let answer = editor::hover(&checked, place.offset).map(|(span, value)| Hover {
        contents: HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value }),
        range: Some(Lines::of(&place.text).range(span.start as usize..span.end as usize)),
    });
    Ok(to_value(answer)?)
}

fn completion(workspace: &mut Workspace<'_>, params: CompletionParams) -> Answer {
    let Some(place) = place(workspace, &params.text_document_position) else { return Ok(Value::Null) };
    let checked = workspace.check(&place.path);
    let found = editor::complete(&checked, &place.text, place.offset, workspace.sources());
    let items: Vec<CompletionItem> = found
        .into_iter()
        .map(|item| CompletionItem {
            label: item.label,
            kind: Some(completion_kind(item.kind)),
            detail: (!item.detail.is_empty()).then_some(item.detail),
            ..CompletionItem::default()
        })
        .collect();
    Ok(to_value(items)?)
}

fn completion_kind(kind: CompletionKind) -> CompletionItemKind {
    match kind {
        CompletionKind::Keyword => CompletionItemKind::KEYWORD,
        CompletionKind::Path => CompletionItemKind::FILE,
        CompletionKind::Symbol(symbol) => match symbol {
            Meaning::Const => CompletionItemKind::CONSTANT,
            Meaning::Type => CompletionItemKind::STRUCT,
            Meaning::Ability | Meaning::Service => CompletionItemKind::INTERFACE,
            Meaning::Function => CompletionItemKind::FUNCTION,
            Meaning::Method => CompletionItemKind::METHOD,
            Meaning::Field => CompletionItemKind::FIELD,
            Meaning::Local | Meaning::Stream => CompletionItemKind::VARIABLE,
            Meaning::Module => CompletionItemKind::MODULE,
        },
    }
}

fn prepare_rename(workspace: &mut Workspace<'_>, params: TextDocumentPositionParams) -> Answer {
    let Some(place) = place(workspace, &params) else { return Ok(Value::Null) };
    let checked = workspace.check(&place.path);
    let Some(found) = checked.index.at(marine_aqua::diagnostic::FileId(0), place.offset) else {
        return Ok(Value::Null);
    };
    let range = Lines::of(&place.text).range(found.span.start as usize..found.span.end as usize);
    let renamable = checked.source(found.definition.file).0.starts_with('/') && found.kind != Meaning::Module;
    Ok(to_value(renamable.then_some(range))?)
}

fn rename(workspace: &mut Workspace<'_>, params: RenameParams) -> Answer {
    let refuse = |message: String| Err(Refusal { code: ErrorCode::RequestFailed, message });
    let Some(found) = place(workspace, &params.text_document_position).and_then(|place| uses(workspace, &place)) else {
        return refuse("there is no name here".to_string());
    };
    if !found.own {
        return refuse(format!("`{}` is not defined in a file of yours", found.name));
    }
    if !editor::is_name_like(&params.new_name, &found.name) {
        return refuse(format!(
            "`{}` cannot take the place of `{}`: names keep the case of their first letter",
            params.new_name, found.name
        ));
    }
    #[expect(
        clippy::mutable_key_type,
        reason = "the protocol's type has this key; its cell is a cache that hashing ignores"
    )]
    let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    for location in found.locations {
        changes.entry(location.uri).or_default().push(TextEdit::new(location.range, params.new_name.clone()));
    }
    Ok(to_value(WorkspaceEdit::new(changes))?)
}

fn document_symbols(workspace: &mut Workspace<'_>, params: DocumentSymbolParams) -> Answer {
    let Some(text) = workspace.text(&path_of(&params.text_document.uri)) else { return Ok(Value::Null) };
    let lines = Lines::of(&text);
    let symbols: Vec<DocumentSymbol> =
        editor::symbols(&text).into_iter().map(|symbol| document_symbol(&lines, symbol)).collect();
    Ok(to_value(symbols)?)
}

fn document_symbol(lines: &Lines<'_>, symbol: Symbol) -> DocumentSymbol {
    let children = symbol.children.into_iter().map(|child| document_symbol(lines, child)).collect();
    #[expect(deprecated, reason = "the protocol's type has a deprecated field that must be given")]
    DocumentSymbol {
        name: symbol.name,
        detail: None,
        kind: match symbol.kind {
            Meaning::Const => SymbolKind::CONSTANT,
            Meaning::Type => SymbolKind::STRUCT,
            Meaning::Ability | Meaning::Service => SymbolKind::INTERFACE,
            Meaning::Method => SymbolKind::METHOD,
            Meaning::Field => SymbolKind::FIELD,
            _ => SymbolKind::FUNCTION,
        },
        tags: None,
        deprecated: None,
        range: lines.range(symbol.span.start as usize..symbol.span.end as usize),
        selection_range: lines.range(symbol.name_span.start as usize..symbol.name_span.end as usize),
        children: Some(children),
    }
}

fn formatting(workspace: &mut Workspace<'_>, params: DocumentFormattingParams) -> Answer {
    let Some(text) = workspace.text(&path_of(&params.text_document.uri)) else { return Ok(Value::Null) };
    let formatted = fmt::format(&text);
    let whole = Lines::of(&text).range(0..text.len());
    let edits = if *formatted == *text { Vec::new() } else { vec![TextEdit::new(whole, formatted)] };
    Ok(to_value(edits)?)
}

fn semantic_tokens(workspace: &mut Workspace<'_>, params: SemanticTokensParams) -> Answer {
    let path = path_of(&params.text_document.uri);
    let Some(text) = workspace.text(&path) else { return Ok(Value::Null) };
    let checked = workspace.check(&path);
    Ok(to_value(colours::encoded(&text, &editor::tokens(&checked, &text)))?)
}

/// Replacements that diagnostics in the range offer.
fn code_actions(workspace: &mut Workspace<'_>, params: CodeActionParams) -> Answer {
    let path = path_of(&params.text_document.uri);
    let Some(text) = workspace.text(&path) else { return Ok(Value::Null) };
    let lines = Lines::of(&text);
    let (start, end) = (lines.offset(params.range.start), lines.offset(params.range.end));
    let checked = workspace.check(&path);
    let mut actions = Vec::new();
    for found in &checked.diagnostics {
        let span = found.primary.span;
        let near = span.file == marine_aqua::diagnostic::FileId(0) && span.start <= end && start <= span.end;
        let (Some(fix), Some(uri), true) = (&found.fix, uri_of(&path), near) else { continue };
        let edit = TextEdit::new(lines.range(fix.span.start as usize..fix.span.end as usize), fix.text.clone());
        #[expect(
            clippy::mutable_key_type,
            reason = "the protocol's type has this key; its cell is a cache that hashing ignores"
        )]
        let changes = HashMap::from([(uri, vec![edit])]);
        let title = match fix.text.trim() {
            "" => "remove the white space".to_string(),
            text => format!("write `{text}`"),
        };
        actions.push(CodeAction {
            title,
            kind: Some(CodeActionKind::QUICKFIX),
            edit: Some(WorkspaceEdit::new(changes)),
            is_preferred: Some(true),
            ..CodeAction::default()
        });
    }
    Ok(to_value(actions)?)
}
