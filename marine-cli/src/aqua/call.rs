//! `fn("a", x)`: a call of an exported function from outside.

use std::collections::BTreeMap;

use marine_air::syntax::Location;
use marine_aqua::diagnostic::Span;
use marine_aqua::hir::{Arrow, Function, Scalar, Type};
use marine_aqua::{Checked, Options, compile};
use serde_json::Value;

use super::Disk;
use super::argument::{Argument, parse};
use super::report::note;
use crate::exit::{Exit, Failure, Outcome};
use crate::ui::Ui;

/// What the arguments of a call may name.
pub(crate) type Data = BTreeMap<String, Value>;

/// The script of a function, and the call of it.
pub(crate) struct Prepared {
    pub(crate) air: String,
    checked: Checked,
    function: Function,
    arguments: Vec<Argument>,
    /// Ranges of the script, ascending, with the source of each.
    map: Vec<(std::ops::Range<u32>, Span)>,
}

/// What a script asks its initial peer for.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Bound {
    /// By parameter, what `getDataSrv` gives.
    pub(crate) data: Data,
    /// By parameter, what a callback answers.
    pub(crate) callbacks: Data,
}

/// Compiles the file, showing what is wrong with it, and finds the function that is called.
pub(crate) fn prepare(ui: Ui, file: &str, call: &str, options: &Options) -> Outcome<Prepared> {
    let (name, arguments) = parse(call)?;
    let options = Options { empty_response: true, ..options.clone() };
    let output = compile(file, &Disk, &options);
    note(ui, &output.checked, &output.diagnostics);
    let Some(program) = output.checked.program.as_ref().filter(|_| !output.has_errors()) else {
        return Err(Failure::new(Exit::Findings, format!("`{file}` has errors, so it was not run")));
    };
    let Some(script) = output.script(&name) else {
        let names: Vec<&str> = output.scripts.iter().map(|script| &*script.name).collect();
        let help = match names.is_empty() {
            true => format!("write `export {name}` below the first line of `{file}`"),
            false => format!("it exports {}", names.join(", ")),
        };
        return Err(Failure::new(Exit::Usage, format!("`{file}` exports no function `{name}`")).help(help));
    };
    let function = program.function(script.function).clone();
    let (air, map) = (script.air.clone(), script.map.clone());
    Ok(Prepared { air, checked: output.checked, function, arguments, map })
}

impl Prepared {
    /// Puts values where the script asks for them, checked against the types of the parameters. Names stand for values of `data`.
    pub(crate) fn bind(&self, data: &Data) -> Outcome<Bound> {
        let Self { function, arguments, .. } = self;
        if arguments.len() != function.params.len() {
            let takes: Vec<String> = self.params().map(|(name, ty)| format!("{name}: {ty}")).collect();
            let message = format!("`{}` takes {} arguments, {} given", function.name, takes.len(), arguments.len());
            return Err(Failure::new(Exit::Usage, message).help(format!(
                "it is declared as {}({})",
                function.name,
                takes.join(", ")
            )));
        }
        let mut bound = Bound::default();
        for (argument, (name, ty)) in arguments.iter().zip(self.params()) {
            match ty {
                Type::Arrow(arrow) => {
                    bound.callbacks.insert(name.to_owned(), answer(argument, arrow, name, data)?);
                }
                ty => {
                    let value = argument.value(data)?;
                    let value = fit(value, ty, name).map_err(|text| Failure::new(Exit::Usage, text))?;
                    bound.data.insert(name.to_owned(), value);
                }
            }
        }
        Ok(bound)
    }

    fn params(&self) -> impl Iterator<Item = (&str, &Type)> {
        self.function.params.iter().map(|&param| {
            let local = self.function.local(param);
            (&*local.name, &local.ty)
        })
    }

    /// Where an instruction comes from, by its line and column in the script: `hello.aqua:9:12`. What moves between peers comes from no
    /// instruction of the program.
    pub(crate) fn source(&self, line: usize, column: usize) -> Option<String> {
        // Compiled scripts have one line.
        let start = (line == 1).then(|| self.air.char_indices().nth(column.checked_sub(1)?))??.0;
        let start = u32::try_from(start).ok()?;
        let after = self.map.partition_point(|(range, _)| range.start <= start);
        let around = self.map[..after].iter().rev().find(|(range, _)| range.contains(&start));
        let Some((_, span)) = around else { return Some("(on the way)".to_owned()) };
        let (path, text) = self.checked.source(span.file);
        let at = Location::of(text, span.start);
        Some(format!("{path}:{}:{}", at.line, at.column))
    }
}

/// What a callback answers: nothing, or the value that the argument names.
fn answer(argument: &Argument, arrow: &Arrow, name: &str, data: &Data) -> Outcome<Value> {
    let Argument::Name(given) = argument else {
        return Err(Failure::new(Exit::Usage, format!("`{name}` is a callback, not a value"))
            .help(format!("give it by a name: `{name}`; each call of it is printed")));
    };
    let known = data.get(given).cloned();
    let fitted = match (arrow.results.as_slice(), known) {
        ([], _) => Ok(Value::Null),
        ([ty], Some(value)) => fit(value, ty, given),
        (types, Some(Value::Array(values))) if values.len() == types.len() => {
            let fitted = values.into_iter().zip(types).enumerate();
            fitted.map(|(index, (value, ty))| fit(value, ty, &format!("{given}[{index}]"))).collect()
        }
        (types, Some(value)) => Err(format!("`{given}` must be an array of {} results, not {value}", types.len())),
        (types, None) => {
            let types: Vec<String> = types.iter().map(ToString::to_string).collect();
            return Err(Failure::new(Exit::Usage, format!("the callback `{name}` has to give `{}`", types.join(", ")))
                .help(format!("say what it answers: --data '{{\"{given}\": ..}}'")));
        }
    };
    fitted.map_err(|text| Failure::new(Exit::Usage, text))
}

/// The value in the form the script takes, or what is wrong with which part of it. Values nest no deeper than JSON is read.
fn fit(value: Value, ty: &Type, path: &str) -> Result<Value, String> {
    match (ty, value) {
        (Type::Scalar(scalar), value) if fits(*scalar, &value) => Ok(value),
        (Type::Option(_), Value::Null) => Ok(Value::Array(Vec::new())),
        (Type::Option(inner), value) => option(value, inner, path),
        (Type::Array(inner) | Type::Stream(inner), Value::Array(items)) => {
            let items = items.into_iter().enumerate();
            items.map(|(index, item)| fit(item, inner, &format!("{path}[{index}]"))).collect()
        }
        (Type::Data(data), Value::Object(mut object)) => {
            for (name, ty) in &data.fields {
                let path = format!("{path}.{name}");
                let field = object.remove(&**name).or_else(|| matches!(ty, Type::Option(_)).then_some(Value::Null));
                let field = field.ok_or_else(|| format!("`{path}` is missing, a `{ty}`"))?;
                object.insert(name.to_string(), fit(field, ty, &path)?);
            }
            Ok(Value::Object(object))
        }
        (Type::Scalar(_) | Type::Array(_) | Type::Stream(_) | Type::Data(_), value) => {
            Err(format!("`{path}` must be `{ty}`, not {}", excerpt(&value)))
        }
        (_, value) => Ok(value),
    }
}

/// An option is an array of at most one element; a bare value is taken for that element.
fn option(value: Value, inner: &Type, path: &str) -> Result<Value, String> {
    if let Value::Array(items) = &value
        && items.len() <= 1
    {
        let fitted: Result<Value, String> = items.iter().map(|item| fit(item.clone(), inner, path)).collect();
        // An array that is no option of arrays may still be a bare array.
        if fitted.is_ok() || !matches!(inner, Type::Array(_)) {
            return fitted;
        }
    }
    fit(value, inner, path).map(|value| Value::Array(vec![value]))
}

fn fits(scalar: Scalar, value: &Value) -> bool {
    let unsigned = |max: u64| value.as_u64().is_some_and(|number| number <= max);
    let signed = |min: i64, max: i64| value.as_i64().is_some_and(|number| (min..=max).contains(&number));
    match scalar {
        Scalar::U8 => unsigned(u8::MAX.into()),
        Scalar::U16 => unsigned(u16::MAX.into()),
        Scalar::U32 => unsigned(u32::MAX.into()),
        Scalar::U64 => unsigned(u64::MAX),
        Scalar::I8 => signed(i8::MIN.into(), i8::MAX.into()),
        Scalar::I16 => signed(i16::MIN.into(), i16::MAX.into()),
        Scalar::I32 => signed(i32::MIN.into(), i32::MAX.into()),
        Scalar::I64 => signed(i64::MIN, i64::MAX),
        Scalar::F32 | Scalar::F64 => value.is_number(),
        Scalar::Bool => value.is_boolean(),
        Scalar::String => value.is_string(),
    }
}

/// At most 60 characters of a value.
fn excerpt(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use marine_aqua::hir::Labelled;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_checked_against_types_with_the_path_to_what_is_wrong() {
        let scalar = Type::Scalar;
        let array = |of: &Type| Type::Array(Arc::new(of.clone()));
        let option = |of: &Type| Type::Option(Arc::new(of.clone()));
        let point = Type::Data(Arc::new(Labelled {
            name: "Point".into(),
            fields: vec![("x".into(), array(&scalar(Scalar::U8))), ("y".into(), option(&scalar(Scalar::String)))],
        }));
        let cases = [
            (scalar(Scalar::U8), json!(255), Ok(json!(255))),
            (scalar(Scalar::U8), json!(256), Err("`v` must be `u8`, not 256")),
            (scalar(Scalar::U64), json!(u64::MAX), Ok(json!(u64::MAX))),
            (scalar(Scalar::I64), json!(u64::MAX), Err("`v` must be `i64`, not 18446744073709551615")),
            (scalar(Scalar::F64), json!(1), Ok(json!(1))),
            (scalar(Scalar::String), json!(["a"]), Err("`v` must be `string`, not [\"a\"]")),
            (option(&scalar(Scalar::String)), json!(null), Ok(json!([]))),
            (option(&scalar(Scalar::String)), json!("a"), Ok(json!(["a"]))),
            (option(&scalar(Scalar::String)), json!(["a"]), Ok(json!(["a"]))),
            (option(&scalar(Scalar::String)), json!(["a", "b"]), Err("`v` must be `string`, not [\"a\",\"b\"]")),
            (option(&array(&scalar(Scalar::U8))), json!([1]), Ok(json!([[1]]))),
            (option(&array(&scalar(Scalar::U8))), json!([[1]]), Ok(json!([[1]]))),
            (option(&array(&scalar(Scalar::U8))), json!([]), Ok(json!([]))),
            (point.clone(), json!({ "x": [1] }), Ok(json!({ "x": [1], "y": [] }))),
            (point.clone(), json!({ "x": [1, -1] }), Err("`v.x[1]` must be `u8`, not -1")),
            (point, json!({ "y": "a" }), Err("`v.x` is missing, a `[]u8`")),
            (Type::Top, json!({ "any": [1] }), Ok(json!({ "any": [1] }))),
        ];
        for (ty, value, expected) in cases {
            assert_eq!(fit(value.clone(), &ty, "v"), expected.map_err(str::to_owned), "{ty} {value}");
        }
    }
}
