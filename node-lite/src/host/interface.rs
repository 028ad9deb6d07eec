//! Interfaces as Aqua tools read them: function signatures and record types in Aqua's words.

use std::sync::Arc;

use marine_runtime::{Interface, Type, TypeDef};
use serde_json::{Value, json};

/// `{function_signatures, record_types}` of an interface.
pub(crate) fn describe(interface: &Interface) -> Value {
    let mut records = Records::default();
    let signatures: Vec<_> = interface
        .functions
        .iter()
        .map(|function| {
            let pair = |(name, ty): (&String, &Type)| json!([snake(name), records.aqua(ty)]);
            let arguments: Vec<_> = function.params.iter().map(|param| (&param.name, &param.ty)).map(pair).collect();
            let output: Vec<_> = function.result.iter().map(|ty| records.aqua(returned(ty).unwrap_or(ty))).collect();
            let output = if function.result.as_ref().is_some_and(is_unit_result) { Vec::new() } else { output };
            json!({ "name": snake(&function.name), "arguments": arguments, "output_types": output })
        })
        .collect();
    json!({ "function_signatures": signatures, "record_types": records.list })
}

/// A `result` that a function returns is its value; the error travels as the call's error.
fn returned(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Result { ok, .. } => ok.as_deref(),
        _ => None,
    }
}

fn is_unit_result(ty: &Type) -> bool {
    matches!(ty, Type::Result { ok: None, .. })
}

fn snake(name: &str) -> String {
    name.replace('-', "_")
}

/// The record types met so far.
#[derive(Default)]
struct Records {
    names: Vec<String>,
    list: Vec<Value>,
}

impl Records {
    fn aqua(&mut self, ty: &Type) -> String {
        match ty {
            Type::Bool => "bool".to_owned(),
            Type::U8 => "u8".to_owned(),
            Type::S8 => "i8".to_owned(),
            Type::U16 => "u16".to_owned(),
            Type::S16 => "i16".to_owned(),
            Type::U32 => "u32".to_owned(),
            Type::S32 => "i32".to_owned(),
            Type::U64 => "u64".to_owned(),
            Type::S64 => "i64".to_owned(),
            Type::F32 => "f32".to_owned(),
            Type::F64 => "f64".to_owned(),
            Type::Char | Type::String => "string".to_owned(),
            Type::List(item) => format!("[]{}", self.aqua(item)),
            Type::Option(item) => format!("?{}", self.aqua(item)),
            Type::Tuple(items) => self.tuple(items),
            Type::Named { name, def } => self.named(name.as_ref(), def),
            Type::Result { .. } | Type::Unsupported(_) => "⊤".to_owned(),
        }
    }

    fn tuple(&mut self, items: &[Type]) -> String {
        match items.split_first() {
            Some((first, rest)) if rest.iter().all(|item| item == first) => format!("[]{}", self.aqua(first)),
            _ => "⊤".to_owned(),
        }
    }

    fn named(&mut self, name: Option<&Arc<str>>, def: &TypeDef) -> String {
        let TypeDef::Record(fields) = def else {
            return if matches!(def, TypeDef::Enum(_)) { "string" } else { "⊤" }.to_owned();
        };
        let Some(name) = name.map(|name| camel(name)) else { return "⊤".to_owned() };
        if !self.names.contains(&name) {
            // Before its fields, so that a type is listed once even if it is met again inside.
            self.names.push(name.clone());
            let fields: Vec<_> = fields.iter().map(|field| json!([snake(&field.name), self.aqua(&field.ty)])).collect();
            let id = self.names.iter().position(|known| *known == name);
            self.list.push(json!({ "id": id, "name": name, "fields": fields }));
        }
        name
    }
}

/// `order-line` -> `OrderLine`, the way Aqua and Rust write type names.
fn camel(name: &str) -> String {
    let part = |part: &str| {
        let mut letters = part.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
    };
    name.split('-').filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use marine_runtime::{Field, Function, Param};

    use super::*;

    #[test]
    fn aqua_words() {
        let line = Type::Named {
            name: Some("order-line".into()),
            def: Arc::new(TypeDef::Record(vec![Field { name: "unit-price".to_owned(), ty: Type::U64 }])),
        };
        let interface = Interface {
            functions: vec![Function {
                name: "total-of".to_owned(),
                docs: None,
                params: vec![
                    Param { name: "the-lines".to_owned(), ty: Type::List(Arc::new(line.clone())) },
                    Param { name: "note".to_owned(), ty: Type::Option(Arc::new(Type::String)) },
                    Param { name: "pair".to_owned(), ty: Type::Tuple([Type::S8, Type::S8].into()) },
                ],
                result: Some(Type::Result { ok: Some(Arc::new(line)), err: Some(Arc::new(Type::String)) }),
            }],
            ..Interface::default()
        };
        assert_eq!(
            describe(&interface),
            json!({
                "function_signatures": [{
                    "name": "total_of",
                    "arguments": [["the_lines", "[]OrderLine"], ["note", "?string"], ["pair", "[]i8"]],
                    "output_types": ["OrderLine"],
                }],
                "record_types": [{ "id": 0, "name": "OrderLine", "fields": [["unit_price", "u64"]] }],
            })
        );
    }
}
