//! Bytes that are no component give typed errors and never a panic; damaged code caches are compiled again.

use std::fs;

use marine_runtime::{
    CallOptions, CodeCacheConfig, Engine, EngineConfig, Module, ModuleSpec, Plan, Service, ServiceSpec,
};
use proptest::prelude::*;
use serde_json::json;

use crate::guests::{TILL, engine, stock};

fn build(engine: &Engine, bytes: Vec<u8>) -> Result<Service, String> {
    let module = Module::from_bytes("stock", bytes).map_err(|error| error.to_string())?;
    let spec = ServiceSpec::new("s", vec![ModuleSpec::new(module)]);
    let plan = Plan::link(engine, spec).map_err(|error| error.to_string())?;
    Service::builder(plan).build().map_err(|error| error.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Module::from_bytes("a", bytes.clone()).is_err());
        let component = [b"\0asm\x0d\0\x01\0", bytes.as_slice()].concat();
        let _ = Module::from_bytes("a", component);
    }

    #[test]
    fn damaged_components_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), two in any::<bool>()) {
        let mut bytes = wat::parse_str(if two { TILL.to_owned() } else { stock() }).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(service) = build(engine(), bytes) {
            let options = CallOptions { deadline: Some(std::time::Duration::from_millis(50)), ..CallOptions::default() };
            let _ = service.call("inc", json!([1]), options.clone());
            let _ = service.call("greet", json!(["a"]), options);
        }
    }
}

#[test]
fn the_code_cache_survives_restarts_and_damage() {
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        let cache = CodeCacheConfig::Dir(dir.path().to_path_buf());
        Engine::new(EngineConfig { cache, ..EngineConfig::default() }).unwrap()
    };
    let entries = || -> Vec<_> {
        let files = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|end| end == "code")).collect()
    };
    let bytes = wat::parse_str(stock()).unwrap();
    let works = |engine: &Engine| {
        let service = build(engine, bytes.clone()).unwrap();
        assert_eq!(service.call("inc", json!([1]), CallOptions::default()), Ok(json!(2)));
    };
    works(&start());
    let [entry] = entries().try_into().unwrap();
    let good = fs::read(&entry).unwrap();
    works(&start());
    for damaged in [vec![], b"garbage".to_vec(), good[..good.len() / 2].to_vec(), {
        let mut flipped = good.clone();
        flipped[good.len() / 2] ^= 1;
        flipped
    }] {
        fs::write(&entry, damaged).unwrap();
        works(&start());
        assert_eq!(fs::read(&entry).unwrap().len(), good.len(), "compiled and stored again");
    }
    // Truly foreign code, well-formed but tagged with another secret.
    let other = tempfile::tempdir().unwrap();
    let foreign = CodeCacheConfig::Dir(other.path().to_path_buf());
    works(&Engine::new(EngineConfig { cache: foreign, ..EngineConfig::default() }).unwrap());
    fs::copy(other.path().join(entry.file_name().unwrap()), &entry).unwrap();
    works(&start());
}

#[test]
fn an_unusable_cache_directory_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Engine::new(EngineConfig { cache: CodeCacheConfig::Dir(file), ..EngineConfig::default() }).unwrap_err();
    assert!(error.to_string().starts_with("cannot use the code cache at "), "{error}");
}
