//! Nodes, clients and components for tests.

use std::{collections::BTreeMap, time::Duration};

use marine_node::{CallFailure, Client, ClientConfig, Keypair, Node, NodeConfig, PeerId};
use serde_json::Value;

pub(crate) const TTL: Duration = Duration::from_secs(60);

/// The key of a test's peer.
pub(crate) fn key(n: u8) -> Keypair {
    Keypair::from_seed(&[n; 32])
}

/// A node in memory that everybody may deploy to.
pub(crate) fn config(n: u8) -> NodeConfig {
    NodeConfig { dev: true, ..NodeConfig::new(key(n)) }
}

pub(crate) async fn node(n: u8) -> Node {
    Node::start(config(n)).await.unwrap()
}

/// A node that keeps a connection to `other`.
pub(crate) async fn node_at(n: u8, other: &Node) -> Node {
    let node = Node::start(NodeConfig { bootstrap: other.addresses(), ..config(n) }).await.unwrap();
    other.wait_connected(node.peer_id()).await;
    node
}

pub(crate) async fn client(n: u8, relay: &Node) -> Client {
    Client::connect(ClientConfig::new(key(n), relay.addresses())).await.unwrap()
}

/// Runs a script whose text may name peers as `@0`, `@1`, ..
pub(crate) async fn run(client: &Client, script: &str, peers: &[PeerId]) -> marine_node::RunOutcome {
    let named = |text: String, (n, peer): (usize, &PeerId)| text.replace(&format!("@{n}"), &peer.to_string());
    let script = peers.iter().enumerate().fold(script.to_owned(), named);
    client.run(&script, BTreeMap::new(), TTL).await.unwrap()
}

/// Code and message of a service's error.
pub(crate) fn fault<T: std::fmt::Debug>(result: Result<T, CallFailure>) -> (i64, String) {
    match result.unwrap_err() {
        CallFailure::Service { code, message, .. } => (code, message),
        other => panic!("not a service's error: {other}"),
    }
}

/// `{"name": value, ..}` as the arguments of a run.
pub(crate) fn data<const N: usize>(values: [(&str, Value); N]) -> BTreeMap<String, Value> {
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A component with functions of `marine:demo/api`: `double`, `echo`, `count` (how often it was called), `spin`, `crash`.
pub(crate) fn component() -> Vec<u8> {
    wat::parse_str(COMPONENT).unwrap()
}

/// The same component with a custom section of so many bytes.
pub(crate) fn large_component(bytes: usize) -> Vec<u8> {
    let mut component = component();
    let payload: Vec<u8> = (0..bytes).map(|n| (n * 31 % 251) as u8).collect();
    let section = [&[3], &b"pad"[..], &payload].concat();
    component.push(0);
    let mut rest = section.len();
    while rest >= 0x80 {
        component.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    component.push(rest as u8);
    component.extend(section);
    component
}

const COMPONENT: &str = r#"
(component
  (core module $m
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (global $count (mut i32) (i32.const 0))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    (func (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
    (func (export "count") (result i32)
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (global.get $count))
    (func (export "echo") (param i32 i32) (result i32)
      (i32.store (i32.const 0) (local.get 0))
      (i32.store (i32.const 4) (local.get 1))
      (i32.const 0))
    (func (export "spin") (loop (br 0)))
    (func (export "crash") unreachable))
  (core instance $i (instantiate $m))
  (func $double (param "n" u32) (result u32) (canon lift (core func $i "double")))
  (func $count (result u32) (canon lift (core func $i "count")))
  (func $echo (param "text" string) (result string)
    (canon lift (core func $i "echo") (memory $i "memory") (realloc (func $i "realloc"))))
  (func $spin (canon lift (core func $i "spin")))
  (func $crash (canon lift (core func $i "crash")))
  (instance $api
    (export "double" (func $double))
    (export "count" (func $count))
    (export "echo" (func $echo))
    (export "spin" (func $spin))
    (export "crash" (func $crash)))
  (export "marine:demo/api" (instance $api)))
"#;
