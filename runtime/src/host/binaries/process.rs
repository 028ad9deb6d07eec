//! One run of a program: start, watch, end with all that it started.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::engine::lock;

/// How long the rest of the output is waited for when the program has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How often the processes of a program are counted, and whether the call was cancelled is looked at.
const CHECK: Duration = Duration::from_millis(50);
/// Processes that one run may have at once.
const MAX_PROCESSES: usize = 64;

/// What a run gave.
pub(super) struct Outcome {
    pub(super) end: End,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Exit(i32),
    /// By a signal that we did not send.
    Signal(i32),
    TimedOut,
    TooMuchOutput,
    TooManyProcesses,
    Cancelled,
}

enum Event {
    Exited,
    TooMuch,
    Closed,
}

/// Runs `command` until `deadline`, `max_output` bytes of an output, or `is_cancelled`.
///
/// # Errors
/// If it could not be started.
pub(super) fn run(
    mut command: Command,
    marker: &str,
    deadline: Instant,
    max_output: u64,
    is_cancelled: &dyn Fn() -> bool,
) -> std::io::Result<Outcome> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let (sender, events) = mpsc::channel();
    let cap = usize::try_from(max_output).unwrap_or(usize::MAX);
    let stdout = child.stdout.take().map(|pipe| Output::collect(pipe, cap, sender.clone()));
    let stderr = child.stderr.take().map(|pipe| Output::collect(pipe, cap, sender.clone()));
    let family = Family::new(&child, marker);
    family.report_exit(sender);
    let (stop, mut open) = watch(&events, &family, deadline, is_cancelled);
    // Whatever it left running dies with it: nothing of a run outlives the call.
    family.kill(&mut child);
    let status = child.wait()?;
    let patience = Instant::now() + LAST_WORDS;
    while open > 0 {
        match events.recv_timeout(patience.saturating_duration_since(Instant::now())) {
            Ok(Event::Closed) => open -= 1,
            Ok(Event::Exited | Event::TooMuch) => {}
            Err(_) => break,
        }
    }
    let [(stdout, over_out), (stderr, over_err)] =
        [stdout, stderr].map(|output| output.map(Output::take).unwrap_or_default());
    let end = match stop {
        None if over_out || over_err => End::TooMuchOutput,
        None => ended(status),
        Some(stop) => stop,
    };
    Ok(Outcome { end, stdout, stderr })
}

/// Why the program has to stop (`None`: it did by itself), and how many of its outputs are open still.
fn watch(
    events: &Receiver<Event>,
    family: &Family,
    deadline: Instant,
    is_cancelled: &dyn Fn() -> bool,
) -> (Option<End>, u32) {
    let mut open = 2;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match events.recv_timeout(left.min(CHECK)) {
            Ok(Event::Exited) => return (None, open),
            Ok(Event::TooMuch) => return (Some(End::TooMuchOutput), open),
            Ok(Event::Closed) => open -= 1,
            Err(RecvTimeoutError::Disconnected) => return (None, open),
            Err(RecvTimeoutError::Timeout) if is_cancelled() => return (Some(End::Cancelled), open),
            Err(RecvTimeoutError::Timeout) if left <= CHECK => return (Some(End::TimedOut), open),
            Err(RecvTimeoutError::Timeout) if family.count() > MAX_PROCESSES => {
                return (Some(End::TooManyProcesses), open);
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

#[cfg(unix)]
fn ended(status: ExitStatus) -> End {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Exit(code),
        (None, signal) => End::Signal(signal.unwrap_or(0)),
    }
}

#[cfg(not(unix))]
fn ended(status: ExitStatus) -> End {
    End::Exit(status.code().unwrap_or(-1))
}

/// An output being read on a thread of its own; the thread ends when the pipe closes.
struct Output(Arc<Mutex<Collected>>);

#[derive(Default)]
struct Collected {
    bytes: Vec<u8>,
    over: bool,
}

impl Output {
    fn collect(mut pipe: impl Read + Send + 'static, cap: usize, events: Sender<Event>) -> Output {
        let shared: Arc<Mutex<Collected>> = Arc::default();
        let collected = shared.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            loop {
                let read = match pipe.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(read) => read,
                    Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => continue,
                    Err(_) => break,
                };
                let mut collected = lock(&collected);
                let fits = read.min(cap - collected.bytes.len());
                collected.bytes.extend_from_slice(&buffer[..fits]);
                if fits < read {
                    collected.over = true;
                    let _ = events.send(Event::TooMuch);
                    break;
                }
            }
            let _ = events.send(Event::Closed);
        });
        Output(shared)
    }

    /// What was read, and whether there was more.
    fn take(self) -> (Vec<u8>, bool) {
        let mut collected = lock(&self.0);
        (std::mem::take(&mut collected.bytes), collected.over)
    }
}

/// A program and all processes that come from it.
#[cfg(unix)]
struct Family {
    leader: Option<rustix::process::Pid>,
    marker: Vec<u8>,
}

#[cfg(unix)]
impl Family {
    /// `marker` is a variable that every process of the family inherits.
    fn new(child: &Child, marker: &str) -> Family {
        let leader = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
        Family { leader, marker: marker.as_bytes().to_vec() }
    }

    /// Sends an event when the leader has ended. It is not reaped: until then its id cannot be given to another process, so that the
    /// signals of [`Family::kill`] reach nobody else.
    fn report_exit(&self, events: Sender<Event>) {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        let Some(leader) = self.leader else { return };
        std::thread::spawn(move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(leader), options) {}
            let _ = events.send(Event::Exited);
        });
    }

    fn count(&self) -> usize {
        self.members().len()
    }

    fn kill(&self, _: &mut Child) {
        use rustix::process::{Signal, kill_process, kill_process_group};
        /// How often the list of processes is read again: members may make new ones while it is.
        const ROUNDS: usize = 100;
        let Some(leader) = self.leader else { return };
        let _ = kill_process_group(leader, Signal::KILL);
        for _ in 0..ROUNDS {
            let others: Vec<_> = self.members().into_iter().filter(|member| *member != leader).collect();
            if others.is_empty() {
                return;
            }
            for member in others {
                let _ = kill_process(member, Signal::KILL);
            }
        }
    }

    /// Living processes of the leader's session, and those that left it but carry the marker.
    #[cfg(target_os = "linux")]
    fn members(&self) -> Vec<rustix::process::Pid> {
        let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
        let number = |entry: std::io::Result<std::fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse::<i32>().ok();
        processes
            .filter_map(number)
            .filter(|id| self.is_member(*id))
            .filter_map(rustix::process::Pid::from_raw)
            .collect()
    }

    #[cfg(not(target_os = "linux"))]
    fn members(&self) -> Vec<rustix::process::Pid> {
        Vec::new()
    }

    #[cfg(target_os = "linux")]
    fn is_member(&self, id: i32) -> bool {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{id}/stat")) else { return false };
        // After the name in parentheses: state, parent, group, session (proc(5)).
        let Some((_, fields)) = stat.rsplit_once(')') else { return false };
        let mut fields = fields.split_whitespace();
        let (state, session) = (fields.next(), fields.nth(2).and_then(|session| session.parse::<i32>().ok()));
        if matches!(state, Some("Z" | "X")) {
            return false;
        }
        session.is_some_and(|session| Some(session) == self.leader.map(|leader| leader.as_raw_nonzero().get()))
            || std::fs::read(format!("/proc/{id}/environ"))
                .is_ok_and(|variables| variables.split(|byte| *byte == 0).any(|variable| variable == self.marker))
    }
}

#[cfg(not(unix))]
struct Family;

#[cfg(not(unix))]
impl Family {
    fn new(_: &Child, _: &str) -> Family {
        Family
    }

    fn report_exit(&self, _: Sender<Event>) {}

    fn count(&self) -> usize {
        0
    }

    fn kill(&self, child: &mut Child) {
        let _ = child.kill();
    }
}
