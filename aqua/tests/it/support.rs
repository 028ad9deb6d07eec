//! Compiling texts, and running scripts on the simulator.

use std::collections::BTreeMap;
use std::sync::Arc;

use marine_air::execution::CallResult;
use marine_air::sim::{Net, Run, Scenario, Stub, StubCall};
use marine_air::value::Value;
use marine_aqua::diagnostic::render_plain;
use marine_aqua::{Options, Output, SourceError, Sources, compile};
use serde_json::{Value as Json, json};

/// Files by path.
#[derive(Default)]
pub(crate) struct Files(pub(crate) BTreeMap<String, String>);

impl Files {
    pub(crate) fn one(text: &str) -> Self {
        Self([("main.aqua".to_owned(), text.to_owned())].into())
    }
}

impl Sources for Files {
    fn text(&self, path: &str) -> Option<Result<Arc<str>, SourceError>> {
        self.0.get(path).map(|text| Ok(Arc::from(text.as_str())))
    }
}

/// The compiled program; it must have no errors.
pub(crate) fn compiled(text: &str) -> Output {
    compiled_with(&Files::one(text), "main.aqua", &Options::default())
}

pub(crate) fn compiled_with(files: &Files, entry: &str, options: &Options) -> Output {
    let output = compile(entry, files, options);
    let findings: Vec<String> = output
        .diagnostics
        .iter()
        .map(|diagnostic| render_plain(diagnostic, &|file| output.checked.source(file)))
        .collect();
    assert!(!output.has_errors(), "{}", findings.join("\n"));
    output
}

/// A call at a peer, as `peer: service.function(args)`.
pub(crate) type CallText = String;

/// What a run of a script shows outside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    /// All calls but those for arguments, in the order they were requested.
    pub(crate) calls: Vec<CallText>,
    /// What `callbackSrv.response` got.
    pub(crate) response: Option<String>,
    /// Whether the error handler was called.
    pub(crate) failed: bool,
}

/// Peers, arguments and services for a script.
pub(crate) struct Stage {
    pub(crate) data: BTreeMap<String, Json>,
    /// Calls that fail, as they are written in [`Seen::calls`].
    pub(crate) fails: Vec<CallText>,
    pub(crate) extra: Vec<Stub>,
    pub(crate) net: Net,
}

pub(crate) const PEERS: &[&str] = &["client", "relay", "p", "q", "r", "r1", "r2", "z"];

impl Stage {
    pub(crate) fn new() -> Self {
        let data = json!({
            "-relay-": "@relay",
            "a": "A", "b": "B", "s": "S", "k": "K", "n": 2, "v": "V", "id": "kv",
            "p": "@p", "q": "@q", "r": "@r", "r1": "@r1", "r2": "@r2", "z": "@z",
            "rs": ["@r1"], "ps": ["@p", "@q", "@z"], "xs": ["x1", "x2", "x3"], "ys": ["y1", "y2"],
        });
        let Json::Object(data) = data else { unreachable!("an object was written") };
        Self { data: data.into_iter().collect(), fails: Vec::new(), extra: Vec::new(), net: Net::default() }
    }

    pub(crate) fn with(mut self, name: &str, value: Json) -> Self {
        self.data.insert(name.to_owned(), value);
        self
    }

    /// Runs a script with one seed.
    pub(crate) fn run(&self, air: &str, seed: u64) -> Run {
        let mut scenario = Scenario::new(air, PEERS.iter().copied()).net(self.net.clone());
        for stub in &self.extra {
            scenario = scenario.stub(stub.clone());
        }
        for (name, value) in &self.data {
            scenario = scenario.stub(Stub::new(&format!("getDataSrv.{name}")).at("client").json(value.clone()));
        }
        let fails = self.fails.clone();
        let ids: BTreeMap<String, String> = {
            let peers = marine_air::sim::Peers::new(PEERS.iter().copied());
            PEERS.iter().map(|&name| (peers.id(name).expect("it is a peer").to_base58(), name.to_owned())).collect()
        };
        let stub = Stub::new("*.*").delay(1..=30).function(move |call| {
            if !fails.is_empty()
                && fails.contains(&named(&ids, call_text(call.peer, call.service, call.function, call.args)))
            {
                return CallResult::Err { code: 7, message: "injected".to_owned() };
            }
            answer(call)
        });
        scenario.stub(stub).run(seed).unwrap_or_else(|error| panic!("{error}\n{air}"))
    }

    pub(crate) fn seen(&self, air: &str, seed: u64) -> Seen {
        seen(&self.run(air, seed))
    }
}

fn named(ids: &BTreeMap<String, String>, text: String) -> String {
    ids.iter().fold(text, |text, (id, name)| text.replace(id.as_str(), &format!("@{name}")))
}

fn call_text(peer: &str, service: &str, function: &str, args: &[Value]) -> CallText {
    let args = Value::array(args.iter().cloned()).to_string();
    format!("{peer}: {service}.{function}({})", &args[1..args.len() - 1])
}

pub(crate) fn seen(run: &Run) -> Seen {
    let calls: Vec<_> = run.calls.iter().filter(|call| call.service != "getDataSrv").collect();
    let response = calls
        .iter()
        .find(|call| call.function == "response")
        .map(|call| Value::array(call.args.iter().cloned()).to_string());
    let failed = calls.iter().any(|call| call.service == "errorHandlingSrv");
    let texts = calls
        .iter()
        .filter(|call| call.function != "response" && call.service != "errorHandlingSrv")
        .map(|call| call_text(&call.peer, &call.service, &call.function, &call.args));
    Seen { calls: texts.collect(), response, failed }
}

/// Pairs of peers between which messages went.
pub(crate) fn links(run: &Run) -> std::collections::BTreeSet<(String, String)> {
    run.timeline
        .iter()
        .filter(|row| row.event.starts_with("sends "))
        .filter_map(|row| Some((row.peer.clone(), row.event.rsplit(' ').next()?.to_owned())))
        .collect()
}

/// The answers of all services of the test programs: functions of peer and arguments.
fn answer(call: &StubCall<'_>) -> CallResult {
    let int = |index: usize| {
        call.args.get(index).map(ToString::to_string).and_then(|text| text.parse::<i64>().ok()).unwrap_or(0)
    };
    let value = match (call.service, call.function) {
        ("math", "add") => json!(int(0) + int(1)),
        ("math", "sub") => json!(int(0) - int(1)),
        ("math", "mul") => json!(int(0) * int(1)),
        ("cmp", "gt") => json!(int(0) > int(1)),
        ("cmp", "gte") => json!(int(0) >= int(1)),
        ("cmp", "lt") => json!(int(0) < int(1)),
        ("cmp", "lte") => json!(int(0) <= int(1)),
        (_, "put" | "put2" | "take" | "takein" | "takes" | "takeo" | "response" | "error" | "seen") => Json::Null,
        (_, "step") => match call.args.first().map(ToString::to_string).as_deref() {
            Some("\"mark\"") => json!("go1"),
            Some("\"go1\"") => json!("go2"),
            _ => json!("end"),
        },
        // A loop that feeds itself comes to an end.
        (_, "get") if call.args.iter().any(|arg| arg.to_string().matches(':').count() > 4) => {
            return CallResult::Err { code: 9, message: "deep enough".to_owned() };
        }
        (_, "ask") => json!("answer"),
        (_, "num") => json!(7),
        (_, "u") => json!(3),
        (_, "flag") => json!(true),
        (_, "list") => json!(["l1", "l2"]),
        (_, "opt") => json!(["o"]),
        (_, "peers") => json!([]),
        (_, "out") => {
            json!({"i": {"s": "in", "n": 1}, "xs": [{"s": "s0", "n": 0}, {"s": "s1", "n": 1}, {"s": "s2", "n": 2}]})
        }
        (_, "get" | "echo") => {
            let arg = call.args.first().map(ToString::to_string).unwrap_or_default();
            json!(format!("{}:{}", call.peer, arg.trim_matches('"')))
        }
        _ => {
            return CallResult::Err { code: 2, message: format!("no such service {}.{}", call.service, call.function) };
        }
    };
    CallResult::Ok(Value::from(value))
}
