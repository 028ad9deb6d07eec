//! Operators.

use super::body::Body;
use super::fold;
use super::names::poison;
use super::relation::{is_float, is_integer, is_number, is_unsigned, least_number};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::hir::{Binary, Expr, ExprKind, Scalar, Type};
use crate::syntax::ast;
use crate::syntax::{SyntaxKind, SyntaxNode};

const BOOL: Type = Type::Scalar(Scalar::Bool);
const I64: Type = Type::Scalar(Scalar::I64);

impl Body<'_, '_> {
    /// `!x`
    pub(super) fn not(&mut self, node: &SyntaxNode) -> Expr {
        let span = self.span(node);
        let operand = self.typed(ast::child(node), span, &BOOL, Code::OPERATOR, "what stands behind `!`");
        let kind = match operand.kind {
            ExprKind::Bool(value) => ExprKind::Bool(!value),
            _ => ExprKind::Not(Box::new(operand)),
        };
        Expr { kind, ty: BOOL, span }
    }

    /// `a + b`
    pub(super) fn binary(&mut self, node: &SyntaxNode) -> Expr {
        let span = self.span(node);
        let mut operands = ast::children::<ast::Expr>(node);
        let (left, right) = (operands.next(), operands.next());
        let Some(token) = ast::tokens(node).next() else { return poison(span) };
        if matches!(token.kind(), SyntaxKind::AndAnd | SyntaxKind::OrOr) {
            let what = if token.kind() == SyntaxKind::AndAnd { "each side of `&&`" } else { "each side of `||`" };
            let left = self.typed(left, span, &BOOL, Code::OPERATOR, what);
            let right = self.typed(right, span, &BOOL, Code::OPERATOR, what);
            let op = if token.kind() == SyntaxKind::AndAnd { Binary::And } else { Binary::Or };
            return fold::binary(op, left, right, BOOL, span);
        }
        let (left, right) = (self.value(left, span), self.value(right, span));
        if left.ty == Type::Poison || right.ty == Type::Poison {
            let ty = if is_comparison(token.kind()) { BOOL } else { Type::Poison };
            return Expr { ty, ..poison(span) };
        }
        match token.kind() {
            SyntaxKind::EqEq | SyntaxKind::NotEq => self.equality(token.kind() == SyntaxKind::EqEq, left, right, span),
            kind if is_comparison(kind) => self.comparison(kind, left, right, span),
            SyntaxKind::StarStar => self.power(left, right, span),
            kind => self.arithmetic(kind, token.text(), left, right, span),
        }
    }

    fn equality(&mut self, is_equal: bool, left: Expr, right: Expr, span: Span) -> Expr {
        if !self.checker.relations.comparable(&left.ty, &right.ty) {
            let message = format!("`{}` and `{}` cannot be compared", left.ty, right.ty);
            let mut diagnostic = Diagnostic::new(Code::NOT_COMPARABLE, span, message);
            for (option, other) in [(&left, &right), (&right, &left)] {
                let Type::Option(inner) = &option.ty else { continue };
                if self.checker.relations.comparable(inner, &other.ty) {
                    diagnostic = diagnostic.help(format!("compare with an option: `?[{}]`", self.text(other.span)));
                }
            }
            self.report(diagnostic);
        } else if is_number(&left.ty) && is_number(&right.ty) && is_float(&left.ty) != is_float(&right.ty) {
            let message = format!("`{}` and `{}` are never equal: JSON `1` and `1.0` differ", left.ty, right.ty);
            self.report(Diagnostic::new(Code::NEVER_EQUAL, span, message).help("compare values of one type"));
        }
        let op = if is_equal { Binary::Equal } else { Binary::NotEqual };
        fold::binary(op, left, right, BOOL, span)
    }

    fn comparison(&mut self, kind: SyntaxKind, left: Expr, right: Expr, span: Span) -> Expr {
        let (op, text) = match kind {
            SyntaxKind::Less => (Binary::Less, "<"),
            SyntaxKind::LessEq => (Binary::LessEqual, "<="),
            SyntaxKind::Greater => (Binary::Greater, ">"),
            _ => (Binary::GreaterEqual, ">="),
        };
        if !is_integer(&left.ty) || !is_integer(&right.ty) {
            self.wrong_operands(text, "compares integers", &left, &right, span);
        }
        fold::binary(op, left, right, BOOL, span)
    }

    fn power(&mut self, left: Expr, right: Expr, span: Span) -> Expr {
        if !is_integer(&left.ty) || !is_unsigned(&right.ty) {
            self.wrong_operands("**", "takes an integer and an unsigned exponent", &left, &right, span);
            return poison(span);
        }
        let ty = self.least_type(&left, &right, span);
        fold::binary(Binary::Pow, left, right, ty, span)
    }

    fn arithmetic(&mut self, kind: SyntaxKind, text: &str, left: Expr, right: Expr, span: Span) -> Expr {
        let (op, what) = match kind {
            SyntaxKind::Plus => (Binary::Add, "adds integers"),
            SyntaxKind::Minus => (Binary::Sub, "subtracts integers"),
            SyntaxKind::Star => (Binary::Mul, "multiplies numbers"),
            SyntaxKind::Slash => (Binary::Div, "divides integers"),
            _ => (Binary::Rem, "divides integers"),
        };
        let numbers = is_number(&left.ty) && is_number(&right.ty);
        if op == Binary::Mul && numbers && (is_float(&left.ty) || is_float(&right.ty)) {
            for operand in [&left, &right] {
                if !self.checker.relations.fits(&operand.ty, &Type::Scalar(Scalar::F64)) {
                    let message = format!("`{}` may not fit `f64`, as which `*` with a float computes", operand.ty);
                    self.error(Code::OPERATOR, operand.span, message);
                }
            }
            return Expr {
                kind: ExprKind::Binary { op: Binary::FloatMul, left: Box::new(left), right: Box::new(right) },
                ty: I64,
                span,
            };
        }
        if !is_integer(&left.ty) || !is_integer(&right.ty) {
            self.wrong_operands(text, what, &left, &right, span);
            return poison(span);
        }
        if matches!(op, Binary::Div | Binary::Rem) && matches!(right.kind, ExprKind::Int(0)) {
            let diagnostic = Diagnostic::new(Code::OPERATOR, right.span, "this divides by zero");
            self.report(diagnostic.help("it would fail whenever it runs"));
        }
        let ty = self.least_type(&left, &right, span);
        fold::binary(op, left, right, ty, span)
    }

    /// The type of a result: a literal takes that of the other side if it fits.
    fn least_type(&mut self, left: &Expr, right: &Expr, span: Span) -> Type {
        for (literal, other) in [(left, right), (right, left)] {
            let scalar = matches!(other.ty, Type::Scalar(_));
            if scalar
                && matches!(literal.ty, Type::IntLiteral(..))
                && self.checker.relations.fits(&literal.ty, &other.ty)
            {
                return other.ty.clone();
            }
        }
        match least_number(&left.ty, &right.ty) {
            Some(scalar) if !is_float(&Type::Scalar(scalar)) => Type::Scalar(scalar),
            _ => {
                let message = format!("no type holds both `{}` and `{}`: the result is `i64`", left.ty, right.ty);
                self.report(Diagnostic::new(Code::RESULT_I64, span, message).help("use operands of like sign"));
                I64
            }
        }
    }

    fn wrong_operands(&mut self, operator: &str, what: &str, left: &Expr, right: &Expr, span: Span) {
        let mut diagnostic = Diagnostic::new(Code::OPERATOR, span, format!("`{operator}` {what}"))
            .at(format!("`{}` and `{}`", left.ty, right.ty));
        let string = Type::Scalar(Scalar::String);
        if operator == "+" && left.ty == string && right.ty == string {
            let call = format!("Op.concat_strings({}, {})", self.text(left.span), self.text(right.span));
            diagnostic = diagnostic.help(format!("`{call}` from \"aqua-lib/builtin.aqua\" joins texts"));
        } else if let Some(option) = [left, right].into_iter().find(|side| matches!(side.ty, Type::Option(_))) {
            diagnostic = diagnostic.help(format!("take the value out: `{}!`", self.text(option.span)));
        }
        self.report(diagnostic);
    }
}

fn is_comparison(kind: SyntaxKind) -> bool {
    (SyntaxKind::EqEq..=SyntaxKind::GreaterEq).contains(&kind)
}
