//! The table of keys is what the parser reads, what the schema says and what the book explains.

use std::collections::BTreeSet;
use std::path::Path;

use marine_manifest::keys::{self, Key};
use marine_manifest::{Manifest, schema};

const MODULE: &str = "[[module]]\nname = \"m\"\nwasm = \"m.wasm\"\n";

/// The keys that the parser names when it meets one that it does not know.
fn known(text: &str) -> BTreeSet<String> {
    let errors = Manifest::parse(text, "/shop").expect_err("an unknown key");
    let help =
        errors.errors.iter().find(|error| error.message.contains("zzzzzzzz")).and_then(|error| error.help.clone());
    let help = help.unwrap_or_else(|| panic!("{errors}"));
    let list = help.strip_prefix("known keys: ").unwrap_or_else(|| panic!("{help}"));
    list.split(", ").map(str::to_owned).collect()
}

fn listed(keys: &[Key]) -> BTreeSet<String> {
    keys.iter().map(|key| key.name.to_owned()).collect()
}

#[test]
fn the_parser_knows_exactly_the_keys_of_the_table() {
    let inside = |table: &str| format!("{MODULE}{table}");
    let cases: &[(&[Key], String)] = &[
        (keys::SERVICE, inside("[service]\nzzzzzzzz = 1\n")),
        (keys::LIMITS, inside("[limits]\nzzzzzzzz = 1\n")),
        (keys::MODULE, inside("zzzzzzzz = 1\n")),
        (keys::GRANTS, inside("[test.m]\nzzzzzzzz = 1\n")),
        (keys::GRANTS, inside("[repl.m]\nzzzzzzzz = 1\n")),
        (keys::LOG, inside("log = { zzzzzzzz = 1 }\n")),
        (keys::FROM, inside("env = { A = { from = \"B\", zzzzzzzz = 1 } }\n")),
        (keys::BINARY, inside("binaries = { a = { path = \"/bin/true\", zzzzzzzz = 1 } }\n")),
        (keys::STORE, inside("kv = { a = { zzzzzzzz = 1 } }\n")),
        (keys::AQUA, inside("[aqua]\nzzzzzzzz = 1\n")),
    ];
    for (table, text) in cases {
        assert_eq!(known(text), listed(table), "{text}");
    }
    // Which keys a directory has depends on what kind it is.
    let mut of_a_directory = known(&inside("dirs = { \"/a\" = { host = \"b\", zzzzzzzz = 1 } }\n"));
    of_a_directory.extend(known(&inside("dirs = { \"/a\" = { volume = \"b\", zzzzzzzz = 1 } }\n")));
    assert_eq!(of_a_directory, listed(keys::DIR));
    let mut top = known(&format!("zzzzzzzz = 1\n{MODULE}"));
    top.insert("project".to_owned());
    assert_eq!(top, listed(keys::MANIFEST));
}

#[test]
fn rules_for_imports_of_aqua_programs_stand_in_any_manifest() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("Marine.toml");
    let rules = "[aqua.imports]\n\"src/\" = { \"@shop/\" = [\"vendor/shop\", \"/opt/shop\"], \"\" = [\"lib\"] }\n";
    for more in ["", MODULE, "[project]\nmembers = []\n"] {
        std::fs::write(&path, format!("{rules}{more}")).expect("written");
        let found = marine_manifest::AquaImport::read(&path).unwrap_or_else(|errors| panic!("{errors}"));
        let found: Vec<_> = found.iter().map(|rule| (&*rule.from, &*rule.import, rule.folders.clone())).collect();
        let [shop, opt, lib] = ["vendor/shop", "/opt/shop", "lib"].map(|folder| dir.path().join(folder));
        assert_eq!(found, [("src/", "@shop/", vec![shop, opt]), ("src/", "", vec![lib])], "{more}");
    }
    assert!(Manifest::parse(&format!("{MODULE}{rules}"), "/shop").is_ok());
    for wrong in ["aqua = 1", "[aqua.imports]\n\"\" = [\"lib\"]", "[aqua.imports]\n\"\" = { \"\" = 1 }"] {
        assert!(Manifest::parse(&format!("{wrong}\n{MODULE}"), "/shop").is_err(), "{wrong}");
    }
}

/// `MARINE_UPDATE=1` writes the file anew.
#[test]
fn the_schema_in_the_repository_is_the_one_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("marine.schema.json");
    let made = serde_json::to_string_pretty(&schema()).expect("JSON") + "\n";
    if std::env::var_os("MARINE_UPDATE").is_some() {
        std::fs::write(&path, &made).expect("written");
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == made, "{} is not what the table of keys says; run the test with MARINE_UPDATE=1", path.display());
}

#[test]
fn the_book_explains_every_key() {
    let page = include_str!("../../../docs/manifest.md");
    let tables =
        [keys::SERVICE, keys::LIMITS, keys::MODULE, keys::LOG, keys::DIR, keys::FROM, keys::BINARY, keys::STORE];
    let all = tables.iter().flat_map(|table| table.iter()).chain(keys::PROJECT).chain(keys::AQUA);
    let missing: BTreeSet<_> = all.map(|key| key.name).filter(|name| !mentions(page, name)).collect();
    assert!(missing.is_empty(), "docs/manifest.md does not mention {missing:?}");
}

/// Whether `name` stands in the page as code.
fn mentions(page: &str, name: &str) -> bool {
    let code = page.split('`').skip(1).step_by(2);
    code.flat_map(|code| code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))).any(|word| word == name)
}
