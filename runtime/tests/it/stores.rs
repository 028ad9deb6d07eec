//! Key-value stores through the host interface: grants per module, errors as values, data that outlives services.

use std::path::Path;

use marine_manifest::{KvGrant, Mode};
use marine_runtime::{CallError, CallOptions, ModuleSpec, Plan, Service, ServiceSpec};
use serde_json::{Value, json};

use crate::guests::{engine, module, shelf};

fn service(volumes: &Path) -> Service {
    let mut spec =
        ServiceSpec::new("two", ["left", "right"].map(|name| ModuleSpec::new(module(name, &shelf(name)))).into());
    let quota = 1000;
    let stores = [("seen", KvGrant { mode: Mode::ReadWrite, quota }), ("left-only", KvGrant::default())];
    spec.modules[0].grants.kv = stores.map(|(name, grant)| (name.to_owned(), grant)).into();
    spec.modules[1].grants.kv.insert("seen".to_owned(), KvGrant { mode: Mode::ReadOnly, quota });
    Service::builder(Plan::link(engine(), spec).unwrap()).volumes(volumes).build().unwrap()
}

fn call(service: &Service, module: &str, function: &str, args: Value) -> Result<Value, Value> {
    match service.call_module(module, function, args, CallOptions::default()) {
        Ok(value) => Ok(value),
        Err(CallError::Service(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn stores_are_shared_by_those_who_are_granted_them() {
    let dir = tempfile::tempdir().unwrap();
    let shop = service(dir.path());
    assert_eq!(call(&shop, "left", "set", json!(["seen", "k", {"base64": "aGk="}])), Ok(Value::Null));
    assert_eq!(call(&shop, "right", "get", json!(["seen", "k"])), Ok(json!([[104, 105]])));
    assert_eq!(call(&shop, "right", "set", json!(["seen", "k", []])), Err(json!("read_only")));
    assert_eq!(call(&shop, "right", "get", json!(["left-only", "k"])), Err(json!("denied")));
    assert_eq!(call(&shop, "right", "open", json!(["nowhere"])), Err(json!("denied")));
    assert_eq!(shop.stats().denials, 3);

    assert_eq!(call(&shop, "left", "increment", json!(["seen", "n", 41])), Ok(json!(41)));
    assert_eq!(call(&shop, "left", "increment", json!(["seen", "n", 1])), Ok(json!(42)));
    assert_eq!(call(&shop, "left", "keys", json!(["seen", "", 10])), Ok(json!(["k", "n"])));
    assert_eq!(call(&shop, "left", "exists", json!(["seen", "zzz"])), Ok(json!(false)));
    assert_eq!(call(&shop, "left", "swap", json!(["seen", "k", null, [[1]]])), Ok(json!(false)));
    assert_eq!(call(&shop, "left", "swap", json!(["seen", "k", [[104, 105]], null])), Ok(json!(true)));
    assert_eq!(call(&shop, "left", "delete", json!(["seen", "k"])), Ok(json!(false)));
    assert_eq!(call(&shop, "left", "set", json!(["seen", "big", vec![0; 2000]])), Err(json!("quota")));

    drop(shop);
    let again = service(dir.path());
    assert_eq!(call(&again, "left", "get", json!(["seen", "n"])), Ok(json!([[52, 50]])));
}

#[test]
fn a_host_without_a_place_says_so() {
    let mut spec = ServiceSpec::new("one", vec![ModuleSpec::new(module("left", &shelf("left")))]);
    spec.modules[0].grants.kv.insert("seen".to_owned(), KvGrant::default());
    let service = Service::builder(Plan::link(engine(), spec).unwrap()).build().unwrap();
    let error = call(&service, "left", "open", json!(["seen"])).unwrap_err();
    assert_eq!(error, json!({"no_store": "this host gives the service no place to keep data"}));
}
