//! Particles between clients and nodes.

use std::time::Duration;

use marine_node::{Client, ClientConfig, ClientError, RunError};
use serde_json::{Value, json};

use crate::support::{TTL, client, data, fault, key, node, node_at, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_hop_and_back() {
    let node = node(1).await;
    let client = client(2, &node).await;
    let value = json!({ "a": [1, "x", null], "b": { "c": 1.5 } });
    assert_eq!(client.call(node.peer_id(), "op", "identity", vec![value.clone()]).await.unwrap(), value);
    assert_eq!(client.relay(), node.peer_id());

    let info = client.call(node.peer_id(), "peer", "identify", vec![]).await.unwrap();
    assert_eq!(info["external_addresses"].as_array().unwrap().len(), 1);
    let ms = client.call(node.peer_id(), "peer", "timestamp_ms", vec![]).await.unwrap().as_u64().unwrap();
    let sec = client.call(node.peer_id(), "peer", "timestamp_sec", vec![]).await.unwrap().as_u64().unwrap();
    assert!(ms > 1_700_000_000_000 && sec >= ms / 1000, "{ms} {sec}");
    let connected = vec![json!(client.peer_id().to_string())];
    assert_eq!(client.call(node.peer_id(), "peer", "is_connected", connected).await.unwrap(), json!(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_a_relay_to_a_host_and_back() {
    let relay = node(1).await;
    let host = node_at(3, &relay).await;
    let client = client(2, &relay).await;
    let answer = client.call(host.peer_id(), "op", "concat_strings", vec![json!("a"), json!("b")]).await.unwrap();
    assert_eq!(answer, json!("ab"));

    let script = r#"
        (seq (call %init_peer_id% ("getDataSrv" "-relay-") [] relay)
          (seq (call relay ("op" "noop") [])
            (seq (call "@0" ("op" "identity") ["from host"] x)
              (seq (call relay ("op" "identity") [x] y)
                (call %init_peer_id% ("callbackSrv" "response") [x y])))))"#;
    let outcome = run(&client, script, &[host.peer_id()]).await;
    assert_eq!(outcome.result.as_ref().unwrap().as_slice(), [json!("from host"), json!("from host")]);
    let trace = outcome.trace().unwrap().unwrap().to_string();
    assert!(trace.contains("signature ok") && trace.contains("op.identity(\"from host\")"), "{trace}");
    assert!(trace.contains("0 void, 0 unreached"), "{trace}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn branches_at_several_nodes_come_together() {
    let relay = node(1).await;
    let (left, right) = (node_at(3, &relay).await, node_at(4, &relay).await);
    let client = client(2, &relay).await;
    let script = r#"
        (seq (call "@2" ("op" "noop") [])
          (seq
            (par (call "@0" ("op" "identity") ["left"] l) (call "@1" ("op" "identity") ["right"] r))
            (seq (call "@2" ("op" "array") [l r] both)
              (call %init_peer_id% ("callbackSrv" "response") [both]))))"#;
    let outcome = run(&client, script, &[left.peer_id(), right.peer_id(), relay.peer_id()]).await;
    assert_eq!(outcome.result.unwrap(), [json!(["left", "right"])]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_larger_than_frames() {
    let relay = node(1).await;
    let host = node_at(3, &relay).await;
    let client = client(2, &relay).await;
    for size in [200_000, 800_000, 1 << 20, 5 << 20] {
        let text: String = (0..size).map(|n: usize| char::from(b'a' + (n * n % 26) as u8)).collect();
        let answer = client.call(host.peer_id(), "op", "identity", vec![json!(text)]).await.unwrap();
        assert!(answer == json!(text), "{size} bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_come_back() {
    let node = node(1).await;
    let client = client(2, &node).await;
    let me = node.peer_id();
    let (code, text) = fault(client.call(me, "nobody", "f", vec![]).await);
    assert_eq!((code, text.as_str()), (2, "no service with id or alias `nobody`; there are no aliases here"));
    let (code, text) = fault(client.call(me, "op", "nop", vec![]).await);
    assert_eq!(code, 2);
    assert!(text.starts_with("op.nop: no such function; `op` has noop, "), "{text}");
    let (code, text) = fault(client.call(me, "op", "array_length", vec![json!("x")]).await);
    assert_eq!((code, text.as_str()), (3, "op.array_length: args[0]: expected array, got \"x\""));
    assert_eq!(fault(client.call(me, "getDataSrv", "x", vec![]).await).0, 2, "nobody else's data");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_runs_end() {
    let node = node(1).await;
    let client = client(2, &node).await;
    let outcome = run(&client, "(null)", &[]).await;
    assert_eq!(outcome.result.unwrap(), Vec::<Value>::new());

    let outcome = run(&client, r#"(call %init_peer_id% ("getDataSrv" "x") [] x)"#, &[]).await;
    let Err(RunError::Workflow { error }) = outcome.result else { panic!("{:?}", outcome.result) };
    assert_eq!(error["error_code"], json!(10000));

    let outcome = run(&client, r#"(call %init_peer_id% ("errorHandlingSrv" "error") ["no" 7])"#, &[]).await;
    let Err(RunError::Failed { error, index }) = outcome.result else { panic!("{:?}", outcome.result) };
    assert_eq!((error, index), (json!("no"), json!(7)));

    let outcome = run(&client, "(seq", &[]).await;
    assert!(matches!(outcome.result, Err(RunError::Rejected { code: 1, .. })), "{:?}", outcome.result);

    let silent = r#"(call "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5" ("a" "b") [] x)"#;
    let outcome = client.run(silent, data([]), Duration::from_millis(300)).await.unwrap();
    assert!(matches!(outcome.result, Err(RunError::Expired { .. })), "{:?}", outcome.result);
    assert!(outcome.data.is_some(), "what was known until then");

    let given = data([("x", json!({ "y": 1 }))]);
    let script = r#"(seq (call %init_peer_id% ("getDataSrv" "x") [] x) (call %init_peer_id% ("callbackSrv" "response") [x.$.y]))"#;
    assert_eq!(client.run(script, given, TTL).await.unwrap().result.unwrap(), [json!(1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timers_hold_no_thread() {
    let node = node(1).await;
    let client = client(2, &node).await;
    // Far more timers than threads; the slowest branch answers.
    let branch =
        |n: usize| format!(r#"(call "@0" ("peer" "timeout") [{} "done"] t{n})"#, if n == 0 { 400 } else { 30_000 });
    let timers = (1..200).map(branch).fold(branch(0), |all, next| format!("(par {all} {next})"));
    let script = format!(r#"(seq {timers} (call %init_peer_id% ("callbackSrv" "response") [t0]))"#);
    assert_eq!(run(&client, &script, &[node.peer_id()]).await.result.unwrap(), [json!("done")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_local_calls_take_turns_with_others() {
    let node = node(1).await;
    let client = client(2, &node).await;
    // More than one turn of work at the node, whose last result comes back, in a trace that verifies.
    let calls = (0..1000).map(|n| format!(r#"(call "@0" ("op" "identity") [{n}] x{n})"#));
    let long = calls.reduce(|all, next| format!("(seq {all} {next})")).unwrap();
    let script = format!(r#"(seq {long} (call %init_peer_id% ("callbackSrv" "response") [x999]))"#);
    let outcome = run(&client, &script, &[node.peer_id()]).await;
    assert_eq!(outcome.trace().unwrap().unwrap().rows.len(), 1001);
    assert_eq!(outcome.result.unwrap(), [json!(999)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_at_once() {
    let relay = node(1).await;
    let host = node_at(3, &relay).await;
    let calls = (10..30).map(|n| {
        let (addresses, host) = (relay.addresses(), host.peer_id());
        tokio::spawn(async move {
            let client = Client::connect(ClientConfig::new(key(n), addresses)).await.unwrap();
            for i in 0..5 {
                assert_eq!(client.call(host, "op", "array", vec![json!(n), json!(i)]).await.unwrap(), json!([n, i]));
            }
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_there() {
    let node = node(1).await;
    let addresses = node.addresses();
    node.shutdown().await.unwrap();
    let mut config = ClientConfig::new(key(2), addresses);
    config.connect_timeout = Duration::from_millis(500);
    assert!(matches!(Client::connect(config).await, Err(ClientError::Unreachable { .. })));
    assert!(matches!(Client::connect(ClientConfig::new(key(2), vec![])).await, Err(ClientError::NoRelay)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_network_is_refused() {
    let node = node(1).await;
    let mut config = ClientConfig::new(key(2), node.addresses());
    (config.network, config.connect_timeout) = ("other".to_owned(), Duration::from_secs(1));
    assert!(matches!(Client::connect(config).await, Err(ClientError::Unreachable { .. })));
}
