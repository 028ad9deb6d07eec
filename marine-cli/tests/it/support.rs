//! Running `marine` as users do, with their own data directory and the machine's cache.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, OnceLock};

use serde_json::Value;
use tempfile::TempDir;

/// A user: keys and history of their own.
pub(crate) struct User {
    home: TempDir,
}

/// What a run of `marine` left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl User {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a temporary directory") }
    }

    /// A directory of theirs.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The command, in `dir`, not started yet. The sysroot and compiled code are shared with the machine's other builds.
    pub(crate) fn command(&self, dir: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_marine"));
        command.args(arguments).current_dir(dir).env("XDG_DATA_HOME", self.path("data")).env("NO_COLOR", "1");
        command.env("CARGO_BUILD_BUILD_DIR", tmp("modules")).env("MARINE_TEST_TARGET_DIR", tmp("test-modules"));
        command
    }

    /// Runs the command to its end.
    pub(crate) fn marine(&self, dir: &Path, arguments: &[&str]) -> Run {
        Run::of(self.command(dir, arguments).stdin(Stdio::null()).output().expect("marine runs"))
    }
}

impl Run {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// Fails with everything that was said unless the exit code is `code`.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// The documents of `--json`.
    pub(crate) fn documents(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }
}

/// A node of the test's own; it ends when this does.
pub(crate) struct Node {
    child: Child,
    pub(crate) peer: String,
    pub(crate) address: String,
}

impl Node {
    /// Starts a node for development with its store in `data`.
    pub(crate) fn start(user: &User, data: &Path) -> Self {
        let mut command = user.command(data.parent().expect("a parent"), &["node", "--json", "--dev", "--until-eof"]);
        command.args(["--listen", "/ip4/127.0.0.1/tcp/0", "--data"]).arg(data);
        Self::from_command(&mut command)
    }

    /// Starts `command`, which runs a node with `--json` and `--until-eof`.
    pub(crate) fn from_command(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("marine runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("text");
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            let mut said = String::new();
            child.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
            panic!("the node did not start: {line} {said}")
        });
        let text = |value: &Value| value.as_str().expect("a text").to_string();
        Self { peer: text(&ready["peer_id"]), address: text(&ready["addresses"][0]), child }
    }

    /// Ends it without warning, as a power failure does.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Asks it to end as a supervisor does, and returns its exit code.
    #[cfg(unix)]
    pub(crate) fn terminate(self) -> i32 {
        self.signal("TERM");
        self.wait()
    }

    /// Sends it a signal.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// What it says besides results; can be had once.
    #[cfg(unix)]
    pub(crate) fn stderr(&mut self) -> std::process::ChildStderr {
        self.child.stderr.take().expect("piped, and not taken yet")
    }

    /// Waits for its end, and returns its exit code.
    #[cfg(unix)]
    pub(crate) fn wait(mut self) -> i32 {
        self.child.wait().expect("it ends").code().unwrap_or(-1)
    }

    /// Asks it to end, and returns its exit code.
    pub(crate) fn stop(mut self) -> i32 {
        drop(self.child.stdin.take());
        self.child.wait().expect("it ends").code().unwrap_or(-1)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Whatever the test did, nothing of it is left behind; an ended child cannot be killed, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory that survives test runs.
fn tmp(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// `command` as one that compiles what projects' tests are made of, the engine included, once for all of them.
///
/// Cargo locks every directory that it writes to, and holds that of the tests while they are expanded, which builds modules. So three
/// directories are shared by all projects: of modules, of tests, and of modules for tests; with one less, builds could wait in a circle.
pub(crate) fn compiling_tests(command: &mut Command) -> &mut Command {
    command
        .env("CARGO_BUILD_BUILD_DIR", tmp("templates"))
        .env("MARINE_TEST_TARGET_DIR", tmp("test-modules"))
        .env_remove("CARGO_TARGET_DIR")
}

/// A project made from `template`, built. Made once per test run, in a place that survives it, so that only the first run of all
/// compiles the template's dependencies.
pub(crate) fn project(template: &str) -> PathBuf {
    project_called(template, template, &[])
}

/// As [`project`], under a name of its own and built with these variables.
pub(crate) fn project_called(name: &str, template: &str, variables: &[(&str, &OsStr)]) -> PathBuf {
    static MADE: OnceLock<Mutex<Vec<String>>> = OnceLock::new();
    let dir = tmp("projects").join(name);
    let mut made = MADE.get_or_init(Mutex::default).lock().expect("no test panicked while making a project");
    if !made.iter().any(|known| known == name) {
        make(name, template, &dir, variables);
        made.push(name.to_string());
    }
    dir
}

fn make(name: &str, template: &str, dir: &Path, variables: &[(&str, &OsStr)]) {
    let user = User::new();
    let fresh = user.path("fresh");
    std::fs::create_dir_all(&fresh).expect("created");
    user.marine(&fresh, &["new", name, "-t", template]).expect(0);
    copy_changed(&fresh.join(name), dir);
    lock(dir);
    let mut build = user.command(dir, &["build"]);
    Run::of(build.envs(variables.iter().copied()).stdin(Stdio::null()).output().expect("marine runs")).expect(0);
}

/// Starts from the versions that this workspace has, which are on the machine already.
fn lock(dir: &Path) {
    let ours = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock")).expect("a lock file");
    let seen = dir.join("target/workspace.lock");
    if std::fs::read(&seen).is_ok_and(|seen| seen == ours) {
        return;
    }
    std::fs::create_dir_all(dir.join("target")).expect("created");
    std::fs::write(dir.join("Cargo.lock"), &ours).expect("written");
    std::fs::write(seen, ours).expect("written");
}

/// Copies what differs, so that cargo sees only real changes.
fn copy_changed(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("created");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_changed(&entry.path(), &target);
            continue;
        }
        let content = std::fs::read(entry.path()).expect("a file");
        if std::fs::read(&target).is_ok_and(|present| present == content) {
            continue;
        }
        std::fs::write(&target, content).expect("written");
    }
}
