//! One running copy of a service: a store with the instantiated component. After a trap it is of no use any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use marine_manifest::LogLevel;
use wasmtime::component::{Func, ResourceTable};
use wasmtime::{Store, UpdateDeadline};

use super::code::Code;
use super::error::StartError;
use super::failure::{Circumstances, Failure};
use super::grants::Endowment;
use super::shared::Shared;
use crate::cancel::CancelToken;
use crate::engine::TICK;
use crate::host::{
    CallContext, Cancelled, Capture, Denials, Limiter, Memory, ModuleLog, ModuleState, Place, Seat, State, TimedOut,
    WasiRequests,
};
use crate::vault::Vault;

/// What takes over one value costs in host memory, per byte of its JSON text.
const HOST_BYTES_PER_TEXT_BYTE: u64 = 16;
/// The least data that a guest may pass to the host at once, in bytes of host memory.
const LEAST_HOST_BYTES: u64 = 1024 * 1024;
/// Files, directories, streams and timers that one module may hold at once; open files are scarce in a process.
const MAX_RESOURCES: usize = 256;

/// How often a call that can be cancelled looks whether it was.
const CANCEL_TICKS: u64 = 5;

pub(crate) struct Instance {
    id: u64,
    store: Store<State>,
    instance: wasmtime::component::Instance,
    code: Arc<Code>,
    /// Per module, the functions that were called before.
    functions: Vec<Vec<Option<Func>>>,
    fuel: Option<u64>,
}

/// Why there is no instance for a call.
pub(crate) enum NoInstance {
    /// It could not be started.
    Failed(StartError),
    /// The call's time was over before.
    TimedOut,
    /// The call was cancelled before.
    Cancelled,
}

impl Instance {
    /// Makes an instance and runs its start-up code, within the time of the call that needs it, if there is one.
    pub(crate) fn start(
        shared: &Shared,
        call: Option<Instant>,
        cancel: Option<CancelToken>,
    ) -> Result<Instance, NoInstance> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let limits = shared.plan.limits();
        let own = Instant::now() + limits.startup;
        let deadline = call.map_or(own, |call| call.min(own));
        let (params, id) = (shared.no_params.clone(), shared.no_call.clone());
        let context = CallContext { params, id, deadline, cancel };
        let modules = shared.endowments.iter().map(|endowment| module_state(shared, endowment));
        let modules = modules.collect::<Result<Vec<_>, _>>().map_err(NoInstance::Failed)?;
        let limiter = Limiter::new(limits.memory, limits.table, shared.tags.clone(), modules.len());
        let state = State { shared: shared.host.clone(), modules, call: context, limiter };
        let mut store = Store::new(shared.plan.engine().wasmtime(), state);
        store.limiter(|state| &mut state.limiter);
        let host_bytes = limits.result.saturating_mul(HOST_BYTES_PER_TEXT_BYTE).max(LEAST_HOST_BYTES);
        store.set_hostcall_fuel(usize::try_from(host_bytes).unwrap_or(usize::MAX));
        store.epoch_deadline_callback(|store| {
            let call = &store.data().call;
            if call.is_cancelled() {
                return Err(Cancelled.into());
            }
            match ticks(call) {
                Some(ticks) => Ok(UpdateDeadline::Continue(ticks)),
                None => Err(TimedOut.into()),
            }
        });
        let fuel = shared.plan.engine().fuel();
        prepare(&mut store, fuel);
        let started = {
            let _running = shared.plan.engine().ticker().enter();
            shared.code.pre.instantiate(&mut store)
        };
        match started {
            Ok(instance) => {
                finish_output(&store);
                let functions = shared.code.modules.iter().map(|module| vec![None; module.functions.len()]).collect();
                let id = NUMBER.fetch_add(1, Ordering::Relaxed);
                Ok(Instance { id, store, instance, code: shared.code.clone(), functions, fuel })
            }
            Err(error) => Err(no_instance(shared, &error, &mut store, call.is_some_and(|call| call <= own))),
        }
    }

    /// Tells instances apart.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Prepares for one call, whose particle has `vault`.
    ///
    /// # Errors
    /// The vault cannot be opened.
    pub(crate) fn begin(&mut self, call: CallContext, vault: Option<&Vault>) -> wasmtime::Result<()> {
        let state = self.store.data_mut();
        state.call = call;
        if let Some(vault) = vault {
            state.modules.iter_mut().try_for_each(|module| module.enter(vault))?;
        }
        prepare(&mut self.store, self.fuel);
        Ok(())
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

    /// Bytes of all memories and per module, if they changed since this was asked before.
    pub(crate) fn changed_memory(&mut self) -> Option<(Memory, &[Memory])> {
        let limiter = &mut self.store.data_mut().limiter;
        limiter.take_changed().then(|| (limiter.memory(), limiter.modules()))
    }

    /// The directories that the module at `module` sees.
    pub(crate) fn places(&self, module: usize) -> &[Place] {
        self.store.data().modules.get(module).map(|module| module.places.as_slice()).unwrap_or_default()
    }
}

fn module_state(shared: &Shared, endowment: &Endowment) -> Result<ModuleState, StartError> {
    let log = ModuleLog {
        service: shared.identity.id.clone(),
        module: endowment.module.clone(),
        filter: endowment.log.clone(),
        mask: endowment.log_mask,
        sink: shared.sink.clone(),
        budget: shared.log_budget.clone(),
    };
    let stdout = Capture::new(log.clone(), "stdout", LogLevel::Info);
    let stderr = Capture::new(log.clone(), "stderr", LogLevel::Warn);
    let (wasi, places, quotas, scratch) = endowment.context(&shared.identity.id, &stdout, &stderr)?;
    let mut table = ResourceTable::new();
    table.set_max_capacity(MAX_RESOURCES.saturating_add(places.len()));
    let denials = Denials { reach: endowment.reach.clone(), log: log.clone(), counter: shared.denials.clone() };
    let http = WasiRequests::new(denials.clone(), shared.host.trust.clone());
    let seat = endowment.has_vault().then(Seat::default);
    Ok(ModuleState { wasi, table, log, denials, http, places, quotas, seat, stdout, stderr, _scratch: scratch })
}

/// Sets what bounds the work that follows.
fn prepare(store: &mut Store<State>, fuel: Option<u64>) {
    let first = ticks(&store.data().call).unwrap_or(1);
    store.set_epoch_deadline(first);
    if let Some(fuel) = fuel {
        // Fails only where the engine does not meter, and then there is no fuel.
        let _ = store.set_fuel(fuel);
    }
}

/// Epochs until the call has to be looked at again; `None`: its time is over.
fn ticks(call: &CallContext) -> Option<u64> {
    let left = call.deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return None;
    }
    let whole = u64::try_from(left.as_nanos() / TICK.as_nanos()).unwrap_or(u64::MAX / 2).saturating_add(2);
    Some(if call.cancel.is_some() { whole.min(CANCEL_TICKS) } else { whole })
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
    let asking = refusal.and_then(|refusal| state.modules.get(refusal.module?)).map(|module| module.log.module.clone());
    let stderr = state.modules.iter().map(|module| {
        module.stdout.finish();
        (module.log.module.clone(), module.stderr.finish())
    });
    Failure::new(error, Circumstances { called, stderr: stderr.collect(), refusal, asking })
}

/// `call_first`: the time of the call ended before that of the start-up.
fn no_instance(shared: &Shared, error: &wasmtime::Error, store: &mut Store<State>, call_first: bool) -> NoInstance {
    let service = shared.plan.name().to_owned();
    let called = (shared.plan.facade().name().to_owned(), "start-up".to_owned());
    let is_trap = error.is::<wasmtime::Trap>() || error.is::<wasmtime::WasmBacktrace>();
    NoInstance::Failed(match explain(store, called, error) {
        Failure::Timeout if call_first => return NoInstance::TimedOut,
        Failure::Cancelled => return NoInstance::Cancelled,
        Failure::Timeout => StartError::Timeout { service, limit: shared.plan.limits().startup },
        Failure::OutOfMemory { module, refusal } => {
            let (asked, limit) = (refusal.asked, refusal.limit);
            let cause = format!("`{module}` asked for {asked} bytes of memory, the limit is {limit} bytes");
            StartError::Refused { service, cause }
        }
        Failure::Host { interface, function, cause } => {
            StartError::Refused { service, cause: format!("`{function}` of `{interface}` failed: {cause}") }
        }
        Failure::Trap(trap) if is_trap => StartError::Trap { service, trap: Box::new(trap) },
        Failure::Trap(_) | Failure::TooLarge => StartError::Refused { service, cause: format!("{error:#}") },
    })
}
