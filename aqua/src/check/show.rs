//! Types as the author would write them.

use std::fmt::{self, Display};

use crate::hir::{Arrow, Type};

/// How deep arrows in arrows are written out.
const DEPTH: u32 = 4;

impl Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_type(self, f, DEPTH)
    }
}

impl Display for Arrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_arrow(self, f, DEPTH)
    }
}

fn write_type(ty: &Type, f: &mut fmt::Formatter<'_>, depth: u32) -> fmt::Result {
    let (sigil, element) = match ty {
        Type::Top => return f.write_str("⊤"),
        Type::Bottom => return f.write_str("⊥"),
        Type::Poison => return f.write_str("?"),
        Type::Scalar(scalar) => return f.write_str(scalar.name()),
        Type::IntLiteral(low, high) if low == high => return write!(f, "int {low}"),
        Type::IntLiteral(low, high) => return write!(f, "int {low}..{high}"),
        Type::FloatLiteral => return f.write_str("float"),
        Type::Data(labelled) | Type::Ability(labelled) => return f.write_str(&labelled.name),
        Type::Arrow(_) if depth == 0 => return f.write_str(".. -> .."),
        Type::Arrow(arrow) => return write_arrow(arrow, f, depth - 1),
        Type::Array(element) => ("[]", element),
        Type::Option(element) => ("?", element),
        Type::Stream(element) => ("*", element),
        Type::StreamMap(element) => ("%", element),
    };
    f.write_str(sigil)?;
    write_type(element, f, depth)
}

fn write_arrow(arrow: &Arrow, f: &mut fmt::Formatter<'_>, depth: u32) -> fmt::Result {
    if !arrow.abilities.is_empty() {
        f.write_str("{")?;
        write_list(&arrow.abilities, f, depth)?;
        f.write_str("} ")?;
    }
    write_list(&arrow.params, f, depth)?;
    f.write_str(if arrow.params.is_empty() { "-> " } else { " -> " })?;
    match arrow.results.is_empty() {
        true => f.write_str("()"),
        false => write_list(&arrow.results, f, depth),
    }
}

fn write_list(types: &[Type], f: &mut fmt::Formatter<'_>, depth: u32) -> fmt::Result {
    for (index, ty) in types.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { ", " })?;
        let nested = matches!(ty, Type::Arrow(_));
        f.write_str(if nested { "(" } else { "" })?;
        write_type(ty, f, depth)?;
        f.write_str(if nested { ")" } else { "" })?;
    }
    Ok(())
}
