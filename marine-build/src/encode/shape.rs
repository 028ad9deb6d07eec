//! Questions about types: what they own, how they read in messages.

use super::items::{Export, Field, Type};
use super::names::kebab_case;

impl Type {
    /// Whether a value of the type owns memory beyond itself, which somebody has to free.
    pub(super) fn has_heap(&self) -> bool {
        match self {
            Type::String | Type::List(_) | Type::Fixed(..) => true,
            Type::Option(inner) => inner.has_heap(),
            Type::Result(ok, err) => ok.has_heap() || err.has_heap(),
            Type::Tuple(types) => types.iter().any(Type::has_heap),
            Type::Record(_, _, fields) => fields.iter().any(|field| field.ty.has_heap()),
            Type::Variant(_, _, cases) => cases.iter().any(|case| case.ty.has_heap()),
            _ => false,
        }
    }

    /// The scalar's name in WIT.
    pub(super) fn scalar(&self) -> Option<&'static str> {
        Some(match self {
            Type::Bool => "bool",
            Type::U8 => "u8",
            Type::S8 => "s8",
            Type::U16 => "u16",
            Type::S16 => "s16",
            Type::U32 => "u32",
            Type::S32 => "s32",
            Type::U64 => "u64",
            Type::S64 => "s64",
            Type::F32 => "f32",
            Type::F64 => "f64",
            Type::Char => "char",
            Type::String => "string",
            _ => return None,
        })
    }

    /// Whether both are one type at the boundary: names and types of everything inside agree, documentation apart.
    pub(super) fn same(&self, other: &Type) -> bool {
        let all = |a: &[Type], b: &[Type]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b));
        match (self, other) {
            (Type::List(a), Type::List(b)) | (Type::Option(a), Type::Option(b)) => a.same(b),
            (Type::Result(a, b), Type::Result(c, d)) => a.same(c) && b.same(d),
            (Type::Tuple(a), Type::Tuple(b)) => all(a, b),
            (Type::Fixed(n, a), Type::Fixed(m, b)) => n == m && a.same(b),
            (Type::Record(a, _, fields), Type::Record(b, _, others)) => {
                let same = |(field, other): (&Field, &Field)| field.name == other.name && field.ty.same(&other.ty);
                a == b && fields.len() == others.len() && fields.iter().zip(others).all(same)
            }
            (Type::Enum(a, _, cases), Type::Enum(b, _, others))
            | (Type::Variant(a, _, cases), Type::Variant(b, _, others)) => {
                a == b
                    && cases.len() == others.len()
                    && cases.iter().zip(others).all(|(case, other)| case.name == other.name && case.ty.same(&other.ty))
            }
            _ => self == other,
        }
    }

    /// The type as a message shows it, named types with one level of what is inside.
    pub(super) fn shown(&self) -> String {
        let short = |ty: &Type| match ty {
            Type::Record(name, ..) | Type::Enum(name, ..) | Type::Variant(name, ..) => name.clone(),
            other => other.shown(),
        };
        match self {
            Type::Record(name, _, fields) => {
                let fields: Vec<_> =
                    fields.iter().map(|field| format!("{}: {}", field.name, short(&field.ty))).collect();
                format!("struct {name} {{ {} }}", fields.join(", "))
            }
            Type::Enum(name, _, cases) | Type::Variant(name, _, cases) => {
                let case = |case: &super::items::Case| match &case.ty {
                    Type::Unit => case.name.clone(),
                    ty => format!("{}({})", case.name, short(ty)),
                };
                format!("enum {name} {{ {} }}", cases.iter().map(case).collect::<Vec<_>>().join(", "))
            }
            Type::List(inner) => format!("list<{}>", short(inner)),
            Type::Fixed(length, inner) => format!("[{}; {length}]", short(inner)),
            Type::Option(inner) => format!("option<{}>", short(inner)),
            Type::Result(ok, err) => format!("result<{}, {}>", short(ok), short(err)),
            Type::Tuple(types) => format!("tuple<{}>", types.iter().map(short).collect::<Vec<_>>().join(", ")),
            Type::Unit => "_".to_owned(),
            scalar => scalar.scalar().unwrap_or_default().to_owned(),
        }
    }
}

/// The lists of fixed length that a function takes or gives, each with the path to it, such as `total.lines[].cells`.
pub(super) fn fixed_lengths(export: &Export) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    let name = snake(&export.name);
    for param in &export.params {
        let param_name = param.name.trim_start_matches('_');
        walk(&param.ty, format!("{name}.{}", snake(param_name)), &mut found);
    }
    walk(&export.result, format!("{name}()"), &mut found);
    found
}

/// The name as callers write it. One that WIT cannot express is refused elsewhere.
fn snake(rust: &str) -> String {
    kebab_case(rust).unwrap_or_default().replace('-', "_")
}

fn walk(ty: &Type, path: String, found: &mut Vec<(String, u32)>) {
    match ty {
        Type::Fixed(length, inner) => {
            found.push((path.clone(), *length));
            walk(inner, format!("{path}[]"), found);
        }
        Type::List(inner) => walk(inner, format!("{path}[]"), found),
        Type::Option(inner) => walk(inner, format!("{path}?"), found),
        Type::Result(ok, err) => {
            walk(ok, format!("{path}.ok"), found);
            walk(err, format!("{path}.err"), found);
        }
        Type::Tuple(types) => {
            for (index, ty) in types.iter().enumerate() {
                walk(ty, format!("{path}.{index}"), found);
            }
        }
        Type::Record(_, _, fields) => {
            for field in fields {
                walk(&field.ty, format!("{path}.{}", snake(&field.name)), found);
            }
        }
        Type::Variant(_, _, cases) => {
            for case in cases {
                walk(&case.ty, format!("{path}.{}", snake(&case.name)), found);
            }
        }
        _ => {}
    }
}
