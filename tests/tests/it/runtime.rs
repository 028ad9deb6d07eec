//! The runtime with real guests: directories and output of each module, breakdowns of Rust programs.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use marine_build::Profile;
use marine_manifest::{Dir, EnvValue, Limits, Mode};
use marine_runtime::{CallError, CallOptions, Module, ModuleSpec, Plan, Service, ServiceSpec};
use serde_json::{Value, json};

use crate::guests::{engine, module, service, spec};

fn call(service: &Service, module: &str, function: &str, args: Value) -> Result<Value, CallError> {
    service.call_module(module, function, args, CallOptions::default())
}

/// The guest `probe` twice, under two names.
fn two_probes() -> ServiceSpec {
    let probe = module(Profile::Release, "probe");
    let named = |name| ModuleSpec::new(Module::from_bytes(name, probe.bytes()).unwrap());
    ServiceSpec::new("two", vec![named("left"), named("right")])
}

#[test]
fn directories_belong_to_one_module() {
    let place = tempfile::tempdir().unwrap();
    let shelf = place.path().join("shelf");
    fs::create_dir(&shelf).unwrap();
    fs::write(shelf.join("note"), "hello").unwrap();
    fs::write(place.path().join("secret"), "no").unwrap();
    let host = |mode| Dir::Host { path: shelf.clone(), mode, create: false };
    let volume = |mode| Dir::volume("data", mode);
    let mut spec = two_probes();
    spec.modules[0].grants.dirs = BTreeMap::from([
        ("/shelf".to_owned(), host(Mode::ReadWrite)),
        ("/data".to_owned(), volume(Mode::ReadWrite)),
        ("/tmp".to_owned(), Dir::Temp),
    ]);
    spec.modules[1].grants.dirs =
        BTreeMap::from([("/look".to_owned(), host(Mode::ReadOnly)), ("/data".to_owned(), volume(Mode::ReadOnly))]);
    spec.modules[1].grants.env = BTreeMap::from([("ROLE".to_owned(), EnvValue::Text("reader".to_owned()))]);
    let plan = Plan::link(engine(), spec).unwrap();
    let build = || Service::builder(plan.clone()).id("two-1").volumes(place.path().join("volumes")).build().unwrap();
    let service = build();
    let is_refused = |module, function, args| {
        assert!(matches!(call(&service, module, function, args), Err(CallError::Service(_))), "{module}.{function}");
    };

    assert_eq!(call(&service, "left", "read", json!(["/shelf/note"])), Ok(json!("hello")));
    assert_eq!(call(&service, "left", "write", json!(["/shelf/new", "1"])), Ok(Value::Null));
    assert_eq!(call(&service, "right", "list", json!(["/look"])), Ok(json!(["new", "note"])));
    is_refused("right", "write", json!(["/look/new", "2"]));
    is_refused("right", "read", json!(["/shelf/note"]));
    is_refused("left", "read", json!(["/look/note"]));
    is_refused("left", "read", json!(["/shelf/../secret"]));
    is_refused("left", "read", json!(["/etc/passwd"]));

    assert_eq!(call(&service, "left", "write", json!(["/data/kept", "yes"])), Ok(Value::Null));
    assert_eq!(call(&service, "left", "write", json!(["/tmp/scratch", "x"])), Ok(Value::Null));
    is_refused("right", "write", json!(["/data/kept", "no"]));
    service.reset().unwrap();
    assert_eq!(call(&service, "left", "list", json!(["/tmp"])), Ok(json!([])), "scratch is empty in a new instance");
    assert_eq!(call(&build(), "right", "read", json!(["/data/kept"])), Ok(json!("yes")), "volumes outlive services");

    let variables = |module| call(&service, module, "variables", json!([])).unwrap();
    assert_eq!(variables("left"), json!([["service_id", "two-1"]]));
    assert_eq!(variables("right"), json!([["ROLE", "reader"], ["service_id", "two-1"]]));
}

#[test]
fn volumes_and_scratch_have_a_quota() {
    let place = tempfile::tempdir().unwrap();
    let mut spec = two_probes();
    let small = Dir::Volume { name: "data".to_owned(), mode: Mode::ReadWrite, quota: 100_000 };
    spec.modules[0].grants.dirs = [("/data".to_owned(), small), ("/tmp".to_owned(), Dir::Temp)].into();
    spec.modules[1].grants.dirs = [("/data".to_owned(), Dir::volume("data", Mode::ReadWrite))].into();
    let plan = Plan::link(engine(), spec).unwrap();
    let service = Service::builder(plan).volumes(place.path()).build().unwrap();
    let write =
        |module: &str, path: &str, bytes: usize| call(&service, module, "write", json!([path, "x".repeat(bytes)]));
    let is_full = |answer: Result<Value, CallError>| {
        let Err(CallError::Service(error)) = answer else { panic!("{answer:?}") };
        assert!(error.to_string().to_lowercase().contains("quota"), "{error}");
    };
    write("left", "/data/a", 50_000).unwrap();
    is_full(write("left", "/data/b", 60_000));
    assert!(fs::metadata(place.path().join("data/b")).unwrap().len() <= 50_000, "what fits may be written");
    write("left", "/data/b", 1).unwrap();
    // What is replaced makes room.
    (0..5).for_each(|_| drop(write("left", "/data/a", 60_000).unwrap()));
    // Another module's quota of the same volume counts all that is in it, whoever wrote it.
    write("right", "/data/c", 500_000).unwrap();
    is_full(write("left", "/data/a", 1000));
    write("left", "/tmp/a", 500_000).unwrap();
    // What has no name any more counts as long as it is open.
    is_full(call(&service, "left", "hide", json!(["/data/hidden", 1000])));
    (0..5).for_each(|_| drop(call(&service, "left", "hide", json!(["/tmp/hidden", 1000])).unwrap()));
    // Entries count besides their content.
    let empty = (0..1000).map(|n| write("left", &format!("/data/{n}"), 0)).find(Result::is_err);
    is_full(empty.unwrap());
}

/// Neither do deep directories hide from a quota, nor do they break the host when it removes them.
#[test]
fn directories_may_be_nested_deep() {
    let place = tempfile::tempdir().unwrap();
    let mut spec = two_probes();
    let small = Dir::Volume { name: "data".to_owned(), mode: Mode::ReadWrite, quota: 40 << 20 };
    spec.modules[0].grants.dirs = [("/data".to_owned(), small), ("/tmp".to_owned(), Dir::Temp)].into();
    let service = Service::builder(Plan::link(engine(), spec).unwrap()).volumes(place.path()).build().unwrap();
    let nest = |dir: &str| call(&service, "left", "nest", json!([dir, 10, 600]));
    nest("/tmp").unwrap();
    let scratch = service.directories("left").unwrap().into_iter().find(|dir| dir.guest == "/tmp").unwrap();
    let scratch = scratch.path.unwrap();
    assert!(scratch.join("9/a/a/a").exists());
    service.reset().unwrap();
    assert!(!scratch.exists());

    // 10 chains of 600 are 24 MiB; what is written after them would fit twice if they were forgotten.
    nest("/data").unwrap();
    let write = |name: &str| call(&service, "left", "write", json!([format!("/data/{name}"), "x".repeat(15 << 20)]));
    write("a").unwrap();
    assert!(matches!(write("b"), Err(CallError::Service(_))));
    marine_runtime::remove_tree(&place.path().join("data")).unwrap();
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_out() {
    let place = tempfile::tempdir().unwrap();
    let shelf = place.path().join("shelf");
    fs::create_dir(&shelf).unwrap();
    fs::write(place.path().join("secret"), "no").unwrap();
    std::os::unix::fs::symlink("../secret", shelf.join("link")).unwrap();
    std::os::unix::fs::symlink("/etc", shelf.join("etc")).unwrap();
    let mut spec = spec(Profile::Release, &["probe"]);
    let host = Dir::Host { path: shelf, mode: Mode::ReadWrite, create: false };
    spec.modules[0].grants.dirs = BTreeMap::from([("/shelf".to_owned(), host)]);
    let (service, _) = service(spec);
    for path in ["/shelf/link", "/shelf/etc/passwd"] {
        assert!(matches!(call(&service, "probe", "read", json!([path])), Err(CallError::Service(_))), "{path}");
    }
}

#[test]
fn output_becomes_records() {
    let (service, records) = service(two_probes());
    call(&service, "left", "say", json!(["first"])).unwrap();
    call(&service, "right", "say", json!(["second"])).unwrap();
    assert_eq!(
        records.take(),
        [
            "left Info stdout: first",
            "left Warn stderr: first",
            "right Info stdout: second",
            "right Warn stderr: second",
        ]
    );
}

#[test]
fn breakdowns_are_explained_and_the_next_call_works() {
    let mut spec = spec(Profile::Dev, &["probe"]);
    spec.limits = Limits { timeout: Duration::from_secs(600), memory: 64 << 20, ..Limits::default() };
    let (service, _) = service(spec);
    let broken = |function: &str, args: Value| {
        // Only what never ends by itself is given little time: the rest has to come to its own end on a slow machine, too.
        let deadline = (function == "nap").then(|| Duration::from_millis(500));
        let options = CallOptions { deadline, ..CallOptions::default() };
        let error = service.call_module("probe", function, args, options).unwrap_err();
        assert_eq!(call(&service, "probe", "hoard", json!([1 << 20])), Ok(json!(1 << 20)), "after {function}");
        error
    };
    let CallError::Trap(trap) = broken("fail", json!(["the tea is cold"])) else { panic!("not a trap") };
    assert_eq!((trap.module.as_str(), trap.function.as_str()), ("probe", "fail"));
    let panic = trap.panic.unwrap();
    assert!(panic.contains("lib.rs:") && panic.ends_with("the tea is cold"), "{panic}");
    let mut functions = trap.frames.iter().filter_map(|frame| frame.function.as_deref());
    assert!(functions.any(|name| name.contains("fail")), "{:?}", trap.frames);

    let begun = Instant::now();
    assert!(matches!(broken("nap", json!([3_600_000])), CallError::Timeout { .. }));
    assert!(begun.elapsed() < Duration::from_secs(20), "a sleeping guest is stopped: {:?}", begun.elapsed());
    assert!(matches!(broken("hoard", json!([u64::MAX])), CallError::OutOfMemory { limit, .. } if limit == 64 << 20));
    assert!(matches!(broken("recurse", json!([])), CallError::Trap(_)));
    let CallError::Trap(trap) = broken("exit", json!([3])) else { panic!("not a trap") };
    assert!(trap.cause.contains("exit"), "{}", trap.cause);
}

#[test]
fn hoards_of_files_and_floods_of_records_are_bounded() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("note"), "hello").unwrap();
    let mut spec = spec(Profile::Release, &["probe"]);
    let dir = Dir::Host { path: place.path().to_path_buf(), mode: Mode::ReadOnly, create: false };
    spec.modules[0].grants.dirs = BTreeMap::from([("/shelf".to_owned(), dir)]);
    let (service, records) = service(spec);
    let fine = || assert_eq!(call(&service, "probe", "read", json!(["/shelf/note"])), Ok(json!("hello")));
    // Whether the guest is told or stopped, it never has ten thousand.
    match call(&service, "probe", "open_many", json!(["/shelf/note", 10_000])) {
        Ok(open) => assert!(open.as_u64().unwrap() < 1000, "{open}"),
        Err(error) => assert!(matches!(error, CallError::Trap(_)), "{error}"),
    }
    fine();
    assert_eq!(call(&service, "probe", "chatter", json!([5_000])), Ok(Value::Null));
    let kept = records.take();
    // 5 MiB were written; the burst is 1 MiB, and a slow machine earns some more meanwhile.
    assert!(kept.len() < 4_000 && service.stats().dropped_records > 1_000, "{} {:?}", kept.len(), service.stats());
    fine();
}

#[test]
fn start_up_code_that_breaks_down_leaves_the_next_start_alone() {
    let place = tempfile::tempdir().unwrap();
    let mut spec = spec(Profile::Release, &["startup"]);
    let dir = Dir::Host { path: place.path().to_path_buf(), mode: Mode::ReadOnly, create: false };
    spec.modules[0].grants.dirs = BTreeMap::from([("/orders".to_owned(), dir)]);
    spec.limits = Limits { startup: Duration::from_secs(2), memory: 64 << 20, ..Limits::default() };
    let (service, _) = service(spec);
    let order = |order: &str| fs::write(place.path().join("start"), order).unwrap();
    let mut texts = Vec::new();
    for breakdown in ["panic", "exit", "loop", "sleep", "recurse", "hoard"] {
        order(breakdown);
        service.reset().unwrap();
        let error = call(&service, "startup", "starts", json!([])).unwrap_err().to_string();
        // How much it asked for is the allocator's choice.
        let cause = error.split(';').next().and_then(|cause| cause.split(" asked").next()).unwrap_or_default();
        texts.push(format!("{breakdown}: {cause}"));
        order("be well");
        assert_eq!(call(&service, "startup", "starts", json!([])), Ok(json!(1)), "after {breakdown}");
    }
    insta::assert_snapshot!(texts.join("\n"), @"
    panic: start-up of `test` failed: `startup` trapped in `start-up`: wasm trap: wasm `unreachable` instruction executed
    exit: start-up of `test` failed: `startup` trapped in `start-up`: it called exit with code 1
    loop: start-up of `test` did not end within 2000 ms
    sleep: start-up of `test` did not end within 2000 ms
    recurse: start-up of `test` failed: `startup` trapped in `start-up`: wasm trap: out of bounds memory access
    hoard: start-up of `test` was refused: `startup`
    ");
}
