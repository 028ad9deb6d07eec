//! Adding to manifests keeps what is there.

use marine_manifest::{EditError, Manifest, NewSource, add_member, add_module};

const TEXT: &str = r#"# The shop.
[service]
name = "shop"   # sells tea

[[module]]
name = "stock"
crate = "stock"

# What callers see.
[[module]]
name = "till"
wasm = "till.wasm"
[module.env]
A = "b"
"#;

#[test]
fn a_module_comes_before_the_facade() {
    let added = add_module(TEXT, "prices", &NewSource::Crate("prices".into()), false).expect("added");
    insta::assert_snapshot!(added, @r#"
    # The shop.
    [service]
    name = "shop"   # sells tea

    [[module]]
    name = "stock"
    crate = "stock"

    [[module]]
    name = "prices"
    crate = "prices"

    # What callers see.
    [[module]]
    name = "till"
    wasm = "till.wasm"
    [module.env]
    A = "b"
    "#);
    let manifest = Manifest::parse(&added, "/shop").expect("still a manifest");
    assert_eq!(manifest.facade(), "till");
    assert_eq!(added.replace("[[module]]\nname = \"prices\"\ncrate = \"prices\"\n\n", ""), TEXT);
}

#[test]
fn a_module_can_become_the_facade() {
    let added = add_module(TEXT, "front", &NewSource::Wasm("front.wasm".into()), true).expect("added");
    assert!(added.starts_with(TEXT), "{added}");
    assert_eq!(Manifest::parse(&added, "/shop").expect("still a manifest").facade(), "front");
    let first = add_module("", "only", &NewSource::Crate(".".into()), false).expect("added");
    assert_eq!(first, "[[module]]\nname = \"only\"\ncrate = \".\"\n");
}

#[test]
fn what_cannot_be_added_is_refused() {
    let add = |text: &str, name: &str| add_module(text, name, &NewSource::Crate("x".into()), false);
    assert_eq!(add(TEXT, "till"), Err(EditError::Exists("till".into())));
    assert!(matches!(add(TEXT, "My_Mod"), Err(EditError::Name(_))));
    assert!(matches!(add("a = ", "m"), Err(EditError::Syntax(_))));
    assert_eq!(add("module = [{ name = \"a\", wasm = \"a\" }]\n", "m"), Err(EditError::Form));
}

#[test]
fn a_member_is_listed_once() {
    let text = "[project]\nmembers = [\"services/*\"] # all\n";
    assert_eq!(add_member(text, "services/b").as_deref(), Ok(text));
    assert_eq!(
        add_member(text, "other/b").as_deref(),
        Ok("[project]\nmembers = [\"services/*\", \"other/b\"] # all\n")
    );
    assert_eq!(add_member(TEXT, "b"), Err(EditError::NoProject));
}
