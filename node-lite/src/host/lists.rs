//! Builtin service `array`: lists of any values, which keep the order of first appearance.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::args::{Args, Fault, OWN, SHAPE};

pub(super) fn sum(args: &mut Args) -> Result<Value, Fault> {
    let mut sum = 0_i64;
    for (at, value) in args.array()?.iter().enumerate() {
        let number =
            value.as_i64().ok_or_else(|| args.fault(SHAPE, format!("args[0][{at}]: expected i64, got {value}")))?;
        sum = sum.checked_add(number).ok_or_else(|| args.fault(OWN, "the sum does not fit 64 bits"))?;
    }
    Ok(json!(sum))
}

/// The elements from the first index up to, and without, the second.
pub(super) fn slice(args: &mut Args) -> Result<Value, Fault> {
    let (array, from, to) = (args.array()?, args.u32()?, args.u32()?);
    let part = usize::try_from(from).ok().zip(usize::try_from(to).ok()).and_then(|(from, to)| array.get(from..to));
    let part = part.ok_or_else(|| args.fault(OWN, format!("{from} to {to} is no part of {} elements", array.len())))?;
    Ok(Value::Array(part.to_vec()))
}

pub(super) fn dedup(args: &mut Args) -> Result<Value, Fault> {
    Ok(distinct(args.array()?, |_| true))
}

pub(super) fn intersect(args: &mut Args) -> Result<Value, Fault> {
    let (a, b) = (args.array()?, texts(&args.array()?));
    Ok(distinct(a, |text| b.contains(text)))
}

/// What is in the first only.
pub(super) fn diff(args: &mut Args) -> Result<Value, Fault> {
    let (a, b) = (args.array()?, texts(&args.array()?));
    Ok(distinct(a, |text| !b.contains(text)))
}

/// What is in one of them only.
pub(super) fn sdiff(args: &mut Args) -> Result<Value, Fault> {
    let (a, b) = (args.array()?, args.array()?);
    let (in_a, in_b) = (texts(&a), texts(&b));
    let all = a.into_iter().chain(b).collect();
    Ok(distinct(all, |text| in_a.contains(text) != in_b.contains(text)))
}

/// Values are the same if their JSON is.
fn texts(values: &[Value]) -> HashSet<String> {
    values.iter().map(Value::to_string).collect()
}

fn distinct(values: Vec<Value>, wanted: impl Fn(&str) -> bool) -> Value {
    let mut seen = HashSet::new();
    let mut is_new = |value: &Value| {
        let text = value.to_string();
        wanted(&text) && seen.insert(text)
    };
    Value::Array(values.into_iter().filter(|value| is_new(value)).collect())
}
