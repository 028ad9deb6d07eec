//! Tells what it knows about the call it serves, and logs. Knows the SDK under another name.

use std::collections::HashMap;

use sdk::{CallParameters, SecurityTetraplet, WasmLoggerBuilder, log, marine};

sdk::module_manifest!("A. Author", "1.2.3-beta.1", "Says who calls.", "https://example.com/context");

/// The parameters of the call.
#[marine]
fn caller() -> CallParameters {
    sdk::get_call_parameters()
}

/// Where the first argument came from. Types of the SDK are interface types.
#[marine]
fn origin(_value: &str) -> Vec<SecurityTetraplet> {
    sdk::get_call_parameters().tetraplets.into_iter().next().unwrap_or_default()
}

/// Names the call.
#[marine]
fn call_name() -> String {
    sdk::call_id()
}

/// Records of every level.
#[marine]
fn speak(target: &str) {
    log::error!(target: target, "an error");
    log::warn!(target: target, "a warning");
    log::info!(target: target, "number {}", 1);
    log::debug!(target: target, "a detail");
    log::trace!(target: target, "a step");
}

/// Changes what is logged; can be done as often as one likes.
#[marine]
fn quiet(target: String) -> bool {
    WasmLoggerBuilder::new()
        .with_log_level(log::Level::Error)
        .filter(target, log::LevelFilter::Trace)
        .with_target_map(HashMap::from([("audit", 1 << 3)]))
        .build()
        .is_ok()
}

/// Whether a record of this level would be formatted.
#[marine]
fn formats(level: &str) -> bool {
    struct Spy<'a>(&'a std::cell::Cell<bool>);
    impl std::fmt::Display for Spy<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.set(true);
            f.write_str("spy")
        }
    }
    let formatted = std::cell::Cell::new(false);
    if let Ok(level) = level.parse() {
        log::log!(level, "{}", Spy(&formatted));
    }
    formatted.get()
}
