//! Nodes with real guests: built from Rust, deployed over the network, called through a relay.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use marine_build::Profile;
use marine_manifest::{Blueprint, BlueprintModule, DirRequest, GrantRequests, Limits, Mode};
use marine_node::{
    CallFailure, Client, ClientConfig, DeployRight, Keypair, Node, NodeConfig, NodeError, PeerId, Policy, StoreError,
};
use serde_json::{Value, json};

use crate::guests;

fn key(seed: u8) -> Keypair {
    Keypair::from_seed(&[seed; 32])
}

/// A node that lets the client of these tests deploy.
pub(crate) fn config(seed: u8) -> NodeConfig {
    let policy = Policy { deploy: DeployRight::Peers(vec![key(9).peer_id()]), ..Policy::default() };
    NodeConfig { policy, ..NodeConfig::new(key(seed)) }
}

pub(crate) async fn client(relay: &Node) -> Client {
    Client::connect(ClientConfig::new(key(9), relay.addresses())).await.unwrap()
}

/// Deploys a service of the guests called `names`, the last of which is the facade, as `alias`. Returns its id.
pub(crate) async fn deploy(
    client: &Client,
    host: PeerId,
    names: &[&str],
    alias: &str,
    grants: GrantRequests,
) -> String {
    let mut modules = Vec::new();
    for name in names {
        let module = guests::module(Profile::Release, name);
        let cid = client.add_module(host, name, module.bytes()).await.unwrap();
        let (needs, interface) = (BTreeMap::new(), module.interface().to_wit());
        modules.push(BlueprintModule { name: (*name).to_owned(), cid, interface, needs, grants: grants.clone() });
    }
    let facade = names[names.len() - 1].to_owned();
    let blueprint = Blueprint::new(alias.to_owned(), facade, Limits::default(), modules);
    let blueprint = client.add_blueprint(host, &blueprint).await.unwrap();
    let id = client.create_service(host, &blueprint).await.unwrap();
    client.add_alias(host, alias, &id).await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_of_three_modules_through_a_relay() {
    let relay = Node::start(config(1)).await.unwrap();
    let host = Node::start(NodeConfig { bootstrap: relay.addresses(), ..config(2) }).await.unwrap();
    relay.wait_connected(host.peer_id()).await;
    let client = client(&relay).await;
    let me = host.peer_id();
    let id = deploy(&client, me, &["echo", "context", "relay"], "everything", GrantRequests::default()).await;

    assert_eq!(client.call(me, "everything", "inc", vec![json!(41)]).await.unwrap(), json!(42));
    assert_eq!(
        client.call(me, "everything", "maybe", vec![json!(null)]).await.unwrap(),
        json!([]),
        "options as AIR has them"
    );
    match client.call(me, "everything", "parse", vec![json!("x")]).await {
        Err(CallFailure::Service { code: 1, message, .. }) => assert!(message.contains("invalid digit"), "{message}"),
        other => panic!("{other:?}"),
    }

    // What the modules learn about the call is what the particle says.
    let script = format!(
        r#"(seq (call "{relay}" ("op" "identity") ["x"] x)
             (seq (call "{me}" ("everything" "callers") [] both)
               (seq (call "{relay}" ("op" "noop") [])
                 (call %init_peer_id% ("callbackSrv" "response") [both]))))"#,
        relay = relay.peer_id(),
    );
    let outcome = client.run(&script, BTreeMap::new(), Duration::from_secs(60)).await.unwrap();
    let both = outcome.result.as_ref().unwrap()[0].clone();
    assert_eq!(both[0], both[1], "every module of one call sees the same");
    let seen = &both[0];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    assert_eq!(text(&seen["particle"]["id"]), outcome.particle.cid().to_string());
    assert_eq!(text(&seen["particle"]["init_peer_id"]), client.peer_id().to_string());
    assert_eq!(text(&seen["particle"]["script"]), script);
    assert_eq!(seen["particle"]["signature"], json!(outcome.particle.signature().to_vec()));
    assert_eq!((text(&seen["service_id"]), text(&seen["host_id"])), (id, me.to_string()));
    assert_eq!(text(&seen["service_creator_peer_id"]), client.peer_id().to_string());
    assert!(!text(&seen["particle"]["token"]).is_empty());

    let trace = outcome.trace().unwrap().unwrap().to_string();
    assert!(trace.contains("everything.callers()") && trace.contains("0 void, 0 unreached"), "{trace}");
    client.close().await;
    host.shutdown().await.unwrap();
    relay.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_volume_outlives_its_node() {
    let dir = tempfile::tempdir().unwrap();
    let durable = |dir: &Path| NodeConfig { data_dir: Some(dir.to_owned()), ..config(3) };
    let volume = DirRequest::Volume { volume: "data".to_owned(), mode: Mode::ReadWrite, quota: None };
    let grants = GrantRequests { dirs: BTreeMap::from([("/data".to_owned(), volume)]), ..GrantRequests::default() };

    let first = Node::start(durable(dir.path())).await.unwrap();
    let ann = client(&first).await;
    deploy(&ann, first.peer_id(), &["probe"], "files", grants).await;
    ann.call(first.peer_id(), "files", "write", vec![json!("/data/kept"), json!("yes")]).await.unwrap();
    // No orderly end.
    drop(first);

    let second = loop {
        match Node::start(durable(dir.path())).await {
            Err(NodeError::Store(StoreError::InUse { .. })) => tokio::task::yield_now().await,
            other => break other.unwrap(),
        }
    };
    let ann = client(&second).await;
    let read = ann.call(second.peer_id(), "files", "read", vec![json!("/data/kept")]).await;
    assert_eq!(read.unwrap(), json!("yes"));
    second.shutdown().await.unwrap();
}
