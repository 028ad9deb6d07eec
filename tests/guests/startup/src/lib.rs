//! A library with start-up code, written without `module_manifest!`.

use std::sync::atomic::{AtomicU32, Ordering};

use marine_sdk::{log, marine};

static STARTS: AtomicU32 = AtomicU32::new(0);

/// Runs once, before any call. Fails if the variable says so.
#[marine(init)]
fn start() -> Result<(), String> {
    STARTS.fetch_add(1, Ordering::Relaxed);
    log::info!("started");
    match std::env::var("FAIL") {
        Ok(reason) => Err(reason),
        Err(_) => Ok(()),
    }
}

/// How often this instance was started.
#[marine]
fn starts() -> u32 {
    STARTS.load(Ordering::Relaxed)
}

/// Counts its calls: statics live as long as the instance.
#[marine]
fn count() -> u32 {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    CALLS.fetch_add(1, Ordering::Relaxed) + 1
}
