//! What modules reach beyond the service, through the SDK: programs, HTTP, stores; and the sources written for the predecessor, called.
#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet};

use marine_build::Profile;
use marine_manifest::{ArgPolicy, BinaryGrant, KvGrant, Mode};
use marine_runtime::{CallError, CallOptions, CallParameters, ParticleParameters, Plan, Service};
use serde_json::{Value, json};

use crate::guests::{PROFILES, engine, spec};
use crate::web::server;

fn call(service: &Service, function: &str, args: Value) -> Result<Value, CallError> {
    let particle = ParticleParameters { init_peer_id: "12D3".to_owned(), ..ParticleParameters::default() };
    let params = Some(CallParameters { particle, ..CallParameters::default() });
    service.call(function, args, CallOptions { params, ..CallOptions::default() })
}

/// A program that may be run with any arguments.
fn program(path: &str) -> BinaryGrant {
    BinaryGrant { args: ArgPolicy::Any, ..BinaryGrant::new(path) }
}

/// The guest `tools`, with two programs under four names, two stores, and the server at `port`.
fn tools(profile: Profile, port: u16, volumes: &std::path::Path) -> Service {
    let mut spec = spec(profile, &["tools"]);
    let grants = &mut spec.modules[0].grants;
    let programs = [("echo", "echo"), ("cat", "cat"), ("pdf-to-text", "echo"), ("7z", "false")];
    grants.binaries = programs.map(|(name, path)| (name.to_owned(), program(path))).into();
    grants.hosts = BTreeSet::from([format!("http://127.0.0.1:{port}").parse().unwrap()]);
    let read_only = KvGrant { mode: Mode::ReadOnly, ..KvGrant::default() };
    let small = KvGrant { quota: 1000, ..KvGrant::default() };
    grants.kv = BTreeMap::from([("seen".to_owned(), small), ("fixed".to_owned(), read_only)]);
    Service::builder(Plan::link(engine(), spec).unwrap()).volumes(volumes).build().unwrap()
}

fn text(bytes: &Value) -> String {
    String::from_utf8(serde_json::from_value(bytes.clone()).unwrap()).unwrap()
}

#[test]
fn programs_run_in_all_their_spellings() {
    let (port, dir) = (server(), tempfile::tempdir().unwrap());
    for profile in PROFILES {
        let tools = tools(profile, port, dir.path());
        for (which, args, code, stdout) in [
            (0, json!(["a b"]), 0, "a b\n"),
            (1, json!(["x", "y"]), 0, "x y\n"),
            (2, json!([]), 0, ""),
            (3, json!([]), 1, ""),
        ] {
            let answer = call(&tools, "run_declared", json!([which, args])).unwrap();
            assert_eq!(
                (&answer["ret_code"], text(&answer["stdout"])),
                (&json!(code), stdout.to_owned()),
                "{profile:?}"
            );
        }
        let answer = call(&tools, "run", json!(["sh", ["-c", "true"]])).unwrap();
        assert_eq!(answer["ret_code"], 100_010, "{answer}");
        assert!(answer["error"].as_str().unwrap().contains("not granted"), "{answer}");
        let answer = call(&tools, "run_text", json!(["echo", ["tea"]])).unwrap();
        assert_eq!((&answer["ret_code"], &answer["stdout"]), (&json!(0), &json!("tea\n")), "{answer}");
        assert_eq!(call(&tools, "run_text", json!(["echo", ["-ne", "\\xff"]])), Ok(Value::Null), "no text");
    }
}

#[test]
fn requests_are_sent_and_errors_are_values() {
    let (port, dir) = (server(), tempfile::tempdir().unwrap());
    for profile in PROFILES {
        let tools = tools(profile, port, dir.path());
        let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
        let request = json!(["post", url("/cup"), [["X-Tea", "green"]], "hot", 60_000]);
        let answer = call(&tools, "request", request).unwrap();
        assert_eq!(
            (&answer["status"], text(&answer["body"]).to_lowercase()),
            (&json!(200), "post /cup http/1.1|x-tea: green|hot".to_owned())
        );
        assert_eq!(call(&tools, "page", json!([url("/a?b=c")])), Ok(json!("GET /a?b=c HTTP/1.1||")));
        let missing = call(&tools, "page", json!([url("/missing")])).unwrap_err();
        assert!(matches!(&missing, CallError::Service(error) if error.to_string().contains("404")), "{missing}");
        let denied = call(&tools, "request", json!(["get", "https://example.com/", [], "", null])).unwrap_err();
        assert!(matches!(&denied, CallError::Service(error) if error["denied"].is_string()), "{denied}");
    }
}

/// The guest `fetch`, with the server at `port`.
fn fetch(profile: Profile, port: u16) -> Service {
    let mut spec = spec(profile, &["fetch"]);
    spec.modules[0].grants.hosts = BTreeSet::from([format!("http://127.0.0.1:{port}").parse().unwrap()]);
    Service::builder(Plan::link(engine(), spec).unwrap()).build().unwrap()
}

#[test]
fn requests_over_wasi_http_have_the_same_grants() {
    let port = server();
    let request = |method: &str, path: &str, body: &str| {
        let authority = format!("127.0.0.1:{port}");
        json!([{"method": method, "authority": authority, "path": path, "headers": [["x-tea", "green"]], "body": body}])
    };
    for profile in PROFILES {
        let fetch = fetch(profile, port);
        let answer = call(&fetch, "fetch", request("POST", "/cup?a=b", &"hot ".repeat(2000))).unwrap();
        assert_eq!((&answer["status"], &answer["server"]), (&json!(200), &json!("it")), "{profile:?}");
        let body = answer["body"].as_str().unwrap().to_lowercase();
        assert_eq!(body, format!("post /cup?a=b http/1.1|x-tea: green|{}", "hot ".repeat(2000)));
        let moved = call(&fetch, "fetch", request("GET", "/moved", "")).unwrap();
        assert_eq!(moved["status"], 302, "redirects are the guest's");
        let many: Vec<Value> = (0..20).map(|i| request("PUT", &format!("/{i}"), "")[0].clone()).collect();
        let answers = call(&fetch, "fetch_all", json!([many])).unwrap();
        let line = |i: usize| answers[i]["body"].as_str().unwrap().split('|').next().unwrap().to_owned();
        (0..20).for_each(|i| assert_eq!(line(i), format!("PUT /{i} HTTP/1.1")));

        let mut elsewhere = request("GET", "/", "");
        elsewhere[0]["authority"] = json!("example.com");
        let refused = |args| call(&fetch, "fetch", args).unwrap_err();
        assert_eq!(refused(elsewhere), CallError::Service(json!("ErrorCode::HttpRequestDenied")));
        assert_eq!(fetch.stats().denials, 1);
        assert_eq!(
            refused(request("CONNECT", "/", "")),
            CallError::Service(json!("ErrorCode::HttpRequestMethodInvalid"))
        );
        let mut named = request("GET", "/", "");
        named[0]["headers"] = json!([["host", "example.com"]]);
        assert_eq!(refused(named), CallError::Service(json!("HeaderError::Forbidden")));
    }
}

#[test]
fn requests_over_wasi_http_are_bounded() {
    let port = server();
    let fetch = fetch(Profile::Release, port);
    let request = |path: &str| json!({"method": "GET", "authority": format!("127.0.0.1:{port}"), "path": path, "headers": [], "body": ""});
    let hoarded = call(&fetch, "hoard", json!([request("/large"), 5])).unwrap();
    assert_eq!(
        (&hoarded[0], hoarded[1].as_str().unwrap().contains("HttpResponseBodySize")),
        (&json!(2), true),
        "{hoarded}"
    );
    let again = call(&fetch, "hoard", json!([request("/large"), 2]));
    assert_eq!(again, Ok(json!([2, ""])), "what was let go of no longer counts");

    let mut hasty = request("/never");
    hasty["patience"] = json!(100);
    let code = CallError::Service(json!("ErrorCode::HttpResponseTimeout"));
    assert_eq!(call(&fetch, "fetch", json!([hasty])), Err(code));
    let deadline = Some(std::time::Duration::from_millis(200));
    let options = CallOptions { deadline, ..CallOptions::default() };
    let ended = fetch.call("fetch", json!([request("/never")]), options);
    assert!(matches!(ended, Err(CallError::Timeout { .. })), "{ended:?}");
    assert_eq!(call(&fetch, "fetch", json!([request("/cup")])).unwrap()["status"], 200, "the next call is served");
}

#[test]
fn stores_keep_values_within_their_grants() {
    for profile in PROFILES {
        let dir = tempfile::tempdir().unwrap();
        let tools = tools(profile, 1, dir.path());
        let ask = |function: &str, args: Value| {
            call(&tools, function, args).map_err(|error| match error {
                CallError::Service(error) => error,
                other => panic!("{function}: {other}"),
            })
        };
        assert_eq!(ask("set", json!(["seen", "k", [1, 2]])), Ok(Value::Null));
        assert_eq!(ask("get", json!(["seen", "k"])), Ok(json!([[1, 2]])));
        assert_eq!(ask("get", json!(["seen", "none"])), Ok(Value::Null));
        assert_eq!(ask("increment", json!(["seen", "n", 5])), Ok(json!(5)));
        assert_eq!(ask("keys", json!(["seen", "", 10])), Ok(json!(["k", "n"])));
        assert_eq!(ask("swap", json!(["seen", "k", [[9]], [[3]]])), Ok(json!(false)));
        assert_eq!(ask("swap", json!(["seen", "k", [[1, 2]], [[3]]])), Ok(json!(true)));
        assert_eq!(ask("exists", json!(["seen", "k"])), Ok(json!(true)));
        assert_eq!(ask("delete", json!(["seen", "k"])), Ok(json!(true)));
        assert_eq!(ask("set", json!(["seen", "big", vec![0; 2000]])), Err(json!("quota")));
        assert_eq!(ask("set", json!(["fixed", "k", []])), Err(json!("read_only")));
        assert_eq!(ask("get", json!(["other", "k"])), Err(json!("denied")));
    }
}

#[test]
fn sources_for_the_predecessor_work() {
    for profile in PROFILES {
        let mut spec = spec(profile, &["echo", "legacy"]);
        spec.modules[1].grants.binaries.insert("curl".to_owned(), program("echo"));
        let legacy = Service::builder(Plan::link(engine(), spec).unwrap()).build().unwrap();
        let cold = call(&legacy, "record", json!(["Moon", -300.0])).unwrap();
        assert_eq!((&cold["success"], &cold["error"]), (&json!(false), &json!("-300 is too cold")), "{profile:?}");
        call(&legacy, "record", json!(["Oslo", 4.5])).unwrap();
        let two = call(&legacy, "record", json!({"place": "Rome", "degrees": 21})).unwrap();
        let warmest = json!([{"place": "Rome", "degrees": 21.0, "taken_by": "12D3"}]);
        assert_eq!(two, json!({"success": true, "error": "", "count": 2, "warmest": warmest}), "{profile:?}");
        assert_eq!(call(&legacy, "next_count", json!([])), Ok(json!(3)), "through the module `echo`");
        assert_eq!(call(&legacy, "forecast", json!(["https://x"])), Ok(json!("-sS https://x\n")), "{profile:?}");
    }
}
