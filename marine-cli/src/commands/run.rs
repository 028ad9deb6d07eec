//! `marine run`: a workflow, from this machine, over a relay or on the simulator.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use marine_air::trace::{RowState, Trace};
use marine_node::{Client, Functions, Multiaddr, RunError, RunOutcome};
use serde_json::{Value, json};

use crate::aqua::{Bound, Data, Prepared, Program, prepare};
use crate::commands::air;
use crate::commands::call::text_or_file;
use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::identity;
use crate::network;
use crate::render;
use crate::repl::pretty;
use crate::simulate::{self, Simulation};
use crate::ui::{Progress, Ui};

/// How long a workflow may take.
const TTL: Duration = Duration::from_secs(30);

/// Run a workflow written in Aqua or AIR.
///
/// Runs a function of an Aqua program, or an AIR script, as a client that is connected to one node only, and prints its results, one per
/// line: texts raw, anything else as JSON. With --simulate no network is needed: peers that are called `@name` in the arguments are
/// simulated, their services are what --stubs says.
///
/// Arguments are checked against the types of the function. They are JSON, or names of values in --data; HOST_PEER_ID and INIT_PEER_ID
/// stand for the relay and for you. A parameter that is a function is a callback: give any name, and each call of it is printed as a line
/// of JSON.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine run hello.aqua -f 'sayHello(\"12D3Koo..\", HOST_PEER_ID)' --relay /ip4/127.0.0.1/tcp/7777/p2p/12D3Koo..
  marine run shop.aqua -f 'order(cart, \"Ada\")' --data '{\"cart\": {\"pears\": 2}}' --relay ADDR --trace
  marine run hello.aqua -f 'sayHello(\"@peer\", \"@relay\")' --simulate --stubs stubs.toml
  marine run hello.air --relay ADDR --data @input.json --bundle finished.particle")]
pub(crate) struct Run {
    /// The Aqua program or the script (- is a script on standard input)
    script: PathBuf,
    /// The call of a function that the Aqua program exports
    #[arg(short = 'f', long = "function", value_name = "CALL")]
    function: Option<String>,
    /// Node to connect to, ending in /p2p/PEER
    #[arg(long, value_name = "ADDR", required_unless_present_any = ["print_air", "simulate"], value_parser = network::address)]
    relay: Vec<Multiaddr>,
    /// Run on the simulator, without a network
    #[arg(long, conflicts_with_all = ["relay", "key"])]
    simulate: bool,
    /// What simulated services answer: `[[stub]]` and `[net]` of a scenario file
    #[arg(long, value_name = "FILE", requires = "simulate")]
    stubs: Option<PathBuf>,
    /// Decides what the simulated network does; equal seeds are equal runs
    #[arg(long, value_name = "N", requires = "simulate", default_value_t = 1)]
    seed: u64,
    /// Values that arguments name, and a script may ask for: a JSON object, or @FILE
    #[arg(long, value_name = "JSON|@FILE", default_value = "{}")]
    data: String,
    /// How long the workflow may take, in seconds, or with `ms`, `s`, `m` [default: 30s]
    #[arg(long, value_parser = duration)]
    ttl: Option<Duration>,
    /// Your key, by name or path
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Show every call with its verified signature
    #[arg(long)]
    trace: bool,
    /// Keep the finished particle in this file
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// Show the script instead of running it
    #[arg(long)]
    print_air: bool,
    #[command(flatten)]
    program: Program,
}

/// What is run.
enum Workflow {
    Aqua(Box<Prepared>),
    Air(String),
}

impl Run {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        crate::logging::start("warn", ui.verbose);
        let data = parse_data(&text_or_file(&self.data)?)?;
        let workflow = self.workflow(ui)?;
        if self.print_air {
            ui.result(workflow.script());
            ui.document("air", json!({ "air": workflow.script() }));
            return Ok(Exit::Done);
        }
        if self.simulate {
            return self.on_the_simulator(ui, &workflow, &data);
        }
        let key = identity::signer(self.key.as_deref())?;
        // What is wrong with the arguments is told before anybody is asked for anything.
        workflow.bind(&data, &key.peer_id().to_string(), "")?;
        network::block_on(async {
            let client = network::connect_any(key, self.relay.clone()).await?;
            warn_of_clock(ui, client.clock_ahead());
            let outcome = self.over_the_network(ui, &client, &workflow, &data).await;
            client.close().await;
            outcome
        })
    }

    fn workflow(&self, ui: Ui) -> Outcome<Workflow> {
        let is_aqua = self.script.extension().is_some_and(|ending| ending == "aqua");
        match &self.function {
            Some(call) if is_aqua => {
                let file = self.script.to_string_lossy();
                let prepared = prepare(ui, &file, call, &self.program.options()?)?;
                Ok(Workflow::Aqua(Box::new(prepared)))
            }
            None if is_aqua => Err(Failure::new(Exit::Usage, "which function of the program?")
                .help(format!("for example: marine run {} -f 'main(\"a\")'", self.script.display()))),
            Some(_) => Err(Failure::new(Exit::Usage, "-f is for Aqua programs; an AIR script runs as a whole")),
            None => {
                let script = read_script(&self.script)?;
                air::check_script(ui, &self.script, &script)?;
                Ok(Workflow::Air(script))
            }
        }
    }

    async fn over_the_network(&self, ui: Ui, client: &Client, workflow: &Workflow, data: &Data) -> Outcome {
        let (me, relay) = (client.peer_id().to_string(), client.relay().to_string());
        let bound = workflow.bind(data, &me, &relay)?;
        let progress = Arc::new(ui.progress("Running"));
        let functions = functions(ui, &progress, bound.callbacks);
        let outcome = client.run_with(workflow.script(), bound.data, functions, self.ttl.unwrap_or(TTL)).await;
        drop(progress);
        let outcome = outcome.map_err(network::run_failure)?;
        // The answer is shown even if it cannot be kept; a workflow that failed says why before all else.
        let kept = self.bundle.as_deref().map_or(Ok(()), |path| keep(ui, path, &outcome));
        let trace = match outcome.data {
            Some(_) => {
                Some(workflow.sources(render::verified(&outcome)?).with_aliases([(me, "client"), (relay, "relay")]))
            }
            None => None,
        };
        if let Some(trace) = trace.as_ref().filter(|_| self.trace) {
            // The result stands alone on standard output.
            ui.note(trace);
            render::documents(ui, trace);
        }
        let values = outcome.result.map_err(|error| located(error, trace.as_ref()))?;
        show(ui, &values);
        kept.map(|()| Exit::Done)
    }

    fn on_the_simulator(&self, ui: Ui, workflow: &Workflow, data: &Data) -> Outcome {
        let bound = workflow.bind(data, "@client", "@relay")?;
        let simulation = Simulation {
            script: workflow.script(),
            stubs: self.stubs.as_deref(),
            seed: self.seed,
            ttl: self.ttl,
            data: bound.data,
            callbacks: bound.callbacks,
        };
        let mut simulated = simulate::run(ui, simulation)?;
        for (callback, args) in &simulated.callbacks {
            show_callback(ui, callback, args);
        }
        if let Some(path) = &self.bundle {
            std::fs::write(path, simulated.bundle()?)
                .or_fail(Exit::Usage, format!("cannot write `{}`", path.display()))?;
            ui.status("Kept", format_args!("the finished particle in {}", path.display()));
        }
        let trace = workflow.sources(simulated.trace()?);
        if self.trace {
            ui.note(format_args!("    ms peer     event\n{}", simulated.timeline()));
            ui.note(simulated.named(&trace.to_string()));
            render::documents(ui, &trace);
        }
        let values = simulated.result.map_err(|failure| match failure {
            simulate::Stop::Error(error) => located(error, Some(&trace)),
            simulate::Stop::Rest(failure) => failure,
        })?;
        show(ui, &values);
        Ok(Exit::Done)
    }
}

impl Workflow {
    fn script(&self) -> &str {
        match self {
            Workflow::Aqua(prepared) => &prepared.air,
            Workflow::Air(script) => script,
        }
    }

    /// What the script asks for; the arguments of a function may also name the peer that starts it and its relay.
    fn bind(&self, data: &Data, me: &str, relay: &str) -> Outcome<Bound> {
        match self {
            Workflow::Aqua(prepared) => {
                let own = [("INIT_PEER_ID", me), ("HOST_PEER_ID", relay)];
                let mut data = data.clone();
                data.extend(own.map(|(name, peer)| (name.to_owned(), json!(peer))));
                prepared.bind(&data)
            }
            Workflow::Air(_) => Ok(Bound { data: data.clone(), ..Bound::default() }),
        }
    }

    /// The trace, with places in the Aqua program.
    fn sources(&self, trace: Trace) -> Trace {
        match self {
            Workflow::Aqua(prepared) => trace.with_sources(|line, column| prepared.source(line, column)),
            Workflow::Air(_) => trace,
        }
    }
}

/// What the script may call at this peer: callbacks, and the console.
fn functions(ui: Ui, progress: &Arc<Progress>, callbacks: Data) -> Functions {
    let mut functions = Functions::default();
    for (name, answer) in callbacks {
        let (progress, callback) = (progress.clone(), name.clone());
        functions.add("callbackSrv", &name, move |args| {
            progress.pause(|| show_callback(ui, &callback, &args));
            Ok(answer.clone())
        });
    }
    let progress = progress.clone();
    functions.add("run-console", "print", move |args| {
        let texts: Vec<String> = args.iter().map(line).collect();
        progress.line(texts.join(" "));
        Ok(Value::Null)
    });
    functions
}

/// Why a workflow failed, with where in its script, if the trace knows.
fn located(error: RunError, trace: Option<&Trace>) -> Failure {
    let (RunError::Failed { error: object, .. } | RunError::Workflow { error: object }) = &error else {
        return network::workflow_failure(error);
    };
    let instruction = object["instruction"].as_str().unwrap_or_default().trim_end();
    let is_it = |row: &&marine_air::trace::Row| {
        matches!(row.state, RowState::Failed { .. }) && row.instruction.trim_end() == instruction
    };
    let row = trace.and_then(|trace| trace.rows.iter().find(is_it));
    let place = row.map(|row| row.source.clone().unwrap_or_else(|| format!("{}:{}", row.line, row.column)));
    let failure = network::workflow_failure(error);
    match place {
        Some(place) => failure.help(format!("it is the call at {place}")),
        None => failure,
    }
}

/// A particle carries our time; where clocks differ much, others take a particle for expired or for one from the future.
fn warn_of_clock(ui: Ui, ahead: Option<i64>) {
    if let Some(ms) = ahead.filter(|ms| ms.abs() > 1000) {
        let way = if ms > 0 { "ahead of" } else { "behind" };
        ui.warn(format_args!(
            "the relay's clock is {} s {way} yours; check the time of both machines",
            ms.abs() / 1000
        ));
    }
}

/// Writes the file that proves the run.
fn keep(ui: Ui, path: &Path, outcome: &RunOutcome) -> Outcome<()> {
    std::fs::write(path, render::bundle(outcome)?)
        .or_fail(Exit::Usage, format!("cannot write `{}`", path.display()))?;
    ui.status("Kept", format_args!("the finished particle in {}", path.display()));
    Ok(())
}

/// One value per line.
fn show(ui: Ui, values: &[Value]) {
    values.iter().for_each(|value| ui.result(line(value)));
    ui.document("run", json!({ "result": values }));
}

/// A call of a callback, in the same form for people and programs.
fn show_callback(ui: Ui, callback: &str, args: &[Value]) {
    let call = json!({ "callback": callback, "args": args });
    ui.result(&call);
    ui.document("run.callback", call);
}

/// Texts raw, anything else as JSON.
fn line(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => pretty(value),
    }
}

fn read_script(path: &Path) -> Outcome<String> {
    let read = match path.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(path),
    };
    read.or_fail(Exit::Usage, format!("cannot read the script `{}`", path.display()))
}

fn parse_data(text: &str) -> Outcome<Data> {
    serde_json::from_str(text).map_err(|error| {
        Failure::new(Exit::Usage, format!("--data is not a JSON object: {error}"))
            .help("for example --data '{\"name\": \"Ada\"}'")
    })
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| format!("`{text}` is no duration; write `30s`, `500ms` or `2m`"))?;
    match &text[digits.len()..] {
        "" | "s" => Ok(Duration::from_secs(number)),
        "ms" => Ok(Duration::from_millis(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        unit => Err(format!("unknown unit `{unit}`; write `30s`, `500ms` or `2m`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("30"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("soon").is_err() && duration("3h").is_err() && duration("").is_err());
    }
}
