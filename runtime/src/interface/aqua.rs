//! An interface as Aqua declarations: `data` for records, a `service` with its functions.
//!
//! Types that Aqua has no word for are `⊤`; see §2 of the specification for the table.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use super::{Function, Interface, Type, TypeDef};
use crate::names;

/// An interface in words of Aqua: names in snake_case, those of records in CamelCase, types as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AquaInterface {
    /// Its documentation.
    pub docs: Option<String>,
    /// Records by name, each after those it uses, with the names and types of their fields.
    pub records: Vec<(String, Vec<(String, String)>)>,
    /// Functions, sorted by name.
    pub functions: Vec<AquaFunction>,
}

/// A function in words of Aqua.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AquaFunction {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub docs: Option<String>,
    /// Names and types of its parameters.
    pub params: Vec<(String, String)>,
    /// Its result; an error travels as the error of the call.
    pub result: Option<String>,
}

/// `interface` in words of Aqua; no record is called like its service.
pub(super) fn in_aqua(interface: &Interface, service: &str) -> AquaInterface {
    let mut records = Records { service: service.to_owned(), ..Records::default() };
    let mut functions: Vec<&Function> = interface.functions.iter().collect();
    functions.sort_by_key(|function| names::outside(&function.name));
    let functions = functions.into_iter().map(|function| records.function(function)).collect();
    AquaInterface { docs: interface.docs.clone(), records: records.list, functions }
}

impl AquaInterface {
    /// A module of Aqua: `data` for the records and the service `name`, bound to `id` if it is given.
    pub fn declarations(&self, name: &str, id: Option<&str>) -> String {
        let list = |pairs: &[(String, String)], between: &str| {
            pairs.iter().map(|(name, ty)| format!("{name}: {ty}")).collect::<Vec<_>>().join(between)
        };
        let mut text = format!("aqua {name} declares *\n");
        for (name, fields) in &self.records {
            let _ = writeln!(text, "\ndata {name}:\n  {}", list(fields, "\n  "));
        }
        // A service without functions is no Aqua.
        if !self.functions.is_empty() {
            text.push('\n');
            docs(&mut text, "", self.docs.as_deref());
            let id = id.map(|id| format!("({})", quoted(id))).unwrap_or_default();
            let _ = writeln!(text, "service {name}{id}:");
        }
        for function in &self.functions {
            docs(&mut text, "  ", function.docs.as_deref());
            let result = function.result.as_ref().map(|ty| format!(" -> {ty}")).unwrap_or_default();
            let _ = writeln!(text, "  {}({}){result}", function.name, list(&function.params, ", "));
        }
        text
    }
}

fn docs(text: &mut String, indent: &str, docs: Option<&str>) {
    for line in docs.into_iter().flat_map(str::lines) {
        let _ = writeln!(text, "{}", format!("{indent}-- {line}").trim_end());
    }
}

/// A text literal of Aqua.
fn quoted(text: &str) -> String {
    let escaped: String =
        text.chars().flat_map(|c| if matches!(c, '"' | '\\') { vec!['\\', c] } else { vec![c] }).collect();
    format!("\"{escaped}\"")
}

/// The records met so far, each after those it uses.
#[derive(Default)]
struct Records {
    /// What the service is called, and so no record.
    service: String,
    /// Definitions by identity, with the name that was given to them.
    names: BTreeMap<*const TypeDef, String>,
    list: Vec<(String, Vec<(String, String)>)>,
}

impl Records {
    fn function(&mut self, function: &Function) -> AquaFunction {
        let params = function.params.iter().map(|of| (names::outside(&of.name), self.name(&of.ty))).collect();
        let result = match &function.result {
            Some(Type::Result { ok, .. }) => ok.as_deref(),
            result => result.as_ref(),
        };
        let result = result.map(|ty| self.name(ty));
        AquaFunction { name: names::outside(&function.name), docs: function.docs.clone(), params, result }
    }

    fn name(&mut self, ty: &Type) -> String {
        let word = match ty {
            Type::Bool => "bool",
            Type::U8 => "u8",
            Type::S8 => "i8",
            Type::U16 => "u16",
            Type::S16 => "i16",
            Type::U32 => "u32",
            Type::S32 => "i32",
            Type::U64 => "u64",
            Type::S64 => "i64",
            Type::F32 => "f32",
            Type::F64 => "f64",
            Type::Char | Type::String => "string",
            Type::Result { .. } | Type::Unsupported(_) => "⊤",
            Type::List(item) => return format!("[]{}", self.name(item)),
            Type::Option(item) => return format!("?{}", self.name(item)),
            Type::Tuple(items) => return self.tuple(items),
            Type::Named { name, def } => return self.definition(name.as_ref(), def),
        };
        word.to_owned()
    }

    /// A list if all elements are alike.
    fn tuple(&mut self, items: &[Type]) -> String {
        match items.split_first() {
            Some((first, rest)) if rest.iter().all(|item| item.same_shape(first)) => format!("[]{}", self.name(first)),
            _ => "⊤".to_owned(),
        }
    }

    fn definition(&mut self, name: Option<&Arc<str>>, def: &Arc<TypeDef>) -> String {
        let TypeDef::Record(fields) = &**def else {
            let word = match &**def {
                TypeDef::Enum(_) => "string",
                TypeDef::Flags(_) => "[]string",
                _ => "⊤",
            };
            return word.to_owned();
        };
        if let Some(known) = self.names.get(&Arc::as_ptr(def)) {
            return known.clone();
        }
        let fields = fields.iter().map(|field| (names::outside(&field.name), self.name(&field.ty))).collect();
        let name = self.fresh(&camel(name.map_or("record", |name| name)), fields);
        self.names.insert(Arc::as_ptr(def), name.clone());
        name
    }

    /// `name`, or that with a number if it is taken by other fields or by the service.
    fn fresh(&mut self, name: &str, fields: Vec<(String, String)>) -> String {
        let mut fresh = name.to_owned();
        let mut number = 2;
        loop {
            match self.list.iter().find(|(known, _)| *known == fresh) {
                Some((_, taken)) if *taken == fields => return fresh,
                None if fresh != self.service => break,
                _ => {}
            }
            fresh = format!("{name}{number}");
            number += 1;
        }
        self.list.push((fresh.clone(), fields));
        fresh
    }
}

/// `order-line` to `OrderLine`, the way Aqua and Rust write the names of types.
pub(super) fn camel(name: &str) -> String {
    let part = |part: &str| {
        let mut letters = part.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
    };
    name.split(['-', '_']).filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Field, Param};
    use super::*;

    fn record(name: &str, fields: Vec<(&str, Type)>) -> Type {
        let fields = fields.into_iter().map(|(name, ty)| Field { name: name.into(), ty }).collect();
        Type::Named { name: Some(name.into()), def: Arc::new(TypeDef::Record(fields)) }
    }

    #[test]
    fn declarations_in_the_order_of_dependency() {
        let line = record("order-line", vec![("item-2", Type::String), ("cents", Type::U64)]);
        let bill = record(
            "bill",
            vec![("lines", Type::List(Arc::new(line.clone()))), ("note", Type::Option(Arc::new(Type::Char)))],
        );
        let other = record("bill", vec![("total", Type::F32)]);
        let function = |name: &str, params: Vec<(&str, Type)>, result| Function {
            name: name.into(),
            docs: (name == "add-up").then(|| "Adds up.\n\nWith `care`.".into()),
            params: params.into_iter().map(|(name, ty)| Param { name: name.into(), ty }).collect(),
            result,
        };
        let pair = Type::Tuple(vec![Type::U8, Type::U8].into());
        let odd = Type::Tuple(vec![Type::U8, Type::Bool].into());
        let result = |ok| Some(Type::Result { ok, err: Some(Arc::new(Type::String)) });
        let interface = Interface {
            id: Some("marine:shop/api".into()),
            docs: Some("A shop.".into()),
            functions: vec![
                function("sum", vec![("of", pair), ("data", odd)], result(None)),
                function("add-up", vec![("bill", bill), ("line", line)], result(Some(Arc::new(other)))),
            ],
            types: BTreeMap::new(),
        };
        insta::assert_snapshot!(in_aqua(&interface, "Shop").declarations("Shop", Some("a\"b")), @r#"
        aqua Shop declares *

        data OrderLine:
          item_2: string
          cents: u64

        data Bill:
          lines: []OrderLine
          note: ?string

        data Bill2:
          total: f32

        -- A shop.
        service Shop("a\"b"):
          -- Adds up.
          --
          -- With `care`.
          add_up(bill: Bill, line: OrderLine) -> Bill2
          sum(of: []u8, data: ⊤)
        "#);
        assert_eq!(AquaInterface::default().declarations("Empty", None), "aqua Empty declares *\n");
        let clash = in_aqua(&interface, "Bill").declarations("Bill", None);
        assert!(clash.contains("data Bill2:\n  lines") && clash.contains("data Bill3:\n  total"), "{clash}");
    }
}
