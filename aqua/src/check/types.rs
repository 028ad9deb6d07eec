//! Types in the text, and the types of declarations.

use std::sync::Arc;

use super::Checker;
use crate::diagnostic::{Code, Diagnostic, FileId, Span};
use crate::hir::{Arrow, Labelled, Scalar, Type};
use crate::index::{GlobalName, Occurrence, SymbolKind};
use crate::resolve::{DefId, DefKind, nearest, span_of, token_span};
use crate::syntax::SyntaxKind;
use crate::syntax::ast::{self, AstNode};

/// How deep declared types may be nested in each other.
const MAX_HEIGHT: u32 = 128;

pub(crate) const SCALARS: &[(&str, Scalar)] = &[
    ("u8", Scalar::U8),
    ("u16", Scalar::U16),
    ("u32", Scalar::U32),
    ("u64", Scalar::U64),
    ("i8", Scalar::I8),
    ("i16", Scalar::I16),
    ("i32", Scalar::I32),
    ("i64", Scalar::I64),
    ("f32", Scalar::F32),
    ("f64", Scalar::F64),
    ("bool", Scalar::Bool),
    ("string", Scalar::String),
];

impl Checker<'_> {
    /// The type that a piece of text means.
    pub(super) fn resolve_type(&mut self, file: FileId, ty: Option<ast::Type>) -> Type {
        let Some(ty) = ty else { return Type::Poison };
        let node = ty.syntax();
        match node.kind() {
            SyntaxKind::TopType => Type::Top,
            SyntaxKind::BottomType => Type::Bottom,
            SyntaxKind::ParenType => self.resolve_type(file, ast::child(node)),
            SyntaxKind::NamedType => match ast::child::<ast::Path>(node) {
                Some(path) => self.named_type(file, &path),
                None => Type::Poison,
            },
            SyntaxKind::CollectionType => self.collection_type(file, node),
            _ => self.arrow_type(file, node),
        }
    }

    fn collection_type(&mut self, file: FileId, node: &crate::syntax::SyntaxNode) -> Type {
        let element = self.resolve_type(file, ast::child(node));
        let Some(sigil) = ast::tokens(node).next() else { return Type::Poison };
        let no_data = match &element {
            Type::Stream(_) | Type::StreamMap(_) => Some("streams"),
            Type::Arrow(_) => Some("arrows"),
            Type::Ability(_) => Some("abilities"),
            _ if sigil.kind() == SyntaxKind::StarStar => Some("streams"),
            _ => None,
        };
        if let Some(what) = no_data {
            let message = format!("collections hold data, and {what} are none");
            let diagnostic = Diagnostic::new(Code::STREAM_INSIDE, span_of(file, node), message);
            let help = if what == "streams" {
                "put the frozen content inside: `[]T`"
            } else {
                "pass it as an argument of its own"
            };
            self.report(diagnostic.help(help));
            return Type::Poison;
        }
        let element = Arc::new(element);
        match sigil.kind() {
            SyntaxKind::Question => Type::Option(element),
            SyntaxKind::Star => Type::Stream(element),
            SyntaxKind::Percent => Type::StreamMap(element),
            _ => Type::Array(element),
        }
    }

    fn arrow_type(&mut self, file: FileId, node: &crate::syntax::SyntaxNode) -> Type {
        let abilities = self.abilities(file, ast::child(node)).into_iter().map(|(_, _, ty)| ty).collect();
        let params = ast::children::<ast::Type>(node).map(|ty| self.resolve_type(file, Some(ty))).collect();
        let results = ast::child::<ast::Results>(node);
        let results =
            results.iter().flat_map(ast::Results::types).map(|ty| self.resolve_type(file, Some(ty))).collect();
        Type::Arrow(Arc::new(Arrow { abilities, params, results }))
    }

    /// The abilities in braces: the name in the body, where it stands, and the type.
    pub(super) fn abilities(&mut self, file: FileId, abilities: Option<ast::Abilities>) -> Vec<(Arc<str>, Span, Type)> {
        let paths = abilities.iter().flat_map(|abilities| ast::children::<ast::Path>(abilities.syntax()));
        let mut found = Vec::new();
        for path in paths {
            let span = span_of(file, path.syntax());
            let ty = match self.named_type(file, &path) {
                ty @ (Type::Ability(_) | Type::Poison) => ty,
                other => {
                    self.error(
                        Code::TYPES,
                        span,
                        format!("braces hold abilities and services, `{other}` is a data type"),
                    );
                    Type::Poison
                }
            };
            found.push((path.text().into(), span, ty));
        }
        found
    }

    fn named_type(&mut self, file: FileId, path: &ast::Path) -> Type {
        let names: Vec<String> = path.names().map(|token| token.text().to_string()).collect();
        let span = span_of(file, path.syntax());
        if let Some((_, scalar)) = SCALARS.iter().find(|(name, _)| names.len() == 1 && *name == names[0]) {
            return Type::Scalar(*scalar);
        }
        match self.modules.lookup_prefix(file, &names) {
            Some((def, used)) if used == names.len() => {
                if !matches!(self.modules.def(def).kind, DefKind::Func | DefKind::Const) {
                    let last = path.names().last().map_or(span, |token| token_span(file, &token));
                    self.note_def(last, def);
                    return self.type_of(def);
                }
                let noun = self.modules.def(def).kind.noun();
                self.error(Code::TYPE_UNKNOWN, span, format!("`{}` is {noun}, not a type", names.join(".")));
                Type::Poison
            }
            Some((def, used)) if self.modules.def(def).kind == DefKind::Service && used + 1 == names.len() => {
                self.type_of_service(def, &names[used], span)
            }
            Some((def, _)) if self.modules.def(def).kind == DefKind::Poison => Type::Poison,
            _ => {
                self.unknown_type(file, &names.join("."), span);
                Type::Poison
            }
        }
    }

    /// A type of a service, or poison and a mistake.
    fn type_of_service(&mut self, service: DefId, name: &str, span: Span) -> Type {
        if let Some(ty) = self.built_type(service, name) {
            return ty;
        }
        let def = self.modules.def(service);
        let decl = ast::Service::cast(def.node.clone());
        let from = decl.as_ref().and_then(ast::Service::from);
        // What is missing there was reported.
        let is_known = match &from {
            Some(from) => self.component(service, from).is_some(),
            None => decl.is_some_and(|decl| decl.block().is_some()),
        };
        if is_known {
            let message = format!("service `{}` has no type `{name}`", self.modules.def(service).name);
            self.error(Code::TYPE_UNKNOWN, span, message);
        }
        Type::Poison
    }

    /// A type that the component of a built service brings.
    pub(super) fn built_type(&mut self, service: DefId, name: &str) -> Option<Type> {
        let from = ast::Service::cast(self.modules.def(service).node.clone())?.from()?;
        let interface = self.component(service, &from)?;
        interface.data.iter().find(|(known, _)| **known == *name).map(|(_, ty)| ty.clone())
    }

    fn unknown_type(&mut self, file: FileId, name: &str, span: Span) {
        let module = self.modules.module(file);
        if module.incomplete {
            return;
        }
        let is_type = |def: DefId| !matches!(self.modules.def(def).kind, DefKind::Func | DefKind::Const);
        let known = module.scope.iter().filter(|(_, entry)| is_type(entry.def)).map(|(name, _)| name.as_str());
        let near = nearest(name, known.chain(SCALARS.iter().map(|(name, _)| *name)));
        let mut diagnostic = Diagnostic::new(Code::TYPE_UNKNOWN, span, format!("cannot find the type `{name}`"));
        let foreign = [
            ("int", "i64"),
            ("uint", "u64"),
            ("float", "f64"),
            ("str", "string"),
            ("String", "string"),
            ("boolean", "bool"),
        ];
        let foreign = foreign.into_iter().find(|(foreign, _)| *foreign == name).map(|(_, ours)| ours);
        if let Some(near) = foreign.or(near) {
            diagnostic = diagnostic.at(format!("help: did you mean `{near}`?")).replace(near);
        } else if name == "PeerId" {
            diagnostic = diagnostic.help("write `import PeerId from \"aqua-lib/builtin.aqua\"` below the header");
        } else {
            diagnostic = diagnostic.help(format!("declare it (`data {name}:` or `alias {name}: ..`), or import it"));
        }
        self.report(diagnostic);
    }

    /// The type that a declaration gives a name to.
    pub(super) fn type_of(&mut self, def: DefId) -> Type {
        match self.types.get(&def) {
            Some(Some(ty)) => {
                self.height = self.height.max(self.heights.get(&def).copied().unwrap_or(0));
                return ty.clone();
            }
            Some(None) => return self.recursive(def),
            None => {}
        }
        self.types.insert(def, None);
        let outer = std::mem::replace(&mut self.height, 0);
        self.nesting += 1;
        let mut ty = if self.nesting > MAX_HEIGHT { Type::Poison } else { self.declared_type(def) };
        self.nesting -= 1;
        let height = self.height + 1;
        if height > MAX_HEIGHT || self.nesting >= MAX_HEIGHT {
            let span = self.modules.def(def).span;
            // One such report is enough, however many types build on this one.
            if !self.diagnostics.iter().any(|known| known.code == Code::TOO_BIG) {
                self.error(Code::TOO_BIG, span, format!("types are nested more than {MAX_HEIGHT} levels deep"));
            }
            ty = Type::Poison;
        }
        // A recursion was found meanwhile.
        if let Some(Some(Type::Poison)) = self.types.get(&def) {
            ty = Type::Poison;
        }
        if let Type::Data(labelled) | Type::Ability(labelled) = &ty {
            self.data_of.entry(Arc::as_ptr(labelled).addr()).or_insert_with(|| (ty.clone(), def));
        }
        let height = if ty == Type::Poison { 0 } else { height };
        self.heights.insert(def, height);
        self.height = outer.max(height);
        self.types.insert(def, Some(ty.clone()));
        ty
    }

    fn recursive(&mut self, def: DefId) -> Type {
        let (name, span, kind) = {
            let def = self.modules.def(def);
            (def.name.clone(), def.span, def.kind)
        };
        self.types.insert(def, Some(Type::Poison));
        let message = format!("`{name}` contains itself");
        let help = match kind {
            DefKind::Data => "values are finite: refer to the other one by a key",
            _ => "write out what it stands for",
        };
        self.report(Diagnostic::new(Code::DATA_RECURSION, span, message).help(help));
        Type::Poison
    }

    fn declared_type(&mut self, id: DefId) -> Type {
        let def = self.modules.def(id);
        let (file, node, name) = (def.span.file, def.node.clone(), def.name.clone());
        match def.kind {
            DefKind::Alias => self.resolve_type(file, ast::child(&node)),
            DefKind::Data => {
                let fields = self.fields(file, &node, true);
                if fields.is_empty() {
                    return Type::Poison;
                }
                Type::Data(Arc::new(Labelled { name, fields }))
            }
            DefKind::Ability => {
                let fields = self.fields(file, &node, false);
                Type::Ability(Arc::new(Labelled { name, fields }))
            }
            DefKind::Service => {
                let info = self.service(id);
                match info.broken {
                    true => Type::Poison,
                    false => Type::Ability(info.labelled.clone()),
                }
            }
            DefKind::Const | DefKind::Func | DefKind::Poison => Type::Poison,
        }
    }

    /// Fields of data, or members of an ability, sorted by name.
    fn fields(&mut self, file: FileId, node: &crate::syntax::SyntaxNode, is_data: bool) -> Vec<(Arc<str>, Type)> {
        let mut fields: Vec<(Arc<str>, Type)> = Vec::new();
        let Some(block) = ast::child::<ast::Block>(node) else { return fields };
        let mut spans: Vec<(Arc<str>, Span)> = Vec::new();
        for item in block.syntax().children() {
            let Some(token) = ast::words(&item).next() else { continue };
            let (name, span): (Arc<str>, Span) = (token.text().into(), token_span(file, &token));
            let ty = match item.kind() {
                SyntaxKind::Field => self.resolve_type(file, ast::child(&item)),
                SyntaxKind::Member => self.signature_of_head(file, &name, span, ast::child(&item)).arrow_type(),
                _ => continue,
            };
            if let Some((_, first)) = spans.iter().find(|(known, _)| *known == name) {
                let message = format!("`{name}` is already a field");
                let first = *first;
                self.report(
                    Diagnostic::new(Code::DEFINED_TWICE, span, message)
                        .and(first, "first here")
                        .help("rename one of them"),
                );
                continue;
            }
            let kind = if matches!(ty, Type::Arrow(_)) { SymbolKind::Method } else { SymbolKind::Field };
            self.index.note(Occurrence { span, definition: span, kind, ty: ty.clone(), signature: None });
            spans.push((name.clone(), span));
            let ty = if is_data { self.data_only(ty, &name, span) } else { ty };
            fields.push((name, ty));
        }
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        fields
    }

    fn data_only(&mut self, ty: Type, name: &str, span: Span) -> Type {
        let what = match ty {
            Type::Stream(_) | Type::StreamMap(_) => "a stream",
            Type::Arrow(_) => "an arrow",
            Type::Ability(_) => "an ability",
            _ => return ty,
        };
        let message = format!("`{name}` is {what}, and `data` holds data only");
        self.report(
            Diagnostic::new(Code::STREAM_INSIDE, span, message).help("use an array (`[]T`), or declare an `ability`"),
        );
        Type::Poison
    }

    /// Notes a use of a declaration for editors.
    pub(super) fn note_def(&mut self, span: Span, def: DefId) {
        let known = self.modules.def(def);
        let (definition, kind) = (known.span, known.kind);
        let Some(symbol) = symbol_kind(kind) else { return };
        let (kind, signature) = (symbol, Some(self.shown_text(def)));
        self.index.note(Occurrence { span, definition, kind, ty: Type::Poison, signature });
    }

    /// How a declaration reads, in a line.
    fn shown_text(&mut self, def: DefId) -> Arc<str> {
        if let Some(known) = self.shown.get(&def) {
            return known.clone();
        }
        let (kind, name) = (self.modules.def(def).kind, self.modules.def(def).name.clone());
        let text = match kind {
            DefKind::Func => format!("func {}", self.signature(def)),
            DefKind::Const => self.modules.def(def).node.text().to_string(),
            _ => format!("{} {name}", kind.word()),
        };
        self.shown.entry(def).or_insert(Arc::from(text)).clone()
    }

    /// Lists the names of the entry file for editors.
    pub(super) fn globals(&mut self) {
        let scope = self.modules.module(FileId(0)).scope.iter();
        let mut names: Vec<(String, DefId)> = scope.map(|(name, entry)| (name.clone(), entry.def)).collect();
        names.sort();
        for (name, def) in names {
            let kind = self.modules.def(def).kind;
            let Some(symbol) = symbol_kind(kind) else { continue };
            let ty = if matches!(kind, DefKind::Func | DefKind::Const) { Type::Poison } else { self.type_of(def) };
            let signature = self.shown_text(def);
            self.index.globals.push(GlobalName { name: name.into(), kind: symbol, ty, signature });
        }
    }
}

fn symbol_kind(kind: DefKind) -> Option<SymbolKind> {
    Some(match kind {
        DefKind::Const => SymbolKind::Const,
        DefKind::Alias | DefKind::Data => SymbolKind::Type,
        DefKind::Ability => SymbolKind::Ability,
        DefKind::Service => SymbolKind::Service,
        DefKind::Func => SymbolKind::Function,
        DefKind::Poison => return None,
    })
}
