//! Compile errors: the macros' own, word for word, and the compiler's about types, by code and place.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every mistake that the macros find by themselves. `TRYBUILD=overwrite` accepts what is printed now.
#[test]
fn the_macros_say_what_is_wrong() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

/// Mistakes that only the compiler can see. How it goes on after the first line differs between its versions, so only
/// place and message are compared.
#[test]
fn the_compiler_says_what_is_wrong() {
    let cases = [
        (
            "a type that is not marked",
            "struct Plain;\n#[marine]\nfn f(x: u8,\n    y: Vec<Plain>) {}",
            "4:8",
            "[M112] `Plain` does not cross the boundary of a module",
        ),
        (
            "the field that leads there",
            "struct Plain;\n#[marine]\nstruct Outer {\n    inner: Option<Plain>,\n}",
            "4:12",
            "[M112] `Plain` does not cross the boundary of a module",
        ),
        (
            "an argument of an import",
            "struct Plain;\n#[marine]\n#[module_import(\"a\")]\nunsafe extern \"C\" {\n    fn f(x: &Plain);\n}",
            "5:13",
            "[M112] `Plain` does not cross the boundary of a module",
        ),
        (
            "a unit where WIT has none",
            "#[marine]\nfn f(x: Vec<()>) {}",
            "",
            "[M112] `()` has a WIT form only as the result of a function or inside `Result`",
        ),
        (
            "arguments of a program that are no texts",
            "use marine_sdk::MountedBinaryResult;\n#[marine]\n#[host_import]\nunsafe extern \"C\" {\n    fn curl(cmd: Vec<u8>) -> MountedBinaryResult;\n}",
            "5:18",
            "[M123] a mounted binary takes its arguments as one list of texts, not `Vec<u8>`",
        ),
        (
            "another result of a program",
            "#[marine]\n#[host_import]\nunsafe extern \"C\" {\n    fn curl(cmd: Vec<String>) -> String;\n}",
            "4:34",
            "[M123] a mounted binary returns `MountedBinaryResult`, not `std::string::String`",
        ),
        (
            "two functions of one name in WIT",
            "#[marine]\nfn get_url() {}\nmod inner {\n    #[marine_sdk::marine(name = \"get-url\")]\n    fn other() {}\n}",
            "4:5",
            "the name `M131_two_functions_have_the_WIT_name_get_url` is defined multiple times",
        ),
        (
            "two types that hold each other",
            "#[marine]\nstruct A {\n    b: Vec<B>,\n}\n#[marine]\nstruct B {\n    a: Vec<A>,\n}\n#[marine]\nfn f(a: A) {}",
            "",
            "E0391",
        ),
        (
            "keys without an order",
            "#[derive(PartialEq, Eq, Hash)]\n#[marine]\nstruct K {\n    k: u8,\n}\n#[marine]\nfn f(a: std::collections::HashMap<K, u8>) {}",
            "7:9",
            "the trait bound `K: Ord` is not satisfied",
        ),
        (
            "no conversion to what it stands for",
            "#[marine(as = \"String\")]\nstruct V(u8);\nimpl From<String> for V {\n    fn from(_: String) -> V {\n        V(0)\n    }\n}",
            "1:",
            "the trait bound `std::string::String: From<&V>` is not satisfied",
        ),
        (
            "two manifests",
            "marine_sdk::module_manifest!();\nmod inner {\n    marine_sdk::module_manifest!();\n}",
            "3:5",
            "the name `M140_module_manifest_may_be_called_only_once` is defined multiple times",
        ),
        (
            "two functions of start-up code",
            "#[marine(init)]\nfn a() {}\n#[marine(init)]\nfn b() {}",
            "3:1",
            "the name `M141_only_one_function_may_be_marked_with_marine_init` is defined multiple times",
        ),
        (
            "start-up code with a result that says nothing",
            "#[marine(init)]\nfn a() -> u8 {\n    0\n}",
            "2:11",
            "[M141] start-up code returns nothing or `Result<(), E>`, not `u8`",
        ),
    ];
    let project = Project::new();
    for (what, source, place, message) in cases {
        let errors = project.check(&format!("#![allow(unused)] use marine_sdk::marine; {source}"));
        let found =
            errors.lines().any(|line| line.starts_with(&format!("src/lib.rs:{place}")) && line.contains(message));
        assert!(found, "{what}: expected `{message}` at {place}, got:\n{errors}");
    }
}

/// A package that depends on the SDK and nothing else.
struct Project {
    dir: PathBuf,
}

impl Project {
    fn new() -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mistakes");
        fs::create_dir_all(dir.join("src")).unwrap();
        let sdk = env!("CARGO_MANIFEST_DIR");
        let manifest = format!(
            "[package]\nname = \"mistake\"\nedition = \"2024\"\n[workspace]\n\
             [dependencies]\nmarine-sdk = {{ path = {sdk:?}, default-features = false }}\n"
        );
        fs::write(dir.join("Cargo.toml"), manifest).unwrap();
        // The same versions as the SDK itself, so nothing is fetched.
        fs::copy(Path::new(sdk).join("../Cargo.lock"), dir.join("Cargo.lock")).unwrap();
        Self { dir }
    }

    /// What the compiler says of `source`, an error per line: `file:line:column: error[code]: message`.
    fn check(&self, source: &str) -> String {
        fs::write(self.dir.join("src/lib.rs"), source).unwrap();
        let output = Command::new(env!("CARGO"))
            .args(["check", "--quiet", "--offline", "--message-format=short"])
            .current_dir(&self.dir)
            .env("CARGO_TARGET_DIR", self.dir.join("target"))
            .output()
            .unwrap();
        assert!(!output.status.success(), "it compiles:\n{source}");
        String::from_utf8(output.stderr).unwrap()
    }
}
