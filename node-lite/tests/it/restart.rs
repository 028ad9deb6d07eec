//! What is there again after an end, orderly or not.

use std::time::Duration;

use marine_manifest::GrantRequests;
use marine_node::{Client, ClientConfig, Node, NodeConfig, NodeError, StoreError};
use serde_json::json;

use crate::{
    deploy::publish,
    support::{client, config, key, node},
};

fn durable(n: u8, dir: &std::path::Path) -> NodeConfig {
    NodeConfig { data_dir: Some(dir.to_owned()), ..config(n) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_and_aliases_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let first = Node::start(durable(1, dir.path())).await.unwrap();
    let ann = client(2, &first).await;
    let blueprint = publish(&ann, first.peer_id(), GrantRequests::default()).await;
    let id = ann.create_service(first.peer_id(), &blueprint).await.unwrap();
    ann.add_alias(first.peer_id(), "shop", &id).await.unwrap();
    assert_eq!(ann.call(first.peer_id(), "shop", "count", vec![]).await.unwrap(), json!(1));
    first.shutdown().await.unwrap();

    let second = Node::start(durable(1, dir.path())).await.unwrap();
    let ann = client(2, &second).await;
    assert_eq!(ann.resolve_alias(second.peer_id(), "shop").await.unwrap(), Some(id.clone()));
    assert_eq!(ann.call(second.peer_id(), "shop", "count", vec![]).await.unwrap(), json!(1), "a new instance");
    ann.remove_service(second.peer_id(), "shop").await.unwrap();
    // An end without any care, as in a crash: what was answered is durable.
    drop(second);
    let third = retry_in_use(durable(1, dir.path())).await;
    let ann = client(2, &third).await;
    assert!(ann.services(third.peer_id()).await.unwrap().is_empty());
}

/// After a drop the old node gives its lock back when its writer has ended.
async fn retry_in_use(config: NodeConfig) -> Node {
    loop {
        match Node::start(config.clone()).await {
            Err(NodeError::Store(StoreError::InUse { .. })) => tokio::task::yield_now().await,
            other => return other.unwrap(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_particles_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let relay = node(1).await;
    let mut config = NodeConfig { bootstrap: relay.addresses(), ..durable(3, dir.path()) };
    let host = Node::start(config.clone()).await.unwrap();
    relay.wait_connected(host.peer_id()).await;
    let client = Client::connect(ClientConfig::new(key(2), relay.addresses())).await.unwrap();
    // The host tells the relay that it begins, waits, and answers: it ends while it waits.
    let script = format!(
        r#"(seq (call "{relay}" ("op" "noop") [])
             (seq
               (par (seq (call "{host}" ("op" "identity") ["begun"] b)
                      (seq (call "{relay}" ("op" "noop") []) (call %init_peer_id% ("op" "identity") [b] seen)))
                 (call "{host}" ("peer" "timeout") [1500 "done"] t))
               (seq (call "{host}" ("op" "identity") [t] u)
                 (seq (call "{relay}" ("op" "noop") [])
                   (call %init_peer_id% ("callbackSrv" "response") [u])))))"#,
        relay = relay.peer_id(),
        host = host.peer_id(),
    );
    let run = client.run(&script, Default::default(), Duration::from_secs(50));
    tokio::pin!(run);
    let restarted = async {
        // The host has particles in its store as soon as it has answered a later one of the same client.
        client.call(host.peer_id(), "op", "noop", vec![]).await.unwrap();
        config.listen = host.addresses().into_iter().map(without_peer).collect();
        host.shutdown().await.unwrap();
        Node::start(config).await.unwrap()
    };
    let (outcome, _host) = tokio::join!(run, restarted);
    assert_eq!(outcome.unwrap().result.unwrap(), [json!("done")]);
}

fn without_peer(mut address: marine_node::Multiaddr) -> marine_node::Multiaddr {
    address.pop();
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_node_is_told_who_has_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let first = Node::start(durable(1, dir.path())).await.unwrap();
    let second = Node::start(durable(2, dir.path())).await;
    let Err(NodeError::Store(StoreError::InUse { holder, .. })) = second else { panic!("two nodes, one store") };
    assert_eq!(holder, format!("process {}", std::process::id()));
    first.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_none_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("store.redb"), vec![7; 5000]).unwrap();
    let error = Node::start(durable(1, dir.path())).await.err().unwrap();
    assert!(matches!(error, NodeError::Store(StoreError::Damaged { .. } | StoreError::Io { .. })), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_in_use_stops_the_start() {
    let first = node(1).await;
    let taken = NodeConfig { listen: first.addresses().into_iter().map(without_peer).collect(), ..config(2) };
    assert!(matches!(Node::start(taken).await, Err(NodeError::Listen { .. })));
}
