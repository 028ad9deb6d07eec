//! Builtin functions that only look at their arguments: `op`, `math`, `cmp`, `array`, `json`, `debug`. Nodes and clients offer them alike.

use marine_air::execution::{CallRequest, CallResult};
use serde_json::{Map, Value, json};

use super::args::{Args, Fault, OWN, SHAPE, UNKNOWN};
use super::{hash, lists, numbers};

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
    ("op", "bytes_from_b58", |args| Ok(json!(from_base58(args)?))),
    ("op", "sha256_string", sha256_string),
    ("math", "add", numbers::add),
    ("math", "sub", numbers::sub),
    ("math", "mul", numbers::mul),
    ("math", "fmul", numbers::fmul),
    ("math", "div", numbers::div),
    ("math", "rem", numbers::rem),
    ("math", "pow", numbers::pow),
    ("math", "log", numbers::log),
    ("cmp", "gt", |args| numbers::compare(args).map(|order| json!(order.is_gt()))),
    ("cmp", "gte", |args| numbers::compare(args).map(|order| json!(order.is_ge()))),
    ("cmp", "lt", |args| numbers::compare(args).map(|order| json!(order.is_lt()))),
    ("cmp", "lte", |args| numbers::compare(args).map(|order| json!(order.is_le()))),
    ("cmp", "cmp", |args| numbers::compare(args).map(|order| json!(order as i8))),
    ("array", "sum", lists::sum),
    ("array", "length", |args| Ok(json!(args.array()?.len()))),
    ("array", "slice", lists::slice),
    ("array", "dedup", lists::dedup),
    ("array", "intersect", lists::intersect),
    ("array", "diff", lists::diff),
    ("array", "sdiff", lists::sdiff),
    ("debug", "stringify", stringify_all),
    ("json", "obj", |args| puts(Map::new(), args)),
    ("json", "put", put),
    ("json", "puts", |args| puts(object(args)?, args)),
    ("json", "obj_pairs", |args| puts_pairs(Map::new(), args)),
    ("json", "puts_pairs", |args| puts_pairs(object(args)?, args)),
    ("json", "parse", parse),
    ("json", "stringify", |args| Ok(json!(args.any()?.to_string()))),
];

/// Answers a call of one of these services; `None` if it is another service.
pub(crate) fn call(service: &str, request: &CallRequest) -> Option<Result<Value, Fault>> {
    let values = || request.args.iter().map(Value::from).collect();
    call_with(service, &request.function, values)
}

/// The answer of a builtin function that only looks at its arguments: of the services `op`, `math`, `cmp`, `array`, `json` and `debug`;
/// `None` if it is of another service. For simulations, whose peers answer as nodes do.
pub fn builtin(service: &str, function: &str, args: Vec<Value>) -> Option<CallResult> {
    call_with(service, function, || args).map(super::answer)
}

fn call_with(service: &str, function: &str, values: impl FnOnce() -> Vec<Value>) -> Option<Result<Value, Fault>> {
    if !FUNCTIONS.iter().any(|(name, _, _)| *name == service) {
        return None;
    }
    let Some((_, _, run)) = FUNCTIONS.iter().find(|(s, f, _)| *s == service && *f == function) else {
        let names = FUNCTIONS.iter().filter(|(s, _, _)| *s == service).map(|(_, f, _)| *f);
        return Some(Err(unknown_function(service, function, names)));
    };
    let mut args = Args::new(service, function, values());
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

/// The bytes of the next argument, a text in base58.
pub(super) fn from_base58(args: &mut Args) -> Result<Vec<u8>, Fault> {
    let text = args.string()?;
    check_b58(args, text.len())?;
    bs58::decode(&text).into_vec().map_err(|e| args.fault(OWN, format!("not base58: {e}")))
}

fn string_from_b58(args: &mut Args) -> Result<Value, Fault> {
    let bytes = from_base58(args)?;
    String::from_utf8(bytes).map(Value::String).map_err(|e| args.fault(OWN, format!("not UTF-8: {e}")))
}

/// The SHA2-256 multihash of a text, or its digest alone; in base58, or as bytes.
fn sha256_string(args: &mut Args) -> Result<Value, Fault> {
    let digest = hash::digest(args.string()?.as_bytes());
    let is_bare = args.option_bool()?.unwrap_or(false);
    let hash = if is_bare { digest.to_vec() } else { hash::multihash(&digest) };
    Ok(if args.option_bool()?.unwrap_or(false) { json!(hash) } else { json!(bs58::encode(hash).into_string()) })
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

/// As [`puts`], from a list of pairs.
fn puts_pairs(mut map: Map<String, Value>, args: &mut Args) -> Result<Value, Fault> {
    for (at, pair) in args.array()?.into_iter().enumerate() {
        match pair {
            Value::Array(pair) if pair.len() == 2 => puts_pair(&mut map, pair),
            _ => None,
        }
        .ok_or_else(|| args.fault(SHAPE, format!("pair {at}: expected a text and a value")))?;
    }
    Ok(Value::Object(map))
}

fn puts_pair(map: &mut Map<String, Value>, pair: Vec<Value>) -> Option<()> {
    let mut pair = pair.into_iter();
    let (Value::String(key), value) = (pair.next()?, pair.next()?) else { return None };
    map.insert(key, value);
    Some(())
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
            ("op", "sha256_string", json!(["abc"]), json!("QmatYkNGZnELf8cAGdyJpUca2PyY4szai3RHyyWofNY1pY")),
            ("op", "sha256_string", json!(["abc", [true]]), json!("DYu3G8aGTMBW1WrTw76zxQJQU4DHLw9MLyy7peG4LKkY")),
            (
                "op",
                "sha256_string",
                json!(["", [], true]),
                json!([
                    18, 32, 227, 176, 196, 66, 152, 252, 28, 20, 154, 251, 244, 200, 153, 111, 185, 36, 39, 174, 65,
                    228, 100, 155, 147, 76, 164, 149, 153, 27, 120, 82, 184, 85
                ]),
            ),
            ("math", "add", json!([2, 3]), json!(5)),
            ("math", "sub", json!([2, 3]), json!(-1)),
            ("math", "mul", json!([2, -3]), json!(-6)),
            ("math", "fmul", json!([10, 0.66]), json!(6)),
            ("math", "div", json!([-7, 2]), json!(-3)),
            ("math", "rem", json!([-7, 2]), json!(-1)),
            ("math", "pow", json!([2, 10]), json!(1024)),
            ("math", "log", json!([2, 1023]), json!(9)),
            ("cmp", "gt", json!([2, 1]), json!(true)),
            ("cmp", "gte", json!([2, 2.0]), json!(true)),
            ("cmp", "lt", json!([-1, u64::MAX]), json!(true)),
            ("cmp", "lte", json!([i64::MAX, i64::MAX - 1]), json!(false)),
            ("cmp", "cmp", json!([0.5, 1]), json!(-1)),
            ("array", "sum", json!([[1, 2, -4]]), json!(-1)),
            ("array", "length", json!([[1, 2]]), json!(2)),
            ("array", "slice", json!([["a", "b", "c"], 1, 3]), json!(["b", "c"])),
            ("array", "dedup", json!([[2, 1, 2, [1], [1]]]), json!([2, 1, [1]])),
            ("array", "intersect", json!([[3, 1, 1, 2], [1, 3]]), json!([3, 1])),
            ("array", "diff", json!([[3, 1, 2, 2], [1, 4]]), json!([3, 2])),
            ("array", "sdiff", json!([[3, 1], [1, 4]]), json!([3, 4])),
            ("debug", "stringify", json!([]), json!("\"<empty argument list>\"")),
            ("debug", "stringify", json!(["a"]), json!("\"a\"")),
            ("debug", "stringify", json!(["a", 1]), json!("[\"a\",1]")),
            ("json", "obj", json!(["a", 1, "b", []]), json!({"a": 1, "b": []})),
            ("json", "put", json!([{"a": 1}, "b", 2]), json!({"a": 1, "b": 2})),
            ("json", "puts", json!([{}, "b", 2]), json!({"b": 2})),
            ("json", "obj_pairs", json!([[["a", 1], ["b", [2]]]]), json!({"a": 1, "b": [2]})),
            ("json", "puts_pairs", json!([{"a": 1}, [["a", 2]]]), json!({"a": 2})),
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
            ("math", "add", json!([i64::MAX, 1]), OWN, "math.add: the result does not fit 64 bits"),
            ("math", "add", json!([1, 1.5]), SHAPE, "math.add: args[1]: expected i64, got 1.5"),
            ("math", "div", json!([1, 0]), OWN, "math.div: division by zero"),
            ("math", "log", json!([1, 2]), OWN, "math.log: the base has to be at least 2 and the number at least 1"),
            ("cmp", "gt", json!(["a", 1]), SHAPE, "cmp.gt: args[0]: expected number, got \"a\""),
            ("array", "slice", json!([[1], 1, 2]), OWN, "array.slice: 1 to 2 is no part of 1 elements"),
            ("json", "obj", json!(["a"]), SHAPE, "json.obj: key `a` has no value"),
            ("json", "obj", json!([1, 2]), SHAPE, "json.obj: expected a text as key, got 1"),
            (
                "json",
                "obj_pairs",
                json!([[["a", 1], ["b"]]]),
                SHAPE,
                "json.obj_pairs: pair 1: expected a text and a value",
            ),
            ("op", "sha256_string", json!(["", 1]), SHAPE, "op.sha256_string: args[1]: expected ?bool, got 1"),
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
