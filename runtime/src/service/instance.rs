//! One running copy of a service: a store with the instantiated component. After a trap it is of no use any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::{Func, ResourceTable};
use wasmtime::{Store, UpdateDeadline};

use super::code::Code;
use super::error::StartError;
use super::failure::{Circumstances, Failure};
use super::grants::Endowment;
use super::shared::Shared;
use crate::engine::TICK;
use crate::host::{CallContext, Capture, Limiter, ModuleLog, ModuleState, State, TimedOut};
use crate::params::CallParameters;

/// What takes over one value costs in host memory, per byte of its JSON text.
const HOST_BYTES_PER_TEXT_BYTE: u64 = 16;
/// The least data that a guest may pass to the host at once, in bytes of host memory.
const LEAST_HOST_BYTES: u64 = 1024 * 1024;
/// Files, directories, streams and timers that one module may hold at once; open files are scarce in a process.
const MAX_RESOURCES: usize = 256;

pub(crate) struct Instance {
    store: Store<State>,
    instance: wasmtime::component::Instance,
    code: Arc<Code>,
    /// Per module, the functions that were called before.
    functions: Vec<Vec<Option<Func>>>,
}

impl Instance {
    /// Makes an instance and runs its start-up code.
    pub(crate) fn start(shared: &Shared) -> Result<Instance, StartError> {
        let limits = shared.plan.limits();
        let context = CallContext {
            params: shared.no_params.clone(),
            id: shared.no_call.clone(),
            deadline: Instant::now() + limits.startup,
        };
        let modules = shared.endowments.iter().map(|endowment| module_state(shared, endowment));
        let modules = modules.collect::<Result<Vec<_>, _>>()?;
        let limiter = Limiter::new(limits.memory, limits.table);
        let mut store = Store::new(shared.plan.engine().wasmtime(), State { modules, call: context, limiter });
        store.limiter(|state| &mut state.limiter);
        let host_bytes = limits.result.saturating_mul(HOST_BYTES_PER_TEXT_BYTE).max(LEAST_HOST_BYTES);
        store.set_hostcall_fuel(usize::try_from(host_bytes).unwrap_or(usize::MAX));
        store.epoch_deadline_callback(|store| {
            let left = store.data().call.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() { Err(TimedOut.into()) } else { Ok(UpdateDeadline::Continue(ticks(left))) }
        });
        store.set_epoch_deadline(ticks(limits.startup));
        let started = {
            let _running = shared.plan.engine().ticker().enter();
            shared.code.pre.instantiate(&mut store)
        };
        match started {
            Ok(instance) => {
                finish_output(&store);
                let functions = shared.code.modules.iter().map(|module| vec![None; module.functions.len()]).collect();
                Ok(Instance { store, instance, code: shared.code.clone(), functions })
            }
            Err(error) => Err(start_error(shared, &error, &mut store)),
        }
    }

    /// Prepares for one call.
    pub(crate) fn begin(&mut self, params: Arc<CallParameters>, id: Arc<str>, deadline: Instant) {
        self.store.data_mut().call = CallContext { params, id, deadline };
        self.store.set_epoch_deadline(ticks(deadline.saturating_duration_since(Instant::now())));
    }

    /// The store and a function of it.
    pub(crate) fn function(&mut self, module: usize, function: usize) -> Option<(&mut Store<State>, Func)> {
        let known = self.functions.get_mut(module)?.get_mut(function)?;
        if known.is_none() {
            let index = &self.code.modules.get(module)?.functions.get(function)?.index;
            *known = self.instance.get_func(&mut self.store, index);
        }
        let func = (*known)?;
        Some((&mut self.store, func))
    }

    /// Ends one call that returned.
    pub(crate) fn end(&self) {
        finish_output(&self.store);
    }

    /// Explains why a call did not return.
    pub(crate) fn explain(&mut self, called: (String, String), error: &wasmtime::Error) -> Failure {
        explain(&mut self.store, called, error)
    }

    /// Bytes of all memories now and at most.
    pub(crate) fn memory(&self) -> (usize, usize) {
        self.store.data().limiter.memory()
    }
}

fn module_state(shared: &Shared, endowment: &Endowment) -> Result<ModuleState, StartError> {
    let log = ModuleLog {
        service: shared.identity.id.clone(),
        module: endowment.module.clone(),
        level: endowment.log,
        sink: shared.sink.clone(),
        budget: shared.log_budget.clone(),
    };
    let stdout = Capture::new(log.clone(), "stdout", marine_manifest::LogLevel::Info);
    let stderr = Capture::new(log.clone(), "stderr", marine_manifest::LogLevel::Warn);
    let (wasi, scratch) = endowment.context(&shared.identity.id, &stdout, &stderr)?;
    let mut table = ResourceTable::new();
    table.set_max_capacity(MAX_RESOURCES.saturating_add(endowment.directories()));
    Ok(ModuleState { wasi, table, log, stdout, stderr, _scratch: scratch })
}

/// Epochs until `left` has certainly passed.
fn ticks(left: Duration) -> u64 {
    u64::try_from(left.as_nanos() / TICK.as_nanos()).unwrap_or(u64::MAX / 2).saturating_add(2)
}

fn finish_output(store: &Store<State>) {
    for module in &store.data().modules {
        module.stdout.finish();
        module.stderr.finish();
    }
}

fn explain(store: &mut Store<State>, called: (String, String), error: &wasmtime::Error) -> Failure {
    let state = store.data_mut();
    let refusal = state.limiter.take_refusal();
    let stderr = state.modules.iter().map(|module| {
        module.stdout.finish();
        (module.log.module.clone(), module.stderr.finish())
    });
    Failure::new(error, Circumstances { called, stderr: stderr.collect(), refusal })
}

fn start_error(shared: &Shared, error: &wasmtime::Error, store: &mut Store<State>) -> StartError {
    let service = shared.plan.name().to_owned();
    let called = (shared.plan.facade().name().to_owned(), "start-up".to_owned());
    let is_trap = error.is::<wasmtime::Trap>() || error.is::<wasmtime::WasmBacktrace>();
    match explain(store, called, error) {
        Failure::Timeout => StartError::Timeout { service, limit: shared.plan.limits().startup },
        Failure::OutOfMemory { module, refusal } => {
            let (asked, limit) = (refusal.asked, refusal.limit);
            let cause = format!("`{module}` asked for {asked} bytes of memory, the limit is {limit} bytes");
            StartError::Refused { service, cause }
        }
        Failure::Trap(trap) if is_trap => StartError::Trap { service, trap: Box::new(trap) },
        Failure::Trap(_) | Failure::TooLarge => StartError::Refused { service, cause: format!("{error:#}") },
    }
}
