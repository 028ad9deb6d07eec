//! The data of a store: one context per module, the current call, the account of memory.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

use marine_manifest::{LogFilter, LogLevel};
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;

use super::files::Quotas;
use super::http::{Trust, WasiRequests};
use super::keyvalue::Stores;
use super::output::Capture;
use super::poll::Ends;
use super::reach::{Place, Reach};
use super::seat::Seat;
use crate::cancel::CancelToken;
use crate::engine::lock;
use crate::link::MemoryTag;
use crate::logs::{LogBudget, LogRecord, LogSink, cut};
use crate::params::CallParameters;
use crate::tree::TempTree;
use crate::vault::Vault;

/// Linear memories of one store.
const MAX_MEMORIES: usize = 256;

/// The data of one store.
pub(crate) struct State {
    pub(crate) shared: Arc<HostShared>,
    pub(crate) modules: Vec<ModuleState>,
    pub(crate) call: CallContext,
    pub(crate) limiter: Limiter,
}

/// What the modules of a service share.
pub(crate) struct HostShared {
    pub(crate) stores: Stores,
    pub(crate) trust: Trust,
}

/// What one module of an instance has.
pub(crate) struct ModuleState {
    pub(crate) wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) log: ModuleLog,
    pub(crate) denials: Denials,
    pub(crate) http: WasiRequests,
    pub(crate) places: Vec<Place>,
    pub(crate) quotas: Quotas,
    /// Present if the module sees vaults.
    pub(crate) seat: Option<Seat>,
    pub(crate) stdout: Capture,
    pub(crate) stderr: Capture,
    /// Scratch directories, removed with the instance.
    pub(crate) _scratch: Vec<TempTree>,
}

impl ModuleState {
    /// Lets the module see `vault`, if it sees vaults at all.
    pub(crate) fn enter(&mut self, vault: &Vault) -> wasmtime::Result<()> {
        let ModuleState { table, quotas, places, seat, .. } = self;
        seat.as_mut().map_or(Ok(()), |seat| seat.enter(vault, table, quotas, places))
    }
}

/// The call being served.
pub(crate) struct CallContext {
    pub(crate) params: Arc<CallParameters>,
    pub(crate) id: Arc<str>,
    pub(crate) deadline: Instant,
    pub(crate) cancel: Option<CancelToken>,
}

impl CallContext {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(CancelToken::is_cancelled)
    }

    /// When waiting for something is given up.
    pub(crate) fn ends(&self) -> Ends {
        Ends { deadline: self.deadline, cancel: self.cancel.clone() }
    }
}

/// What a module may reach, and the record of what it was refused. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Denials {
    pub(crate) reach: Arc<Reach>,
    pub(crate) log: ModuleLog,
    pub(crate) counter: Arc<AtomicU64>,
}

impl Denials {
    /// Notes that the module was refused `what`, and says which line of the manifest would grant it.
    pub(crate) fn deny(&self, what: fmt::Arguments<'_>, line: &str) -> String {
        self.count();
        let module = &self.log.module;
        let text = format!(
            "`{module}` is not granted {what}; to grant it add to the module `{module}` of Marine.toml: {line}"
        );
        self.log.write(LogLevel::Warn, "grants", 0, text.clone());
        text
    }

    pub(crate) fn count(&self) {
        self.counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Writes records of one module: stamps, filters, bounds. Clones share the bound.
#[derive(Clone)]
pub(crate) struct ModuleLog {
    pub(crate) service: Arc<str>,
    pub(crate) module: Arc<str>,
    pub(crate) filter: Arc<LogFilter>,
    pub(crate) mask: u32,
    pub(crate) sink: Option<LogSink>,
    pub(crate) budget: Arc<Mutex<LogBudget>>,
}

impl ModuleLog {
    pub(crate) fn write(&self, level: LogLevel, target: &str, bits: u32, message: String) {
        let Some(sink) = &self.sink else { return };
        let wanted = level <= self.filter.of(target) && level != LogLevel::Off;
        if !wanted || (bits != 0 && bits & self.mask == 0) {
            return;
        }
        let (target, message) = (cut(target.to_owned()), cut(message));
        if !lock(&self.budget).take(target.len() + message.len() + 1, Instant::now()) {
            return;
        }
        let (service, module) = (self.service.clone(), self.module.clone());
        sink(LogRecord { time: SystemTime::now(), service, module, level, target, message });
    }
}

/// Bounds what the core modules of one store may have together, and each by itself.
#[derive(Debug)]
pub(crate) struct Limiter {
    max_memory: usize,
    max_table: usize,
    memory: usize,
    peak: usize,
    table: usize,
    tags: Arc<[MemoryTag]>,
    modules: Vec<Memory>,
    refused: Option<Refusal>,
    changed: bool,
}

/// Bytes of memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) now: usize,
    pub(crate) peak: usize,
}

/// Memory that was asked for and not given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    /// The module that asked, if that is known.
    pub(crate) module: Option<usize>,
    /// Bytes wanted in the end.
    pub(crate) asked: u64,
    /// The bound that was in the way, in bytes.
    pub(crate) limit: u64,
}

impl Limiter {
    pub(crate) fn new(max_memory: u64, max_table: u32, tags: Arc<[MemoryTag]>, modules: usize) -> Limiter {
        let max_memory = usize::try_from(max_memory).unwrap_or(usize::MAX);
        let (modules, max_table) = (vec![Memory::default(); modules], max_table as usize);
        let (memory, peak, table) = (0, 0, 0);
        Limiter { max_memory, max_table, memory, peak, table, tags, modules, refused: None, changed: true }
    }

    /// Bytes of all linear memories.
    pub(crate) fn memory(&self) -> Memory {
        Memory { now: self.memory, peak: self.peak }
    }

    /// The same per module.
    pub(crate) fn modules(&self) -> &[Memory] {
        &self.modules
    }

    /// Whether a memory grew since this was asked before.
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// The last refusal since this was asked before.
    pub(crate) fn take_refusal(&mut self) -> Option<Refusal> {
        self.refused.take()
    }

    fn refuse(&mut self, module: Option<usize>, asked: usize, limit: usize) -> wasmtime::Result<bool> {
        self.refused = Some(Refusal { module, asked: asked as u64, limit: limit as u64 });
        Ok(false)
    }
}

impl ResourceLimiter for Limiter {
    /// Each memory reserves address space, of which a process has only so much.
    fn memories(&self) -> usize {
        MAX_MEMORIES
    }

    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let tag = self.tags.iter().find(|tag| Some(tag.maximum) == maximum).copied();
        let module = tag.map(|tag| tag.module);
        let total = self.memory.saturating_sub(current).saturating_add(desired);
        let cap = tag.map(|tag| tag.cap).or(maximum);
        if let Some(cap) = cap.filter(|cap| desired > *cap) {
            return self.refuse(module, desired, cap);
        }
        if total > self.max_memory {
            return self.refuse(module, total, self.max_memory);
        }
        self.memory = total;
        self.peak = self.peak.max(total);
        self.changed = true;
        if let Some(account) = module.and_then(|module| self.modules.get_mut(module)) {
            account.now = account.now.saturating_sub(current).saturating_add(desired);
            account.peak = account.peak.max(account.now);
        }
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.table.saturating_sub(current).saturating_add(desired);
        if total > self.max_table || maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.table = total;
        Ok(true)
    }
}
