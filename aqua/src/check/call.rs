//! Calls.

use std::sync::Arc;

use super::Signature;
use super::body::Body;
use super::names::{Meaning, chain, poison};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::hir::{Arrow, Expr, ExprKind, MapQuery, Scalar, Type};
use crate::resolve::DefKind;
use crate::syntax::ast::{self, AstNode};
use crate::syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

impl Body<'_, '_> {
    /// `f{A}(a, b)`, `D(f = v)`, `m.get(k)`
    pub(super) fn call(&mut self, node: &SyntaxNode) -> Expr {
        let span = self.span(node);
        let Some(callee) = ast::child::<ast::Expr>(node) else { return poison(span) };
        let Some(args) = ast::child::<ast::ArgList>(node) else { return poison(span) };
        if let Some(made) = self.construction(callee.syntax(), args.syntax(), span) {
            return made;
        }
        if let Some(query) = self.map_query(callee.syntax(), args.syntax(), span) {
            return query;
        }
        let callee = self.expr(&callee);
        let abilities = ast::child::<ast::Given>(node);
        let Type::Arrow(arrow) = callee.ty.clone() else {
            if callee.ty != Type::Poison {
                let message = format!("`{}` is no function", self.text(callee.span));
                self.report(
                    Diagnostic::new(Code::NOT_CALLABLE, callee.span, message).at(format!("it is `{}`", callee.ty)),
                );
            }
            self.values_of(args.syntax());
            return poison(span);
        };
        let signature = self.signature_of(&callee);
        let abilities = self.given(&arrow, abilities, callee.span);
        let args = self.arguments(&arrow, signature.as_deref(), &callee, args.syntax());
        let ty = arrow.results.first().cloned().unwrap_or(Type::Top);
        Expr { kind: ExprKind::Call { callee: Box::new(callee), abilities, args }, ty, span }
    }

    /// Values of arguments that belong to something broken: names in them are still looked up.
    fn values_of(&mut self, args: &SyntaxNode) {
        for arg in args.children() {
            let value = if arg.kind() == SyntaxKind::NamedArg { ast::child(&arg) } else { ast::Expr::cast(arg) };
            let around = self.span(args);
            self.value(value, around);
        }
    }

    /// A struct or ability, if the callee is the name of a type.
    fn construction(&mut self, callee: &SyntaxNode, args: &SyntaxNode, span: Span) -> Option<Expr> {
        let names = chain(callee)?;
        let Meaning::Def(def, used) = self.meaning(&names) else { return None };
        let kind = self.checker.modules.def(def).kind;
        let last = self.token_span(&names[names.len() - 1]);
        let ty = match kind {
            DefKind::Alias | DefKind::Data | DefKind::Ability if used == names.len() => {
                self.checker.note_def(last, def);
                self.checker.type_of(def)
            }
            DefKind::Service if used + 1 == names.len() => self.checker.built_type(def, names[used].text())?,
            _ => return None,
        };
        let made = match &ty {
            Type::Data(labelled) | Type::Ability(labelled) => self.literal_of(&labelled.clone(), ty, args, span),
            Type::Poison => {
                self.values_of(args);
                poison(span)
            }
            other => {
                let message = format!("`{other}` has no fields");
                self.error(Code::NOT_CALLABLE, last, message);
                self.values_of(args);
                poison(span)
            }
        };
        Some(made)
    }

    /// `m.get(k)` and its kin.
    fn map_query(&mut self, callee: &SyntaxNode, args: &SyntaxNode, span: Span) -> Option<Expr> {
        let (base, name, query) = query_of(callee)?;
        let local = self.visible(ast::words(base.syntax()).next()?.text())?;
        let Type::StreamMap(element) = self.local(local).ty.clone() else { return None };
        let map = self.expr(&base);
        let values: Vec<ast::Expr> = ast::children(args).collect();
        let takes_key = !matches!(query, MapQuery::Keys | MapQuery::KeysStream);
        if values.len() != usize::from(takes_key) {
            let wanted = if takes_key { "one argument, the key" } else { "no arguments" };
            let place = self.span(args);
            self.error(Code::ARGUMENTS, place, format!("`{}` takes {wanted}", name.text()));
            self.values_of(args);
            return Some(poison(span));
        }
        let string = Type::Scalar(Scalar::String);
        let key = values.first().map(|key| {
            let value = self.value(Some(key.clone()), span);
            self.fit(&value, key.syntax(), &string, Some("`key: string`"));
            Box::new(value)
        });
        let ty = match query {
            MapQuery::Get => Type::Array(element),
            MapQuery::GetStream => Type::Stream(element),
            MapQuery::Contains => Type::Scalar(Scalar::Bool),
            MapQuery::Keys => Type::Array(Arc::new(string)),
            MapQuery::KeysStream => Type::Stream(Arc::new(string)),
        };
        Some(Expr { kind: ExprKind::Map { map: Box::new(map), query, key }, ty, span })
    }

    /// The declaration behind a callee, for messages.
    fn signature_of(&mut self, callee: &Expr) -> Option<Arc<Signature>> {
        match &callee.kind {
            ExprKind::Function(id) => {
                let def = self.checker.functions[id.0 as usize].0;
                Some(self.checker.signature(def))
            }
            ExprKind::Field { base, name } => match &base.ty {
                Type::Ability(labelled) => self.member(labelled, name)?.1,
                _ => None,
            },
            _ => None,
        }
    }

    fn given(&mut self, arrow: &Arrow, given: Option<ast::Given>, span: Span) -> Vec<Expr> {
        let nodes: Vec<ast::Expr> = given.iter().flat_map(|given| ast::children(given.syntax())).collect();
        if nodes.len() != arrow.abilities.len() {
            let wanted: Vec<String> = arrow.abilities.iter().map(|ty| format!("`{ty}`")).collect();
            let place = given.map_or(span, |given| self.span(given.syntax()));
            let name = self.text(span);
            let message = match wanted.is_empty() {
                true => format!("`{name}` takes no abilities"),
                false => format!(
                    "`{name}` takes {} in braces, {} given",
                    plural(wanted.len(), "ability", "abilities"),
                    nodes.len()
                ),
            };
            let mut diagnostic = Diagnostic::new(Code::ARGUMENTS, place, message);
            if !wanted.is_empty() {
                diagnostic = diagnostic.at(format!("wanted: {}", wanted.join(", "))).help(format!(
                    "write `{name}{{{}}}(..)`",
                    arrow.abilities.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
                ));
            }
            self.report(diagnostic);
        }
        let mut values = Vec::new();
        for (index, node) in nodes.into_iter().enumerate() {
            let value = self.value(Some(node.clone()), span);
            if let Some(want) = arrow.abilities.get(index) {
                self.fit(&value, node.syntax(), want, None);
            }
            values.push(value);
        }
        values
    }

    fn arguments(
        &mut self,
        arrow: &Arrow,
        signature: Option<&Signature>,
        callee: &Expr,
        args: &SyntaxNode,
    ) -> Vec<Expr> {
        let mut values = Vec::new();
        let mut count = 0;
        for arg in args.children() {
            let around = self.span(&arg);
            if arg.kind() == SyntaxKind::NamedArg {
                let diagnostic = Diagnostic::new(Code::ARGUMENTS, around, "functions take arguments by position");
                self.report(diagnostic.help("write the value alone"));
            }
            let node =
                if arg.kind() == SyntaxKind::NamedArg { ast::child::<ast::Expr>(&arg) } else { ast::Expr::cast(arg) };
            let Some(node) = node else { continue };
            let value = self.value(Some(node.clone()), around);
            if let Some(want) = arrow.params.get(count) {
                let slot = signature
                    .and_then(|signature| signature.params.get(count))
                    .map(|(name, span, ty)| format!("`{name}: {ty}` ({})", self.checker.modules.place(*span)));
                self.fit(&value, node.syntax(), want, slot.as_deref());
            }
            count += 1;
            values.push(value);
        }
        // A broken argument list is reported already.
        let broken = args.children().any(|child| child.kind() == SyntaxKind::Error);
        if count != arrow.params.len() && !broken {
            self.wrong_count(arrow, signature, callee, args, count);
        }
        values
    }

    fn wrong_count(
        &mut self,
        arrow: &Arrow,
        signature: Option<&Signature>,
        callee: &Expr,
        args: &SyntaxNode,
        count: usize,
    ) {
        let name = self.text(callee.span);
        let wanted = arrow.params.len();
        let message = format!("`{name}` takes {}, {count} given", plural(wanted, "argument", "arguments"));
        let shown = signature.map_or_else(
            || format!("`{arrow}`"),
            |signature| format!("`{signature}` ({})", self.checker.modules.place(signature.span)),
        );
        let at = match (signature, count < wanted) {
            (Some(signature), true) => {
                let missing: Vec<String> =
                    signature.params[count..].iter().map(|(name, _, ty)| format!("`{name}: {ty}`")).collect();
                format!("missing {} of {shown}", missing.join(", "))
            }
            _ => format!("it is {shown}"),
        };
        let span = self.span(args);
        self.report(Diagnostic::new(Code::ARGUMENTS, span, message).at(at));
    }
}

/// The map, the name and the query of `m.get` and its kin.
fn query_of(callee: &SyntaxNode) -> Option<(ast::Expr, SyntaxToken, MapQuery)> {
    if callee.kind() != SyntaxKind::FieldExpr {
        return None;
    }
    let name = ast::words(callee).next()?;
    let query = match name.text() {
        "get" => MapQuery::Get,
        "getStream" => MapQuery::GetStream,
        "contains" => MapQuery::Contains,
        "keys" => MapQuery::Keys,
        "keysStream" => MapQuery::KeysStream,
        _ => return None,
    };
    // Stream maps are always variables.
    let base = ast::child::<ast::Expr>(callee)?;
    (base.syntax().kind() == SyntaxKind::NameExpr).then_some((base, name, query))
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
