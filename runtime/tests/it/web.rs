//! Outbound HTTP: who may be reached, redirects, bounds. The servers are of this process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use marine_runtime::{CallError, CallOptions, CancelToken, ModuleSpec, Plan, Service, ServiceSpec};
use serde_json::{Value, json};

use crate::guests::{engine, module, web};

/// Answers requests until the process ends; `Location`s may name `{other}`.
fn server(other: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || stream.map(|stream| answer(stream, other)));
        }
    });
    port
}

fn answer(mut stream: std::net::TcpStream, other: u16) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        if let Some(number) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = number.trim().parse().unwrap();
        }
        head.push(line.trim_end().to_owned());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let redirect =
        |status: u16, to: &str| format!("HTTP/1.1 {status} x\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
    let response = match path.as_str() {
        "/here" => redirect(302, "/there?a=b"),
        "/loop" => redirect(307, "loop"),
        "/other" => redirect(307, &format!("http://127.0.0.1:{other}/there")),
        "/slow" => {
            // Says nothing until the client goes away.
            let _ = stream.read(&mut [0]);
            return;
        }
        _ => {
            let seen = format!("{}\n{}", head.join("\n"), String::from_utf8_lossy(&body));
            format!("HTTP/1.1 200 OK\r\nX-Test: yes\r\nContent-Length: {}\r\n\r\n{seen}", seen.len())
        }
    };
    let _ = stream.write_all(response.as_bytes());
}

fn service(hosts: &[String]) -> Service {
    let mut spec =
        ServiceSpec::new("two", ["left", "right"].map(|name| ModuleSpec::new(module(name, &web(name)))).into());
    spec.modules[0].grants.hosts = hosts.iter().map(|host| host.parse().unwrap()).collect();
    Service::builder(Plan::link(engine(), spec).unwrap()).build().unwrap()
}

fn call(service: &Service, module: &str, request: Value, options: CallOptions) -> Result<Value, CallError> {
    let whole = json!({"method": "GET", "url": "", "headers": [], "body": [], "timeout_ms": null});
    let Value::Object(mut fields) = whole else { unreachable!() };
    let Value::Object(given) = request else { unreachable!() };
    fields.extend(given);
    service.call_module(module, "send", json!([fields]), options)
}

/// Status and body; else what the guest was told.
fn send(service: &Service, request: Value) -> Result<(u64, String), Value> {
    match call(service, "left", request, CallOptions::default()) {
        Ok(answer) => {
            let body: Vec<u8> = serde_json::from_value(answer["body"].clone()).unwrap();
            Ok((answer["status"].as_u64().unwrap(), String::from_utf8(body).unwrap()))
        }
        Err(CallError::Service(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn requests_reach_granted_hosts_and_no_others() {
    let port = server(0);
    let two = service(&[format!("http://127.0.0.1:{port}")]);
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let post =
        json!({"method": "post", "url": url("/a?b=c#d"), "headers": [["X-One", "1"]], "body": {"base64": "aGk="}});
    let (status, seen) = send(&two, post).unwrap();
    let seen = seen.to_ascii_lowercase();
    assert!(status == 200 && seen.starts_with("post /a?b=c http/1.1\n") && seen.ends_with("\nhi"), "{seen}");
    assert!(seen.contains("\nx-one: 1\n") && seen.contains(&format!("\nhost: 127.0.0.1:{port}\n")), "{seen}");
    assert!(send(&two, json!({"method": "DELETE", "url": url("/x")})).unwrap().1.starts_with("DELETE /x"));

    for refused in
        [format!("http://localhost:{port}/"), "http://127.0.0.1/".to_owned(), format!("https://127.0.0.1:{port}/")]
    {
        let Err(error) = send(&two, json!({"url": refused})) else { panic!("{refused}") };
        assert!(error["denied"].is_string(), "{refused}: {error}");
    }
    let right = call(&two, "right", json!({"url": url("/")}), CallOptions::default());
    assert_eq!(
        right,
        Err(CallError::Service(json!({"denied": format!("http://127.0.0.1:{port}")}))),
        "grants are per module"
    );
    assert_eq!(two.stats().denials, 4);
    for bad in [
        json!({"url": "no url"}),
        json!({"url": url("/"), "method": "G T"}),
        json!({"url": url("/"), "headers": [["Host", "evil.org"]]}),
    ] {
        let error = send(&two, bad.clone()).unwrap_err();
        assert!(error["protocol"].is_string(), "{bad}: {error}");
    }
}

#[test]
fn private_addresses_need_the_very_address() {
    let port = server(0);
    let url = format!("http://127.0.0.1:{port}/");
    let any = service(&[format!("http://*:{port}")]);
    let denied = format!("http://127.0.0.1:{port}, which is at 127.0.0.1, not a public address");
    assert_eq!(send(&any, json!({"url": url})), Err(json!({"denied": denied})));
    let named = service(&[format!("http://localhost:{port}")]);
    assert_eq!(send(&named, json!({"url": format!("http://LOCALHOST:{port}/x")})).unwrap().0, 200);
}

#[test]
fn redirects_are_followed_as_far_as_grants_go() {
    let far = server(0);
    let near = server(far);
    let url = |path: &str| format!("http://127.0.0.1:{near}{path}");
    let secret = json!([["authorization", "secret"], ["x-plain", "1"]]);
    let narrow = service(&[format!("http://127.0.0.1:{near}")]);
    let (_, seen) =
        send(&narrow, json!({"method": "POST", "url": url("/here"), "headers": secret, "body": [1]})).unwrap();
    assert!(seen.starts_with("GET /there?a=b") && seen.contains("secret"), "{seen}");
    assert_eq!(send(&narrow, json!({"url": url("/loop")})), Err(json!({"protocol": "more than 5 redirects"})));
    assert_eq!(send(&narrow, json!({"url": url("/other")})), Err(json!({"denied": format!("http://127.0.0.1:{far}")})));
    let wide = service(&[format!("http://127.0.0.1:{near}"), format!("http://127.0.0.1:{far}")]);
    let (_, seen) =
        send(&wide, json!({"method": "POST", "url": url("/other"), "headers": secret, "body": [65]})).unwrap();
    assert!(seen.starts_with("POST /there") && seen.ends_with("\nA"), "{seen}");
    assert!(seen.contains("x-plain") && !seen.contains("secret"), "what is meant for one origin stays there: {seen}");
}

#[test]
fn slow_servers_do_not_hold_a_call() {
    let port = server(0);
    let one = service(&[format!("http://127.0.0.1:{port}")]);
    let slow = || json!({"url": format!("http://127.0.0.1:{port}/slow")});
    let mut hasty = slow();
    hasty["timeout_ms"] = json!(100);
    assert_eq!(send(&one, hasty), Err(json!("timeout")));
    let options = CallOptions { deadline: Some(Duration::from_millis(150)), ..CallOptions::default() };
    assert!(matches!(call(&one, "left", slow(), options), Err(CallError::Timeout { .. })));
    let cancel = CancelToken::new();
    let options = CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() };
    std::thread::scope(|scope| {
        let call = scope.spawn(|| call(&one, "left", slow(), options));
        cancel.cancel();
        assert!(matches!(call.join().unwrap(), Err(CallError::Cancelled { .. })));
    });
    let quick = send(&one, json!({"url": format!("http://127.0.0.1:{port}/quick")}));
    assert_eq!(quick.map(|(status, _)| status), Ok(200), "the next call is served");
    // Nobody listens there any more.
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = service(&[format!("http://127.0.0.1:{gone}")]);
    assert_eq!(send(&nobody, json!({"url": format!("http://127.0.0.1:{gone}/")})), Err(json!("connect")));
}

/// A server that speaks TLS with the certificate of `data/`.
fn secure_server() -> u16 {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
    let certificate = CertificateDer::from(CERTIFICATE);
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(include_bytes!("data/localhost.key.der").as_slice()));
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = std::sync::Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream);
            // A client that does not trust us goes away before it asks.
            if stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret");
                let _ = stream.flush();
            }
        }
    });
    port
}

const CERTIFICATE: &[u8] = include_bytes!("data/localhost.cert.der");

#[test]
fn certificates_are_checked() {
    use marine_runtime::{CodeCacheConfig, Engine, EngineConfig};
    let port = secure_server();
    let url = json!({"url": format!("https://localhost:{port}/")});
    let grants = || std::collections::BTreeSet::from([format!("localhost:{port}").parse().unwrap()]);
    let mut spec = ServiceSpec::new("one", vec![ModuleSpec::new(module("left", &web("left")))]);
    spec.modules[0].grants.hosts = grants();
    let trusting = EngineConfig {
        cache: CodeCacheConfig::Off,
        trusted_roots: vec![CERTIFICATE.to_vec()],
        ..EngineConfig::default()
    };
    let trusting = Engine::new(trusting).unwrap();
    let service = |engine: &Engine| Service::builder(Plan::link(engine, spec.clone()).unwrap()).build().unwrap();
    assert_eq!(send(&service(&trusting), url.clone()), Ok((200, "secret".to_owned())));
    assert_eq!(send(&service(engine()), url), Err(json!("tls")));
}
