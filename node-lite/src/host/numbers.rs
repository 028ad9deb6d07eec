//! Builtin services `math` and `cmp`: arithmetic that never wraps, and comparison by value.

use std::cmp::Ordering;

use serde_json::{Number, Value, json};

use super::args::{Args, Fault, OWN};

pub(super) fn add(args: &mut Args) -> Result<Value, Fault> {
    checked(args, i64::checked_add)
}

pub(super) fn sub(args: &mut Args) -> Result<Value, Fault> {
    checked(args, i64::checked_sub)
}

pub(super) fn mul(args: &mut Args) -> Result<Value, Fault> {
    checked(args, i64::checked_mul)
}

/// Toward zero.
pub(super) fn div(args: &mut Args) -> Result<Value, Fault> {
    divided(args, i64::checked_div)
}

/// With the sign of the first.
pub(super) fn rem(args: &mut Args) -> Result<Value, Fault> {
    divided(args, i64::checked_rem)
}

pub(super) fn pow(args: &mut Args) -> Result<Value, Fault> {
    let (base, exponent) = (args.integer()?, args.u32()?);
    fitting(args, base.checked_pow(exponent))
}

/// The product, rounded down.
pub(super) fn fmul(args: &mut Args) -> Result<Value, Fault> {
    let (x, y) = (args.float()?, args.float()?);
    let product = (x * y).floor();
    // The bounds are powers of two, so floats hold them exactly.
    let fits = product >= i64::MIN as f64 && product < -(i64::MIN as f64);
    fitting(args, fits.then_some(product as i64))
}

/// The logarithm, rounded down.
pub(super) fn log(args: &mut Args) -> Result<Value, Fault> {
    let (base, number) = (args.integer()?, args.integer()?);
    if base < 2 || number < 1 {
        return Err(args.fault(OWN, "the base has to be at least 2 and the number at least 1"));
    }
    Ok(json!(number.ilog(base)))
}

/// The order of two numbers: integers exactly, others as floats.
pub(super) fn compare(args: &mut Args) -> Result<Ordering, Fault> {
    let (x, y) = (args.number()?, args.number()?);
    if let (Some(x), Some(y)) = (whole(&x), whole(&y)) {
        return Ok(x.cmp(&y));
    }
    let order = x.as_f64().zip(y.as_f64()).and_then(|(x, y)| x.partial_cmp(&y));
    order.ok_or_else(|| args.fault(OWN, "these numbers have no order"))
}

fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

fn checked(args: &mut Args, operation: impl Fn(i64, i64) -> Option<i64>) -> Result<Value, Fault> {
    let (x, y) = (args.integer()?, args.integer()?);
    fitting(args, operation(x, y))
}

fn divided(args: &mut Args, operation: impl Fn(i64, i64) -> Option<i64>) -> Result<Value, Fault> {
    let (x, y) = (args.integer()?, args.integer()?);
    if y == 0 {
        return Err(args.fault(OWN, "division by zero"));
    }
    fitting(args, operation(x, y))
}

fn fitting(args: &Args, result: Option<i64>) -> Result<Value, Fault> {
    result.map(|number| json!(number)).ok_or_else(|| args.fault(OWN, "the result does not fit 64 bits"))
}
