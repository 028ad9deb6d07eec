//! The examples of the specification, and what goes with them, in simulated networks.
//!
//! In scripts `(b.f [x] y)` is short for `(call "@b" ("s" "f") [x] y)`; the peer `a` starts them.

use ipld_core::ipld::Ipld;
use marine_air::data::Heads;
use marine_air::execution::Outcome;
use marine_air::sim::{Message, Net, Peers, Restart, Run, Scenario, SimError, Step, Stub, World};
use marine_air::value::Value;
use serde_json::json;

use crate::edits::{edit, field, segments, values};

const PEERS: [&str; 4] = ["a", "b", "c", "d"];

/// Writes out the short form of calls.
fn air(script: &str) -> String {
    let mut out = String::new();
    let mut rest = script;
    while let Some(at) = rest.find('(') {
        let (before, call) = rest.split_at(at + 1);
        out.push_str(before);
        let short = call.split_once(" [").and_then(|(head, _)| head.split_once('.'));
        match short.filter(|(peer, name)| PEERS.contains(peer) && !name.contains([' ', '(', '"'])) {
            Some((peer, name)) => {
                out.push_str(&format!("call \"@{peer}\" (\"s\" \"{name}\")"));
                rest = &call[peer.len() + 1 + name.len()..];
            }
            None => rest = call,
        }
    }
    out + rest
}

pub(crate) fn scenario(script: &str) -> Scenario {
    Scenario::new(&air(script), PEERS)
        .stub(Stub::new("s.bad").error(7, "bad"))
        .stub(Stub::new("s.silent").silent())
        .stub(Stub::new("s.temps").json(json!([1, 2])))
        .stub(Stub::new("s.object").json(json!({"a": [7, 8]})))
        .stub(Stub::new("s.error_object").json(json!({"error_code": 42, "message": "own"})))
        .stub(Stub::new("s.price").ok(42))
        .stub(Stub::new("s.tetraplets").tetraplets())
        .stub(Stub::new("s.echo").echo(0))
        .stub(Stub::new("s.*").ok("done"))
}

/// All calls of a calm run, one per line, then the outcome at `a`.
pub(crate) fn calls(script: &str) -> String {
    report(&scenario(script).net(Net { delay: 1..=1, ..Net::default() }).run(1).unwrap())
}

pub(crate) fn report(run: &Run) -> String {
    assert!(run.refusals.is_empty(), "{:?}", run.refusals);
    let calls: Vec<String> = run.calls.iter().map(|call| format!("{}: {call}\n", call.peer)).collect();
    format!("{}{}", calls.concat(), outcome(&run.outcomes["a"]))
}

pub(crate) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Running => "running".to_owned(),
        Outcome::Complete => "complete".to_owned(),
        Outcome::Failed(error) => format!("failed: {error}"),
    }
}

/// What a step leads to: calls and next peers.
pub(crate) fn effects(world: &World, step: &Step) -> String {
    let calls = step.requests.iter().map(|request| {
        let args: Vec<String> = request.args.iter().map(|arg| world.peers().with_names(arg).to_string()).collect();
        format!("{}({})", request.function, args.join(","))
    });
    let next = step.next_peers.iter().map(|peer| format!("-> {}", world.peers().display(peer)));
    calls.chain(next).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_par_goes_on_when_one_side_is_complete() {
    let mut world = scenario("(seq (par (a.silent [] x) (b.fast [] y)) (c.use [y]))").world().unwrap();
    let step = world.start().unwrap();
    insta::assert_snapshot!(effects(&world, &step), @"silent() -> b");
    let step = world.deliver("a", "b").unwrap();
    insta::assert_snapshot!(effects(&world, &step), @"fast()");
    let step = world.answer("b", "s.fast").unwrap();
    insta::assert_snapshot!(effects(&world, &step), @"-> c");
    let step = world.deliver("b", "c").unwrap();
    insta::assert_snapshot!(effects(&world, &step), @r#"use("done")"#);
}

#[test]
fn an_xor_waits_while_its_left_side_does() {
    insta::assert_snapshot!(calls("(xor (par (a.bad []) (never)) (a.g []))"), @r"
    a: s.bad()
    running
    ");
    insta::assert_snapshot!(calls("(xor (par (a.bad []) (null)) (a.g []))"), @r"
    a: s.bad()
    complete
    ");
    let script = "(xor (par (a.bad []) (fail 3 \"right\")) (a.echo [%last_error%.$.message]))";
    insta::assert_snapshot!(calls(script), @r#"
    a: s.bad()
    a: s.echo("right")
    complete
    "#);
}

#[test]
fn iterations_have_variables_of_their_own() {
    let script = r#"(seq (a.temps [] temps) (seq (ap 20 t)
        (fold temps i
          (seq (seq (a.log [t]) (ap i t)) (seq (next i) (a.log [t]))))))"#;
    insta::assert_snapshot!(calls(script), @r"
    a: s.temps()
    a: s.log(20)
    a: s.log(20)
    a: s.log(2)
    a: s.log(1)
    complete
    ");
    insta::assert_snapshot!(calls("(seq (seq (a.temps [] ts) (fold ts i (seq (ap i t) (next i)))) (a.log [t]))"), @r"
    a: s.temps()
    running
    ");
}

#[test]
fn a_new_variable_that_nothing_can_set_any_more_is_an_error() {
    insta::assert_snapshot!(calls("(new k (seq (xor (match 1 2 (ap 5 k)) (null)) (b.f [k])))"), @r#"failed: 10009 variable with name 'k' was cleared by new and then wasn't set (call "12D3KooWQRMUdidBJFhPutVkXCkf14SkuZ9yjBpTnECjoTav9AZq" ("s" "f") [k])"#);
    insta::assert_snapshot!(calls("(new k (par (b.f [] k) (a.echo [k])))"), @r#"
    b: s.f()
    a: s.echo("done")
    complete
    "#);
    insta::assert_snapshot!(calls("(seq (ap 1 k) (seq (new k (seq (ap 2 k) (a.log [k]))) (a.log [k])))"), @r"
    a: s.log(2)
    a: s.log(1)
    complete
    ");
}

#[test]
fn a_call_is_forwarded_again_when_an_argument_becomes_known() {
    let script = "(seq (par (b.f [] x) (c.f [] y)) (seq (a.h [] z) (d.g [x y])))";
    let mut world = scenario(script).world().unwrap();
    let step = world.start().unwrap();
    insta::assert_snapshot!(effects(&world, &step), @"-> b -> c");
    for peer in ["b", "c"] {
        world.deliver("a", peer).unwrap();
        let step = world.answer(peer, "s.f").unwrap();
        assert_eq!(effects(&world, &step), "-> a");
    }
    let step = world.deliver("b", "a").unwrap();
    insta::assert_snapshot!(effects(&world, &step), @"h()");
    let step = world.answer("a", "s.h").unwrap();
    insta::assert_snapshot!(effects(&world, &step), @"-> d");
    let step = world.deliver("a", "d").unwrap();
    insta::assert_snapshot!(effects(&world, &step), @"");
    let step = world.deliver("c", "a").unwrap();
    insta::assert_snapshot!(effects(&world, &step), @"-> d");
    let step = world.deliver("a", "d").unwrap();
    insta::assert_snapshot!(effects(&world, &step), @r#"g("done","done")"#);
    let step = world.deliver("b", "d").unwrap();
    insta::assert_snapshot!(effects(&world, &step), @"");
}

#[test]
fn a_particle_is_not_sent_back_for_a_call_that_is_at_work() {
    let mut world = scenario("(par (a.silent []) (par (b.f []) (a.silent [])))").world().unwrap();
    let step = world.start().unwrap();
    insta::assert_snapshot!(effects(&world, &step), @"silent() silent() -> b");
    let step = world.deliver("a", "b").unwrap();
    insta::assert_snapshot!(effects(&world, &step), @"f()");
    let step = world.answer("b", "s.f").unwrap();
    insta::assert_snapshot!(effects(&world, &step), @"");
}

#[test]
fn error_variables_show_what_the_specification_says() {
    let script = r#"(seq (par (fail 3 "left") (null))
        (xor (match 1 2 (null)) (a.f [:error:.$.error_code %last_error%.$.error_code])))"#;
    insta::assert_snapshot!(calls(script), @r"
    a: s.f(10001,0)
    complete
    ");
    insta::assert_snapshot!(calls("(xor (a.bad []) (seq (xor (match 1 2 (null)) (null)) (a.f [:error:.$.error_code])))"), @r"
    a: s.bad()
    a: s.f(10000)
    complete
    ");
    let script = "(seq (xor (a.bad []) (null)) (a.f [%last_error%.$.error_code :error:.$.error_code]))";
    insta::assert_snapshot!(calls(script), @r"
    a: s.bad()
    a: s.f(10000,0)
    complete
    ");
}

#[test]
fn fail_raises_what_it_is_given() {
    insta::assert_snapshot!(calls("(fail %last_error%)"), @"failed: 10008 error code must be non-zero, but it is zero (fail %last_error%)");
    insta::assert_snapshot!(calls("(xor (fail 7 \"m\") (a.f [:error: %last_error%]))"), @r#"
    a: s.f({"error_code":10006,"instruction":"fail 7 \"m\"","message":"fail with '{\"error_code\":7,\"instruction\":\"fail 7 \\\"m\\\"\",\"message\":\"m\",\"peer_id\":\"12D3KooWDRm7X1YSgF9fbDSBZipWh2QKExRt5GfMuvQ5cC5xiwBR\"}' is used without corresponding xor"},{"error_code":7,"instruction":"fail 7 \"m\"","message":"m","peer_id":"@a"})
    complete
    "#);
    insta::assert_snapshot!(calls("(xor (seq (a.error_object [] x) (fail x)) (a.f [:error:.$.error_code %last_error%]))"), @r#"
    a: s.error_object()
    a: s.f(10006,{"error_code":42,"message":"own"})
    complete
    "#);
    insta::assert_snapshot!(calls("(xor (xor (b.bad []) (fail :error:)) (a.f [:error:]))"), @r#"
    b: s.bad()
    a: s.f({"error_code":10000,"instruction":"call \"12D3KooWQRMUdidBJFhPutVkXCkf14SkuZ9yjBpTnECjoTav9AZq\" (\"s\" \"bad\") [] ","message":"Local service error, ret_code is 7, error message is '\"bad\"'","peer_id":"@b"})
    complete
    "#);
    insta::assert_snapshot!(calls("(seq (ap \"text\" x) (fail x))"), @r#"failed: 10008 scalar should have an object type to be converted into error object, but '"text"' doesn't have (fail x)"#);
}

#[test]
fn an_array_fold_runs_one_after_the_other_and_back() {
    let script = "(seq (a.temps [] ts) (fold ts i (seq (a.down [i]) (seq (next i) (a.up [i]))) (a.last [i])))";
    insta::assert_snapshot!(calls(script), @r"
    a: s.temps()
    a: s.down(1)
    a: s.down(2)
    a: s.last(2)
    a: s.up(2)
    a: s.up(1)
    complete
    ");
    insta::assert_snapshot!(calls("(fold [] i (seq (a.f [i]) (next i)) (a.last [i]))"), @"complete");
    insta::assert_snapshot!(calls("(seq (a.temps [] ts) (fold ts i (a.f [i])))"), @r"
    a: s.temps()
    a: s.f(1)
    complete
    ");
    insta::assert_snapshot!(calls("(seq (ap 5 ts) (fold ts i (next i)))"), @"failed: 10005 expression 'ts' returned non-array value '5' for fold iterable (fold ts i)");
}

#[test]
fn a_par_fold_is_complete_when_one_iteration_is() {
    insta::assert_snapshot!(calls("(seq (a.temps [] ts) (seq (fold ts i (par (a.f [i]) (next i))) (a.after [])))"), @r"
    a: s.temps()
    a: s.f(1)
    a: s.f(2)
    a: s.after()
    complete
    ");
    insta::assert_snapshot!(calls("(seq (a.temps [] ts) (seq (fold ts i (par (a.bad [i]) (next i))) (a.after [])))"), @r"
    a: s.temps()
    a: s.bad(1)
    a: s.bad(2)
    running
    ");
}

/// The tetraplets of the first call that is about them, one argument per line.
fn tetraplets(run: &Run) -> String {
    let call = run.calls.iter().find(|call| call.function == "tetraplets").unwrap();
    let part = |tetraplet: &Value, name| tetraplet.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let one = |tetraplet: &Value| {
        ["peer_pk", "service_id", "function_name", "lens"].map(|name| part(tetraplet, name)).join("|")
    };
    let lines = call.args.iter().zip(call.tetraplets.as_array().unwrap()).map(|(arg, list)| {
        let list: Vec<String> = list.as_array().unwrap().iter().map(one).collect();
        let arg: String = arg.to_string().chars().take(24).collect();
        format!("{arg}: {}\n", list.join(" "))
    });
    lines.collect()
}

#[test]
fn values_know_where_they_come_from() {
    let script = r#"(seq (b.object [] x) (seq (ap x.$.a y)
        (fold y i (seq (a.tetraplets [i x.$.a.[0] y.length "text" %timestamp% [] :error: y] t) (seq (a.show [t]) (next i))))))"#;
    let run = scenario(script).run(1).unwrap();
    insta::assert_snapshot!(tetraplets(&run), @r#"
    7: @b|s|object|.$.a.$.[0]
    7: @b|s|object|.$.a.[0]
    2: @b|s|object|.$.a.length
    "text": @a|||
    1700000000000: @a|||
    []: @a|||
    {"error_code":0,"message: @a|||
    [7,8]: @b|s|object|.$.a
    "#);
    let failed = scenario("(xor (b.bad []) (a.tetraplets [:error: :error:.$.message %last_error%]))").run(1).unwrap();
    insta::assert_snapshot!(tetraplets(&failed), @r#"
    {"error_code":10000,"ins: @b|s|bad|
    "Local service error, re: @b|s|bad|
    {"error_code":10000,"ins: @b|s|bad|
    "#);
    let failed = scenario("(xor (match 1 2 (null)) (a.tetraplets [:error: %last_error%]))").run(1).unwrap();
    insta::assert_snapshot!(tetraplets(&failed), @r#"
    {"error_code":10001,"ins: @a|||
    {"error_code":0,"message: @a|||
    "#);
}

#[test]
fn breaking_the_rules_on_variables_is_refused_and_leaves_the_step_undone() {
    let mut world = scenario("(par (a.f [] x) (par (a.g [] x) (a.echo [x])))").world().unwrap();
    let step = world.start().unwrap();
    insta::assert_snapshot!(effects(&world, &step), @"f() g()");
    let step = world.answer("a", "s.f").unwrap();
    insta::assert_snapshot!(effects(&world, &step), @r#"echo("done")"#);
    let before = world.data("a").unwrap();
    let error = world.answer("a", "s.g").unwrap_err();
    assert_eq!(world.data("a").unwrap(), before);
    insta::assert_snapshot!(refusal(error), @"20007: trying to shadow variable 'x', but shadowing is allowed only inside fold blocks");
    let step = world.answer("a", "s.echo").unwrap();
    assert!(step.recorded);

    let mut world = scenario("(seq (a.temps [] ts) (fold ts i (a.f [] i)))").world().unwrap();
    world.start().unwrap();
    let error = world.answer("a", "s.temps").unwrap_err();
    insta::assert_snapshot!(refusal(error), @"20004: variable with name 'i' can't be shadowed, shadowing isn't supported for iterables");
}

pub(crate) fn refusal(error: SimError) -> String {
    match error {
        SimError::Rejected { rejection, .. } => format!("{}: {rejection}", rejection.code()),
        error => panic!("not a rejection: {error}"),
    }
}

#[test]
fn a_result_waits_for_what_it_rests_on() {
    let script = "(seq (par (b.price [] p) (null)) (seq (c.buy [p] r) (a.done [r])))";
    let mut world = scenario(script).world().unwrap();
    world.start().unwrap();
    world.deliver("a", "b").unwrap();
    world.answer("b", "s.price").unwrap();
    world.deliver("b", "c").unwrap();
    world.answer("c", "s.buy").unwrap();
    let Message { particle, data } = world.message_beyond("c", &Heads::default()).unwrap();
    let b = Ipld::Bytes(world.peers().id("b").unwrap().to_bytes());

    // Without the log of `b` the result of `buy` has no arguments to be checked by; the price, to which only that log refers,
    // has to go too.
    let without_b = edit(&data, |data| {
        segments(data).retain_mut(|segment| *field(segment, "peer") != b);
        values(data).retain(|value| !matches!(value, Ipld::Bytes(bytes) if bytes.as_slice() == [0x18, 0x2a]));
    });
    let step = world.receive("a", &Message { particle: particle.clone(), data: without_b }).unwrap();
    assert!(step.recorded);
    insta::assert_snapshot!(effects(&world, &step), @"");
    let step = world.receive("a", &Message { particle, data }).unwrap();
    insta::assert_snapshot!(effects(&world, &step), @r#"done("done")"#);
}

#[test]
fn runs_repeat_and_survive_what_networks_do() {
    let script = r#"(seq (par (b.object [] x) (c.temps [] ts))
        (seq (d.echo [x] z) (seq (fold ts i (par (b.echo [i]) (next i)) (null)) (a.done [z.$.a.[1]]))))"#;
    let net = Net {
        duplicate: 0.3,
        loss: 0.2,
        resend: Some(100),
        tamper: 0.1,
        restarts: vec![
            Restart { peer: "b".into(), at: 30, before_store: true },
            Restart { peer: "d".into(), at: 60, before_store: false },
        ],
        ..Net::default()
    };
    let scenario = scenario(script).net(net);
    for seed in 1..=20 {
        let (first, second) = (scenario.run(seed).unwrap(), scenario.run(seed).unwrap());
        assert_eq!(first.timeline_text(), second.timeline_text());
        assert!(first.calls_at("a").contains(&"s.done(8)".to_owned()), "seed {seed}:\n{}", first.timeline_text());
        assert_eq!(outcome(&first.outcomes["a"]), "complete");
        assert!(first.repeated_calls().is_empty());
        assert!(first.refusals.iter().all(|refusal| refusal.code != 20_100), "{:?}", first.refusals);
    }
}

#[test]
fn what_cannot_be_simulated_is_said() {
    let unknown = scenario("(call \"@nobody\" (\"s\" \"f\") [])").run(1).err().unwrap();
    insta::assert_snapshot!(unknown, @"no peer has the name `nobody`: add it to the peers of the simulation");
    let broken = Scenario::new("(seq (null)", PEERS).run(1).err().unwrap();
    assert!(matches!(broken, SimError::Script(_)), "{broken}");
    let mut world = scenario("(null)").world().unwrap();
    insta::assert_snapshot!(world.deliver("a", "b").unwrap_err(), @"the particle has not reached peer `a` yet: deliver it first");
    world.start().unwrap();
    insta::assert_snapshot!(world.answer("a", "s.f").unwrap_err(), @"no call of `s.f` is outstanding at peer `a`");
}

#[test]
fn names_become_ids_in_scripts_and_values_and_back() {
    let peers = Peers::new(["a", "b"]);
    let id = peers.id("a").unwrap().to_base58();
    let script = r#"(call "@a" ("s" "f") ["mail@a"]) ; "@unknown"#;
    assert_eq!(peers.script(script).unwrap(), script.replace("\"@a\"", &format!("\"{id}\"")));

    let named: Value = json!({"peers": ["@a", "@b", "@c"], "@a": 1}).into();
    let with_ids = peers.with_ids(&named);
    assert_eq!(with_ids.get("peers").unwrap().as_array().unwrap()[0].as_str(), Some(id.as_str()));
    assert_eq!(peers.with_names(&with_ids), named);
}
