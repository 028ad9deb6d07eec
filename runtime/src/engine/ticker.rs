//! The clock that interrupts guests: advances the engine's epoch every millisecond while calls run, and sleeps when none do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Length of an epoch.
pub(crate) const TICK: Duration = Duration::from_millis(1);
/// How long the clock goes on after the last call, so that a busy service never wakes it.
const LINGER: Duration = Duration::from_millis(200);
/// The most epochs that are made up for at once, after the machine slept for example.
const MAX_CATCH_UP: u128 = 10_000;

pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    running: AtomicU64,
    entered: AtomicU64,
    asleep: AtomicBool,
    stop: AtomicBool,
}

/// While one of these exists, the clock runs.
pub(crate) struct Running<'a>(&'a Shared);

impl Ticker {
    pub(crate) fn start(engine: &wasmtime::Engine) -> std::io::Result<Ticker> {
        let shared = Arc::new(Shared::default());
        let (ticking, engine) = (shared.clone(), engine.clone());
        let thread = thread::Builder::new().name("marine-clock".to_owned()).spawn(move || tick(&engine, &ticking))?;
        Ok(Ticker { shared, thread })
    }

    pub(crate) fn enter(&self) -> Running<'_> {
        // Counted before `asleep` is read: the clock marks itself asleep before it reads the count, so one of the two notices.
        self.shared.running.fetch_add(1, SeqCst);
        self.shared.entered.fetch_add(1, SeqCst);
        if self.shared.asleep.load(SeqCst) {
            self.thread.thread().unpark();
        }
        Running(&self.shared)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stop.store(true, SeqCst);
        self.thread.thread().unpark();
    }
}

fn tick(engine: &wasmtime::Engine, shared: &Shared) {
    let mut last = Instant::now();
    let (mut seen, mut used) = (0, last);
    while !shared.stop.load(SeqCst) {
        thread::sleep(TICK);
        let now = Instant::now();
        let epochs = (now.saturating_duration_since(last).as_nanos() / TICK.as_nanos()).min(MAX_CATCH_UP);
        (0..epochs).for_each(|_| engine.increment_epoch());
        if epochs > 0 {
            last = now;
        }
        let entered = shared.entered.load(SeqCst);
        if entered != seen || shared.running.load(SeqCst) > 0 {
            (seen, used) = (entered, now);
        } else if now.saturating_duration_since(used) >= LINGER {
            sleep(shared);
            last = Instant::now();
            used = last;
        }
    }
}

fn sleep(shared: &Shared) {
    shared.asleep.store(true, SeqCst);
    while shared.running.load(SeqCst) == 0 && !shared.stop.load(SeqCst) {
        thread::park();
    }
    shared.asleep.store(false, SeqCst);
}
