//! Each module has its own variables, directories and output; nothing is granted by default.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use marine_manifest::{
    AskedDir, Blueprint, BlueprintError, Cid, Dir, EnvValue, LogLevel, Manifest, Mode, ModuleContent, ModuleEntry,
};
use marine_runtime::{
    CallOptions, CallParameters, LogRecord, Module, ModuleSpec, Plan, Request, Service, ServiceSpec, StartError,
};
use serde_json::{Value, json};

use crate::guests::{CORE, engine, module, service};

/// A module with `env() -> list<tuple<string, string>>`, `log(text)` and `who() -> string` (the service id of the call parameters is
/// found in the record that the host fills in).
fn curious(name: &str) -> String {
    format!(
        r#"(component
  (import "wasi:cli/environment@0.2.3" (instance $environment
    (export "get-environment" (func (result (list (tuple string string)))))))
  (import "marine:host/log@1.0.0" (instance $log
    (type $l (enum "error" "warn" "info" "debug" "trace"))
    (export "level" (type $level (eq $l)))
    (export "write" (func (param "level" $level) (param "target" string) (param "bits" u32) (param "message" string)))
    (export "filter" (func (result string)))))
  (import "marine:host/call-parameters@1.0.0" (instance $call (export "call-id" (func (result string)))))
  (core module $m {CORE}
    (data (i32.const 64) "guest"))
  (core instance $i (instantiate $m))
  (core func $env (canon lower (func $environment "get-environment") (memory $i "memory") (realloc (func $i "realloc"))))
  (core func $write (canon lower (func $log "write") (memory $i "memory")))
  (core func $filter (canon lower (func $log "filter") (memory $i "memory") (realloc (func $i "realloc"))))
  (core func $id (canon lower (func $call "call-id") (memory $i "memory") (realloc (func $i "realloc"))))
  (core module $n
    (import "" "env" (func $env (param i32)))
    (import "" "filter" (func $filter (param i32)))
    (import "" "id" (func $id (param i32)))
    (import "" "write" (func $write (param i32 i32 i32 i32 i32 i32)))
    (func (export "env") (result i32) (call $env (i32.const 16)) (i32.const 16))
    (func (export "filter") (result i32) (call $filter (i32.const 16)) (i32.const 16))
    (func (export "id") (result i32) (call $id (i32.const 16)) (i32.const 16))
    (func (export "log") (param i32 i32 i32)
      (call $write (local.get 0) (i32.const 64) (i32.const 5) (i32.const 0) (local.get 1) (local.get 2))))
  (core instance $j (instantiate $n (with "" (instance
    (export "env" (func $env)) (export "write" (func $write)) (export "filter" (func $filter)) (export "id" (func $id))))))
  (func $env-up (result (list (tuple string string)))
    (canon lift (core func $j "env") (memory $i "memory") (realloc (func $i "realloc"))))
  (func $filter-up (result string) (canon lift (core func $j "filter") (memory $i "memory") (realloc (func $i "realloc"))))
  (func $id-up (result string) (canon lift (core func $j "id") (memory $i "memory") (realloc (func $i "realloc"))))
  (func $log-up (param "level" u32) (param "text" string)
    (canon lift (core func $j "log") (memory $i "memory") (realloc (func $i "realloc"))))
  (instance $api (export "env" (func $env-up)) (export "log" (func $log-up)) (export "filter" (func $filter-up))
    (export "call-id" (func $id-up)))
  (export "marine:{name}/api" (instance $api)))"#
    )
}

fn two() -> ServiceSpec {
    let modules = ["left", "right"].map(|name| ModuleSpec::new(module(name, &curious(name))));
    ServiceSpec::new("two", modules.into())
}

fn call(service: &Service, module: &str, function: &str, args: Value) -> Value {
    service.call_module(module, function, args, CallOptions::default()).unwrap()
}

#[test]
fn variables_belong_to_one_module() {
    let mut spec = two();
    spec.modules[0].grants.env = BTreeMap::from([
        ("WHO".to_owned(), EnvValue::Text("left".to_owned())),
        ("HOME_COPY".to_owned(), EnvValue::From("PATH".to_owned())),
    ]);
    let service = Service::builder(Plan::link(engine(), spec).unwrap()).id("shop-1").build().unwrap();
    let path = std::env::var("PATH").unwrap();
    let left = json!([["service_id", "shop-1"], ["HOME_COPY", path], ["WHO", "left"]]);
    assert_eq!(call(&service, "left", "env", json!([])), left);
    assert_eq!(call(&service, "right", "env", json!([])), json!([["service_id", "shop-1"]]));
}

#[test]
fn records_carry_their_module_and_pass_its_level() {
    let records: Arc<Mutex<Vec<LogRecord>>> = Arc::default();
    let sink = records.clone();
    let mut spec = two();
    spec.modules[0].log = LogLevel::Warn.into();
    spec.modules[1].log = LogLevel::Trace.into();
    let plan = Plan::link(engine(), spec).unwrap();
    let service = Service::builder(plan).id("s").logs(move |record| sink.lock().unwrap().push(record)).build().unwrap();
    for module in ["left", "right"] {
        call(&service, module, "log", json!([2, "news"]));
        call(&service, module, "log", json!([0, "smoke"]));
    }
    call(&service, "right", "log", json!([4, "x".repeat(20_000)]));
    let records = records.lock().unwrap();
    let seen =
        records.iter().map(|record| (&*record.module, record.level, record.target.as_str(), record.message.len()));
    assert_eq!(
        seen.collect::<Vec<_>>(),
        [
            ("left", LogLevel::Error, "guest", 5),
            ("right", LogLevel::Info, "guest", 4),
            ("right", LogLevel::Error, "guest", 5),
            ("right", LogLevel::Trace, "guest", 16384),
        ]
    );
    assert_eq!(call(&service, "left", "filter", json!([])), json!("warn"));
    assert_eq!(call(&service, "right", "filter", json!([])), json!("trace"));
}

#[test]
fn a_call_has_an_id_for_all_modules() {
    let service = Service::builder(Plan::link(engine(), two()).unwrap()).build().unwrap();
    let options = CallOptions {
        call_id: Some("call-7".to_owned()),
        params: Some(CallParameters::default()),
        ..CallOptions::default()
    };
    assert_eq!(service.call_module("left", "call-id", json!([]), options), Ok(json!("call-7")));
    assert_eq!(call(&service, "right", "call-id", json!([])), json!(""));
}

#[test]
fn requests_need_a_grant() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = two();
    let asked = AskedDir { ask: "data/in".to_owned(), mode: Mode::ReadWrite };
    spec.modules[0].asked_dirs = BTreeMap::from([("/in".to_owned(), asked)]);
    spec.modules[1].asked_env = BTreeMap::from([("P".to_owned(), "PATH".to_owned())]);
    let plan = Plan::link(engine(), spec).unwrap();
    assert_eq!(plan.requests().len(), 2);
    let build =
        |builder: marine_runtime::ServiceBuilder| builder.build().map(|_| ()).map_err(|error| error.to_string());
    let builder = || Service::builder(plan.clone());
    let errors = [
        build(builder()),
        build(builder().grant_dir("left", "data/in", dir.path(), Mode::ReadOnly).grant_env("right", "PATH")),
        build(builder().grant_dir("left", "data/out", dir.path(), Mode::ReadOnly)),
        build(builder().grant_env("left", "PATH")),
    ];
    insta::assert_snapshot!(errors.map(Result::unwrap_err).join("\n"), @r#"
    not granted: `left` asks for the directory "data/in" (rw) as /in; `right` asks for the host's variable PATH as P
    not granted: `left` asks for the directory "data/in" (rw) as /in
    a grant for `left`, which does not ask for "data/out"
    a grant for `left`, which does not ask for "PATH"
    "#);
    let granted = builder().grant_dir("left", "data/in", dir.path(), Mode::ReadWrite).grant_env("right", "PATH");
    let service = granted.build().unwrap();
    assert_eq!(call(&service, "right", "env", json!([]))[1][0], json!("P"));
}

#[test]
fn places_that_cannot_be_used_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let build = |granted: Dir, volumes: bool| {
        let mut spec = two();
        spec.modules[0].grants.dirs = BTreeMap::from([("/x".to_owned(), granted)]);
        let builder = Service::builder(Plan::link(engine(), spec).unwrap());
        let builder = if volumes { builder.volumes(dir.path()) } else { builder };
        builder.build()
    };
    let volume = |name: &str| Dir::volume(name, Mode::ReadWrite);
    let host = |name: &str, create| Dir::Host { path: dir.path().join(name), mode: Mode::ReadOnly, create };
    assert!(matches!(build(volume("data"), false), Err(StartError::NoVolumes { .. })));
    assert!(matches!(build(volume("../data"), true), Err(StartError::Dir { .. })));
    assert!(matches!(build(host("in", false), true), Err(StartError::Dir { .. })));
    for good in [volume("data"), host("made", true), Dir::Temp] {
        let service = build(good, true).unwrap();
        call(&service, "left", "filter", json!([]));
    }
    assert!(dir.path().join("data").is_dir() && dir.path().join("made").is_dir());
}

#[test]
fn manifests_and_blueprints_make_the_same_service_with_other_grants() {
    let dir = tempfile::tempdir().unwrap();
    let left = module("left", &curious("left"));
    std::fs::write(dir.path().join("left.wasm"), left.bytes()).unwrap();
    std::fs::create_dir(dir.path().join("in")).unwrap();
    let text = r#"
        [service]
        name = "solo"
        [limits]
        timeout = "2s"
        [[module]]
        name = "left"
        wasm = "left.wasm"
        dirs = { "/in" = "in", "/data" = { volume = "data", mode = "rw" } }
        env = { A = "1", P = { from = "PATH" } }
        memory = "8 MiB"
        log = "warn"
    "#;
    let manifest = Manifest::parse(text, dir.path()).unwrap();
    let load = |_: &ModuleEntry| Module::from_file("left", dir.path().join("left.wasm"));
    let local = Plan::link(engine(), ServiceSpec::from_manifest(&manifest, load).unwrap()).unwrap();
    assert_eq!(local.requests(), []);
    assert_eq!(local.limits().timeout, std::time::Duration::from_secs(2));

    let content = ModuleContent { cid: *left.cid(), interface: left.interface().to_wit() };
    let blueprint = Blueprint::from_manifest::<BlueprintError>(&manifest, |_| Ok(content.clone())).unwrap();
    let load = |name: &str, cid: &Cid| if cid == left.cid() { Ok(left.clone()) } else { Err(name.to_owned()) };
    let foreign = Plan::link(engine(), ServiceSpec::from_blueprint(&blueprint, load).unwrap()).unwrap();
    let requests: Vec<String> = foreign.requests().iter().map(ToString::to_string).collect();
    assert_eq!(
        requests,
        [r#"`left` asks for the directory "in" (ro) as /in"#, "`left` asks for the host's variable PATH as P",]
    );
    for plan in [local, foreign] {
        let builder = Service::builder(plan.clone()).volumes(dir.path().join("volumes"));
        let builder = plan.requests().into_iter().fold(builder, |builder, request| match request {
            Request::Dir { module, asked, .. } => {
                builder.grant_dir(&module, &asked.ask, dir.path().join("in"), asked.mode)
            }
            Request::Env { module, variable, .. } => builder.grant_env(&module, &variable),
            other => panic!("{other}"),
        });
        let service = builder.build().unwrap();
        assert_eq!(call(&service, "left", "filter", json!([])), json!("warn"));
        assert_eq!(call(&service, "left", "env", json!([])).as_array().unwrap().len(), 3);
    }
}

/// A component that tries to make a socket of `kind` (`tcp`, `udp`) and answers with WASI's error code, 255 if it got one.
fn socket_maker(kind: &str) -> String {
    format!(
        r#"(component
  (type $network-types (instance
    (type $codes (enum "unknown" "access-denied" "not-supported" "invalid-argument" "out-of-memory" "timeout"
      "concurrency-conflict" "not-in-progress" "would-block" "invalid-state" "new-socket-limit" "address-not-bindable"
      "address-in-use" "remote-unreachable" "connection-refused" "connection-reset" "connection-aborted"
      "datagram-too-large" "name-unresolvable" "temporary-resolver-failure" "permanent-resolver-failure"))
    (export "error-code" (type (eq $codes)))
    (type $families (enum "ipv4" "ipv6"))
    (export "ip-address-family" (type (eq $families)))))
  (import "wasi:sockets/network@0.2.0" (instance $network (type $network-types)))
  (alias export $network "error-code" (type $error-code))
  (alias export $network "ip-address-family" (type $family))
  (type $socket-types (instance (export "{kind}-socket" (type (sub resource)))))
  (import "wasi:sockets/{kind}@0.2.0" (instance $sockets (type $socket-types)))
  (alias export $sockets "{kind}-socket" (type $socket))
  (type $create-types (instance
    (alias outer 1 $error-code (type $error-code))
    (export "error-code" (type $e (eq $error-code)))
    (alias outer 1 $family (type $family))
    (export "ip-address-family" (type $f (eq $family)))
    (alias outer 1 $socket (type $socket))
    (export "{kind}-socket" (type $s (eq $socket)))
    (export "create-{kind}-socket" (func (param "address-family" $f) (result (result (own $s) (error $e)))))))
  (import "wasi:sockets/{kind}-create-socket@0.2.0" (instance $create (type $create-types)))
  (core module $memory (memory (export "memory") 1))
  (core instance $memory (instantiate $memory))
  (core func $create (canon lower (func $create "create-{kind}-socket") (memory $memory "memory")))
  (core module $m
    (import "host" "create" (func $create (param i32 i32)))
    (import "host" "memory" (memory 1))
    (func (export "attempt") (result i32)
      (call $create (i32.const 0) (i32.const 16))
      (select (i32.load8_u (i32.const 20)) (i32.const 255) (i32.load8_u (i32.const 16)))))
  (core instance $host (export "create" (func $create)) (export "memory" (memory $memory "memory")))
  (core instance $i (instantiate $m (with "host" (instance $host))))
  (func (export "attempt") (result u8) (canon lift (core func $i "attempt"))))"#
    )
}

/// Interpreters import sockets whether they use them or not, so these are there; nobody gets one.
#[test]
fn sockets_are_refused() {
    const ACCESS_DENIED: u8 = 1;
    for kind in ["tcp", "udp"] {
        let service = service(&[("maker", &socket_maker(kind))]);
        let answer = service.call("attempt", json!([]), CallOptions::default());
        assert_eq!(answer, Ok(json!(ACCESS_DENIED)), "{kind}");
    }
}
