//! Guests in the text format, and the few lines that link and build them.

use std::sync::LazyLock;

use marine_manifest::Limits;
use marine_runtime::{
    CodeCacheConfig, Engine, EngineConfig, LinkErrors, Module, ModuleSpec, Plan, Service, ServiceSpec,
};

/// The engine of all tests; nothing is kept on disk.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: LazyLock<Engine> =
        LazyLock::new(|| Engine::new(EngineConfig { cache: CodeCacheConfig::Off, ..EngineConfig::default() }).unwrap());
    &ENGINE
}

pub(crate) fn module(name: &str, wat: &str) -> Module {
    Module::from_bytes(name, wat::parse_str(wat).unwrap()).unwrap()
}

pub(crate) fn spec(modules: &[(&str, &str)]) -> ServiceSpec {
    let modules = modules.iter().map(|(name, wat)| ModuleSpec::new(module(name, wat)));
    ServiceSpec::new("test", modules.collect())
}

pub(crate) fn link(modules: &[(&str, &str)]) -> Result<Plan, LinkErrors> {
    Plan::link(engine(), spec(modules))
}

pub(crate) fn service(modules: &[(&str, &str)]) -> Service {
    Service::builder(link(modules).unwrap()).build().unwrap()
}

pub(crate) fn service_with(modules: &[(&str, &str)], limits: Limits) -> Service {
    let spec = ServiceSpec { limits, ..spec(modules) };
    Service::builder(Plan::link(engine(), spec).unwrap()).build().unwrap()
}

/// Memory, an allocator and `$pair`, which makes the two-word result of a string or list.
pub(crate) const CORE: &str = r#"
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func $realloc (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (block $done
        (loop $grow
          (br_if $done (i32.le_u (global.get $next) (i32.shl (memory.size) (i32.const 16))))
          (br_if $grow (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))
          (unreachable)))
      (local.get $at))
    (func (export "free") (param i32) (global.set $next (i32.const 1024)))
    (func $pair (param i32 i32) (result i32)
      (i32.store (i32.const 16) (local.get 0))
      (i32.store (i32.const 20) (local.get 1))
      (i32.const 16))
"#;

/// Module `stock`: `inc`, `echo`, `greet` and a counter.
pub(crate) fn stock() -> String {
    format!(
        r#"(component
  (core module $m {CORE}
    (data (i32.const 64) "Hello, ")
    (global $count (mut i32) (i32.const 0))
    (func (export "inc") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func (export "count") (result i32)
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (global.get $count))
    (func (export "echo") (param i32 i32) (result i32) (call $pair (local.get 0) (local.get 1)))
    (func (export "greet") (param i32 i32) (result i32)
      (local $at i32)
      (local.set $at (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.add (local.get 1) (i32.const 7))))
      (memory.copy (local.get $at) (i32.const 64) (i32.const 7))
      (memory.copy (i32.add (local.get $at) (i32.const 7)) (local.get 0) (local.get 1))
      (call $pair (local.get $at) (i32.add (local.get 1) (i32.const 7)))))
  (core instance $i (instantiate $m))
  (func $inc (param "n" u32) (result u32) (canon lift (core func $i "inc")))
  (func $count (result u32) (canon lift (core func $i "count")))
  (func $echo (param "text" string) (result string)
    (canon lift (core func $i "echo") (memory $i "memory") (realloc (func $i "realloc")) (post-return (func $i "free"))))
  (func $greet (param "name" string) (result string)
    (canon lift (core func $i "greet") (memory $i "memory") (realloc (func $i "realloc")) (post-return (func $i "free"))))
  (instance $api
    (export "inc" (func $inc)) (export "count" (func $count)) (export "echo" (func $echo)) (export "greet" (func $greet)))
  (export "marine:stock/api" (instance $api)))"#
    )
}

/// Module `till`: `plus-two` by two calls of `inc` in `stock`.
pub(crate) const TILL: &str = r#"(component
  (import "marine:stock/api" (instance $stock (export "inc" (func (param "n" u32) (result u32)))))
  (core func $inc (canon lower (func $stock "inc")))
  (core module $m
    (import "stock" "inc" (func $inc (param i32) (result i32)))
    (func (export "plus-two") (param i32) (result i32) (call $inc (call $inc (local.get 0)))))
  (core instance $i (instantiate $m (with "stock" (instance (export "inc" (func $inc))))))
  (func $plus-two (param "n" u32) (result u32) (canon lift (core func $i "plus-two")))
  (instance $api (export "plus-two" (func $plus-two)))
  (export "marine:till/api" (instance $api)))"#;

/// A component that imports `imports` (instance declarations) and exports interface `marine:<name>/api` with the function `f() -> u32`.
pub(crate) fn importer(name: &str, imports: &str) -> String {
    format!(
        r#"(component {imports}
  (core module $m (func (export "f") (result i32) (i32.const 7)))
  (core instance $i (instantiate $m))
  (func $f (result u32) (canon lift (core func $i "f")))
  (instance $api (export "f" (func $f)))
  (export "marine:{name}/api" (instance $api)))"#
    )
}
