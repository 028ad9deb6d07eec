//! A library with start-up code, written without `module_manifest!`.

use std::sync::atomic::{AtomicU32, Ordering};

use marine_sdk::{log, marine};

static STARTS: AtomicU32 = AtomicU32::new(0);

/// Where it may be told how to break down.
const ORDERS: &str = "/orders/start";

/// Runs once, before any call. Fails if the variable says so, breaks down as the file says.
#[marine(init)]
fn start() -> Result<(), String> {
    STARTS.fetch_add(1, Ordering::Relaxed);
    log::info!("started");
    if let Ok(order) = std::fs::read_to_string(ORDERS) {
        break_down(&order);
    }
    match std::env::var("FAIL") {
        Ok(reason) => Err(reason),
        Err(_) => Ok(()),
    }
}

fn break_down(order: &str) {
    match order {
        "panic" => panic!("as ordered"),
        "exit" => std::process::exit(3),
        "loop" => loop {
            std::hint::spin_loop();
        },
        "sleep" => std::thread::sleep(std::time::Duration::from_secs(3600)),
        "recurse" => drop(recurse(0)),
        "hoard" => {
            let mut all: Vec<Vec<u8>> = Vec::new();
            loop {
                all.push(vec![1; 1 << 20]);
            }
        }
        _ => {}
    }
}

#[expect(unconditional_recursion)]
fn recurse(level: u64) -> u64 {
    let here = [level; 16];
    recurse(std::hint::black_box(&here)[3] + 1) + here[5]
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
