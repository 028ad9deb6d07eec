//! The libraries in Aqua, on the simulator.

use std::collections::BTreeMap;

use marine_air::execution::CallResult;
use marine_air::sim::Stub;
use marine_air::value::Value;
use serde_json::{Value as Json, json};

use crate::support::{Files, Stage, compiled_with};

/// The answer of `main` in a program that imports a library.
fn answer(library: &str, head: &str, body: &str, stage: &Stage) -> Json {
    let mut files = Files::default();
    let text =
        std::fs::read_to_string(format!("{}/lib/{library}.aqua", env!("CARGO_MANIFEST_DIR"))).expect("it is there");
    files.0.insert(format!("{library}.aqua"), text);
    let body: String = body.lines().map(|line| format!("  {line}\n")).collect();
    let main = format!(
        "aqua Main\nimport \"{library}.aqua\"\nimport \"aqua-lib/builtin.aqua\"\nexport main\n\nservice Notes(\"notes\"):\n  \
         get(key: string) -> string\n  put(key: string, value: string)\n\nfunc main{head}:\n{body}"
    );
    files.0.insert("main.aqua".to_owned(), main);
    let output = compiled_with(&files, "main.aqua", &Default::default());
    let air = &output.script("main").expect("it is exported").air;
    let mut answers = std::collections::BTreeSet::new();
    for seed in 1..=6 {
        let run = stage.run(air, seed);
        let response = run.calls.iter().find(|call| call.function == "response");
        let errors: Vec<String> =
            run.calls.iter().filter(|call| call.service == "errorHandlingSrv").map(ToString::to_string).collect();
        let response = response.unwrap_or_else(|| panic!("no answer with seed {seed}: {errors:?}\n{air}"));
        answers.insert(Value::array(response.args.iter().cloned()).to_string());
    }
    let answer = answers.pop_first().expect("it ran");
    assert!(answers.is_empty(), "schedules differ: {answer} {answers:?}");
    serde_json::from_str(&answer).expect("values are JSON")
}

/// Time passes for `peer.timeout`; `notes` at each peer answers as told, or not at all.
fn stage(notes: &[(&str, &str)]) -> Stage {
    let mut stage = Stage::new();
    let known: BTreeMap<String, String> =
        notes.iter().map(|&(peer, note)| (peer.to_owned(), note.to_owned())).collect();
    stage.extra.push(Stub::new("peer.timeout").ok("late").delay(3000..=3000));
    let silent =
        notes.iter().filter(|(_, note)| note.is_empty()).map(|(peer, _)| Stub::new("notes.*").at(peer).silent());
    stage.extra.extend(silent);
    stage.extra.push(Stub::new("notes.get").delay(1..=20).function(move |call| match known.get(call.peer) {
        Some(note) => CallResult::Ok(Value::from(note.as_str())),
        None => CallResult::Err { code: 1, message: "no note".to_owned() },
    }));
    stage
}

#[test]
fn quorum_accepts_and_names_the_dissenters() {
    let head = "(ps: []string) -> Verdict";
    let body = "q = func () -> string:\n  v <- Notes.get(\"k\")\n  <- v\nv <- ask{Peer}(ps, 2, 2000, q)\n<- v";
    let verdict = answer("quorum", head, body, &stage(&[("p", "yes"), ("q", "no"), ("z", "")]));
    assert_eq!(verdict, json!([{"agree": [], "dissent": ["@p", "@q"], "silent": ["@z"], "value": []}]));
    let verdict = answer("quorum", head, body, &stage(&[("p", "yes"), ("q", ""), ("z", "yes")]));
    assert_eq!(verdict, json!([{"agree": ["@p", "@z"], "dissent": [], "silent": ["@q"], "value": ["yes"]}]));
}

#[test]
fn replication_puts_and_gets() {
    let head = "(ps: []string) -> []string";
    let body = "done <- put{Notes, Peer}(ps, 3, 2000, \"k\", \"v\")\n<- done";
    let done = answer("replication", head, body, &Stage::new());
    let mut done: Vec<&str> = done[0].as_array().expect("a list").iter().filter_map(Json::as_str).collect();
    done.sort_unstable();
    assert_eq!(done, ["@p", "@q", "@z"]);
    let body = "found <- get{Notes, Peer}(ps, 2000, \"k\")\n<- found";
    assert_eq!(answer("replication", head, body, &stage(&[("q", "kept"), ("z", "")])), json!([["kept"]]));
    let all = stage(&[("p", "kept"), ("q", "kept"), ("z", "kept")]);
    assert_eq!(answer("replication", head, body, &all), json!([["kept"]]), "the first of all that answer");
    assert_eq!(answer("replication", head, body, &stage(&[])), json!([[]]));
    let body = "mended <- repair{Notes}(ps, \"k\", \"v\")\n<- mended";
    assert_eq!(answer("replication", head, body, &stage(&[("q", "kept")])), json!([["@p", "@z"]]));
}

#[test]
fn retrying_and_giving_up() {
    let head = "(p: string) -> ?string";
    let retry = "work = (attempt: u32) -> string:\n  on p:\n    v <- Notes.get(\"k\")\n  <- v\nr <- retry([1, 2, 3], work)\n<- r";
    let mut flaky = Stage::new();
    flaky.extra.push(Stub::new("notes.get").function(|call| match call.count {
        0 | 1 => CallResult::Err { code: 1, message: "busy".to_owned() },
        _ => CallResult::Ok(Value::from("third time lucky")),
    }));
    assert_eq!(answer("retry", head, retry, &flaky), json!([["third time lucky"]]));
    assert_eq!(answer("retry", head, retry, &stage(&[])), json!([[]]));
    let limit =
        "work = () -> string:\n  on p:\n    v <- Notes.get(\"k\")\n  <- v\nr <- first_of{Peer}(2000, work)\n<- r";
    assert_eq!(answer("retry", head, limit, &stage(&[("p", "soon")])), json!([["soon"]]));
    assert_eq!(answer("retry", head, limit, &stage(&[("p", "")])), json!([[]]));
}

#[test]
fn discovery_registers_and_finds() {
    let mut stage = Stage::new();
    stage.extra.push(Stub::new("op.string_to_b58").at("relay").ok("coded"));
    stage.extra.push(Stub::new("kad.neighborhood").at("relay").json(json!(["@p", "@q", "@z"])));
    stage.extra.push(Stub::new("kad.merge").at("relay").function(|call| {
        let args: Vec<Json> = call.args.iter().map(Json::from).collect();
        assert_eq!(args[0], "coded");
        assert_eq!([args[1].as_array(), args[2].as_array()].map(|list| list.map(Vec::len)), [Some(3), Some(1)]);
        CallResult::Ok(Value::from(args[1].clone()))
    }));
    stage.extra.push(Stub::new("peer.timeout").ok("late").delay(3000..=3000));
    stage.extra.push(Stub::new("register.list").at("q").silent());
    stage.extra.push(Stub::new("register.list").json(json!([{"peer": "@r", "service": "s"}])).delay(1..=20));
    stage.extra.push(Stub::new("register.*").delay(1..=20));
    let body = "on HOST_PEER_ID:\n  all <- register{Records, Kademlia, Peer}(\"key\", Provider(peer = \"r\", service = \"s\"), 3, 2000)\n\
                found <- find{Records, Kademlia, Peer}(\"key\", 3, 2, 2000)\n<- all.length, found";
    let answer = discovery_answer(body, &stage);
    assert_eq!(answer, json!([3, [{"peer": "@r", "service": "s"}, {"peer": "@r", "service": "s"}]]));
}

/// As [`answer`], with a service of records.
fn discovery_answer(body: &str, stage: &Stage) -> Json {
    let mut files = Files::default();
    let text =
        std::fs::read_to_string(format!("{}/lib/discovery.aqua", env!("CARGO_MANIFEST_DIR"))).expect("it is there");
    files.0.insert("discovery.aqua".to_owned(), text);
    let body: String = body.lines().map(|line| format!("  {line}\n")).collect();
    let main = format!(
        "aqua Main\nimport \"discovery.aqua\"\nimport \"aqua-lib/builtin.aqua\"\nexport main\n\nservice Records(\"register\"):\n  \
         add(key: string, provider: Provider)\n  remove(key: string, peer: string)\n  list(key: string) -> []Provider\n\n\
         func main() -> u32, []Provider:\n{body}"
    );
    files.0.insert("main.aqua".to_owned(), main);
    let output = compiled_with(&files, "main.aqua", &Default::default());
    let run = stage.run(&output.script("main").expect("it is exported").air, 3);
    let response = run.calls.iter().find(|call| call.function == "response").expect("it answers");
    serde_json::from_str(&Value::array(response.args.iter().cloned()).to_string()).expect("values are JSON")
}

/// The ballot of each voter: `votes` by peer, who votes for whom; the signature names voter, term and candidate.
fn ballots(votes: &[(&str, &str)]) -> Stage {
    let mut stage = Stage::new().with("term", json!("t1"));
    let votes: BTreeMap<String, String> =
        votes.iter().map(|&(peer, candidate)| (peer.to_owned(), candidate.to_owned())).collect();
    stage.extra.push(Stub::new("peer.timeout").ok("late").delay(3000..=3000));
    stage.extra.push(Stub::new("ballot.vote").delay(1..=40).function(move |call| {
        let Some(candidate) = votes.get(call.peer) else {
            return CallResult::Err { code: 1, message: "no vote".to_owned() };
        };
        let [term, candidates] = call.args else { return CallResult::Err { code: 3, message: "two".to_owned() } };
        assert!(candidates.to_string().contains(candidate.as_str()), "{candidates}");
        let signature = format!("{}/{term}/{candidate}", call.peer).into_bytes();
        let vote = json!({ "candidate": candidate, "signature": signature, "voter": call.peer });
        CallResult::Ok(Value::from(vote))
    }));
    stage
}

#[test]
fn an_election_gives_the_leader_with_the_votes_that_prove_it() {
    let body = "o <- elect{Voters, Peer}(ps, 2, 2000, term, [\"ann\", \"bob\"])\n<- o";
    let head = "(ps: []string, term: string) -> Outcome";
    let elected = |votes: &[(&str, &str)]| election_answer(head, body, &ballots(votes));

    let outcome = elected(&[("p", "ann"), ("q", "bob"), ("z", "ann")]);
    assert_eq!(outcome["leader"], json!(["ann"]));
    let proof = |voter: &str| json!({ "candidate": "ann", "signature": format!("{voter}/\"t1\"/ann").into_bytes(), "voter": voter });
    assert_eq!(outcome["votes"], json!([proof("p"), proof("z")]));

    // A voter that fails does not hinder the others; without a majority nobody is elected, and nothing is proven.
    assert_eq!(elected(&[("p", "bob"), ("z", "bob")])["leader"], json!(["bob"]));
    assert_eq!(elected(&[("p", "bob"), ("z", "ann")]), json!({ "leader": [], "votes": [] }));
    assert_eq!(elected(&[]), json!({ "leader": [], "votes": [] }));
}

/// The answer of `main`, with a service of ballots, the same in every order of events; votes sorted.
fn election_answer(head: &str, body: &str, stage: &Stage) -> Json {
    let body: String = body.lines().map(|line| format!("  {line}\n")).collect();
    let main = format!(
        "aqua Main\nimport \"marine/election.aqua\"\nimport \"aqua-lib/builtin.aqua\"\nexport main\n\n\
         service Voters(\"ballot\"):\n  vote(term: string, candidates: []string) -> Vote\n\nfunc main{head}:\n{body}"
    );
    let output = compiled_with(&Files::one(&main), "main.aqua", &Default::default());
    let air = &output.script("main").expect("it is exported").air;
    let mut answers = std::collections::BTreeSet::new();
    for seed in 1..=10 {
        let run = stage.run(air, seed);
        let response = run.calls.iter().find(|call| call.function == "response").expect("it answers");
        let mut outcome: Json = serde_json::from_str(&response.args[0].to_string()).expect("JSON");
        let votes = outcome["votes"].as_array_mut().expect("a list");
        votes.sort_by_key(|vote| vote["voter"].to_string());
        answers.insert(outcome.to_string());
    }
    let answer = answers.pop_first().expect("it ran");
    assert!(answers.is_empty(), "schedules differ: {answer} {answers:?}");
    serde_json::from_str(&answer).expect("JSON")
}
