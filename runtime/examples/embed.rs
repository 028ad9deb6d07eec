//! The runtime in a program of one's own: an interface that the program offers, a module that uses it, grants, calls, figures.
//!
//! Run with `cargo run -p marine-runtime --example embed`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use marine_runtime::{
    CallOptions, CodeCacheConfig, Engine, EngineConfig, Grants, HostInterface, Module, ModuleSpec, Plan, Service,
    ServiceSpec,
};
use serde_json::json;

/// What the program offers to modules, as they see it.
const WIT: &str = "package acme:till@1.0.0;
interface numbers {
  /// The number of the next receipt.
  next: func() -> u64;
}";

/// A module that uses it. One in Rust says `#[marine] #[module_import(\"acme:till/numbers@1.0.0\")] extern \"C\" { fn next() -> u64; }`.
const RECEIPTS: &str = r#"(component
  (import "acme:till/numbers@1.0.0" (instance $numbers (export "next" (func (result u64)))))
  (core func $next (canon lower (func $numbers "next")))
  (core module $m
    (import "" "next" (func $next (result i64)))
    (func (export "number") (result i64) (call $next)))
  (core instance $i (instantiate $m (with "" (instance (export "next" (func $next))))))
  (func $number (result u64) (canon lift (core func $i "number")))
  (instance $api (export "number" (func $number)))
  (export "marine:receipts/api" (instance $api)))"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let last = AtomicU64::new(1000);
    let numbers =
        HostInterface::new(WIT)?.function("next", move |_call, (): ()| Ok((last.fetch_add(1, Ordering::Relaxed) + 1,)));
    let config = EngineConfig { cache: CodeCacheConfig::Off, interfaces: vec![numbers], ..EngineConfig::default() };
    let engine = Engine::new(config)?;

    let receipts = Module::from_bytes("receipts", wat::parse_str(RECEIPTS)?)?;
    let plan = Plan::link(&engine, ServiceSpec::new("shop", vec![ModuleSpec::new(receipts)]))?;
    for request in plan.requests() {
        println!("{request}");
    }
    let granted = Grants::new().interface("receipts", "acme:till/numbers");
    let service = Service::builder(plan).grants(granted).logs(|record| println!("{}", record.message)).build()?;

    let options = || CallOptions { deadline: Some(Duration::from_secs(1)), ..CallOptions::default() };
    println!("{}", service.call("number", json!([]), options())?);
    let (number,) = service.call_typed::<(), (u64,)>("number", (), options())?;
    println!("{number}");
    println!("{} calls, {} bytes of memory", service.stats().calls, service.stats().memory);
    Ok(())
}
