//! The reference manual of AIR (`air/docs/`) is made of examples, and these are its tests.
//!
//! A block `air` is run, and the block after it says what came of it:
//! - `outcome`: the calls in the order in which they were made, reports and refusals, the outcome at the peer `a`;
//! - `findings`: what the parser and the checks say;
//! - `printed`: the tree in its printed form.
//!
//! A block `claims` between the two lists results that peers state without the script having led them there. A word such as
//! `stream_elements=2` behind `air` sets a limit. A block `toml` is a scenario file that has to run as it expects.
//!
//! `AIR_BOOK=update` writes what came of the examples into the pages, to be read before it is kept.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ipld_core::ipld::Ipld;
use marine_air::Limits;
use marine_air::data::{Entry, Key};
use marine_air::execution::{CallResult, Rejection, Report};
use marine_air::sim::{CallRow, Net, Run, Scenario, ScenarioFile, SimError, Step, Stub, World};
use marine_air::syntax::{parse, print_script};
use marine_air::value::Value;
use serde_json::json;

use crate::diagnostics::findings_within;
use crate::edits::{break_signature, field, segment, values};
use crate::lies::{ok, refusal, told_changed};
use crate::sim::outcome;

/// Fewer, and the manual has lost something.
const LEAST_CASES: usize = 200;

#[test]
fn the_examples_of_the_manual_are_true() {
    let update = std::env::var_os("AIR_BOOK").is_some_and(|mode| mode == "update");
    let pages = pages();
    let (mut cases, mut wrong) = (0, String::new());
    for page in &pages {
        let text = std::fs::read_to_string(page).unwrap();
        let checked = Page::check(&text);
        cases += checked.cases;
        if update && checked.text != text {
            std::fs::write(page, checked.text).unwrap();
        } else {
            wrong +=
                &checked.wrong.iter().fold(String::new(), |out, wrong| format!("{out}{}:{wrong}\n", page.display()));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(cases >= LEAST_CASES, "{cases} cases in {} pages", pages.len());
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let contents = std::fs::read_to_string(root().join("README.md")).unwrap();
    for page in pages() {
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        assert!(name == "README.md" || contents.contains(&format!("({name})")), "{name} is missing");
    }
}

/// The codes of refusals, of errors that scripts can catch, and of findings. Without 20102: no script can make two keys collide.
const CODES: &[&str] = &[
    "1", "2", "3", "8", "9", "10", "20004", "20007", "20013", "20100", "20101", "30000", //
    "10000", "10001", "10002", "10005", "10006", "10007", "10008", "10009", "10010", "10011", "10012", //
    "A001", "A002", "A003", "A004", "A005", "A006", "A007", "A008", "A009", "A010", "A011", //
    "A020", "A021", "A022", "A023", "A024", "A025", "A026", "A027", //
    "A050", "A051", "A052", "A053", "A054", "A055", "A056", "A057", "A058", "A059", "A060",
];

#[test]
fn every_code_has_an_example() {
    let mut answers = String::new();
    for page in pages() {
        let text = std::fs::read_to_string(page).unwrap();
        for block in
            text.split("```").skip(1).step_by(2).filter(|block| ANSWERS.iter().any(|kind| block.starts_with(kind)))
        {
            answers += block;
        }
    }
    let is_shown = |code: &str| {
        let forms = [format!("refuses: {code} "), format!("failed: {code} "), format!("{code} ")];
        // Short numbers stand for other things too.
        forms.iter().take(if code.starts_with('A') { 3 } else { 2 }).any(|form| answers.contains(form))
    };
    let missing: Vec<&&str> = CODES.iter().filter(|code| !is_shown(code)).collect();
    assert!(missing.is_empty(), "no example for {missing:?}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

fn pages() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|name| name == "md")).collect();
    pages.sort();
    pages
}

/// A page with what came of its examples.
#[derive(Default)]
struct Page {
    text: String,
    cases: usize,
    /// Line and what is wrong there.
    wrong: Vec<String>,
}

/// A fenced block: its line, its info string, its text.
struct Block {
    line: usize,
    info: String,
    text: String,
}

const ANSWERS: [&str; 3] = ["outcome", "findings", "printed"];

impl Page {
    fn check(text: &str) -> Self {
        let mut page = Self::default();
        let mut lines = text.lines().zip(1..);
        let mut script: Option<Block> = None;
        let mut claims = String::new();
        while let Some((line, number)) = lines.next() {
            let Some(info) = line.strip_prefix("```") else {
                page.add(line);
                continue;
            };
            let mut block = Block { line: number, info: info.to_owned(), text: String::new() };
            for (line, _) in lines.by_ref().take_while(|(line, _)| *line != "```") {
                block.text += line;
                block.text.push('\n');
            }
            match block.info.split(' ').next().unwrap_or_default() {
                "air" => {
                    page.unanswered(script.take());
                    page.block(&block.info, &block.text);
                    script = Some(block);
                }
                "claims" => {
                    page.block(&block.info, &block.text);
                    claims = block.text;
                }
                "toml" => {
                    page.cases += 1;
                    page.scenario(&block);
                    page.block(&block.info, &block.text);
                }
                kind if ANSWERS.contains(&kind) => match script.take() {
                    Some(script) => page.answer(&script, &std::mem::take(&mut claims), &block),
                    None => page.wrong.push(format!("{number}: `{kind}` of nothing")),
                },
                _ => page.block(&block.info, &block.text),
            }
        }
        page.unanswered(script);
        page
    }

    fn add(&mut self, line: &str) {
        self.text += line;
        self.text.push('\n');
    }

    fn block(&mut self, info: &str, text: &str) {
        let _ = writeln!(self.text, "```{info}\n{text}```");
    }

    fn unanswered(&mut self, script: Option<Block>) {
        if let Some(script) = script {
            self.wrong.push(format!("{}: nothing says what comes of this", script.line));
        }
    }

    fn answer(&mut self, script: &Block, claims: &str, answer: &Block) {
        self.cases += 1;
        let source = &script.text;
        let found = match answer.info.as_str() {
            "findings" => without_moot(&findings_within(source, &limits(&script.info))),
            "printed" => print_script(&parse(source, &Limits::default()).0) + "\n",
            _ if claims.is_empty() => run(source, limits(&script.info)),
            _ => claimed(source, claims),
        };
        if found != answer.text {
            self.wrong.push(format!("{}: the page says\n{}but it is\n{found}", answer.line, answer.text));
        }
        self.block(&answer.info, &found);
    }

    fn scenario(&mut self, block: &Block) {
        let read = ScenarioFile::read(&block.text, |path| Err(format!("no file {path}")));
        if !read.findings.is_empty() {
            self.wrong.push(format!("{}: {:?}", block.line, read.findings));
        }
        let Some(file) = read.file else { return };
        for seed in file.seeds() {
            let verdict = file.run(seed).unwrap();
            for unmet in &verdict.unmet {
                self.wrong.push(format!("{}: seed {seed}: {unmet}\n{}", block.line, verdict.run.timeline_text()));
            }
        }
    }
}

fn limits(info: &str) -> Limits {
    let mut limits = Limits::default();
    for word in info.split(' ').skip(1) {
        let (name, value) = word.split_once('=').unwrap();
        let place = match name {
            "script_nesting" => &mut limits.script_nesting,
            "script_bytes" => &mut limits.script_bytes,
            "value_bytes" => &mut limits.value_bytes,
            "entries" => &mut limits.entries,
            "activations" => &mut limits.activations,
            "stream_elements" => &mut limits.stream_elements,
            other => panic!("no limit `{other}`"),
        };
        *place = value.parse().unwrap();
    }
    limits
}

/// Without the warning that `"@a"` is no peer id: one is put there.
fn without_moot(findings: &str) -> String {
    let is_moot = |line: &&str| line.contains(" A059 ") && line.contains("`\"@");
    findings.lines().filter(|line| !is_moot(line)).fold(String::new(), |out, line| out + line + "\n")
}

/// The peers and services of all examples.
fn scenario(script: &str) -> Scenario {
    Scenario::new(script, ["a", "b", "c", "d"])
        .stub(Stub::new("s.one").ok(1))
        .stub(Stub::new("s.two").ok(2))
        .stub(Stub::new("s.list").json(json!([1, 2, 3])))
        .stub(Stub::new("s.object").json(json!({"a": [7, 8], "b": {"c": true}, "name": "a"})))
        .stub(Stub::new("s.echo").echo(0))
        .stub(Stub::new("s.peer").ok("@b"))
        .stub(Stub::new("s.bad").error(7, "bad"))
        .stub(Stub::new("s.silent").silent())
        .stub(Stub::new("s.slow").ok("slow").delay(50..=50))
        .stub(Stub::new("s.*"))
}

fn run(script: &str, limits: Limits) -> String {
    let scenario = scenario(script).limits(limits).net(Net { delay: 10..=10, ..Net::default() });
    let run = match scenario.run(1) {
        Ok(run) => run,
        Err(SimError::Script(error)) => return format!("a refuses: 1 {error}\n"),
        Err(error) => return format!("{error}\n"),
    };
    let mut out = String::new();
    run.calls.iter().for_each(|call| write_call(&mut out, call));
    for (peer, report) in &run.reports {
        let _ = writeln!(out, "{peer} reports: {report}");
    }
    for refusal in &run.refusals {
        let _ = writeln!(out, "{} refuses: {} {}", refusal.peer, refusal.code, refusal.text);
    }
    out += &at_a(&run);
    run.world.peers().with_names_in(&out)
}

/// The call; of `tetraplets` also those of its arguments, one line per argument.
fn write_call(out: &mut String, call: &CallRow) {
    let _ = writeln!(out, "{}: {call}", call.peer);
    if call.function != "tetraplets" {
        return;
    }
    let field = |tetraplet: &Value, name| tetraplet.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    for (index, list) in call.tetraplets.as_array().unwrap().iter().enumerate() {
        let one = |tetraplet: &Value| {
            let parts = ["peer_pk", "service_id", "function_name", "lens"].map(|name| field(tetraplet, name));
            format!("({})", parts.join(", "))
        };
        let list: Vec<String> = list.as_array().unwrap().iter().map(one).collect();
        let list = if list.is_empty() { "none".to_owned() } else { list.join(" ") };
        let _ = writeln!(out, "   {index}: {list}");
    }
}

fn at_a(run: &Run) -> String {
    run.outcomes.get("a").map_or_else(|| "never begun\n".to_owned(), |found| outcome(found) + "\n")
}

/// What claims lead to at `a`, each `peer: node service.function [arguments] = result` in JSON. Behind the peer's name may stand
/// how the message is [changed]; `a answers KEY: result` is the result of a call.
fn claimed(script: &str, claims: &str) -> String {
    let mut world: World = scenario(script).world().unwrap();
    world.start().unwrap();
    let mut out = String::new();
    for claim in claims.lines() {
        match claim_made(&mut world, claim) {
            Ok(step) => write_step(&mut out, &world, &step),
            Err(rejection) => {
                let _ = writeln!(out, "a refuses: {} {rejection}", rejection.code());
            }
        }
    }
    let state = outcome(world.execution("a").unwrap().unwrap().outcome());
    world.peers().with_names_in(&format!("{out}{state}\n"))
}

fn claim_made(world: &mut World, claim: &str) -> Result<Step, Rejection> {
    let (who, what) = claim.split_once(": ").unwrap();
    if let Some(key) = who.strip_prefix("a answers ") {
        let bytes: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&key[2 * at..2 * at + 2], 16).unwrap()).collect();
        let result = CallResult::Ok(Value::from_json(what).unwrap());
        return refusal(world.resolve("a", vec![(Key::from_bytes(bytes.try_into().unwrap()), result)]));
    }
    let (peer, how) = who.split_once(' ').unwrap_or((who, ""));
    let (node, what) = what.split_once(' ').unwrap();
    let (call, what) = what.split_once(' ').unwrap();
    let (service, function) = call.split_once('.').unwrap();
    let (args, result) = what.split_once(" = ").unwrap();
    let args: Vec<Value> = Value::from_json(args).unwrap().as_array().unwrap().to_vec();
    let result = Value::from_json(result).unwrap();
    let entry: Entry<'_> = ok(node.parse().unwrap(), service, function, &args, &result);
    told_changed(world, peer, &[entry], std::slice::from_ref(&result), |data| changed(data, how))
}

/// What somebody on the way does to a message of one segment and one value.
fn changed(data: &mut [Ipld], how: &str) {
    match how {
        "" => {}
        "in another order" => data.swap(2, 3),
        "of another particle" => data[1] = Ipld::Link(Value::from("another").content_id().to_cid()),
        "without the value" => values(data).clear(),
        "with another value" => values(data)[0] = Ipld::Bytes(Value::from("another").encode()),
        "unsigned" => *field(segment(data, 0), "sig") = Ipld::Null,
        "with a wrong signature" => break_signature(segment(data, 0)),
        "with a wrong head" => *field(segment(data, 0), "head") = Ipld::Bytes(vec![7; 32]),
        "after entry 2" => {
            *field(segment(data, 0), "from") = Ipld::Integer(2);
            *field(segment(data, 0), "len") = Ipld::Integer(3);
        }
        other => panic!("nobody changes a message so that it is {other}"),
    }
}

fn write_step(out: &mut String, world: &World, step: &Step) {
    for request in &step.requests {
        let args = Value::array(request.args.iter().cloned()).to_string();
        let _ = writeln!(out, "a: {}.{}({})", request.service, request.function, &args[1..args.len() - 1]);
    }
    for report in &step.reports {
        let _ = writeln!(out, "a reports: {}", void_text(report));
    }
    let next: Vec<String> = step.next_peers.iter().map(|peer| world.peers().display(peer)).collect();
    if !next.is_empty() {
        let _ = writeln!(out, "a sends to: {}", next.join(", "));
    }
}

/// Without hashes, which tell a reader nothing.
fn void_text(report: &Report) -> String {
    match report {
        Report::Void { entry, reason } if reason.field == "args" => {
            format!("void entry {} of {}: it is about other arguments", entry.height, entry.peer)
        }
        other => other.to_string(),
    }
}
