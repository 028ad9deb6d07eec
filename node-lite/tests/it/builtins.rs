//! Builtin services that know something of the node: its neighbours, its key, its services.

use std::collections::BTreeSet;

use marine_manifest::GrantRequests;
use marine_node::{Client, Node, NodeConfig, PeerId, Policy};
use marine_particle::verify_strict;
use serde_json::{Value, json};

use crate::deploy::publish;
use crate::support::{client, config, fault, key, node, node_at, run};

/// Some key, in base58.
const KEY: &str = "3yZe7d";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_are_the_nodes_that_one_knows() {
    let relay = node(1).await;
    let (ann, bob) = (node_at(3, &relay).await, node_at(4, &relay).await);
    let client = client(2, &relay).await;
    let at = |function: &'static str, args: Value| {
        let Value::Array(args) = args else { panic!("arguments are an array") };
        client.call(relay.peer_id(), "kad", function, args)
    };

    // Nodes tell each other their addresses after they connected.
    let wanted: BTreeSet<String> = [&ann, &bob].map(|node| node.peer_id().to_string()).into();
    let near: Vec<String> = loop {
        let found = at("neighborhood", json!([KEY])).await.unwrap();
        let found: Vec<String> = serde_json::from_value(found).unwrap();
        assert!(
            found.iter().all(|peer| wanted.contains(peer)),
            "clients and the node itself are no neighbours: {found:?}"
        );
        if found.len() == wanted.len() {
            break found;
        }
    };
    assert_eq!(at("neighborhood", json!([KEY, null, 1])).await.unwrap(), json!(near[..1]));
    assert_eq!(at("neighborhood", json!([KEY, [false], [0]])).await.unwrap(), json!([]));
    let merged = at("merge", json!([KEY, [near[1]], [near[0], near[1]]])).await.unwrap();
    assert_eq!(merged, json!(near), "the same order");
    // The hash of the key, made by another builtin, is the same key.
    let bytes = client.call(relay.peer_id(), "op", "string_from_b58", vec![json!(KEY)]).await.unwrap();
    let hash = client.call(relay.peer_id(), "op", "sha256_string", vec![bytes]).await.unwrap();
    assert_eq!(at("neighborhood", json!([hash, true])).await.unwrap(), json!(near));
    let (code, message) = fault(at("neighborhood", json!([KEY, true])).await);
    assert_eq!((code, &*message), (1, "kad.neighborhood: args[0] is no multihash of sha2-256"));

    let contacts = at("neigh_with_addrs", json!([KEY])).await.unwrap();
    assert_eq!(contacts[0]["peer_id"], json!(near[0]));
    let contact = client.call(relay.peer_id(), "peer", "get_contact", vec![json!(near[0])]).await.unwrap();
    assert_eq!(contact, json!([contacts[0]]));
    let addresses: Vec<String> = serde_json::from_value(contacts[0]["addresses"].clone()).unwrap();
    let nearest = if near[0] == ann.peer_id().to_string() { &ann } else { &bob };
    let listened = nearest.addresses()[0].to_string();
    assert!(addresses.iter().any(|address| listened.starts_with(address.as_str())), "{addresses:?} {listened}");
    let stranger = PeerId::random().to_string();
    assert_eq!(client.call(relay.peer_id(), "peer", "get_contact", vec![json!(stranger)]).await.unwrap(), json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_connects_where_its_management_says() {
    let policy = Policy { management: vec![key(2).peer_id()], ..Policy::default() };
    let (near, far) = (Node::start(NodeConfig { policy, ..config(1) }).await.unwrap(), node(4).await);
    let (manager, stranger) = (client(2, &near).await, client(3, &near).await);
    let me = near.peer_id();
    let connect = async |client: &Client, peer: PeerId, addresses: Value| {
        client.call(me, "peer", "connect", vec![json!(peer.to_string()), addresses]).await
    };
    let addresses = json!([far.addresses()]);
    assert_eq!(fault(connect(&stranger, far.peer_id(), addresses.clone()).await).0, 6);
    assert!(!near.connected().contains(&far.peer_id()));
    assert_eq!(connect(&manager, far.peer_id(), addresses).await.unwrap(), json!(true));
    assert!(near.connected().contains(&far.peer_id()));
    assert_eq!(connect(&manager, far.peer_id(), json!([])).await.unwrap(), json!(true), "it is connected");
    assert_eq!(connect(&manager, PeerId::random(), json!([])).await.unwrap(), json!(false));
    let (code, text) = fault(connect(&manager, far.peer_id(), json!([["nowhere"]])).await);
    assert_eq!((code, text.as_str()), (1, "peer.connect: \"nowhere\" is no multiaddr"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_signs_what_its_policy_names_for_its_management_only() {
    let policy = Policy {
        management: vec![key(2).peer_id()],
        sign: ["op.bytes_from_b58".to_owned(), "json.parse".to_owned()].into(),
        ..Policy::default()
    };
    let signer = Node::start(NodeConfig { policy, ..config(1) }).await.unwrap();
    let (manager, stranger) = (client(2, &signer).await, client(3, &signer).await);
    let script = |source: &str, lens: &str| {
        format!(
            r#"(xor (seq (call "@0" {source} data) (seq (call "@0" ("sig" "sign") [data{lens}] signed)
                      (call %init_peer_id% ("callbackSrv" "response") [signed data])))
                    (call %init_peer_id% ("errorHandlingSrv" "error") [:error: 0]))"#
        )
    };
    let decoded = |text: &[u8]| format!(r#"("op" "bytes_from_b58") ["{}"]"#, bs58::encode(text).into_string());
    let peers = [signer.peer_id()];

    let values = run(&manager, &script(&decoded(b"a record"), ""), &peers).await.result.unwrap();
    assert_eq!(values[0]["success"], true);
    let signature: Vec<u8> = serde_json::from_value(values[0]["signature"][0].clone()).unwrap();
    verify_strict(&signer.peer_id(), b"a record", &signature.clone().try_into().unwrap()).unwrap();
    let verify = |data: Value| stranger.call(signer.peer_id(), "sig", "verify", vec![json!(signature), data]);
    assert_eq!(verify(values[1].clone()).await.unwrap(), true);
    assert_eq!(verify(json!(b"another")).await.unwrap(), false);
    assert_eq!(stranger.call(signer.peer_id(), "sig", "verify", vec![json!([1]), json!([])]).await.unwrap(), false);
    let id = stranger.call(signer.peer_id(), "sig", "get_peer_id", vec![]).await.unwrap();
    assert_eq!(id, signer.peer_id().to_string());

    let refused = [
        (&stranger, script(&decoded(b"a record"), ""), "may not have data signed"),
        (&manager, script(r#"("op" "identity") [[]]"#, ""), "names no `op.identity`"),
        (&manager, script(r#"("json" "parse") ["[[1]]"]"#, ".$.[0]"), "has to be all of it"),
        (&manager, script(&decoded(b"marine-head-1\0log"), ""), "only the node itself signs"),
        (&manager, script(&decoded(b"noise-libp2p-static-key:"), ""), "only the node itself signs"),
        (&manager, script(&decoded(b"\x12libp2p-peer-record"), ""), "only the node itself signs"),
    ];
    for (who, script, reason) in refused {
        let error = run(who, &script, &peers).await.result.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    // What comes from the caller, or from another peer, is not the node's.
    let (_, message) = fault(manager.call(signer.peer_id(), "sig", "sign", vec![json!([1])]).await);
    assert!(message.contains("not from this one"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_services_did_and_use() {
    let node = node(1).await;
    let client = client(2, &node).await;
    let me = node.peer_id();
    let blueprint = publish(&client, me, GrantRequests::default()).await;
    let id = client.create_service(me, &blueprint).await.unwrap();
    let stat = |function: &'static str, name: &str| client.call(me, "stat", function, vec![json!(name)]);
    let resting = stat("service_memory", &id).await.unwrap();
    assert_eq!((resting[0]["name"].as_str(), resting[0]["memory_size_bytes"].as_u64()), (Some("demo"), Some(0)));

    client.call(me, &id, "double", vec![json!(1)]).await.unwrap();
    client.call(me, &id, "crash", vec![]).await.unwrap_err();
    client.call(me, &id, "double", vec![json!(2)]).await.unwrap();
    client.call(me, &id, "no_such", vec![]).await.unwrap_err();
    let running = stat("service_memory", &id).await.unwrap();
    assert_eq!(running[0]["memory_size_bytes"], 65_536);
    assert!(running[0]["max_memory_size_bytes"].as_u64() > Some(65_536));

    let answer = stat("service_stat", &id).await.unwrap();
    assert_eq!((&answer["status"], &answer["error"]), (&json!(true), &json!("")));
    let stats = &answer["result"][0];
    let total = &stats["total_stats"];
    assert_eq!((&total["success_req_count"], &total["failed_req_count"]), (&json!(2), &json!(1)));
    assert_eq!(total["timestamps"].as_array().unwrap().len(), 3);
    let names: Vec<_> = stats["functions_stats"].as_array().unwrap().iter().map(|part| part["name"].clone()).collect();
    assert_eq!(names, ["crash", "double"], "what does not exist was not called");

    let answer = stat("service_stat", "nobody").await.unwrap();
    assert_eq!((&answer["status"], &answer["result"]), (&json!(false), &json!([])));
    assert!(fault(stat("service_memory", "nobody").await).1.starts_with("stat.service_memory: no service"));
    assert_eq!(client.call(me, "run-console", "print", vec![json!("hello"), json!(1)]).await.unwrap(), json!(null));
}
