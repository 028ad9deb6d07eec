//! Tables of §2's conversions, and the law that what is written is read back as the same value.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use wasmtime::component::Val;

use super::shape::Shape;
use super::{Dialect, Signature, Writer, arguments, from_json};
use crate::interface::{Case, Field, Function, Param, Type, TypeDef};
use crate::module::FixedLengths;

fn list(of: Type) -> Type {
    Type::List(Arc::new(of))
}

fn option(of: Type) -> Type {
    Type::Option(Arc::new(of))
}

fn named(def: TypeDef) -> Type {
    Type::Named { name: Some("t".into()), def: Arc::new(def) }
}

fn record(fields: &[(&str, Type)]) -> Type {
    let field = |(name, ty): &(&str, Type)| Field { name: (*name).to_owned(), ty: ty.clone() };
    named(TypeDef::Record(fields.iter().map(field).collect()))
}

fn function(name: &str, params: &[(&str, Type)]) -> Signature {
    with_lengths(name, params, "{}")
}

fn with_lengths(name: &str, params: &[(&str, Type)], manifest: &str) -> Signature {
    let param = |(name, ty): &(&str, Type)| Param { name: (*name).to_owned(), ty: ty.clone() };
    let params = params.iter().map(param).collect();
    let function = Function { name: name.to_owned(), docs: None, params, result: None };
    Signature::new(&function, &FixedLengths::parse(manifest.as_bytes())).unwrap()
}

fn shape(ty: &Type) -> Shape {
    let mut signature = function("f", &[("a", ty.clone())]);
    signature.params.remove(0).shape
}

fn write(dialect: Dialect, ty: &Type, value: Val) -> Result<Value, String> {
    let written = Writer::new(dialect, u64::MAX).value(&shape(ty), value);
    written.map_err(|fault| fault.rooted_at("result").to_string())
}

fn read(ty: &Type, value: Value) -> Result<Val, String> {
    from_json::value(&shape(ty), value).map_err(|error| error.to_string())
}

#[test]
fn arguments_by_position_by_name_and_alone() {
    let repeat = function("repeat", &[("text", Type::String), ("times", Type::U8), ("sep", option(Type::String))]);
    let call = |args: Value| arguments(&repeat, args, 1000).map_err(|error| error.to_string());
    let full = Ok(vec![Val::String("a".into()), Val::U8(2), Val::Option(None)]);
    assert_eq!(call(json!(["a", 2])), full);
    assert_eq!(call(json!(["a", 2, null])), full);
    assert_eq!(call(json!({"times": 2, "text": "a"})), full);
    assert_eq!(arguments(&function("f", &[("n", Type::U8)]), json!(3), 1000), Ok(vec![Val::U8(3)]));
    for none in [json!(null), json!([]), json!({})] {
        assert_eq!(arguments(&function("f", &[]), none, 1000), Ok(vec![]));
    }
    let user = record(&[("name", Type::String), ("age", Type::U8)]);
    let errors = [
        call(json!(["a"])),
        call(json!(["a", 2, null, 4])),
        call(json!("a")),
        call(json!({"text": "a", "tiems": 2})),
        call(json!({"text": "a"})),
        arguments(&function("greet", &[("user", user.clone())]), json!({"name": "A", "age": 1}), 1000)
            .map_err(|error| error.to_string()),
        arguments(&function("greet", &[("user", user.clone())]), json!([{"name": "A", "age": -1}]), 1000)
            .map_err(|error| error.to_string()),
        arguments(&function("sum", &[("all", list(Type::U8))]), json!([1, 2]), 1000).map_err(|error| error.to_string()),
        call(json!(["a".repeat(1000), 1])),
    ];
    insta::assert_snapshot!(errors.map(|error| error.unwrap_err()).join("\n"), @r#"
    args: `repeat` takes 3 arguments (text: string, times: u8, sep: option<string>), got 1
    args: `repeat` takes 3 arguments (text: string, times: u8, sep: option<string>), got 4
    args: `repeat` takes 3 arguments (text: string, times: u8, sep: option<string>), got 1; give the arguments as an array or by name, got "a"
    args.tiems: no such argument of `repeat(text: string, times: u8, sep: option<string>)`; did you mean `times`?
    args.times: missing argument of `repeat(text: string, times: u8, sep: option<string>)`
    args.age: no such argument of `greet(user: t)`; an object names arguments: for one record write `[{..}]` or `{"user": {..}}`
    args[0].age: expected u8 (0..=255), got -1
    args: `sum` takes 1 argument (all: list<u8>), got 2; a list as the only argument needs `[ ]` of its own: `[[..]]`
    args[0]: expected at most 1000 bytes of JSON, got more
    "#);
}

#[test]
fn values_that_do_not_fit() {
    let colour = named(TypeDef::Enum(vec!["dark-red".into(), "blue".into()]));
    let shape = named(TypeDef::Variant(vec![
        Case { name: "circle".into(), ty: Some(Type::F64) },
        Case { name: "none".into(), ty: None },
    ]));
    let user = record(&[("name", Type::String), ("age", option(Type::U8))]);
    let cases = [
        (Type::U8, json!(256)),
        (Type::U8, json!(2.0)),
        (Type::S64, json!(u64::MAX)),
        (Type::F32, json!(1e300)),
        (Type::Bool, json!("true")),
        (Type::Char, json!("ab")),
        (Type::String, json!(["a", "b"])),
        (Type::String, json!([["a"]])),
        (list(Type::U8), json!([1, 300])),
        (list(Type::U8), json!({"base64": "%"})),
        (list(Type::String), json!("a")),
        (option(list(Type::U16)), json!([1, 2])),
        (option(list(Type::U16)), json!([1])),
        (colour.clone(), json!("dark_rad")),
        (shape.clone(), json!("circle")),
        (shape.clone(), json!({"none": 1})),
        (shape, json!({"circle": 1, "none": 2})),
        (user.clone(), json!({"nam": "A"})),
        (user.clone(), json!({"name": "A", "agee": 1})),
        (user.clone(), json!(["A"])),
        (user, json!("A")),
        (Type::Tuple([Type::U8, Type::U8].into()), json!([1])),
        (list(Type::Tuple([Type::String, Type::U8].into())), json!([["a", 1], ["b"]])),
        (Type::Result { ok: None, err: None }, json!({"okay": null})),
    ];
    let text = cases.map(|(ty, value)| read(&ty, value).unwrap_err()).join("\n");
    insta::assert_snapshot!(text, @r#"
    args: expected u8 (0..=255), got 256
    args: expected u8 (0..=255), got 2.0; integers have no fraction and no exponent
    args: expected i64 (-9223372036854775808..=9223372036854775807), got 18446744073709551615
    args: expected f32, got 1e+300
    args: expected bool, got "true"
    args: expected char (a string of one character), got "ab"
    args: expected string, got ["a","b"]
    args: expected string, got [["a"]]
    args[1]: expected u8 (0..=255), got 300
    args.base64: expected base64, got {"base64":"%"}; Invalid symbol 37, offset 0.
    args: expected list (an array), got "a"
    args: expected option of list (an array), got an array of 2 elements; an array for an option holds zero or one elements: wrap it in another `[ ]`
    args[0]: expected list (an array), got 1; an array for an option holds zero or one elements: wrap it in another `[ ]`
    args: expected one of `dark_red`, `blue`, got "dark_rad"; did you mean `dark_red`?
    args: expected {"circle": f64}, got "circle"; this case carries a value
    args.none: expected null (there is no payload), got 1
    args: expected one of the cases `circle`, `none`, got {"circle":1,"none":2}
    args.name: missing field; is `nam` meant to be it?
    args.agee: no such field; the record has `name`, `age`; did you mean `age`?
    args: expected an array of the 2 fields `name`, `age`, or an object, got an array of 1
    args: expected record with `name`, `age`, got "A"
    args: expected an array of 2 elements, got one of 1
    args[1]: expected a pair (an array of 2 elements), got one of 1
    args: expected result ({"ok": ..} or {"err": ..}), got {"okay": ..}
    "#);
}

#[test]
fn accepted_forms() {
    let colour = named(TypeDef::Enum(vec!["dark-red".into()]));
    let pairs = list(Type::Tuple([Type::String, Type::U8].into()));
    let pair = |key: &str, number| Val::Tuple(vec![Val::String(key.into()), Val::U8(number)]);
    let user = record(&[("first-name", Type::String), ("age", option(Type::U8))]);
    let ann = Val::Record(vec![("first-name".into(), Val::String("Ann".into())), ("age".into(), Val::Option(None))]);
    let some = |value| Val::Option(Some(Box::new(value)));
    let cases = [
        (Type::U64, json!(u64::MAX), Val::U64(u64::MAX)),
        (Type::S64, json!(i64::MIN), Val::S64(i64::MIN)),
        (Type::F64, json!(3), Val::Float64(3.0)),
        (Type::F32, json!(0.1), Val::Float32(0.1)),
        (Type::U8, json!([7]), Val::U8(7)),
        (Type::String, json!(["a"]), Val::String("a".into())),
        (list(Type::U8), json!({"base64": "AQL/"}), Val::List(vec![Val::U8(1), Val::U8(2), Val::U8(255)])),
        (pairs.clone(), json!({"a": 1}), Val::List(vec![pair("a", 1)])),
        (pairs, json!([["b", 1], ["a", 2]]), Val::List(vec![pair("b", 1), pair("a", 2)])),
        (option(Type::U8), json!([]), Val::Option(None)),
        (option(Type::U8), json!(null), Val::Option(None)),
        (option(Type::U8), json!([1]), some(Val::U8(1))),
        (option(Type::U8), json!(1), some(Val::U8(1))),
        (option(option(Type::U8)), json!([null]), some(Val::Option(None))),
        (option(list(Type::U16)), json!([[1]]), some(Val::List(vec![Val::U16(1)]))),
        (colour.clone(), json!("dark_red"), Val::Enum("dark-red".into())),
        (colour, json!("dark-red"), Val::Enum("dark-red".into())),
        (user.clone(), json!({"first_name": "Ann"}), ann.clone()),
        (user, json!(["Ann", null]), ann),
    ];
    for (ty, json, value) in cases {
        assert_eq!(read(&ty, json.clone()), Ok(value), "{json} as {ty}");
    }
}

#[test]
fn lists_of_fixed_length_are_checked() {
    let grid = record(&[("top-rows", list(list(Type::U8)))]);
    let manifest = r#"{"schema": 1, "fixed": {"draw_it.grid.top_rows[]": 2, "draw_it.size": 1, "other.x": 9}}"#;
    let draw = with_lengths("draw-it", &[("grid", grid), ("size", list(Type::U16))], manifest);
    let call = |args: Value| arguments(&draw, args, 1000).map_err(|error| error.to_string());
    assert!(call(json!([{"top_rows": [[1, 2], [3, 4]]}, [7]])).is_ok());
    let wrong = "args[0].top_rows[1]: expected list of 2 elements, got one of 1";
    assert_eq!(call(json!([{"top_rows": [[1, 2], [3]]}, [7]])), Err(wrong.to_owned()));
    assert_eq!(
        call(json!([{"top_rows": []}, []])),
        Err("args[1]: expected list of 1 elements, got one of 0".to_owned())
    );
}

#[test]
fn options_are_written_in_two_dialects() {
    let some = |value| Val::Option(Some(Box::new(value)));
    let (small, lists, nested) = (option(Type::U8), option(list(Type::U16)), option(option(Type::U8)));
    let cases = [
        (&small, Val::Option(None), json!(null), json!([])),
        (&small, some(Val::U8(1)), json!(1), json!([1])),
        (&lists, some(Val::List(vec![])), json!([[]]), json!([[]])),
        (&nested, some(Val::Option(None)), json!([null]), json!([[]])),
        (&nested, some(some(Val::U8(1))), json!(1), json!([[1]])),
    ];
    for (ty, value, plain, air) in cases {
        assert_eq!(write(Dialect::Plain, ty, value.clone()), Ok(plain));
        assert_eq!(write(Dialect::Air, ty, value), Ok(air));
    }
}

#[test]
fn floats_print_their_own_shortest_form_and_nothing_else() {
    let text = |value: Val, ty: Type| write(Dialect::Plain, &ty, value).map(|json| json.to_string());
    assert_eq!(text(Val::Float32(0.1), Type::F32), Ok("0.1".into()));
    assert_eq!(text(Val::Float32(f32::MAX), Type::F32), Ok("3.4028235e+38".into()));
    assert_eq!(text(Val::Float64(0.1), Type::F64), Ok("0.1".into()));
    assert_eq!(text(Val::Float64(f64::NAN), Type::F64), Err("result: NaN has no JSON form".into()));
    let rates = record(&[("rates", list(Type::F32))]);
    let value = Val::Record(vec![("rates".into(), Val::List(vec![Val::Float32(1.0), Val::Float32(f32::INFINITY)]))]);
    assert_eq!(text(value, rates), Err("result.rates[1]: inf has no JSON form".into()));
}

#[test]
fn large_results_are_refused_while_they_are_written() {
    let value = Val::List((0..100).map(Val::U32).collect());
    let written = Writer::new(Dialect::Plain, 150).value(&shape(&list(Type::U32)), value);
    assert!(written.unwrap_err().is_too_large());
}

fn any_type() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        Just(Type::Bool),
        Just(Type::U8),
        Just(Type::S8),
        Just(Type::U16),
        Just(Type::S16),
        Just(Type::U32),
        Just(Type::S32),
        Just(Type::U64),
        Just(Type::S64),
        Just(Type::F32),
        Just(Type::F64),
        Just(Type::Char),
        Just(Type::String),
        Just(named(TypeDef::Enum(vec!["a".into(), "b-c".into()]))),
        Just(named(TypeDef::Flags(vec!["x".into(), "y-1".into()]))),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let payload = || prop::option::of(inner.clone().prop_map(Arc::new));
        prop_oneof![
            inner.clone().prop_map(list),
            inner.clone().prop_map(option),
            inner.clone().prop_map(|value| list(Type::Tuple([Type::String, value].into()))),
            (payload(), payload()).prop_map(|(ok, err)| Type::Result { ok, err }),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|types| Type::Tuple(types.into())),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|types| {
                let names = ["a", "b-c", "line-2"];
                record(&names.into_iter().zip(types).collect::<Vec<_>>())
            }),
            prop::collection::vec(prop::option::of(inner), 1..4).prop_map(|types| {
                let case = |(name, ty): (&str, _)| Case { name: name.to_owned(), ty };
                named(TypeDef::Variant(["one", "two-b", "c"].into_iter().zip(types).map(case).collect()))
            }),
        ]
    })
}

fn any_value(ty: &Type) -> BoxedStrategy<Val> {
    fn boxed(ty: &Option<Arc<Type>>) -> BoxedStrategy<Option<Box<Val>>> {
        match ty {
            Some(ty) => any_value(ty).prop_map(|value| Some(Box::new(value))).boxed(),
            None => Just(None).boxed(),
        }
    }
    match ty {
        Type::Bool => any::<bool>().prop_map(Val::Bool).boxed(),
        Type::U8 => any::<u8>().prop_map(Val::U8).boxed(),
        Type::S8 => any::<i8>().prop_map(Val::S8).boxed(),
        Type::U16 => any::<u16>().prop_map(Val::U16).boxed(),
        Type::S16 => any::<i16>().prop_map(Val::S16).boxed(),
        Type::U32 => any::<u32>().prop_map(Val::U32).boxed(),
        Type::S32 => any::<i32>().prop_map(Val::S32).boxed(),
        Type::U64 => any::<u64>().prop_map(Val::U64).boxed(),
        Type::S64 => any::<i64>().prop_map(Val::S64).boxed(),
        Type::F32 => any::<f32>().prop_filter("finite", |float| float.is_finite()).prop_map(Val::Float32).boxed(),
        Type::F64 => any::<f64>().prop_filter("finite", |float| float.is_finite()).prop_map(Val::Float64).boxed(),
        Type::Char => any::<char>().prop_map(Val::Char).boxed(),
        Type::String => ".{0,8}".prop_map(Val::String).boxed(),
        Type::List(of) => prop::collection::vec(any_value(of), 0..4).prop_map(Val::List).boxed(),
        Type::Option(of) => prop::option::of(any_value(of).prop_map(Box::new)).prop_map(Val::Option).boxed(),
        Type::Result { ok, err } => prop_oneof![
            boxed(ok).prop_map(|value| Val::Result(Ok(value))),
            boxed(err).prop_map(|value| Val::Result(Err(value))),
        ]
        .boxed(),
        Type::Tuple(types) => types.iter().map(any_value).collect::<Vec<_>>().prop_map(Val::Tuple).boxed(),
        Type::Unsupported(_) => unreachable!("not generated"),
        Type::Named { def, .. } => match &**def {
            TypeDef::Record(fields) => {
                let values = fields.iter().map(|field| (Just(field.name.clone()), any_value(&field.ty)));
                values.collect::<Vec<_>>().prop_map(Val::Record).boxed()
            }
            TypeDef::Enum(cases) => prop::sample::select(cases.clone()).prop_map(Val::Enum).boxed(),
            TypeDef::Flags(flags) => {
                prop::sample::subsequence(flags.clone(), 0..=flags.len()).prop_map(Val::Flags).boxed()
            }
            TypeDef::Variant(cases) => {
                let cases = cases.clone();
                prop::sample::select(cases)
                    .prop_flat_map(|case| (Just(case.name), boxed(&case.ty.map(Arc::new))))
                    .prop_map(|(name, payload)| Val::Variant(name, payload))
                    .boxed()
            }
        },
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-c-]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("(a|b_c|b-c|line_2|one|ok|err|base64)", inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back((ty, value) in any_type().prop_flat_map(|ty| (Just(ty.clone()), any_value(&ty)))) {
        for dialect in [Dialect::Plain, Dialect::Air] {
            let json = write(dialect, &ty, value.clone()).unwrap();
            prop_assert_eq!(read(&ty, json.clone()), Ok(value.clone()), "{} as {}", json, ty);
        }
    }

    #[test]
    fn no_json_panics_and_what_is_accepted_can_be_written(ty in any_type(), json in any_json()) {
        if let Ok(value) = read(&ty, json) {
            prop_assert!(write(Dialect::Plain, &ty, value).is_ok());
        }
        let _ = arguments(&function("f", &[("a", ty)]), Value::Null, 1000);
    }
}
