//! Builtin functions that only look at their arguments: `op`, `json`, `debug`. Nodes and clients offer them alike.

use marine_air::execution::CallRequest;
use serde_json::{Map, Value, json};

use super::args::{Args, Fault, OWN, SHAPE, UNKNOWN};

/// Longest text or list of bytes that is converted to or from base58, in bytes: the time grows with the square of the length.
const MAX_BASE58: usize = 4096;

type Function = fn(&mut Args) -> Result<Value, Fault>;

/// Service, function, and what it does.
const FUNCTIONS: &[(&str, &str, Function)] = &[
    ("op", "noop", noop),
    ("op", "identity", identity),
    ("op", "array", |args| Ok(Value::Array(args.rest()))),
    ("op", "concat", concat),
    ("op", "array_length", |args| Ok(json!(args.array()?.len()))),
    ("op", "concat_strings", concat_strings),
    ("op", "string_to_b58", |args| to_b58(args, |args| args.string().map(String::into_bytes))),
    ("op", "string_from_b58", string_from_b58),
    ("op", "bytes_to_b58", |args| to_b58(args, Args::bytes)),
    ("op", "bytes_from_b58", |args| Ok(json!(from_b58(args)?))),
    ("debug", "stringify", stringify_all),
    ("json", "obj", |args| puts(Map::new(), args)),
    ("json", "put", put),
    ("json", "puts", |args| puts(object(args)?, args)),
    ("json", "parse", parse),
    ("json", "stringify", |args| Ok(json!(args.any()?.to_string()))),
];

/// Answers a call of one of these services; `None` if it is another service.
pub(crate) fn call(service: &str, request: &CallRequest) -> Option<Result<Value, Fault>> {
    if !FUNCTIONS.iter().any(|(name, _, _)| *name == service) {
        return None;
    }
    let function = &*request.function;
    let Some((_, _, run)) = FUNCTIONS.iter().find(|(s, f, _)| *s == service && *f == function) else {
        let names = FUNCTIONS.iter().filter(|(s, _, _)| *s == service).map(|(_, f, _)| *f);
        return Some(Err(unknown_function(service, function, names)));
    };
    let mut args = Args::new(service, function, request.args.iter().map(Value::from).collect());
    Some(run(&mut args).and_then(|value| args.end().map(|()| value)))
}

/// The fault of a function that a builtin service does not have.
pub(crate) fn unknown_function<'a>(service: &str, function: &str, names: impl Iterator<Item = &'a str>) -> Fault {
    let names: Vec<_> = names.collect();
    Fault::new(UNKNOWN, format!("{service}.{function}: no such function; `{service}` has {}", names.join(", ")))
}

/// Functions without result give `null`.
fn noop(args: &mut Args) -> Result<Value, Fault> {
    drop(args.rest());
    Ok(Value::Null)
}

fn identity(args: &mut Args) -> Result<Value, Fault> {
    let mut values = args.rest();
    match values.len() {
        0 => Ok(json!([])),
        1 => Ok(values.remove(0)),
        n => Err(args.fault(SHAPE, format!("takes at most 1 argument, {n} given"))),
    }
}

fn concat(args: &mut Args) -> Result<Value, Fault> {
    let mut all = Vec::new();
    for (at, value) in args.rest().into_iter().enumerate() {
        match value {
            Value::Array(items) => all.extend(items),
            _ => return Err(args.fault(SHAPE, format!("args[{at}]: expected array"))),
        }
    }
    Ok(Value::Array(all))
}

fn concat_strings(args: &mut Args) -> Result<Value, Fault> {
    let mut all = String::new();
    for (at, value) in args.rest().into_iter().enumerate() {
        match value {
            Value::String(text) => all.push_str(&text),
            _ => return Err(args.fault(SHAPE, format!("args[{at}]: expected string"))),
        }
    }
    Ok(Value::String(all))
}

fn to_b58(args: &mut Args, take: impl Fn(&mut Args) -> Result<Vec<u8>, Fault>) -> Result<Value, Fault> {
    let bytes = take(args)?;
    check_b58(args, bytes.len())?;
    Ok(json!(bs58::encode(bytes).into_string()))
}

fn check_b58(args: &Args, length: usize) -> Result<(), Fault> {
    if length <= MAX_BASE58 {
        return Ok(());
    }
    Err(args.fault(OWN, format!("{length} bytes are too many for base58, at most {MAX_BASE58}; use base64 or hex")))
}

fn from_b58(args: &mut Args) -> Result<Vec<u8>, Fault> {
    let text = args.string()?;
    check_b58(args, text.len())?;
    bs58::decode(&text).into_vec().map_err(|e| args.fault(OWN, format!("not base58: {e}")))
}

fn string_from_b58(args: &mut Args) -> Result<Value, Fault> {
    let bytes = from_b58(args)?;
    String::from_utf8(bytes).map(Value::String).map_err(|e| args.fault(OWN, format!("not UTF-8: {e}")))
}

fn stringify_all(args: &mut Args) -> Result<Value, Fault> {
    let mut values = args.rest();
    Ok(Value::String(match values.len() {
        0 => "\"<empty argument list>\"".to_owned(),
        1 => values.remove(0).to_string(),
        _ => Value::Array(values).to_string(),
    }))
}

fn object(args: &mut Args) -> Result<Map<String, Value>, Fault> {
    match args.any()? {
        Value::Object(map) => Ok(map),
        other => Err(args.fault(SHAPE, format!("args[0]: expected object, got {other}"))),
    }
}

fn put(args: &mut Args) -> Result<Value, Fault> {
    let mut map = object(args)?;
    let key = args.string()?;
    map.insert(key, args.any()?);
    Ok(Value::Object(map))
}

fn puts(mut map: Map<String, Value>, args: &mut Args) -> Result<Value, Fault> {
    let mut pairs = args.rest().into_iter();
    while let Some(key) = pairs.next() {
        let Value::String(key) = key else {
            return Err(args.fault(SHAPE, format!("expected a text as key, got {key}")));
        };
        let value = pairs.next().ok_or_else(|| args.fault(SHAPE, format!("key `{key}` has no value")))?;
        map.insert(key, value);
    }
    Ok(Value::Object(map))
}

fn parse(args: &mut Args) -> Result<Value, Fault> {
    let text = args.string()?;
    serde_json::from_str(&text).map_err(|e| args.fault(OWN, format!("not JSON: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(service: &str, function: &str, args: Value) -> Result<Value, Fault> {
        let Value::Array(values) = args else { panic!("arguments are an array") };
        let (_, _, run) = FUNCTIONS.iter().find(|(s, f, _)| (*s, *f) == (service, function)).unwrap();
        let mut args = Args::new(service, function, values);
        run(&mut args).and_then(|value| args.end().map(|()| value))
    }

    #[test]
    fn answers() {
        let cases = [
            ("op", "noop", json!([1, 2]), json!(null)),
            ("op", "identity", json!([]), json!([])),
            ("op", "identity", json!([{"a": 1}]), json!({"a": 1})),
            ("op", "array", json!([1, "a"]), json!([1, "a"])),
            ("op", "concat", json!([[1], [], [2, 3]]), json!([1, 2, 3])),
            ("op", "array_length", json!([[1, 2]]), json!(2)),
            ("op", "concat_strings", json!(["a", "", "b"]), json!("ab")),
            ("op", "string_to_b58", json!(["hello"]), json!("Cn8eVZg")),
            ("op", "string_from_b58", json!(["Cn8eVZg"]), json!("hello")),
            ("op", "bytes_to_b58", json!([[104, 105]]), json!("8wr")),
            ("op", "bytes_from_b58", json!(["8wr"]), json!([104, 105])),
            ("debug", "stringify", json!([]), json!("\"<empty argument list>\"")),
            ("debug", "stringify", json!(["a"]), json!("\"a\"")),
            ("debug", "stringify", json!(["a", 1]), json!("[\"a\",1]")),
            ("json", "obj", json!(["a", 1, "b", []]), json!({"a": 1, "b": []})),
            ("json", "put", json!([{"a": 1}, "b", 2]), json!({"a": 1, "b": 2})),
            ("json", "puts", json!([{}, "b", 2]), json!({"b": 2})),
            ("json", "parse", json!(["[1]"]), json!([1])),
            ("json", "stringify", json!([[1]]), json!("[1]")),
        ];
        for (service, function, args, expected) in cases {
            assert_eq!(run(service, function, args.clone()), Ok(expected), "{service}.{function}{args}");
        }
    }

    #[test]
    fn faults() {
        let cases = [
            ("op", "identity", json!([1, 2]), SHAPE, "op.identity: takes at most 1 argument, 2 given"),
            ("op", "array_length", json!([1]), SHAPE, "op.array_length: args[0]: expected array, got 1"),
            ("op", "array_length", json!([]), SHAPE, "op.array_length: args[0] is missing, 0 given"),
            ("op", "array_length", json!([[], 1]), SHAPE, "op.array_length: takes at most 1 arguments, 2 given"),
            ("op", "bytes_to_b58", json!([[256]]), SHAPE, "op.bytes_to_b58: args[0]: expected u8 (0..=255), got 256"),
            ("op", "concat", json!([1]), SHAPE, "op.concat: args[0]: expected array"),
            ("json", "obj", json!(["a"]), SHAPE, "json.obj: key `a` has no value"),
            ("json", "obj", json!([1, 2]), SHAPE, "json.obj: expected a text as key, got 1"),
            ("json", "parse", json!(["["]), OWN, "json.parse: not JSON: EOF while parsing a list at line 1 column 1"),
        ];
        for (service, function, args, code, message) in cases {
            assert_eq!(run(service, function, args), Err(Fault::new(code, message)));
        }
    }

    #[test]
    fn base58_is_for_short_texts() {
        let long = "1".repeat(MAX_BASE58 + 1);
        for function in ["string_to_b58", "string_from_b58", "bytes_from_b58"] {
            assert_eq!(run("op", function, json!([long])).unwrap_err().code, OWN, "{function}");
        }
        assert_eq!(run("op", "bytes_to_b58", json!([vec![1; MAX_BASE58 + 1]])).unwrap_err().code, OWN);
        assert!(run("op", "string_to_b58", json!(["x".repeat(MAX_BASE58)])).is_ok());
    }
}
