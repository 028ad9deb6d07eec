//! What a hostile guest took of the host's memory is given back. A process of its own, since it measures the whole process.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::time::Duration;

use marine_manifest::{Dir, Limits};
use marine_runtime::{
    CallError, CallOptions, CodeCacheConfig, Engine, EngineConfig, Module, ModuleSpec, Plan, Service, ServiceSpec,
};
use serde_json::{Value, json};

/// Bytes that each call of a guest takes, at least.
const TAKEN: usize = 16 << 20;
/// Calls before the first look: caches, pools and arenas fill up.
const WARM_UP: usize = 4;
/// Calls between two looks. If they kept what they took, it would be 240 MiB.
const CALLS: usize = 15;
/// How much the process may have grown by then.
const SLACK: usize = 100 << 20;
/// Files that may be open more than before.
const SLACK_FILES: usize = 8;

/// Module `bad`: each function fills 16 MiB and breaks down in its own way; `fine` does not.
const BAD: &str = r#"(component
  (import "marine:host/log@1.0.0" (instance $log
    (type $l (enum "error" "warn" "info" "debug" "trace"))
    (export "level" (type $level (eq $l)))
    (export "write" (func (param "level" $level) (param "target" string) (param "bits" u32) (param "message" string)))))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (unreachable)))
  (core instance $m (instantiate $memory))
  (core func $write (canon lower (func $log "write") (memory $m "memory")))
  (core module $code
    (import "m" "memory" (memory 1))
    (import "log" "write" (func $write (param i32 i32 i32 i32 i32 i32)))
    (func $take
      (drop (memory.grow (i32.const 256)))
      (memory.fill (i32.const 1024) (i32.const 120) (i32.const 16777216)))
    (func $pair (param i32) (result i32)
      (i32.store (i32.const 16) (i32.const 1024))
      (i32.store (i32.const 20) (local.get 0))
      (i32.const 16))
    (func (export "fine") (result i32) (i32.const 1))
    (func (export "trap") (call $take) (unreachable))
    (func (export "spin") (call $take) (loop $again (br $again)))
    (func $deeper (call $deeper) (call $deeper))
    (func (export "recurse") (call $take) (call $deeper))
    (func (export "bomb")
      (call $take)
      (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
      (memory.fill (i32.const 1024) (i32.const 1) (i32.const 33000000))
      (unreachable))
    (func (export "giant-text") (result i32) (call $take) (call $pair (i32.const 16777216)))
    (func (export "giant-list") (result i32) (call $take) (call $pair (i32.const 1500000)))
    (func (export "flood")
      (local $n i32)
      (call $take)
      (loop $more
        (call $write (i32.const 2) (i32.const 1024) (i32.const 4) (i32.const 0) (i32.const 1024) (i32.const 16384))
        (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000))))
      (unreachable)))
  (core instance $i (instantiate $code
    (with "m" (instance $m)) (with "log" (instance (export "write" (func $write))))))
  (func $fine (result u32) (canon lift (core func $i "fine")))
  (func $trap (canon lift (core func $i "trap")))
  (func $spin (canon lift (core func $i "spin")))
  (func $recurse (canon lift (core func $i "recurse")))
  (func $bomb (canon lift (core func $i "bomb")))
  (func $giant-text (result string) (canon lift (core func $i "giant-text") (memory $m "memory")))
  (func $giant-list (result (list u64)) (canon lift (core func $i "giant-list") (memory $m "memory")))
  (func $flood (canon lift (core func $i "flood")))
  (instance $api
    (export "fine" (func $fine)) (export "trap" (func $trap)) (export "spin" (func $spin))
    (export "recurse" (func $recurse)) (export "bomb" (func $bomb)) (export "giant-text" (func $giant-text))
    (export "giant-list" (func $giant-list)) (export "flood" (func $flood)))
  (export "marine:bad/api" (instance $api)))"#;

/// A component whose start-up code fills 16 MiB and then does `end`.
fn starting(end: &str) -> String {
    format!(
        r#"(component
  (core module $m
    (memory 257)
    (func $start (memory.fill (i32.const 0) (i32.const 1) (i32.const 16777216)) {end})
    (start $start)
    (func (export "f")))
  (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "f")))
  (export "f" (func $f)))"#
    )
}

fn service(engine: &Engine, wat: &str, startup: Duration) -> Service {
    let module = Module::from_bytes("bad", wat::parse_str(wat).unwrap()).unwrap();
    let mut spec = ServiceSpec::new("bad", vec![ModuleSpec::new(module)]);
    spec.limits =
        Limits { memory: 40 << 20, timeout: Duration::from_millis(100), startup, result: 1 << 20, ..Limits::default() };
    spec.modules[0].grants.dirs = [("/tmp".to_owned(), Dir::Temp)].into();
    Service::builder(Plan::link(engine, spec).unwrap()).logs(drop).build().unwrap()
}

fn call(service: &Service, function: &str) -> Result<Value, CallError> {
    service.call(function, json!([]), CallOptions::default())
}

/// Bytes of memory that this process has resident.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    // Pages are larger on some processors, where the bound is the more generous.
    pages * 4096
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Does `breakdown` often, and demands that memory and files are as they were.
fn is_given_back(what: &str, breakdown: impl Fn()) {
    (0..WARM_UP).for_each(|_| breakdown());
    let before = (resident(), open_files());
    (0..CALLS).for_each(|_| breakdown());
    let after = (resident(), open_files());
    assert!(after.0 < before.0 + SLACK, "{what}: {CALLS} times {TAKEN} bytes: {before:?} became {after:?}");
    assert!(after.1 <= before.1 + SLACK_FILES, "{what}: {before:?} became {after:?}");
}

#[test]
fn memory_of_guests_that_broke_down_is_given_back() {
    let config = EngineConfig { cache: CodeCacheConfig::Off, ..EngineConfig::default() };
    let engine = Engine::new(config).unwrap();
    let bad = service(&engine, BAD, Duration::from_secs(10));
    bad.start().unwrap();
    for function in ["trap", "spin", "recurse", "bomb", "giant_text", "giant_list", "flood"] {
        is_given_back(function, || {
            let broken = call(&bad, function).unwrap_err();
            assert!(!matches!(broken, CallError::Start(_)), "{function}: {broken}");
        });
    }
    for (name, end) in [("trap in start-up", "(unreachable)"), ("loop in start-up", "(loop $l (br $l))")] {
        let text = starting(end);
        is_given_back(name, || {
            // A service of its own each time: one that fails too often is made to wait.
            let broken = service(&engine, &text, Duration::from_millis(100));
            assert!(broken.start().is_err(), "{name}");
        });
    }
}
