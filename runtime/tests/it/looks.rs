//! What a component says of itself, and what changed between two versions of one.

use marine_runtime::Module;

use crate::guests::{CORE, module, stock};

/// Module `stock` with `functions` (lifted by the caller's text) instead of its own.
fn version(functions: &str, exports: &str) -> Module {
    let text = format!(
        r#"(component
  (core module $m {CORE} (func (export "f") (param i32) (result i32) (local.get 0)))
  (core instance $i (instantiate $m))
  {functions}
  (instance $api {exports})
  (export "marine:stock/api" (instance $api)))"#
    );
    module("stock", &text)
}

#[test]
fn changes_of_an_interface_are_told_with_what_they_mean_for_callers() {
    let old = version(
        r#"(func $a (param "n" u32) (result u32) (canon lift (core func $i "f")))"#,
        r#"(export "kept" (func $a)) (export "gone" (func $a)) (export "turned" (func $a))"#,
    );
    let new = version(
        r#"(func $a (param "n" u32) (result u32) (canon lift (core func $i "f")))
           (func $s (param "n" s32) (result u32) (canon lift (core func $i "f")))"#,
        r#"(export "kept" (func $a)) (export "turned" (func $s)) (export "new" (func $a))"#,
    );
    let changes = old.interface().diff(new.interface());
    let shown: Vec<_> = changes.iter().map(|change| (change.to_string(), change.breaks_callers())).collect();
    assert_eq!(
        shown,
        [
            ("- gone(n: u32) -> u32".to_owned(), true),
            ("- turned(n: u32) -> u32\n+ turned(n: s32) -> u32".to_owned(), true),
            ("+ new(n: u32) -> u32".to_owned(), false),
        ]
    );
    assert!(old.interface().diff(old.interface()).is_empty());
}

#[test]
fn metadata_is_read_from_standard_sections_and_ours() {
    let mut bytes = wat::parse_str(stock()).unwrap();
    let plain = Module::from_bytes("stock", bytes.clone()).unwrap().metadata();
    assert_eq!((plain.version, plain.manifest), (None, None));
    for (name, content) in
        [("version", "1.2.0"), ("description", "Counts."), ("marine:manifest", r#"{"schema":1,"binaries":["curl"]}"#)]
    {
        let length = u8::try_from(1 + name.len() + content.len()).unwrap();
        bytes.extend([0, length, u8::try_from(name.len()).unwrap()]);
        bytes.extend(name.bytes().chain(content.bytes()));
    }
    let metadata = Module::from_bytes("stock", bytes).unwrap().metadata();
    assert_eq!((metadata.version.as_deref(), metadata.description.as_deref()), (Some("1.2.0"), Some("Counts.")));
    assert_eq!(metadata.wanted_binaries(), ["curl"]);
}
