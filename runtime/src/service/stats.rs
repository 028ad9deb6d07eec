//! What a service did so far.

use std::time::Duration;

/// Figures of one service since it was built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceStats {
    /// Calls from outside, answered or not.
    pub calls: u64,
    /// Calls without a result; errors that the service itself answered count as results.
    pub failures: u64,
    /// How often an instance was made.
    pub instances: u64,
    /// How often an instance was lost to a trap, time-out or lack of memory.
    pub restarts: u64,
    /// Bytes of all linear memories now.
    pub memory: u64,
    /// The most bytes that all linear memories had.
    pub memory_peak: u64,
    /// Calls that wait now.
    pub waiting: usize,
    /// Log records dropped for coming too fast.
    pub dropped_records: u64,
    /// Figures per module.
    pub modules: Vec<ModuleStats>,
}

/// Figures of one module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModuleStats {
    /// Its name.
    pub name: String,
    /// Its functions that were called from outside.
    pub functions: Vec<FunctionStats>,
}

/// Figures of one function, called from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FunctionStats {
    /// Its name, in snake_case.
    pub name: String,
    /// How often it was called.
    pub calls: u64,
    /// How often it had no result.
    pub failures: u64,
    /// Time of all calls together, waiting excluded.
    pub total: Duration,
    /// Time of the last call.
    pub last: Duration,
    /// Time of the longest call.
    pub longest: Duration,
}

/// The running account of one function.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    calls: u64,
    failures: u64,
    total: Duration,
    last: Duration,
    longest: Duration,
}

impl Account {
    pub(crate) fn add(&mut self, time: Duration, failed: bool) {
        self.calls += 1;
        self.failures += u64::from(failed);
        self.total += time;
        self.last = time;
        self.longest = self.longest.max(time);
    }

    pub(crate) fn was_called(&self) -> bool {
        self.calls > 0
    }

    pub(crate) fn stats(&self, name: &str) -> FunctionStats {
        let Account { calls, failures, total, last, longest } = *self;
        FunctionStats { name: name.to_owned(), calls, failures, total, last, longest }
    }

    pub(crate) fn calls(&self) -> (u64, u64) {
        (self.calls, self.failures)
    }
}
