//! The parts of a scenario file: from tables to the types that run.

use std::ops::RangeInclusive;

use super::expect::{self, Expectations};
use super::script::{self, ReadScript, check_peer, unknown_peer};
use super::steps::{self, ScriptedStep};
use super::table::{self, Entry, Report, Table};
use super::{ScenarioFile, WRONG_VALUE};
use crate::sim::{Net, Partition, Restart, Scenario, Stub};
use crate::syntax::{Diagnostic, Severity, Span};
use crate::value::{Repr, Value};

/// More runs than anybody waits for.
const MAX_SEEDS: i64 = 1_000_000;

/// Reads all tables; `None` if there is not even a script. The file is `None` if something essential is missing.
pub(super) fn read(
    text: &str,
    report: &Report,
    load: impl FnOnce(&str) -> Result<String, String>,
) -> Option<(Option<ScenarioFile>, ReadScript)> {
    let mut top = table::read(text, report)?;
    let peers = read_peers(&mut top);
    let script = script::take(text, &mut top, &peers, load);
    let init = read_init(&mut top, &peers);
    let timestamp = number(&mut top, "timestamp", 0..=i64::MAX);
    let ttl = number(&mut top, "ttl", 1..=i64::from(u32::MAX));
    let stubs: Vec<Stub> =
        top.take_tables("stub", "`[[stub]]`").into_iter().filter_map(|stub| read_stub(stub, &peers)).collect();
    let has_steps = top.place("step").is_some();
    let net = top.take("net");
    if let Some(net) = net.as_ref().filter(|_| has_steps) {
        net.wrong_key("`[net]` stands beside `[[step]]`", "a scenario either leaves the order to chance or scripts it");
    }
    let (net, seeds) =
        net.and_then(|net| net.table("`[net]`")).map_or((Net::default(), 1), |net| read_net(net, &peers));
    let steps: Vec<ScriptedStep> =
        top.take_tables("step", "`[[step]]`").into_iter().filter_map(|step| steps::read(step, &peers)).collect();
    let expect = top.take_table("expect", "`[expect]`");
    let expect = expect.map_or_else(Expectations::default, |table| expect::read(table, &peers));
    top.finish();
    let script = script?;
    let file = init.map(|init| {
        let mut scenario = Scenario::new(&script.text, peers).init(&init).net(net);
        scenario.timestamp = timestamp.unwrap_or(scenario.timestamp);
        scenario.ttl = ttl.and_then(|ttl| u32::try_from(ttl).ok()).unwrap_or(scenario.ttl);
        scenario.stubs = stubs;
        ScenarioFile { scenario, seeds, steps, expect }
    });
    Some((file, script))
}

/// Reads a file of stubs; `None` if it is no TOML.
pub(super) fn read_stage(text: &str, report: &Report, script: &str, peers: &[String]) -> Option<Scenario> {
    let mut top = table::read(text, report)?;
    let mut peers = peers.to_vec();
    if top.place("peers").is_some() {
        let more = read_peers(&mut top);
        peers.extend(more.into_iter().filter(|peer| !peers.contains(peer)).collect::<Vec<_>>());
    }
    let timestamp = number(&mut top, "timestamp", 0..=i64::MAX);
    let ttl = number(&mut top, "ttl", 1..=i64::from(u32::MAX));
    let stubs = top.take_tables("stub", "`[[stub]]`").into_iter().filter_map(|stub| read_stub(stub, &peers));
    let stubs: Vec<Stub> = stubs.collect();
    let net = top.take_table("net", "`[net]`").map_or(Net::default(), |net| read_net(net, &peers).0);
    top.finish();
    let mut scenario = Scenario::new(script, peers).net(net);
    scenario.timestamp = timestamp.unwrap_or(scenario.timestamp);
    scenario.ttl = ttl.and_then(|ttl| u32::try_from(ttl).ok()).unwrap_or(scenario.ttl);
    scenario.stubs = stubs;
    Some(scenario)
}

/// Takes out a number that is not negative.
pub(super) fn number(table: &mut Table<'_, '_>, name: &'static str, range: RangeInclusive<i64>) -> Option<u64> {
    Some(table.take(name)?.number(range)?.unsigned_abs())
}

fn read_peers(top: &mut Table<'_, '_>) -> Vec<String> {
    let help = "name the peers that take part: `peers = [\"client\", \"shop\"]`";
    let Some(entry) = top.take("peers") else {
        top.missing("peers", help);
        return Vec::new();
    };
    if entry.is_text() {
        entry.wrong("`peers` is one text", "write an array: `peers = [\"client\"]`");
        return Vec::new();
    }
    if entry.is_empty() {
        entry.wrong("`peers` is empty", help);
    }
    let mut peers: Vec<String> = Vec::new();
    for item in entry.items() {
        let Some(name) = item.text() else { continue };
        let is_name = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            item.wrong(
                format!("{name:?} is no name of a peer"),
                "letters, digits, `-` and `_` make a name, without `@`",
            );
        } else if peers.contains(&name) {
            item.wrong(format!("two peers have the name `{name}`"), "names tell peers apart");
        } else {
            peers.push(name);
        }
    }
    peers
}

/// The peer that starts the particle; the first one unless the file says so.
fn read_init(top: &mut Table<'_, '_>, peers: &[String]) -> Option<String> {
    match top.take("init") {
        Some(entry) => peer(&entry, peers),
        None => peers.first().cloned(),
    }
}

/// The name of a peer.
pub(super) fn peer(entry: &Entry<'_, '_>, peers: &[String]) -> Option<String> {
    let name = entry.text()?;
    check_peer(entry.report, entry.span(), &name, peers).then_some(name)
}

pub(super) fn take_peer(table: &mut Table<'_, '_>, name: &'static str, peers: &[String]) -> Option<String> {
    peer(&table.take(name)?, peers)
}

/// `service.function`, each part maybe `*` if `wild`.
pub(super) fn call(entry: &Entry<'_, '_>, wild: bool) -> Option<String> {
    let text = entry.text()?;
    let is_whole = text.split_once('.').is_some_and(|(service, function)| !service.is_empty() && !function.is_empty());
    if !is_whole {
        let or = if wild { "; either part may be `*`" } else { "" };
        entry.wrong(format!("{text:?} is no call"), format!("write `service.function`{or}"));
    }
    is_whole.then_some(text)
}

/// Warns of texts in a value that look like misspelt names of peers.
pub(super) fn check_names(report: &Report, place: Option<Span>, value: &Value, peers: &[String]) {
    let check = |value: &Value| check_names(report, place, value, peers);
    match (&value.0, place) {
        (Repr::Text(text), Some(place)) => {
            let name = text.strip_prefix('@').filter(|name| !name.is_empty());
            let warning = name.and_then(|name| unknown_peer(place, name, peers, Severity::Warning));
            warning.into_iter().for_each(|warning| report.add(warning));
        }
        (Repr::Array(items), _) => items.iter().for_each(check),
        (Repr::Object(fields), _) => fields.iter().for_each(|(_, field)| check(field)),
        _ => {}
    }
}

/// Takes out a value and looks for misspelt names in it.
pub(super) fn take_value(
    table: &mut Table<'_, '_>,
    (name, twin): (&'static str, &'static str),
    peers: &[String],
) -> Option<Value> {
    let place = table.place(name).or_else(|| table.place(twin));
    let value = table.take_value(name, twin)?;
    check_names(table.report, place, &value, peers);
    Some(value)
}

pub(super) fn take_values(
    table: &mut Table<'_, '_>,
    (name, twin): (&'static str, &'static str),
    peers: &[String],
) -> Option<Vec<Value>> {
    let place = table.place(name).or_else(|| table.place(twin));
    let values = table.take_values(name, twin)?;
    values.iter().for_each(|value| check_names(table.report, place, value, peers));
    Some(values)
}

const ANSWERS: [&str; 7] = ["ok", "ok_seq", "error", "echo", "tetraplets", "silent", "ok_json"];

fn read_stub(mut table: Table<'_, '_>, peers: &[String]) -> Option<Stub> {
    let given = table.present(&[&ANSWERS[..], &["ok_seq_json"]].concat());
    if given.len() > 1 && given != ["ok", "ok_json"] && given != ["ok_seq", "ok_seq_json"] {
        table.wrong(
            format!("the stub has several answers: `{}`", given.join("`, `")),
            "a stub has one answer; write more stubs",
        );
    }
    let at = take_peer(&mut table, "peer", peers);
    let call = match table.take("call") {
        Some(entry) => call(&entry, true),
        None => {
            table.missing("call", "say what it answers: `call = \"service.function\"`, or `\"*.*\"`");
            None
        }
    };
    let mut stub = Stub::new(call.as_deref().unwrap_or("*.*"));
    if let Some(at) = at {
        stub = stub.at(&at);
    }
    if let Some(args) = take_values(&mut table, ("args", "args_json"), peers) {
        stub = stub.args(args);
    }
    if let Some(delay) = table.take("delay").and_then(Entry::delay) {
        stub = stub.delay(delay);
    }
    stub = read_answer(&mut table, stub, peers);
    table.finish();
    call.map(|_| stub)
}

fn read_answer(table: &mut Table<'_, '_>, mut stub: Stub, peers: &[String]) -> Stub {
    if let Some(value) = take_value(table, ("ok", "ok_json"), peers) {
        stub = stub.ok(value);
    }
    let place = table.place("ok_seq").or_else(|| table.place("ok_seq_json"));
    if let Some(values) = take_values(table, ("ok_seq", "ok_seq_json"), peers) {
        if values.is_empty() {
            let empty = Diagnostic::error(WRONG_VALUE, place.unwrap_or(table.span), "`ok_seq` is empty");
            table.report.add(empty.help("give one answer at least; the last one repeats"));
        }
        stub = stub.ok_seq(values);
    }
    if let Some((code, message)) = read_error(table) {
        stub = stub.error(code, &message);
    }
    if let Some(entry) = table.take("echo") {
        stub = match entry.text() {
            _ if entry.is_integer() => match entry.number(0..=1_000_000) {
                Some(index) => stub.echo(usize::try_from(index).unwrap_or_default()),
                None => stub,
            },
            Some(text) if text == "all" => stub.echo_all(),
            _ => {
                entry.wrong("`echo` takes an argument", "give its index, or \"all\" for the array of all arguments");
                stub
            }
        };
    }
    if table.take("tetraplets").and_then(|entry| entry.boolean()) == Some(true) {
        stub = stub.tetraplets();
    }
    if table.take("silent").and_then(|entry| entry.boolean()) == Some(true) {
        stub = stub.silent();
    }
    stub
}

/// `error = { code = 1, message = ".." }`
pub(super) fn read_error(table: &mut Table<'_, '_>) -> Option<(i32, String)> {
    let mut error = table.take_table("error", "`error`")?;
    let code = match error.take("code") {
        Some(code) => code.number(i64::from(i32::MIN)..=i64::from(i32::MAX)).and_then(|code| i32::try_from(code).ok()),
        None => Some(1),
    };
    let message = error.take_text("message");
    error.finish();
    Some((code?, message.unwrap_or_default()))
}

fn read_net(mut table: Table<'_, '_>, peers: &[String]) -> (Net, u64) {
    let mut net = Net::default();
    let seeds = number(&mut table, "seeds", 1..=MAX_SEEDS).unwrap_or(1);
    if let Some(delay) = table.take("delay").and_then(Entry::delay) {
        net.delay = delay;
    }
    let chances: [(&'static str, &mut f64); 5] = [
        ("duplicate", &mut net.duplicate),
        ("loss", &mut net.loss),
        ("tamper", &mut net.tamper),
        ("restarts", &mut net.restart),
        ("crashes", &mut net.crash),
    ];
    for (name, place) in chances {
        if let Some(chance) = table.take(name).and_then(|entry| entry.probability()) {
            *place = chance;
        }
    }
    net.resend = number(&mut table, "resend", 1..=i64::MAX);
    for part in table.take_tables("partition", "`partition`") {
        net.partitions.extend(read_partition(part, peers));
    }
    for restart in table.take_tables("restart", "`restart`") {
        net.restarts.extend(read_restart(restart, peers));
    }
    table.finish();
    (net, seeds)
}

fn read_partition(mut table: Table<'_, '_>, peers: &[String]) -> Option<Partition> {
    let apart = match table.take("apart") {
        Some(entry) => {
            let group = |item: Entry<'_, '_>| item.items().iter().filter_map(|name| peer(name, peers)).collect();
            entry.items().into_iter().map(group).collect()
        }
        None => {
            table.missing("apart", "name the groups: `apart = [[\"client\"], [\"shop\"]]`");
            Vec::new()
        }
    };
    let from = number(&mut table, "from", 0..=i64::MAX).unwrap_or(0);
    let until = number(&mut table, "until", 0..=i64::MAX).unwrap_or(u64::MAX);
    table.finish();
    (apart.len() > 1).then_some(Partition { apart, from, until })
}

fn read_restart(mut table: Table<'_, '_>, peers: &[String]) -> Option<Restart> {
    if table.place("peer").is_none() {
        table.missing("peer", "name the peer that restarts: `peer = \"shop\"`");
    }
    if table.place("at").is_none() {
        table.missing("at", "say when, in virtual milliseconds: `at = 50`");
    }
    let peer = take_peer(&mut table, "peer", peers);
    let at = number(&mut table, "at", 0..=i64::MAX);
    let before_store = table.take("before_store").and_then(|entry| entry.boolean()).unwrap_or(false);
    table.finish();
    Some(Restart { peer: peer?, at: at?, before_store })
}
