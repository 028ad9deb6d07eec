//! What a module learns from its host and tells it: start-up, call parameters, log records.

use marine_manifest::{EnvValue, LogLevel};
use marine_runtime::{CallError, CallOptions, CallParameters, Service};
use serde_json::{Value, json};

use crate::guests::{PROFILES, Records, service, spec};

fn call(service: &Service, function: &str, args: Value) -> Value {
    service.call(function, args, CallOptions::default()).unwrap_or_else(|error| panic!("{function}: {error}"))
}

#[test]
fn start_up_code_runs_once_per_instance() {
    for profile in PROFILES {
        for (module, record) in
            [("startup", "startup Info startup: started"), ("starter", "starter Info starter: main runs")]
        {
            let (service, records) = service(spec(profile, &[module]));
            for _ in 0..3 {
                assert_eq!(call(&service, "starts", json!([])), json!(1), "{profile:?} {module}");
            }
            assert_eq!(records.take()[0], record, "{profile:?}");
            service.reset().unwrap();
            assert_eq!(call(&service, "starts", json!([])), json!(1), "{profile:?} {module}");
            assert_eq!(records.take()[0], record, "{profile:?}: a new instance starts anew");
        }
    }
}

#[test]
fn statics_live_as_long_as_the_instance() {
    for profile in PROFILES {
        let (service, _) = service(spec(profile, &["startup"]));
        assert_eq!([(), ()].map(|()| call(&service, "count", json!([]))), [json!(1), json!(2)]);
        service.reset().unwrap();
        assert_eq!(call(&service, "count", json!([])), json!(1));
    }
}

#[test]
fn failing_start_up_code_fails_the_start() {
    for profile in PROFILES {
        let mut spec = spec(profile, &["startup"]);
        spec.modules[0].grants.env.insert("FAIL".into(), EnvValue::Text("the moon is wrong".into()));
        let (service, _) = service(spec);
        match service.call("starts", json!([]), CallOptions::default()) {
            Err(error @ CallError::Start(_)) => {
                let text = error.to_string();
                assert!(text.contains("startup") && text.contains("the moon is wrong"), "{profile:?}: {text}");
            }
            other => panic!("{profile:?}: {other:?}"),
        }
    }
}

fn parameters() -> Value {
    json!({
        "particle": {
            "id": "bafy", "init_peer_id": "12D3", "timestamp": 1_800_000_000_000_u64, "ttl": 7000,
            "script": "(null)", "signature": [0, 255], "token": "secret",
        },
        "service_id": "test-1", "service_creator_peer_id": "creator", "host_id": "host", "worker_id": "host",
        "tetraplets": [[
            {"peer_pk": "p", "service_id": "s", "function_name": "f", "lens": ".$.a"},
            {"peer_pk": "q", "service_id": "", "function_name": "", "lens": ""},
        ]],
    })
}

fn options() -> CallOptions {
    let params: CallParameters = serde_json::from_value(parameters()).unwrap();
    CallOptions { params: Some(params), call_id: Some("call-7".into()), ..CallOptions::default() }
}

#[test]
fn every_module_sees_the_parameters_of_the_outside_call() {
    for profile in PROFILES {
        let (service, _) = service(spec(profile, &["echo", "context", "relay"]));
        let answer = service.call("callers", json!([]), options()).unwrap();
        assert_eq!(answer, json!([parameters(), parameters()]), "{profile:?}");

        let direct = |function, args| service.call_module("context", function, args, options()).unwrap();
        assert_eq!(direct("caller", json!([])), parameters(), "{profile:?}");
        assert_eq!(direct("origin", json!(["x"])), parameters()["tetraplets"][0], "{profile:?}");
        assert_eq!(direct("call_name", json!([])), "call-7", "{profile:?}");
    }
}

/// Lines that `speak` makes, at the level of `spec`.
fn speak(service: &Service, records: &Records, target: &str) -> Vec<String> {
    records.take();
    call(service, "speak", json!([target]));
    records.take()
}

const ALL: [&str; 5] = [
    "context Error shop::till: an error",
    "context Warn shop::till: a warning",
    "context Info shop::till: number 1",
    "context Debug shop::till: a detail",
    "context Trace shop::till: a step",
];

#[test]
fn records_arrive_with_level_and_target_as_the_manifest_says() {
    let cases = [(LogLevel::Off, 0), (LogLevel::Error, 1), (LogLevel::Info, 3), (LogLevel::Trace, 5)];
    for profile in PROFILES {
        for (level, count) in cases {
            let mut spec = spec(profile, &["context"]);
            spec.modules[0].log = level.into();
            let (service, records) = service(spec);
            assert_eq!(speak(&service, &records, "shop::till"), ALL[..count], "{profile:?} {level:?}");
        }
    }
}

#[test]
fn what_is_filtered_is_not_formatted() {
    for profile in PROFILES {
        let (service, _) = service(spec(profile, &["context"]));
        assert_eq!(call(&service, "formats", json!(["INFO"])), json!(true));
        assert_eq!(call(&service, "formats", json!(["DEBUG"])), json!(false));
    }
}

#[test]
fn the_variable_wins_over_the_manifest_within_what_the_host_takes() {
    for profile in PROFILES {
        let mut spec = spec(profile, &["context"]);
        spec.modules[0].log = LogLevel::Debug.into();
        spec.modules[0].grants.env.insert("WASM_LOG".into(), EnvValue::Text("warn,shop=trace,loud".into()));
        let (service, records) = service(spec);
        call(&service, "formats", json!(["INFO"]));
        let start = records.take();
        assert_eq!(start.len(), 1, "{start:?}");
        assert!(start[0].contains("no log directive: `loud`"), "{start:?}");
        // The host takes no traces.
        assert_eq!(speak(&service, &records, "shop::till"), ALL[..4], "{profile:?}");
        assert_eq!(speak(&service, &records, "other").len(), 2, "{profile:?}");
    }
}

#[test]
fn a_module_changes_its_logger_as_often_as_it_likes() {
    for profile in PROFILES {
        let (service, records) = service(spec(profile, &["context"]));
        for target in ["shop", "bank"] {
            assert_eq!(call(&service, "quiet", json!([target])), json!(true));
        }
        assert_eq!(speak(&service, &records, "shop").len(), 1, "{profile:?}: errors only");
        assert_eq!(speak(&service, &records, "bank").len(), 3, "{profile:?}: all that the host takes");
    }
}
