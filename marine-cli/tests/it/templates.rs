//! Templates as users meet them: made, built, called, and passing their own tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use marine_tests::tools;

use crate::support::{User, compiling_tests, project, project_called};

fn tmp() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// `cargo test` in a project.
fn cargo_test(dir: &Path) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    compiling_tests(cargo.arg("test").current_dir(dir).env_remove("RUSTFLAGS"));
    cargo
}

fn passes(template: &str, output: &Output) {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{template}:\n{stdout}\n{stderr}");
    assert!(stderr.contains("Running tests/service.rs"), "{template}:\n{stdout}\n{stderr}");
    assert!(!stderr.contains("warning"), "{template}: {stderr}");
}

fn passes_its_tests(template: &str) -> PathBuf {
    let dir = project(template);
    passes(template, &cargo_test(&dir).output().expect("cargo runs"));
    dir
}

#[test]
fn greeting() {
    let dir = passes_its_tests("greeting");

    // The second run has nothing to compile.
    let started = Instant::now();
    let output = cargo_test(&dir).output().expect("cargo runs");
    tools::say(&format!(
        "the second `cargo test` of the template `greeting` took {} ms",
        started.elapsed().as_millis()
    ));
    passes("greeting", &output);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("Compiling"), "{stderr}");
}

#[test]
fn two_modules() {
    passes_its_tests("two-modules");
}

#[test]
fn aqua_workflow() {
    let output = cargo_test(&project("aqua-workflow")).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A change of the module reaches the tests without anything built by hand; a test that no longer fits does not compile.
#[test]
fn edits_reach_the_tests() {
    let dir = project_called("edited", "greeting", &[]);
    let source = dir.join("src/lib.rs");
    let original = fs::read_to_string(&source).expect("a source");
    passes("greeting", &cargo_test(&dir).output().expect("cargo runs"));
    let change = |from: &str, to: &str| {
        assert!(original.contains(from));
        fs::write(&source, original.replace(from, to)).expect("written");
        let output = cargo_test(&dir).args(["--test", "service"]).output().expect("cargo runs");
        fs::write(&source, &original).expect("written");
        assert!(!output.status.success());
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    // Editors, which build nothing, see the module as it was.
    fs::write(&source, original.replace("Hello, {name}!", "Hallo, {name}!")).expect("written");
    let output = cargo_test(&dir).args(["--test", "service"]).env("MARINE_TEST_BUILD", "never").output();
    fs::write(&source, &original).expect("written");
    passes("greeting", &output.expect("cargo runs"));

    let failed = change("Hello, {name}!", "Hallo, {name}!");
    assert!(failed.contains("Hallo, Ada!"), "{failed}");
    let unfit = change("fn greeting(name: &str)", "fn greeting(name: &str, _twice: bool)");
    assert!(unfit.contains("this method takes 2 arguments"), "{unfit}");
    let broken = change("name.trim()", "name.trimm()");
    assert!(broken.contains("error[M211]") && broken.contains("no method named `trimm`"), "{broken}");
}

/// Tests written for the predecessor: its configuration, its arguments, and modules that somebody built before.
#[test]
fn tests_for_the_predecessor_run() {
    let dir = project_called("predecessor", "greeting", &[]);
    fs::create_dir_all(dir.join("artifacts")).expect("created");
    fs::copy(dir.join("target/marine/dev/predecessor.wasm"), dir.join("artifacts/greeting.wasm")).expect("copied");
    fs::write(dir.join("Config.toml"), "modules_dir = \"artifacts/\"\n\n[[module]]\nname = \"greeting\"\n")
        .expect("written");
    let test = r#"
        use marine_test::marine_test;

        #[marine_test(config_path = "../Config.toml", modules_dir = "../artifacts/")]
        fn greets(greeting: marine_test_env::greeting::ModuleInterface) {
            assert_eq!(greeting.greeting("Ada".to_string()), "Hello, Ada!");
        }
    "#;
    fs::write(dir.join("tests/old.rs"), test).expect("written");
    let output = cargo_test(&dir).args(["--test", "old"]).output().expect("cargo runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("greets ... ok"));
}

#[test]
fn sqlite() {
    let there = || {
        let options = marine_build::toolchain::Options::from_env().expect("options");
        marine_build::toolchain::status(&options).c_compiler.is_some()
    };
    if !tools::c_compiler(tmp(), there) {
        return;
    }
    let dir = passes_its_tests("sqlite");
    let user = User::new();
    let _ = fs::remove_dir_all(dir.join("target/marine/volumes"));
    let note = r#"add([{"title": "Tea", "text": "green leaves"}])"#;
    for id in 1..=2 {
        let run = user.marine(&dir, &["call", note, "--json"]).expect(0);
        assert_eq!(run.documents()[0]["result"], serde_json::json!([id]), "the file outlives the process: {run:?}");
    }
}

#[test]
fn python_module() {
    let Some(bin) = tools::componentize_py(tmp()) else { return };
    let path = std::env::join_paths(
        std::iter::once(bin).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let path = path.expect("a path");
    let dir = project_called("python-module", "python-module", &[("PATH", &path)]);
    passes("python-module", &cargo_test(&dir).env("PATH", &path).output().expect("cargo runs"));
}

#[test]
fn kv_counter() {
    let dir = passes_its_tests("kv-counter");
    let user = User::new();
    let _ = fs::remove_dir_all(dir.join("target/marine/volumes"));
    for sum in ["2\n", "4\n"] {
        assert_eq!(
            user.marine(&dir, &["call", r#"add("tea", 2)"#]).expect(0).stdout,
            sum,
            "stores outlive the process"
        );
    }
}

#[test]
fn http_wrap() {
    passes_its_tests("http-wrap");
}

#[cfg(unix)]
#[test]
fn bin_wrap() {
    let dir = passes_its_tests("bin-wrap");
    let run = User::new().marine(&dir, &["call", r#"count("to be or not")"#, "--json"]).expect(0);
    assert_eq!(run.documents()[0]["result"]["words"], 4, "{run:?}");
}
