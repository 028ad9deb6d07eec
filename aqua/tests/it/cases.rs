//! The published compiler's scripts and ours do the same: calls, their order, answer, errors, waiting for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use marine_aqua::Options;

use crate::support::{Files, Seen, Stage, compiled_with};

/// Functions whose answer depends on who is first: only that there is one is compared, and not the order of calls.
const RACY: &[&str] = &[
    "join.join2",
    "join.join_multi",
    "fors.for_par_ret",
    "fors.for_par_on",
    "fors.parseq_on",
    "fors.parseq_via",
    "par.par3_race",
    "stream_in_on.quorum",
    "stream_in_on.coll",
    "stream_in_on.timeout",
];

/// The files whose scripts the demand on size was made for.
const FIRST: &[&str] =
    &["abilities", "call_ret", "closures", "consts", "fors", "join", "on", "par", "stream_in_on", "structs"];

/// How many schedules show what is determined and what is up to the race.
const SCHEDULES: u64 = 8;

#[test]
fn same_as_the_published_compiler() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut references: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for entry in std::fs::read_dir(&folder).expect("the cases are there") {
        let name = entry.expect("it can be listed").file_name().into_string().expect("its name is a text");
        if let [file, function, "air"] = name.split('.').collect::<Vec<_>>()[..] {
            let air = std::fs::read_to_string(folder.join(&name)).expect("it can be read");
            references.entry(file.to_owned()).or_default().push((function.to_owned(), air));
        }
    }
    let mut different = Vec::new();
    let mut sizes: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (file, functions) in references {
        let text = std::fs::read_to_string(folder.join(format!("{file}.aqua"))).expect("it can be read");
        let output = compiled_with(&Files::one(&text), "main.aqua", &Default::default());
        for (function, reference) in functions {
            let name = format!("{file}.{function}");
            let script = output.script(&function).unwrap_or_else(|| panic!("{name} is exported"));
            let (ours, theirs) = sizes.entry(file.clone()).or_default();
            *ours += script.air.len();
            *theirs += reference.len();
            different.extend(differences(&name, &script.air, &reference));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n\n"));
    let first: Vec<&(usize, usize)> = FIRST.iter().map(|file| &sizes[*file]).collect();
    let (ours, theirs): (usize, usize) = (first.iter().map(|size| size.0).sum(), first.iter().map(|size| size.1).sum());
    let row = |file: &str, ours: usize, theirs: usize| {
        format!("{file:14} {ours:6} of {theirs:6} bytes: {:.3}", ours as f64 / theirs as f64)
    };
    let mut table: Vec<String> = sizes.iter().map(|(file, (ours, theirs))| row(file, *ours, *theirs)).collect();
    table.push(row("first ten", ours, theirs));
    insta::assert_snapshot!("sizes", table.join("\n"));
    assert!(ours * 2 <= theirs, "ours are {ours} bytes, theirs {theirs}");
}

/// Tracing tells the client of the functions that are called, and otherwise leaves programs as they are.
#[test]
fn tracing_changes_nothing_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let (mut different, mut told) = (Vec::new(), 0);
    for entry in std::fs::read_dir(&folder).expect("the cases are there") {
        let path = entry.expect("it can be listed").path();
        if path.extension().is_none_or(|ending| ending != "aqua") {
            continue;
        }
        let files = Files::one(&std::fs::read_to_string(&path).expect("it can be read"));
        let plain = compiled_with(&files, "main.aqua", &Options::default());
        let traced = compiled_with(&files, "main.aqua", &Options { tracing: true, ..Options::default() });
        for (plain, traced) in plain.scripts.iter().zip(&traced.scripts) {
            let name = format!("{}.{}", path.file_stem().unwrap_or_default().to_string_lossy(), plain.name);
            told += traced.air.matches("tracingEvent").count();
            if plain.air != traced.air {
                different.extend(differences(&name, &traced.air, &plain.air));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n\n"));
    assert!(told > 20, "few of these programs call functions: {told}");
}

#[test]
fn calls_of_functions_are_traced() {
    let text = "aqua Main\nexport main\nservice Kv(\"kv\"):\n  get(key: string) -> string\n\n\
                func far(p: string) -> string:\n  on p:\n    v <- Kv.get(\"k\")\n  <- v\n\n\
                func main(p: string) -> string:\n  v <- far(p)\n  <- v\n";
    let output = compiled_with(&Files::one(text), "main.aqua", &Options { tracing: true, ..Options::default() });
    let air = &output.script("main").expect("it is exported").air;
    let mut stage = Stage::new();
    let told = |stage: &Stage| {
        let run = stage.run(air, 1);
        let told = run.calls.iter().filter(|call| call.service == "tracingSrv");
        told.map(|call| call.args[1].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(told(&stage), ["\"enter\"", "\"exit\""]);
    stage.fails = vec!["p: kv.get(\"k\")".to_owned()];
    let told = told(&stage);
    assert_eq!((told.len(), &*told[0]), (2, "\"enter\""));
    assert!(told[1].contains("injected"), "{told:?}");
}

fn differences(name: &str, ours: &str, reference: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut stage = Stage::new();
    let good = outcomes(&stage, name, reference, SCHEDULES);
    compare(name, "", &outcomes(&stage, name, ours, SCHEDULES / 2), &good, ours, &mut found);
    let calls: BTreeSet<String> =
        good.iter().flat_map(|seen| seen.calls.clone()).filter(|call| !call.starts_with("client: ")).collect();
    for call in calls {
        stage.fails = vec![call.clone()];
        let (with_ours, with_theirs) = (outcomes(&stage, name, ours, 1), outcomes(&stage, name, reference, 4));
        compare(name, &call, &with_ours, &with_theirs, ours, &mut found);
    }
    found
}

fn compare(name: &str, fails: &str, ours: &[Seen], theirs: &[Seen], air: &str, found: &mut Vec<String>) {
    let mut fail = |text: String| found.push(format!("{name} failing `{fails}`: {text}\n  {air}"));
    // What one schedule shows, another may not; each of ours must be one that theirs may show.
    let allowed: BTreeSet<Seen> = theirs.iter().map(unordered).collect();
    let wrong = ours.iter().map(unordered).find(|seen| !allowed.contains(seen));
    if let Some(seen) = wrong {
        return fail(format!("\n  ours {seen:?}\n  theirs {allowed:?}"));
    }
    if RACY.contains(&name) {
        return;
    }
    // Calls that come in one order in all schedules of theirs do so in ours.
    let orders: Vec<BTreeMap<(&str, usize), usize>> = theirs.iter().map(order).collect();
    for seen in ours {
        let order = order(seen);
        let calls: Vec<_> = order.iter().map(|(call, index)| (*call, *index)).collect();
        for (first, second) in calls.iter().flat_map(|a| calls.iter().map(move |b| (a, b))) {
            let precedes = |order: &BTreeMap<(&str, usize), usize>| order.get(&first.0) < order.get(&second.0);
            let is_known =
                |order: &BTreeMap<(&str, usize), usize>| [first, second].iter().all(|call| order.contains_key(&call.0));
            if first.1 > second.1 && orders.iter().all(|order| is_known(order) && precedes(order)) {
                return fail(format!("{:?} comes after {:?}", first.0, second.0));
            }
        }
    }
}

fn unordered(seen: &Seen) -> Seen {
    let mut seen = seen.clone();
    seen.calls.sort();
    seen
}

/// Where each call stands, calls that are alike counted.
fn order(seen: &Seen) -> BTreeMap<(&str, usize), usize> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let numbered = seen.calls.iter().enumerate().map(|(index, call)| {
        let count = counts.entry(call).or_default();
        *count += 1;
        ((call.as_str(), *count), index)
    });
    numbered.collect()
}

/// What several schedules show, without an answer that is up to the race.
fn outcomes(stage: &Stage, name: &str, air: &str, seeds: u64) -> Vec<Seen> {
    (1..=seeds)
        .map(|seed| {
            let mut seen = stage.seen(air, seed);
            seen.calls.retain(|call| !call.contains("tracingSrv"));
            if RACY.contains(&name) {
                seen.response = seen.response.map(|_| "something".to_owned());
            }
            seen
        })
        .collect()
}
