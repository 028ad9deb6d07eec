//! Values.

use super::body::Body;
use super::names::{chain, constant, poison};
use super::relation;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::hir::{Expr, ExprKind, Scalar, Special, Type};
use crate::resolve::constant::literal;
use crate::syntax::ast::{self, AstNode};
use crate::syntax::{SyntaxKind, SyntaxNode};

impl Body<'_, '_> {
    /// A value; a call without results is none.
    pub(super) fn value(&mut self, value: Option<ast::Expr>, around: Span) -> Expr {
        let Some(value) = value else { return poison(around) };
        let expr = self.expr(&value);
        if results(&expr).is_some_and(|results| results.is_empty()) {
            let message = format!("`{}` gives no result", callee_text(value.syntax()));
            self.report(Diagnostic::new(Code::RESULTS, expr.span, message).help("call it on a line of its own"));
            return poison(expr.span);
        }
        expr
    }

    /// A value or call.
    pub(super) fn expr(&mut self, expr: &ast::Expr) -> Expr {
        let node = expr.syntax();
        let span = self.span(node);
        match node.kind() {
            SyntaxKind::Literal => self.literal(node),
            SyntaxKind::NameExpr | SyntaxKind::FieldExpr => match chain(node) {
                Some(names) => self.name_chain(&names),
                None => {
                    let base = self.value(ast::child(node), span);
                    match ast::words(node).next() {
                        Some(name) => self.field(base, &name),
                        None => poison(span),
                    }
                }
            },
            SyntaxKind::CallExpr => self.call(node),
            SyntaxKind::CopyExpr => self.copy(node),
            SyntaxKind::IndexExpr => self.index(node),
            SyntaxKind::BangExpr => self.bang(node),
            SyntaxKind::NotExpr => self.not(node),
            SyntaxKind::BinaryExpr => self.binary(node),
            SyntaxKind::CollectionExpr => self.collection(node),
            SyntaxKind::ParenExpr => self.value(ast::child(node), span),
            _ => poison(span),
        }
    }

    fn literal(&mut self, node: &SyntaxNode) -> Expr {
        let span = self.span(node);
        if ast::token(node, SyntaxKind::InitPeer).is_some() {
            return Expr { kind: ExprKind::Special(Special::InitPeer), ty: Type::Scalar(Scalar::String), span };
        }
        match literal(self.file, node) {
            Ok(value) => constant(&value, span),
            Err(diagnostic) => {
                self.report(*diagnostic);
                poison(span)
            }
        }
    }

    /// Says that `value`, written as `node`, is not accepted where `want` is; `slot` names the place, like ``n: u8``.
    pub(super) fn fit(&mut self, value: &Expr, node: &SyntaxNode, want: &Type, slot: Option<&str>) -> bool {
        if self.checker.relations.fits(&value.ty, want) {
            self.wider_stream(value, want);
            return true;
        }
        let span = self.span(node);
        match (&value.ty, want) {
            (Type::IntLiteral(low, high), Type::Scalar(scalar)) if relation::interval(*scalar).is_some() => {
                self.out_of_range((*low, *high), *scalar, node, slot);
            }
            _ => self.mismatch(value, span, want, slot),
        }
        false
    }

    fn out_of_range(&mut self, (low, high): (i64, i64), scalar: Scalar, node: &SyntaxNode, slot: Option<&str>) {
        let Some((least, greatest)) = relation::interval(scalar) else { return };
        let found = if low == high { format!("`{low}`") } else { format!("a number from {low} to {high}") };
        let slot = slot.map_or_else(|| format!("`{}`", scalar.name()), str::to_string);
        let message = format!("{found} does not fit `{}`", scalar.name());
        let computed = node.descendants().any(|part| part.kind() == SyntaxKind::BinaryExpr);
        let code = if computed { Code::FOLDED_RANGE } else { Code::RANGE };
        self.report(Diagnostic::new(code, self.span(node), message).at(format!("{slot} holds {least} to {greatest}")));
    }

    fn mismatch(&mut self, value: &Expr, span: Span, want: &Type, slot: Option<&str>) {
        let origin = match &value.kind {
            ExprKind::Local(local) => self.origins.get(local).map(|(text, span)| {
                let line = self.checker.modules.line(*span);
                format!(" (from `{text}`, line {line})")
            }),
            _ => None,
        };
        let slot = slot.map_or_else(|| format!("`{want}`"), str::to_string);
        let at = format!("expected {slot}, found `{}`{}", value.ty, origin.unwrap_or_default());
        let mut diagnostic = Diagnostic::new(Code::TYPES, span, "mismatched types").at(at);
        let text = self.text(span);
        match (&value.ty, want) {
            (Type::Option(inner), _) if self.checker.relations.fits(inner, want) => {
                diagnostic = diagnostic.help(format!(
                    "`{text}!` takes the value and fails without one; test with `if {text} != nil:` before"
                ));
                diagnostic.fix = Some(crate::diagnostic::Fix { span, text: format!("{text}!") });
            }
            (Type::Stream(inner) | Type::Array(inner), _) if self.checker.relations.fits(inner, want) => {
                diagnostic = diagnostic.help(format!("take one element: `{text}[0]`"));
            }
            (found, Type::Option(inner)) if self.checker.relations.fits(found, inner) => {
                diagnostic = diagnostic.help(format!("write `?[{text}]`")).replace(format!("?[{text}]"));
            }
            (found, Type::Array(inner)) if self.checker.relations.fits(found, inner) => {
                diagnostic = diagnostic.help(format!("write `[{text}]`")).replace(format!("[{text}]"));
            }
            (Type::Array(_) | Type::Option(_), Type::Stream(inner)) => {
                diagnostic =
                    diagnostic.help(format!("an array never becomes a stream: declare `s: *{inner}` and push to it"));
            }
            (Type::Data(found), Type::Data(wanted)) => {
                let missing = wanted.fields.iter().find(|(name, _)| found.field(name).is_none());
                if let Some((name, ty)) = missing {
                    diagnostic = diagnostic.help(format!("`{}` has no field `{name}: {ty}`", found.name));
                } else if let Some((name, ty)) = self.differing_field(found, wanted) {
                    diagnostic = diagnostic.help(format!("its field `{name}` should be `{ty}`"));
                }
            }
            _ => {}
        }
        self.report(diagnostic);
    }

    fn differing_field(
        &mut self,
        found: &crate::hir::Labelled,
        wanted: &crate::hir::Labelled,
    ) -> Option<(String, String)> {
        let relations = &mut self.checker.relations;
        let differs =
            wanted.fields.iter().find(|(name, ty)| !found.field(name).is_some_and(|found| relations.fits(found, ty)));
        differs.map(|(name, ty)| (name.to_string(), ty.to_string()))
    }

    /// By reference, the callee may push what the stream's own type does not hold.
    fn wider_stream(&mut self, value: &Expr, want: &Type) {
        let (Type::Stream(ours), Type::Stream(theirs)) = (&value.ty, want) else { return };
        if !self.checker.relations.fits(theirs, ours) {
            let message = format!("`*{ours}` is passed where `{theirs}` may be pushed to it");
            let diagnostic = Diagnostic::new(Code::PUSH_WIDER, value.span, message);
            self.report(diagnostic.help("give both streams one type"));
        }
    }

    /// The source of a span of this file.
    pub(super) fn text(&self, span: Span) -> String {
        let text = &self.checker.modules.module(self.file).text;
        text.get(span.range()).unwrap_or_default().to_string()
    }

    /// A value of the given type, or an error that says what is wanted.
    pub(super) fn typed(
        &mut self,
        value: Option<ast::Expr>,
        around: Span,
        want: &Type,
        code: Code,
        what: &str,
    ) -> Expr {
        let node = value.as_ref().map(|value| value.syntax().clone());
        let expr = self.value(value, around);
        if !self.checker.relations.fits(&expr.ty, want) {
            let span = node.map_or(around, |node| self.span(&node));
            let message = format!("{what} must be `{want}`");
            let mut diagnostic = Diagnostic::new(code, span, message).at(format!("this is `{}`", expr.ty));
            if let Type::Option(inner) = &expr.ty {
                let text = self.text(span);
                if self.checker.relations.fits(inner, want) {
                    diagnostic = diagnostic.help(format!("`{text}!` takes the value and fails without one"));
                } else if code == Code::CONDITION {
                    diagnostic = diagnostic.help(format!("ask whether there is one: `{text} != nil`"));
                }
            }
            self.report(diagnostic);
        }
        expr
    }
}

/// The results of a call; `None` of anything else, and where they are not known.
pub(super) fn results(expr: &Expr) -> Option<Vec<Type>> {
    match &expr.kind {
        ExprKind::Call { callee, .. } => match &callee.ty {
            Type::Arrow(arrow) => Some(arrow.results.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// What is called, as it is written.
pub(super) fn callee_text(node: &SyntaxNode) -> String {
    ast::child::<ast::Expr>(node)
        .filter(|_| node.kind() == SyntaxKind::CallExpr)
        .map_or_else(|| node.text().to_string(), |callee| callee.syntax().text().to_string())
}
