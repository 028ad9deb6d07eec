//! Interfaces that an embedder offers: checked when the engine is made and when modules are linked, granted per module.

use marine_runtime::{
    CallError, CallOptions, CallParameters, CodeCacheConfig, Engine, EngineConfig, EngineError, Grants, HostError,
    HostInterface, HostInterfaceError, ModuleSpec, ParticleParameters, Plan, Service, ServiceSpec,
};
use serde_json::{Value, json};

use crate::guests::{CORE, importer, module};

const WIT: &str = "package acme:market@1.2.0;
interface prices {
  record cost { cents: u64, currency: string }
  price: func(item: string) -> result<u64, string>;
  who: func() -> string;
}";

fn prices() -> HostInterface {
    HostInterface::new(WIT)
        .unwrap()
        .function("price", |_, (item,): (String,)| match item.as_str() {
            "tea" => Ok((Ok::<u64, String>(250),)),
            "salt" => Ok((Err("sold out".to_owned()),)),
            _ => Err(HostError::new("the market is closed")),
        })
        .function("who", |call, (): ()| {
            assert!(!call.is_cancelled() && call.deadline() > std::time::Instant::now());
            let particle = &call.params().particle;
            let who = [call.module(), call.service_id(), call.call_id(), &particle.init_peer_id];
            Ok((who.join(" "),))
        })
}

fn engine(interfaces: Vec<HostInterface>) -> Result<Engine, EngineError> {
    Engine::new(EngineConfig { cache: CodeCacheConfig::Off, interfaces, ..EngineConfig::default() })
}

/// Module `name`: passes `price` and `who` on.
fn shopper(name: &str, version: &str) -> String {
    format!(
        r#"(component
  (import "acme:market/prices@{version}" (instance $prices
    (export "price" (func (param "item" string) (result (result u64 (error string)))))
    (export "who" (func (result string)))))
  (core module $m {CORE})
  (core instance $i (instantiate $m))
  (core func $price (canon lower (func $prices "price") (memory $i "memory") (realloc (func $i "realloc"))))
  (core func $who (canon lower (func $prices "who") (memory $i "memory") (realloc (func $i "realloc"))))
  (core module $n
    (import "" "price" (func $price (param i32 i32 i32)))
    (import "" "who" (func $who (param i32)))
    (func (export "price") (param i32 i32) (result i32)
      (call $price (local.get 0) (local.get 1) (i32.const 32)) (i32.const 32))
    (func (export "who") (result i32) (call $who (i32.const 32)) (i32.const 32)))
  (core instance $j (instantiate $n (with "" (instance (export "price" (func $price)) (export "who" (func $who))))))
  (func $price-up (param "item" string) (result (result u64 (error string)))
    (canon lift (core func $j "price") (memory $i "memory") (realloc (func $i "realloc"))))
  (func $who-up (result string) (canon lift (core func $j "who") (memory $i "memory") (realloc (func $i "realloc"))))
  (instance $api (export "price" (func $price-up)) (export "who" (func $who-up)))
  (export "marine:{name}/api" (instance $api)))"#
    )
}

fn plan(modules: &[(&str, &str)]) -> Result<Plan, String> {
    let modules = modules.iter().map(|(name, wat)| ModuleSpec::new(module(name, wat))).collect();
    Plan::link(&engine(vec![prices()]).unwrap(), ServiceSpec::new("test", modules)).map_err(|errors| errors.to_string())
}

fn call(service: &Service, module: &str, function: &str, args: Value) -> Result<Value, CallError> {
    let particle = ParticleParameters { init_peer_id: "12D3".to_owned(), ..ParticleParameters::default() };
    let params = Some(CallParameters { particle, ..CallParameters::default() });
    let options = CallOptions { params, call_id: Some("call-7".to_owned()), ..CallOptions::default() };
    service.call_module(module, function, args, options)
}

#[test]
fn modules_call_what_they_are_granted_of_the_embedder() {
    let (left, right) = (shopper("left", "1.2.0"), shopper("right", "1.0.3"));
    let plan = plan(&[("left", &left), ("right", &right)]).unwrap();
    let requests: Vec<String> = plan.requests().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(requests.join("\n"), @"
    `left` asks to use `acme:market/prices@1.2.0` of the host
    `right` asks to use `acme:market/prices@1.0.3` of the host
    ");
    let of_host = plan.permissions().into_iter().filter(|one| one.access.key() == "interfaces");
    insta::assert_snapshot!(of_host.map(|one| one.to_string()).collect::<Vec<_>>().join("\n"), @"
    left may use `acme:market/prices@1.2.0` of the host: asked for, to be granted where it runs
    right may use `acme:market/prices@1.0.3` of the host: asked for, to be granted where it runs
    ");
    let build = |grants: Grants| Service::builder(plan.clone()).id("shop-1").grants(grants).build();
    let left_only = Grants::new().interface("left", "acme:market/prices@1.2.0");
    let refused = build(left_only.clone()).unwrap_err().to_string();
    assert_eq!(refused, "not granted: `right` asks to use `acme:market/prices@1.0.3` of the host");
    let useless = build(left_only.clone().interface("left", "acme:market/news")).unwrap_err().to_string();
    assert_eq!(useless, "a grant for `left`, which does not ask for \"acme:market/news\"");

    let service = build(left_only.interface("right", "acme:market/prices")).unwrap();
    for module in ["left", "right"] {
        assert_eq!(call(&service, module, "price", json!(["tea"])), Ok(json!(250)));
        assert_eq!(call(&service, module, "price", json!(["salt"])), Err(CallError::Service(json!("sold out"))));
        assert_eq!(call(&service, module, "who", json!([])), Ok(json!(format!("{module} shop-1 call-7 12D3"))));
    }
    let error = call(&service, "left", "price", json!(["gold"])).unwrap_err();
    assert_eq!(
        format!("{} {error}", error.code()),
        "M516 `price` of `acme:market/prices@1.2.0`, called in `price`, failed: the market is closed"
    );
    assert_eq!(call(&service, "left", "price", json!(["tea"])), Ok(json!(250)), "the next call is served");
}

#[test]
fn what_the_embedder_offers_is_checked_at_linking() {
    let other = r#"(import "acme:market/prices@1.0.0" (instance
        (export "price" (func (param "item" u32) (result (result u64 (error string)))))
        (export "cost" (func (param "item" string)))))"#;
    let newer = r#"(import "acme:market/prices@1.3.0" (instance (export "who" (func (result string)))))"#;
    let errors = [importer("till", other), importer("till", newer)].map(|wat| plan(&[("till", &wat)]).unwrap_err());
    insta::assert_snapshot!(errors.join("\n"), @r"
    error[M403]: `till` and `the host` disagree about `price`
      till     imports price: func(item: u32) -> result<u64, string>
      the host exports price: func(item: string) -> result<u64, string>
                                         ^^^^^^ u32 here, string there
    help: change the import block of `till`, then build it again
    error[M402]: `the host` has no function `cost`, which `till` imports
    help: `the host` offers `price`, `who`
    error[M408]: `till` imports `acme:market/prices@1.3.0`: this host offers its version 1.2.0
    help: build the module for what this host offers, or use a newer host
    ");
}

#[test]
fn interfaces_are_checked_when_the_engine_is_made() {
    let read = |wit: &str| HostInterface::new(wit).unwrap_err().to_string();
    let text = [
        read("package acme:market; interface prices { who: func(); }"),
        read("package acme:market@1.0.0; interface a { f: func(); } interface b { f: func(); }"),
        read("package marine:host@1.0.0; interface prices { who: func(); }"),
        read("package acme:market@1.0.0; interface prices { resource stall; open: func() -> stall; }"),
    ];
    insta::assert_snapshot!(text.join("\n"), @"
    not the WIT of an interface: the package has no version, such as `@1.0.0`
    not the WIT of an interface: the package has 2 interfaces, not one
    `marine:host/prices@1.0.0` belongs to the runtime: call the package otherwise than `wasi:..` and `marine:..`
    `open` of `acme:market/prices@1.0.0` has a resource, which cannot be offered
    ");
    let offered = |interfaces: Vec<HostInterface>| match engine(interfaces) {
        Err(EngineError::Interface(error)) => error,
        other => panic!("{other:?}"),
    };
    let half = || HostInterface::new(WIT).unwrap().function("price", |_, (_,): (String,)| Ok((Ok::<u64, String>(1),)));
    assert!(matches!(offered(vec![half()]), HostInterfaceError::Missing { function, .. } if function == "who"));
    let unknown = prices().function("cost", |_, (): ()| Ok(()));
    assert!(matches!(offered(vec![unknown]), HostInterfaceError::Unknown { function, .. } if function == "cost"));
    let types = half().function("who", |_, (): ()| Ok((7_u32,)));
    assert!(matches!(offered(vec![types]), HostInterfaceError::Types { cause, .. } if cause.contains("who")));
    assert!(matches!(offered(vec![prices(), prices()]), HostInterfaceError::Twice(_)));
}
