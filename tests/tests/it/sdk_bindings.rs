//! The checked-in guest bindings of the host interfaces are what wit-bindgen makes of `wit/marine-host.wit`.

use std::fs;
use std::path::Path;

use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator};

/// Set it to write the bindings anew.
const UPDATE: &str = "MARINE_UPDATE_BINDINGS";

#[test]
fn bindings_match_the_wit_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let bindings = root.join("marine-sdk/src/host/bindings.rs");
    let expected = generate(&root.join("wit/marine-host.wit"));
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&bindings, &expected).unwrap();
    }
    assert!(
        fs::read_to_string(&bindings).unwrap() == expected,
        "wit/marine-host.wit and marine-sdk/src/host/bindings.rs differ; run this test with {UPDATE}=1 to write the bindings anew"
    );
}

/// The bindings, as in `wit_bindgen::generate!`. Instead of wit-bindgen's runtime library they use a module of the SDK.
fn generate(wit: &Path) -> String {
    let mut resolve = Resolve::default();
    let package = resolve.push_file(wit).unwrap();
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    let options = wit_bindgen_rust::Opts {
        format: true,
        generate_all: true,
        runtime_path: Some("crate::host::rt".into()),
        ..Default::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files).unwrap();
    let mut files = files.iter();
    let (_, text) = files.next().unwrap();
    assert!(files.next().is_none(), "one file was expected");
    String::from_utf8(text.to_vec()).unwrap()
}
