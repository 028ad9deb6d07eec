//! What a service did so far.

use std::collections::BTreeMap;
use std::time::Duration;

use super::code::Code;
use crate::host::Memory;

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
    /// How often an instance was lost to a trap, time-out, cancellation or lack of memory.
    pub restarts: u64,
    /// How often a guest trapped; part of `restarts`.
    pub traps: u64,
    /// Instances that there are now.
    pub live: usize,
    /// How often a module was refused what it is not granted.
    pub denials: u64,
    /// Bytes of all linear memories now, as of the last call of each instance.
    pub memory: u64,
    /// The most bytes that the linear memories of one instance had.
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
    /// Bytes of its linear memories now, in all instances together.
    pub memory: u64,
    /// The most bytes that its linear memories had in one instance.
    pub memory_peak: u64,
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

/// The running account of a service.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) accounts: Vec<Vec<Account>>,
    pub(crate) instances: u64,
    pub(crate) restarts: u64,
    pub(crate) traps: u64,
    memory_peak: u64,
    module_peaks: Vec<u64>,
    /// Per living instance, bytes per module and, last, of all.
    live: BTreeMap<u64, Vec<u64>>,
}

impl Figures {
    pub(crate) fn new(code: &Code) -> Figures {
        let accounts = code.modules.iter().map(|module| vec![Account::default(); module.functions.len()]).collect();
        Figures { accounts, module_peaks: vec![0; code.modules.len()], ..Figures::default() }
    }

    /// What the instance `id` has.
    pub(crate) fn note_memory(&mut self, id: u64, service: Memory, modules: &[Memory]) {
        self.memory_peak = self.memory_peak.max(service.peak as u64);
        for (known, memory) in self.module_peaks.iter_mut().zip(modules) {
            *known = (*known).max(memory.peak as u64);
        }
        let all = modules.iter().map(|memory| memory.now as u64).chain([service.now as u64]);
        self.live.insert(id, all.collect());
    }

    /// The instance `id` is gone.
    pub(crate) fn forget(&mut self, id: u64) {
        self.live.remove(&id);
    }

    /// What is known here; the rest is left empty.
    pub(crate) fn stats(&self, code: &Code) -> ServiceStats {
        let memory = |index: usize| self.live.values().filter_map(|of| of.get(index)).sum();
        let modules = code.modules.iter().enumerate().map(|(index, module)| {
            let called = module.functions.iter().zip(&self.accounts[index]).filter(|(_, account)| account.calls > 0);
            ModuleStats {
                name: module.name.to_string(),
                memory: memory(index),
                memory_peak: self.module_peaks[index],
                functions: called.map(|(function, account)| account.stats(&function.name)).collect(),
            }
        });
        let accounts = || self.accounts.iter().flatten();
        ServiceStats {
            calls: accounts().map(|account| account.calls).sum(),
            failures: accounts().map(|account| account.failures).sum(),
            instances: self.instances,
            restarts: self.restarts,
            traps: self.traps,
            live: self.live.len(),
            memory: memory(code.modules.len()),
            memory_peak: self.memory_peak,
            modules: modules.collect(),
            ..ServiceStats::default()
        }
    }
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

    fn stats(&self, name: &str) -> FunctionStats {
        let Account { calls, failures, total, last, longest } = *self;
        FunctionStats { name: name.to_owned(), calls, failures, total, last, longest }
    }
}
