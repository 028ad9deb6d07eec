//! Returns what it is given, in every type; and the shapes of functions that are not plain echoes.

use guest_types::{Person, for_each_type};
use marine_sdk::{Error, Result, marine, module_manifest};

module_manifest!();

macro_rules! export {
    ($($name:ident: $type:ty,)*) => {$(
        #[marine]
        fn $name(value: $type) -> $type {
            value
        }
    )*};
}

for_each_type!(export);

/// Adds one.
#[marine]
fn inc(x: u32) -> u32 {
    x.wrapping_add(1)
}

/// Nothing in, nothing out.
#[marine]
fn nothing() {}

/// Nine parameters in one function.
#[marine]
#[expect(clippy::too_many_arguments)]
fn join(a: u8, b: i64, c: f32, d: f64, e: bool, f: char, g: &str, h: Option<u8>, _i: Vec<u8>) -> String {
    format!("{a} {b} {c} {d} {e} {f} {g} {h:?} {_i:?}")
}

/// Exactly sixteen core values.
#[marine]
#[expect(clippy::too_many_arguments)]
fn sixteen(a: &str, b: &str, c: &str, d: &str, e: &str, f: &str, g: &str, h: &str) -> String {
    [a, b, c, d, e, f, g, h].concat()
}

/// Seventeen core values: these go through memory.
#[marine]
#[expect(clippy::too_many_arguments)]
fn seventeen(a: &str, b: &str, c: &str, d: &str, e: &str, f: &str, g: &str, h: &str, n: u8) -> String {
    [a, b, c, d, e, f, g, h].concat().repeat(n.into())
}

/// More parameters than a tuple has elements.
#[marine]
#[expect(clippy::too_many_arguments)]
fn twenty(
    a: u8,
    b: u16,
    c: u32,
    d: u64,
    e: u8,
    f: u16,
    g: u32,
    h: u64,
    i: u8,
    j: u16,
    k: u32,
    l: u64,
    m: u8,
    n: u16,
    o: u32,
    p: u64,
    q: u8,
    r: u16,
    s: u32,
    t: u64,
) -> Vec<u64> {
    let bytes = [a, e, i, m, q].map(u64::from);
    let shorts = [b, f, j, n, r].map(u64::from);
    let ints = [c, g, k, o, s].map(u64::from);
    let mut all = Vec::new();
    for i in 0..5 {
        all.extend([bytes[i], shorts[i], ints[i], [d, h, l, p, t][i]]);
    }
    all
}

/// Exactly three.
#[marine]
fn three(value: &[u8; 3]) -> [u8; 3] {
    *value
}

/// The oldest of them, copied out.
#[marine]
fn oldest(people: &[Person]) -> Option<Person> {
    people.iter().max_by_key(|person| person.age).cloned()
}

/// A reference to a record; the change stays here.
#[marine]
fn renamed(person: &mut Person, name: &String) -> Person {
    person.name.clone_from(name);
    person.clone()
}

/// A result that borrows from an argument.
#[marine]
fn first_word<'a>(text: &'a str) -> &'a str {
    text.split(' ').next().unwrap_or_default()
}

/// `Err` is an error of the service.
#[marine]
fn parse(text: &str) -> Result<i32> {
    if text.is_empty() {
        return Err(Error::new("nothing to parse"));
    }
    Ok(text.parse()?)
}

/// An error without content.
#[marine]
fn check(ok: bool) -> std::result::Result<(), ()> {
    if ok { Ok(()) } else { Err(()) }
}
