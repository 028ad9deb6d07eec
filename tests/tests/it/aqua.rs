//! The libraries in Aqua on nodes: compiled programs, run through a relay at three hosts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use marine_aqua::diagnostic::render_plain;
use marine_aqua::{Options, SourceError, Sources, compile};
use marine_manifest::{EnvRequest, GrantRequests};
use marine_node::{Client, Keypair, Node, NodeConfig, PeerId};
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

service Nearby("board"):
  neighborhood(key: string, already_hashed: ?bool, count: ?u32) -> []string

service Voters("board"):
  vote(term: string, candidates: []string) -> Vote
"#;

/// How long a library waits for peers that do not answer; the others take less, on any machine.
const PATIENCE: u64 = 40_000;

/// A relay with a service that knows the hosts, three hosts with a service each, and a client of the relay.
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
        let peers = stage.peers().join(" ");
        for (seed, node) in (1u8..).zip([&stage.relay].into_iter().chain(&stage.hosts)) {
            // The last host votes for somebody else.
            let choice = if seed == 4 { 1 } else { 0 };
            let variables = [("PEERS", peers.clone()), ("SEED", seed.to_string()), ("CHOICE", choice.to_string())];
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

/// A provider is registered at two peers, found, and gone after it was withdrawn.
async fn discovery(stage: &Stage) {
    let register = format!(
        "held <- register{{Records, Nearby, Peer}}(\"key\", Provider(peer = \"me\", service = \"shop\"), 2, {PATIENCE})\n<- held"
    );
    let held = stage.run(&["discovery"], " -> []string", &register).await;
    assert_eq!(sorted(&held[0]), sorted(&json!(stage.peers()[..2])));
    let find = format!("found <- find{{Records, Nearby, Peer}}(\"key\", 3, 3, {PATIENCE})\n<- found");
    let found = stage.run(&["discovery"], " -> []Provider", &find).await;
    let me = json!({ "peer": "me", "service": "shop" });
    assert_eq!(found, [json!([me, me])]);
    stage.run(&["discovery"], " -> bool", "withdraw{Records, Nearby}(\"key\", \"me\", 3)\n<- true").await;
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
