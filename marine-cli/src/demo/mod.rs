//! The demo: a service of two modules, two nodes in processes of their own, a workflow between them, and its proof.
//!
//! Everything here is what a user would do by hand with the other commands; nothing is simulated. Its directory lies in Marine's
//! cache, so a second run builds nothing. Whatever happens, no node is left behind, unless the user asked for it.

mod process;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use marine_build::Profile;
use marine_node::{Client, Multiaddr, PeerId, RunOutcome, keyfile};
use marine_particle::Keypair;
use serde_json::{Value, json};

use self::process::{Life, NodeProcess};
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

/// What the demo's service is made from, and called.
const TEMPLATE: &str = "two-modules";
const SERVICE: &str = "visitors";

/// The workflow, which comes with the template.
const WORKFLOW: &str = "hello.air";

/// How long the workflow may take; a loaded machine is slow at compiling the service.
const TTL: Duration = Duration::from_secs(60);

const STEPS: usize = 8;

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
    let built = prepare(ui, &dir)?;
    let exit = network::on_runtime(perform(ui, &config, &dir, &built))?;
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

/// The first steps: target, build, link. They need no network.
fn prepare(ui: Ui, dir: &Path) -> Outcome<Built> {
    let mut story = Story { ui, told: 0 };
    let step = story.step("Find or make the WebAssembly target");
    let target = toolchain::provision(step.progress())?;
    step.done(toolchain::describe(&target));

    let step = story.step("Build a service of two modules");
    let project_dir = dir.join(SERVICE);
    Template::find(TEMPLATE)?.write(SERVICE, &project_dir)?;
    let built = project::build_service(Some(&project_dir), Profile::Dev, step.progress(), Ui { quiet: true, ..ui })?;
    step.done(sizes(&built)?);

    let step = story.step("Link the modules, each with its own permissions");
    built.link()?;
    step.done(built.grants().join("; "));
    Ok(built)
}

/// The other steps: nodes, deployment, workflow, end. However the play ends, the nodes are stopped unless they shall be kept.
async fn perform(ui: Ui, config: &Config, dir: &Path, built: &Built) -> Outcome {
    let mut story = Story { ui, told: 3 };
    let mut interrupt = Stop::listen()?;
    let mut stage = Stage::new(dir, config)?;
    let played = tokio::select! {
        played = play(&mut story, &mut stage, config, built) => played,
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
        step.done("both nodes drained and ended");
    }
    Ok(Exit::Done)
}

async fn play(story: &mut Story, stage: &mut Stage, config: &Config, built: &Built) -> Outcome<()> {
    let ui = story.ui;
    stage.start_nodes(story).await?;

    let step = story.step("Publish the blueprint to the host and create the service");
    let service = stage.deploy(built).await?;
    step.done(format_args!("service {service}, called `{SERVICE}`"));

    let step = story.step("Run a workflow: client -> relay -> host -> relay -> client");
    let outcome = stage.run_workflow(&config.name).await?;
    let trace = render::verified(&outcome)?.with_aliases(stage.names()?);
    let answer = outcome.result.map_err(network::workflow_failure)?;
    render::genuine(&trace)?;
    step.done("the client was connected to the relay only");

    let answer = answer.into_iter().next().unwrap_or(Value::Null);
    ui.note("\nThe answer:");
    ui.result(pretty(&answer));
    ui.document("demo.answer", json!({ "answer": answer }));
    ui.note("\nWhat happened, signed by those who did it and verified here:");
    ui.result(&trace);
    render::documents(ui, &trace);
    ui.note("");
    if config.keep {
        let step = story.step("Leave the nodes running");
        step.done("two processes go on by themselves");
        stage.explain(ui, &service)?;
    }
    Ok(())
}

/// The directory of one performance, the client's key, and the nodes with how long they live.
struct Stage {
    dir: PathBuf,
    key: Keypair,
    life: Life,
    relay: Option<NodeProcess>,
    host: Option<NodeProcess>,
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
        Ok(Self { dir, key, life, relay: None, host: None })
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
        self.host = Some(host);
        Ok(())
    }

    /// Both nodes; they are there once [`Stage::start_nodes`] is through.
    fn nodes(&self) -> Outcome<(&NodeProcess, &NodeProcess)> {
        self.relay
            .as_ref()
            .zip(self.host.as_ref())
            .ok_or_else(|| Failure::new(Exit::Unexpected, "the nodes are not running"))
    }

    /// What the peers are called in the trace.
    fn names(&self) -> Outcome<[(String, &'static str); 3]> {
        let (relay, host) = self.nodes()?;
        let client = self.key.peer_id().to_string();
        Ok([(client, "client"), (relay.ready.peer_id.clone(), "relay"), (host.ready.peer_id.clone(), "host")])
    }

    /// Stops what runs; both nodes get their chance to end in order, even if one does not.
    async fn stop(&mut self) -> Outcome<()> {
        let stop = async |node: Option<NodeProcess>| match node {
            Some(node) => node.stop().await,
            None => Ok(()),
        };
        let (host, relay) = tokio::join!(stop(self.host.take()), stop(self.relay.take()));
        host.and(relay)
    }

    /// Leaves the nodes to their user.
    fn let_go(&mut self) {
        self.host.take().into_iter().chain(self.relay.take()).for_each(NodeProcess::let_go);
    }

    /// Removes what nobody needs after a performance that went well.
    fn clear(&self) {
        // What cannot be removed lies in the cache, where it harms nobody.
        let _ = std::fs::remove_dir_all(&self.dir);
    }

    /// Connects to the host itself, as `marine deploy` does.
    async fn deploy(&self, built: &Built) -> Outcome<String> {
        let (_, host) = self.nodes()?;
        let client = network::connect(self.key.clone(), &parse(host.address()?)?).await?;
        let deployed = network::deploy(&client, peer(host)?, &Package::load(built)?, Some(SERVICE)).await;
        client.close().await;
        Ok(deployed?.service_id)
    }

    /// Connects to the relay only, as `marine run` does.
    async fn run_workflow(&self, name: &str) -> Outcome<RunOutcome> {
        let (relay, host) = self.nodes()?;
        let script = std::fs::read_to_string(self.project()?.join(WORKFLOW))
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

    /// What to do with nodes that go on.
    fn explain(&self, ui: Ui, service: &str) -> Outcome<()> {
        let (relay, host) = self.nodes()?;
        let (relay_address, host_address) = (relay.address()?, host.address()?);
        let key = self.dir.join("client.key");
        let project = self.project()?;
        let data = json!({ "host": host.ready.peer_id, "service": SERVICE, "name": "Bob" });
        let (key_text, project_text) = (key.display(), project.display());
        // This very binary: it need not be on the path of whoever pastes the commands.
        let marine = std::env::current_exe()?;
        let marine = marine.display();
        let run = format!(
            "{marine} run {project_text}/{WORKFLOW} --relay {relay_address} --data '{data}' --key {key_text} --trace"
        );
        let deploy = format!("{marine} deploy {project_text}/Marine.toml --to {host_address} --key {key_text}");
        let stop = format!("kill {} {}", relay.id(), host.id());
        ui.result(format_args!("Greet somebody else:\n  {run}\n\nChange the service and deploy it again:\n  {deploy}\n\nStop both nodes:\n  {stop}"));
        ui.document(
            "demo.kept",
            json!({
                "relay": relay_address, "host": host_address, "service_id": service, "key": key, "processes": [relay.id(), host.id()],
                "run": run, "deploy": deploy, "stop": stop,
            }),
        );
        Ok(())
    }

    /// Where the service's source lies.
    fn project(&self) -> Outcome<PathBuf> {
        self.dir.join("../..").join(SERVICE).canonicalize().or_fail(Exit::Unexpected, "the demo's service is gone")
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

fn sizes(built: &Built) -> Outcome<String> {
    let mut parts = Vec::new();
    for module in &built.manifest.modules {
        let bytes = std::fs::metadata(built.wasm(&module.name)?)?.len();
        parts.push(format!("{} ({})", module.name, size(bytes)));
    }
    Ok(format!("components {}", parts.join(" and ")))
}
