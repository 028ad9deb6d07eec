//! Running other programs: found on a given `PATH`, with a time limit, their output kept for messages.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The most output of one program that is kept, in bytes; the rest is read and dropped.
const MAX_OUTPUT: u64 = 1024 * 1024;
/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(10);

/// Variables that an outer cargo, rustup or test leaves behind and that would change what a guest's cargo does: they speak of
/// the host's build, not of the guest's.
const FOREIGN: &[&str] = &[
    "CARGO",
    "CARGO_BUILD_RUSTC",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MAKEFLAGS",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_TARGET_DIR",
    "MAKEFLAGS",
    "MFLAGS",
    "OUT_DIR",
    "RUSTC",
    "RUSTC_BOOTSTRAP",
    "RUSTC_LINKER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
];
/// Prefixes of such variables.
const FOREIGN_PREFIXES: &[&str] = &["CARGO_PKG_", "CARGO_BIN_EXE_", "CARGO_CFG_", "CARGO_FEATURE_", "DEP_"];

/// A command whose environment says nothing about an outer build.
pub(crate) fn clean_command(program: &Path, path: &OsStr) -> Command {
    let mut command = Command::new(program);
    for name in FOREIGN {
        command.env_remove(name);
    }
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| FOREIGN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(&name);
        }
    }
    command.env("PATH", path).stdin(Stdio::null());
    command
}

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    /// How it ended; `None` if the time was over and it was killed.
    pub(crate) status: Option<ExitStatus>,
    /// Its standard output.
    pub(crate) stdout: String,
    /// Its standard error.
    pub(crate) stderr: String,
}

impl Finished {
    pub(crate) fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// How it failed, with the last lines it wrote.
    pub(crate) fn failure(&self, limit: Duration) -> String {
        let how = match self.status {
            Some(status) => status.to_string(),
            None => format!("gave no result within {} s", limit.as_secs()),
        };
        let lines: Vec<&str> =
            self.stderr.lines().chain(self.stdout.lines()).filter(|l| !l.trim().is_empty()).collect();
        let last = lines[lines.len().saturating_sub(12)..].join("\n    ");
        if last.is_empty() { how } else { format!("{how}\n    {last}") }
    }
}

/// Runs `command` for at most `limit`, keeping its output.
pub(crate) fn run(mut command: Command, limit: Duration) -> io::Result<Finished> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stdout = keep(child.stdout.take());
    let stderr = keep(child.stderr.take());
    let status = wait(&mut child, limit)?;
    // A killed program may have left children that hold the pipes open: do not wait for those.
    let grace = if status.is_some() { Duration::from_secs(5) } else { Duration::from_millis(100) };
    let text = |bytes: mpsc::Receiver<Vec<u8>>| {
        bytes.recv_timeout(grace).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    };
    Ok(Finished { status, stdout: text(stdout), stderr: text(stderr) })
}

/// Runs `command` to its end; `said` hears of every line that it writes.
pub(crate) fn stream(mut command: Command, said: &mut dyn FnMut(&str)) -> io::Result<ExitStatus> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (to, lines) = mpsc::channel();
    send_lines(child.stdout.take(), to.clone(), |line| line);
    send_lines(child.stderr.take(), to, |line| line);
    for line in lines {
        said(&line);
    }
    child.wait()
}

/// Sends the lines of a pipe, without their ends, from a thread of its own.
pub(crate) fn send_lines<T: Send + 'static>(
    pipe: Option<impl Read + Send + 'static>,
    to: mpsc::Sender<T>,
    wrap: fn(String) -> T,
) {
    let Some(pipe) = pipe else { return };
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while pipe.read_until(b'\n', &mut bytes).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&bytes);
            // The receiver lives until all pipes end.
            let _ = to.send(wrap(text.trim_end_matches(['\n', '\r']).to_owned()));
            bytes.clear();
        }
    });
}

fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

/// Reads a pipe to its end beside the program, so that a full pipe never stops it.
fn keep(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (to, from) = mpsc::channel();
    if let Some(mut pipe) = pipe {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read before an error is still worth showing.
            let _ = pipe.by_ref().take(MAX_OUTPUT).read_to_end(&mut bytes);
            let _ = to.send(bytes);
            let _ = io::copy(&mut pipe, &mut io::sink());
        });
    }
    from
}

/// The command line as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outer_build_leaves_no_trace() {
        let command = clean_command(Path::new("cargo"), OsStr::new("/bin"));
        let set: Vec<_> = command.get_envs().collect();
        for name in FOREIGN {
            assert!(set.contains(&(OsStr::new(name), None)), "{name}");
        }
        // Tests run below cargo, which describes the package being tested.
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR"] {
            assert!(std::env::var_os(name).is_none() || set.contains(&(OsStr::new(name), None)), "{name}");
        }
        assert!(set.contains(&(OsStr::new("PATH"), Some(OsStr::new("/bin")))));
    }

    #[test]
    fn a_program_is_ended_when_its_time_is_over() {
        let shell = |script: &str| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]);
            command
        };
        let start = Instant::now();
        let killed = run(shell("echo before; exec sleep 60"), Duration::from_millis(300)).expect("sh runs");
        assert!(killed.status.is_none() && start.elapsed() < Duration::from_secs(30));
        assert!(killed.failure(Duration::from_secs(1)).contains("no result within 1 s"));

        let failed = run(shell("echo out; echo err >&2; exit 3"), Duration::from_secs(60)).expect("sh runs");
        assert_eq!((failed.stdout.as_str(), failed.stderr.as_str(), failed.success()), ("out\n", "err\n", false));
        assert!(failed.failure(Duration::ZERO).contains("err"));
    }
}
