//! What a dishonest peer can achieve with its own key: nothing that the script does not say.

use std::collections::BTreeMap;

use ipld_core::ipld::Ipld;
use marine_air::data::{Element, Entry, Fact, Position};
use marine_air::execution::{Rejection, Report};
use marine_air::sim::{Message, Scenario, SimError, Step, Stub, World};
use marine_air::value::Value;
use marine_particle::{Keypair, Particle};

use crate::edits::{packed, seal};

/// A segment with these entries, properly chained and signed.
pub(crate) fn segment(particle: &Particle, key: &Keypair, entries: &[Vec<u8>]) -> Ipld {
    let bytes = || entries.iter().map(Vec::as_slice);
    let ((head, signature), (packed, names)) = (seal(particle, key, bytes()), packed(bytes()).unwrap());
    Ipld::Map(BTreeMap::from([
        ("names".to_owned(), Ipld::List(names)),
        ("peer".to_owned(), Ipld::Bytes(key.peer_id().to_bytes())),
        ("from".to_owned(), Ipld::Integer(0)),
        ("entries".to_owned(), Ipld::List(packed)),
        ("len".to_owned(), Ipld::Integer(entries.len() as i128)),
        ("head".to_owned(), Ipld::Bytes(head.to_vec())),
        ("sig".to_owned(), Ipld::Bytes(signature.to_vec())),
    ]))
}

/// A message in which a peer states these facts, with values for all of them, after somebody without keys has changed it.
fn statement(
    world: &World,
    peer: &str,
    entries: &[Entry<'_>],
    values: &[Value],
    change: impl FnOnce(&mut Vec<Ipld>),
) -> Message {
    let particle = world.particle();
    let entries: Vec<Vec<u8>> = entries.iter().map(Entry::encode).collect();
    let mut values: Vec<Value> = values.to_vec();
    values.sort_by_key(Value::content_id);
    let mut data = vec![
        Ipld::Integer(1),
        Ipld::Link(particle.cid()),
        Ipld::List(vec![segment(particle, world.peers().key(peer).unwrap(), &entries)]),
        Ipld::List(values.iter().map(|value| Ipld::Bytes(value.encode())).collect()),
    ];
    change(&mut data);
    Message { particle: particle.encode().into(), data: serde_ipld_dagcbor::to_vec(&Ipld::List(data)).unwrap() }
}

/// That `service.function` was called with these arguments and returned this.
pub(crate) fn ok<'a>(node: u32, service: &'a str, function: &'a str, args: &[Value], result: &Value) -> Entry<'a> {
    assert!(args.len() < 24, "one byte is the head of the array");
    let mut bytes = vec![0x80 | args.len() as u8];
    args.iter().for_each(|arg| bytes.extend(arg.encode()));
    let args = *blake3::hash(&bytes).as_bytes();
    Entry {
        at: Position { node, folds: Vec::new() },
        fact: Fact::Ok { service, function, args, result: result.content_id() },
    }
}

fn world(script: &str) -> World {
    let scenario =
        Scenario::new(script, ["a", "b", "c"]).stub(Stub::new("s.where").ok("@b")).stub(Stub::new("s.what").ok("f"));
    let mut world = scenario.world().unwrap();
    world.start().unwrap();
    world
}

/// What the statement leads to at `a`.
pub(crate) fn told(world: &mut World, peer: &str, entries: &[Entry<'_>], values: &[Value]) -> Result<Step, Rejection> {
    told_changed(world, peer, entries, values, |_| {})
}

/// What the statement leads to at `a` once it was changed on the way.
pub(crate) fn told_changed(
    world: &mut World,
    peer: &str,
    entries: &[Entry<'_>],
    values: &[Value],
    change: impl FnOnce(&mut Vec<Ipld>),
) -> Result<Step, Rejection> {
    let message = statement(world, peer, entries, values, change);
    refusal(world.receive("a", &message))
}

/// A step, or why the peer refuses it.
pub(crate) fn refusal(step: Result<Step, SimError>) -> Result<Step, Rejection> {
    match step {
        Ok(step) => Ok(step),
        Err(SimError::Rejected { rejection, .. }) => Err(*rejection),
        Err(error) => panic!("{error}"),
    }
}

/// The entries that were found to disagree: owner, field, expected and found, with names for peers.
fn voids(world: &World, step: &Step) -> String {
    let void = |report: &Report| match report {
        Report::Void { entry, reason } => {
            let peer = world.peers().display(&entry.peer);
            Some(format!("{peer} {}: {} {} not {}", entry.height, reason.field, reason.found, reason.expected))
        }
        _ => None,
    };
    let text: Vec<String> = step.reports.iter().filter_map(void).collect();
    world.peers().iter().fold(text.join("; "), |text, (name, key)| text.replace(&key.peer_id().to_base58(), name))
}

#[test]
fn an_honest_statement_settles_its_call() {
    let mut world = world(r#"(seq (call "@b" ("s" "f") [1] x) (call "@a" ("s" "g") [x]))"#);
    let result = Value::from(42);
    let step = told(&mut world, "b", &[ok(1, "s", "f", &[1.into()], &result)], &[result]).unwrap();
    assert_eq!(step.requests[0].args, [Value::from(42)]);
    assert!(step.reports.is_empty());
}

#[test]
fn a_result_for_other_arguments_is_void() {
    let mut world = world(r#"(seq (call "@b" ("s" "f") [1] x) (call "@a" ("s" "g") [x]))"#);
    let result = Value::from(42);
    let step = told(&mut world, "b", &[ok(1, "s", "f", &[2.into()], &result)], &[result]).unwrap();
    assert!(step.recorded && step.requests.is_empty() && step.next_peers.is_empty());
    insta::assert_snapshot!(voids(&world, &step), @"b 1: args 638ded3efab5aad4825c75249443095dec920d5260c4f03a535710f01fbba32c not 32c20764020b032b431b106d60aa234c80f0e491c3a712dca05a4f806da7222b");
}

#[test]
fn a_call_that_only_variables_name_is_checked_once_they_are_known() {
    let script = r#"(seq (seq (call "@a" ("s" "where") [] p) (call "@a" ("s" "what") [] f))
        (seq (call p ("s" f) [] x) (call "@a" ("s" "g") [x])))"#;
    let result = Value::from(42);
    // Who states it, about which function; whether this comes before or after the position is reached.
    for is_first in [true, false] {
        let mut lines = Vec::new();
        for (peer, function) in [("b", "f"), ("b", "other"), ("c", "f")] {
            let mut world = world(script);
            let entries = [ok(5, "s", function, &[], &result)];
            if is_first {
                let step = told(&mut world, peer, &entries, std::slice::from_ref(&result)).unwrap();
                assert_eq!(voids(&world, &step), "");
            }
            world.answer("a", "s.where").unwrap();
            let mut step = world.answer("a", "s.what").unwrap();
            if !is_first {
                step = told(&mut world, peer, &entries, std::slice::from_ref(&result)).unwrap();
            }
            lines.push(format!("{peer}.{function}: {} requests [{}]", step.requests.len(), voids(&world, &step)));
        }
        insta::allow_duplicates! {
            insta::assert_snapshot!(lines.join("\n"), @r"
            b.f: 1 requests []
            b.other: 0 requests [b 1: function other not f]
            c.f: 0 requests [c 1: peer c not b]
            ");
        }
    }
}

#[test]
fn what_contradicts_the_script_itself_is_refused() {
    let script =
        r#"(seq (call "@b" ("s" "f") [] x) (seq (call "@c" ("s" "g") []) (fold x i (call "@b" ("s" "h") [i]))))"#;
    let result = Value::from(42);
    let one = std::slice::from_ref(&result);
    let in_no_iteration =
        Entry { at: Position { node: 5, folds: vec![(4, Element::Index(7))] }, ..ok(5, "s", "h", &[], &result) };
    let cases: [(&str, &str, Vec<Entry<'_>>, &[Value]); 8] = [
        ("by a peer that was not asked", "c", vec![ok(1, "s", "f", &[], &result)], one),
        ("of another service", "b", vec![ok(1, "t", "f", &[], &result)], one),
        ("of another function", "b", vec![ok(1, "s", "g", &[], &result)], one),
        ("for no call", "b", vec![ok(0, "s", "f", &[], &result)], one),
        ("beyond the script", "b", vec![ok(99, "s", "f", &[], &result)], one),
        ("outside of the fold", "b", vec![ok(5, "s", "h", &[], &result)], &[]),
        ("twice", "b", vec![ok(1, "s", "f", &[], &result), ok(1, "s", "f", &[], &result)], one),
        ("without the value", "b", vec![ok(1, "s", "f", &[], &result)], &[]),
    ];
    let mut lines = Vec::new();
    for (name, peer, entries, values) in cases {
        let mut world = world(script);
        let rejection = told(&mut world, peer, &entries, values).unwrap_err();
        let text = format!("{name}: {} {rejection}", rejection.code());
        lines.push(world.peers().iter().fold(text, |text, (name, key)| text.replace(&key.peer_id().to_base58(), name)));
        // The refused message has changed nothing.
        let step = told(&mut world, "b", &[ok(1, "s", "f", &[], &result)], one).unwrap();
        assert_eq!(step.next_peers.len(), 1);
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    by a peer that was not asked: 2 malformed data: entry 1 of the log of c at 1 names peer c, which is not the one in the script
    of another service: 2 malformed data: entry 1 of the log of b at 1 names `t`, the script `s`
    of another function: 2 malformed data: entry 1 of the log of b at 1 names `g`, the script `f`
    for no call: 2 malformed data: entry 1 of the log of b at 0 is at an instruction of a kind that has no such entries
    beyond the script: 2 malformed data: entry 1 of the log of b at 99 is at an instruction beyond the script's 6
    outside of the fold: 2 malformed data: entry 1 of the log of b at 5 lists other folds than those around the instruction
    twice: 2 malformed data: entry 2 of the log of b at 1 is the second result of one log at this position
    without the value: 8 value bafyr4ifyfdt33jijihkwdcxcq4etfcg5a2rcsjipzitcozfebdpp2kpzdq is missing
    ");
    // An iteration that nobody reaches is not absurd: it is only never looked at.
    let mut world = world(script);
    let step = told(&mut world, "b", &[in_no_iteration], &[]).unwrap();
    assert!(step.recorded && step.requests.is_empty());
}

/// Comparing each argument of the one entry with each of the other would take minutes.
#[test]
fn long_lists_of_missing_arguments_are_soon_compared() {
    let mut world = world(&format!(r#"(call "@b" ("s" "f") [{}])"#, "1 ".repeat(200_000)));
    let to = world.peers().id("b").unwrap();
    let sent = |missing: Vec<u32>| Entry { at: Position::default(), fact: Fact::Sent { to, missing } };
    let entries = [sent((0..200_000).collect()), sent((1..200_000).collect())];
    assert!(told(&mut world, "c", &entries, &[]).unwrap().recorded);
    let again = [entries.as_slice(), &[sent(vec![0])]].concat();
    assert_eq!(told(&mut world, "c", &again, &[]).unwrap_err().code(), 2);
}

#[test]
fn two_logs_of_one_peer_are_proof_of_its_lie() {
    let script = r#"(seq (call "@b" ("s" "f") [] x) (call "@c" ("s" "g") [x]))"#;
    for known_first in [42, 43] {
        let mut world = world(script);
        let [first, second] = [known_first, 85 - known_first].map(Value::from);
        told(&mut world, "b", &[ok(1, "s", "f", &[], &first)], std::slice::from_ref(&first)).unwrap();
        let rejection = told(&mut world, "b", &[ok(1, "s", "f", &[], &second)], &[second]).unwrap_err();
        assert_eq!(rejection.code(), 20_100);
        let Rejection::Equivocation { peer, proof: Some(proof) } = rejection else { panic!("there is a proof") };
        assert_eq!(peer, world.peers().id("b").unwrap());
        assert!(proof.verify(world.particle()));
        let mut broken = (*proof).clone();
        broken.link[0] ^= 1;
        assert!(!broken.verify(world.particle()));
        // What was accepted first stays.
        let step = world.deliver("a", "c").unwrap();
        assert_eq!(step.requests[0].args, [first]);
    }
}
