//! Configurations of the predecessor become manifests.

use std::fs;
use std::path::Path;

use marine_manifest::{Dependency, Manifest, is_predecessors, migrate, rename_dependencies};

const CONFIG: &str = r#"modules_dir = "artifacts/"
total_memory_limit = "1 GiB"

[[module]]
    name = "local_storage"
    mem_pages_count = 16
    logger_enabled = false
    loger_enabled = true

    [module.wasi]
    envs = { "SPACE" = "big", "LEVEL" = 3 }
    preopened_files = ["./sites"]
    mapped_dirs = { "sites" = "./sites", "../up" = "/srv" }

[[module]]
    name = "URL_loader"
    file_name = "loader.wasm"
    max_heap_size = "10 MiB"
    logging_mask = 5

    [module.mounted_binaries]
    curl = "/usr/bin/curl"

[[module]]
    name = "facade"
    load_from = "bin/facade.wasm"

[default]
    logger_enabled = true
"#;

fn shown(text: &str, path: &Path) -> String {
    let migration = migrate(text, path).expect("it is TOML");
    let notes = migration.notes.iter().map(|note| format!("{}: {}\n", note.line, note.text));
    format!("{}---\n{}", migration.text, notes.collect::<String>())
}

#[test]
fn everything_with_a_counterpart_is_carried_over_and_the_rest_is_listed() {
    insta::assert_snapshot!(shown(CONFIG, Path::new("/nowhere/Config.toml")), @r#"
    [limits]
    memory = "1 GiB"

    [[module]]
    name = "local-storage"
    wasm = "artifacts/local_storage.wasm"
    memory = "1 MiB"
    log = "off"
    dirs = { "/sites" = { host = "./sites", mode = "rw", create = true } }
    env = { SPACE = "big", LEVEL = "3" }

    [[module]]
    name = "url-loader"
    wasm = "artifacts/loader.wasm"
    memory = "10 MiB"
    log = { level = "info", mask = 5 }
    binaries = { curl = "/usr/bin/curl" }

    [[module]]
    name = "facade"
    wasm = "bin/facade.wasm"
    ---
    4: "../up" of `local_storage` cannot be granted: a guest path names one directory below `/`, without empty parts, `.`, `..`, `\` or `:`
    4: `local-storage` has to be built again: components of the predecessor are of another kind
    8: `module[0].loger_enabled` is left out: the predecessor ignored it
    15: `url-loader` has to be built again: components of the predecessor are of another kind
    15: module "URL_loader" becomes `url-loader`: names are lower-case words
    24: `facade` has to be built again: components of the predecessor are of another kind
    28: `[default]` is left out: it had no effect on modules that are listed
    "#);
}

#[test]
fn packages_beside_the_configuration_are_built_instead_of_loaded() {
    let dir = tempfile::tempdir().expect("a directory");
    let put = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs::write(path, text).expect("written");
    };
    put("services/facade/Cargo.toml", "[package]\nname = \"facade\"\n[dependencies]\nmarine-rs-sdk = \"0.14\"\n");
    put("tools/Cargo.toml", "[package]\nname = \"local_storage\"\n[dependencies]\nserde = \"1\"\n");
    put(
        "pair/Cargo.toml",
        "[package]\nname = \"pair\"\n[[bin]]\nname = \"url_loader\"\n[[bin]]\nname = \"b\"\n[dependencies]\nmarine-sdk = \"1\"\n",
    );
    insta::assert_snapshot!(shown(
        "[[module]]\nname = \"url_loader\"\n[[module]]\nname = \"local_storage\"\n[[module]]\nname = \"facade\"\n",
        &dir.path().join("Config.toml"),
    ), @r#"
    [[module]]
    name = "url-loader"
    crate = "pair"
    target = "url_loader"

    [[module]]
    name = "local-storage"
    wasm = "local_storage.wasm"

    [[module]]
    name = "facade"
    crate = "services/facade"
    ---
    3: `local-storage` has to be built again: components of the predecessor are of another kind
    "#);
}

#[test]
fn a_configuration_is_read_like_a_manifest() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("Config.toml");
    fs::write(&path, "modules_dir = \"out\"\n[[module]]\nname = \"my_mod\"\n").expect("written");
    assert!(is_predecessors(&path));
    let manifest = Manifest::read(&path).expect("migrated");
    assert_eq!(manifest.facade(), "my-mod");

    let own = dir.path().join("other.toml");
    fs::write(&own, "[[module]]\nname = \"m\"\nwasm = \"m.wasm\"\n").expect("written");
    assert!(!is_predecessors(&own) && !is_predecessors(&dir.path().join("missing.toml")));
}

#[test]
fn what_is_not_toml_is_an_error_with_its_place() {
    let errors = migrate("modules_dir = \"x\n", Path::new("Config.toml")).expect_err("no TOML");
    assert_eq!((errors.errors[0].code.as_str(), errors.errors[0].line), ("M302", 1));
}

#[test]
fn dependencies_keep_their_names() {
    let text = r#"[package]
name = "facade"   # the one

[dependencies]
marine-rs-sdk = { version = "0.14", features = ["logger"] }
log = "0.4"

[dev-dependencies]
marine-rs-sdk-test = "0.16"
"#;
    let renamed = rename_dependencies(text, |package| match package {
        "marine-sdk" => Dependency::Version("0.1".to_owned()),
        _ => Dependency::Path("/checkout/marine-test".into()),
    });
    let renamed = renamed.expect("it is TOML");
    assert_eq!(renamed.changed.len(), 2);
    insta::assert_snapshot!(renamed.text, @r#"
    [package]
    name = "facade"   # the one

    [dependencies]
    marine-rs-sdk = { package = "marine-sdk", version = "0.1" }
    log = "0.4"

    [dev-dependencies]
    marine-rs-sdk-test = { package = "marine-test", path = "/checkout/marine-test" }
    "#);
    let again = rename_dependencies(&renamed.text, |_| Dependency::Version("0.2".to_owned())).expect("it is TOML");
    assert_eq!((again.text, again.changed.len()), (renamed.text, 0));
}

proptest::proptest! {
    #[test]
    fn any_text_is_migrated_or_refused(text in "(?s).{0,200}") {
        let _ = migrate(&text, Path::new("/nowhere/Config.toml"));
    }
}
