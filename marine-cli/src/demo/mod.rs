//! The demo: two services, three nodes in processes of their own, workflows between them, and their proof.
//!
//! Everything here is what a user would do by hand with the other commands; nothing is simulated. Its directory lies in Marine's
//! cache, so a second run builds nothing. Whatever happens, no node is left behind, unless the user asked for it.

mod process;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use marine_air::trace::Trace;
use marine_aqua::Options;
use marine_build::Profile;
use marine_node::{Client, Multiaddr, PeerId, RunOutcome, keyfile};
use marine_particle::Keypair;
use serde_json::{Value, json};

use self::process::{Life, NodeProcess};
use crate::aqua::{Prepared, prepare};
use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::identity;
use crate::network::{self, Package};
use crate::paths;
use crate::project::{self, Built};
use crate::render;
use crate::repl::pretty;
use crate::signals::Stop;
use crate::template::Template;
use crate::toolchain;
use crate::ui::{Step, Ui, seconds, size};

/// What the service of the host is made from, and called.
const TEMPLATE: &str = "two-modules";
const SERVICE: &str = "visitors";

/// What the service of the third node is made from, and called.
const HELLO_TEMPLATE: &str = "aqua-workflow";
const HELLO_SERVICE: &str = "hello";

/// The workflow in AIR, which comes with the first template.
const WORKFLOW: &str = "hello.air";

/// The workflow in Aqua, which comes with the second one.
const PROGRAM: &str = "hello.aqua";

/// How long the workflow may take; a loaded machine is slow at compiling the service.
const TTL: Duration = Duration::from_secs(60);

const STEPS: usize = 10;

/// How the demo runs.
pub(crate) struct Config {
    /// Leave the nodes running.
    pub(crate) keep: bool,
    /// Whom the service greets.
    pub(crate) name: String,
}

/// Runs it.
pub(crate) fn run(ui: Ui, config: Config) -> Outcome {
    crate::logging::start("warn", ui.verbose);
    let started = Instant::now();
    let dir = paths::cache()?.join("demo");
    let services = build_all(ui, &dir)?;
    let exit = network::on_runtime(perform(ui, &config, &dir, &services))?;
    let time = started.elapsed();
    ui.status("Finished", format_args!("in {}", seconds(time)));
    ui.document("demo.finished", json!({ "seconds": time.as_secs_f64() }));
    Ok(exit)
}

/// Numbers the steps as they come.
struct Story {
    ui: Ui,
    told: usize,
}

impl Story {
    fn step(&mut self, title: &str) -> Step {
        self.told += 1;
        self.ui.step(self.told, STEPS, title)
    }

    fn step_if(&mut self, wanted: bool, title: &str) -> Option<Step> {
        wanted.then(|| self.step(title))
    }
}

/// What is deployed.
struct Services {
    visitors: Built,
    hello: Built,
}

/// The first steps: target, build, link. They need no network.
fn build_all(ui: Ui, dir: &Path) -> Outcome<Services> {
    let mut story = Story { ui, told: 0 };
    let step = story.step("Find or make the WebAssembly target");
    let target = toolchain::provision(step.progress())?;
    step.done(toolchain::describe(&target));

    let step = story.step("Build a service of two modules, and a small one");
    let visitors = build(ui, &step, dir, TEMPLATE, SERVICE)?;
    let hello = build(ui, &step, dir, HELLO_TEMPLATE, HELLO_SERVICE)?;
    step.done(sizes(&[&visitors, &hello])?);

    let step = story.step("Link the modules, each with its own permissions");
    visitors.link()?;
    hello.link()?;
    step.done(visitors.grants().join("; "));
    Ok(Services { visitors, hello })
}

/// A service called `name`, made from a template. All of them share what cargo compiles.
fn build(ui: Ui, step: &Step, dir: &Path, template: &str, name: &str) -> Outcome<Built> {
    let project_dir = dir.join(name);
    Template::find(template)?.write(name, &project_dir)?;
    let mut request = project::request(&project_dir.join("Marine.toml"), Profile::Dev)?;
    request.target_dir = Some(dir.join(SERVICE).join("target"));
    request.out_dir = Some(project_dir.join("target/marine/dev"));
    Built::of(project::build(&request, step.progress(), Ui { quiet: true, ..ui })?)
}

/// The other steps: nodes, deployment, workflow, end. However the play ends, the nodes are stopped unless they shall be kept.
async fn perform(ui: Ui, config: &Config, dir: &Path, services: &Services) -> Outcome {
    let mut story = Story { ui, told: 3 };
    let mut interrupt = Stop::listen()?;
    let mut stage = Stage::new(dir, config)?;
    let played = tokio::select! {
        played = play(&mut story, &mut stage, config, services) => played,
        () = interrupt.requested() => Err(Failure::new(Exit::Interrupted, "interrupted; the nodes are stopped")),
    };
    if config.keep && played.is_ok() {
        stage.let_go();
        return Ok(Exit::Done);
    }
    let step = story.step_if(played.is_ok(), "Shut everything down");
    let stopped = tokio::select! {
        stopped = stage.stop() => stopped,
        // Who asks twice does not want to wait; what is still running is killed with its handle.
        () = interrupt.requested() => Err(Failure::new(Exit::Interrupted, "interrupted; the nodes were killed")),
    };
    let result = played.and(stopped);
    // The logs of a performance that failed are worth keeping.
    if result.as_ref().map_or_else(|failure| failure.exit == Exit::Interrupted, |()| true) {
        stage.clear();
    }
    result?;
    if let Some(step) = step {
        step.done("all nodes drained and ended");
    }
    Ok(Exit::Done)
}

async fn play(story: &mut Story, stage: &mut Stage, config: &Config, services: &Services) -> Outcome<()> {
    let ui = story.ui;
    stage.start_nodes(story).await?;

    let step = story.step("Publish the blueprints and create the services");
    let nodes = stage.nodes()?;
    let visitors = stage.deploy(nodes.host, &services.visitors, SERVICE).await?;
    let hello = stage.deploy(nodes.third, &services.hello, HELLO_SERVICE).await?;
    step.done(format_args!(
        "host: service {visitors}, called `{SERVICE}`; third: service {hello}, called `{HELLO_SERVICE}`"
    ));

    let step = story.step("Run a workflow in AIR: client -> relay -> host -> relay -> client");
    let outcome = stage.run_workflow(&config.name).await?;
    let done = "the client was connected to the relay only";
    show(ui, step, "demo.answer", done, outcome, |trace| Ok(trace.with_aliases(stage.names()?)))?;

    let step = story.step("Run a workflow in Aqua: client -> relay -> host -> third -> host -> relay -> client");
    let (program, outcome) = stage.run_program(ui).await?;
    let done = format!("{PROGRAM} says `on remotePeer via relayPeer`, the compiler found the way");
    show(ui, step, "demo.hello", &done, outcome, |trace| {
        // The path of the file is long, and of no interest.
        let name = |place: String| place.rsplit('/').next().map(str::to_owned);
        let source = |line, column| program.source(line, column).and_then(name);
        Ok(trace.with_sources(source).with_aliases(stage.names()?))
    })?;

    if config.keep {
        let step = story.step("Leave the nodes running");
        step.done("three processes go on by themselves");
        stage.explain(ui, &visitors)?;
    }
    Ok(())
}

/// Ends a step with the answer of a workflow, and the proof of it.
fn show(
    ui: Ui,
    step: Step,
    document: &str,
    done: &str,
    outcome: RunOutcome,
    named: impl FnOnce(Trace) -> Outcome<Trace>,
) -> Outcome<()> {
    let trace = named(render::verified(&outcome)?)?;
    let answer = outcome.result.map_err(network::workflow_failure)?;
    render::genuine(&trace)?;
    step.done(done);
    let answer = answer.into_iter().next().unwrap_or(Value::Null);
    ui.note("\nThe answer:");
    ui.result(pretty(&answer));
    ui.document(document, json!({ "answer": answer }));
    ui.note("\nWhat happened, signed by those who did it and verified here:");
    ui.result(&trace);
    render::documents(ui, &trace);
    ui.note("");
    Ok(())
}

/// The directory of one performance, the client's key, and the nodes with how long they live.
struct Stage {
    dir: PathBuf,
    key: Keypair,
    life: Life,
    relay: Option<NodeProcess>,
    host: Option<NodeProcess>,
    third: Option<NodeProcess>,
}

/// All nodes, running.
#[derive(Clone, Copy)]
struct Nodes<'s> {
    relay: &'s NodeProcess,
    host: &'s NodeProcess,
    third: &'s NodeProcess,
}

impl Stage {
    /// A fresh directory: the nodes of each performance start empty, those of an earlier `--keep` go on undisturbed.
    fn new(dir: &Path, config: &Config) -> Outcome<Self> {
        let dir = dir.join("runs").join(std::process::id().to_string());
        if dir.exists() {
            std::fs::remove_dir_all(&dir).or_fail(Exit::Unexpected, format!("cannot clear `{}`", dir.display()))?;
        }
        std::fs::create_dir_all(&dir).or_fail(Exit::Unexpected, format!("cannot create `{}`", dir.display()))?;
        let key = identity::usable(keyfile::load_or_create(&dir.join("client.key")))?;
        let life = if config.keep { Life::Independent } else { Life::WithUs };
        Ok(Self { dir, key, life, relay: None, host: None, third: None })
    }

    async fn start_nodes(&mut self, story: &mut Story) -> Outcome<()> {
        let step = story.step("Start the relay, a node that hosts nothing");
        let relay = NodeProcess::start("relay", &self.dir.join("relay"), &loopback(&[]), self.life).await?;
        step.done(format_args!("process {}, {}", relay.id(), relay.address()?));
        let relay = self.relay.insert(relay);

        let step = story.step("Start the host, a second node that knows the relay");
        let client = self.key.peer_id().to_string();
        let arguments = loopback(&["--bootstrap", relay.address()?, "--deploy", &client]);
        let host = NodeProcess::start("host", &self.dir.join("host"), &arguments, self.life).await?;
        step.done(format_args!("process {}, {}; only our client may deploy there", host.id(), host.address()?));
        let host = self.host.insert(host);

        let step = story.step("Start a third node, which knows the host only");
        let arguments = loopback(&["--bootstrap", host.address()?, "--deploy", &client]);
        let third = NodeProcess::start("third", &self.dir.join("third"), &arguments, self.life).await?;
        step.done(format_args!("process {}, {}", third.id(), third.address()?));
        self.third = Some(third);
        Ok(())
    }

    /// All nodes; they are there once [`Stage::start_nodes`] is through.
    fn nodes(&self) -> Outcome<Nodes<'_>> {
        match (&self.relay, &self.host, &self.third) {
            (Some(relay), Some(host), Some(third)) => Ok(Nodes { relay, host, third }),
            _ => Err(Failure::new(Exit::Unexpected, "the nodes are not running")),
        }
    }

    /// What the peers are called in the trace.
    fn names(&self) -> Outcome<[(String, &'static str); 4]> {
        let Nodes { relay, host, third } = self.nodes()?;
        let id = |node: &NodeProcess| node.ready.peer_id.clone();
        let client = self.key.peer_id().to_string();
        Ok([(client, "client"), (id(relay), "relay"), (id(host), "host"), (id(third), "third")])
    }

    /// Stops what runs; all nodes get their chance to end in order, even if one does not.
    async fn stop(&mut self) -> Outcome<()> {
        let stop = async |node: Option<NodeProcess>| match node {
            Some(node) => node.stop().await,
            None => Ok(()),
        };
        let (third, host, relay) =
            tokio::join!(stop(self.third.take()), stop(self.host.take()), stop(self.relay.take()));
        third.and(host).and(relay)
    }

    /// Leaves the nodes to their user.
    fn let_go(&mut self) {
        [self.third.take(), self.host.take(), self.relay.take()].into_iter().flatten().for_each(NodeProcess::let_go);
    }

    /// Removes what nobody needs after a performance that went well.
    fn clear(&self) {
        // What cannot be removed lies in the cache, where it harms nobody.
        let _ = std::fs::remove_dir_all(&self.dir);
    }

    /// Connects to the node itself, as `marine deploy` does.
    async fn deploy(&self, node: &NodeProcess, built: &Built, alias: &str) -> Outcome<String> {
        let client = network::connect(self.key.clone(), &parse(node.address()?)?).await?;
        let deployed = network::deploy(&client, peer(node)?, &Package::load(built)?, Some(alias)).await;
        client.close().await;
        Ok(deployed?.service_id)
    }

    /// Connects to the relay only, as `marine run` does.
    async fn run_workflow(&self, name: &str) -> Outcome<RunOutcome> {
        let Nodes { relay, host, .. } = self.nodes()?;
        let script = std::fs::read_to_string(self.project(SERVICE)?.join(WORKFLOW))
            .or_fail(Exit::Unexpected, "cannot read the workflow")?;
        let data = BTreeMap::from([
            ("host".to_string(), json!(host.ready.peer_id)),
            ("service".to_string(), json!(SERVICE)),
            ("name".to_string(), json!(name)),
        ]);
        let client: Client = network::connect(self.key.clone(), &parse(relay.address()?)?).await?;
        let outcome = client.run(&script, data, TTL).await;
        client.close().await;
        outcome.map_err(network::run_failure)
    }

    /// Compiles the program, and runs it as `marine run` does: over the relay, by way of the host, at the third node.
    async fn run_program(&self, ui: Ui) -> Outcome<(Prepared, RunOutcome)> {
        let program = prepare(ui, &self.program()?, &self.program_call()?, &Options::default())?;
        let bound = program.bind(&BTreeMap::new())?;
        let client = network::connect(self.key.clone(), &parse(self.nodes()?.relay.address()?)?).await?;
        let outcome = client.run(&program.air, bound.data, TTL).await;
        client.close().await;
        Ok((program, outcome.map_err(network::run_failure)?))
    }

    fn program(&self) -> Outcome<String> {
        Ok(self.project(HELLO_SERVICE)?.join(PROGRAM).to_string_lossy().into_owned())
    }

    fn program_call(&self) -> Outcome<String> {
        let Nodes { host, third, .. } = self.nodes()?;
        Ok(format!("sayHello(\"{}\", \"{}\")", third.ready.peer_id, host.ready.peer_id))
    }

    /// What to do with nodes that go on.
    fn explain(&self, ui: Ui, service: &str) -> Outcome<()> {
        let Nodes { relay, host, third } = self.nodes()?;
        let (relay_address, host_address) = (relay.address()?, host.address()?);
        let key = self.dir.join("client.key");
        let project = self.project(SERVICE)?;
        let data = json!({ "host": host.ready.peer_id, "service": SERVICE, "name": "Bob" });
        let (key_text, project_text) = (key.display(), project.display());
        // This very binary: it need not be on the path of whoever pastes the commands.
        let marine = std::env::current_exe()?;
        let marine = marine.display();
        let run = format!(
            "{marine} run {project_text}/{WORKFLOW} --relay {relay_address} --data '{data}' --key {key_text} --trace"
        );
        let deploy = format!("{marine} deploy {project_text}/Marine.toml --to {host_address} --key {key_text}");
        let (program, call) = (self.program()?, self.program_call()?);
        let hello = format!("{marine} run {program} -f '{call}' --relay {relay_address} --key {key_text} --trace");
        let stop = format!("kill {} {} {}", relay.id(), host.id(), third.id());
        ui.result(format_args!("Greet somebody else:\n  {run}\n\nSay hello again, in Aqua:\n  {hello}\n\nChange the service and deploy it again:\n  {deploy}\n\nStop all nodes:\n  {stop}"));
        ui.document(
            "demo.kept",
            json!({
                "relay": relay_address, "host": host_address, "service_id": service, "key": key, "processes": [relay.id(), host.id(), third.id()],
                "run": run, "hello": hello, "deploy": deploy, "stop": stop,
            }),
        );
        Ok(())
    }

    /// Where a service's source lies.
    fn project(&self, service: &str) -> Outcome<PathBuf> {
        self.dir.join("../..").join(service).canonicalize().or_fail(Exit::Unexpected, "the demo's service is gone")
    }
}

/// Arguments of a node that only this machine can reach.
fn loopback(more: &[&str]) -> Vec<String> {
    ["--listen", "/ip4/127.0.0.1/tcp/0"].iter().chain(more).map(ToString::to_string).collect()
}

fn parse(address: &str) -> Outcome<Multiaddr> {
    address
        .parse()
        .map_err(|error| Failure::new(Exit::Unexpected, format!("the node gave the address `{address}`: {error}")))
}

fn peer(node: &NodeProcess) -> Outcome<PeerId> {
    let id = &node.ready.peer_id;
    id.parse().map_err(|error| Failure::new(Exit::Unexpected, format!("the node gave the peer id `{id}`: {error}")))
}

fn sizes(services: &[&Built]) -> Outcome<String> {
    let mut parts = Vec::new();
    for built in services {
        for module in &built.manifest.modules {
            let bytes = std::fs::metadata(built.wasm(&module.name)?)?.len();
            parts.push(format!("{} ({})", module.name, size(bytes)));
        }
    }
    Ok(format!("components {}", parts.join(", ")))
}
