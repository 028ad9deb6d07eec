//! The libraries in Aqua on nodes: compiled programs, run through a relay at three hosts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use marine_aqua::diagnostic::render_plain;
use marine_aqua::hir::{Method, Scalar, Type};
use marine_aqua::{Options, SourceError, Sources, check, compile};
use marine_manifest::{EnvRequest, GrantRequests, module_cid};
use marine_node::{CallFailure, Client, Keypair, Node, NodeConfig, PeerId};
use marine_particle::verify_strict;
use serde_json::{Value, json};

use crate::node::{client, config, deploy};

/// What each host offers.
const SERVICES: &str = r#"
service Notes("board"):
  put(key: string, value: string)
  get(key: string) -> string
  knock(times: u32) -> string

service Records("board"):
  add(key: string, provider: Provider)
  remove(key: string, peer: string)
  list(key: string) -> []Provider

service Voters("board"):
  vote(term: string, candidates: []string) -> Vote
"#;

/// How long a library waits for peers that do not answer; the others take less, on any machine.
const PATIENCE: u64 = 40_000;

/// A relay and three hosts with a service each, and a client of the relay.
struct Stage {
    relay: Node,
    hosts: Vec<Node>,
    client: Client,
}

impl Stage {
    async fn new() -> Self {
        let relay = Node::start(config(1)).await.unwrap();
        let mut hosts = Vec::new();
        for seed in 2..5 {
            let host = Node::start(NodeConfig { bootstrap: relay.addresses(), ..config(seed) }).await.unwrap();
            relay.wait_connected(host.peer_id()).await;
            hosts.push(host);
        }
        let client = client(&relay).await;
        let stage = Self { relay, hosts, client };
        for (seed, node) in (1u8..).zip([&stage.relay].into_iter().chain(&stage.hosts)) {
            // The last host votes for somebody else.
            let choice = if seed == 4 { 1 } else { 0 };
            let variables = [("SEED", seed.to_string()), ("CHOICE", choice.to_string())];
            let env = variables.map(|(name, value)| (name.to_owned(), EnvRequest::Text(value)));
            let grants = GrantRequests { env: env.into(), ..GrantRequests::default() };
            deploy(&stage.client, node.peer_id(), &["board"], "board", grants).await;
        }
        stage
    }

    fn peers(&self) -> Vec<String> {
        self.hosts.iter().map(|host| host.peer_id().to_string()).collect()
    }

    /// The results of a program's `main`, which gets the ids of the hosts as `ps`. `libraries` are imported.
    async fn run(&self, libraries: &[&str], head: &str, body: &str) -> Vec<Value> {
        self.run_at(self.peers(), libraries, head, body).await
    }

    async fn run_at(&self, peers: Vec<String>, libraries: &[&str], head: &str, body: &str) -> Vec<Value> {
        let air = script(libraries, head, body);
        let data = BTreeMap::from([("ps".to_owned(), json!(peers))]);
        let outcome = self.client.run(&air, data, Duration::from_secs(120)).await.unwrap();
        let trace = outcome.trace().unwrap().unwrap().to_string();
        outcome.result.unwrap_or_else(|error| panic!("{error}\n{trace}"))
    }

    async fn end(self) {
        self.client.close().await;
        for host in self.hosts {
            host.shutdown().await.unwrap();
        }
        self.relay.shutdown().await.unwrap();
    }
}

/// The only file of a program; libraries come with the compiler.
struct One(String);

impl Sources for One {
    fn text(&self, path: &str) -> Option<Result<Arc<str>, SourceError>> {
        (path == "main.aqua").then(|| Ok(Arc::from(self.0.as_str())))
    }
}

fn script(libraries: &[&str], head: &str, body: &str) -> String {
    let imports: String = libraries.iter().map(|library| format!("import \"marine/{library}.aqua\"\n")).collect();
    // A service of functions that need a library's types is declared where that library is imported.
    let known = |part: &&str| {
        let needs = |ty: &str, library: &str| !part.contains(ty) || libraries.contains(&library);
        needs("Provider", "discovery") && needs("Vote", "election")
    };
    let services = SERVICES.split("\n\n").filter(known).collect::<Vec<_>>().join("\n\n");
    let body: String = body.lines().map(|line| format!("  {line}\n")).collect();
    let text = format!(
        "aqua Main\n{imports}import \"aqua-lib/builtin.aqua\"\nexport main\n{services}\nfunc main(ps: []string){head}:\n{body}"
    );
    let output = compile("main.aqua", &One(text.clone()), &Options::default());
    let findings: Vec<String> =
        output.diagnostics.iter().map(|found| render_plain(found, &|file| output.checked.source(file))).collect();
    let script = output.script("main").unwrap_or_else(|| panic!("{}\n{text}", findings.join("\n")));
    script.air.clone()
}

fn sorted(list: &Value) -> Vec<String> {
    let mut texts: Vec<String> = serde_json::from_value(list.clone()).unwrap();
    texts.sort_unstable();
    texts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn libraries_on_nodes() {
    let stage = Stage::new().await;
    replication(&stage).await;
    quorum(&stage).await;
    discovery(&stage).await;
    election(&stage).await;
    retry(&stage).await;
    stage.end().await;
}

/// A value is kept at all hosts, repaired where it is missing, and found although one of them is away.
async fn replication(stage: &Stage) {
    let put = format!("done <- put{{Notes, Peer}}(ps, 3, {PATIENCE}, \"k\", \"v\")\n<- done");
    let done = stage.run(&["replication"], " -> []string", &put).await;
    assert_eq!(sorted(&done[0]), sorted(&json!(stage.peers())));

    let get = format!("found <- get{{Notes, Peer}}(ps, {PATIENCE}, \"k\")\n<- found");
    assert_eq!(stage.run(&["replication"], " -> ?string", &get).await, [json!(["v"])]);
    let nowhere = "found <- get{Notes, Peer}(ps, 1500, \"nowhere\")\n<- found";
    assert_eq!(stage.run(&["replication"], " -> ?string", nowhere).await, [json!([])]);

    stage.client.call(stage.hosts[0].peer_id(), "board", "put", vec![json!("r"), json!("kept")]).await.unwrap();
    let repair = "mended <- repair{Notes}(ps, \"r\", \"kept\")\n<- mended";
    let mended = stage.run(&["replication"], " -> []string", repair).await;
    assert_eq!(mended, [json!(stage.peers()[1..])]);
    assert_eq!(stage.run(&["replication"], " -> []string", repair).await, [json!([])]);
}

/// Two of three agree; the third is named, and so is one that says nothing.
async fn quorum(stage: &Stage) {
    for (host, value) in stage.hosts.iter().zip(["yes", "yes", "no"]) {
        stage.client.call(host.peer_id(), "board", "put", vec![json!("q"), json!(value)]).await.unwrap();
    }
    let ask = |need: u32, key: &str, limit: u64| {
        format!(
            "q = func () -> string:\n  v <- Notes.get(\"{key}\")\n  <- v\nv <- ask{{Peer}}(ps, {need}, {limit}, q)\n<- v"
        )
    };
    let peers = stage.peers();
    let verdict = &stage.run(&["quorum"], " -> Verdict", &ask(2, "q", PATIENCE)).await[0];
    assert_eq!(verdict["value"], json!(["yes"]));
    assert_eq!(sorted(&verdict["agree"]), sorted(&json!(peers[..2])));
    // The third may still have been on its way.
    let other =
        [verdict["dissent"].as_array().unwrap().clone(), verdict["silent"].as_array().unwrap().clone()].concat();
    assert_eq!(other, [json!(peers[2])]);

    let verdict = &stage.run(&["quorum"], " -> Verdict", &ask(3, "q", 4000)).await[0];
    assert_eq!((&verdict["value"], &verdict["agree"]), (&json!([]), &json!([])), "three do not agree");
    let verdict = &stage.run(&["quorum"], " -> Verdict", &ask(1, "nowhere", 1500)).await[0];
    assert_eq!(sorted(&verdict["silent"]).len(), 3, "{verdict}");
}

/// A provider is registered at the two nodes nearest to the key, found, and gone after it was withdrawn.
async fn discovery(stage: &Stage) {
    let key = "any text: ü";
    let coded = stage.client.call(stage.relay.peer_id(), "op", "string_to_b58", vec![json!(key)]).await.unwrap();
    let kad = async |function: &str, args: Vec<Value>| {
        stage.client.call(stage.relay.peer_id(), "kad", function, args).await.unwrap()
    };
    // Nodes tell each other their addresses after they connected.
    while sorted(&kad("neighborhood", vec![coded.clone()]).await) != sorted(&json!(stage.peers())) {}
    let all = [stage.peers(), vec![stage.relay.peer_id().to_string()]].concat();
    let nearest = kad("merge", vec![coded, json!(all), json!([]), json!(2)]).await;

    let register = format!(
        "held <- register{{Records, Kademlia, Peer}}(\"{key}\", Provider(peer = \"me\", service = \"shop\"), 2, {PATIENCE})\n<- held"
    );
    let held = stage.run(&["discovery"], " -> []string", &register).await;
    assert_eq!(sorted(&held[0]), sorted(&nearest));
    let find = format!("found <- find{{Records, Kademlia, Peer}}(\"{key}\", 3, 3, {PATIENCE})\n<- found");
    let found = stage.run(&["discovery"], " -> []Provider", &find).await;
    let me = json!({ "peer": "me", "service": "shop" });
    assert_eq!(found, [json!([me, me])]);
    let withdraw = format!("withdraw{{Records, Kademlia}}(\"{key}\", \"me\", 3)\n<- true");
    stage.run(&["discovery"], " -> bool", &withdraw).await;
    assert_eq!(stage.run(&["discovery"], " -> []Provider", &find).await, [json!([])]);
}

/// Two of three vote for the same candidate, and their signatures prove it.
async fn election(stage: &Stage) {
    let elect = |need: u32, limit: u64, term: &str| {
        format!("o <- elect{{Voters, Peer}}(ps, {need}, {limit}, \"{term}\", [\"ann\", \"bob\"])\n<- o")
    };
    let outcome = &stage.run(&["election"], " -> Outcome", &elect(2, PATIENCE, "t1")).await[0];
    assert_eq!(outcome["leader"], json!(["ann"]));
    let votes = outcome["votes"].as_array().unwrap();
    assert_eq!(votes.len(), 2, "{outcome}");
    let mut voters = Vec::new();
    for vote in votes {
        assert_eq!(vote["candidate"], "ann");
        let voter: PeerId = vote["voter"].as_str().unwrap().parse().unwrap();
        let signature: Vec<u8> = serde_json::from_value(vote["signature"].clone()).unwrap();
        verify_strict(&voter, b"t1 ann", &signature.try_into().unwrap()).unwrap();
        voters.push(voter.to_string());
    }
    assert_eq!(sorted(&json!(voters)), sorted(&json!(stage.peers()[..2])));
    // Who voted in a term does not vote otherwise; three do not agree.
    let outcome = &stage.run(&["election"], " -> Outcome", &elect(3, 4000, "t1")).await[0];
    assert_eq!((&outcome["leader"], &outcome["votes"]), (&json!([]), &json!([])));
}

/// The third attempt opens; who does not answer at all is given up.
async fn retry(stage: &Stage) {
    let retry = "work = (attempt: u32) -> string:\n  on ps[0]:\n    v <- Notes.knock(2)\n  <- v\nr <- retry([1, 2, 3], work)\n<- r";
    assert_eq!(stage.run(&["retry"], " -> ?string", retry).await, [json!(["open after 3"])]);
    let slowly = "work = (attempt: u32) -> string:\n  on ps[1]:\n    v <- Notes.knock(1)\n  <- v\n\
                  r <- retry_slowly{Peer}([1, 2], 50, work)\n<- r";
    assert_eq!(stage.run(&["retry"], " -> ?string", slowly).await, [json!(["open after 2"])]);
    let away = Keypair::from_seed(&[77; 32]).peer_id().to_string();
    let limit = "work = () -> string:\n  on ps[0]:\n    v <- Notes.get(\"k\")\n  <- v\nr <- first_of{Peer}(LIMIT, work)\nd <- or_default(r, \"none\")\n<- r, d";
    let found = stage.run(&["retry"], " -> ?string, string", &limit.replace("LIMIT", &PATIENCE.to_string())).await;
    assert_eq!(found, [json!(["v"]), json!("v")]);
    let nobody = stage.run_at(vec![away], &["retry"], " -> ?string, string", &limit.replace("LIMIT", "1500")).await;
    assert_eq!(nobody, [json!([]), json!("none")]);
}

/// What the bundled library declares of nodes.
const DECLARATIONS: &[&str] = &[
    include_str!("../../../aqua/aqua-lib/builtin.aqua"),
    include_str!("../../../aqua/aqua-lib/math.aqua"),
    include_str!("../../../aqua/aqua-lib/marine.aqua"),
];

/// Declared for nodes, but not offered yet.
const NOT_OFFERED: &[&str] = &["dist.fetch_module", "kad.providers"];

/// Each function that the library declares of nodes is called at a node with values of the declared types: it exists, and takes them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_library_declares_what_nodes_offer() {
    let node = Node::start(config(1)).await.unwrap();
    let client = client(&node).await;
    let (mut missing, mut different) = (Vec::new(), Vec::new());
    for (id, method) in declared() {
        let name = format!("{id}.{}", method.name);
        let args = method.params.iter().map(|(name, ty)| argument(name, ty)).collect();
        match client.call(node.peer_id(), &id, &method.name, args).await {
            Ok(value) => {
                let fits = method.result.as_ref().map_or(value.is_null(), |ty| is_of(&value, ty));
                different.extend((!fits).then(|| format!("{name} gives {value}")));
            }
            Err(CallFailure::Service { code: 2, .. }) => missing.push(name),
            // Of a text, only its meaning may be wrong.
            Err(CallFailure::Service { code: 3, message, .. }) if !message.contains("not the DAG-JSON") => {
                different.push(message);
            }
            // Errors of the function's own, and refusals.
            Err(CallFailure::Service { .. }) => {}
            Err(other) => panic!("{name}: {other}"),
        }
    }
    missing.sort_unstable();
    assert_eq!(missing, NOT_OFFERED);
    assert!(different.is_empty(), "{different:#?}");
    client.close().await;
    node.shutdown().await.unwrap();
}

/// All functions of the services that the bundled library declares, each with the id of its service.
fn declared() -> Vec<(String, Method)> {
    let names = DECLARATIONS.iter().flat_map(|text| text.lines()).filter_map(|line| line.strip_prefix("service "));
    let names: Vec<&str> = names.filter_map(|line| line.split_once('(')).map(|(name, _)| name).collect();
    let imports = ["builtin", "math", "marine"].map(|file| format!("import \"aqua-lib/{file}.aqua\"\n")).concat();
    let text = format!("aqua Main\n{imports}export {}\n", names.join(", "));
    let program = check("main.aqua", &One(text), &Options::default()).program.unwrap();
    assert_eq!(program.services.len(), names.len());
    let methods = program.services.into_iter().flat_map(|service| {
        let id = service.default_id.unwrap().to_string();
        service.methods.into_iter().map(move |method| (id.clone(), method))
    });
    methods.collect()
}

/// A value for a parameter: one of its type, or one that is known by what the parameter is called.
fn argument(name: &str, ty: &Type) -> Value {
    match name {
        "object" => json!({}),
        "pairs" => json!([["k", "v"]]),
        "cid" | "id" | "module_hash" | "blueprint_id" => json!(module_cid(b"x").to_string()),
        "dependencies" => json!([module_cid(b"x").to_string()]),
        _ => sample(ty),
    }
}

/// A value of a type. Numbers and texts are small, so that no function takes long.
fn sample(ty: &Type) -> Value {
    match ty {
        Type::Scalar(Scalar::Bool) => json!(true),
        Type::Scalar(Scalar::String) => json!("x"),
        Type::Scalar(Scalar::F32 | Scalar::F64) => json!(1.5),
        Type::Scalar(_) => json!(1),
        Type::Array(item) | Type::Option(item) => json!([sample(item)]),
        Type::Data(data) => data.fields.iter().map(|(name, ty)| (name.to_string(), sample(ty))).collect(),
        _ => json!("any"),
    }
}

/// Whether a value is of a type; fields that the type does not name may be there.
fn is_of(value: &Value, ty: &Type) -> bool {
    match ty {
        Type::Scalar(Scalar::Bool) => value.is_boolean(),
        Type::Scalar(Scalar::String) => value.is_string(),
        Type::Scalar(_) => value.is_number(),
        Type::Array(item) => value.as_array().is_some_and(|items| items.iter().all(|value| is_of(value, item))),
        Type::Option(item) => {
            value.as_array().is_some_and(|items| items.len() < 2 && items.iter().all(|value| is_of(value, item)))
        }
        // Options that are not set may be left out.
        Type::Data(data) => data.fields.iter().all(|(name, ty)| match value.get(&**name) {
            Some(value) => is_of(value, ty),
            None => matches!(ty, Type::Option(_)),
        }),
        _ => true,
    }
}
