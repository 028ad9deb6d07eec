//! Collections and their elements, structs and copies.

use std::sync::Arc;

use super::body::Body;
use super::names::poison;
use super::relation::{element, frozen, is_integer};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::hir::{Expr, ExprKind, Labelled, Type};
use crate::resolve::nearest;
use crate::syntax::ast::{self, AstNode};
use crate::syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

impl Body<'_, '_> {
    /// `[a]`, `?[a]`, `*[a]`
    pub(super) fn collection(&mut self, node: &SyntaxNode) -> Expr {
        let span = self.span(node);
        let mut elements = Vec::new();
        let mut joined = Type::Bottom;
        for value in ast::children::<ast::Expr>(node) {
            let expr = self.value(Some(value), span);
            let ty = self.element_type(&expr);
            let both = self.checker.relations.join(&joined, &ty);
            if both == Type::Top && joined != Type::Top && ty != Type::Top {
                let message = format!("these elements have no type in common: `{joined}` and `{ty}`");
                let diagnostic = Diagnostic::new(Code::TOP_ELEMENTS, expr.span, message);
                self.report(diagnostic.help("the collection is one of `⊤`, which takes everything and fits nothing"));
            }
            joined = both;
            elements.push(expr);
        }
        let ty = Arc::new(joined);
        let (kind, ty) = match ast::tokens(node).next().map(|token| token.kind()) {
            Some(SyntaxKind::Question) => (ExprKind::Option(elements), Type::Option(ty)),
            Some(SyntaxKind::Star) => (ExprKind::Stream(elements), Type::Stream(ty)),
            _ => (ExprKind::Array(elements), Type::Array(ty)),
        };
        Expr { kind, ty, span }
    }

    fn element_type(&mut self, expr: &Expr) -> Type {
        let what = match &expr.ty {
            Type::StreamMap(_) => "a stream map",
            Type::Arrow(_) => "an arrow",
            Type::Ability(_) => "an ability",
            other => return frozen(other),
        };
        self.error(Code::STREAM_INSIDE, expr.span, format!("collections hold data, and this is {what}"));
        Type::Poison
    }

    /// `x[i]`
    pub(super) fn index(&mut self, node: &SyntaxNode) -> Expr {
        let span = self.span(node);
        let mut operands = ast::children::<ast::Expr>(node);
        let (base, index) = (operands.next(), operands.next());
        let base = self.value(base, span);
        let index = self.value(index, span);
        if !is_integer(&index.ty) {
            let diagnostic = Diagnostic::new(Code::TYPES, index.span, "an index is an integer");
            let at = format!("this is `{}`", index.ty);
            self.report(diagnostic.at(at));
        }
        if let Type::IntLiteral(low, _) = index.ty {
            if low < 0 {
                self.error(Code::RANGE, index.span, "an index is not below 0");
            } else if low > 0 && matches!(base.ty, Type::Option(_)) {
                let diagnostic = Diagnostic::new(Code::OPTION_INDEX, index.span, "an option has at most one element");
                let help = format!("write `{}!`", self.text(base.span));
                self.report(diagnostic.help(help));
            }
        }
        self.element_of(base, index, span)
    }

    /// `x!`, and `x!2` as `x[2]` was written once.
    pub(super) fn bang(&mut self, node: &SyntaxNode) -> Expr {
        let span = self.span(node);
        let base = self.value(ast::child(node), span);
        let mut at = 0;
        if let Some(old) = ast::token(node, SyntaxKind::Int) {
            at = old.text().parse().unwrap_or(0);
            let text = format!("{}[{at}]", self.text(base.span));
            let diagnostic = Diagnostic::new(Code::OLD_INDEX, span, "the old spelling of an index");
            self.report(diagnostic.at(format!("help: write `{text}`")).replace(text));
        }
        let index = Expr { kind: ExprKind::Int(at), ty: Type::IntLiteral(at, at), span };
        self.element_of(base, index, span)
    }

    fn element_of(&mut self, base: Expr, index: Expr, span: Span) -> Expr {
        if base.ty == Type::Poison {
            return poison(span);
        }
        let Some(ty) = element(&base.ty).cloned() else {
            let message = format!("`{}` has no elements", base.ty);
            let mut diagnostic = Diagnostic::new(Code::TYPES, base.span, message);
            if matches!(base.ty, Type::StreamMap(_)) {
                diagnostic = diagnostic.help("ask for the values of a key: `m.get(key)`");
            }
            self.report(diagnostic);
            return poison(span);
        };
        Expr { kind: ExprKind::Index { base: Box::new(base), index: Box::new(index) }, ty, span }
    }

    /// `D(f = v, g)` with the fields that `labelled` has.
    pub(super) fn literal_of(&mut self, labelled: &Arc<Labelled>, ty: Type, args: &SyntaxNode, span: Span) -> Expr {
        let given = self.named_values(labelled, args);
        let missing: Vec<_> = labelled
            .fields
            .iter()
            .filter(|(name, _)| !given.iter().any(|(token, _, _)| *token.text() == **name))
            .collect();
        let unknown = given.iter().find(|(token, _, _)| labelled.field(token.text()).is_none());
        let list: Vec<String> = missing.iter().map(|(name, ty)| format!("`{name}: {ty}`")).collect();
        match (unknown, missing.is_empty()) {
            (Some((token, _, _)), false) => {
                let at = format!("and needs a field {}", list.join(", "));
                let mut diagnostic = Diagnostic::new(
                    Code::FIELDS,
                    self.token_span(token),
                    format!("`{}` has no field `{}`", labelled.name, token.text()),
                )
                .at(at);
                if let Some(near) = nearest(token.text(), missing.iter().map(|(name, _)| &**name)) {
                    diagnostic = diagnostic.help(format!("rename it to `{near}`")).replace(near);
                }
                self.report(diagnostic);
            }
            (None, false) => {
                let message = format!("`{}` needs {} more", labelled.name, list.join(", "));
                let place = self.span(args);
                self.report(Diagnostic::new(Code::FIELDS, place, message).help(format!(
                    "add {}",
                    missing.iter().map(|(name, _)| format!("`{name} = ..`")).collect::<Vec<_>>().join(", ")
                )));
            }
            (Some(_), true) => self.unknown_fields(labelled, &given),
            (None, true) => {}
        }
        let is_data = matches!(ty, Type::Data(_));
        let fields = self.checked_fields(labelled, given);
        let kind = if is_data { ExprKind::Struct(fields) } else { ExprKind::Ability(fields) };
        Expr { kind, ty, span }
    }

    fn unknown_fields(&mut self, labelled: &Labelled, given: &[(SyntaxToken, Expr, SyntaxNode)]) {
        for (token, _, _) in given.iter().filter(|(token, _, _)| labelled.field(token.text()).is_none()) {
            let message = format!("`{}` has no field `{}`; it is left out", labelled.name, token.text());
            let span = self.token_span(token);
            self.report(Diagnostic::new(Code::FIELD_UNKNOWN, span, message).help("remove it"));
        }
    }

    /// `x.copy(f = v)`
    pub(super) fn copy(&mut self, node: &SyntaxNode) -> Expr {
        let span = self.span(node);
        let base = self.value(ast::child(node), span);
        let Some(args) = ast::child::<ast::ArgList>(node) else { return poison(span) };
        let labelled = match &base.ty {
            Type::Data(labelled) | Type::Ability(labelled) => labelled.clone(),
            other => {
                if *other != Type::Poison {
                    let message = format!("`copy` is for data and abilities, this is `{other}`");
                    self.error(Code::MEMBER_UNKNOWN, base.span, message);
                }
                self.named_values(&Labelled { name: "".into(), fields: Vec::new() }, args.syntax());
                return poison(span);
            }
        };
        let given = self.named_values(&labelled, args.syntax());
        for (token, _, _) in given.iter().filter(|(token, _, _)| labelled.field(token.text()).is_none()) {
            let message = format!("`{}` has no field `{}`", labelled.name, token.text());
            let mut diagnostic = Diagnostic::new(Code::FIELDS, self.token_span(token), message);
            if let Some(near) = nearest(token.text(), labelled.fields.iter().map(|(name, _)| &**name)) {
                diagnostic = diagnostic.help(format!("did you mean `{near}`?")).replace(near);
            }
            self.report(diagnostic);
        }
        let fields = self.checked_fields(&labelled, given);
        let ty = base.ty.clone();
        Expr { kind: ExprKind::Copy { base: Box::new(base), fields }, ty, span }
    }

    /// The arguments as fields: the name, the value, and where the value is written.
    fn named_values(&mut self, labelled: &Labelled, args: &SyntaxNode) -> Vec<(SyntaxToken, Expr, SyntaxNode)> {
        let mut given: Vec<(SyntaxToken, Expr, SyntaxNode)> = Vec::new();
        for arg in args.children() {
            let around = self.span(&arg);
            let (name, value) = match arg.kind() {
                SyntaxKind::NamedArg => (ast::words(&arg).next(), ast::child::<ast::Expr>(&arg)),
                SyntaxKind::NameExpr => (ast::words(&arg).next(), ast::Expr::cast(arg.clone())),
                _ => {
                    if let Some(value) = ast::Expr::cast(arg.clone()) {
                        self.value(Some(value), around);
                        let first = labelled.fields.first().map_or("field", |(name, _)| name);
                        let text = self.text(around);
                        let diagnostic = Diagnostic::new(Code::FIELDS, around, "fields are given by name");
                        self.report(diagnostic.help(format!("write `{first} = {text}`")));
                    }
                    continue;
                }
            };
            let node = value.as_ref().map_or_else(|| arg.clone(), |value| value.syntax().clone());
            let value = self.value(value, around);
            let Some(name) = name else { continue };
            if given.iter().any(|(known, _, _)| known.text() == name.text()) {
                let span = self.token_span(&name);
                self.error(Code::FIELDS, span, format!("`{}` is given twice", name.text()));
                continue;
            }
            given.push((name, value, node));
        }
        given
    }

    fn checked_fields(
        &mut self,
        labelled: &Labelled,
        given: Vec<(SyntaxToken, Expr, SyntaxNode)>,
    ) -> Vec<(Arc<str>, Expr)> {
        let mut fields: Vec<(Arc<str>, Expr)> = Vec::new();
        for (token, value, node) in given {
            let Some(want) = labelled.field(token.text()) else { continue };
            let slot = format!("`{}: {want}`", token.text());
            self.fit(&value, &node, want, Some(&slot));
            fields.push((Arc::from(token.text()), value));
        }
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        fields
    }
}
