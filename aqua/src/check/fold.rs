//! Operators on constants are computed once, by the compiler.

use crate::diagnostic::Span;
use crate::hir::{Binary, Expr, ExprKind, Scalar, Type};

/// The operation, or its value if both operands are constant. What overflows or divides by zero is left to fail at run time.
pub(super) fn binary(op: Binary, left: Expr, right: Expr, ty: Type, span: Span) -> Expr {
    if let Some(value) = integer(op, &left.kind, &right.kind) {
        return Expr { kind: ExprKind::Int(value), ty: Type::IntLiteral(value, value), span };
    }
    if let Some(value) = truth(op, &left.kind, &right.kind) {
        return Expr { kind: ExprKind::Bool(value), ty: Type::Scalar(Scalar::Bool), span };
    }
    Expr { kind: ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) }, ty, span }
}

fn integer(op: Binary, left: &ExprKind, right: &ExprKind) -> Option<i64> {
    let (&ExprKind::Int(a), &ExprKind::Int(b)) = (left, right) else { return None };
    match op {
        Binary::Add => a.checked_add(b),
        Binary::Sub => a.checked_sub(b),
        Binary::Mul => a.checked_mul(b),
        Binary::Div => a.checked_div(b),
        Binary::Rem => a.checked_rem(b),
        Binary::Pow => a.checked_pow(u32::try_from(b).ok()?),
        _ => None,
    }
}

fn truth(op: Binary, left: &ExprKind, right: &ExprKind) -> Option<bool> {
    match (left, right) {
        (&ExprKind::Int(a), &ExprKind::Int(b)) => Some(match op {
            Binary::Equal => a == b,
            Binary::NotEqual => a != b,
            Binary::Less => a < b,
            Binary::LessEqual => a <= b,
            Binary::Greater => a > b,
            Binary::GreaterEqual => a >= b,
            _ => return None,
        }),
        (&ExprKind::Bool(a), &ExprKind::Bool(b)) => Some(match op {
            Binary::And => a && b,
            Binary::Or => a || b,
            Binary::Equal => a == b,
            Binary::NotEqual => a != b,
            _ => return None,
        }),
        (ExprKind::Text(a), ExprKind::Text(b)) => match op {
            Binary::Equal => Some(a == b),
            Binary::NotEqual => Some(a != b),
            _ => None,
        },
        _ => None,
    }
}
