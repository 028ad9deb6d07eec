//! Typed values to JSON, in one of two dialects of options.

use serde_json::{Map, Number, Value};
use wasmtime::component::Val;

use super::error::Fault;
use super::shape::{Label, Member, Shape};

/// How results write options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// None is `null`, some is the value itself, wrapped in an array only if it is written as an array or `null` itself.
    #[default]
    Plain,
    /// None is `[]`, some is `[value]`, as AIR and Aqua read them.
    Air,
}

/// Writes values of one result; `limit` bounds its JSON text in bytes, roughly and from below.
pub(crate) struct Writer {
    dialect: Dialect,
    left: u64,
    limit: u64,
}

impl Writer {
    pub(crate) fn new(dialect: Dialect, limit: u64) -> Writer {
        Writer { dialect, left: limit, limit }
    }

    /// `value` as JSON.
    ///
    /// # Errors
    /// Where there is a value without a JSON form, or [`Fault::is_too_large`].
    pub(crate) fn value(&mut self, shape: &Shape, value: Val) -> Result<Value, Fault> {
        self.spend(1)?;
        Ok(match (shape, value) {
            (Shape::Bool, Val::Bool(truth)) => Value::Bool(truth),
            (Shape::U8, Val::U8(number)) => number.into(),
            (Shape::S8, Val::S8(number)) => number.into(),
            (Shape::U16, Val::U16(number)) => number.into(),
            (Shape::S16, Val::S16(number)) => number.into(),
            (Shape::U32, Val::U32(number)) => number.into(),
            (Shape::S32, Val::S32(number)) => number.into(),
            (Shape::U64, Val::U64(number)) => number.into(),
            (Shape::S64, Val::S64(number)) => number.into(),
            (Shape::F32, Val::Float32(float)) => single(float)?,
            (Shape::F64, Val::Float64(float)) => double(float)?,
            (Shape::Char, Val::Char(only)) => Value::String(only.to_string()),
            (Shape::String, Val::String(text)) => {
                self.spend(text.len())?;
                Value::String(text)
            }
            (Shape::Bytes, Val::List(items)) => self.items(items, |_, item| match item {
                Val::U8(byte) => Ok(byte.into()),
                other => Err(foreign(&Shape::U8, &other)),
            })?,
            (Shape::Fixed(list, _), value) => return self.value(list, value),
            (Shape::List(element), Val::List(items)) => {
                self.items(items, |writer, item| writer.value(element, item))?
            }
            (Shape::TextMap(pair), Val::List(items)) => self.items(items, |writer, item| match item {
                Val::Tuple(parts) => writer.parts([&pair.0, &pair.1].into_iter(), parts),
                other => Err(foreign(&Shape::String, &other)),
            })?,
            (Shape::Option(of), Val::Option(value)) => self.option(of, value)?,
            (Shape::Result(parts), Val::Result(value)) => {
                let (name, shape, payload) = match value {
                    Ok(payload) => ("ok", &parts.0, payload),
                    Err(payload) => ("err", &parts.1, payload),
                };
                let payload = self.payload(shape.as_ref(), payload).map_err(|fault| fault.at_name(name))?;
                object_of(name, payload)
            }
            (Shape::Tuple(types), Val::Tuple(parts)) => self.parts(types.iter(), parts)?,
            (Shape::Record(fields), Val::Record(values)) => self.record(fields, values)?,
            (Shape::Enum(cases), Val::Enum(name)) => Value::String(self.label(cases, &name)?.outside.clone()),
            (Shape::Variant(cases), Val::Variant(name, payload)) => {
                let case = self.label(cases, &name)?;
                match &case.shape {
                    None => Value::String(case.outside.clone()),
                    shape => {
                        let payload = self.payload(shape.as_ref(), payload);
                        object_of(&case.outside, payload.map_err(|fault| fault.at_name(&case.outside))?)
                    }
                }
            }
            (Shape::Flags(flags), Val::Flags(set)) => {
                let names = set.iter().map(|name| Ok(Value::String(self.label(flags, name)?.outside.clone())));
                Value::Array(names.collect::<Result<_, Fault>>()?)
            }
            (shape, other) => return Err(foreign(shape, &other)),
        })
    }

    /// The payload of a result or case: `null` where there is none.
    pub(crate) fn payload(&mut self, shape: Option<&Shape>, payload: Option<Box<Val>>) -> Result<Value, Fault> {
        match (shape, payload) {
            (Some(shape), Some(payload)) => self.value(shape, *payload),
            _ => Ok(Value::Null),
        }
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Fault> {
        self.left = self.left.checked_sub(bytes as u64).ok_or_else(|| Fault::too_large(self.limit))?;
        Ok(())
    }

    fn items(
        &mut self,
        items: Vec<Val>,
        mut convert: impl FnMut(&mut Writer, Val) -> Result<Value, Fault>,
    ) -> Result<Value, Fault> {
        // Every element takes two bytes of text at least: refused before memory is taken for them.
        self.spend(2 * items.len())?;
        let values = items.into_iter().enumerate();
        let values = values.map(|(index, item)| convert(self, item).map_err(|fault| fault.at_index(index)));
        Ok(Value::Array(values.collect::<Result<_, _>>()?))
    }

    fn option(&mut self, of: &Shape, value: Option<Box<Val>>) -> Result<Value, Fault> {
        let some = value.map(|value| self.value(of, *value)).transpose()?;
        Ok(match (self.dialect, some) {
            (Dialect::Air, some) => Value::Array(some.into_iter().collect()),
            (Dialect::Plain, None) => Value::Null,
            (Dialect::Plain, Some(value @ (Value::Array(_) | Value::Null))) => Value::Array(vec![value]),
            (Dialect::Plain, Some(value)) => value,
        })
    }

    fn parts<'s>(&mut self, types: impl ExactSizeIterator<Item = &'s Shape>, parts: Vec<Val>) -> Result<Value, Fault> {
        if types.len() != parts.len() {
            return Err(Fault::new(format!("a tuple of {}", types.len()), format!("one of {}", parts.len())));
        }
        let values = types.zip(parts).enumerate();
        let values =
            values.map(|(index, (shape, part))| self.value(shape, part).map_err(|fault| fault.at_index(index)));
        Ok(Value::Array(values.collect::<Result<_, _>>()?))
    }

    fn record(&mut self, fields: &[Member], values: Vec<(String, Val)>) -> Result<Value, Fault> {
        let mut object = Map::new();
        for (field, (_, value)) in fields.iter().zip(values) {
            self.spend(field.outside.len() + 3)?;
            let value = self.value(&field.shape, value).map_err(|fault| fault.at_name(&field.outside))?;
            object.insert(field.outside.clone(), value);
        }
        Ok(Value::Object(object))
    }

    fn label<'l>(&mut self, labels: &'l [Label], name: &str) -> Result<&'l Label, Fault> {
        self.spend(name.len() + 1)?;
        labels
            .iter()
            .find(|label| label.inside == name)
            .ok_or_else(|| Fault::new("a case of the type", format!("`{name}`")))
    }
}

fn object_of(name: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value)]))
}

/// The shortest text that reads back as this `f32`, as a number: 0.1 and not 0.10000000149011612.
fn single(float: f32) -> Result<Value, Fault> {
    // The text of a finite float is a number.
    if float.is_finite() { double(float.to_string().parse().unwrap_or(f64::from(float))) } else { double(float.into()) }
}

fn double(float: f64) -> Result<Value, Fault> {
    let number = Number::from_f64(float).map(Value::Number);
    number.ok_or_else(|| Fault::new("a number", float.to_string()).saying(format!("{float} has no JSON form")))
}

fn foreign(shape: &Shape, value: &Val) -> Fault {
    let text: String = format!("{value:?}").chars().take(60).collect();
    Fault::new(shape.describe(), text)
}
