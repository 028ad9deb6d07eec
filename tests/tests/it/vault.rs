//! Vaults of particles: what services of one particle share, and nobody else reaches; in the runtime, and on a node.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use marine_build::Profile;
use marine_manifest::{ArgPolicy, BinaryGrant, Dir, DirRequest, GrantRequests, module_cid};
use marine_node::{CallFailure, Node, NodeConfig};
use marine_runtime::{
    CallError, CallOptions, CallParameters, Module, ModuleSpec, ParticleParameters, Plan, Service, ServiceSpec,
    VaultError, Vaults,
};
use serde_json::{Value, json};

use crate::guests::{engine, module};
use crate::node::{client, config, deploy};

fn particle(id: &str) -> CallParameters {
    let particle = ParticleParameters { id: id.to_owned(), token: "secret".to_owned(), ..Default::default() };
    CallParameters { particle, ..CallParameters::default() }
}

/// `ann` and `bob` write and read files, `reader` runs a program on them; all of them see vaults, but `eve` does not.
fn service() -> Service {
    let named = |guest: &str, name: &str| {
        let bytes = module(Profile::Release, guest).bytes().to_vec();
        let mut spec = ModuleSpec::new(Module::from_bytes(name, bytes).unwrap());
        if name != "eve" {
            spec.grants.dirs = BTreeMap::from([(Dir::VAULT.to_owned(), Dir::Vault)]);
        }
        spec
    };
    let mut reader = named("tools", "reader");
    let args = ArgPolicy::templates(&[vec!["<path:/tmp/vault>"]]).unwrap();
    reader.grants.binaries = BTreeMap::from([("cat".to_owned(), BinaryGrant { args, ..BinaryGrant::new("cat") })]);
    for name in ["echo", "pdf-to-text", "7z"] {
        reader.grants.binaries.insert(name.to_owned(), BinaryGrant::new("cat"));
    }
    let mut spec =
        ServiceSpec::new("post", vec![named("probe", "ann"), named("probe", "bob"), named("probe", "eve"), reader]);
    // Two instances: what is shared is not in memory.
    spec.instances = 2;
    Service::builder(Plan::link(engine(), spec).unwrap()).build().unwrap()
}

fn call(service: &Service, id: &str, module: &str, function: &str, args: Value) -> Result<Value, CallError> {
    let options = CallOptions { params: Some(particle(id)), ..CallOptions::default() };
    service.call_module(module, function, args, options)
}

#[test]
fn modules_share_the_vault_of_the_particle_that_calls() {
    let service = service();
    assert!(service.has_vault());
    let is_refused =
        |answer: Result<Value, CallError>| assert!(matches!(answer, Err(CallError::Service(_))), "{answer:?}");
    let dir = call(&service, "p1", "ann", "vault", json!([])).unwrap();
    assert_eq!(dir, "/tmp/vault/p1-secret");
    let note = "/tmp/vault/p1-secret/note";
    call(&service, "p1", "ann", "write", json!([note, "tea"])).unwrap();
    assert_eq!(call(&service, "p1", "bob", "read", json!([note])), Ok(json!("tea")));
    let run = call(&service, "p1", "reader", "run", json!(["cat", [note]])).unwrap();
    assert_eq!((&run["ret_code"], &run["stdout"]), (&json!(0), &json!(b"tea")), "{run}");
    is_refused(call(&service, "p1", "eve", "read", json!([note])));

    // Another particle sees its own vault alone, from the same instance.
    is_refused(call(&service, "p2", "ann", "read", json!([note])));
    is_refused(call(&service, "p2", "ann", "read", json!(["/tmp/vault/../vault/p1-secret/note"])));
    assert_eq!(call(&service, "p2", "ann", "list", json!(["/tmp/vault"])), Ok(json!(["p2-secret"])));
    let run = call(&service, "p2", "reader", "run", json!(["cat", [note]])).unwrap();
    assert_ne!(run["ret_code"], json!(0), "{run}");
    assert_eq!(call(&service, "p1", "ann", "read", json!([note])), Ok(json!("tea")), "it is still there");

    // It is bounded.
    let much = json!(["/tmp/vault/p2-secret/much", "x".repeat(9 << 20)]);
    let full = (0..9).map(|n| {
        let path = format!("/tmp/vault/p2-secret/{n}");
        call(&service, "p2", "bob", "write", json!([path, much[1]]))
    });
    let Some(Err(CallError::Service(full))) = full.into_iter().find(Result::is_err) else { panic!("it has no bound") };
    assert!(full.to_string().to_lowercase().contains("quota"), "{full}");
}

#[test]
fn the_host_reads_and_writes_a_vault_and_follows_no_link_out_of_it() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("secret"), "no").unwrap();
    let vaults = Vaults::new(place.path(), 1 << 20);
    let vault = vaults.open("p1", &particle("p1").particle).unwrap();
    assert_eq!(vault.guest_path(), "/tmp/vault/p1-secret");
    let service = service();
    let call = |module: &str, function: &str, args: Value| {
        let options =
            CallOptions { params: Some(particle("p1")), vault: Some(vault.clone()), ..CallOptions::default() };
        service.call_module(module, function, args, options)
    };
    let path = vault.put(b"milk").unwrap();
    assert_eq!(call("bob", "read", json!([path])), Ok(json!("milk")));
    call("bob", "write", json!(["/tmp/vault/p1-secret/note", "tea"])).unwrap();
    assert_eq!(vault.read("/tmp/vault/p1-secret/note", 3).unwrap(), b"tea");

    let own = place.path().join("p1/p1-secret");
    std::os::unix::fs::symlink("../../secret", own.join("link")).unwrap();
    std::os::unix::fs::symlink("/etc", own.join("etc")).unwrap();
    fs::create_dir(own.join("dir")).unwrap();
    let refused = |path: &str| vault.read(path, 2).unwrap_err().to_string();
    for path in ["link", "etc/passwd", "../../secret", "none", "dir"] {
        let text = refused(&format!("/tmp/vault/p1-secret/{path}"));
        assert!(text.starts_with(&format!("/tmp/vault/p1-secret/{path}: ")), "{text}");
    }
    for path in ["/tmp/vault/p2-secret/note", "/tmp/vault", "note", "/etc/passwd"] {
        assert!(refused(path).contains("is no file of the particle's vault, which is /tmp/vault/p1-secret"), "{path}");
    }
    assert_eq!(refused("/tmp/vault/p1-secret/note"), "/tmp/vault/p1-secret/note has more than 2 bytes");

    for name in ["", ".", ".."] {
        assert!(vaults.open(name, &particle("p1").particle).is_err() && vaults.remove(name).is_err(), "{name:?}");
    }

    // All vaults have a bound together.
    let other = vaults.open("p2", &particle("p2").particle).unwrap();
    let half = vec![b'x'; 600 << 10];
    vault.put(&half).unwrap();
    assert!(matches!(other.put(&half), Err(VaultError::Full)));
    vaults.remove("p1").unwrap();
    assert!(!place.path().join("p1").exists());
    other.put(&half).unwrap();
}

fn files() -> GrantRequests {
    let dirs = BTreeMap::from([(Dir::VAULT.to_owned(), DirRequest::Vault { vault: true })]);
    GrantRequests { dirs, ..GrantRequests::default() }
}

/// Waits until the node has no vaults. Nothing tells when files are gone.
async fn no_vaults(dir: &Path) {
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let gone = async {
        while fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
            look.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_particle_has_a_vault_on_a_node_until_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let vaults = dir.path().join("vault");
    // Of a particle that nobody knows any more.
    fs::create_dir_all(vaults.join("left-over")).unwrap();
    let node = Node::start(NodeConfig { data_dir: Some(dir.path().to_owned()), ..config(1) }).await.unwrap();
    no_vaults(&vaults).await;
    let (ann, me) = (client(&node).await, node.peer_id());
    deploy(&ann, me, &["probe"], "files", files()).await;
    // Compiled before time counts.
    ann.call(me, "files", "variables", vec![]).await.unwrap();
    let script = format!(
        r#"(seq (call "{me}" ("vault" "put") ["tea"] path)
           (seq (call "{me}" ("files" "read") [path] tea)
           (seq (call "{me}" ("files" "vault") [] dir)
           (seq (call "{me}" ("op" "concat_strings") [dir "/note"] note)
           (seq (call "{me}" ("files" "write") [note "milk"])
           (seq (call "{me}" ("vault" "cat") [note] milk)
             (call %init_peer_id% ("callbackSrv" "response") [path note tea milk])))))))"#
    );
    let outcome = ann.run(&script, BTreeMap::new(), Duration::from_secs(8)).await.unwrap();
    let [path, note, tea, milk] = &outcome.result.as_ref().unwrap()[..] else { panic!("four values") };
    assert_eq!((tea, milk), (&json!("tea"), &json!("milk")));
    let cid = outcome.particle.cid().to_string();
    assert!(note.as_str().unwrap().starts_with(&format!("/tmp/vault/{cid}-")), "{note}");
    let dir_of = |cid: &str| vaults.join(cid);
    assert!(dir_of(&cid).exists());

    // Neither the node nor a service shows it to another particle.
    let stranger = ann.call(me, "vault", "cat", vec![path.clone()]).await;
    let Err(CallFailure::Service { code: 1, message, .. }) = stranger else { panic!("{stranger:?}") };
    assert!(message.starts_with(&format!("vault.cat: {path} is no file of the particle's vault")), "{message}");
    let stranger = ann.call(me, "files", "read", vec![path.clone()]).await;
    assert!(matches!(stranger, Err(CallFailure::Service { code: 1, .. })), "{stranger:?}");
    let gone = async {
        let mut look = tokio::time::interval(Duration::from_millis(20));
        while dir_of(&cid).exists() {
            look.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone).await.unwrap();
    ann.close().await;
    node.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn modules_and_blueprints_come_from_files_of_the_vault() {
    let node = Node::start(config(1)).await.unwrap();
    let (ann, me) = (client(&node).await, node.peer_id());
    deploy(&ann, me, &["probe"], "files", files()).await;
    let component = wat::parse_str("(component (core module $m (func (export \"f\"))) (core instance $i (instantiate $m)) \
        (func $f (canon lift (core func $i \"f\"))) (instance $api (export \"f\" (func $f))) (export \"marine:demo/api\" (instance $api)))")
        .unwrap();
    let script = format!(
        r#"(seq (call %init_peer_id% ("getDataSrv" "bytes") [] bytes)
           (seq (call %init_peer_id% ("getDataSrv" "config") [] config)
           (seq (call "{me}" ("files" "vault") [] dir)
           (seq (call "{me}" ("op" "concat_strings") [dir "/demo.wasm"] wasm)
           (seq (call "{me}" ("files" "write_bytes") [wasm bytes])
           (seq (call "{me}" ("vault" "put") [config] config_path)
           (seq (call "{me}" ("dist" "load_module_config") [config_path] loaded)
           (seq (call "{me}" ("dist" "add_module_from_vault") [wasm loaded] one)
           (seq (call "{me}" ("dist" "add_module_bytes_from_vault") ["demo" wasm] two)
           (seq (call "{me}" ("op" "array") [one] cids)
           (seq (call "{me}" ("dist" "make_blueprint") ["demo" cids] made)
           (seq (call "{me}" ("vault" "put") [made] blueprint_path)
           (seq (call "{me}" ("dist" "load_blueprint") [blueprint_path] blueprint)
           (seq (call "{me}" ("dist" "add_blueprint") [blueprint] id)
             (call %init_peer_id% ("callbackSrv" "response") [one two made blueprint loaded])))))))))))))))"#
    );
    let config = r#"{"name": "demo", "max_heap_size": "1 MiB", "wasi": {"envs": [["A", "b"]]}}"#;
    let data = BTreeMap::from([("bytes".to_owned(), json!(component)), ("config".to_owned(), json!(config))]);
    let outcome = ann.run(&script, data, Duration::from_secs(60)).await.unwrap();
    let [one, two, made, blueprint, loaded] = &outcome.result.as_ref().unwrap()[..] else { panic!("five values") };
    assert_eq!((one, two), (&json!(module_cid(&component).to_string()), one));
    assert_eq!(made, blueprint);
    let wasi = json!([{ "envs": [[["A", "b"]]] }]);
    assert_eq!(loaded, &json!({ "name": "demo", "max_heap_size": ["1 MiB"], "wasi": wasi }));
    let missing = ann.call(me, "dist", "load_blueprint", vec![json!("/tmp/vault/x")]).await;
    let Err(CallFailure::Service { code: 1, message, .. }) = missing else { panic!("{missing:?}") };
    assert!(message.starts_with("dist.load_blueprint: \"/tmp/vault/x\" is no file"), "{message}");
    ann.close().await;
    node.shutdown().await.unwrap();
}
