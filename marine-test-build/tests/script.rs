//! The form for build scripts.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use marine_test_build::Script;
use syn::{Item, ItemMod};

#[test]
fn a_build_script_writes_bindings_to_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bindings.rs");
    let services = "../marine-test/tests/services";
    let script = Script::new().service("one", format!("{services}/probes.toml"));
    script.service("two", format!("{services}/types.toml")).out_file(&path).write().unwrap();

    let file = syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap();
    let modules = |items: &[Item]| -> Vec<String> {
        items
            .iter()
            .filter_map(|item| if let Item::Mod(module) = item { Some(module.ident.to_string()) } else { None })
            .collect()
    };
    assert_eq!(modules(&file.items), ["marine_test_env"]);
    let [Item::Mod(ItemMod { content: Some((_, items)), .. })] = file.items.as_slice() else { panic!("one module") };
    assert_eq!(modules(items), ["one", "two"]);
}
