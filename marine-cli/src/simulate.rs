//! A workflow on the simulator: `marine run --simulate`.
//!
//! The peers are real ones with keys derived from their names; time is virtual. What their services answer is said by stubs, except for
//! the builtin services that only look at their arguments, which answer as on a node.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use marine_air::execution::{CallResult, Outcome as State};
use marine_air::sim::{Run, Scenario, Stub, StubCall};
use marine_air::trace::{Trace, decode_bundle, verify};
use marine_air::{Limits, value};
use marine_node::{RunError, builtin};
use serde_json::{Value, json};

use crate::aqua::Data;
use crate::commands::air;
use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::ui::Ui;

/// Who starts the particle, and its relay.
const INIT: &str = "client";
const RELAY: &str = "relay";

/// Services whose functions are the node's own, and only look at their arguments.
const BUILTIN: &[&str] = &["op", "math", "cmp", "array", "json", "debug"];

/// What is simulated.
pub(crate) struct Simulation<'s> {
    pub(crate) script: &'s str,
    /// The file of stubs.
    pub(crate) stubs: Option<&'s Path>,
    pub(crate) seed: u64,
    /// How long the particle may take, if not as the stubs say.
    pub(crate) ttl: Option<Duration>,
    /// What `getDataSrv` gives. Texts `@name` are ids of peers, which are simulated then.
    pub(crate) data: Data,
    /// What callbacks answer.
    pub(crate) callbacks: Data,
}

/// What came of it.
pub(crate) struct Simulated {
    /// What the script handed over, or why it did not.
    pub(crate) result: Result<Vec<Value>, Stop>,
    /// The calls of callbacks, in order, with their arguments.
    pub(crate) callbacks: Vec<(String, Vec<Value>)>,
    run: Run,
}

/// Why there is no result.
pub(crate) enum Stop {
    /// The script failed.
    Error(RunError),
    /// Nothing happens any more.
    Rest(Failure),
}

/// Runs it, showing what is wrong with the stubs.
pub(crate) fn run(ui: Ui, simulation: Simulation<'_>) -> Outcome<Simulated> {
    let scenario = scenario(ui, &simulation)?;
    let mut run = scenario.run(simulation.seed).or_fail(Exit::Workflow, "the workflow cannot be simulated")?;
    let callbacks = calls(&run, "callbackSrv").filter(|(function, _)| simulation.callbacks.contains_key(function));
    let callbacks = callbacks.collect();
    let result = result(&mut run);
    Ok(Simulated { result, callbacks, run })
}

impl Simulated {
    /// What the initial peer can prove in the end.
    pub(crate) fn trace(&mut self) -> Outcome<Trace> {
        let (particle, data) = decode_bundle(&self.bundle()?, &Limits::default()).or_exit(Exit::Unexpected)?;
        let trace = verify(&particle.into(), data, &Limits::default())
            .map_err(|error| Failure::new(Exit::Unverified, error))?;
        let peers = self.run.world.peers().iter();
        Ok(trace.with_aliases(peers.map(|(name, key)| (key.peer_id().to_base58(), name.to_owned()))))
    }

    /// The particle with all that the initial peer knows of it.
    pub(crate) fn bundle(&mut self) -> Outcome<Vec<u8>> {
        self.run.bundle(INIT).or_exit(Exit::Unexpected)
    }

    /// What happened when.
    pub(crate) fn timeline(&self) -> String {
        self.run.timeline_text()
    }

    /// A text with names of peers for their ids.
    pub(crate) fn named(&self, text: &str) -> String {
        self.run.world.peers().with_names_in(text)
    }
}

fn scenario(ui: Ui, simulation: &Simulation<'_>) -> Outcome<Scenario> {
    let mut peers = vec![INIT.to_owned(), RELAY.to_owned()];
    let mut named = BTreeSet::new();
    simulation.data.values().chain(simulation.callbacks.values()).for_each(|value| names(value, &mut named));
    peers.extend(named.into_iter().filter(|name| name != INIT && name != RELAY));
    let (path, text) = match simulation.stubs {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            (path, text.or_fail(Exit::Usage, format!("cannot read the stubs `{}`", path.display()))?)
        }
        None => (Path::new(""), String::new()),
    };
    let read = Scenario::read_stubs(&text, simulation.script, &peers);
    for finding in &read.findings {
        ui.note(air::render(path, &text, finding));
    }
    let Some(mut scenario) = read.scenario else {
        return Err(Failure::new(Exit::Findings, format!("`{}` has errors, so nothing was run", path.display())));
    };
    if let Some(ttl) = simulation.ttl {
        let ttl = u32::try_from(ttl.as_millis()).ok().filter(|ttl| *ttl > 0);
        scenario = scenario.lasting(ttl.ok_or_else(|| Failure::new(Exit::Usage, "--ttl is out of range"))?);
    }
    for stub in own_stubs(simulation).into_iter().chain(builtins(scenario.timestamp())) {
        scenario = scenario.stub(stub);
    }
    Ok(scenario.stub(Stub::new("*.*").function(nobody)))
}

/// The names of peers in a value: texts that are exactly `@name`.
fn names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            let is_name = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
            let name = text.strip_prefix('@').filter(|name| !name.is_empty() && name.chars().all(is_name));
            found.extend(name.map(str::to_owned));
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| names(field, found)),
        _ => {}
    }
}

/// What the initial peer offers to the script.
fn own_stubs(simulation: &Simulation<'_>) -> Vec<Stub> {
    let relay = [("-relay-".to_owned(), json!(format!("@{RELAY}")))];
    let data = relay.into_iter().chain(simulation.data.clone());
    let data = data.map(|(name, value)| Stub::new(&format!("getDataSrv.{name}")).at(INIT).json(value));
    let callbacks = simulation.callbacks.iter();
    let callbacks =
        callbacks.map(|(name, value)| Stub::new(&format!("callbackSrv.{name}")).at(INIT).json(value.clone()));
    let ends =
        ["callbackSrv.response", "errorHandlingSrv.error", "run-console.print"].map(|call| Stub::new(call).at(INIT));
    data.chain(callbacks).chain(ends).collect()
}

/// What every peer offers; stubs of the user come first.
fn builtins(timestamp: u64) -> Vec<Stub> {
    let pure = BUILTIN.iter().map(|service| {
        Stub::new(&format!("{service}.*")).function(|call| {
            let args = call.args.iter().map(Value::from).collect();
            builtin(call.service, call.function, args).unwrap_or_else(|| nobody(call))
        })
    });
    let peer = [
        Stub::new("peer.timeout").echo(1).delay_by(0),
        Stub::new("peer.timestamp_ms").json(json!(timestamp)),
        Stub::new("peer.timestamp_sec").json(json!(timestamp / 1000)),
        Stub::new("peer.is_connected").json(json!(true)),
    ];
    pure.chain(peer).collect()
}

/// The answer where nothing answers.
fn nobody(call: &StubCall<'_>) -> CallResult {
    let StubCall { peer, service, function, .. } = call;
    let message = format!(
        "nothing answers `{service}.{function}` at `{peer}`: add a `[[stub]]` with `call = \"{service}.{function}\"` to the file of --stubs"
    );
    CallResult::Err { code: 2, message }
}

/// The calls of a service at the initial peer, with names of peers in their arguments.
fn calls<'r>(run: &'r Run, service: &'r str) -> impl Iterator<Item = (String, Vec<Value>)> + 'r {
    let is_it = move |call: &&marine_air::sim::CallRow| call.peer == INIT && call.service == service;
    run.calls.iter().filter(is_it).map(|call| (call.function.clone(), call.args.iter().map(json_of).collect()))
}

fn json_of(value: &value::Value) -> Value {
    Value::from(value)
}

/// The first response or error, as a client sees it; else how things stand in the end.
fn result(run: &mut Run) -> Result<Vec<Value>, Stop> {
    let ends = run.calls.iter().find(|call| {
        let (service, function) = (&*call.service, &*call.function);
        call.peer == INIT && matches!((service, function), ("callbackSrv", "response") | ("errorHandlingSrv", "error"))
    });
    let peers = run.world.peers();
    if let Some(call) = ends {
        let mut values = call.args.iter().map(json_of);
        if call.service == "callbackSrv" {
            return Ok(values.collect());
        }
        let error = with_names(values.next().unwrap_or_default(), &|text| peers.with_names_in(text));
        return Err(Stop::Error(RunError::Failed { error, index: values.next().unwrap_or_default() }));
    }
    match run.outcomes.get(INIT) {
        Some(State::Complete) => Ok(Vec::new()),
        Some(State::Failed(error)) => {
            let error = json!({
                "error_code": error.code, "message": peers.with_names_in(&error.message),
                "instruction": peers.with_names_in(&error.instruction),
            });
            Err(Stop::Error(RunError::Workflow { error }))
        }
        _ => {
            let message = format!("no answer: nothing happens any more after {} ms", run.duration);
            let help = "`--trace` shows what happened, and which calls wait";
            Err(Stop::Rest(Failure::new(Exit::NoAnswer, message).help(help)))
        }
    }
}

/// Names in the texts of an error object.
fn with_names(mut error: Value, named: &dyn Fn(&str) -> String) -> Value {
    for field in error.as_object_mut().into_iter().flat_map(|fields| fields.values_mut()) {
        if let Value::String(text) = field {
            *text = named(text);
        }
    }
    error
}
