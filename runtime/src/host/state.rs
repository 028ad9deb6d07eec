//! The data of a store: one context per module, the current call, the account of memory.

use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

use marine_manifest::LogLevel;
use tempfile::TempDir;
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;

use super::output::Capture;
use crate::engine::lock;
use crate::logs::{LogBudget, LogRecord, LogSink, cut};
use crate::params::CallParameters;

/// Linear memories of one store.
const MAX_MEMORIES: usize = 256;

/// The data of one store.
pub(crate) struct State {
    pub(crate) modules: Vec<ModuleState>,
    pub(crate) call: CallContext,
    pub(crate) limiter: Limiter,
}

/// What one module of an instance has.
pub(crate) struct ModuleState {
    pub(crate) wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) log: ModuleLog,
    pub(crate) stdout: Capture,
    pub(crate) stderr: Capture,
    /// Scratch directories, removed with the instance.
    pub(crate) _scratch: Vec<TempDir>,
}

/// The call being served.
pub(crate) struct CallContext {
    pub(crate) params: Arc<CallParameters>,
    pub(crate) id: Arc<str>,
    pub(crate) deadline: Instant,
}

/// Writes records of one module: stamps, filters, bounds. Clones share the bound.
#[derive(Clone)]
pub(crate) struct ModuleLog {
    pub(crate) service: Arc<str>,
    pub(crate) module: Arc<str>,
    pub(crate) level: LogLevel,
    pub(crate) sink: Option<LogSink>,
    pub(crate) budget: Arc<Mutex<LogBudget>>,
}

impl ModuleLog {
    pub(crate) fn write(&self, level: LogLevel, target: &str, message: String) {
        let Some(sink) = &self.sink else { return };
        if level > self.level || level == LogLevel::Off {
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

/// Bounds what the core modules of one store may have together.
#[derive(Debug)]
pub(crate) struct Limiter {
    max_memory: usize,
    max_table: usize,
    memory: usize,
    peak: usize,
    table: usize,
    refused: Option<Refusal>,
}

/// Memory that was asked for and not given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    /// Bytes wanted in the end.
    pub(crate) asked: u64,
    /// The bound that was in the way, in bytes.
    pub(crate) limit: u64,
}

impl Limiter {
    pub(crate) fn new(max_memory: u64, max_table: u32) -> Limiter {
        let max_memory = usize::try_from(max_memory).unwrap_or(usize::MAX);
        Limiter { max_memory, max_table: max_table as usize, memory: 0, peak: 0, table: 0, refused: None }
    }

    /// Bytes of all linear memories now and at most.
    pub(crate) fn memory(&self) -> (usize, usize) {
        (self.memory, self.peak)
    }

    /// The last refusal since this was asked before.
    pub(crate) fn take_refusal(&mut self) -> Option<Refusal> {
        self.refused.take()
    }

    fn refuse(&mut self, asked: usize, limit: usize) -> wasmtime::Result<bool> {
        self.refused = Some(Refusal { asked: asked as u64, limit: limit as u64 });
        Ok(false)
    }
}

impl ResourceLimiter for Limiter {
    /// Each memory reserves address space, of which a process has only so much.
    fn memories(&self) -> usize {
        MAX_MEMORIES
    }

    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_sub(current).saturating_add(desired);
        if let Some(maximum) = maximum.filter(|maximum| desired > *maximum) {
            return self.refuse(desired, maximum);
        }
        if total > self.max_memory {
            return self.refuse(total, self.max_memory);
        }
        self.memory = total;
        self.peak = self.peak.max(total);
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
