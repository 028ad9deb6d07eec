//! `marine:host/binaries`, bound to one module: programs of the host, run without a shell and within bounds.

mod confine;
mod policy;
mod process;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use marine_manifest::{LogLevel, Mode};
use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

use self::confine::Bounds;
use self::policy::excerpt;
use self::process::{End, Outcome};
use super::bindings::marine::host::binaries::MountedBinaryResult;
use super::reach::Program;
use super::state::State;
use crate::tree::TempTree;

const BY_SIGNAL: i32 = 100_000;
const NOT_STARTED: i32 = 100_001;
const REFUSED: i32 = 100_010;
const TIMED_OUT: i32 = 100_011;
const TOO_MUCH_OUTPUT: i32 = 100_012;
/// The longest list of arguments in a record, in bytes.
const SHOWN: usize = 200;
/// The variable by which the processes of a run are known.
const MARKER: &str = "MARINE_RUN";
/// Where records of runs come from.
const TARGET: &str = "binaries";

/// Defines the interface in `to` for the module at `index`.
pub(super) fn define(to: &mut LinkerInstance<'_, State>, index: usize) -> wasmtime::Result<()> {
    to.func_wrap("run", move |store: StoreContextMut<'_, State>, (name, args): (String, Vec<String>)| {
        Ok((run(store.data(), index, &name, &args),))
    })
}

fn run(state: &State, index: usize, name: &str, args: &[String]) -> MountedBinaryResult {
    let begun = Instant::now();
    let module = &state.modules[index];
    let Some(program) = module.denials.reach.programs.get(name) else {
        let asked = format!("the program {:?}", excerpt(name));
        let text = state.modules[index]
            .denials
            .deny(format_args!("{asked}"), &format!("binaries = {{ {name:?} = {name:?} }}"));
        return failed(REFUSED, text);
    };
    let result = match execute(state, index, program, args) {
        Ok(outcome) => describe(outcome),
        Err(Stop { code: REFUSED, why }) => {
            module.log.write(LogLevel::Warn, TARGET, 0, format!("{name}: {why}"));
            module.denials.count();
            failed(REFUSED, why)
        }
        Err(Stop { code, why }) => failed(code, why),
    };
    let mut shown = args.join(" ");
    shown.truncate(shown.floor_char_boundary(SHOWN));
    let MountedBinaryResult { ret_code, error, stdout, stderr } = &result;
    let error = if error.is_empty() { String::new() } else { format!(" ({error})") };
    let (ms, out, err) = (begun.elapsed().as_millis(), stdout.len(), stderr.len());
    let record = format!("{name} {shown}: code {ret_code}{error}, {ms} ms, {out} + {err} bytes");
    module.log.write(LogLevel::Info, TARGET, 0, record);
    result
}

/// Why a program did not run.
struct Stop {
    code: i32,
    why: String,
}

impl Stop {
    fn refused(why: impl Into<String>) -> Stop {
        Stop { code: REFUSED, why: why.into() }
    }

    fn not_started(why: impl std::fmt::Display) -> Stop {
        Stop { code: NOT_STARTED, why: why.to_string() }
    }
}

fn execute(state: &State, index: usize, program: &Program, args: &[String]) -> Result<Outcome, Stop> {
    let module = &state.modules[index];
    let grant = &program.grant;
    let args = policy::check(&grant.args, args, &module.places, &module.denials.reach.hosts).map_err(Stop::refused)?;
    if let Some(pinned) = &grant.blake3 {
        check_hash(&program.path, pinned)?;
    }
    let home = Home::of(state, index, grant.cwd.as_deref())?;
    let deadline = state.call.deadline.min(Instant::now() + grant.timeout);
    let bounds = bounds(state, index, grant.memory, deadline, &home);
    let marker = run_marker();
    let mut command = command(program, args, &home, &marker);
    let lacking = confine::confine(&mut command, &program.path, &bounds).map_err(Stop::not_started)?;
    if let Some(lacking) = lacking {
        say_once(state, index, lacking);
    }
    let is_cancelled = || state.call.is_cancelled();
    process::run(command, &format!("{MARKER}={marker}"), deadline, grant.max_output, &is_cancelled)
        .map_err(Stop::not_started)
}

fn command(program: &Program, args: Vec<OsString>, home: &Home, marker: &str) -> Command {
    let mut command = Command::new(&program.path);
    command.args(args).current_dir(home.path()).env_clear();
    command.env("LANG", "C.UTF-8").env("TZ", "UTC").env("HOME", home.path()).env("TMPDIR", home.path());
    command.envs(program.env.iter().map(|(name, value)| (name, value)));
    // By this a process is known as ours, whatever it does to its session.
    command.env(MARKER, marker);
    command
}

fn bounds(state: &State, index: usize, memory: u64, deadline: Instant, home: &Home) -> Bounds {
    let places = &state.modules[index].places;
    let of = |mode| places.iter().filter(move |place| place.mode == mode).map(|place| place.path.clone());
    let mut writable: Vec<PathBuf> = of(Mode::ReadWrite).collect();
    if let Home::Private(dir) = home {
        writable.push(dir.path().to_path_buf());
    }
    let time = deadline.saturating_duration_since(Instant::now());
    Bounds { time, memory, readable: of(Mode::ReadOnly).collect(), writable }
}

/// Where a program runs.
enum Home {
    /// A directory of its own, empty, and gone afterwards.
    Private(TempTree),
    /// A directory of the module.
    Granted(PathBuf),
}

impl Home {
    fn of(state: &State, index: usize, cwd: Option<&str>) -> Result<Home, Stop> {
        let Some(guest) = cwd else {
            let dir = TempTree::new("marine-run-");
            return dir.map(Home::Private).map_err(Stop::not_started);
        };
        let place = state.modules[index].places.iter().find(|place| place.guest == guest);
        let place =
            place.ok_or_else(|| Stop::refused(format!("its directory {guest} is not granted to the module")))?;
        Ok(Home::Granted(place.path.clone()))
    }

    fn path(&self) -> &Path {
        match self {
            Home::Private(dir) => dir.path(),
            Home::Granted(path) => path,
        }
    }
}

fn check_hash(path: &Path, pinned: &str) -> Result<(), Stop> {
    let mut hasher = blake3::Hasher::new();
    let file = std::fs::File::open(path).map_err(Stop::not_started)?;
    hasher.update_reader(file).map_err(Stop::not_started)?;
    let found = hasher.finalize().to_hex();
    if found.as_str() == pinned {
        return Ok(());
    }
    Err(Stop::refused(format!("{} has the hash {found}, not the granted {pinned}", path.display())))
}

/// A text that no other run has.
fn run_marker() -> String {
    static RUNS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let mut secret = [0; 16];
    // Without randomness a counter still tells the runs of this process apart.
    let _ = getrandom::fill(&mut secret);
    let number = RUNS.fetch_add(1, Ordering::Relaxed);
    format!("{}-{number}-{:032x}", std::process::id(), u128::from_le_bytes(secret))
}

fn say_once(state: &State, index: usize, text: &str) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        state.modules[index].log.write(LogLevel::Warn, TARGET, 0, text.to_owned());
    }
}

fn failed(ret_code: i32, error: String) -> MountedBinaryResult {
    MountedBinaryResult { ret_code, error, stdout: Vec::new(), stderr: Vec::new() }
}

fn describe(outcome: Outcome) -> MountedBinaryResult {
    let (ret_code, error) = match outcome.end {
        End::Exit(code) => (code, String::new()),
        End::Signal(signal) => (BY_SIGNAL, format!("ended by signal {signal}{}", signal_name(signal))),
        End::TooManyProcesses => (BY_SIGNAL, "killed: it made too many processes".to_owned()),
        End::Cancelled => (BY_SIGNAL, "killed: the call was cancelled".to_owned()),
        End::TimedOut => (TIMED_OUT, "killed: it did not end in time".to_owned()),
        End::TooMuchOutput => (TOO_MUCH_OUTPUT, "killed: it wrote too much".to_owned()),
    };
    MountedBinaryResult { ret_code, error, stdout: outcome.stdout, stderr: outcome.stderr }
}

/// The name of a signal that programs end by.
fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => " (illegal instruction)",
        6 => " (aborted)",
        8 => " (arithmetic error)",
        9 => " (killed)",
        11 => " (segmentation fault)",
        13 => " (broken pipe)",
        15 => " (terminated)",
        24 => " (processor time is used up)",
        25 => " (file too large)",
        _ => "",
    }
}
