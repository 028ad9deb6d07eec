//! Commands for authors: looking into components, adding, migrating, checking, testing, building again.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Run, User, compiling_tests, project};

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("created");
    fs::write(path, text).expect("written");
}

#[test]
fn components_and_blueprints_say_what_they_are() {
    let (user, dir) = (User::new(), project("two-modules"));
    let outputs = dir.join("target/marine/dev");
    let run = user.marine(&outputs, &["info", "guestbook.wasm"]).expect(0);
    for said in [
        "module       guestbook",
        "version      0.1.0",
        "cid          baf",
        "exports      marine:guestbook/api",
        "names() -> result<list<string>, string>",
    ] {
        assert!(run.stdout.contains(said), "{said}: {}", run.stdout);
    }
    let run = user.marine(&outputs, &["info", "two-modules.blueprint", "--json"]).expect(0);
    let document = &run.documents()[0];
    assert_eq!((&document["$type"], &document["facade"]), (&"info.blueprint".into(), &"greeter".into()), "{document}");
    let same = user.marine(&outputs, &["info", "guestbook.wasm", "--diff", "guestbook.wasm"]).expect(0);
    assert!(same.stdout.is_empty() && same.stderr.contains("equal"), "{same:?}");
    let other = user.marine(&outputs, &["info", "guestbook.wasm", "--diff", "greeter.wasm"]).expect(3);
    assert!(
        other.stdout.contains("- names() -> result<list<string>, string>") && other.stdout.contains("+ greet("),
        "{other:?}"
    );
    let wit = user.marine(&outputs, &["wit", "guestbook.wasm"]).expect(0);
    assert!(
        wit.stdout.starts_with("package marine:guestbook")
            && wit.stdout.contains("names: func() -> result<list<string>, string>;"),
        "{wit:?}"
    );
    let full = user.marine(&outputs, &["wit", "guestbook.wasm", "--full"]).expect(0);
    assert!(full.stdout.contains("world root") && full.stdout.contains("wasi:"), "{full:?}");
    user.marine(&outputs, &["info", "missing.wasm"]).expect(2);
    put(&user.path("text.blueprint"), "no blueprint");
    user.marine(&user.path(""), &["info", "text.blueprint"]).expect(12);
}

/// Where only the predecessor's configuration is, commands say how to go on.
#[test]
fn a_project_of_the_predecessor_is_recognised() {
    let user = User::new();
    let dir = user.path("old");
    put(&dir.join("Config.toml"), "modules_dir = \"artifacts\"\n[[module]]\nname = \"till\"\n");
    for (command, code) in [(&["build"][..], 2), (&["check"], 2), (&["call", "total()"], 2), (&["permissions"], 2)] {
        let run = user.marine(&dir, command).expect(code);
        assert!(run.stderr.contains("`marine migrate` makes"), "{command:?}: {run:?}");
    }
}

/// The line of `marine doctor` about `subject`.
fn finding(documents: &[Value], subject: &str) -> Value {
    documents.iter().find(|document| document["subject"] == subject).cloned().unwrap_or_default()
}

#[cfg(unix)]
#[test]
fn the_doctor_tells_what_is_there_and_what_to_do() {
    let (user, sdk, bare) =
        (User::new(), tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let dir = user.path("shop");
    put(&dir.join("Marine.toml"), "[[module]]\nname = \"till\"\nwasm = \"till.wasm\"\n");
    let doctor = |change: &dyn Fn(&mut std::process::Command)| {
        let mut command = user.command(&dir, &["doctor", "--json"]);
        change(command.env_remove("WASI_SDK_PATH"));
        Run::of(command.output().expect("marine runs"))
    };
    let healthy = doctor(&|_| ()).expect(0).documents();
    for subject in ["rust", "target", "c code", "cache", "data", "clock", "manifest"] {
        assert_eq!(finding(&healthy, subject)["ok"], true, "{subject}: {healthy:#?}");
    }

    // Compilers for C: that of an SDK before others; without any, how to get one.
    put(&sdk.path().join("bin/clang"), "");
    let with_sdk = doctor(&|command| _ = command.env("WASI_SDK_PATH", sdk.path())).expect(0).documents();
    let state = &finding(&with_sdk, "c code")["state"];
    assert!(state.as_str().is_some_and(|state| state.contains(&*sdk.path().to_string_lossy())), "{state}");
    let path = std::env::var_os("PATH").unwrap_or_default();
    for tool in ["rustc", "cargo", "rustup"] {
        let found = std::env::split_paths(&path).map(|dir| dir.join(tool)).find(|tool| tool.exists());
        found.map_or(Ok(()), |found| std::os::unix::fs::symlink(found, bare.path().join(tool))).expect("linked");
    }
    let without = doctor(&|command| _ = command.env("PATH", bare.path())).expect(0).documents();
    let state = &finding(&without, "c code")["state"];
    assert!(state.as_str().is_some_and(|state| state.contains("apt-get install clang wasi-libc")), "{state}");

    // What is wrong has a remedy.
    put(&dir.join("Marine.toml"), "[[module]]\nname = \"till\"\n");
    let cache = dir.join("Marine.toml/cache");
    let ill = doctor(&|command| _ = command.env("MARINE_CACHE_DIR", &cache)).expect(3).documents();
    for (subject, remedy) in [("cache", "let MARINE_CACHE_DIR name a directory"), ("manifest", "correct ")] {
        let found = finding(&ill, subject);
        assert!(found["remedy"].as_str().is_some_and(|text| text.starts_with(remedy)), "{ill:#?}");
    }
}

#[test]
fn what_a_service_can_do_is_listed_with_the_reason() {
    let (user, dir) = (User::new(), project("two-modules"));
    let run = user.marine(&dir, &["permissions"]).expect(0);
    assert!(run.stdout.contains("greeter\n  nothing of the host"), "{run:?}");
    assert!(run.stdout.contains("/data"), "{run:?}");
    let one = user.marine(&dir, &["permissions", "--module", "guestbook", "--json"]).expect(0);
    let document = &one.documents()[0];
    assert_eq!(document["permissions"][0]["module"], "guestbook", "{document}");
    user.marine(&dir, &["permissions", "--module", "nobody"]).expect(14);
}

#[test]
fn a_check_finds_mistakes_and_writes_nothing() {
    let user = User::new();
    let dir = user.path("shop");
    user.marine(&user.path(""), &["new", "shop", "-t", "two-modules"]).expect(0);
    // Compiled once for all runs; only what the check itself does is new. What it edits would be taken for that of other projects of this
    // template if it were compiled where those are.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects/checked");
    // What a failed run left.
    let _ = fs::remove_dir_all(target.join("marine"));
    let marine = |arguments: &[&str]| {
        let mut command = user.command(&dir, arguments);
        command.env("CARGO_BUILD_BUILD_DIR", &target).env("CARGO_TARGET_DIR", &target).stdin(Stdio::null());
        Run::of(command.output().expect("marine runs"))
    };
    marine(&["check"]).expect(0);
    assert!(!target.join("marine/dev/shop.blueprint").exists(), "a check writes no outputs");

    put(&dir.join("broken.air"), "(call \"x\" (\"op\" \"noop\") [y])");
    let script = marine(&["check"]).expect(3);
    assert!(script.stdout.contains("A020"), "{script:?}");
    fs::remove_file(dir.join("broken.air")).expect("removed");

    let source = dir.join("greeter/src/lib.rs");
    let text = fs::read_to_string(&source).expect("the facade");
    fs::write(&source, text.replace("fn names(", "fn nmaes(").replace("fn sign(", "fn singn(")).expect("written");
    let broken = marine(&["check", "--json"]).expect(3);
    assert!(broken.stdout.contains("\"$type\":\"error\""), "{broken:?}");
    marine(&["check", "-p", "guestbook"]).expect(0);
    marine(&["check", "--service", "bank"]).expect(2);

    // What the compiler finds comes with its place.
    fs::write(&source, format!("{text}\nfn wrong() -> u8 {{ \"\" }}\n")).expect("written");
    let documents = marine(&["build", "--json"]).expect(10).documents();
    let found = documents.iter().find(|document| document["level"] == "error" && !document["file"].is_null());
    let found = found.unwrap_or_else(|| panic!("{documents:?}"));
    assert_eq!(follows(&schema(), found), "build.diagnostic");
    assert_eq!((&found["code"], &found["file"]), (&"E0308".into(), &"greeter/src/lib.rs".into()), "{found}");
}

#[test]
fn modules_and_services_are_added() {
    let user = User::new();
    let here = user.path("");
    user.marine(&here, &["new", "shop"]).expect(0);
    let shop = user.path("shop");
    user.marine(&shop, &["add", "module", "prices"]).expect(0);
    let manifest = fs::read_to_string(shop.join("Marine.toml")).expect("the manifest");
    assert!(manifest.contains("name = \"prices\"\ncrate = \"prices\""), "{manifest}");
    assert!(manifest.find("prices") < manifest.rfind("[[module]]"), "the facade stays the last: {manifest}");
    assert!(fs::read_to_string(shop.join("Cargo.toml")).expect("cargo's").contains("\"prices\""));
    assert!(shop.join("prices/src/lib.rs").is_file());
    user.marine(&shop, &["add", "module", "prices"]).expect(12);
    user.marine(&shop, &["add", "module", "Prices"]).expect(2);
    user.marine(&shop, &["add", "service", "bank"]).expect(12);

    let all = user.path("all");
    fs::create_dir(&all).expect("created");
    user.marine(&all, &["add", "service", "bank"]).expect(0);
    user.marine(&all, &["add", "service", "till", "-t", "two-modules"]).expect(0);
    let project = fs::read_to_string(all.join("Marine.toml")).expect("the project");
    assert_eq!(project, "[project]\nmembers = [\"services/bank\", \"services/till\"]\n");
    let unknown = user.marine(&all, &["build", "--service", "shop"]).expect(2);
    assert!(unknown.stderr.contains("there are bank, till"), "{unknown:?}");
    let ambiguous = user.marine(&all, &["call", "f()"]).expect(2);
    assert!(ambiguous.stderr.contains("services/bank"), "{ambiguous:?}");
}

#[test]
fn a_configuration_of_the_predecessor_works_and_migrates() {
    let (user, dir) = (User::new(), project("greeting"));
    let here = user.path("old");
    let component = fs::read(dir.join("target/marine/dev/greeting.wasm")).expect("the component");
    put(
        &here.join("Config.toml"),
        "modules_dir = \"out\"\n[[module]]\nname = \"greeting\"\nlogger_enabled = true\n[default]\n",
    );
    fs::create_dir(here.join("out")).expect("created");
    fs::write(here.join("out/greeting.wasm"), component).expect("written");
    let run = user.marine(&here, &["call", "greeting(\"Ada\")", "-m", "Config.toml"]).expect(0);
    assert_eq!(run.stdout, "\"Hello, Ada!\"\n");
    assert!(run.stderr.contains("migrated in memory"), "{run:?}");

    let hint = user.marine(&here, &["call", "greeting(\"Ada\")"]).expect(2);
    assert!(hint.stderr.contains("`marine migrate`"), "{hint:?}");
    let shown = user.marine(&here, &["migrate", "--dry-run"]).expect(0);
    assert!(shown.stdout.contains("wasm = \"out/greeting.wasm\"") && !here.join("Marine.toml").exists(), "{shown:?}");
    let done = user.marine(&here, &["migrate", "--json"]).expect(0);
    assert_eq!(done.documents()[0]["notes"][1]["line"], 5, "{done:?}");
    user.marine(&here, &["migrate"]).expect(2);
    assert_eq!(user.marine(&here, &["call", "greeting(\"Eve\")"]).expect(0).stdout, "\"Hello, Eve!\"\n");
}

#[test]
fn tests_and_transcripts_of_a_service_run() {
    let (user, dir) = (User::new(), project("two-modules"));
    let transcript = dir.join("visits.repl");
    fs::write(
        &transcript,
        "> greet(\"Ada\")\n...\n  \"visits\": 1\n...\n\n> greet(\"Ada\")\n...\n  \"visits\": 2\n...\n",
    )
    .expect("written");
    let run = user.marine(&dir, &["test", "--transcripts"]).expect(0);
    assert!(run.stderr.contains("Passed visits.repl"), "{run:?}");
    // Volumes start empty each time.
    let mut both = user.command(&dir, &["test", "visit"]);
    let run = Run::of(compiling_tests(&mut both).stdin(Stdio::null()).output().expect("marine runs")).expect(0);
    assert!(run.stdout.contains("visitors_are_counted ... ok") && run.stderr.contains("Passed visits.repl"), "{run:?}");
    fs::write(&transcript, "> greet(\"Ada\")\nsomething else\n").expect("written");
    let failed = user.marine(&dir, &["test", "--transcripts"]).expect(3);
    assert!(failed.stdout.contains("M607") && failed.stderr.contains("Failed visits.repl"), "{failed:?}");
    fs::remove_file(&transcript).expect("removed");
}

#[test]
fn a_build_that_watches_builds_again() {
    let (user, dir) = (User::new(), project("greeting"));
    let mut child = user
        .command(&dir, &["build", "--watch", "--json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("marine runs");
    // What it says besides must not fill the pipe.
    let said = BufReader::new(child.stderr.take().expect("piped")).lines();
    let (watching, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in said.map_while(Result::ok).filter(|line| line.contains("Watching")) {
            let _ = watching.send(line);
        }
    });
    let minute = std::time::Duration::from_secs(240);
    heard.recv_timeout(minute).expect("the first build ends");
    let source = dir.join("src/lib.rs");
    let text = fs::read_to_string(&source).expect("the source");
    fs::write(&source, format!("{text}\n")).expect("written");
    heard.recv_timeout(minute).expect("the second build ends");
    fs::write(&source, text).expect("as it was");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let output = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let kinds: Vec<String> = output
        .filter_map(|line| serde_json::from_str::<Value>(&line).ok()?["$type"].as_str().map(str::to_owned))
        .filter(|kind| !["build.cargo", "build.module", "build.service"].contains(&kind.as_str()))
        .collect();
    assert_eq!(kinds[..3], ["build.finished", "build.changed", "build.finished"]);
}

/// Whether `value` is of the JSON type that a schema names, or of one of those.
fn is_of(value: &Value, types: &Value) -> bool {
    let is = |name: &Value| match name.as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("null") => value.is_null(),
        other => panic!("the schema has the type {other:?}"),
    };
    types.as_array().map_or_else(|| is(types), |several| several.iter().any(is))
}

/// Fails unless `document` is as one of the alternatives of the schema has it; returns its `$type`.
fn follows(schema: &Value, document: &Value) -> String {
    let kind = &document["$type"];
    let all = schema["oneOf"].as_array().expect("alternatives");
    let one = all.iter().find(|one| one["properties"]["$type"]["const"] == *kind);
    let one = one.unwrap_or_else(|| panic!("the schema has no {document}"));
    let fields = document.as_object().expect("an object");
    for name in one["required"].as_array().expect("names") {
        assert!(fields.contains_key(name.as_str().expect("a name")), "{name} of {document}");
    }
    for (name, value) in fields.iter().filter(|(name, _)| *name != "$type") {
        assert!(is_of(value, &one["properties"][name]["type"]), "{name} of {document}");
    }
    kind.as_str().expect("a text").to_owned()
}

/// The schema of the documents that builds print.
fn schema() -> Value {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/build-documents.schema.json");
    serde_json::from_str(&fs::read_to_string(page).expect("the schema")).expect("JSON")
}

#[test]
fn documents_of_builds_follow_their_schema() {
    let (user, dir, schema) = (User::new(), project("two-modules"), schema());
    let kinds = |arguments: &[&str], code: i32| -> Vec<String> {
        let documents = user.marine(&dir, arguments).expect(code).documents();
        let kinds = documents.iter().map(|document| follows(&schema, document));
        kinds.filter(|kind| kind != "build.cargo").collect()
    };
    let modules = ["build.module", "build.module"].map(str::to_owned);
    let whole = kinds(&["build", "--json"], 0);
    assert_eq!(
        (&whole[..2], &whole[2..]),
        (&modules[..], &["build.service".to_owned(), "build.finished".to_owned()][..])
    );
    // Part of a service is no service.
    assert_eq!(kinds(&["build", "--json", "-p", "guestbook", "--offline"], 0), ["build.module", "build.finished"]);
    assert_eq!(kinds(&["build", "--json", "-p", "nobody"], 12), ["error"]);
    assert_eq!(kinds(&["build", "--json", "--features", "no-such"], 10), ["error"]);

    let declared = fs::read_to_string(dir.join("target/marine/dev/two-modules.aqua")).expect("the declarations");
    assert!(declared.contains("service TwoModules(\"two-modules\"):"), "{declared}");
    user.marine(&dir, &["aqua", "check", "target/marine/dev/two-modules.aqua"]).expect(0);
}

#[test]
fn settings_tell_where_they_come_from() {
    let user = User::new();
    let here = user.path("");
    let mut command = user.command(&here, &["config", "show", "--origin"]);
    let run = command.env("MARINE_CACHE_DIR", "/moved").env("MARINE_PROVISION", "").output().expect("marine runs");
    let shown = String::from_utf8(run.stdout).expect("text");
    assert!(shown.contains("cache-dir  /moved  (MARINE_CACHE_DIR)\n"), "{shown}");
    assert!(shown.contains("provision  auto  (default)\n"), "{shown}");
    let plain = user.marine(&here, &["config", "show"]).expect(0).stdout;
    assert!(plain.contains(&format!("data-dir   {}\n", user.path("data/marine").display())), "{plain}");
}

#[test]
fn errors_are_documents_where_programs_read() {
    let user = User::new();
    put(&user.path("shop/Marine.toml"), "[servise]\n[[module]]\nname = \"m\"\n");
    let run = user.marine(&user.path("shop"), &["build", "--json"]).expect(12);
    let error = &run.documents()[0];
    assert_eq!((&error["$type"], &error["exit"]), (&"error".into(), &12.into()), "{error}");
    let codes: Vec<_> = error["errors"].as_array().expect("all mistakes").iter().map(|error| &error["code"]).collect();
    assert_eq!(codes, ["M303", "M311"], "{error}");
    assert_eq!(error["errors"][0]["line"], 1, "{error}");
    let usage = user.marine(&user.path(""), &["build", "--jsn", "--json"]).expect(2);
    assert_eq!(usage.documents()[0]["exit"], 2, "{usage:?}");
}
