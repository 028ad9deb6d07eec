//! What calls, starts and links cost: between modules and inside one, from the host with JSON and with typed values, with code that is
//! known, cached or new; each beside the same by plain Wasmtime, or beside copying and parsing alone. Run with
//! `cargo bench -p marine-benches --bench runtime`.

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

/// The same calls in a component that standard tools composed, run by plain Wasmtime with the same settings: the limit of
/// [`guest_call`].
#[divan::bench(args = ["inc-near", "inc-far", "greet-near", "greet-far"])]
fn bare_guest_call(bencher: Bencher<'_, '_>, function: &str) {
    let mut bare = bare::Instance::composed("stock", &stock(), "till", &till());
    let call = bare.typed::<(u32,), (u32,)>("marine:till/api", function);
    bencher.counter(ItemsCount::new(CALLS)).bench_local(|| bare.call(&call, (CALLS,)));
}

/// Plain Wasmtime.
mod bare {
    use std::path::Path;

    use wac_graph::types::Package;
    use wac_graph::{CompositionGraph, EncodeOptions};
    use wasmtime::component::{Component, ComponentNamedList, Lift, Linker, Lower, TypedFunc};
    use wasmtime::{Config, Engine, Store};

    pub(super) struct Instance {
        store: Store<()>,
        instance: wasmtime::component::Instance,
    }

    pub(super) fn engine() -> Engine {
        let mut config = Config::new();
        config.wasm_component_model(true).concurrency_support(false).epoch_interruption(true);
        Engine::new(&config).expect("an engine")
    }

    /// Compiled code of `user` with `provider` plugged into it, in a file.
    pub(super) fn composed_code(
        provider_name: &str,
        provider: &str,
        user_name: &str,
        user: &str,
    ) -> tempfile::TempPath {
        let component = Component::from_binary(&engine(), &compose(provider_name, provider, user_name, user));
        let code = component.and_then(|component| component.serialize()).expect("it compiles");
        let file = tempfile::NamedTempFile::new().expect("a file").into_temp_path();
        std::fs::write(&file, code).expect("written");
        file
    }

    /// `user` with `provider` plugged into it, by the library that `wac plug` is made of.
    fn compose(provider_name: &str, provider: &str, user_name: &str, user: &str) -> Vec<u8> {
        let mut graph = CompositionGraph::new();
        let mut instantiate = |name: &str, wat: &str| {
            let bytes = wat::parse_str(wat).expect("the bench guest is valid");
            let package = Package::from_bytes(&format!("bench:{name}"), None, bytes, graph.types_mut());
            let package = graph.register_package(package.expect("it is a component")).expect("it is new");
            graph.instantiate(package)
        };
        let (provider, user) = (instantiate(provider_name, provider), instantiate(user_name, user));
        let import = format!("marine:{provider_name}/api");
        let export = format!("marine:{user_name}/api");
        let offered = graph.alias_instance_export(provider, &import).expect("it is exported");
        graph.set_instantiation_argument(user, &import, offered).expect("it is imported");
        let offered = graph.alias_instance_export(user, &export).expect("it is exported");
        graph.export(offered, &export).expect("it is free");
        let options = EncodeOptions { define_components: true, validate: false, processor: None };
        graph.encode(options).expect("it composes")
    }

    impl Instance {
        pub(super) fn new(wat: &str) -> Instance {
            Instance::of(&wat::parse_str(wat).expect("the bench guest is valid"))
        }

        /// `user` with `provider` plugged into it.
        pub(super) fn composed(provider_name: &str, provider: &str, user_name: &str, user: &str) -> Instance {
            Instance::of(&compose(provider_name, provider, user_name, user))
        }

        fn of(bytes: &[u8]) -> Instance {
            let engine = engine();
            let component = Component::from_binary(&engine, bytes).expect("it compiles");
            Instance::start(&engine, &component)
        }

        /// An instance of compiled code.
        pub(super) fn deserialized(engine: &Engine, code: &Path) -> Instance {
            // SAFETY: the code was written by `composed_code` of this process.
            #[expect(unsafe_code, reason = "the code is our own")]
            let component = unsafe { Component::deserialize_file(engine, code) };
            Instance::start(engine, &component.expect("it is the engine's"))
        }

        fn start(engine: &Engine, component: &Component) -> Instance {
            let mut store = Store::new(engine, ());
            store.set_epoch_deadline(u64::MAX / 2);
            let instance = Linker::new(engine).instantiate(&mut store, component).expect("it starts");
            Instance { store, instance }
        }

        pub(super) fn typed<P, R>(&mut self, interface: &str, function: &str) -> TypedFunc<P, R>
        where
            P: ComponentNamedList + Lower,
            R: ComponentNamedList + Lift,
        {
            let interface = self.instance.get_export_index(&mut self.store, None, interface).expect("it is exported");
            let index = self.instance.get_export_index(&mut self.store, Some(&interface), function);
            let function = self.instance.get_func(&mut self.store, index.expect("it is exported"));
            function.expect("it is a function").typed(&self.store).expect("the types agree")
        }

        pub(super) fn call<P, R>(&mut self, function: &TypedFunc<P, R>, params: P) -> R
        where
            P: ComponentNamedList + Lower,
            R: ComponentNamedList + Lift,
        {
            function.call(&mut self.store, params).expect("it answers")
        }
    }
}

/// Values that go to a module and come back.
#[divan::bench_group(sample_count = 50)]
mod round_trip {
    use super::*;

    const BYTES: usize = 64 * 1024;
    const TEXT: usize = 1024 * 1024;

    /// Module `mirror`: gives back what it gets.
    fn mirror() -> String {
        let fields = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
        let fields: Vec<String> = fields.iter().map(|name| format!("(field \"{name}\" u32)")).collect();
        let record = format!("(record {} (field \"name\" string) (field \"note\" string))", fields.join(" "));
        format!(
            r#"(component
  (core module $m {HEAP}
    (func (export "echo") (param i32 i32) (result i32)
      (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16))
    (func (export "echo-record") (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
      {stores}
      (i32.const 96)))
  (core instance $i (instantiate $m))
  (type $r {record})
  (func $bytes (param "b" (list u8)) (result (list u8))
    (canon lift (core func $i "echo") (memory $i "memory") (realloc (func $i "realloc")) (post-return (func $i "free"))))
  (func $text (param "t" string) (result string)
    (canon lift (core func $i "echo") (memory $i "memory") (realloc (func $i "realloc")) (post-return (func $i "free"))))
  (func $record (param "r" $r) (result $r)
    (canon lift (core func $i "echo-record") (memory $i "memory") (realloc (func $i "realloc")) (post-return (func $i "free"))))
  (component $wrap
    (type $r {record})
    (import "r" (type $ri (eq $r)))
    (import "bytes" (func $bytes (param "b" (list u8)) (result (list u8))))
    (import "text" (func $text (param "t" string) (result string)))
    (import "record" (func $record (param "r" $ri) (result $ri)))
    (export $re "rec" (type $r))
    (export "bytes" (func $bytes)) (export "text" (func $text))
    (export "record" (func $record) (func (param "r" $re) (result $re))))
  (instance $api (instantiate $wrap (with "r" (type $r)) (with "bytes" (func $bytes)) (with "text" (func $text))
    (with "record" (func $record))))
  (export "marine:mirror/api" (instance $api)))"#,
            stores = (0..15)
                .map(|n| format!("(i32.store (i32.const {}) (local.get {n}))", 96 + 4 * n))
                .collect::<Vec<_>>()
                .join(" ")
        )
        // A heap that holds what goes through it.
        .replace("(memory (export \"memory\") 2)", "(memory (export \"memory\") 64)")
    }

    fn service() -> Service {
        let spec = ServiceSpec::new("mirror", vec![ModuleSpec::new(module("mirror", &mirror()))]);
        Service::builder(Plan::link(&uncached(), spec).expect("it links")).build().expect("it builds")
    }

    #[divan::bench]
    fn bytes_64k_typed(bencher: Bencher<'_, '_>) {
        let (service, bytes) = (service(), vec![7u8; BYTES]);
        bencher.bench_local(|| {
            let options = CallOptions::default();
            service.call_typed::<(Vec<u8>,), (Vec<u8>,)>("bytes", (bytes.clone(),), options).expect("it answers")
        });
    }

    #[divan::bench]
    fn bytes_64k_bare(bencher: Bencher<'_, '_>) {
        let (mut bare, bytes) = (bare::Instance::new(&mirror()), vec![7u8; BYTES]);
        let call = bare.typed::<(Vec<u8>,), (Vec<u8>,)>("marine:mirror/api", "bytes");
        bencher.bench_local(|| bare.call(&call, (bytes.clone(),)));
    }

    /// From text to text.
    #[divan::bench(sample_size = 100)]
    fn record_of_13_fields_json(bencher: Bencher<'_, '_>) {
        let service = service();
        let text = r#"[{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"k":11,"name":"tea","note":"from afar"}]"#;
        bencher.bench_local(|| {
            let args = serde_json::from_str(divan::black_box(text)).expect("it is JSON");
            service.call("record", args, CallOptions::default()).expect("it answers").to_string()
        });
    }

    /// From value to value.
    #[divan::bench]
    fn text_1m_json(bencher: Bencher<'_, '_>) {
        let (service, text) = (service(), json!(["x".repeat(TEXT)]));
        bencher
            .with_inputs(|| text.clone())
            .bench_local_values(|args| service.call("text", args, CallOptions::default()).expect("it answers"));
    }

    #[divan::bench]
    fn text_1m_typed(bencher: Bencher<'_, '_>) {
        let service = service();
        bencher.with_inputs(|| "x".repeat(TEXT)).bench_local_values(|text| {
            let options = CallOptions::default();
            service.call_typed::<(String,), (String,)>("text", (text,), options).expect("it answers")
        });
    }

    /// Into the guest's memory and out of it again is two copies at least; the memory is there.
    #[divan::bench]
    fn text_1m_copied_twice(bencher: Bencher<'_, '_>) {
        let (text, mut there, mut back) = (vec![b'x'; TEXT], vec![0; TEXT], vec![0; TEXT]);
        bencher.bench_local(|| {
            there.copy_from_slice(divan::black_box(&text));
            back.copy_from_slice(divan::black_box(&there));
            divan::black_box(&mut back);
        });
    }

    fn through(service: &Service, function: &str, text: &str) -> String {
        let args = serde_json::from_str(divan::black_box(text)).expect("it is JSON");
        service.call(function, args, CallOptions::default()).expect("it answers").to_string()
    }

    fn parsed_and_printed(text: &str) -> String {
        serde_json::from_str::<serde_json::Value>(divan::black_box(text)).expect("it is JSON").to_string()
    }

    fn long_text() -> String {
        json!(["x".repeat(TEXT)]).to_string()
    }

    /// 1 MiB of bytes as a list of numbers.
    fn numbers() -> String {
        let bytes: Vec<u8> = (0..TEXT).map(|n| (n * 31 % 251) as u8).collect();
        json!([bytes]).to_string()
    }

    /// From text to text.
    #[divan::bench]
    fn text_1m_json_text(bencher: Bencher<'_, '_>) {
        let (service, text) = (service(), long_text());
        bencher.bench_local(|| through(&service, "text", &text));
    }

    #[divan::bench]
    fn text_1m_parsed_and_printed(bencher: Bencher<'_, '_>) {
        let text = long_text();
        bencher.bench_local(|| parsed_and_printed(&text));
    }

    /// From text to text.
    #[divan::bench(sample_count = 10)]
    fn bytes_1m_json_numbers(bencher: Bencher<'_, '_>) {
        let (service, text) = (service(), numbers());
        bencher.bench_local(|| through(&service, "bytes", &text));
    }

    #[divan::bench(sample_count = 10)]
    fn bytes_1m_parsed_and_printed(bencher: Bencher<'_, '_>) {
        let text = numbers();
        bencher.bench_local(|| parsed_and_printed(&text));
    }
}

/// A call from the host.
#[divan::bench_group(sample_size = 1000)]
mod host_call {
    use super::*;

    fn stock_only() -> Service {
        let spec = ServiceSpec::new("stock", vec![ModuleSpec::new(module("stock", &stock()))]);
        Service::builder(Plan::link(&uncached(), spec).expect("it links")).build().expect("it builds")
    }

    /// What the same function costs without a service around it: the limit.
    #[divan::bench]
    fn bare_inc(bencher: Bencher<'_, '_>) {
        let mut bare = bare::Instance::new(&stock());
        let call = bare.typed::<(u32,), (u32,)>("marine:stock/api", "inc");
        bencher.bench_local(|| bare.call(&call, (divan::black_box(1),)));
    }

    #[divan::bench]
    fn bare_greeting(bencher: Bencher<'_, '_>) {
        let mut bare = bare::Instance::new(&stock());
        let call = bare.typed::<(&'static str,), (String,)>("marine:stock/api", "greet");
        bencher.bench_local(|| bare.call(&call, (divan::black_box("newcomer"),)));
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

    /// The same by plain Wasmtime, of code that it made itself from what standard tools composed: the limit.
    #[divan::bench]
    fn bare_deserialized(bencher: Bencher<'_, '_>) {
        let code = bare::composed_code("stock", &stock(), "till", &till());
        bencher.with_inputs(bare::engine).bench_local_values(|engine| {
            let mut bare = bare::Instance::deserialized(&engine, &code);
            let call = bare.typed::<(u32,), (u32,)>("marine:till/api", "inc-far");
            bare.call(&call, (1,))
        });
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
