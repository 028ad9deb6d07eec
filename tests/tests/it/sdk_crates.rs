//! Crates of every shape: sources written for the predecessor, several modules in one package, declared programs.

use std::collections::BTreeMap;
use std::fs;

use marine_build::encode::{MANIFEST_SECTION, ModuleManifest};
use marine_runtime::{CallOptions, Service};
use serde_json::{Value, json};
use wasmparser::{Parser, Payload};

use crate::guests::{PROFILES, built, service, spec};

fn call(service: &Service, function: &str, args: Value) -> Value {
    service.call(function, args, CallOptions::default()).unwrap_or_else(|error| panic!("{function}: {error}"))
}

/// What the module called `name` says of itself.
fn manifest(profile: marine_build::Profile, name: &str) -> ModuleManifest {
    let bytes = fs::read(built(profile).wasm(name).unwrap()).unwrap();
    let section = Parser::new(0).parse_all(&bytes).find_map(|payload| match payload.unwrap() {
        Payload::CustomSection(section) if section.name() == MANIFEST_SECTION => Some(section.data()),
        _ => None,
    });
    serde_json::from_slice(section.unwrap()).unwrap()
}

#[test]
fn declared_programs_and_versions_are_in_the_metadata() {
    for profile in PROFILES {
        let tools = manifest(profile, "tools");
        assert_eq!(tools.binaries, ["7z", "cat", "echo", "pdf-to-text"], "{profile:?}");
        assert_eq!((tools.version.as_str(), tools.authors.as_str()), ("7.8.9-rc.1", "Ann:Bob"));
        assert_eq!(
            (tools.description.as_str(), tools.repository.as_str()),
            ("Reaches out.", "https://example.com/tools")
        );
        assert_eq!(manifest(profile, "legacy").binaries, ["curl"]);
        let left = manifest(profile, "left-hand");
        assert_eq!(left.requires, BTreeMap::from([("right_hand".to_owned(), "^0.1".to_owned())]));
        assert!(left.binaries.is_empty());
    }
}

#[test]
fn one_package_may_hold_several_modules() {
    for profile in PROFILES {
        let (service, _) = service(spec(profile, &["right-hand", "left-hand"]));
        assert_eq!(call(&service, "sides", json!([])), json!(["left", "right"]), "{profile:?}");
    }
}

/// Whatever such sources use is understood; see the guest for what that is.
#[test]
fn sources_for_the_predecessor_keep_their_interface() {
    let built = built(marine_build::Profile::Release);
    let legacy = built.modules.iter().find(|module| module.name == "legacy").unwrap();
    insta::assert_snapshot!(legacy.interface, @r"
    package marine:legacy;

    interface api {
      record reading {
        place: string,
        degrees: f64,
        taken-by: string,
      }

      record summary-type {
        success: bool,
        error: string,
        count: u32,
        warmest: list<reading>,
      }

      forecast: func(url: string) -> string;

      next-count: func() -> u32;

      %record: func(place: string, degrees: f64) -> summary-type;

      summary: func() -> summary-type;
    }
    ");
    let wit = fs::read_to_string(&legacy.wit).unwrap();
    assert!(wit.contains("import marine:echo/api;") && wit.contains("inc: func(x: u32) -> u32;"), "{wit}");
}
