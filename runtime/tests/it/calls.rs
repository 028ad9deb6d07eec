//! Calls that work: JSON and typed values, several modules, sharing of code, threads, the life of a service.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use marine_runtime::{CallError, CallOptions, Service, Val};
use serde_json::{Value, json};

use crate::guests::{TILL, link, service, stock};

fn call(service: &Service, function: &str, args: Value) -> Result<Value, CallError> {
    service.call(function, args, CallOptions::default())
}

#[test]
fn modules_call_each_other_in_any_order_of_listing() {
    let stock = stock();
    for modules in [[("stock", stock.as_str()), ("till", TILL)], [("till", TILL), ("stock", &stock)]] {
        let mut spec = crate::guests::spec(&modules);
        spec.facade = Some("till".to_owned());
        let plan = marine_runtime::Plan::link(crate::guests::engine(), spec).unwrap();
        let service = Service::builder(plan).build().unwrap();
        assert_eq!(call(&service, "plus_two", json!([40])), Ok(json!(42)));
        assert_eq!(call(&service, "plus-two", json!({"n": 1})), Ok(json!(3)));
        assert_eq!(
            service.call_module("stock", "greet", json!("you"), CallOptions::default()),
            Ok(json!("Hello, you"))
        );
    }
}

#[test]
fn typed_and_dynamic_values_agree_with_json() {
    let stock = stock();
    let service = service(&[("stock", &stock)]);
    let (typed,): (String,) = service.call_typed("greet", ("Ann".to_owned(),), CallOptions::default()).unwrap();
    let dynamic = service.call_values("greet", &[Val::String("Ann".into())], CallOptions::default());
    assert_eq!(dynamic, Ok(Some(Val::String(typed.clone()))));
    assert_eq!(call(&service, "greet", json!(["Ann"])), Ok(json!(typed)));

    let wrong = service.call_typed::<(u64,), (String,)>("greet", (1,), CallOptions::default()).unwrap_err();
    assert_eq!(wrong.code(), "M514");
    let too_few = service.call_values("greet", &[], CallOptions::default()).unwrap_err();
    assert_eq!(too_few.code(), "M514");
    assert_eq!(service.stats().restarts, 0);
}

#[test]
fn names_that_are_not_there_get_the_nearest() {
    let stock = stock();
    let service = service(&[("stock", &stock), ("till", TILL)]);
    let errors = [
        call(&service, "plus_tow", json!([1])).unwrap_err(),
        service.call_module("stok", "inc", json!([1]), CallOptions::default()).unwrap_err(),
        call(&service, "plus_two", json!([-1])).unwrap_err(),
        call(&service, "plus_two", json!([])).unwrap_err(),
    ];
    insta::assert_snapshot!(errors.map(|error| format!("{} {error}", error.code())).join("\n"), @r"
    M502 `till` has no function `plus_tow`; did you mean `plus_two`?
    M501 the service has no module `stok`; did you mean `stock`?
    M503 args[0]: expected u32 (0..=4294967295), got -1
    M503 args: `plus_two` takes 1 argument (n: u32), got 0
    ");
}

#[test]
fn state_lives_as_long_as_the_instance() {
    let stock = stock();
    let service = service(&[("stock", &stock)]);
    assert_eq!(call(&service, "count", json!([])), Ok(json!(1)));
    assert_eq!(call(&service, "count", Value::Null), Ok(json!(2)));
    service.reset().unwrap();
    assert_eq!(call(&service, "count", json!({})), Ok(json!(1)));
    let other = Service::builder(link(&[("stock", &stock)]).unwrap()).build().unwrap();
    assert_eq!(call(&other, "count", json!([])), Ok(json!(1)));
    assert_eq!(call(&service, "count", json!([])), Ok(json!(2)));

    let stats = service.stats();
    assert_eq!((stats.calls, stats.failures, stats.instances, stats.restarts), (4, 0, 2, 0));
    assert_eq!((stats.memory, stats.memory_peak), (65536, 65536));
    assert_eq!(stats.modules[0].functions[0].name, "count");

    service.close();
    assert_eq!(call(&service, "count", json!([])), Err(CallError::Closed));
}

#[test]
fn threads_share_a_service() {
    let stock = stock();
    let service = service(&[("stock", &stock), ("till", TILL)]);
    let sum = Arc::new(AtomicU64::new(0));
    thread::scope(|scope| {
        for thread in 0..8u32 {
            let (service, sum) = (service.clone(), sum.clone());
            scope.spawn(move || {
                for number in 0..50u32 {
                    let answer = call(&service, "plus_two", json!([thread * 100 + number])).unwrap();
                    assert_eq!(answer, json!(thread * 100 + number + 2));
                    sum.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(sum.load(Ordering::Relaxed), 400);
    assert_eq!(service.stats().calls, 400);
    assert_eq!(service.stats().instances, 1);
}

#[test]
fn a_waiting_call_honours_its_deadline() {
    let slow = slow();
    let service = service(&[("slow", &slow)]);
    service.start().unwrap();
    thread::scope(|scope| {
        let running = service.clone();
        let options = CallOptions { deadline: Some(Duration::from_millis(400)), ..CallOptions::default() };
        let first = scope.spawn(move || running.call("spin", json!([]), options));
        let short = || CallOptions { deadline: Some(Duration::from_millis(5)), ..CallOptions::default() };
        // Answers until the endless call has its turn.
        let refused = std::iter::repeat_with(|| service.call("f", json!([]), short())).find_map(Result::err);
        assert_eq!(refused.unwrap().code(), "M507");
        assert_eq!(first.join().unwrap().unwrap_err().code(), "M507");
    });
    assert_eq!(call(&service, "f", json!([])), Ok(json!(7)));
}

/// Module `slow`: `spin` never returns, `f` does.
fn slow() -> String {
    r#"(component
  (core module $m
    (func (export "spin") (loop $again (br $again)))
    (func (export "f") (result i32) (i32.const 7)))
  (core instance $i (instantiate $m))
  (func $spin (canon lift (core func $i "spin")))
  (func $f (result u32) (canon lift (core func $i "f")))
  (instance $api (export "spin" (func $spin)) (export "f" (func $f)))
  (export "marine:slow/api" (instance $api)))"#
        .to_owned()
}
