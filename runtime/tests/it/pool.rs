//! The life of instances: several at once, cancellation, memory per module, fuel, eager starts, asynchronous calls.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use marine_manifest::{Dir, Limits, Mode};
use marine_runtime::{
    CallError, CallOptions, CancelToken, CodeCacheConfig, DirectoryKind, Engine, EngineConfig, Plan, Service,
};
use serde_json::{Value, json};

use crate::guests::{CORE, TILL, engine, spec, stock};

/// Module `work`: `spin(n)` computes for a while, `grow(pages)` takes memory, `count` remembers.
fn work(name: &str) -> String {
    format!(
        r#"(component
  (core module $m {CORE}
    (global $count (mut i32) (i32.const 0))
    (func (export "count") (result i32)
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (global.get $count))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "spin") (param i32) (result i32)
      (loop $again (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 0)))
  (core instance $i (instantiate $m))
  (func $count (result u32) (canon lift (core func $i "count")))
  (func $grow (param "pages" u32) (result s32) (canon lift (core func $i "grow")))
  (func $spin (param "n" u32) (result u32) (canon lift (core func $i "spin")))
  (instance $api (export "count" (func $count)) (export "grow" (func $grow)) (export "spin" (func $spin)))
  (export "marine:{name}/api" (instance $api)))"#
    )
}

fn call(service: &Service, module: &str, function: &str, args: Value) -> Result<Value, CallError> {
    service.call_module(module, function, args, CallOptions::default())
}

#[test]
fn stateless_services_run_several_instances() {
    let mut several = spec(&[("work", &work("work"))]);
    several.instances = 3;
    let service = Service::builder(Plan::link(engine(), several).unwrap()).build().unwrap();
    let together = Barrier::new(3);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                together.wait();
                // Long enough that the three overlap whoever starts first.
                call(&service, "work", "spin", json!([300_000_000])).unwrap();
            });
        }
    });
    let stats = service.stats();
    assert!((1..=3).contains(&stats.instances) && stats.live as u64 == stats.instances, "{stats:?}");
    assert_eq!((stats.calls, stats.memory), (3, 65536 * stats.instances));
    service.reset().unwrap();
    assert_eq!((service.stats().live, service.stats().memory), (0, 0));
    assert_eq!(call(&service, "work", "count", json!([])), Ok(json!(1)));
}

#[test]
fn memory_is_counted_and_capped_per_module() {
    let mut two = spec(&[("left", &work("left")), ("right", &work("right"))]);
    two.limits = Limits { memory: 8 << 20, ..Limits::default() };
    two.modules[0].memory = Some(1 << 20);
    let service = Service::builder(Plan::link(engine(), two).unwrap()).build().unwrap();
    let page = 65536;
    assert_eq!(call(&service, "left", "grow", json!([14])), Ok(json!(1)));
    assert_eq!(call(&service, "left", "grow", json!([2])), Ok(json!(-1)), "its own cap");
    assert_eq!(call(&service, "right", "grow", json!([30])), Ok(json!(1)), "the cap of another is not its own");
    let memory = |service: &Service| -> Vec<(u64, u64)> {
        service.stats().modules.iter().map(|module| (module.memory, module.memory_peak)).collect()
    };
    assert_eq!(memory(&service), [(15 * page, 15 * page), (31 * page, 31 * page)]);
    assert_eq!(call(&service, "right", "grow", json!([100])), Ok(json!(-1)), "the service's limit");
    let stats = service.stats();
    assert_eq!((stats.memory, stats.memory_peak), (46 * page, 46 * page));
    service.reset().unwrap();
    assert_eq!(memory(&service), [(0, 15 * page), (0, 31 * page)], "memory goes with the instance, peaks stay");
}

#[test]
fn tables_are_bounded() {
    let text = r#"(component
  (core module $m
    (table $t 1 funcref)
    (func (export "grow") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0))))
  (core instance $i (instantiate $m))
  (func $grow (param "elements" u32) (result s32) (canon lift (core func $i "grow")))
  (instance $api (export "grow" (func $grow)))
  (export "marine:list/api" (instance $api)))"#;
    let mut one = spec(&[("list", text)]);
    one.limits = Limits { table: 100, ..Limits::default() };
    let service = Service::builder(Plan::link(engine(), one).unwrap()).build().unwrap();
    assert_eq!(call(&service, "list", "grow", json!([100])), Ok(json!(-1)));
    assert_eq!(call(&service, "list", "grow", json!([99])), Ok(json!(1)));
    assert_eq!(call(&service, "list", "grow", json!([1])), Ok(json!(-1)));
}

#[test]
fn memories_with_equal_maxima_are_told_apart() {
    let bounded =
        |name: &str| work(name).replace("(memory (export \"memory\") 1)", "(memory (export \"memory\") 1 100)");
    let (left, right) = (bounded("left"), bounded("right"));
    let service = Service::builder(Plan::link(engine(), spec(&[("left", &left), ("right", &right)])).unwrap());
    let service = service.build().unwrap();
    assert_eq!(call(&service, "right", "grow", json!([9])), Ok(json!(1)));
    let memory: Vec<u64> = service.stats().modules.iter().map(|module| module.memory / 65536).collect();
    assert_eq!(memory, [1, 10]);
    assert_eq!(call(&service, "left", "grow", json!([100])), Ok(json!(-1)), "the maximum stays");
}

#[test]
fn a_cancelled_call_ends_and_the_next_works() {
    let service = Service::builder(Plan::link(engine(), spec(&[("work", &work("work"))])).unwrap()).build().unwrap();
    let token = CancelToken::new();
    let options = |token: &CancelToken| CallOptions { cancel: Some(token.child()), ..CallOptions::default() };
    thread::scope(|scope| {
        let spinning = scope.spawn(|| service.call("spin", json!([u32::MAX]), options(&token)));
        let waiting = scope.spawn(|| service.call("spin", json!([u32::MAX]), options(&token)));
        while service.stats().waiting == 0 && !spinning.is_finished() {
            thread::yield_now();
        }
        token.cancel();
        for call in [spinning, waiting] {
            assert!(matches!(call.join().unwrap(), Err(CallError::Cancelled { .. })));
        }
    });
    assert!(matches!(service.call("count", json!([]), options(&token)), Err(CallError::Cancelled { .. })));
    assert_eq!(call(&service, "work", "count", json!([])), Ok(json!(1)));
    let stats = service.stats();
    assert_eq!((stats.calls, stats.failures), (4, 3), "calls that ended before their turn are counted too");
}

#[test]
fn asynchronous_calls_run_elsewhere_and_end_when_dropped() {
    let service =
        Service::builder(Plan::link(engine(), spec(&[("stock", &stock()), ("till", TILL)])).unwrap()).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let answer = runtime.block_on(service.call_async("plus_two", json!([1]), CallOptions::default()));
    assert_eq!(answer, Ok(json!(3)));
    let busy = Service::builder(Plan::link(engine(), spec(&[("work", &work("work"))])).unwrap()).build().unwrap();
    runtime.block_on(async {
        let endless = busy.call_async("spin", json!([0]), CallOptions::default());
        assert!(tokio::time::timeout(Duration::from_millis(50), endless).await.is_err());
    });
    assert_eq!(call(&busy, "work", "spin", json!([1])), Ok(json!(0)), "dropping the future ended the call");
}

#[test]
fn fuel_bounds_work_the_same_everywhere() {
    let config = EngineConfig { cache: CodeCacheConfig::Off, fuel: Some(100_000), ..EngineConfig::default() };
    let metered = Engine::new(config).unwrap();
    let plan = Plan::link(&metered, spec(&[("work", &work("work"))])).unwrap();
    let service = Service::builder(plan).build().unwrap();
    for _ in 0..3 {
        assert_eq!(call(&service, "work", "spin", json!([1000])), Ok(json!(0)));
    }
    let error = call(&service, "work", "spin", json!([1_000_000])).unwrap_err();
    assert!(error.to_string().contains("fuel"), "{error}");
    assert_eq!(call(&service, "work", "spin", json!([1000])), Ok(json!(0)));
}

#[test]
fn eager_services_start_when_they_are_built() {
    let mut eager = spec(&[("stock", &stock())]);
    eager.eager = true;
    let service = Service::builder(Plan::link(engine(), eager).unwrap()).build().unwrap();
    assert_eq!((service.stats().instances, service.stats().calls), (1, 0));
}

#[test]
fn directories_tell_what_modules_see() {
    let dir = tempfile::tempdir().unwrap();
    let mut one = spec(&[("stock", &stock())]);
    one.modules[0].grants.dirs = [
        ("/in".to_owned(), Dir::Host { path: dir.path().to_path_buf(), mode: Mode::ReadOnly, create: false }),
        ("/keep".to_owned(), Dir::volume("keep", Mode::ReadWrite)),
        ("/tmp".to_owned(), Dir::Temp),
    ]
    .into();
    let plan = Plan::link(engine(), one).unwrap();
    let service = Service::builder(plan).volumes(dir.path().join("volumes")).build().unwrap();
    let seen = |service: &Service| service.directories("stock").unwrap();
    assert_eq!(service.directories("nobody"), None);
    assert_eq!(seen(&service)[2].path, None);
    service.start().unwrap();
    let [host, volume, scratch] = <[_; 3]>::try_from(seen(&service)).unwrap();
    assert_eq!((host.guest.as_str(), host.kind, host.mode), ("/in", DirectoryKind::Host, Mode::ReadOnly));
    assert_eq!(volume.kind, DirectoryKind::Volume("keep".to_owned()));
    assert_eq!(volume.path.unwrap(), dir.path().join("volumes/keep"));
    let place = scratch.path.unwrap();
    assert!(place.is_dir());
    service.close();
    assert!(!place.exists(), "scratch goes with the instance");
}
