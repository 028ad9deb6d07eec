//! What many services cost: time and resident memory of a thousand idle ones, memory after many calls, and whether calls of different
//! services scale over cores. Prints figures rather than samples, since memory is not a matter of medians, each with the limit that it
//! is held against. Run with `cargo bench -p marine-benches --bench services` (Linux).

#![expect(clippy::print_stdout, reason = "figures are what it is for")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use marine_runtime::{
    CallOptions, CodeCacheConfig, Engine, EngineConfig, Module, ModuleSpec, Plan, Service, ServiceSpec,
};
use serde_json::json;

/// Idle services.
const SERVICES: usize = 1000;
/// How long throughput is measured at a time, and how often: the machine may do other things, too.
const PERIOD: Duration = Duration::from_millis(500);
const ROUNDS: u32 = 8;

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
        "{} more services: {each:?} (limit 500 us) and {} KiB resident (limit 150 KiB) each, {} MiB together (limit 200 MiB)",
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
    println!(
        "resident after {} calls with 64 KiB: {} MiB; after {} calls: {} MiB (limit: the same)",
        services,
        few >> 20,
        100 * services,
        many >> 20
    );

    let (period, rounds) = if services == SERVICES { (PERIOD, ROUNDS) } else { (Duration::from_millis(5), 1) };
    for (what, function, args) in [("short", "echo", json!(["x"])), ("long", "spin", json!([100_000]))] {
        // Turn by turn, so that what else the machine does meets both alike.
        let (mut one, mut two) = (0, 0);
        for _ in 0..rounds {
            one += throughput(&all[..1], function, &args, period);
            two += throughput(&all[..2], function, &args, period);
        }
        let ratio = two as f64 / one.max(1) as f64;
        println!(
            "{what} calls: {one} by one thread, {two} by two threads on two services: {ratio:.2}x (of 2 cores at best 2)"
        );
    }
}

/// Calls that are answered within `period`, by one thread per service.
fn throughput(services: &[Service], function: &str, args: &serde_json::Value, period: Duration) -> u64 {
    let (ended, calls) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for service in services {
            scope.spawn(|| {
                let mut mine = 0;
                while !ended.load(Ordering::Relaxed) {
                    service.call(function, args.clone(), CallOptions::default()).expect("it answers");
                    mine += 1;
                }
                calls.fetch_add(mine, Ordering::Relaxed);
            });
        }
        std::thread::sleep(period);
        ended.store(true, Ordering::Relaxed);
    });
    calls.into_inner()
}

/// Bytes of memory that this process has resident; 0 where that cannot be told.
fn resident() -> usize {
    const PAGE: usize = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * PAGE
}

/// A module with a memory of 1 MiB that gives texts back, and computes.
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
      (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16))
    (func (export "spin") (param i32) (result i32)
      (loop $again (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 0)))
  (core instance $i (instantiate $m))
  (func $echo (param "t" string) (result string)
    (canon lift (core func $i "echo") (memory $i "memory") (realloc (func $i "realloc")) (post-return (func $i "free"))))
  (func $spin (param "n" u32) (result u32) (canon lift (core func $i "spin")))
  (instance $api (export "echo" (func $echo)) (export "spin" (func $spin)))
  (export "marine:idle/api" (instance $api)))"#;
