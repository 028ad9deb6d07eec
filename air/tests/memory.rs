//! What an execution holds, and what it copies: counted by the allocator, so the same on every machine.
//!
//! `cargo test -p marine-air --test memory -- --nocapture` prints the figures.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking, and these print figures")]

#[allow(dead_code, reason = "the benches use the rest")]
#[path = "../benches/fixtures/mod.rs"]
mod fixtures;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use fixtures::{all_data, key, particle, resolve_each, resolve_together, setup};
use marine_air::{CallResult, Data, Execution, Limits, Setup, Value};

/// Counts, per thread, what the tests allocate.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// From this size on a block is called large.
const LARGE: usize = 900_000;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
    static LARGE_BLOCKS: Cell<usize> = const { Cell::new(0) };
}

/// SAFETY: all blocks come from and go back to the system's allocator; counting touches none.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.get().wrapping_add(layout.size());
        LIVE.set(live);
        PEAK.set(PEAK.get().max(live));
        LARGE_BLOCKS.set(LARGE_BLOCKS.get() + usize::from(layout.size() >= LARGE));
        // SAFETY: the caller keeps the contract of the trait.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get().wrapping_sub(layout.size()));
        // SAFETY: the block comes from `alloc`.
        unsafe { System.dealloc(block, layout) }
    }
}

#[derive(Debug)]
struct Usage {
    /// Bytes that are held at the end, and were not at the beginning.
    held: usize,
    /// The most that was held on the way.
    peak: usize,
    /// Large blocks that were allocated.
    large: usize,
}

fn measured<T>(work: impl FnOnce() -> T) -> (T, Usage) {
    let (live, large) = (LIVE.get(), LARGE_BLOCKS.get());
    PEAK.set(live);
    let result = work();
    let held = LIVE.get().wrapping_sub(live);
    (result, Usage { held, peak: PEAK.get() - live, large: LARGE_BLOCKS.get() - large })
}

/// Scripts and particles, which executions share, are not counted.
fn shared_setup(script: &str, me: u8) -> Setup {
    let setup = setup(particle(script), me);
    // What is worked out once in a process.
    drop(Execution::new(setup.clone(), [], None).unwrap());
    setup
}

#[test]
fn an_execution_of_nothing_is_small() {
    let setup = shared_setup("(null)", 1);
    let (_execution, usage) = measured(|| Execution::new(setup, [], None).unwrap().0);
    println!("null execution: {} bytes", usage.held);
    assert!(usage.held < 16 * 1024, "{usage:?}");
}

#[test]
fn what_waits_is_small() {
    let count = 4096;
    let script = (0..count).fold("(never)".to_owned(), |inner, _| format!("(par (never) {inner})"));
    let setup = shared_setup(&script, 1);
    let (execution, usage) = measured(|| Execution::new(setup, [], None).unwrap().0);
    let live = execution.view().waiting();
    println!("live activation: {} bytes", usage.held / live);
    assert!(live == 2 * count + 1 && usage.held / live < 160, "{usage:?}");
}

/// Calls that have settled, in sequence and at once; without outputs, and with.
#[test]
fn what_has_settled_is_let_go() {
    let count = 4096;
    for (name, run) in [("seq", resolve_each as fn(Setup) -> Execution), ("par", resolve_together)] {
        for output in ["", "x"] {
            let call = |n| {
                format!(
                    r#"(call "{}" ("s" "f") [] {output}{})"#,
                    key(1).peer_id(),
                    if output.is_empty() { String::new() } else { n }
                )
            };
            let script = (0..count)
                .fold("(null)".to_owned(), |inner, n: usize| format!("({name} {} {inner})", call(n.to_string())));
            let setup = shared_setup(&script, 1);
            let (execution, usage) = measured(|| run(setup));
            let encoded: usize = execution.view().entries().map(|entry| entry.entry.encode().len()).sum();
            let each = (usage.held - encoded) / count;
            println!(
                "settled call in {name}, output `{output}`: {each} bytes besides the {} of its entry",
                encoded / count
            );
            assert_eq!(execution.view().waiting(), 0);
            // A value and the variable that holds it come on top.
            assert!(each < if output.is_empty() { 200 } else { 600 }, "{usage:?}");
        }
    }
}

/// Of the iterations of a fold that is over their names and elements are kept, not what was set in them.
#[test]
fn iterations_that_are_over_take_little() {
    let count = 4000;
    let peer = key(1).peer_id();
    let script = format!(
        r#"(seq (call "{peer}" ("s" "list") [] xs) (seq (fold xs x (seq (ap x y) (next x))) (call "{peer}" ("s" "f") [])))"#
    );
    let setup = shared_setup(&script, 1);
    let list = Value::array((0..count as u64).map(Value::from));
    let (mut execution, effects) = Execution::new(setup, [], None).unwrap();
    let (_, usage) = measured(|| execution.resolve(effects.requests[0].id, CallResult::Ok(list)).unwrap());
    let each = usage.held / count;
    println!("iteration that is over: {each} bytes");
    assert!(each < 400, "{usage:?}");
}

/// A large value travels on, and each peer on the way hands it to a call.
#[test]
fn a_large_value_is_copied_once_per_hop() {
    let hops = 10;
    let large = Value::array((0..1024).map(|n| Value::from(format!("{n:01024}"))));
    let size = large.encode().len();
    let call = |hop: u8, arg: &str| format!(r#"(call "{}" ("s" "f") [{arg}] x{hop})"#, key(hop).peer_id());
    let script = (2..=hops).rev().fold("(null)".to_owned(), |inner, hop| format!("(seq {} {inner})", call(hop, "x1")));
    let first = setup(particle(&format!("(seq {} {script})", call(1, ""))), 1);
    let (mut execution, effects) = Execution::new(first.clone(), [], None).unwrap();
    execution.resolve(effects.requests[0].id, CallResult::Ok(large)).unwrap();
    let mut message = all_data(&mut execution, 1).encode();
    drop(execution);
    for hop in 2..=hops {
        let setup = Setup { me: Some(key(hop).peer_id()), ..first.clone() };
        let limits = Limits::default();
        assert_eq!(Data::decode_owned(message.clone(), &limits).unwrap(), Data::decode(&message, &limits).unwrap());
        let received = message;
        let (next, usage) = measured(|| {
            let data = Data::decode_owned(received, &Limits::default()).unwrap();
            let (mut execution, effects) = Execution::new(setup, [], Some(data)).unwrap();
            execution.resolve(effects.requests[0].id, CallResult::Ok(Value::from(1))).unwrap();
            all_data(&mut execution, hop).encode()
        });
        message = next;
        println!(
            "hop {hop}: {} large blocks, peak {:.1} times the value",
            usage.large,
            usage.peak as f64 / size as f64
        );
        assert!(usage.large <= 1 && usage.peak < 4 * size, "{usage:?}");
    }
}
