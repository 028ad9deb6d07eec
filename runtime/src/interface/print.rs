//! Interfaces and types as WIT text.

use std::fmt::{self, Display, Formatter, Write};

use marine_manifest::escaped;

use super::{Field, Function, Interface, Type, TypeDef};
use crate::names;

pub(super) fn interface(interface: &Interface) -> String {
    let mut text = String::new();
    let short = interface.id.as_deref().and_then(short_name).unwrap_or("api");
    docs(&mut text, "", interface.docs.as_deref());
    let _ = writeln!(text, "interface {} {{", escaped(short));
    for (name, ty) in &interface.types {
        definition(&mut text, name, ty);
    }
    for function in &interface.functions {
        docs(&mut text, "  ", function.docs.as_deref());
        let _ = writeln!(text, "  {}: {};", escaped(&function.name), function.signature());
    }
    text.push_str("}\n");
    text
}

pub(super) fn signature(function: &Function) -> String {
    let params = function.params.iter().map(|param| format!("{}: {}", escaped(&param.name), param.ty));
    let mut text = format!("func({})", params.collect::<Vec<_>>().join(", "));
    if let Some(result) = &function.result {
        let _ = write!(text, " -> {result}");
    }
    text
}

pub(super) fn call_form(function: &Function) -> String {
    let params = function.params.iter().map(|param| format!("{}: {}", names::outside(&param.name), param.ty));
    format!("{}({})", names::outside(&function.name), params.collect::<Vec<_>>().join(", "))
}

/// `api` of `marine:shop/api@1.0.0`.
fn short_name(id: &str) -> Option<&str> {
    id.split_once('/')?.1.split('@').next()
}

fn docs(text: &mut String, indent: &str, docs: Option<&str>) {
    for line in docs.into_iter().flat_map(str::lines) {
        let _ = writeln!(text, "{}", format!("{indent}/// {line}").trim_end());
    }
}

fn definition(text: &mut String, name: &str, ty: &Type) {
    let name = escaped(name);
    let Type::Named { name: own, def } = ty else {
        let _ = writeln!(text, "  type {name} = {ty};");
        return;
    };
    if own.as_deref().is_some_and(|own| escaped(own) != name) {
        let _ = writeln!(text, "  type {name} = {ty};");
        return;
    }
    let (keyword, items): (&str, Vec<String>) = match &**def {
        TypeDef::Record(fields) => ("record", fields.iter().map(field).collect()),
        TypeDef::Enum(cases) => ("enum", cases.iter().map(|case| escaped(case)).collect()),
        TypeDef::Flags(flags) => ("flags", flags.iter().map(|flag| escaped(flag)).collect()),
        TypeDef::Variant(cases) => (
            "variant",
            cases
                .iter()
                .map(|case| match &case.ty {
                    Some(ty) => format!("{}({ty})", escaped(&case.name)),
                    None => escaped(&case.name),
                })
                .collect(),
        ),
    };
    let _ = writeln!(text, "  {keyword} {name} {{");
    for item in items {
        let _ = writeln!(text, "    {item},");
    }
    text.push_str("  }\n");
}

fn field(field: &Field) -> String {
    format!("{}: {}", escaped(&field.name), field.ty)
}

impl Display for Type {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let word = match self {
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
            Type::Unsupported(what) => what,
            Type::List(of) => return write!(to, "list<{of}>"),
            Type::Option(of) => return write!(to, "option<{of}>"),
            Type::Result { ok: None, err: None } => "result",
            Type::Result { ok: Some(ok), err: None } => return write!(to, "result<{ok}>"),
            Type::Result { ok: Some(ok), err: Some(err) } => return write!(to, "result<{ok}, {err}>"),
            Type::Result { ok: None, err: Some(err) } => return write!(to, "result<_, {err}>"),
            Type::Tuple(types) => return write_all(to, "tuple<", types.iter(), ">"),
            Type::Named { name: Some(name), .. } => return to.write_str(&escaped(name)),
            Type::Named { name: None, def } => return write!(to, "{def}"),
        };
        to.write_str(word)
    }
}

impl Display for TypeDef {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        match self {
            TypeDef::Record(fields) => write_all(to, "record { ", fields.iter().map(field), " }"),
            TypeDef::Enum(cases) => write_all(to, "enum { ", cases.iter(), " }"),
            TypeDef::Flags(flags) => write_all(to, "flags { ", flags.iter(), " }"),
            TypeDef::Variant(cases) => write_all(
                to,
                "variant { ",
                cases.iter().map(|case| match &case.ty {
                    Some(ty) => format!("{}({ty})", case.name),
                    None => case.name.clone(),
                }),
                " }",
            ),
        }
    }
}

fn write_all<T: Display>(
    to: &mut Formatter<'_>,
    open: &str,
    items: impl Iterator<Item = T>,
    close: &str,
) -> fmt::Result {
    to.write_str(open)?;
    for (index, item) in items.enumerate() {
        write!(to, "{}{item}", if index == 0 { "" } else { ", " })?;
    }
    to.write_str(close)
}
