//! What the ways have in common: programs on the given `PATH`, run to their end for their output.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{Options, TARGET};
use crate::command::{clean_command, run, shown};

/// A command for `program`, a path or a name on the options' `PATH`, with an environment free of an outer build.
pub(super) fn command(program: impl AsRef<OsStr>, options: &Options) -> Command {
    clean_command(Path::new(program.as_ref()), &options.path)
}

/// Runs `command` to its end and gives its standard output.
///
/// Fails with the command line, how it ended and the last lines it wrote; also after `limit`.
pub(super) fn capture(command: Command, limit: Duration) -> Result<String, String> {
    let line = shown(&command);
    let finished = run(command, limit).map_err(|error| format!("cannot run `{line}`: {error}"))?;
    if finished.success() { Ok(finished.stdout) } else { Err(format!("`{line}`: {}", finished.failure(limit))) }
}

/// Cargo's variable for a setting of the Wasm target alone.
pub(super) fn scoped(setting: &str) -> String {
    format!("CARGO_TARGET_{}_{setting}", TARGET.to_uppercase().replace('-', "_"))
}
