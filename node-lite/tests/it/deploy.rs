//! Deploying and using services.

use std::{collections::BTreeMap, time::Duration};

use marine_manifest::{AskedDir, Blueprint, BlueprintModule, DirRequest, GrantRequests, Limits, Mode};
use marine_node::{Client, DeployRight, HostDir, Node, NodeConfig, PeerId, Policy};
use serde_json::json;

use crate::support::{client, component, config, fault, key, large_component, node, node_at, run};

/// Adds the component of tests and a blueprint of it; returns the blueprint.
pub(crate) async fn publish(client: &Client, host: PeerId, grants: GrantRequests) -> marine_particle::Cid {
    let cid = client.add_module(host, "demo", &component()).await.unwrap();
    client.add_blueprint(host, &blueprint(cid, grants)).await.unwrap()
}

fn blueprint(cid: marine_particle::Cid, grants: GrantRequests) -> Blueprint {
    let interface = "package marine:demo;\n".to_owned();
    let module = BlueprintModule { name: "demo".to_owned(), cid, interface, needs: BTreeMap::new(), grants };
    let limits = Limits { timeout: Duration::from_millis(300), ..Limits::default() };
    Blueprint::new("demo".to_owned(), "demo".to_owned(), limits, vec![module])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_module_to_a_service_that_answers() {
    let relay = node(1).await;
    let host = node_at(3, &relay).await;
    let client = client(2, &relay).await;
    let me = host.peer_id();
    let blueprint = publish(&client, me, GrantRequests::default()).await;
    let id = client.create_service(me, &blueprint).await.unwrap();
    client.add_alias(me, "shop", &id).await.unwrap();

    assert_eq!(client.call(me, &id, "double", vec![json!(21)]).await.unwrap(), json!(42));
    assert_eq!(client.call(me, "shop", "echo", vec![json!("grüße")]).await.unwrap(), json!("grüße"));
    assert_eq!(client.call(me, "shop", "count", vec![]).await.unwrap(), json!(1));
    assert_eq!(client.call(me, "shop", "count", vec![]).await.unwrap(), json!(2), "one instance");

    let services = client.services(me).await.unwrap();
    assert_eq!((services.len(), services[0].aliases.as_slice()), (1, &["shop".to_owned()][..]));
    assert_eq!(client.service_info(me, "shop").await.unwrap().owner_id, client.peer_id().to_string());
    assert_eq!(client.resolve_alias(me, "shop").await.unwrap(), Some(id.clone()));
    assert_eq!(client.modules(me).await.unwrap()[0].name, "demo");
    assert_eq!(client.blueprints(me).await.unwrap()[0].id, blueprint.to_string());
    let interface = client.interface(me, "shop").await.unwrap();
    let double = json!({ "name": "double", "arguments": [["n", "u32"]], "output_types": ["u32"] });
    assert!(interface["function_signatures"].as_array().unwrap().contains(&double), "{interface}");

    client.remove_alias(me, "shop").await.unwrap();
    assert_eq!(client.resolve_alias(me, "shop").await.unwrap(), None);
    client.remove_service(me, &id).await.unwrap();
    assert_eq!(fault(client.call(me, &id, "double", vec![json!(1)]).await).0, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_of_several_megabytes() {
    let relay = node(1).await;
    let host = node_at(3, &relay).await;
    let client = client(2, &relay).await;
    let bytes = large_component(3 << 20);
    let cid = client.add_module(host.peer_id(), "demo", &bytes).await.unwrap();
    assert_eq!(cid, marine_manifest::module_cid(&bytes));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_blueprint_made_by_the_node() {
    let node = node(1).await;
    let client = client(2, &node).await;
    let me = node.peer_id();
    let cid = client.add_module(me, "demo", &component()).await.unwrap();
    let text = client.call(me, "dist", "make_blueprint", vec![json!("demo"), json!([cid.to_string()])]).await.unwrap();
    let id = client.call(me, "dist", "add_blueprint", vec![text]).await.unwrap();
    let service = client.call(me, "srv", "create", vec![id]).await.unwrap();
    assert_eq!(client.call(me, service.as_str().unwrap(), "double", vec![json!(2)]).await.unwrap(), json!(4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guests_that_fail_cost_one_call() {
    let node = node(1).await;
    let client = client(2, &node).await;
    let me = node.peer_id();
    let blueprint = publish(&client, me, GrantRequests::default()).await;
    let id = client.create_service(me, &blueprint).await.unwrap();
    let (code, text) = fault(client.call(me, &id, "crash", vec![]).await);
    assert_eq!(code, 4);
    assert!(text.contains("demo") && text.contains("crash"), "{text}");
    assert_eq!(client.call(me, &id, "double", vec![json!(1)]).await.unwrap(), json!(2));
    let (code, text) = fault(client.call(me, &id, "spin", vec![]).await);
    assert_eq!(code, 5, "{text}");
    assert_eq!(client.call(me, &id, "double", vec![json!(2)]).await.unwrap(), json!(4));
    assert_eq!(fault(client.call(me, &id, "double", vec![json!(-1)]).await).0, 3);
    assert_eq!(fault(client.call(me, &id, "dubble", vec![json!(1)]).await).0, 2);
    // While a guest runs, the node answers others.
    let script = r#"
        (par (call "@0" ("@1" "spin") [] x)
          (seq (call "@0" ("op" "identity") ["quick"] y) (call %init_peer_id% ("callbackSrv" "response") [y])))"#
        .replace("@1", &id);
    assert_eq!(run(&client, &script, &[me]).await.result.unwrap(), [json!("quick")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_may_deploys() {
    let policy = Policy { deploy: DeployRight::Peers(vec![key(2).peer_id()]), ..Policy::default() };
    let node = Node::start(NodeConfig { policy, ..NodeConfig::new(key(1)) }).await.unwrap();
    let me = node.peer_id();
    let (ann, eve) = (client(2, &node).await, client(3, &node).await);
    let (code, text) = fault(eve.add_module(me, "demo", &component()).await);
    let expected = format!(
        "dist.add_module: {} has not the right `deploy`; it is held by {}, the host {me}",
        eve.peer_id(),
        ann.peer_id()
    );
    assert_eq!((code, text), (6, expected));
    let blueprint = publish(&ann, me, GrantRequests::default()).await;
    let id = ann.create_service(me, &blueprint).await.unwrap();
    assert_eq!(fault(eve.create_service(me, &blueprint).await).0, 6);
    for denied in [eve.remove_service(me, &id).await, eve.add_alias(me, "mine", &id).await] {
        let (code, text) = fault(denied);
        assert_eq!(code, 6);
        assert!(text.contains("`owner`") && text.contains(&ann.peer_id().to_string()), "{text}");
    }
    assert_eq!(eve.call(me, &id, "double", vec![json!(2)]).await.unwrap(), json!(4), "everybody may call");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_takes_an_alias_from_its_owner() {
    let node = node(1).await;
    let me = node.peer_id();
    let (ann, eve) = (client(2, &node).await, client(3, &node).await);
    let blueprint = publish(&ann, me, GrantRequests::default()).await;
    let anns = ann.create_service(me, &blueprint).await.unwrap();
    let eves = eve.create_service(me, &blueprint).await.unwrap();
    ann.add_alias(me, "shop", &anns).await.unwrap();
    let (code, text) = fault(eve.add_alias(me, "shop", &eves).await);
    assert_eq!(code, 6);
    let expected = format!("srv.add_alias: {} has not the right `owner`", eve.peer_id());
    assert!(text.starts_with(&expected), "{text}");
    let (code, text) = fault(eve.add_alias(me, &anns, &eves).await);
    assert_eq!(code, 1);
    assert!(text.contains("is the id of a service"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_data_steers_no_privileged_call() {
    let relay = node(1).await;
    let host = node_at(3, &relay).await;
    let client = client(2, &relay).await;
    let script = r#"
        (xor
          (seq (call "@0" ("op" "identity") ["bafkr4i"] cid)
            (call "@1" ("srv" "create") [cid] id))
          (seq (call "@0" ("op" "noop") [])
            (call %init_peer_id% ("callbackSrv" "response") [:error:.$.message])))"#;
    let outcome = run(&client, script, &[relay.peer_id(), host.peer_id()]).await;
    let text = outcome.result.unwrap()[0].to_string();
    assert!(text.contains("ret_code is 6") && text.contains("args[0] comes from peer"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn host_directories_need_the_policy() {
    let asked = AskedDir { ask: "data/in".to_owned(), mode: Mode::ReadOnly };
    let grants = GrantRequests {
        dirs: BTreeMap::from([("/in".to_owned(), DirRequest::Ask(asked))]),
        ..GrantRequests::default()
    };
    let denying = node(1).await;
    let ann = client(2, &denying).await;
    let blueprint = publish(&ann, denying.peer_id(), grants.clone()).await;
    let (code, text) = fault(ann.create_service(denying.peer_id(), &blueprint).await);
    assert_eq!(code, 6);
    assert!(text.contains(r#"demo: dirs: "data/in" (ro)"#), "{text}");

    let dir = tempfile::tempdir().unwrap();
    let mut granting = config(4);
    granting.policy.dirs.insert("data/in".to_owned(), HostDir { path: dir.path().to_owned(), mode: Mode::ReadOnly });
    let granting = Node::start(granting).await.unwrap();
    let ann = client(2, &granting).await;
    let blueprint = publish(&ann, granting.peer_id(), grants).await;
    let id = ann.create_service(granting.peer_id(), &blueprint).await.unwrap();
    assert_eq!(ann.call(granting.peer_id(), &id, "double", vec![json!(1)]).await.unwrap(), json!(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_deployments() {
    let node = node(1).await;
    let client = client(2, &node).await;
    let me = node.peer_id();
    let (code, text) = fault(client.add_module(me, "demo", b"no component").await);
    assert_eq!(code, 1, "{text}");
    let missing = marine_manifest::module_cid(b"missing");
    let (code, text) = fault(client.add_blueprint(me, &blueprint(missing, GrantRequests::default())).await);
    assert_eq!(code, 1);
    assert!(text.contains("`demo`") && text.contains(&missing.to_string()), "{text}");
    assert_eq!(fault(client.create_service(me, &missing).await).0, 1);
    let used = publish(&client, me, GrantRequests::default()).await;
    let id = client.create_service(me, &used).await.unwrap();
    for (alias, part) in [("Shop", "does not fit"), ("op", "builtin")] {
        let (code, text) = fault(client.add_alias(me, alias, &id).await);
        assert_eq!(code, 1);
        assert!(text.contains(part), "{text}");
    }
    let (code, text) = fault(client.call(me, "dist", "remove_blueprint", vec![json!(used.to_string())]).await);
    assert_eq!(code, 1);
    assert!(text.contains(&id), "{text}");
}
