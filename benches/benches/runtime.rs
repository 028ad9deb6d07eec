//! What calls, starts and links cost: between modules and inside one, from the host with JSON and with typed values, with code that is
//! known, cached or new. Run with `cargo bench -p marine-benches --bench runtime`.

use std::cell::Cell;
use std::sync::LazyLock;
use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use marine_runtime::{
    CallOptions, CodeCacheConfig, Engine, EngineConfig, Module, ModuleSpec, Plan, Service, ServiceSpec, Val,
};
use serde_json::json;

fn main() {
    divan::main();
}

/// Calls per iteration where one call is too short to be timed.
const CALLS: u32 = 10_000;

/// What `stock` offers, as core functions: shared by `stock` and, for comparison, by `till` itself.
const GOODS: &str = r#"
    (func $inc (export "inc") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func $greet (export "greet") (param i32 i32) (result i32)
      (local $at i32)
      (local.set $at (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.add (local.get 1) (i32.const 7))))
      (memory.copy (local.get $at) (i32.const 64) (i32.const 7))
      (memory.copy (i32.add (local.get $at) (i32.const 7)) (local.get 0) (local.get 1))
      (i32.store (i32.const 16) (local.get $at))
      (i32.store (i32.const 20) (i32.add (local.get 1) (i32.const 7)))
      (i32.const 16))
"#;

/// A memory and an allocator that forgets all at `free`.
const HEAP: &str = r#"
    (memory (export "memory") 2)
    (data (i32.const 64) "Hello, ") (data (i32.const 80) "newcomer")
    (global $next (mut i32) (i32.const 1024))
    (func $realloc (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    (func $free (export "free") (param i32) (global.set $next (i32.const 1024)))
"#;

fn stock() -> String {
    format!(
        r#"(component
  (core module $m {HEAP} {GOODS})
  (core instance $i (instantiate $m))
  (func $inc (param "n" u32) (result u32) (canon lift (core func $i "inc")))
  (func $greet (param "name" string) (result string)
    (canon lift (core func $i "greet") (memory $i "memory") (realloc (func $i "realloc")) (post-return (func $i "free"))))
  (instance $api (export "inc" (func $inc)) (export "greet" (func $greet)))
  (export "marine:stock/api" (instance $api)))"#
    )
}

/// Calls of `$callee` in a loop, `n` times.
fn repeat(name: &str, call: &str) -> String {
    format!(
        r#"(func (export "{name}") (param $n i32) (result i32) (local $sum i32)
      (loop $again
        {call}
        (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $sum))"#
    )
}

fn till() -> String {
    let inc = |callee| format!("(local.set $sum (call {callee} (local.get $sum)))");
    let greet = "(call $far-greet (i32.const 80) (i32.const 8) (i32.const 32)) (call $free (i32.const 0))";
    let near_greet = "(drop (call $greet (i32.const 80) (i32.const 8))) (call $free (i32.const 0))";
    let loops = [
        repeat("inc-far", &inc("$far-inc")),
        repeat("inc-near", &inc("$inc")),
        repeat("greet-far", greet),
        repeat("greet-near", near_greet),
    ]
    .join("\n");
    format!(
        r#"(component
  (import "marine:stock/api" (instance $stock
    (export "inc" (func (param "n" u32) (result u32)))
    (export "greet" (func (param "name" string) (result string)))))
  (core module $heap {HEAP})
  (core instance $h (instantiate $heap))
  (core func $inc (canon lower (func $stock "inc")))
  (core func $greet (canon lower (func $stock "greet") (memory $h "memory") (realloc (func $h "realloc"))))
  (core module $m
    (import "heap" "memory" (memory 2))
    (import "heap" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (import "heap" "free" (func $free (param i32)))
    (import "stock" "inc" (func $far-inc (param i32) (result i32)))
    (import "stock" "greet" (func $far-greet (param i32 i32 i32)))
    {GOODS}
    {loops})
  (core instance $i (instantiate $m (with "heap" (instance $h))
    (with "stock" (instance (export "inc" (func $inc)) (export "greet" (func $greet))))))
  (func $inc-far (param "n" u32) (result u32) (canon lift (core func $i "inc-far")))
  (func $inc-near (param "n" u32) (result u32) (canon lift (core func $i "inc-near")))
  (func $greet-far (param "n" u32) (result u32) (canon lift (core func $i "greet-far")))
  (func $greet-near (param "n" u32) (result u32) (canon lift (core func $i "greet-near")))
  (instance $api (export "inc-far" (func $inc-far)) (export "inc-near" (func $inc-near))
    (export "greet-far" (func $greet-far)) (export "greet-near" (func $greet-near)))
  (export "marine:till/api" (instance $api)))"#
    )
}

fn module(name: &str, wat: &str) -> Module {
    Module::from_bytes(name, wat::parse_str(wat).expect("the bench guest is valid"))
        .expect("the bench guest is a module")
}

fn uncached() -> Engine {
    Engine::new(EngineConfig { cache: CodeCacheConfig::Off, ..EngineConfig::default() }).expect("an engine")
}

fn spec() -> ServiceSpec {
    static MODULES: LazyLock<[Module; 2]> = LazyLock::new(|| [module("stock", &stock()), module("till", &till())]);
    let mut spec = ServiceSpec::new("shop", MODULES.iter().cloned().map(ModuleSpec::new).collect());
    spec.limits.timeout = Duration::from_secs(600);
    spec
}

fn service(engine: &Engine) -> Service {
    Service::builder(Plan::link(engine, spec()).expect("it links")).build().expect("it builds")
}

fn shop() -> Service {
    static SHOP: LazyLock<Service> = LazyLock::new(|| service(&uncached()));
    SHOP.clone()
}

/// One call between modules, or inside of one.
#[divan::bench(args = ["inc_near", "inc_far", "greet_near", "greet_far"])]
fn guest_call(bencher: Bencher<'_, '_>, function: &str) {
    let shop = shop();
    bencher.counter(ItemsCount::new(CALLS)).bench_local(|| {
        shop.call_typed::<(u32,), (u32,)>(function, (CALLS,), CallOptions::default()).expect("it answers")
    });
}

/// A call from the host.
#[divan::bench_group(sample_size = 1000)]
mod host_call {
    use super::*;

    fn stock_only() -> Service {
        let spec = ServiceSpec::new("stock", vec![ModuleSpec::new(module("stock", &stock()))]);
        Service::builder(Plan::link(&uncached(), spec).expect("it links")).build().expect("it builds")
    }

    #[divan::bench]
    fn json_inc(bencher: Bencher<'_, '_>) {
        let service = stock_only();
        bencher.bench_local(|| service.call("inc", json!([1]), CallOptions::default()).expect("it answers"));
    }

    /// From text to text.
    #[divan::bench]
    fn json_greeting(bencher: Bencher<'_, '_>) {
        let service = stock_only();
        bencher.bench_local(|| {
            let args = serde_json::from_str(divan::black_box(r#"["newcomer"]"#)).expect("it is JSON");
            service.call("greet", args, CallOptions::default()).expect("it answers").to_string()
        });
    }

    #[divan::bench]
    fn typed_inc(bencher: Bencher<'_, '_>) {
        let service = stock_only();
        bencher.bench_local(|| {
            service.call_typed::<(u32,), (u32,)>("inc", (1,), CallOptions::default()).expect("it answers")
        });
    }

    #[divan::bench]
    fn typed_greeting(bencher: Bencher<'_, '_>) {
        let service = stock_only();
        bencher.bench_local(|| {
            let answer =
                service.call_typed::<(&'static str,), (String,)>("greet", ("newcomer",), CallOptions::default());
            answer.expect("it answers")
        });
    }

    #[divan::bench]
    fn values_greeting(bencher: Bencher<'_, '_>) {
        let service = stock_only();
        let args = [Val::String("newcomer".to_owned())];
        bencher.bench_local(|| service.call_values("greet", &args, CallOptions::default()).expect("it answers"));
    }
}

/// From components to the first answer.
mod start {
    use super::*;

    fn first_answer(service: &Service) -> serde_json::Value {
        service.call("inc_far", json!([1]), CallOptions::default()).expect("it answers")
    }

    /// A service of code that another service runs: link, build, instantiate, call.
    #[divan::bench]
    fn known_code(bencher: Bencher<'_, '_>) {
        let engine = uncached();
        let _first = service(&engine);
        bencher.bench_local(|| first_answer(&service(&engine)));
    }

    /// Only instantiate and call.
    #[divan::bench]
    fn instantiate(bencher: Bencher<'_, '_>) {
        let service = service(&uncached());
        bencher.with_inputs(|| service.reset()).bench_local_values(|reset| {
            reset.expect("the service is idle");
            first_answer(&service)
        });
    }

    /// A new engine, as after a restart, that finds the code on disk.
    #[divan::bench]
    fn cached_on_disk(bencher: Bencher<'_, '_>) {
        let dir = tempfile::tempdir().expect("a directory");
        let open = || {
            let cache = CodeCacheConfig::Dir(dir.path().to_path_buf());
            Engine::new(EngineConfig { cache, ..EngineConfig::default() }).expect("an engine")
        };
        let _ = service(&open());
        bencher.with_inputs(open).bench_local_values(|engine| first_answer(&service(&engine)));
    }

    /// Everything: compose and compile too.
    #[divan::bench(sample_count = 10)]
    fn new_code(bencher: Bencher<'_, '_>) {
        bencher.with_inputs(uncached).bench_local_values(|engine| first_answer(&service(&engine)));
    }

    /// Reading and checking one component.
    #[divan::bench]
    fn load_module(bencher: Bencher<'_, '_>) {
        let bytes = Cell::new(wat::parse_str(till()).expect("the bench guest is valid"));
        bencher.bench_local(|| {
            let copy = bytes.take();
            bytes.set(copy.clone());
            Module::from_bytes("till", copy).expect("the bench guest is a module")
        });
    }
}
