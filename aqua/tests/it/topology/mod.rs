//! Where calls run, and how control gets there: laws over random programs.
//!
//! The network is strict: the client reaches its relay alone, and peer `z`, which the programs use with `via r1` only, reaches
//! `r1` alone; what others send them is lost. A program is run beside a model of it that knows nothing of hops, and an oracle
//! says which hops there must be.
//! `MARINE_AQUA_PROGRAMS` multiplies the number of programs.

mod model;
mod oracle;
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use marine_air::sim::{Partition, Run, Stub};
use marine_aqua::{Options, compile};
use serde_json::json;

use crate::shorten::shorten;
use crate::support::{Files, PEERS, Stage, links, seen};
use model::{End, Event, Inputs, Model};
use oracle::{Frame, Links};
use program::{Profile, Stmt, random, source};

const SEQUENTIAL: Profile = Profile { parallel: false };
const PARALLEL: Profile = Profile { parallel: true };

fn script(text: &str) -> Result<String, String> {
    let output = compile("main.aqua", &Files::one(text), &Options::default());
    let messages: Vec<&str> = output.diagnostics.iter().map(|diagnostic| &*diagnostic.message).collect();
    output.script("f").map(|script| script.air.clone()).ok_or_else(|| format!("{messages:?}\n{text}"))
}

fn inputs() -> Inputs {
    Inputs { peers: vec!["p", "q"], a: "yes", b: "no", fails: Vec::new(), hoists: false }
}

/// Runs a script with these inputs.
fn run(air: &str, inputs: &Inputs, seed: u64) -> Run {
    let at = |peers: &[&str]| peers.iter().map(|peer| format!("@{peer}")).collect::<Vec<_>>();
    let mut stage = Stage::new()
        .with("ps", json!(at(&inputs.peers)))
        .with("rs", json!(["@r1", "@r2"]))
        .with("a", json!(inputs.a))
        .with("b", json!(inputs.b));
    stage.fails.clone_from(&inputs.fails);
    let apart = |alone: &str, friend: &str| {
        let others = PEERS.iter().filter(|peer| **peer != alone && **peer != friend).map(ToString::to_string);
        Partition { apart: vec![vec![alone.to_owned()], others.collect()], from: 0, until: u64::MAX }
    };
    stage.net.partitions = vec![apart("client", "relay"), apart("z", "r1")];
    stage.extra.push(Stub::new("mark.*"));
    stage.run(air, seed)
}

fn is_allowed((from, to): &(String, String)) -> bool {
    let one_way = |peer: &str, other: &str, friend: &str| peer != from || other == friend;
    one_way("client", to, "relay")
        && (to != "client" || from == "relay")
        && one_way("z", to, "r1")
        && (to != "z" || from == "r1")
}

fn sorted(mut calls: Vec<String>) -> Vec<String> {
    calls.sort();
    calls
}

/// Runs a law for many programs and shows the shortest one that breaks it.
fn for_programs(seeds: Range<u64>, profile: Profile, law: impl Fn(&[Stmt]) -> Result<(), String>) {
    let factor = std::env::var("MARINE_AQUA_PROGRAMS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let count = (seeds.end - seeds.start) * factor;
    let broken: Vec<(u64, String)> = (seeds.start..seeds.start + count)
        .filter_map(|seed| law(&random(seed, profile)).err().map(|text| (seed, text)))
        .collect();
    if let Some((seed, text)) = broken.iter().min_by_key(|(_, text)| text.len()) {
        panic!("{} of {count} programs break it; program {seed}: {text}", broken.len());
    }
}

fn ensure(holds: bool, text: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(text()) }
}

fn ensure_allowed(run: &Run, context: &dyn Fn() -> String) -> Result<(), String> {
    let wrong: BTreeSet<_> = links(run).into_iter().filter(|link| !is_allowed(link)).collect();
    ensure(wrong.is_empty(), || {
        let is_shown = |event: &str| event.contains("sends") || event.starts_with("calls srv");
        let sends = run.timeline.iter().filter(|row| is_shown(&row.event)).map(ToString::to_string);
        format!("{wrong:?}: {}\n{}", context(), sends.collect::<Vec<_>>().join("\n"))
    })
}

/// Whether a run ends as the model says, with an error that is the original one.
fn ensure_ends(run: &Run, ends: &[&Model], context: &dyn Fn() -> String) -> Result<(), String> {
    let seen = seen(run);
    let last = |model: &Model| model.events.last().map(|event| event.label.clone()).unwrap_or_default();
    let ended = (seen.response.is_some(), seen.failed);
    let is_one = ends.iter().any(|model| ended == (last(model) == "response", last(model) == "error"));
    ensure(is_one, || format!("does not end with `{}`: {}", last(ends[0]), context()))?;
    let error = run.calls.iter().find(|call| call.service == "errorHandlingSrv");
    let is_original = error.is_none_or(|error| error.to_string().contains("injected"));
    ensure(is_original, || format!("another error: {}", context()))
}

/// Every call runs where its `on` says, none is lost, results and pushes arrive, and allowed links suffice.
#[test]
fn calls_run_at_their_places_over_allowed_links() {
    for_programs(0..300, PARALLEL, |block| {
        let pushes = Model::run(block, 0, &inputs()).0.pushes();
        let text = source(block, pushes);
        let air = script(&text)?;
        let (model, _) = Model::run(block, pushes, &inputs());
        for schedule in 1..=2 {
            let context = || format!("schedule {schedule}\n{text}\n{}", shorten(&air));
            let run = run(&air, &inputs(), schedule);
            let (calls, expected) = (sorted(seen(&run).calls), sorted(model.calls()));
            ensure(calls == expected, || format!("calls {calls:?} instead of {expected:?}\n{}", context()))?;
            ensure_ends(&run, &[&model], &context)?;
        }
        Ok(())
    });
}

/// A call that fails takes with it what depends on it, and nothing else.
#[test]
fn errors_in_parallel_branches() {
    for_programs(2000..2100, PARALLEL, |block| {
        let pushes = Model::run(block, 0, &inputs()).0.pushes();
        let text = source(block, pushes);
        let air = script(&text)?;
        let calls: BTreeSet<String> = Model::run(block, pushes, &inputs()).0.calls().into_iter().collect();
        for fails in calls {
            let context = || format!("failing {fails}\n{text}\n{}", shorten(&air));
            let inputs = Inputs { fails: vec![fails.clone()], ..inputs() };
            // Control does not leave for a block that waits for what never comes; that it made calls before is allowed.
            let (most, _) = Model::run(block, pushes, &inputs);
            let (least, _) = Model::run(block, pushes, &Inputs { hoists: true, ..inputs.clone() });
            let run = run(&air, &inputs, 1);
            let calls = sorted(seen(&run).calls);
            let is_between = is_part(&least.calls(), &calls) && is_part(&calls, &most.calls());
            ensure(is_between, || {
                let (least, most) = (sorted(least.calls()), sorted(most.calls()));
                format!("calls {calls:?} are not between {least:?} and {most:?}\n{}", context())
            })?;
            ensure_ends(&run, &[&most, &least], &context)?;
        }
        Ok(())
    });
}

/// A stream that is filled inside of an `on` is not waited for before.
#[test]
fn waits_stay_behind_what_fills_the_stream() {
    let body = "  on q:\n    on INIT_PEER_ID via HOST_PEER_ID:\n      s: *string\n      for x <- ps par:\n        on x:\n          \
                s <- S.get(\"1\")\n      on p:\n        join s[1]\n";
    let text = source(&[], 0).replace("  nothing", &format!("{body}  nothing"));
    let run = run(&script(&text).expect("it compiles"), &inputs(), 1);
    assert!(seen(&run).response.is_some(), "{text}");
}

/// A loop in a loop is entered by its own way, though the first call is made elsewhere.
#[test]
fn loops_in_loops_are_entered() {
    let body = "  parseq x <- ps on x:\n    parseq y <- ps on y via r1:\n      for w <- ps par:\n        seen(\"1\")\n";
    let text = source(&[], 0).replace("  nothing", &format!("{body}  nothing"));
    let run = run(&script(&text).expect("it compiles"), &inputs(), 1);
    assert_eq!(seen(&run).calls.len(), 8, "{text}");
    assert!(seen(&run).response.is_some(), "{text}");
}

/// Whether all these calls are among those, as often.
fn is_part(calls: &[String], all: &[String]) -> bool {
    let mut rest = all.to_vec();
    calls.iter().all(|call| rest.iter().position(|other| other == call).map(|index| rest.swap_remove(index)).is_some())
}

/// Whatever call fails, the handler runs, over allowed links, and an error that nobody handles is reported.
#[test]
fn errors_reach_their_handlers() {
    for_programs(1000..1120, SEQUENTIAL, |block| {
        let text = source(block, 0);
        let air = script(&text)?;
        for inputs in paths(block) {
            let (model, outcome) = Model::run(block, 0, &inputs);
            let context = || format!("{inputs:?}\n{text}\n{}", shorten(&air));
            ensure(outcome != Err(End::Waits), || format!("the model waits: {}", context()))?;
            let run = run(&air, &inputs, 1);
            let (calls, expected) = (seen(&run).calls, model.calls());
            ensure(calls == expected, || format!("calls {calls:?} instead of {expected:?}\n{}", context()))?;
            ensure_ends(&run, &[&model], &context)?;
            ensure_allowed(&run, &context)?;
        }
        Ok(())
    });
}

/// Inputs that take a program over its paths: conditions both ways, loops over none, each call failing, handlers failing.
fn paths(block: &[Stmt]) -> Vec<Inputs> {
    let mut paths = Vec::new();
    for (a, b) in [("yes", "no"), ("no", "yes"), ("yes", "yes"), ("no", "no")] {
        paths.push(Inputs { a, b, ..inputs() });
    }
    paths.push(Inputs { peers: vec![], ..inputs() });
    // Paths that are the same are run once.
    let mut known = BTreeSet::new();
    paths.retain(|inputs| known.insert(labels(&Model::run(block, 0, inputs).0)));
    let calls = |fails: Vec<String>| -> BTreeSet<String> {
        let inputs = Inputs { fails, ..inputs() };
        Model::run(block, 0, &inputs).0.calls().into_iter().collect()
    };
    let regular = calls(Vec::new());
    for call in &regular {
        // What only handlers call fails, too.
        let handling = calls(vec![call.clone()]).into_iter().filter(|other| !regular.contains(other));
        paths.extend(handling.map(|other| Inputs { fails: vec![call.clone(), other], ..inputs() }));
        paths.push(Inputs { fails: vec![call.clone()], ..inputs() });
    }
    paths
}

fn labels(model: &Model) -> Vec<String> {
    model.events.iter().map(|event| event.label.clone()).collect()
}

/// Where nothing is parallel, control goes over links that the program states, and each hop of the script is needed on some
/// path.
#[test]
fn hops_are_neither_missing_nor_superfluous() {
    for_programs(3000..3300, SEQUENTIAL, |block| {
        let text = source(block, 0);
        let air = marked(&script(&text)?);
        let paths: Vec<(Inputs, Model)> = paths(block)
            .into_iter()
            .map(|inputs| {
                let model = Model::run(block, 0, &inputs).0;
                (inputs, model)
            })
            .collect();
        let mut links = Links::default();
        paths.iter().flat_map(|(_, model)| &model.events).for_each(|event| links.state(&event.frames));
        let mut needed: BTreeMap<usize, bool> = BTreeMap::new();
        for (inputs, model) in &paths {
            let made = steps(&run(&air, inputs, 1));
            let context = || format!("{inputs:?}\n{text}\n{}", shorten(&air));
            compare(&model.events, &made, &links, &mut needed).map_err(|error| format!("{error}\n{}", context()))?;
        }
        let superfluous: Vec<usize> = needed.iter().filter(|(_, needed)| !**needed).map(|(hop, _)| *hop).collect();
        ensure(superfluous.is_empty(), || {
            format!("hops {superfluous:?} are needed on no path\n{text}\n{}", shorten(&air))
        })
    });
}

/// Where branches are parallel, no more hops are made than into each `on` around an instruction and out of it again, for each
/// instruction on its own, with a hop onto the peer itself at each end.
#[test]
fn hops_of_parallel_branches_are_bounded() {
    for_programs(5000..5200, PARALLEL, |block| {
        let pushes = Model::run(block, 0, &inputs()).0.pushes();
        let text = source(block, pushes);
        let air = marked(&script(&text)?);
        let (model, _) = Model::run(block, pushes, &inputs());
        let Some(root) = model.events.first().map(|event| &event.frames[..1]) else { return Ok(()) };
        let around = |event: &Event| {
            let (into, out) = (oracle::most_hops(root, &event.frames), oracle::most_hops(&event.frames, root));
            into.len() + out.len() + 2 * (event.frames.len() - 1)
        };
        let most: usize = model.events.iter().map(around).sum();
        let hops = steps(&run(&air, &inputs(), 1)).iter().filter(|step| matches!(step, Step::Hop(..))).count();
        ensure(hops <= most, || format!("{hops} hops instead of at most {most}\n{text}\n{}", shorten(&air)))
    });
}

/// What a run made: a hop, by its number and peer, or something else.
#[derive(Clone, Debug)]
enum Step {
    Hop(usize, String),
    Other(String),
}

fn steps(run: &Run) -> Vec<Step> {
    let calls = run.calls.iter().filter(|call| call.service != "getDataSrv");
    calls
        .map(|call| match (call.service.as_str(), call.function.as_str()) {
            ("mark", "canon") => Step::Other(format!("canon {}", call.peer)),
            ("mark", hop) => Step::Hop(hop.parse().expect("it is a number"), call.peer.clone()),
            ("errorHandlingSrv", _) => Step::Other("error".to_owned()),
            (_, "response") => Step::Other("response".to_owned()),
            _ => Step::Other(format!("{}: {}", call.peer, call)),
        })
        .collect()
}

/// Compares the hops of a path with the oracle's, and notes which of them it needs.
fn compare(events: &[Event], steps: &[Step], links: &Links, needed: &mut BTreeMap<usize, bool>) -> Result<(), String> {
    let mut steps = steps.iter();
    let mut from: Vec<Frame> = events[0].frames[..1].to_vec();
    for event in events {
        let mut hops = Vec::new();
        loop {
            match steps.next() {
                Some(Step::Hop(number, peer)) => hops.push((*number, peer)),
                Some(Step::Other(label)) if *label == event.label => break,
                other => return Err(format!("{other:?} instead of {}", event.label)),
            }
        }
        let expected = oracle::hops(&from, &event.frames);
        // After an error, and where a loop is passed over, there may be another way than the shortest: one `on` after the other.
        let is_whole = |peers: &[&String]| is_within(&expected, peers);
        let is_allowed = |peers: &[&String]| links.allow(&from, peers, &event.frames);
        let peers: Vec<&String> = hops.iter().map(|(_, peer)| *peer).collect();
        if !is_whole(&peers) && !is_allowed(&peers) {
            return Err(format!("before {}: hops {peers:?} instead of {expected:?}", event.label));
        }
        let most = oracle::most_hops(&from, &event.frames);
        let is_on_the_way =
            is_within(&peers.iter().map(ToString::to_string).collect::<Vec<_>>(), &most.iter().collect::<Vec<_>>());
        for (index, (number, _)) in hops.iter().enumerate() {
            let mut others = peers.clone();
            others.remove(index);
            // Where paths come together, stops are made that this one could do without: again, or out of each `on` and into each.
            let is_again = index.checked_sub(1).and_then(|before| peers.get(before)) == Some(&peers[index])
                || peers.get(index + 1) == Some(&peers[index]);
            let is_excused = event.joins && (is_again || is_on_the_way);
            let is_needed =
                is_excused || (is_whole(&peers) && !is_whole(&others)) || (is_allowed(&peers) && !is_allowed(&others));
            *needed.entry(*number).or_default() |= is_needed;
        }
        from.clone_from(&event.frames);
    }
    for step in steps {
        match step {
            Step::Hop(number, _) => {
                needed.entry(*number).or_default();
            }
            Step::Other(label) => return Err(format!("{label} after the end")),
        }
    }
    Ok(())
}

/// Whether all of these are there in this order.
fn is_within(expected: &[String], peers: &[&String]) -> bool {
    let mut peers = peers.iter();
    expected.iter().all(|peer| peers.any(|other| *other == peer))
}

/// The script with a call in place of each hop, which tells its number, and one beside each canon of a stream that a loop
/// goes over.
fn marked(air: &str) -> String {
    const HOP: (&str, &str) = ("(new $-h (new #-h (canon ", " $-h #-h)))");
    let mut marked = String::new();
    let mut parts = air.split(HOP.0);
    marked.push_str(parts.next().unwrap_or_default());
    for (number, part) in parts.enumerate() {
        let (peer, rest) = part.split_once(HOP.1).expect("a hop ends");
        marked.push_str(&format!("(call {peer} (\"mark\" \"{number}\")[]){rest}"));
    }
    let mut parts = marked.split("(canon ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (operands, rest) = part.split_once(')').expect("a canon ends");
        let canon = format!("(canon {operands})");
        match operands.split(' ').collect::<Vec<_>>()[..] {
            [peer, stream, _] if stream.starts_with("$fs") => {
                out.push_str(&format!("(seq (call {peer} (\"mark\" \"canon\")[]){canon})"));
            }
            _ => out.push_str(&canon),
        }
        out.push_str(rest);
    }
    out
}
