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

/// One function of an interface of the host: name, parameters in the text format, their flat core types, result.
pub(crate) type HostFunction<'a> = (&'a str, &'a str, &'a str, &'a str);

/// A component that offers `functions` of the host's `interface` as its own interface `marine:<name>/api`, passing everything on.
/// Results come through memory, so each has more than one flat value. `types` declares the types of the interface, `names` exports
/// them.
pub(crate) fn passing_on(
    name: &str,
    interface: &str,
    types: &str,
    names: &[&str],
    functions: &[HostFunction<'_>],
) -> String {
    let each =
        |write: &dyn Fn(&HostFunction<'_>) -> String| functions.iter().map(write).collect::<Vec<_>>().join("\n    ");
    let exports = each(&|(f, params, _, result)| format!("(export \"{f}\" (func {params} (result {result})))"));
    let aliases: Vec<String> = names.iter().map(|ty| format!("(alias export $host \"{ty}\" (type ${ty}))")).collect();
    let canon = "(memory $libc \"memory\") (realloc (func $libc \"realloc\"))";
    let lowered = each(&|(f, ..)| format!("(core func ${f} (canon lower (func $host \"{f}\") {canon}))"));
    let imports = each(&|(f, _, flat, _)| format!("(import \"\" \"{f}\" (func ${f} (param {flat} i32)))"));
    let given = each(&|(f, ..)| format!("(export \"{f}\" (func ${f}))"));
    let bodies = each(&|(f, _, flat, _)| {
        let args: Vec<String> = (0..flat.split(' ').count()).map(|n| format!("(local.get {n})")).collect();
        let args = args.join(" ");
        format!("(func (export \"{f}\") (param {flat}) (result i32) (call ${f} {args} (i32.const 16)) (i32.const 16))")
    });
    let lifted = each(&|(f, params, _, result)| {
        format!("(func $up-{f} {params} (result {result}) (canon lift (core func $i \"{f}\") {canon}))")
    });
    let offered = each(&|(f, ..)| format!("(export \"{f}\" (func $up-{f}))"));
    format!(
        r#"(component
  (import "{interface}" (instance $host
    {types}
    {exports}))
  {aliases}
  (core module $libc {CORE})
  (core instance $libc (instantiate $libc))
  {lowered}
  (core module $m
    {imports}
    {bodies})
  (core instance $i (instantiate $m (with "" (instance {given}))))
  {lifted}
  (instance $api {offered})
  (export "marine:{name}/api" (instance $api)))"#,
        aliases = aliases.join("\n  ")
    )
}

/// Module `shell`: offers `run` of the host's binaries.
pub(crate) fn shell(name: &str) -> String {
    let types = r#"(type $r (record (field "ret-code" s32) (field "error" string) (field "stdout" (list u8)) (field "stderr" (list u8))))
    (export "mounted-binary-result" (type $mounted-binary-result (eq $r)))"#;
    let run =
        ("run", r#"(param "name" string) (param "args" (list string))"#, "i32 i32 i32 i32", "$mounted-binary-result");
    passing_on(name, "marine:host/binaries@1.0.0", types, &["mounted-binary-result"], &[run])
}

/// Module `web`: offers `send` of the host's HTTP.
pub(crate) fn web(name: &str) -> String {
    let types = r#"(type $pairs (list (tuple string string)))
    (type $q (record (field "method" string) (field "url" string) (field "headers" $pairs) (field "body" (list u8))
      (field "timeout-ms" (option u32))))
    (export "request" (type $request (eq $q)))
    (type $a (record (field "status" u16) (field "headers" $pairs) (field "body" (list u8))))
    (export "response" (type $response (eq $a)))
    (type $e (variant (case "denied" string) (case "dns") (case "connect") (case "tls") (case "timeout") (case "too-large")
      (case "protocol" string)))
    (export "http-error" (type $http-error (eq $e)))"#;
    let flat = "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32";
    let send = ("send", r#"(param "request" $request)"#, flat, "(result $response (error $http-error))");
    passing_on(name, "marine:host/http@1.0.0", types, &["request", "response", "http-error"], &[send])
}

/// Module `shelf`: offers the host's key-value stores.
pub(crate) fn shelf(name: &str) -> String {
    let types = r#"(type $e (variant (case "denied") (case "no-store" string) (case "too-large") (case "quota") (case "read-only")))
    (export "kv-error" (type $kv-error (eq $e)))"#;
    let functions = [
        ("open", r#"(param "store" string)"#, "i32 i32", "(result (error $kv-error))"),
        (
            "get",
            r#"(param "store" string) (param "key" string)"#,
            "i32 i32 i32 i32",
            "(result (option (list u8)) (error $kv-error))",
        ),
        (
            "set",
            r#"(param "store" string) (param "key" string) (param "value" (list u8))"#,
            "i32 i32 i32 i32 i32 i32",
            "(result (error $kv-error))",
        ),
        (
            "delete",
            r#"(param "store" string) (param "key" string)"#,
            "i32 i32 i32 i32",
            "(result bool (error $kv-error))",
        ),
        (
            "exists",
            r#"(param "store" string) (param "key" string)"#,
            "i32 i32 i32 i32",
            "(result bool (error $kv-error))",
        ),
        (
            "keys",
            r#"(param "store" string) (param "prefix" string) (param "limit" u32)"#,
            "i32 i32 i32 i32 i32",
            "(result (list string) (error $kv-error))",
        ),
        (
            "increment",
            r#"(param "store" string) (param "key" string) (param "by" s64)"#,
            "i32 i32 i32 i32 i64",
            "(result s64 (error $kv-error))",
        ),
        (
            "swap",
            r#"(param "store" string) (param "key" string) (param "expected" (option (list u8))) (param "new" (option (list u8)))"#,
            "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32",
            "(result bool (error $kv-error))",
        ),
    ];
    passing_on(name, "marine:host/keyvalue@1.0.0", types, &["kv-error"], &functions)
}
