//! Values: JSON text, canonical encoding, lenses.

use ipld_core::ipld::Ipld;
use marine_air::Limits;
use marine_air::value::{Step, Value};
use proptest::prelude::*;
use serde_json::json;

#[test]
fn text_is_compact_and_sorted_and_keeps_integers_and_floats_apart() {
    let cases = [
        ("null", "null"),
        (" [ 1 , 1.0 , -0.0 , 1e3 ] ", "[1,1.0,0.0,1000.0]"),
        ("18446744073709551615", "18446744073709551615"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("18446744073709551616", "1.8446744073709552e19"),
        ("1e300", "1.0e300"),
        (r#"{"b":1,"aa":2,"B":3,"b":4}"#, r#"{"B":3,"aa":2,"b":4}"#),
        (r#""ü \" \u0001""#, r#""ü \" \u0001""#),
    ];
    for (text, expected) in cases {
        let value = Value::from_json(text).unwrap();
        assert_eq!(value.to_string(), expected);
        assert_eq!(Value::from_json(expected).unwrap(), value);
    }
    assert_ne!(Value::from(1), Value::float(1.0));
    assert_ne!(Value::from(1).content_id(), Value::float(1.0).content_id());
    assert_eq!(Value::float(f64::NAN), Value::NULL);
}

#[test]
fn only_the_canonical_encoding_of_json_is_read() {
    let cases: [(&[u8], &str); 16] = [
        (&[], "unexpected end"),
        (&[0x18, 0x17], "number not in its shortest form"),
        (&[0x1f], "indefinite or reserved length"),
        (&[0x9f, 0xff], "indefinite or reserved length"),
        (&[0x01, 0x01], "unexpected bytes after the end"),
        (&[0x41, 0x00], "bytes are not JSON"),
        (&[0xd8, 0x2a, 0x40], "links are not JSON"),
        (&[0xf9, 0x3c, 0x00], "not a bool, null or 64-bit float"),
        (&[0xf7], "not a bool, null or 64-bit float"),
        (&[0xfb, 0x80, 0, 0, 0, 0, 0, 0, 0], "float is not finite, or is -0.0"),
        (&[0xfb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0], "float is not finite, or is -0.0"),
        (&[0x3b, 0x80, 0, 0, 0, 0, 0, 0, 0], "integer below -2^63"),
        (&[0x61, 0xff], "text is not UTF-8"),
        (&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "more items than bytes"),
        (&[0xa2, 0x61, b'b', 0x01, 0x61, b'a', 0x02], "object names are not in order"),
        (&[0xa2, 0x61, b'a', 0x01, 0x61, b'a', 0x02], "object names are not in order"),
    ];
    for (bytes, problem) in cases {
        let error = Value::decode(bytes, &Limits::default()).unwrap_err().to_string();
        assert!(error.contains(problem), "{bytes:x?}: {error}");
    }
}

#[test]
fn values_over_a_limit_are_neither_written_nor_read() {
    let mut limits = Limits::default();
    limits.value_nesting = 3;
    limits.value_bytes = 8;
    for (json, problem) in [
        (json!([[[1]]]), None),
        (json!([[[[1]]]]), Some("value nests deeper than the limit of 3")),
        (json!("1234567"), None),
        (json!("12345678"), Some("value of 9 bytes is over the limit of 8")),
    ] {
        let value = Value::from(json);
        let errors = [value.encode_within(&limits).err(), Value::decode(&value.encode(), &limits).err()];
        for error in errors {
            assert_eq!(error.map(|error| error.to_string()).as_deref(), problem, "{value}");
        }
    }
}

#[test]
fn steps_lead_into_values_or_say_why_not() {
    let value = Value::from(json!({"a": [7, {"b": true}]}));
    let a = value.step(&Step::Field("a".into())).unwrap();
    let errors = [
        value.step(&Step::Field("x".into())).unwrap_err(),
        value.step(&Step::Index(0)).unwrap_err(),
        a.step(&Step::Index(2)).unwrap_err(),
        a.step(&Step::Field("x".into())).unwrap_err(),
        Step::dynamic(&Value::from(-1)).unwrap_err(),
        Step::dynamic(&Value::float(1.0)).unwrap_err(),
        value.length().unwrap_err(),
    ];
    insta::assert_snapshot!(errors.map(|error| error.to_string()).join("\n"), @r#"
    value '{"a":[7,{"b":true}]}' does not contain element with field name = 'x'
    value '{"a":[7,{"b":true}]}' is not an array-type to match array accessor with idx = '0'
    value '[7,{"b":true}]' does not contain element for idx = '2'
    value '[7,{"b":true}]' is not an map-type to match field accessor with field_name = 'x'
    index accessor `-1 can't be converted to u32
    scalar accessor `1.0` should has number or string type
    the length functor could applied only to an array-like value, but it's applied to '{"a":[7,{"b":true}]}'
    "#);
    assert_eq!(a.length().unwrap(), Value::from(2));
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|bool| json!(bool)),
        any::<i64>().prop_map(|int| json!(int)),
        any::<u64>().prop_map(|int| json!(int)),
        any::<f64>().prop_filter("JSON has finite floats", |float| float.is_finite()).prop_map(|float| json!(float)),
        ".{0,30}".prop_map(|text| json!(text)),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| json!(items)),
            prop::collection::btree_map(".{0,5}", inner, 0..6).prop_map(|fields| json!(fields)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Our encoding is what another DAG-CBOR library writes, and comes back as the same value.
    #[test]
    fn encoding_agrees_with_another_library(json in any_json()) {
        let value = Value::from(json);
        let bytes = value.encode();
        let ipld: Ipld = serde_ipld_dagcbor::from_slice(&bytes).unwrap();
        prop_assert_eq!(serde_ipld_dagcbor::to_vec(&ipld).unwrap(), bytes.clone());
        prop_assert_eq!(Value::decode(&bytes, &Limits::default()).unwrap(), value.clone());
        // Text is stable; serde_json may be off by one in the last place when it reads a float.
        let text = value.to_string();
        prop_assert!(text.contains('.') || Value::from_json(&text).unwrap() == value);
    }

    /// What is accepted is what we would write.
    #[test]
    fn accepted_bytes_are_canonical(bytes in prop::collection::vec(any::<u8>(), 0..24)) {
        if let Ok(value) = Value::decode(&bytes, &Limits::default()) {
            prop_assert_eq!(value.encode(), bytes);
        }
    }
}
