//! Interfaces as Aqua tools read them: function signatures and record types in Aqua's words.

use marine_runtime::{AquaInterface, Interface};
use serde_json::{Value, json};

/// `{function_signatures, record_types}` of an interface.
pub(crate) fn describe(interface: &Interface) -> Value {
    let AquaInterface { records, functions, .. } = interface.in_aqua("");
    let signatures = functions.into_iter().map(|function| {
        let outputs: Vec<_> = function.result.into_iter().collect();
        json!({ "name": function.name, "arguments": function.params, "output_types": outputs })
    });
    let records = records.into_iter().enumerate();
    let records = records.map(|(id, (name, fields))| json!({ "id": id, "name": name, "fields": fields }));
    json!({ "function_signatures": signatures.collect::<Value>(), "record_types": records.collect::<Value>() })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use marine_runtime::{Field, Function, Param, Type, TypeDef};

    use super::*;

    #[test]
    fn aqua_words() {
        let line = Type::Named {
            name: Some("order-line".into()),
            def: Arc::new(TypeDef::Record(vec![Field { name: "unit-price".to_owned(), ty: Type::U64 }])),
        };
        let other = Type::Named {
            name: Some("order-line".into()),
            def: Arc::new(TypeDef::Record(vec![Field { name: "item".to_owned(), ty: Type::String }])),
        };
        let flags = Type::Named { name: Some("ways".into()), def: Arc::new(TypeDef::Flags(vec!["up".to_owned()])) };
        let interface = Interface {
            functions: vec![Function {
                name: "total-of".to_owned(),
                docs: None,
                params: vec![
                    Param { name: "the-lines".to_owned(), ty: Type::List(Arc::new(line.clone())) },
                    Param { name: "note".to_owned(), ty: Type::Option(Arc::new(Type::String)) },
                    Param { name: "pair".to_owned(), ty: Type::Tuple([Type::S8, Type::S8].into()) },
                    Param { name: "other".to_owned(), ty: other },
                    Param { name: "ways".to_owned(), ty: flags },
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
                    "arguments": [["the_lines", "[]OrderLine"], ["note", "?string"], ["pair", "[]i8"],
                                  ["other", "OrderLine2"], ["ways", "[]string"]],
                    "output_types": ["OrderLine"],
                }],
                "record_types": [
                    { "id": 0, "name": "OrderLine", "fields": [["unit_price", "u64"]] },
                    { "id": 1, "name": "OrderLine2", "fields": [["item", "string"]] },
                ],
            })
        );
    }
}
