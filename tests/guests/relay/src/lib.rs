//! Passes everything on to the module `echo`, so that every type crosses as argument and result of an import too.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use guest_types::{Person, for_each_type};
use marine_sdk::{CallParameters, Result, marine, module_manifest};

module_manifest!();

macro_rules! forward {
    ($($name:ident: $type:ty,)*) => {
        mod echo {
            use marine_sdk::marine;

            #[marine]
            #[module_import("echo")]
            unsafe extern "C" {
                $(pub fn $name(value: $type) -> $type;)*
            }
        }

        $(
            #[marine]
            fn $name(value: $type) -> $type {
                echo::$name(value)
            }
        )*
    };
}

for_each_type!(forward);

/// The second spelling of imports, and references in all places an import can have them.
#[marine]
#[link(wasm_import_module = "echo")]
unsafe extern "C" {
    #[link_name = "inc"]
    fn increment(x: u32) -> u32;
    #[link_name = "nothing"]
    fn do_nothing();
    #[link_name = "join"]
    #[expect(clippy::too_many_arguments)]
    fn join_all(a: u8, b: i64, c: f32, d: f64, e: bool, f: char, g: &str, h: Option<u8>, i: &[u8]) -> String;
    #[link_name = "sixteen"]
    #[expect(clippy::too_many_arguments)]
    fn join_sixteen(a: &str, b: &str, c: &str, d: &str, e: &str, f: &str, g: &str, h: &str) -> String;
    #[link_name = "seventeen"]
    #[expect(clippy::too_many_arguments)]
    fn join_seventeen(a: &str, b: &str, c: &str, d: &str, e: &str, f: &str, g: &str, h: &str, n: &u8) -> String;
    #[link_name = "oldest"]
    fn find_oldest(people: &[&Person]) -> Option<Person>;
    #[link_name = "echo_list_string"]
    fn echo_texts(value: &[&str]) -> Vec<String>;
    #[link_name = "echo_option_string"]
    fn echo_maybe(value: Option<&str>) -> Option<String>;
    #[link_name = "parse"]
    fn parse_number(text: &str) -> Result<i32>;
    #[link_name = "check"]
    fn check_it(ok: bool) -> std::result::Result<(), ()>;
    #[link_name = "three"]
    fn echo_any_length(value: &[u8]) -> Vec<u8>;
    #[link_name = "echo_map"]
    fn echo_borrowed_map(value: &HashMap<&str, u32>) -> BTreeMap<String, u32>;
    #[link_name = "echo_cow_str"]
    fn echo_cow_text(value: Cow<'_, str>) -> Cow<'static, str>;
    /// `echo` has no such function.
    #[allow(dead_code, reason = "not used, so not imported")]
    fn not_there(x: u8) -> u8;
}

/// Adds one.
#[marine]
fn inc(x: u32) -> u32 {
    increment(x)
}

#[marine]
fn nothing() {
    do_nothing();
}

#[marine]
#[expect(clippy::too_many_arguments)]
fn join(a: u8, b: i64, c: f32, d: f64, e: bool, f: char, g: &str, h: Option<u8>, _i: Vec<u8>) -> String {
    join_all(a, b, c, d, e, f, g, h, &_i)
}

#[marine]
#[expect(clippy::too_many_arguments)]
fn sixteen(a: &str, b: &str, c: &str, d: &str, e: &str, f: &str, g: &str, h: &str) -> String {
    join_sixteen(a, b, c, d, e, f, g, h)
}

#[marine]
#[expect(clippy::too_many_arguments)]
fn seventeen(a: &str, b: &str, c: &str, d: &str, e: &str, f: &str, g: &str, h: &str, n: u8) -> String {
    join_seventeen(a, b, c, d, e, f, g, h, &n)
}

#[marine]
fn oldest(people: Vec<Person>) -> Option<Person> {
    let people: Vec<&Person> = people.iter().collect();
    find_oldest(&people)
}

#[marine]
fn texts(value: Vec<String>) -> Vec<String> {
    let value: Vec<&str> = value.iter().map(String::as_str).collect();
    echo_texts(&value)
}

/// A list of any length, where `echo` takes three.
#[marine]
fn any_length(value: Vec<u8>) -> Vec<u8> {
    echo_any_length(&value)
}

#[marine]
fn counted(words: Vec<String>) -> BTreeMap<String, u32> {
    let mut counts = HashMap::new();
    for word in &words {
        *counts.entry(word.as_str()).or_default() += 1;
    }
    echo_borrowed_map(&counts)
}

#[marine]
fn shortened(text: Cow<'_, str>) -> Cow<'static, str> {
    echo_cow_text(Cow::Borrowed(text.split(' ').next().unwrap_or_default()))
}

#[marine]
fn maybe(value: Option<String>) -> Option<String> {
    echo_maybe(value.as_deref())
}

#[marine]
fn parse(text: &str) -> Result<i32> {
    parse_number(text)
}

#[marine]
fn check(ok: bool) -> std::result::Result<(), ()> {
    check_it(ok)
}

#[marine]
#[module_import("context")]
unsafe extern "C" {
    fn caller() -> CallParameters;
}

/// The parameters of the call: as this module sees them, and as a module that it calls does.
#[marine]
fn callers() -> (CallParameters, CallParameters) {
    (marine_sdk::get_call_parameters(), caller())
}
