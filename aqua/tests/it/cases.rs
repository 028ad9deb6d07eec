//! The published compiler's scripts and ours do the same: calls, answer, errors, waiting for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::{Files, Seen, Stage, compiled_with};

/// Functions whose answer depends on who is first: only that there is one is compared.
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

/// Functions with a loop that never ends on its own with these services.
const ENDLESS: &[&str] = &["fors.for_rec"];

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
    let (mut ours, mut theirs) = (0, 0);
    for (file, functions) in references {
        let text = std::fs::read_to_string(folder.join(format!("{file}.aqua"))).expect("it can be read");
        let output = compiled_with(&Files::one(&text), "main.aqua", &Default::default());
        for (function, reference) in functions {
            let name = format!("{file}.{function}");
            let script = output.script(&function).unwrap_or_else(|| panic!("{name} is exported"));
            ours += script.air.len();
            theirs += reference.len();
            different.extend(differences(&name, &script.air, &reference));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n\n"));
    assert!(ours * 2 < theirs, "ours are {ours} bytes, theirs {theirs}");
}

fn differences(name: &str, ours: &str, reference: &str) -> Vec<String> {
    if ENDLESS.contains(&name) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut stage = Stage::new();
    let good = outcomes(&stage, name, reference, 6);
    compare(name, "", &outcomes(&stage, name, ours, 4), &good, ours, &mut found);
    let calls: BTreeSet<String> =
        good.iter().flat_map(|seen| seen.calls.clone()).filter(|call| !call.starts_with("client: ")).collect();
    for call in calls {
        stage.fails = Some(call.clone());
        let (with_ours, with_theirs) = (outcomes(&stage, name, ours, 1), outcomes(&stage, name, reference, 4));
        compare(name, &call, &with_ours, &with_theirs, ours, &mut found);
    }
    found
}

fn compare(
    name: &str,
    fails: &str,
    ours: &BTreeSet<Seen>,
    theirs: &BTreeSet<Seen>,
    air: &str,
    found: &mut Vec<String>,
) {
    // What one schedule shows, another may not; each of ours must be one that theirs may show.
    for seen in ours {
        if !theirs.contains(seen) {
            found.push(format!("{name} failing `{fails}`:\n  ours {seen:?}\n  theirs {theirs:?}\n  {air}"));
            return;
        }
    }
}

/// What several schedules show, without what is up to the race.
fn outcomes(stage: &Stage, name: &str, air: &str, seeds: u64) -> BTreeSet<Seen> {
    (1..=seeds)
        .map(|seed| {
            let mut seen = stage.seen(air, seed);
            seen.calls.sort();
            if RACY.contains(&name) {
                seen.response = seen.response.map(|_| "something".to_owned());
            }
            seen
        })
        .collect()
}
