//! JSON to typed values. Both dialects are accepted; strings move, they are not copied.
//!
//! Types are finite and at most 100 levels deep (see `interface::decode`), and so is the recursion here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Number, Value};
use wasmtime::component::Val;

use super::error::{Fault, ValueError, excerpt};
use super::shape::{Label, Member, Shape, Signature};
use crate::names;

/// The arguments of a call, in the forms of an array, an object, a single scalar or nothing.
///
/// # Errors
/// Where which value does not fit; `limit` bounds the size of the JSON text in bytes.
pub(crate) fn arguments(signature: &Signature, args: Value, limit: u64) -> Result<Vec<Val>, ValueError> {
    let mut reader = Reader { left: limit, limit };
    reader.arguments(signature, args).map_err(|fault| fault.rooted_at("args"))
}

/// `value` as one value of the type.
#[cfg(test)]
pub(crate) fn value(shape: &Shape, value: Value) -> Result<Val, ValueError> {
    Reader { left: u64::MAX, limit: u64::MAX }.value(shape, value).map_err(|fault| fault.rooted_at("args"))
}

/// Converts and counts the bytes that the JSON text would have, roughly and from below.
struct Reader {
    left: u64,
    limit: u64,
}

impl Reader {
    fn spend(&mut self, bytes: usize) -> Result<(), Fault> {
        match self.left.checked_sub(bytes as u64) {
            Some(left) => self.left = left,
            None => return Err(Fault::too_large(self.limit)),
        }
        Ok(())
    }

    fn arguments(&mut self, signature: &Signature, args: Value) -> Result<Vec<Val>, Fault> {
        match args {
            Value::Null => self.by_position(signature, Vec::new()),
            Value::Array(args) => self.by_position(signature, args),
            Value::Object(args) => self.by_name(signature, args),
            scalar if signature.params.len() == 1 => self.by_position(signature, vec![scalar]),
            scalar => Err(wrong_count(signature, 1)
                .help(format!("give the arguments as an array or by name, got {}", excerpt(&scalar)))),
        }
    }

    fn by_position(&mut self, signature: &Signature, args: Vec<Value>) -> Result<Vec<Val>, Fault> {
        let (given, wanted) = (args.len(), &signature.params);
        let missing = wanted.get(given..).unwrap_or_default();
        if given > wanted.len() || !missing.iter().all(|param| param.shape.is_option()) {
            let fault = wrong_count(signature, given);
            let list = matches!(wanted.as_slice(), [only] if matches!(only.shape, Shape::List(_) | Shape::Bytes | Shape::Fixed(..)));
            return Err(if list {
                fault.help("a list as the only argument needs `[ ]` of its own: `[[..]]`")
            } else {
                fault
            });
        }
        let mut values = Vec::with_capacity(wanted.len());
        for (index, (param, arg)) in wanted.iter().zip(args).enumerate() {
            values.push(self.value(&param.shape, arg).map_err(|fault| fault.at_index(index))?);
        }
        values.extend(missing.iter().map(|_| Val::Option(None)));
        Ok(values)
    }

    fn by_name(&mut self, signature: &Signature, mut args: Map<String, Value>) -> Result<Vec<Val>, Fault> {
        let known = |name: &str| signature.params.iter().any(|param| names::same(name, &param.inside));
        if let Some(unknown) = args.keys().find(|name| !known(name)) {
            let near = names::nearest(unknown, signature.params.iter().map(|param| param.outside.as_str()));
            let fault = Fault::new("the name of an argument", format!("`{unknown}`"))
                .saying(format!("no such argument of `{}`", signature.text));
            let fault = match (near, signature.params.as_slice()) {
                (Some(near), _) => fault.help(format!("did you mean `{near}`?")),
                (None, [only]) if matches!(only.shape, Shape::Record(_)) => fault.help(format!(
                    "an object names arguments: for one record write `[{{..}}]` or `{{{:?}: {{..}}}}`",
                    only.outside
                )),
                _ => fault,
            };
            return Err(fault.at_name(unknown));
        }
        let mut values = Vec::with_capacity(signature.params.len());
        for param in &signature.params {
            let Some(arg) = take(&mut args, param) else {
                if param.shape.is_option() {
                    values.push(Val::Option(None));
                    continue;
                }
                let fault = Fault::new(param.shape.describe(), "nothing");
                return Err(fault.saying(format!("missing argument of `{}`", signature.text)).at_name(&param.outside));
            };
            values.push(self.value(&param.shape, arg).map_err(|fault| fault.at_name(&param.outside))?);
        }
        match args.into_iter().next() {
            Some((twice, _)) => {
                Err(Fault::new("each argument once", format!("`{twice}` in two spellings")).at_name(&twice))
            }
            None => Ok(values),
        }
    }

    fn value(&mut self, shape: &Shape, value: Value) -> Result<Val, Fault> {
        match (shape, value) {
            (Shape::String, Value::String(text)) => {
                self.spend(text.len() + 2)?;
                Ok(Val::String(text))
            }
            // What a lens of an old script selects arrives as an array of one.
            (shape, Value::Array(mut one)) if shape.is_scalar() && one.len() == 1 => {
                let only = one.pop().unwrap_or(Value::Null);
                if only.is_array() { Err(unfit(shape, &Value::Array(vec![only]))) } else { self.value(shape, only) }
            }
            (Shape::Bool, Value::Bool(truth)) => {
                self.spend(4)?;
                Ok(Val::Bool(truth))
            }
            (shape, Value::Number(number)) if shape.is_scalar() => {
                self.spend(1)?;
                numeric(shape, &number)
            }
            (Shape::Char, Value::String(text)) => {
                self.spend(text.len() + 2)?;
                let mut chars = text.chars();
                match (chars.next(), chars.next()) {
                    (Some(only), None) => Ok(Val::Char(only)),
                    _ => Err(unfit(shape, &Value::String(text))),
                }
            }
            (Shape::Fixed(list, length), value) => match self.value(list, value)? {
                Val::List(items) if items.len() != *length as usize => {
                    Err(Fault::new(shape.describe(), format!("one of {}", items.len())))
                }
                list => Ok(list),
            },
            (Shape::Bytes, value) => self.bytes(value),
            (Shape::List(element), Value::Array(items)) => self.list(element, items),
            (Shape::TextMap(pair), value) => self.text_map(pair, value),
            (Shape::Option(of), value) => self.option(of, value),
            (Shape::Result(parts), Value::Object(fields)) => self.result(shape, parts, fields),
            (Shape::Tuple(types), Value::Array(items)) if types.len() == items.len() => self.tuple(types, items),
            (Shape::Tuple(types), Value::Array(items)) => {
                Err(Fault::new(format!("an array of {} elements", types.len()), format!("one of {}", items.len())))
            }
            (Shape::Record(fields), Value::Object(given)) => self.record(fields, given),
            (Shape::Record(fields), Value::Array(items)) => self.positional_record(fields, items),
            (Shape::Enum(cases), Value::String(name)) => {
                self.spend(name.len() + 2)?;
                Ok(Val::Enum(find(cases, &name)?.inside.clone()))
            }
            (Shape::Variant(cases), value @ (Value::String(_) | Value::Object(_))) => self.variant(shape, cases, value),
            (Shape::Flags(flags), Value::Array(items)) => self.flags(shape, flags, items),
            (shape, value) => Err(unfit(shape, &value)),
        }
    }

    fn list(&mut self, element: &Shape, items: Vec<Value>) -> Result<Val, Fault> {
        self.spend(items.len() + 1)?;
        let items = items.into_iter().enumerate();
        let values = items.map(|(index, item)| self.value(element, item).map_err(|fault| fault.at_index(index)));
        Ok(Val::List(values.collect::<Result<_, _>>()?))
    }

    fn bytes(&mut self, value: Value) -> Result<Val, Fault> {
        let value = match value {
            Value::Array(items) => return self.list(&Shape::U8, items),
            other => other,
        };
        let text = match value.as_object().map(|fields| (fields.get("base64"), fields.len())) {
            Some((Some(Value::String(text)), 1)) => text,
            _ => return Err(unfit(&Shape::Bytes, &value)),
        };
        self.spend(text.len())?;
        let invalid = |cause: base64::DecodeError| Fault::new("base64", excerpt(&value)).help(cause.to_string());
        let bytes = BASE64.decode(text).map_err(|cause| invalid(cause).at_name("base64"))?;
        Ok(Val::List(bytes.into_iter().map(Val::U8).collect()))
    }

    fn text_map(&mut self, pair: &(Shape, Shape), value: Value) -> Result<Val, Fault> {
        match value {
            Value::Array(items) => {
                self.spend(items.len() + 1)?;
                let mut pairs = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    pairs.push(self.pair(pair, item).map_err(|fault| fault.at_index(index))?);
                }
                Ok(Val::List(pairs))
            }
            Value::Object(fields) => {
                let mut pairs = Vec::with_capacity(fields.len());
                for (key, item) in fields {
                    self.spend(key.len() + 3)?;
                    let item = self.value(&pair.1, item).map_err(|fault| fault.at_name(&key))?;
                    pairs.push(Val::Tuple(vec![Val::String(key), item]));
                }
                Ok(Val::List(pairs))
            }
            other => Err(Fault::new("map (an array of pairs or an object)", excerpt(&other))),
        }
    }

    fn pair(&mut self, (key, item): &(Shape, Shape), value: Value) -> Result<Val, Fault> {
        let parts = match value {
            Value::Array(parts) => parts,
            other => return Err(Fault::new("a pair (an array of 2 elements)", excerpt(&other))),
        };
        match <[Value; 2]>::try_from(parts) {
            Ok([first, second]) => {
                let first = self.value(key, first).map_err(|fault| fault.at_index(0))?;
                let second = self.value(item, second).map_err(|fault| fault.at_index(1))?;
                Ok(Val::Tuple(vec![first, second]))
            }
            Err(parts) => Err(Fault::new("a pair (an array of 2 elements)", format!("one of {}", parts.len()))),
        }
    }

    /// `null` and `[]` are none, `[v]` is some, anything but an array is some.
    fn option(&mut self, of: &Shape, value: Value) -> Result<Val, Fault> {
        self.spend(1)?;
        let some = match value {
            Value::Null => return Ok(Val::Option(None)),
            Value::Array(items) if items.len() > 1 => {
                let fault =
                    Fault::new(format!("option of {}", of.describe()), format!("an array of {} elements", items.len()));
                return Err(fault.help("an array for an option holds zero or one elements: wrap it in another `[ ]`"));
            }
            Value::Array(items) => match items.into_iter().next() {
                None => return Ok(Val::Option(None)),
                Some(only) => self.value(of, only).map_err(|fault| option_help(of, fault).at_index(0))?,
            },
            bare => self.value(of, bare)?,
        };
        Ok(Val::Option(Some(Box::new(some))))
    }

    fn result(
        &mut self,
        shape: &Shape,
        (ok, err): &(Option<Shape>, Option<Shape>),
        fields: Map<String, Value>,
    ) -> Result<Val, Fault> {
        let count = fields.len();
        let (name, value) = match fields.into_iter().next() {
            Some(field) if count == 1 => field,
            _ => return Err(Fault::new(shape.describe(), format!("an object of {count} fields"))),
        };
        self.spend(name.len() + 5)?;
        let at = |fault: Fault| fault.at_name(&name);
        match name.as_str() {
            "ok" => Ok(Val::Result(Ok(self.payload(ok.as_ref(), value).map_err(at)?))),
            "err" => Ok(Val::Result(Err(self.payload(err.as_ref(), value).map_err(at)?))),
            _ => Err(Fault::new(shape.describe(), format!("{{{name:?}: ..}}"))),
        }
    }

    fn payload(&mut self, shape: Option<&Shape>, value: Value) -> Result<Option<Box<Val>>, Fault> {
        match (shape, value) {
            (Some(shape), value) => Ok(Some(Box::new(self.value(shape, value)?))),
            (None, Value::Null) => Ok(None),
            (None, other) => Err(Fault::new("null (there is no payload)", excerpt(&other))),
        }
    }

    fn tuple(&mut self, types: &[Shape], items: Vec<Value>) -> Result<Val, Fault> {
        self.spend(items.len() + 1)?;
        let parts = types.iter().zip(items).enumerate();
        let values = parts.map(|(index, (shape, item))| self.value(shape, item).map_err(|fault| fault.at_index(index)));
        Ok(Val::Tuple(values.collect::<Result<_, _>>()?))
    }

    fn record(&mut self, fields: &[Member], mut given: Map<String, Value>) -> Result<Val, Fault> {
        let mut values = Vec::with_capacity(fields.len());
        for field in fields {
            self.spend(field.outside.len() + 4)?;
            let value = match take(&mut given, field) {
                Some(value) => self.value(&field.shape, value).map_err(|fault| fault.at_name(&field.outside))?,
                None if field.shape.is_option() => Val::Option(None),
                None => {
                    let fault = Fault::new(field.shape.describe(), "nothing").saying("missing field");
                    let misspelt = given.keys().find(|name| names::nearest(name, [field.outside.as_str()]).is_some());
                    return Err(match misspelt {
                        Some(name) => fault.help(format!("is `{name}` meant to be it?")).at_name(&field.outside),
                        None => fault.at_name(&field.outside),
                    });
                }
            };
            values.push((field.inside.clone(), value));
        }
        let Some((unknown, _)) = given.into_iter().next() else { return Ok(Val::Record(values)) };
        let fault = Fault::new("a field of the record", format!("`{unknown}`"));
        let known = || fields.iter().map(|field| field.outside.as_str());
        let fault = fault.saying(format!("no such field; the record has {}", names::list(known())));
        Err(match names::nearest(&unknown, known()) {
            Some(near) => fault.help(format!("did you mean `{near}`?")).at_name(&unknown),
            None => fault.at_name(&unknown),
        })
    }

    fn positional_record(&mut self, fields: &[Member], items: Vec<Value>) -> Result<Val, Fault> {
        if items.len() != fields.len() {
            let names = names::list(fields.iter().map(|field| field.outside.as_str()));
            let expected = format!("an array of the {} fields {names}, or an object", fields.len());
            return Err(Fault::new(expected, format!("an array of {}", items.len())));
        }
        self.spend(items.len() + 1)?;
        let parts = fields.iter().zip(items).enumerate();
        let values = parts.map(|(index, (field, item))| {
            let value = self.value(&field.shape, item).map_err(|fault| fault.at_index(index))?;
            Ok((field.inside.clone(), value))
        });
        Ok(Val::Record(values.collect::<Result<_, _>>()?))
    }

    fn variant(&mut self, shape: &Shape, cases: &[Label], value: Value) -> Result<Val, Fault> {
        let (name, payload) = match value {
            Value::String(name) => (name, Value::Null),
            Value::Object(fields) if fields.len() == 1 => match fields.into_iter().next() {
                Some(field) => field,
                None => return Err(Fault::new(shape.describe(), "an empty object")),
            },
            other => return Err(unfit(shape, &other)),
        };
        self.spend(name.len() + 2)?;
        let case = find(cases, &name)?;
        match (&case.shape, payload) {
            (Some(of), Value::Null) if !of.is_option() => {
                let fault =
                    Fault::new(format!("{{{:?}: {}}}", case.outside, of.describe()), format!("{:?}", case.outside));
                Err(fault.help("this case carries a value"))
            }
            (of, payload) => {
                let payload = self.payload(of.as_ref(), payload).map_err(|fault| fault.at_name(&case.outside))?;
                Ok(Val::Variant(case.inside.clone(), payload))
            }
        }
    }

    fn flags(&mut self, shape: &Shape, flags: &[Label], items: Vec<Value>) -> Result<Val, Fault> {
        let mut set = Vec::with_capacity(items.len().min(flags.len()));
        for (index, item) in items.into_iter().enumerate() {
            let Value::String(name) = item else { return Err(unfit(shape, &item).at_index(index)) };
            self.spend(name.len() + 3)?;
            set.push(find(flags, &name).map_err(|fault| fault.at_index(index))?.inside.clone());
        }
        Ok(Val::Flags(set))
    }
}

/// The argument or field that `member` names, in either spelling.
fn take(given: &mut Map<String, Value>, member: &Member) -> Option<Value> {
    given.remove(&member.outside).or_else(|| given.remove(&member.inside))
}

fn find<'a>(labels: &'a [Label], name: &str) -> Result<&'a Label, Fault> {
    labels.iter().find(|label| names::same(name, &label.inside)).ok_or_else(|| {
        let known = || labels.iter().map(|label| label.outside.as_str());
        let fault = Fault::new(format!("one of {}", names::list(known())), excerpt(&Value::from(name)));
        match names::nearest(name, known()) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault,
        }
    })
}

/// Integers never pass through a float, and floats never become integers.
fn numeric(shape: &Shape, number: &Number) -> Result<Val, Fault> {
    fn unsigned<T: TryFrom<u64>>(number: &Number) -> Option<T> {
        number.as_u64().and_then(|number| T::try_from(number).ok())
    }
    fn signed<T: TryFrom<i64>>(number: &Number) -> Option<T> {
        number.as_i64().and_then(|number| T::try_from(number).ok())
    }
    let value = match shape {
        Shape::U8 => unsigned(number).map(Val::U8),
        Shape::U16 => unsigned(number).map(Val::U16),
        Shape::U32 => unsigned(number).map(Val::U32),
        Shape::U64 => number.as_u64().map(Val::U64),
        Shape::S8 => signed(number).map(Val::S8),
        Shape::S16 => signed(number).map(Val::S16),
        Shape::S32 => signed(number).map(Val::S32),
        Shape::S64 => number.as_i64().map(Val::S64),
        Shape::F64 => number.as_f64().filter(|float| float.is_finite()).map(Val::Float64),
        Shape::F32 => number.as_f64().map(|float| float as f32).filter(|float| float.is_finite()).map(Val::Float32),
        _ => None,
    };
    value.ok_or_else(|| unfit(shape, &Value::Number(number.clone())))
}

fn unfit(shape: &Shape, value: &Value) -> Fault {
    let fault = Fault::new(shape.describe(), excerpt(value));
    let is_integer = matches!(
        shape,
        Shape::U8 | Shape::S8 | Shape::U16 | Shape::S16 | Shape::U32 | Shape::S32 | Shape::U64 | Shape::S64
    );
    match value {
        Value::Number(number) if is_integer && number.is_f64() => {
            fault.help("integers have no fraction and no exponent")
        }
        _ => fault,
    }
}

/// For an option of a list, `[1]` was probably meant as the list itself.
fn option_help(of: &Shape, fault: Fault) -> Fault {
    match of {
        Shape::List(_) | Shape::Fixed(..) | Shape::Bytes | Shape::TextMap(_) | Shape::Tuple(_) => {
            fault.help("an array for an option holds zero or one elements: wrap it in another `[ ]`")
        }
        _ => fault,
    }
}

fn wrong_count(signature: &Signature, given: usize) -> Fault {
    let wanted = signature.params.len();
    let params = match signature.text.find('(') {
        Some(open) if wanted > 0 => format!(" {}", &signature.text[open..]),
        _ => String::new(),
    };
    let plural = if wanted == 1 { "" } else { "s" };
    let message = format!("`{}` takes {wanted} argument{plural}{params}, got {given}", signature.name);
    Fault::new(format!("{wanted} argument{plural}"), given.to_string()).saying(message)
}
