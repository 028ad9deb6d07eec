//! `rustup target add`.

use std::time::Duration;

use super::command::{capture, command};
use super::{Options, TARGET};

/// Rustup only looks at its own files.
const QUERY_LIMIT: Duration = Duration::from_secs(20);

/// The component is some 20 MB. A server that cannot be reached must not hold up the other ways for long.
const ADD_LIMIT: Duration = Duration::from_secs(90);

/// Adds the target to the active toolchain, if rustup manages it.
pub(super) fn add_target(options: &Options, announce: &mut dyn FnMut(&str)) -> Result<(), String> {
    // Before anything is announced.
    active_toolchain(options)?;
    announce(&format!("adding the Rust target {TARGET}: `rustup target add {TARGET}` (some seconds)"));
    let mut add = command("rustup", options);
    // Rather one of the other ways than minutes of retries.
    add.env("RUSTUP_MAX_RETRIES", "1").args(["target", "add", TARGET]);
    capture(add, ADD_LIMIT).map(drop)
}

/// Whether rustup manages the active toolchain.
pub(super) fn is_there(options: &Options) -> bool {
    active_toolchain(options).is_ok()
}

fn active_toolchain(options: &Options) -> Result<String, String> {
    let mut show = command("rustup", options);
    show.args(["show", "active-toolchain"]);
    capture(show, QUERY_LIMIT)
}
