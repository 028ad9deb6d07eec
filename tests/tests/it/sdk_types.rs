//! Every type that the SDK knows, through real components: from JSON into a module and back, and the same through a
//! second module, that is as argument and result of an import.

use std::collections::BTreeSet;

use marine_build::Profile;
use marine_runtime::{CallError, CallOptions, Service};
use serde_json::{Value, json};

use crate::guests::{PROFILES, service, spec};

fn echo_service(profile: Profile) -> Service {
    service(spec(profile, &["echo", "context", "relay"])).0
}

/// Calls `function` in the module that implements it and in the one that passes the call on.
fn both(service: &Service, function: &str, args: &Value) -> [Result<Value, CallError>; 2] {
    ["echo", "relay"].map(|module| service.call_module(module, function, args.clone(), CallOptions::default()))
}

/// What each `echo_*` function is given; it answers the same.
fn echoes() -> Vec<(&'static str, Vec<Value>)> {
    let ann = json!({"name": "Ann", "age": 255, "nick_names": ["", "Ä", "🦀"]});
    let bob = json!({"name": "Bob", "age": 0, "nick_names": []});
    let padded = json!({"a": 1, "b": u64::MAX, "c": 65535, "d": 0.5, "e": true, "f": -1e300, "g": "🦀", "h": -128});
    let sixteen = json!({"a": "a", "b": "", "c": "ccc", "d": "ß", "e": "e", "f": "f", "g": "g", "h": "h".repeat(1000)});
    let tuple_16 = json!([1, 2, 3, u64::MAX, -1, -2, -3, i64::MIN, 1.5, -0.25, false, "z", 13, 14, 15, 16]);
    let polygon = json!({"polygon": {"points": [[0.5, 1.0], [-2.0, 3.25]], "closed": true}});
    let big_text = "0123456789äöü€🦀".repeat(50_000);
    vec![
        ("echo_bool", vec![json!(true), json!(false)]),
        ("echo_u8", vec![json!(0), json!(u8::MAX)]),
        ("echo_i8", vec![json!(i8::MIN), json!(-1), json!(i8::MAX)]),
        ("echo_u16", vec![json!(0), json!(u16::MAX)]),
        ("echo_i16", vec![json!(i16::MIN), json!(i16::MAX)]),
        ("echo_u32", vec![json!(0), json!(u32::MAX)]),
        ("echo_i32", vec![json!(i32::MIN), json!(i32::MAX)]),
        ("echo_u64", vec![json!(0), json!(u64::MAX)]),
        ("echo_i64", vec![json!(i64::MIN), json!(i64::MAX)]),
        ("echo_f32", vec![json!(0.0), json!(-1.5), json!(16777216.0)]),
        ("echo_f64", vec![json!(0.1), json!(-1e308), json!(5e-324)]),
        ("echo_char", vec![json!("a"), json!("ß"), json!("🦀"), json!("\u{0}"), json!("\u{10ffff}")]),
        ("echo_string", vec![json!(""), json!("a"), json!("äöü€🦀\u{0}"), json!(big_text)]),
        ("echo_bytes", vec![json!([]), json!([0, 127, 255]), json!(vec![7; 100_000])]),
        ("echo_list_bool", vec![json!([]), json!([true, false, true])]),
        ("echo_list_i64", vec![json!([]), json!([i64::MIN, 0, i64::MAX])]),
        ("echo_list_f32", vec![json!([]), json!([0.5, -2.0])]),
        ("echo_list_char", vec![json!([]), json!(["a", "🦀"])]),
        ("echo_list_string", vec![json!([]), json!([""]), json!(["a", "", "🦀"])]),
        ("echo_list_list", vec![json!([]), json!([[]]), json!([[[]], [[1], [], [2, 65535]], []])]),
        ("echo_option_u8", vec![json!(null), json!(0), json!(255)]),
        ("echo_option_u64", vec![json!(null), json!(u64::MAX)]),
        ("echo_option_string", vec![json!(null), json!(""), json!("x")]),
        ("echo_option_option", vec![json!(null), json!([null]), json!(5)]),
        ("echo_option_list", vec![json!(null), json!([[]]), json!([["a", null, ""]])]),
        ("echo_inner_result", vec![json!([{"ok": 3}]), json!([{"err": "no"}])]),
        (
            "echo_results",
            vec![
                json!([]),
                json!([{"ok": {"ok": 1}}, {"ok": {"err": 0.5}}, {"err": {"ok": null}}, {"err": {"err": "e"}}]),
            ],
        ),
        ("echo_join_f32_i32", vec![json!([{"ok": 1.5}, 9]), json!([{"err": -7}, 9])]),
        ("echo_join_f64_i32", vec![json!([{"ok": 1e300}, 9]), json!([{"err": -7}, 9])]),
        ("echo_join_i64_f32", vec![json!([{"ok": i64::MIN}, 9]), json!([{"err": 0.25}, 9])]),
        ("echo_join_tuples", vec![json!([{"ok": [0.5, u64::MAX, "s"]}, 9]), json!([{"err": [1, 2.5]}, 9])]),
        ("echo_tuple_1", vec![json!([1])]),
        ("echo_tuple_3", vec![json!([true, -1, "x"])]),
        ("echo_tuple_16", vec![tuple_16]),
        ("echo_tuple_spilled", vec![json!(["a", "b", "", "d", "e", "f", "g", "h", 9])]),
        ("echo_boxed", vec![json!(7)]),
        ("echo_person", vec![ann.clone(), bob.clone()]),
        ("echo_people", vec![json!([]), json!([ann, bob])]),
        (
            "echo_group",
            vec![
                json!({"leader": ann, "members": [bob, ann], "deputy": bob, "flag": true}),
                json!({"leader": bob, "members": [], "deputy": null, "flag": false}),
            ],
        ),
        ("echo_padded", vec![padded.clone()]),
        ("echo_list_padded", vec![json!([padded, padded])]),
        ("echo_sixteen", vec![sixteen.clone()]),
        ("echo_seventeen", vec![json!({"sixteen": sixteen, "last": 200})]),
        ("echo_names", vec![json!({"type": 1, "record": 2, "line_2": 3, "renamed_here": 4})]),
        ("echo_page", vec![json!({"items": [ann], "next": bob}), json!({"items": [], "next": null})]),
        ("echo_page_of_lists", vec![json!({"items": [[1], []], "next": [[2]]})]),
        ("echo_cents", vec![json!(u64::MAX)]),
        ("echo_table", vec![json!([[1, null], [], [2]])]),
        ("echo_color", vec![json!("red"), json!("deep_blue")]),
        ("echo_colors", vec![json!(["green", null])]),
        ("echo_shape", vec![json!("empty"), json!({"circle": 0.5}), polygon.clone()]),
        (
            "echo_branch",
            vec![
                json!({"leaf": "red"}),
                json!({"pair": ["green", "deep_blue"]}),
                json!({"fork": {"left": "red", "others": ["green", "red"]}}),
            ],
        ),
        ("echo_branches", vec![json!([{"fork": {"left": 7, "others": []}}, {"pair": ["a", ""]}])]),
        ("echo_bare", vec![json!(["unit", "tuple", "braces"])]),
        ("echo_renamed", vec![json!({"inner_value": {"inner_value": "green"}})]),
        ("echo_version", vec![json!("1.20"), json!("0.0")]),
        ("echo_versions", vec![json!(["1.2", null, "3.4"])]),
        ("echo_array_u8", vec![json!([0, 1, 2, 255])]),
        ("echo_array_string", vec![json!(["", "🦀"])]),
        ("echo_array_array", vec![json!([[1, 2], [3, 4], [5, 65535]])]),
        ("echo_page_of_arrays", vec![json!({"items": [[1, 2], [3, 4]], "next": null})]),
        ("echo_boxed_str", vec![json!(""), json!("boxed")]),
        ("echo_boxed_slice", vec![json!([]), json!(["a", "b"])]),
        ("echo_cow_str", vec![json!(""), json!("cow")]),
        ("echo_cow_slice", vec![json!([]), json!([1, u32::MAX])]),
        ("echo_deque", vec![json!([]), json!(["a", "b", ""])]),
        ("echo_set", vec![json!([]), json!([-3, 0, 7])]),
        ("echo_hash_set", vec![json!([]), json!(["", "a", "b", "c"])]),
        ("echo_map", vec![json!([]), json!([["a", 1], ["b", 2]])]),
        ("echo_hash_map", vec![json!([[1, ann], [2, bob], [300, ann]])]),
        ("echo_map_by_color", vec![json!([["red", [1]], ["green", []], ["deep_blue", [2, 3]]])]),
        ("echo_map_of_maps", vec![json!([[0, []], [9, [["no", false], ["none", null], ["yes", true]]]])]),
        ("echo_http_error", vec![json!("dns"), json!({"denied": "https://example.com:443"})]),
        ("echo_binary_result", vec![json!({"ret_code": -1, "error": "e", "stdout": [1], "stderr": []})]),
        ("echo_shapes", vec![json!([{"named": "n"}, {"line": [-5, 0.125]}, "empty", polygon, {"painted": "green"}])]),
    ]
}

#[test]
fn every_type_comes_back_as_it_went() {
    for profile in PROFILES {
        let service = echo_service(profile);
        let offered: BTreeSet<String> = service.interface().functions.iter().map(|f| f.name.clone()).collect();
        let tested: BTreeSet<String> = echoes().iter().map(|(name, _)| (*name).to_owned()).collect();
        let untested: Vec<_> = offered.difference(&tested).filter(|name| name.starts_with("echo_")).collect();
        assert!(untested.is_empty(), "functions without a case: {untested:?}");

        for (function, values) in echoes() {
            for value in values {
                for answer in both(&service, function, &json!([value])) {
                    let answer = answer.unwrap_or_else(|error| panic!("{profile:?} {function}({value}): {error}"));
                    assert_eq!(answer, value, "{profile:?} {function}");
                }
            }
        }
    }
}

#[test]
fn functions_of_every_shape() {
    let eight = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let seventeen = [&eight.map(Value::from)[..], &[json!(3)]].concat();
    let ann = json!({"name": "Ann", "age": 30, "nick_names": []});
    let bob = json!({"name": "Bob", "age": 40, "nick_names": ["b"]});
    let cases = [
        ("inc", json!([41]), json!(42)),
        ("nothing", json!([]), json!(null)),
        (
            "join",
            json!([1, -2, 0.5, 0.25, true, "x", "text", 7, [1, 2]]),
            json!("1 -2 0.5 0.25 true x text Some(7) [1, 2]"),
        ),
        ("sixteen", json!(eight), json!("abcdefgh")),
        ("seventeen", json!(seventeen), json!("abcdefghabcdefghabcdefgh")),
        ("oldest", json!([[ann, bob]]), bob.clone()),
        ("oldest", json!([[]]), json!(null)),
        ("parse", json!(["-12"]), json!(-12)),
        ("check", json!([true]), json!(null)),
    ];
    let numbers: Vec<u64> = (1..=20).collect();
    let only_echo = [
        ("twenty", json!(numbers), json!(numbers)),
        ("renamed", json!([ann, "Zoe"]), json!({"name": "Zoe", "age": 30, "nick_names": []})),
        ("first_word", json!(["two words"]), json!("two")),
    ];
    let only_relay = [
        ("texts", json!([["a", "", "🦀"]]), json!(["a", "", "🦀"])),
        ("counted", json!([["b", "a", "b"]]), json!([["a", 1], ["b", 2]])),
        ("shortened", json!(["two words"]), json!("two")),
        ("any_length", json!([[1, 2, 3]]), json!([1, 2, 3])),
        ("maybe", json!(["x"]), json!("x")),
        ("maybe", json!([null]), json!(null)),
    ];
    for profile in PROFILES {
        let service = echo_service(profile);
        for (function, args, expected) in &cases {
            for answer in both(&service, function, args) {
                assert_eq!(answer.unwrap(), *expected, "{profile:?} {function}");
            }
        }
        for (module, cases) in [("echo", only_echo.as_slice()), ("relay", &only_relay)] {
            for (function, args, expected) in cases {
                let answer = service.call_module(module, function, args.clone(), CallOptions::default());
                assert_eq!(answer.unwrap(), *expected, "{profile:?} {function}");
            }
        }
    }
}

/// From outside it is an argument that does not fit. A module that imports the function as one of a plain list learns it only
/// in the call.
#[test]
fn a_list_of_another_length_is_refused() {
    for profile in PROFILES {
        let service = echo_service(profile);
        for (function, value, place) in [
            ("echo_array_u8", json!([1, 2, 3]), "args[0]"),
            ("echo_array_array", json!([[1, 2], [3], [4, 5]]), "args[0][1]"),
            ("echo_page_of_arrays", json!({"items": [[1, 2], [1, 2, 3]], "next": null}), "args[0].items[1]"),
        ] {
            for answer in both(&service, function, &json!([value])) {
                let Err(CallError::Arguments(error)) = answer else { panic!("{profile:?} {function}: {answer:?}") };
                assert!(error.to_string().starts_with(&format!("{place}: ")), "{profile:?} {function}: {error}");
            }
        }
        match service.call_module("relay", "any_length", json!([[1, 2, 3, 4]]), CallOptions::default()) {
            Err(CallError::Trap(trap)) => {
                let panic = trap.panic.unwrap_or_default();
                assert!(panic.contains("expected a list of 3 elements, got 4"), "{profile:?}: {panic}");
            }
            other => panic!("{profile:?}: {other:?}"),
        }
    }
}

#[test]
fn maps_and_sets_come_out_in_order() {
    for profile in PROFILES {
        let service = echo_service(profile);
        let bob = json!({"name": "Bob", "age": 0, "nick_names": []});
        for (function, value, expected) in [
            ("echo_hash_map", json!([[9, bob], [1, bob]]), json!([[1, bob], [9, bob]])),
            ("echo_hash_set", json!(["b", "c", "a", "b"]), json!(["a", "b", "c"])),
            ("echo_set", json!([3, -1, 3]), json!([-1, 3])),
            ("echo_map", json!({"b": 2, "a": 1}), json!([["a", 1], ["b", 2]])),
        ] {
            for answer in both(&service, function, &json!([value])) {
                assert_eq!(answer.unwrap(), expected, "{profile:?} {function}");
            }
        }
    }
}

#[test]
fn an_error_of_a_function_is_an_error_of_the_service() {
    let cases = [
        ("parse", json!([""]), json!("nothing to parse")),
        ("parse", json!(["x"]), json!("invalid digit found in string")),
        ("check", json!([false]), json!(null)),
    ];
    for profile in PROFILES {
        let service = echo_service(profile);
        for (function, args, expected) in &cases {
            for answer in both(&service, function, args) {
                match answer {
                    Err(CallError::Service(error)) => assert_eq!(error, *expected, "{profile:?} {function}"),
                    other => panic!("{profile:?} {function}: {other:?}"),
                }
            }
        }
    }
}

/// Each call moves at least 40 KB, a hundredth of the memory that a module may have; so a leak of any argument or result,
/// at any of the four crossings, ends in an out-of-memory error.
#[test]
fn nothing_leaks() {
    const MEMORY: u64 = 4 << 20;
    const CALLS: u32 = 120;
    let text = "x".repeat(200_000);
    let person = json!({"name": "n".repeat(1000), "age": 1, "nick_names": vec!["nick"; 1000]});
    let people = json!(vec![person; 4]);
    let polygon = json!({"polygon": {"points": vec![[0.5, 1.5]; 5000], "closed": false}});
    let cases = [
        ("echo_string", json!(text)),
        ("echo_option_string", json!(text)),
        ("echo_people", people),
        ("echo_shape", polygon),
        ("echo_tuple_spilled", json!([text, "b", "", "d", "e", "f", "g", "h", 9])),
        ("echo_list_i64", json!(vec![1; 20_000])),
        ("echo_map", json!(Vec::from_iter((0..2000).map(|i| json!([format!("key {i:0100}"), i]))))),
        ("echo_deque", json!(vec!["x".repeat(1000); 100])),
        ("echo_version", json!(format!("1.{}", 2))),
    ];
    for profile in PROFILES {
        let mut spec = spec(profile, &["echo", "context", "relay"]);
        for module in &mut spec.modules {
            module.memory = Some(MEMORY);
        }
        let (service, _) = service(spec);
        for (function, value) in &cases {
            let args = json!([value]);
            for i in 0..CALLS {
                let answer = service.call(function, args.clone(), CallOptions::default());
                let answer = answer.unwrap_or_else(|error| panic!("{profile:?} {function}, call {i}: {error}"));
                assert!(answer == *value, "{profile:?} {function}, call {i}: another value");
            }
        }
    }
}
