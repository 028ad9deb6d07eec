//! Bodies of functions: variables and scopes.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Checker, Signature};
use crate::diagnostic::{Code, Diagnostic, FileId, Span};
use crate::hir::{self, FunctionId, Local, LocalId, Type};
use crate::index::{Occurrence, SymbolKind, VisibleName};
use crate::resolve::{DefId, DefKind, span_of, token_span};
use crate::syntax::SyntaxToken;
use crate::syntax::ast::{self, AstNode};

/// Checks the body of a function.
pub(super) fn check(checker: &mut Checker<'_>, def: DefId, me: FunctionId) -> hir::Function {
    let signature = checker.signature(def);
    let (node, span, name) = {
        let def = checker.modules.def(def);
        (def.node.clone(), def.span, def.name.clone())
    };
    let mut body = Body {
        checker,
        file: span.file,
        me,
        locals: Vec::new(),
        scopes: Vec::new(),
        ids: Vec::new(),
        gone: HashMap::new(),
        origins: HashMap::new(),
        unset: Vec::new(),
        places: Vec::new(),
    };
    body.open("func");
    let (abilities, params) = body.parameters(&signature);
    let func = ast::Func::cast(node.clone());
    let block = func.and_then(|func| func.block());
    let checked = body.function_body(block, &signature.results, span);
    body.close(span_of(span.file, &node).end);
    let locals = body.locals;
    let doc = ast::documentation(&node).map(Arc::from);
    let results = signature.results.clone();
    hir::Function { name, doc, locals, abilities, params, results, body: checked, span }
}

/// What is known at a place in a function.
pub(super) struct Body<'c, 'a> {
    pub(super) checker: &'c mut Checker<'a>,
    pub(super) file: FileId,
    pub(super) me: FunctionId,
    pub(super) locals: Vec<Local>,
    scopes: Vec<Scope>,
    /// Services with the ids given to them, the innermost last.
    pub(super) ids: Vec<(DefId, LocalId)>,
    /// Names whose block has ended: where they were defined, and the block.
    pub(super) gone: HashMap<Arc<str>, (Span, &'static str)>,
    /// Where values come from, for messages.
    pub(super) origins: HashMap<LocalId, (String, Span)>,
    /// Names that a guarded statement was to bind.
    pub(super) unset: Vec<LocalId>,
    /// The peers of the `on`s around.
    pub(super) places: Vec<hir::ExprKind>,
}

struct Scope {
    owner: &'static str,
    names: HashMap<Arc<str>, LocalId>,
    ids: usize,
}

impl Body<'_, '_> {
    pub(super) fn span(&self, node: &crate::syntax::SyntaxNode) -> Span {
        span_of(self.file, node)
    }

    pub(super) fn token_span(&self, token: &SyntaxToken) -> Span {
        token_span(self.file, token)
    }

    /// Opens a block whose names end with it.
    pub(super) fn open(&mut self, owner: &'static str) {
        self.scopes.push(Scope { owner, names: HashMap::new(), ids: self.ids.len() });
    }

    /// Ends the innermost block; `end` is where its text ends.
    pub(super) fn close(&mut self, end: u32) {
        let Some(scope) = self.scopes.pop() else { return };
        self.ids.truncate(scope.ids);
        for (name, local) in scope.names {
            let known = &self.locals[local.0 as usize];
            let range = Span::new(self.file, known.span.end, end);
            self.checker.index.locals.push(VisibleName { name: name.clone(), ty: known.ty.clone(), range });
            self.gone.insert(name, (known.span, scope.owner));
        }
    }

    pub(super) fn visible(&self, name: &str) -> Option<LocalId> {
        self.scopes.iter().rev().find_map(|scope| scope.names.get(name).copied())
    }

    pub(super) fn visible_names(&self) -> impl Iterator<Item = (&str, LocalId)> {
        self.scopes.iter().flat_map(|scope| scope.names.iter().map(|(name, local)| (&**name, *local)))
    }

    pub(super) fn local(&self, id: LocalId) -> &Local {
        &self.locals[id.0 as usize]
    }

    /// A variable that the source does not name.
    pub(super) fn made_up(&mut self, name: &str, ty: Type, span: Span) -> LocalId {
        let id = LocalId(self.locals.len() as u32);
        self.locals.push(Local { name: name.into(), ty, span });
        id
    }

    /// Defines a name; an error if it is taken, after which it means the new thing.
    pub(super) fn define(&mut self, name: &str, span: Span, ty: Type) -> LocalId {
        self.check_free(name, span, &ty);
        self.enter(name, span, ty)
    }

    fn enter(&mut self, name: &str, span: Span, ty: Type) -> LocalId {
        let kind =
            if matches!(ty, Type::Stream(_) | Type::StreamMap(_)) { SymbolKind::Stream } else { SymbolKind::Local };
        self.checker.index.note(Occurrence { span, definition: span, kind, ty: ty.clone(), signature: None });
        let id = self.made_up(name, ty, span);
        if let Some(scope) = self.scopes.last_mut() {
            scope.names.insert(name.into(), id);
        }
        id
    }

    /// Defines what a head names. An ability may have the name of its type.
    pub(super) fn parameters(&mut self, signature: &Signature) -> (Vec<LocalId>, Vec<LocalId>) {
        let abilities =
            signature.abilities.iter().map(|(name, span, ty)| self.enter(name, *span, ty.clone())).collect();
        let params = signature.params.iter().map(|(name, span, ty)| self.define(name, *span, ty.clone())).collect();
        (abilities, params)
    }

    pub(super) fn define_token(&mut self, token: &SyntaxToken, ty: Type) -> LocalId {
        self.define(token.text(), self.token_span(token), ty)
    }

    fn check_free(&mut self, name: &str, span: Span, ty: &Type) {
        let message = format!("`{name}` is already defined");
        if let Some(first) = self.visible(name).map(|local| self.local(local).span) {
            let line = self.checker.modules.line(first);
            let help = match ty {
                Type::Poison | Type::Arrow(_) | Type::Ability(_) | Type::Stream(_) | Type::StreamMap(_) => {
                    "choose another name".to_string()
                }
                _ => format!("choose another name, or collect both in a stream: `{name}s: *{}`", widened(ty)),
            };
            let diagnostic = Diagnostic::new(Code::DEFINED_TWICE, span, message);
            return self.checker.report(
                diagnostic.at(format!("first defined at line {line}, and names are never reassigned")).help(help),
            );
        }
        if super::names::SPECIALS.contains(&name) {
            let diagnostic = Diagnostic::new(Code::DEFINED_TWICE, span, message).at("it has a meaning in every file");
            return self.checker.report(diagnostic.help("choose another name"));
        }
        let Some(entry) = self.checker.modules.module(self.file).scope.get(name) else { return };
        let def = self.checker.modules.def(entry.def);
        // What is declared below gives way, but for constants.
        let above = entry.import.is_some() || def.kind == DefKind::Const || def.span.start < span.start;
        if !above || def.kind == DefKind::Poison {
            return;
        }
        let at = format!("it is {} ({})", def.kind.noun(), self.checker.modules.place(def.span));
        self.checker.report(Diagnostic::new(Code::DEFINED_TWICE, span, message).at(at).help("choose another name"));
    }

    pub(super) fn error(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.checker.error(code, span, message);
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.checker.report(diagnostic);
    }
}

/// A type that can be declared: what a literal becomes in a stream.
pub(super) fn widened(ty: &Type) -> String {
    match ty {
        Type::IntLiteral(..) => "i64".to_string(),
        Type::FloatLiteral => "f64".to_string(),
        _ => ty.to_string(),
    }
}
