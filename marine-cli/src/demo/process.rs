//! Nodes as separate operating-system processes: this very binary, started as `marine node`.
//!
//! A child keeps running only while our end of its standard input is open, so none is left behind, however we end. With
//! [`Life::Independent`] it outlives us, on purpose.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use crate::exit::{Exit, Fail, Failure, Outcome};

/// A node on a loaded machine needs a moment; one that says nothing for this long is stuck.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A node drains for at most ten seconds by itself.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a child lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// As long as we do.
    WithUs,
    /// Until somebody stops it.
    Independent,
}

/// What a node says when it is up (`marine node --json`).
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Ready {
    pub(super) peer_id: String,
    pub(super) addresses: Vec<String>,
}

/// A running node.
#[derive(Debug)]
pub(super) struct NodeProcess {
    name: &'static str,
    child: Leashed,
    log: PathBuf,
    pub(super) ready: Ready,
}

/// A child that is killed with its handle, unless it was let go.
#[derive(Debug)]
struct Leashed {
    child: Child,
    life: Life,
    let_go: bool,
    /// Open as long as the child runs: its end is how we learn of the child's.
    output: Option<BufReader<ChildStdout>>,
}

impl NodeProcess {
    /// Starts a node with its store and log in `dir`, and waits until it says that it is up.
    pub(super) async fn start(name: &'static str, dir: &Path, arguments: &[String], life: Life) -> Outcome<Self> {
        let log = dir.join("log.txt");
        std::fs::create_dir_all(dir).or_fail(Exit::Unexpected, format!("cannot create `{}`", dir.display()))?;
        let mut child =
            spawn(dir, &log, arguments, life).or_fail(Exit::Unexpected, format!("cannot start node {name}"))?;
        match tokio::time::timeout(START_TIMEOUT, child.first_line()).await {
            Ok(line) => match serde_json::from_str(&line) {
                Ok(ready) => Ok(Self { name, child, log, ready }),
                Err(_) => Err(gave_up(name, child, &log)),
            },
            Err(_) => {
                let seconds = START_TIMEOUT.as_secs();
                let what = format!("node {name} did not say within {seconds} s that it is up");
                Err(Failure::new(Exit::NoAnswer, what).help(last_words(&log)))
            }
        }
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.child.child.id()
    }

    /// The address at which others on this machine reach the node, peer id included.
    pub(super) fn address(&self) -> Outcome<&str> {
        let address = self.ready.addresses.first().map(String::as_str);
        address.ok_or_else(|| {
            let log = self.log.display();
            Failure::new(Exit::Listen, format!("node {} listens nowhere", self.name))
                .help(format!("its log is `{log}`"))
        })
    }

    /// Lets the node live on without us.
    pub(super) fn let_go(mut self) {
        self.child.let_go = true;
    }

    /// Asks the node to finish what it does and end, and waits for it.
    pub(super) async fn stop(mut self) -> Outcome<()> {
        if self.child.life == Life::Independent {
            // It does not watch us, so there is no asking it.
            self.child.kill();
            return Ok(());
        }
        drop(self.child.child.stdin.take());
        let (name, seconds) = (self.name, STOP_TIMEOUT.as_secs());
        if tokio::time::timeout(STOP_TIMEOUT, self.child.end_of_output()).await.is_err() {
            let what = format!("node {name} did not end within {seconds} s and was killed");
            return Err(Failure::new(Exit::Unexpected, what).help(last_words(&self.log)));
        }
        let status = self.child.child.wait()?;
        match status.success() {
            true => Ok(()),
            false => {
                Err(Failure::new(Exit::Unexpected, format!("node {name} ended with {status}"))
                    .help(last_words(&self.log)))
            }
        }
    }
}

impl Leashed {
    /// The first line it says; empty if it ends without one.
    async fn first_line(&mut self) -> String {
        let Some(mut output) = self.output.take() else { return String::new() };
        let read = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            // What cannot be read is as good as nothing said.
            let _ = output.read_line(&mut line);
            (line, output)
        });
        let Ok((line, output)) = read.await else { return String::new() };
        self.output = Some(output);
        line
    }

    /// Waits until it ends, or closes its output, which nodes do not.
    async fn end_of_output(&mut self) {
        if let Some(mut output) = self.output.take() {
            // Only the end is of interest.
            let _ = tokio::task::spawn_blocking(move || io::copy(&mut output, &mut io::sink())).await;
        }
    }
}

impl Leashed {
    /// Ends it without warning, which loses nothing that it acknowledged.
    fn kill(&mut self) {
        // One that has ended already cannot be killed, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Leashed {
    fn drop(&mut self) {
        if !self.let_go {
            self.kill();
        }
    }
}

fn spawn(dir: &Path, log: &Path, arguments: &[String], life: Life) -> io::Result<Leashed> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["node", "--json", "--color", "never", "--data"]).arg(dir.join("data")).args(arguments);
    command.stdout(Stdio::piped()).stderr(File::create(log)?);
    match life {
        Life::WithUs => command.arg("--until-eof").stdin(Stdio::piped()),
        Life::Independent => command.stdin(Stdio::null()),
    };
    // Ctrl-C in the terminal is for us; we end our children in order.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn()?;
    let output = child.stdout.take().map(BufReader::new);
    Ok(Leashed { child, life, let_go: false, output })
}

/// It said something else than that it is up, or nothing: in both cases it is of no use any more.
fn gave_up(name: &str, mut leashed: Leashed, log: &Path) -> Failure {
    let _ = leashed.child.kill();
    let status = leashed.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
    Failure::new(Exit::Unexpected, format!("node {name} did not start ({status})")).help(last_words(log))
}

/// The end of a node's log, where the reason usually stands.
fn last_words(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(8)..].join("\n  ");
    format!("its log, `{}`, ends with\n  {tail}", log.display())
}
