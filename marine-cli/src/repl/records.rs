//! What modules log: kept for `logs`, and shown while a call runs.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use marine_manifest::LogLevel;
use marine_runtime::LogRecord;

use crate::ui::Ui;

/// How many records are kept.
const KEPT: usize = 2_000;

/// The records of a session. Clones are the same records.
#[derive(Clone)]
pub(super) struct Records(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
    ui: Ui,
}

struct State {
    records: VecDeque<LogRecord>,
    /// How many were ever kept: what the last one is numbered.
    count: u64,
    /// The least severe ones that are shown as they come.
    shown: LogLevel,
}

impl Records {
    pub(super) fn new(ui: Ui) -> Self {
        let state = State { records: VecDeque::new(), count: 0, shown: LogLevel::Trace };
        Self(Arc::new(Shared { state: Mutex::new(state), arrived: Condvar::new(), ui }))
    }

    /// Where the service's records go.
    pub(super) fn sink(&self) -> impl Fn(LogRecord) + Send + Sync + 'static {
        let this = self.clone();
        move |record| this.add(record)
    }

    /// Shows records of `level` and above as they come; the manifest decides which come at all.
    pub(super) fn show(&self, level: LogLevel) {
        self.state().shown = level;
    }

    pub(super) fn shown(&self) -> LogLevel {
        self.state().shown
    }

    /// What is kept of `level` and above, oldest first, behind the record with that number; and the number of the last one.
    pub(super) fn behind(&self, number: u64, level: LogLevel) -> (Vec<LogRecord>, u64) {
        let state = self.state();
        let fresh = state.count.saturating_sub(number).min(state.records.len() as u64) as usize;
        let records = state.records.iter().skip(state.records.len() - fresh).filter(|record| record.level <= level);
        (records.cloned().collect(), state.count)
    }

    /// Waits until there is a record behind that number, or `patience` is over.
    pub(super) fn wait_behind(&self, number: u64, patience: Duration) {
        let state = self.state();
        if state.count == number {
            // Whether something arrived or the time is over, the caller looks itself.
            drop(self.0.arrived.wait_timeout(state, patience));
        }
    }

    fn add(&self, record: LogRecord) {
        let mut state = self.state();
        if record.level <= state.shown {
            self.0.ui.note(line(&record));
        }
        if state.records.len() == KEPT {
            state.records.pop_front();
        }
        state.records.push_back(record);
        state.count += 1;
        self.0.arrived.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Records are whole even if somebody panicked while adding one.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A record in one line.
pub(super) fn line(record: &LogRecord) -> String {
    format!("[{} {}] {}", record.module, record.level.as_str(), record.message)
}
