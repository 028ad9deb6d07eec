//! What services cost whose modules are real programs: SQLite compiled to WebAssembly beside native SQLite, the very same Rust code around
//! both; and how long a test waits for a fresh service. Run with `cargo bench -p marine-benches --bench modules`; the first run builds the
//! template `sqlite`, which needs a C compiler for WebAssembly (`marine doctor` says whether one is there), and `native-sqlite`.

#![expect(clippy::print_stdout, reason = "figures are what it is for")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use marine_build::{BuildRequest, Profile, build};
use marine_runtime::{CallOptions, Engine, EngineConfig, Module, Plan, Service, ServiceSpec, Val};
use marine_test::ExtraGrants;

/// Rows that are inserted in one transaction, and then selected one by one.
const ROWS: i64 = 1_000;
const SAMPLES: usize = 20;
const TEXT: &str = "some words that are found again";

fn main() {
    // `cargo test --benches` asks for nothing but that it compiles.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let native = native();
    let plan = plan();
    let (mut inserts, mut selects) = (Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        let volumes = tempfile::tempdir().expect("a directory");
        let service = Service::builder(plan.clone()).volumes(volumes.path()).build().expect("a service");
        service.start().expect("started");
        inserts.push(insert(&service));
        selects.push(select(&service));
    }
    println!("{:<44}{:>12}{:>12}{:>8}", "", "native", "module", "ratio");
    compare("1000 inserts, one transaction, text index", &native[0], &inserts, 3.0);
    compare("1000 selects by key, a call each", &native[1], &selects, 3.0);
    println!("{:<44}{:>12}{:>12?}", "fresh service for a test, first call", "", median(&fresh_services()));
}

fn compare(what: &str, native: &[Duration], module: &[Duration], goal: f64) {
    let (native, module) = (median(native), median(module));
    let ratio = module.as_secs_f64() / native.as_secs_f64();
    println!("{what:<44}{native:>12.1?}{module:>12.1?}{ratio:>7.2}x  goal: at most {goal}x");
}

fn median(samples: &[Duration]) -> Duration {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace")
}

/// Inserts and selects of the native program.
fn native() -> [Vec<Duration>; 2] {
    let dir = checkout().join("benches/native-sqlite");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--release", "--quiet", "--", &ROWS.to_string(), &SAMPLES.to_string()]).current_dir(dir);
    let output =
        cargo.env("CARGO_TARGET_DIR", checkout().join("target/benches/native-sqlite")).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    ["insert", "select"].map(|what| {
        let line = text.lines().find_map(|line| line.strip_prefix(what)).expect("its line");
        line.split_whitespace().map(|nanos| Duration::from_nanos(nanos.parse().expect("a number"))).collect()
    })
}

/// The template `sqlite`, built for release and linked.
fn plan() -> Plan {
    let mut request = BuildRequest::new(project()).expect("options");
    request.profile = Profile::Release;
    let built = build(&request, &mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
    let manifest = built.manifest.as_ref().expect("a manifest");
    let engine = Engine::new(EngineConfig::default()).expect("an engine");
    let spec = ServiceSpec::from_manifest(manifest, |entry| {
        Module::from_file(&entry.name, built.wasm(&entry.name).expect("built"))
    });
    Plan::link(&engine, spec.expect("modules")).unwrap_or_else(|errors| panic!("{errors}"))
}

fn insert(service: &Service) -> Duration {
    let note = |row| {
        let fields = [("title", format!("note {row}")), ("text", TEXT.to_owned())];
        Val::Record(fields.into_iter().map(|(name, text)| (name.to_owned(), Val::String(text))).collect())
    };
    let notes = Val::List((0..ROWS).map(note).collect());
    let started = Instant::now();
    let result = service.call_values("add", &[notes], CallOptions::default()).expect("an answer");
    let took = started.elapsed();
    assert!(matches!(result, Some(Val::Result(Ok(_)))));
    took
}

fn select(service: &Service) -> Duration {
    let started = Instant::now();
    for id in 1..=ROWS {
        let found = service.call_values("get", &[Val::S64(id)], CallOptions::default()).expect("an answer");
        assert!(matches!(found, Some(Val::Result(Ok(Some(_))))));
    }
    started.elapsed()
}

/// What every test but the first pays until its first call is served: a service with empty volumes of its own. The goal is 20 ms.
fn fresh_services() -> Vec<Duration> {
    let request = marine_test_build::TestRequest::of(&project()).expect("a manifest");
    let service =
        marine_test_build::TestService::build(&request, &mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
    let text = |text: String| -> &'static str { text.leak() };
    let module = &service.modules[0];
    let module = marine_test::ModuleSource {
        name: text(module.name.clone()),
        wasm: text(module.wasm.display().to_string()),
        cid: text(module.cid.clone()),
    };
    let manifest = text(service.manifest.display().to_string());
    let source = marine_test::Source { manifest, real_dirs: false, modules: vec![module].leak() };
    let first_call = || {
        let started = Instant::now();
        let handle = marine_test::Handle::start(&source, &ExtraGrants::new()).unwrap_or_else(|why| panic!("{why}"));
        let count: Result<i64, String> = handle.call("notes", "count", Vec::new(), None).expect("an answer");
        assert_eq!(count, Ok(0));
        started.elapsed()
    };
    first_call();
    (0..SAMPLES).map(|_| first_call()).collect()
}

/// The template `sqlite` as a project on disk.
fn project() -> PathBuf {
    let dir = checkout().join("target/benches/notes");
    copy(&checkout().join("templates/sqlite"), &dir);
    dir
}

/// Writes the template's files as `marine new` does, those that differ.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("created");
    for entry in fs::read_dir(from).expect("a directory").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
            continue;
        }
        let dependency = |name: &str| format!("{{ path = {:?} }}", checkout().join(name));
        let text = fs::read_to_string(entry.path()).expect("text");
        let text = text.replace("{{ name }}", "notes").replace("{{ ident }}", "notes");
        let text =
            text.replace("{{ sdk }}", &dependency("marine-sdk")).replace("{{ test }}", &dependency("marine-test"));
        let target =
            if target.extension().is_some_and(|end| end == "jinja") { target.with_extension("") } else { target };
        if fs::read_to_string(&target).is_ok_and(|present| present == text) {
            continue;
        }
        fs::write(target, text).expect("written");
    }
}
