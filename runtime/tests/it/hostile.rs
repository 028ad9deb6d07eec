//! Guests that loop, recurse, take memory, trap, talk too much: each gives an error that names module and function, and the next call
//! works.

use std::time::{Duration, Instant};

use marine_manifest::Limits;
use marine_runtime::{CallError, CallOptions, Module, ModuleSpec, Plan, Service, ServiceSpec};
use serde_json::{Value, json};

use crate::guests::{CORE, engine, module, service_with};

/// Module `bad`: each function breaks down in its own way, `fine` does not.
fn bad() -> String {
    format!(
        r#"(component
  (core module $m {CORE}
    (table 1 funcref)
    (func (export "fine") (result i32) (i32.const 1))
    (func (export "spin") (loop $again (br $again)))
    (func $recurse (export "recurse") (call $recurse) (call $recurse))
    (func (export "trap") (unreachable))
    (func (export "hoard")
      (loop $more (br_if $more (i32.ne (memory.grow (i32.const 64)) (i32.const -1))))
      (unreachable))
    (func (export "outside") (drop (i32.load (i32.const -4))))
    (func (export "giant") (result i32)
      (drop (memory.grow (i32.const 400)))
      (call $pair (i32.const 1024) (i32.const 24000000)))
    (func (export "numbers") (result i32)
      (drop (memory.grow (i32.const 400)))
      (call $pair (i32.const 1024) (i32.const 24000000)))
    (func (export "wild") (result i32) (call $pair (i32.const 1024) (i32.const -1)))
    (func (export "garbled") (result i32)
      (i32.store8 (i32.const 1024) (i32.const 255))
      (call $pair (i32.const 1024) (i32.const 1))))
  (core instance $i (instantiate $m))
  (func $fine (result u32) (canon lift (core func $i "fine")))
  (func $spin (canon lift (core func $i "spin")))
  (func $recurse (canon lift (core func $i "recurse")))
  (func $trap (canon lift (core func $i "trap")))
  (func $hoard (canon lift (core func $i "hoard")))
  (func $outside (canon lift (core func $i "outside")))
  (func $giant (result string) (canon lift (core func $i "giant") (memory $i "memory")))
  (func $numbers (result (list u8)) (canon lift (core func $i "numbers") (memory $i "memory")))
  (func $wild (result string) (canon lift (core func $i "wild") (memory $i "memory")))
  (func $garbled (result string) (canon lift (core func $i "garbled") (memory $i "memory")))
  (instance $api (export "fine" (func $fine)) (export "spin" (func $spin)) (export "recurse" (func $recurse))
    (export "trap" (func $trap)) (export "hoard" (func $hoard)) (export "outside" (func $outside)) (export "giant" (func $giant))
    (export "numbers" (func $numbers)) (export "wild" (func $wild)) (export "garbled" (func $garbled)))
  (export "marine:bad/api" (instance $api)))"#
    )
}

/// Module `front`: passes `trap` and `spin` on to `bad`.
const FRONT: &str = r#"(component
  (import "marine:bad/api" (instance $bad (export "trap" (func)) (export "spin" (func))))
  (core func $trap (canon lower (func $bad "trap")))
  (core func $spin (canon lower (func $bad "spin")))
  (core module $m
    (import "" "trap" (func $trap)) (import "" "spin" (func $spin))
    (func (export "pass-trap") (call $trap)) (func (export "pass-spin") (call $spin)))
  (core instance $i (instantiate $m (with "" (instance (export "trap" (func $trap)) (export "spin" (func $spin))))))
  (func $pass-trap (canon lift (core func $i "pass-trap")))
  (func $pass-spin (canon lift (core func $i "pass-spin")))
  (instance $api (export "pass-trap" (func $pass-trap)) (export "pass-spin" (func $pass-spin)))
  (export "marine:front/api" (instance $api)))"#;

fn limits() -> Limits {
    Limits { memory: 32 << 20, timeout: Duration::from_secs(600), result: 1 << 20, ..Limits::default() }
}

fn call(service: &Service, module: &str, function: &str) -> Result<Value, CallError> {
    // Only what never ends by itself is given little time: the rest has to come to its own end on a slow machine, too.
    let deadline = function.contains("spin").then(|| Duration::from_millis(300));
    service.call_module(module, function, json!([]), CallOptions { deadline, ..CallOptions::default() })
}

#[test]
fn every_breakdown_is_named_and_the_next_call_works() {
    let service = service_with(&[("bad", &bad()), ("front", FRONT)], limits());
    let mut texts = Vec::new();
    for function in ["spin", "recurse", "trap", "hoard", "outside", "giant", "numbers", "wild", "garbled"] {
        let error = call(&service, "bad", function).unwrap_err();
        texts.push(format!("{} {error}", error.code()));
        assert_eq!(call(&service, "bad", "fine"), Ok(json!(1)), "after {function}");
    }
    for function in ["pass_trap", "pass_spin"] {
        let error = call(&service, "front", function).unwrap_err();
        texts.push(format!("{} {error}", error.code()));
    }
    assert_eq!(call(&service, "bad", "fine"), Ok(json!(1)));
    insta::assert_snapshot!(texts.join("\n"), @r#"
    M507 `spin` of `bad` did not end within 300 ms
    M506 `bad` trapped in `recurse`: wasm trap: call stack exhausted
    M506 `bad` trapped in `trap`: wasm trap: wasm `unreachable` instruction executed
    M508 `bad` ran out of memory in `hoard`: it asked for 33619968 bytes, the limit is 33554432 bytes
    M506 `bad` trapped in `outside`: wasm trap: out of bounds memory access
    M509 the result of `giant` of `bad` is larger than 1048576 bytes of JSON
    M509 the result of `numbers` of `bad` is larger than 1048576 bytes of JSON
    M506 `bad` trapped in `wild`: string pointer/length out of bounds of memory
    M506 `bad` trapped in `garbled`: invalid utf-8 sequence of 1 bytes from index 0
    M506 `bad` trapped in `an unnamed function`: wasm trap: wasm `unreachable` instruction executed (called: `pass_trap` of `front`)
    M507 `pass_spin` of `front` did not end within 300 ms
    "#);
    assert_eq!(service.stats().failures, 11);
}

#[test]
fn a_deadline_of_the_caller_is_kept() {
    let service = service_with(&[("bad", &bad())], Limits::default());
    service.start().unwrap();
    let options = CallOptions { deadline: Some(Duration::from_millis(50)), ..CallOptions::default() };
    let begun = Instant::now();
    let error = service.call("spin", json!([]), options).unwrap_err();
    assert_eq!(error.code(), "M507");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_module_has_its_own_cap_of_memory() {
    let capped = |cap| {
        let mut spec = ServiceSpec::new("test", vec![ModuleSpec::new(module("bad", &bad()))]);
        spec.modules[0].memory = Some(cap);
        spec.limits = limits();
        Service::builder(Plan::link(engine(), spec).unwrap()).build().unwrap()
    };
    let limit = |service: Service| match call(&service, "bad", "hoard") {
        Err(CallError::OutOfMemory { limit, .. }) => limit,
        other => panic!("{other:?}"),
    };
    assert_eq!(limit(capped(8 << 20)), 8 << 20);
    assert_eq!(limit(capped(1 << 30)), 32 << 20);
}

/// A component whose start-up code is `start`.
fn starting(start: &str) -> String {
    format!(
        r#"(component
  (core module $m (memory 1) (func $start {start}) (start $start) (func (export "f")))
  (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "f")))
  (export "f" (func $f)))"#
    )
}

#[test]
fn start_up_is_bounded_and_repeated_failures_make_it_wait() {
    let limits = Limits { startup: Duration::from_millis(50), memory: 1 << 20, ..Limits::default() };
    let trapping = service_with(&[("bad", &starting("unreachable"))], limits.clone());
    let looping = service_with(&[("bad", &starting("(loop $l (br $l))"))], limits.clone());
    let greedy = service_with(&[("bad", &starting("").replace("(memory 1)", "(memory 100)"))], limits);
    let texts = [&trapping, &looping, &greedy].map(|service| call(service, "bad", "f").unwrap_err().to_string());
    insta::assert_snapshot!(texts.join("\n"), @r#"
    start-up of `test` failed: `bad` trapped in `start-up`: wasm trap: wasm `unreachable` instruction executed
    start-up of `test` did not end within 50 ms
    start-up of `test` was refused: memory minimum size of 100 pages exceeds memory limits
    "#);
    for _ in 0..4 {
        assert!(matches!(call(&trapping, "bad", "f"), Err(CallError::Start(cause)) if !is_back_off(&cause)));
    }
    assert!(matches!(call(&trapping, "bad", "f"), Err(CallError::Start(cause)) if is_back_off(&cause)));
}

fn is_back_off(cause: &marine_runtime::StartError) -> bool {
    matches!(cause, marine_runtime::StartError::BackOff { .. })
}

#[test]
fn a_full_line_is_busy() {
    let limits = Limits { queue: 0, ..limits() };
    let service = service_with(&[("bad", &bad())], limits);
    service.start().unwrap();
    std::thread::scope(|scope| {
        let running = service.clone();
        let is_busy = |error: &CallError| matches!(error, CallError::Busy { .. });
        let spin = move || call(&running, "bad", "spin").err().filter(|error| !is_busy(error));
        scope.spawn(|| std::iter::repeat_with(spin).find_map(|error| error));
        let refused = std::iter::repeat_with(|| call(&service, "bad", "fine")).find_map(Result::err);
        assert_eq!(refused, Some(CallError::Busy { waiting: 0 }));
    });
}

#[test]
fn large_arguments_are_refused() {
    let service = service_with(&[("stock", &crate::guests::stock())], Limits { args: 1000, ..Limits::default() });
    let error = service.call("greet", json!(["x".repeat(2000)]), CallOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "args[0]: expected at most 1000 bytes of JSON, got more");
    assert_eq!(service.call("inc", json!([1]), CallOptions::default()), Ok(json!(2)));
}

#[test]
fn frames_tell_module_and_function() {
    let service = service_with(&[("bad", &bad()), ("front", FRONT)], limits());
    let Err(CallError::Trap(trap)) = call(&service, "front", "pass_trap") else { panic!("no trap") };
    assert_eq!(trap.called, ("front".to_owned(), "pass_trap".to_owned()));
    assert_eq!(trap.module, "bad");
    let modules: Vec<_> = trap.frames.iter().filter_map(|frame| frame.module.as_deref()).collect();
    assert_eq!((modules.first(), modules.last()), (Some(&"bad"), Some(&"front")));
    assert!(Module::from_bytes("bad", wat::parse_str(bad()).unwrap()).is_ok());
}
