//! What many services cost: time and resident memory of a thousand idle ones, and memory after many calls. Prints figures rather than
//! samples, since memory is not a matter of medians. Run with `cargo bench -p marine-benches --bench services` (Linux).

#![expect(clippy::print_stdout, reason = "figures are what it is for")]

use std::time::Instant;

use marine_runtime::{
    CallOptions, CodeCacheConfig, Engine, EngineConfig, Module, ModuleSpec, Plan, Service, ServiceSpec,
};
use serde_json::json;

/// Idle services.
const SERVICES: usize = 1000;

fn main() {
    // `cargo test` runs benches to see that they work; then a handful will do.
    let services = if std::env::args().any(|arg| arg == "--bench") { SERVICES } else { 10 };
    let engine =
        Engine::new(EngineConfig { cache: CodeCacheConfig::Off, ..EngineConfig::default() }).expect("an engine");
    let module = Module::from_bytes("idle", wat::parse_str(IDLE).expect("it is valid")).expect("it is a module");
    let build = || {
        let spec = ServiceSpec::new("idle", vec![ModuleSpec::new(module.clone())]);
        let service = Service::builder(Plan::link(&engine, spec).expect("it links")).build().expect("it builds");
        service.call("echo", json!(["x"]), CallOptions::default()).expect("it answers");
        service
    };
    let first = build();
    let (before, begun) = (resident(), Instant::now());
    let all: Vec<Service> = (0..services).map(|_| build()).collect();
    let each = begun.elapsed() / u32::try_from(services).unwrap_or(u32::MAX);
    let grown = resident().saturating_sub(before);
    println!(
        "{} services: {each:?} and {} KiB resident each, {} MiB together",
        all.len(),
        grown / services / 1024,
        grown >> 20
    );

    let text = json!(["x".repeat(64 * 1024)]);
    let calls = |number: usize| {
        for _ in 0..number {
            first.call("echo", text.clone(), CallOptions::default()).expect("it answers");
        }
        resident()
    };
    let (few, many) = (calls(services), calls(99 * services));
    println!("{} calls with 64 KiB: {} MiB; {} calls: {} MiB", services, few >> 20, 100 * services, many >> 20);
}

/// Bytes of memory that this process has resident; 0 where that cannot be told.
fn resident() -> usize {
    const PAGE: usize = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * PAGE
}

/// A module with a memory of 1 MiB that gives texts back.
const IDLE: &str = r#"(component
  (core module $m
    (memory (export "memory") 16)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (global.get $next))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    (func (export "free") (param i32) (global.set $next (i32.const 1024)))
    (func (export "echo") (param i32 i32) (result i32)
      (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16)))
  (core instance $i (instantiate $m))
  (func $echo (param "t" string) (result string)
    (canon lift (core func $i "echo") (memory $i "memory") (realloc (func $i "realloc")) (post-return (func $i "free"))))
  (instance $api (export "echo" (func $echo)))
  (export "marine:idle/api" (instance $api)))"#;
