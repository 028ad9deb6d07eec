//! A binary: `main` is its start-up code.

use std::sync::atomic::{AtomicU32, Ordering};

use marine_sdk::{WasmLoggerBuilder, log, marine, module_manifest};

module_manifest!();

static STARTS: AtomicU32 = AtomicU32::new(0);

fn main() {
    WasmLoggerBuilder::new().build().unwrap();
    log::info!("main runs");
    STARTS.fetch_add(1, Ordering::Relaxed);
    println!("to standard output");
}

/// How often this instance was started.
#[marine]
pub fn starts() -> u32 {
    STARTS.load(Ordering::Relaxed)
}
