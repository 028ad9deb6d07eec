//! What modules reach beyond the service, through the SDK: programs, HTTP, stores; and the sources written for the predecessor, called.
#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use marine_build::Profile;
use marine_manifest::{ArgPolicy, BinaryGrant, KvGrant, Mode};
use marine_runtime::{CallError, CallOptions, CallParameters, ParticleParameters, Plan, Service};
use serde_json::{Value, json};

use crate::guests::{PROFILES, engine, spec};

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

/// Answers `count` requests with what it was asked; `/missing` with 404.
fn serve(listener: TcpListener) {
    let answer = |mut stream: TcpStream| -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let (mut head, mut length) = (Vec::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 || line == "\r\n" {
                break;
            }
            if let Some(number) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = number.trim().parse().unwrap_or(0);
            }
            head.push(line.trim_end().to_owned());
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let line = head.first().cloned().unwrap_or_default();
        let status = if line.contains("/missing") { "404 Not Found" } else { "200 OK" };
        let tea = head.iter().find(|line| line.to_ascii_lowercase().starts_with("x-tea:")).cloned().unwrap_or_default();
        let seen = format!("{line}|{tea}|{}", String::from_utf8_lossy(&body));
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{seen}", seen.len())
    };
    for stream in listener.incoming().flatten() {
        // A client that goes away is no matter of this test.
        let _ = answer(stream);
    }
}

fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || serve(listener));
    port
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
