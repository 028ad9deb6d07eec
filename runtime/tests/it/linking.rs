//! What does not link, and how that reads.

use std::collections::BTreeMap;

use marine_runtime::{CallOptions, Module, ModuleError, Plan, Service};
use serde_json::json;

use crate::guests::{TILL, engine, importer, link, module, service, spec, stock};

fn errors(modules: &[(&str, &str)]) -> String {
    link(modules).unwrap_err().to_string()
}

fn import(id: &str, function: &str) -> String {
    format!("(import \"{id}\" (instance {function}))")
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let stock = stock();
    let bad = [
        import("marine:stok/api", r#"(export "inc" (func (param "n" u32) (result u32)))"#),
        import("marine:stock/api", r#"(export "inc" (func (param "n" u64) (result u32))) (export "ink" (func))"#),
        import("acme:nobody/things@1.0.0", r#"(export "f" (func))"#),
        import("marine:host/log@1.7.0", r#"(export "filter" (func (result string)))"#),
        import("wasi:keyvalue/store@0.2.0", ""),
    ];
    insta::assert_snapshot!(errors(&[("stock", &stock), ("till", &importer("till", &bad.join("\n")))]), @r#"
    error[M401]: `till` imports `marine:stok/api`, but the service has no module `stok`
    help: did you mean `stock`? else add a `[[module]]` named `stok`
    error[M403]: `till` and `stock` disagree about `inc`
      till  imports inc: func(n: u64) -> u32
      stock exports inc: func(n: u32) -> u32
                                 ^^^ u64 here, u32 there
    help: change the import block of `till`, then build it again
    error[M402]: `stock` has no function `ink`, which `till` imports
    help: did you mean `inc`? `stock` offers `inc`, `count`, `echo`, `greet`
    error[M409]: `till` imports `acme:nobody/things@1.0.0`, which neither the host nor a module of the service offers
    help: add a module that exports it, or wire it with `needs`
    error[M408]: `till` imports `marine:host/log@1.7.0`: this host offers `marine:host` 1.0
    help: build the module for what this host offers, or use a newer host
    error[M408]: `till` imports `wasi:keyvalue/store@0.2.0`: this host does not offer that WASI interface
    help: build the module for what this host offers, or use a newer host
    "#);
}

#[test]
fn circles_are_reported_with_their_path() {
    let f = r#"(export "f" (func (result u32)))"#;
    let one = importer("one", &import("marine:two/api", f));
    let two = importer("two", &import("marine:three/api", f));
    let three = importer("three", &import("marine:one/api", f));
    let own = importer("own", &import("marine:own/api", f));
    insta::assert_snapshot!(errors(&[("one", &one), ("two", &two), ("three", &three), ("own", &own)]), @r#"
    error[M405]: `own` imports itself
    help: calls go one way: move what both need into a module of its own
    error[M404]: modules import each other in a circle: one -> two -> three -> one
    help: calls go one way: move what both need into a module of its own
    "#);
}

#[test]
fn lists_of_modules_are_checked() {
    let stock = stock();
    insta::assert_snapshot!(errors(&[]), @r#"
    error[M412]: the service has 0 modules; a service has 1 to 64
    help: list at least one `[[module]]`
    "#);
    insta::assert_snapshot!(errors(&[("stock", &stock), ("stock", &stock)]), @r#"
    error[M406]: two modules are called `stock`
    help: give one of them another name
    "#);
    let many: Vec<(String, &str)> = (0..65).map(|index| (format!("m{index}"), TILL)).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, wat)| (name.as_str(), *wat)).collect();
    insta::assert_snapshot!(errors(&many), @r#"
    error[M412]: the service has 65 modules; a service has 1 to 64
    help: split the service
    "#);
    let mut wrong = spec(&[("stock", &stock)]);
    wrong.facade = Some("stok".to_owned());
    wrong.modules[0].needs = BTreeMap::from([("acme:x/y".to_owned(), "stock".to_owned())]);
    wrong.modules[0].memory = Some(1000);
    insta::assert_snapshot!(Plan::link(engine(), wrong).unwrap_err(), @r#"
    error[M414]: the facade `stok` is not a module of the service
    help: did you mean `stock`?
    error[M416]: `stock` starts with 65536 bytes of memory, more than its cap of 1000 bytes
    help: raise `memory` of the module
    error[M415]: `stock` wires `acme:x/y` by hand, but it imports nothing of that name
    help: remove the entry or correct it
    "#);
}

#[test]
fn a_provider_may_offer_more_and_have_another_interface() {
    let other = stock().replace("marine:stock/api", "acme:shop/goods@1.2.0");
    let plan = link(&[("stock", &other), ("till", TILL)]).unwrap();
    assert_eq!(plan.modules().next().unwrap().interface().id.as_deref(), Some("acme:shop/goods@1.2.0"));
    let answer = Service::builder(plan).build().unwrap().call("plus_two", json!([1]), CallOptions::default());
    assert_eq!(answer, Ok(json!(3)));
}

#[test]
fn a_component_of_bare_functions_is_a_module() {
    let bare = stock().replace(
        r#"(instance $api
    (export "inc" (func $inc)) (export "count" (func $count)) (export "echo" (func $echo)) (export "greet" (func $greet)))
  (export "marine:stock/api" (instance $api))"#,
        r#"(export "inc" (func $inc)) (export "greet" (func $greet))"#,
    );
    let service = service(&[("stock", &bare), ("till", TILL)]);
    assert_eq!(service.call("plus_two", json!([1]), CallOptions::default()), Ok(json!(3)));
    let alone = crate::guests::service(&[("stock", &bare)]);
    assert_eq!(alone.call("greet", json!(["bare"]), CallOptions::default()), Ok(json!("Hello, bare")));
}

#[test]
fn needs_wire_imports_by_hand() {
    let stock = stock();
    let importing = TILL.replace("marine:stock/api", "acme:shop/goods@1.2.0");
    let mut spec = spec(&[("stock", &stock), ("till", &importing)]);
    assert_eq!(Plan::link(engine(), spec.clone()).unwrap_err().iter().next().unwrap().code(), "M409");
    spec.modules[1].needs = BTreeMap::from([("acme:shop/goods".to_owned(), "stock".to_owned())]);
    let service = Service::builder(Plan::link(engine(), spec).unwrap()).build().unwrap();
    assert_eq!(service.call("plus_two", json!([5]), CallOptions::default()), Ok(json!(7)));
}

/// `provider` takes a record called `name`; `importer` imports that function with a record called `ticket`.
fn record_pair(name: &str) -> (String, String) {
    let provider = format!(
        r#"(component
  (type $r (record (field "n" u32)))
  (core module $m (func (export "take") (param i32) (result i32) (local.get 0)))
  (core instance $i (instantiate $m))
  (func $take (param "it" $r) (result u32) (canon lift (core func $i "take")))
  (component $c
    (import "f" (func $f (param "it" (record (field "n" u32))) (result u32))))
  (component $wrap
    (type $r (record (field "n" u32)))
    (import "r" (type $ri (eq $r)))
    (import "f" (func $f (param "it" $ri) (result u32)))
    (export $re "{name}" (type $r))
    (export "take" (func $f) (func (param "it" $re) (result u32))))
  (instance $api (instantiate $wrap (with "r" (type $r)) (with "f" (func $take))))
  (export "marine:desk/api" (instance $api)))"#
    )
    .replace(
        r#"  (component $c
    (import "f" (func $f (param "it" (record (field "n" u32))) (result u32))))
"#,
        "",
    );
    let importer = r#"(component
  (import "marine:desk/api" (instance $desk
    (type $r (record (field "n" u32)))
    (export "ticket" (type $t (eq $r)))
    (export "take" (func (param "it" $t) (result u32)))))
  (core func $take (canon lower (func $desk "take")))
  (core module $m (import "" "take" (func $take (param i32) (result i32)))
    (func (export "f") (result i32) (call $take (i32.const 9))))
  (core instance $i (instantiate $m (with "" (instance (export "take" (func $take))))))
  (func $f (result u32) (canon lift (core func $i "f")))
  (instance $api (export "f" (func $f)))
  (export "marine:gate/api" (instance $api)))"#;
    (provider, importer.to_owned())
}

#[test]
fn records_link_by_structure() {
    let (desk, gate) = record_pair("ticket");
    let linked = service(&[("desk", &desk), ("gate", &gate)]);
    assert_eq!(linked.call("f", json!([]), CallOptions::default()), Ok(json!(9)));
    assert_eq!(linked.call_module("desk", "take", json!([{"n": 4}]), CallOptions::default()), Ok(json!(4)));
    let (desk, gate) = record_pair("slip");
    let bridged = service(&[("desk", &desk), ("gate", &gate)]);
    assert_eq!(bridged.call("f", json!([]), CallOptions::default()), Ok(json!(9)), "names of types do not count");
    // Two names for what is one type on the other side cannot both be found there.
    let twice = gate.replace(
        r#"(export "ticket" (type $t (eq $r)))"#,
        r#"(export "ticket" (type $t (eq $r))) (export "coupon" (type $u (eq $r)))"#,
    );
    insta::assert_snapshot!(errors(&[("desk", &desk), ("gate", &twice)]), @r#"
    error[M407]: `gate` has more names for the types of `take` than `desk`: nothing of `desk` is left for `ticket`
    help: use one name in `gate` for what is one type of `desk`; the fields already agree
    "#);
    insta::assert_snapshot!(module("desk", &desk).interface().to_wit(), @r#"
    interface api {
      record slip {
        n: u32,
      }
      take: func(it: slip) -> u32;
    }
    "#);
}

#[test]
fn resources_do_not_pass_between_modules() {
    let shop = r#"(component
  (type $basket (resource (rep i32)))
  (core func $new (canon resource.new $basket))
  (core module $m (import "" "new" (func $new (param i32) (result i32)))
    (func (export "make") (result i32) (call $new (i32.const 1))))
  (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
  (func $make (result (own $basket)) (canon lift (core func $i "make")))
  (component $wrap
    (import "basket" (type $b (sub resource)))
    (import "make" (func $make (result (own $b))))
    (export $e "basket" (type $b))
    (export "make" (func $make) (func (result (own $e)))))
  (instance $api (instantiate $wrap (with "basket" (type $basket)) (with "make" (func $make))))
  (export "marine:shop/api" (instance $api)))"#;
    let taker = importer(
        "taker",
        r#"(import "marine:shop/api" (instance
        (export "basket" (type $b (sub resource))) (export "make" (func (result (own $b))))))"#,
    );
    insta::assert_snapshot!(errors(&[("shop", shop), ("taker", &taker)]), @r#"
    error[M410]: `taker` uses a resource in `make` of `marine:shop/api`, which cannot pass between modules
    help: pass plain values: numbers, texts, lists, records, variants
    "#);
    let alone = service(&[("shop", shop)]);
    assert_eq!(alone.call("make", json!([]), CallOptions::default()).unwrap_err().code(), "M513");
}

#[test]
fn what_is_not_a_module_is_called_by_its_name() {
    let load = |name: &str, bytes: Vec<u8>| Module::from_bytes(name, bytes).unwrap_err().to_string();
    let with_section = |name: &str| wat::parse_str(format!("(module (@custom \"{name}\" \"x\"))")).unwrap();
    let mut broken = wat::parse_str(TILL).unwrap();
    broken.truncate(broken.len() / 2);
    let deep = (0..20).fold("(component)".to_owned(), |inner, _| format!("(component {inner})"));
    let texts = [
        load("a", b"#!/bin/sh".to_vec()),
        load("a", vec![]),
        load("a", wat::parse_str("(module)").unwrap()),
        load("a", with_section("interface-types")),
        load("a", broken),
        load("Bad Name", vec![]),
        load("a", wat::parse_str(deep).unwrap()),
        Module::from_file("a", "no/such/file.wasm").unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(texts.join("\n"), @r#"
    `a` is not WebAssembly: the file does not start with `\0asm`; give the component that `marine build` writes to `target/marine`
    `a` is not WebAssembly: the file does not start with `\0asm`; give the component that `marine build` writes to `target/marine`
    `a` is a core WebAssembly module, not a component; `marine build` makes components, for other tools see `wasm-tools component new`
    `a` was built for an older Marine with interface types; rebuild its sources with `marine build`
    `a` is not a valid component: unexpected end-of-file (at offset 0x99)
    `Bad Name` cannot name a module: names are words of a-z and 0-9 joined by single dashes, starting with a letter, 64 bytes at most; write `bad-name`
    `a` is refused: modules nest deeper than 16 levels
    cannot read the module `a` at no/such/file.wasm: No such file or directory (os error 2)
    "#);
    let large = Module::from_bytes("a", vec![0; 64 * 1024 * 1024 + 1]).unwrap_err();
    assert!(matches!(large, ModuleError::TooLarge { bytes: 67108865, .. }));
}

#[test]
fn types_that_are_trees_without_end_are_refused() {
    let load = |wat: String| Module::from_bytes("a", wat::parse_str(wat).unwrap());
    assert!(load(bomb(8)).is_ok());
    let texts = [load(bomb(14)), load(chain(150))].map(|refused| refused.unwrap_err().to_string());
    insta::assert_snapshot!(texts.join("\n"), @r#"
    `a` is refused: a type has more than 10000 parts
    `a` is not a valid component: type nesting is too deep (at offset 0xc)
    "#);
}

/// An import whose parameter type is a list of lists, `levels` deep.
fn chain(levels: usize) -> String {
    let types: String = (1..levels).map(|level| format!("(type $t{level} (list $t{}))", level - 1)).collect();
    importing(&format!("(type $t0 (list u8)) {types}"), levels - 1)
}

/// An import whose parameter type doubles `levels` times.
fn bomb(levels: usize) -> String {
    let types: String = (1..levels).map(|level| format!("(type $t{level} (tuple $t{0} $t{0}))", level - 1)).collect();
    importing(&format!("(type $t0 (tuple u8 u8)) {types}"), levels - 1)
}

fn importing(types: &str, last: usize) -> String {
    format!(r#"(component (import "marine:x/api" (instance {types} (export "f" (func (param "a" $t{last}))))))"#)
}
