//! Signatures of functions, and services.

use std::fmt;
use std::sync::Arc;

use super::Checker;
use crate::diagnostic::{Code, Diagnostic, FileId, Span};
use crate::hir::{self, Arrow, Labelled, Method, ServiceId, Type};
use crate::index::{Occurrence, SymbolKind};
use crate::resolve::constant::{Constant, literal};
use crate::resolve::scope::Clash;
use crate::resolve::{DefId, DefKind, token_span};
use crate::syntax::SyntaxKind;
use crate::syntax::ast::{self, AstNode};

/// What a function or method takes and gives.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) name: Arc<str>,
    pub(crate) span: Span,
    /// Names in the body, places, types.
    pub(crate) abilities: Vec<(Arc<str>, Span, Type)>,
    pub(crate) params: Vec<(Arc<str>, Span, Type)>,
    pub(crate) results: Vec<Type>,
    pub(crate) arrow: Arc<Arrow>,
}

impl Signature {
    pub(crate) fn arrow_type(&self) -> Type {
        Type::Arrow(self.arrow.clone())
    }

    fn of(
        name: Arc<str>,
        span: Span,
        abilities: Vec<(Arc<str>, Span, Type)>,
        params: Vec<(Arc<str>, Span, Type)>,
        results: Vec<Type>,
    ) -> Self {
        let types = |named: &[(Arc<str>, Span, Type)]| named.iter().map(|(_, _, ty)| ty.clone()).collect();
        let arrow = Arrow { abilities: types(&abilities), params: types(&params), results: results.clone() };
        Self { name, span, abilities, params, results, arrow: Arc::new(arrow) }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.abilities.is_empty() {
            let names: Vec<&str> = self.abilities.iter().map(|(name, _, _)| &**name).collect();
            write!(f, "{{{}}}", names.join(", "))?;
        }
        let nested = |ty: &Type| if matches!(ty, Type::Arrow(_)) { format!("({ty})") } else { ty.to_string() };
        let params: Vec<String> = self.params.iter().map(|(name, _, ty)| format!("{name}: {}", nested(ty))).collect();
        write!(f, "({})", params.join(", "))?;
        let results: Vec<String> = self.results.iter().map(nested).collect();
        match results.is_empty() {
            true => Ok(()),
            false => write!(f, " -> {}", results.join(", ")),
        }
    }
}

/// A declared service.
#[derive(Debug)]
pub(crate) struct ServiceInfo {
    pub(crate) name: Arc<str>,
    pub(crate) labelled: Arc<Labelled>,
    pub(crate) methods: Vec<Arc<Signature>>,
    pub(crate) default_id: Option<Arc<str>>,
    /// Whether its declaration has errors that make members unknown.
    pub(crate) broken: bool,
}

impl ServiceInfo {
    pub(crate) fn method(&self, name: &str) -> Option<&Arc<Signature>> {
        self.methods.iter().find(|method| &*method.name == name)
    }
}

impl Checker<'_> {
    /// Looks at all declarations but the bodies of functions.
    pub(super) fn declarations(&mut self) {
        for index in 0..self.modules.defs.len() {
            let id = DefId(index as u32);
            let def = self.modules.def(id);
            let (kind, span) = (def.kind, def.span);
            match kind {
                DefKind::Func => {
                    self.signature(id);
                }
                DefKind::Const | DefKind::Poison => {}
                _ => {
                    self.type_of(id);
                }
            }
            self.note_def(span, id);
        }
        self.header_names();
    }

    /// Names in headers and imports are uses too.
    fn header_names(&mut self) {
        for file in self.modules.order.clone() {
            self.import_paths(file);
            let root = self.modules.module(file).root.clone();
            let headlines = root
                .children()
                .filter(|node| matches!(node.kind(), SyntaxKind::Header | SyntaxKind::Export | SyntaxKind::Import));
            for path in headlines.flat_map(|node| node.descendants()).filter_map(ast::Path::cast) {
                let Some(last) = path.names().last() else { continue };
                let entry = self.modules.module(file).scope.get(&path.text());
                if let Some(def) = entry.map(|entry| entry.def) {
                    self.note_def(token_span(file, &last), def);
                }
            }
        }
    }

    /// The path of an import leads to its file.
    fn import_paths(&mut self, file: FileId) {
        for import in &self.modules.module(file).imports {
            let path = ast::token(&import.node, SyntaxKind::StringLit);
            let (Some(path), Some(target)) = (path, import.target) else { continue };
            let (span, definition) = (token_span(file, &path), Span::new(target, 0, 0));
            let occurrence =
                Occurrence { span, definition, kind: SymbolKind::Module, ty: Type::Poison, signature: None };
            self.index.note(occurrence);
        }
    }

    pub(super) fn signature(&mut self, def: DefId) -> Arc<Signature> {
        if let Some(known) = self.signatures.get(&def) {
            return known.clone();
        }
        let Some(func) = ast::Func::cast(self.modules.def(def).node.clone()) else {
            return Arc::new(Signature::of("".into(), Span::default(), Vec::new(), Vec::new(), Vec::new()));
        };
        let (name, span) = (self.modules.def(def).name.clone(), self.modules.def(def).span);
        let signature = Arc::new(self.signature_of_head(span.file, &name, span, func.head()));
        self.signatures.insert(def, signature.clone());
        signature
    }

    pub(super) fn signature_of_head(
        &mut self,
        file: FileId,
        name: &str,
        span: Span,
        head: Option<ast::Head>,
    ) -> Signature {
        let Some(head) = head else {
            return Signature::of(name.into(), span, Vec::new(), Vec::new(), Vec::new());
        };
        let abilities = self.abilities(file, head.abilities());
        let mut params: Vec<(Arc<str>, Span, Type)> = Vec::new();
        for param in head.params().iter().flat_map(|params| ast::children::<ast::Param>(params.syntax())) {
            let Some(token) = param.name() else { continue };
            let at = token_span(file, &token);
            let ty = self.resolve_type(file, param.ty());
            let name: Arc<str> = token.text().into();
            if let Some((_, first, _)) = params.iter().find(|(known, _, _)| *known == name) {
                let (first, message) = (*first, format!("`{name}` is already an argument"));
                self.report(
                    Diagnostic::new(Code::DEFINED_TWICE, at, message)
                        .and(first, "first here")
                        .help("rename one of them"),
                );
            }
            params.push((name, at, ty));
        }
        let results = head.results();
        let results =
            results.iter().flat_map(ast::Results::types).map(|ty| self.resolve_type(file, Some(ty))).collect();
        Signature::of(name.into(), span, abilities, params, results)
    }

    pub(super) fn service(&mut self, def: DefId) -> Arc<ServiceInfo> {
        if let Some(known) = self.services.get(&def) {
            return known.clone();
        }
        let known = self.modules.def(def);
        let (name, span, node) = (known.name.clone(), known.span, known.node.clone());
        let Some(decl) = ast::Service::cast(node) else {
            return Arc::new(service_info(name, Vec::new(), None, true));
        };
        let default_id = decl.id().and_then(|id| self.default_id(span.file, &id));
        let methods = self.methods(span.file, &name, &decl);
        let broken = decl.block().is_none() && decl.from().is_none();
        let mut info = service_info(name, methods, default_id, broken);
        if let Some(from) = decl.from() {
            self.built_service(def, &from, &decl, &mut info);
        } else {
            self.generated_service(span, &info);
        }
        let info = Arc::new(info);
        self.services.insert(def, info.clone());
        info
    }

    fn default_id(&mut self, file: FileId, id: &ast::Expr) -> Option<Arc<str>> {
        let node = id.syntax();
        let span = crate::resolve::span_of(file, node);
        let value = match node.kind() {
            SyntaxKind::Literal => literal(file, node).ok(),
            SyntaxKind::NameExpr | SyntaxKind::FieldExpr => {
                let def = self.modules.lookup(file, &node.text().to_string());
                if let Some(def) = def {
                    self.note_def(span, def);
                }
                def.and_then(|def| self.constants.get(&def).cloned())
            }
            _ => None,
        };
        match value {
            Some(Constant::Text(text)) => return Some(text),
            Some(Constant::Poison) => {}
            _ => {
                let message = "a service's default id is a string or a constant that holds one";
                let help = "leave it out and give one where it is known: `Srv id`";
                self.report(Diagnostic::new(Code::SERVICE_ID, span, message).help(help));
            }
        }
        // Known to be wrong already: calls should not miss it as well.
        Some("".into())
    }

    fn methods(&mut self, file: FileId, service: &str, decl: &ast::Service) -> Vec<Arc<Signature>> {
        let mut methods: Vec<Arc<Signature>> = Vec::new();
        let members = decl.block().map(|block| ast::children::<ast::Member>(block.syntax()).collect::<Vec<_>>());
        for member in members.unwrap_or_default() {
            let Some(token) = member.name() else { continue };
            let (name, span) = (token.text().to_string(), token_span(file, &token));
            let signature = match member.ty() {
                Some(ty) => self.signature_of_arrow(file, &name, span, ty),
                None => self.signature_of_head(file, &name, span, member.head()),
            };
            if signature.results.len() > 1 {
                let message = format!(
                    "`{service}.{name}` has {} results; a service answers with one value",
                    signature.results.len()
                );
                self.report(
                    Diagnostic::new(Code::SEVERAL_RESULTS, span, message)
                        .help("declare one: a data type with a field for each, or an array"),
                );
            }
            if let Some(first) = methods.iter().find(|known| *known.name == *name) {
                let diagnostic = Diagnostic::new(Code::DEFINED_TWICE, span, format!("`{name}` is already declared"));
                let first = first.span;
                self.report(
                    diagnostic.and(first, "first here").help("declare the service twice to see it with two signatures"),
                );
                continue;
            }
            let text = Arc::from(format!("{service}.{signature}"));
            let ty = signature.arrow_type();
            self.index.note(Occurrence { span, definition: span, kind: SymbolKind::Method, ty, signature: Some(text) });
            methods.push(Arc::new(signature));
        }
        methods
    }

    fn signature_of_arrow(&mut self, file: FileId, name: &str, span: Span, ty: ast::Type) -> Signature {
        let (params, results) = match self.resolve_type(file, Some(ty)) {
            Type::Arrow(arrow) => (arrow.params.clone(), arrow.results.clone()),
            Type::Poison => (Vec::new(), Vec::new()),
            other => {
                self.error(Code::TYPES, span, format!("a service has functions only, `{name}` is `{other}`"));
                (Vec::new(), Vec::new())
            }
        };
        let params =
            params.into_iter().enumerate().map(|(index, ty)| (format!("arg{index}").into(), span, ty)).collect();
        Signature::of(name.into(), span, Vec::new(), params, results)
    }

    /// The number of a service in the program.
    pub(super) fn service_id(&mut self, def: DefId) -> ServiceId {
        if let Some(&id) = self.service_ids.get(&def) {
            return id;
        }
        let info = self.service(def);
        let id = ServiceId(self.hir_services.len() as u32);
        self.service_ids.insert(def, id);
        let methods = info.methods.iter().map(|method| as_method(method)).collect();
        let span = self.modules.def(def).span;
        self.hir_services.push(hir::Service {
            name: info.name.clone(),
            default_id: info.default_id.clone(),
            methods,
            span,
        });
        id
    }

    /// One name for two things is an error, unless they are equal.
    pub(super) fn clashes(&mut self, clashes: Vec<Clash>) {
        for clash in clashes {
            let kinds = [clash.first.def, clash.second.def].map(|def| self.modules.def(def).kind);
            let structural = |kind: &DefKind| matches!(kind, DefKind::Data | DefKind::Alias | DefKind::Service);
            if kinds.iter().all(structural) && self.same_declaration(clash.first.def, clash.second.def) {
                continue;
            }
            self.clash(&clash);
        }
    }

    fn same_declaration(&mut self, a: DefId, b: DefId) -> bool {
        let (left, right) = (self.type_of(a), self.type_of(b));
        let services = [a, b].map(|def| self.modules.def(def).kind == DefKind::Service);
        let same_id = services != [true, true] || self.service(a).default_id == self.service(b).default_id;
        services[0] == services[1] && same_id && self.relations.equal(&left, &right)
    }

    fn clash(&mut self, clash: &Clash) {
        let name = &clash.name;
        let (first, second) = (self.modules.def(clash.first.def).span, self.modules.def(clash.second.def).span);
        if clash.first.import.is_some() && clash.second.import.is_some() {
            let path = |span: Span| self.modules.module(span.file).path.clone();
            let message =
                format!("`{name}` is imported from `{}` already, and `{}` has another one", path(first), path(second));
            let help = format!(
                "pick and rename one: `import {name} as other from \"..\"`, or put it behind a name: `use \"..\" as M`"
            );
            let diagnostic = Diagnostic::new(Code::IMPORT_CLASH, clash.second.span, message);
            return self.report(diagnostic.and(clash.first.span, "the first one").help(help));
        }
        let place = match clash.first.import {
            Some(_) => format!("imported from `{}`", self.modules.module(first.file).path),
            None => format!("first defined at line {}", self.modules.line(first)),
        };
        let diagnostic =
            Diagnostic::new(Code::DEFINED_TWICE, clash.second.span, format!("`{name}` is already defined"));
        debug_assert!(clash.second.span.file == clash.file, "the invariant of scopes: entries stand in their own file");
        self.report(diagnostic.at(place).help("choose another name"));
    }
}

fn service_info(
    name: Arc<str>,
    methods: Vec<Arc<Signature>>,
    default_id: Option<Arc<str>>,
    broken: bool,
) -> ServiceInfo {
    let labelled = labelled(&name, &methods);
    ServiceInfo { name, labelled, methods, default_id, broken }
}

/// A service in the role of an ability.
pub(super) fn labelled(name: &Arc<str>, methods: &[Arc<Signature>]) -> Arc<Labelled> {
    let mut fields: Vec<_> = methods.iter().map(|method| (method.name.clone(), method.arrow_type())).collect();
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    Arc::new(Labelled { name: name.clone(), fields })
}

fn as_method(signature: &Signature) -> Method {
    let params = signature.params.iter().map(|(name, _, ty)| (name.clone(), ty.clone())).collect();
    Method { name: signature.name.clone(), params, result: signature.results.first().cloned() }
}

/// A method of a built service as a signature at `span`.
pub(super) fn of_method(method: &Method, span: Span) -> Signature {
    let params = method.params.iter().map(|(name, ty)| (name.clone(), span, ty.clone())).collect();
    Signature::of(method.name.clone(), span, Vec::new(), params, method.result.iter().cloned().collect())
}
