//! The Wasm target, as commands need it: provided, with progress, or an error with the right exit code.

use marine_build::toolchain::{self, Options, Status, TARGET, Toolchain, ToolchainError};

use crate::exit::{Exit, Failure, Outcome};
use crate::ui::Progress;

/// Finds the target or provides it, telling of every change before it is made.
pub(crate) fn provision(progress: &Progress) -> Outcome<Toolchain> {
    toolchain::provision(&options()?, &mut |step| progress.line(format_args!("      {step}"))).map_err(failure)
}

/// What [`provision`] would start from.
pub(crate) fn status() -> Outcome<Status> {
    Ok(toolchain::status(&options()?))
}

/// How a toolchain is described to users.
pub(crate) fn describe(toolchain: &Toolchain) -> String {
    format!("{TARGET} for {}, by {}", toolchain.rustc_version(), toolchain.way)
}

fn options() -> Outcome<Options> {
    Options::from_env().map_err(failure)
}

/// Everything that keeps us from a toolchain is a missing tool; the error's own text says which and what to do.
fn failure(error: ToolchainError) -> Failure {
    Failure { exit: Exit::Tool, error: error.into(), help: None }
}
