//! [`ToolchainError`]: why there is no toolchain, what was tried, and the one command to run.

use std::path::PathBuf;
use std::{fmt, io};

use super::TARGET;
use super::options::Way;

/// Why no toolchain for the Wasm target could be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolchainError {
    /// No way worked.
    #[error("error[M202]: no Rust toolchain for {TARGET}\n{}help: {remedy}", listed(.tried))]
    Missing {
        /// All ways that were tried, with their output.
        tried: Vec<Attempt>,
        /// One command, and nothing else to think about.
        remedy: String,
    },
    /// The compiler cannot build the SDK.
    #[error("error[M202]: {found} is too old, modules need at least {oldest}\nhelp: run `rustup update stable`")]
    TooOld {
        /// The compiler's version line.
        found: String,
        /// The oldest version that will do.
        oldest: semver::Version,
    },
    /// An environment variable holds something else than what it may.
    #[error("`{name}` is `{value}`, which is none of its values\nhelp: {}", values(.name))]
    Variable {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
    },
    /// The cache directory cannot be used.
    #[error("cannot lock {}: {cause}\nhelp: make the directory writable, or set `MARINE_CACHE_DIR`", .path.display())]
    Lock {
        /// The file that processes take turns by.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// No cache directory is known.
    #[error("cannot find your home directory, and with it a place for sysroots\nhelp: set `MARINE_CACHE_DIR`")]
    NoHome,
}

/// One way that was tried, and why it did not work.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The way.
    pub way: Way,
    /// The reason, with the output of what was run.
    pub reason: String,
}

impl Attempt {
    pub(super) fn new(way: Way, reason: impl Into<String>) -> Self {
        Self { way, reason: reason.into() }
    }
}

fn listed(tried: &[Attempt]) -> Listed<'_> {
    Listed(tried)
}

struct Listed<'a>(&'a [Attempt]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|attempt| {
            let reason = attempt.reason.trim_end().replace('\n', "\n      ");
            writeln!(f, "  {}: {reason}", attempt.way)
        })
    }
}

fn values(variable: &str) -> &'static str {
    match variable {
        "MARINE_PROVISION" => "use `auto` or `never`",
        _ => "use `auto`, `installed`, `cached`, `rustup` or `distribution`",
    }
}
