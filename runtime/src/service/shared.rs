//! What all clones of one service share, and how a call gets its turn.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use marine_manifest::Dir;
use wasmtime::Store;
use wasmtime::component::Func;

use super::CallOptions;
use super::backoff::BackOff;
use super::code::{Code, CodeFunction, CodeModule};
use super::error::{CallError, StartError};
use super::failure::Failure;
use super::grants::Endowment;
use super::instance::{Instance, NoInstance};
use super::queue::{NoTurn, Queue, Turn};
use super::stats::{Figures, ServiceStats};
use crate::cancel::CancelToken;
use crate::engine::lock;
use crate::host::{CallContext, HostShared, State};
use crate::link::{MemoryTag, Plan};
use crate::logs::{LogBudget, LogSink};
use crate::names;
use crate::params::CallParameters;
use crate::tree::TempTree;
use crate::vault::{Vault, Vaults};

/// Bytes that the vaults of callers who keep none may hold together.
const OWN_VAULTS: u64 = 1 << 30;

/// Who a service is.
pub(crate) struct Identity {
    pub(crate) id: Arc<str>,
    pub(crate) host_id: String,
    pub(crate) creator: String,
}

pub(crate) struct Shared {
    pub(crate) plan: Plan,
    pub(crate) code: Arc<Code>,
    pub(crate) endowments: Vec<Endowment>,
    pub(crate) identity: Identity,
    pub(crate) sink: Option<LogSink>,
    pub(crate) log_budget: Arc<Mutex<LogBudget>>,
    /// What all instances share with the host.
    pub(crate) host: Arc<HostShared>,
    pub(crate) tags: Arc<[MemoryTag]>,
    pub(crate) denials: Arc<AtomicU64>,
    /// Parameters of a call without any, and of start-up.
    pub(crate) no_params: Arc<CallParameters>,
    pub(crate) no_call: Arc<str>,
    pub(crate) queue: Queue,
    pub(crate) pool: Mutex<Pool>,
    pub(crate) figures: Mutex<Figures>,
    pub(crate) closed: AtomicBool,
    /// The vaults of particles whose callers keep none; made when the first is needed.
    pub(crate) vaults: OnceLock<(TempTree, Vaults)>,
}

/// Instances that nobody uses right now.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Vec<Instance>,
    back_off: BackOff,
    /// Counts resets: what was made before the last one is not used again.
    generation: u64,
}

/// A function of a module, by index.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) module: usize,
    pub(crate) function: usize,
}

/// Why the work of a call has no result.
pub(crate) enum Stopped {
    /// The guest is broken, and its instance with it.
    Broken(wasmtime::Error),
    /// The instance is fine.
    Failed(Box<CallError>),
}

impl From<wasmtime::Error> for Stopped {
    fn from(error: wasmtime::Error) -> Stopped {
        Stopped::Broken(error)
    }
}

impl Shared {
    /// Where `function` of the module at `module` is.
    pub(crate) fn target(&self, module: usize, function: &str) -> Result<Target, CallError> {
        let of = &self.code.modules[module];
        match of.find(function) {
            Some(function) => Ok(Target { module, function }),
            None => Err(CallError::NoSuchFunction {
                module: of.name.to_string(),
                function: function.to_owned(),
                nearest: names::nearest(function, of.functions.iter().map(|function| function.name.as_str()))
                    .map(str::to_owned),
            }),
        }
    }

    pub(crate) fn module(&self, name: &str) -> Result<usize, CallError> {
        let modules = &self.code.modules;
        modules.iter().position(|module| names::same(name, &module.name)).ok_or_else(|| CallError::NoSuchModule {
            module: name.to_owned(),
            nearest: names::nearest(name, modules.iter().map(|module| &*module.name)).map(str::to_owned),
        })
    }

    pub(crate) fn describe(&self, target: Target) -> (&CodeModule, &CodeFunction) {
        let module = &self.code.modules[target.module];
        (module, &module.functions[target.function])
    }

    fn names(&self, target: Target) -> (String, String) {
        let (module, function) = self.describe(target);
        (module.name.to_string(), function.name.clone())
    }

    /// Does `work` with the function at `target` when it is this call's turn.
    pub(crate) fn run<T>(
        &self,
        target: Target,
        options: CallOptions,
        work: impl FnOnce(&mut Store<State>, Func) -> Result<T, Stopped>,
    ) -> Result<T, CallError> {
        let limit = options.deadline.map_or(self.plan.limits().timeout, |given| given.min(self.plan.limits().timeout));
        let deadline = Instant::now() + limit;
        let (outcome, time) = match self.turn(target, &options, deadline, limit) {
            Ok(_turn) => {
                let begun = Instant::now();
                (self.serve(target, options, deadline, limit, work), begun.elapsed())
            }
            Err(none) => (Err(none), Duration::ZERO),
        };
        self.account(target, time, outcome.is_err());
        outcome
    }

    /// Waits until it is this call's turn.
    fn turn(
        &self,
        target: Target,
        options: &CallOptions,
        deadline: Instant,
        limit: Duration,
    ) -> Result<Turn<'_>, CallError> {
        if options.cancel.as_ref().is_some_and(CancelToken::is_cancelled) {
            return Err(self.call_error(target, limit, Failure::Cancelled));
        }
        self.queue.enter(deadline, options.cancel.as_ref()).map_err(|none| match none {
            NoTurn::Full { waiting } => CallError::Busy { waiting },
            NoTurn::TimedOut => self.call_error(target, limit, Failure::Timeout),
            NoTurn::Cancelled => self.call_error(target, limit, Failure::Cancelled),
        })
    }

    fn serve<T>(
        &self,
        target: Target,
        options: CallOptions,
        deadline: Instant,
        limit: Duration,
        work: impl FnOnce(&mut Store<State>, Func) -> Result<T, Stopped>,
    ) -> Result<T, CallError> {
        if self.is_closed() {
            return Err(CallError::Closed);
        }
        let no_start = |none| match none {
            NoInstance::Failed(cause) => CallError::Start(cause),
            NoInstance::TimedOut => self.call_error(target, limit, Failure::Timeout),
            NoInstance::Cancelled => self.call_error(target, limit, Failure::Cancelled),
        };
        let params = options.params.map_or_else(|| self.no_params.clone(), |given| self.complete(given));
        let vault = self.vault(options.vault, &params).map_err(CallError::Start)?;
        // Taken out of the pool: what unwinds from here, a panic of the host, leaves no half-used instance behind.
        let (mut instance, generation) = self.instance(Some(deadline), options.cancel.clone()).map_err(no_start)?;
        let id = options.call_id.map_or_else(|| self.no_call.clone(), Arc::from);
        let call = CallContext { params, id, deadline, cancel: options.cancel };
        if let Err(cause) = instance.begin(call, vault.as_ref()) {
            self.give_back(instance, generation);
            return Err(CallError::Start(self.no_vault(cause.to_string())));
        }
        let worked = match instance.function(target.module, target.function) {
            Some((store, func)) => {
                let _running = self.plan.engine().ticker().enter();
                work(store, func)
            }
            None => Err(Stopped::Broken(wasmtime::Error::msg("the instance lacks the function"))),
        };
        let outcome = match worked {
            Ok(done) => Ok(done),
            Err(Stopped::Failed(error)) => Err(*error),
            Err(Stopped::Broken(error)) => {
                let failure = instance.explain(self.names(target), &error);
                self.lost(&mut instance, &failure);
                return Err(self.call_error(target, limit, failure));
            }
        };
        instance.end();
        self.give_back(instance, generation);
        outcome
    }

    pub(crate) fn has_vault(&self) -> bool {
        self.endowments.iter().any(Endowment::has_vault)
    }

    /// The vault of the particle that calls, if a module sees vaults.
    fn vault(&self, given: Option<Vault>, params: &CallParameters) -> Result<Option<Vault>, StartError> {
        if !self.has_vault() {
            return Ok(None);
        }
        if given.is_some() {
            return Ok(given);
        }
        let failed = |cause: std::io::Error| self.no_vault(cause.to_string());
        let vaults = match self.vaults.get() {
            Some((_, vaults)) => vaults,
            None => {
                let dir = TempTree::new("marine-vaults-").map_err(failed)?;
                let vaults = Vaults::new(dir.path(), OWN_VAULTS);
                &self.vaults.get_or_init(|| (dir, vaults)).1
            }
        };
        let name = format!("{}-{}", params.particle.id, params.particle.token);
        vaults.open(&name, &params.particle).map(Some).map_err(failed)
    }

    fn no_vault(&self, cause: String) -> StartError {
        let module = self.endowments.iter().find(|endowment| endowment.has_vault());
        let module = module.map(|endowment| endowment.module.to_string()).unwrap_or_default();
        StartError::Dir { module, guest: Dir::VAULT.to_owned(), path: "vault".to_owned(), cause: cause.into() }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// An idle instance, or a new one; and the generation it belongs to.
    fn instance(&self, deadline: Option<Instant>, cancel: Option<CancelToken>) -> Result<(Instance, u64), NoInstance> {
        let generation = {
            let mut pool = lock(&self.pool);
            if let Some(idle) = pool.idle.pop() {
                return Ok((idle, pool.generation));
            }
            pool.back_off.check(Instant::now()).map_err(NoInstance::Failed)?;
            pool.generation
        };
        let started = Instance::start(self, deadline, cancel);
        let mut pool = lock(&self.pool);
        match started {
            Ok(mut instance) => {
                pool.back_off.succeeded();
                drop(pool);
                lock(&self.figures).instances += 1;
                self.note_memory(&mut instance);
                Ok((instance, generation))
            }
            Err(none) => {
                if let NoInstance::Failed(cause) = &none {
                    pool.back_off.failed(cause, Instant::now());
                }
                Err(none)
            }
        }
    }

    /// Puts an instance into the pool, unless the service was closed or reset meanwhile.
    fn give_back(&self, mut instance: Instance, generation: u64) {
        self.note_memory(&mut instance);
        let mut pool = lock(&self.pool);
        if self.is_closed() || pool.generation != generation {
            drop(pool);
            lock(&self.figures).forget(instance.id());
            return;
        }
        pool.idle.push(instance);
    }

    fn lost(&self, instance: &mut Instance, failure: &Failure) {
        self.note_memory(instance);
        let mut figures = lock(&self.figures);
        figures.restarts += 1;
        figures.traps += u64::from(matches!(failure, Failure::Trap(_)));
        figures.forget(instance.id());
    }

    /// Starts an instance ahead of the first call.
    pub(crate) fn warm_up(&self) -> Result<(), StartError> {
        match self.instance(None, None) {
            Ok((instance, generation)) => {
                self.give_back(instance, generation);
                Ok(())
            }
            Err(NoInstance::Failed(cause)) => Err(cause),
            // Without a deadline and a token there is nothing else.
            Err(NoInstance::TimedOut | NoInstance::Cancelled) => Ok(()),
        }
    }

    /// Throws all instances away; those that serve a call go when it has ended.
    pub(crate) fn drop_instances(&self) {
        let dropped = {
            let mut pool = lock(&self.pool);
            pool.generation += 1;
            std::mem::take(&mut pool.idle)
        };
        let mut figures = lock(&self.figures);
        dropped.iter().for_each(|instance| figures.forget(instance.id()));
    }

    /// What the instances that are idle right now see of the host.
    pub(crate) fn with_idle<T>(&self, look: impl FnOnce(&Instance) -> T) -> Option<T> {
        lock(&self.pool).idle.last().map(look)
    }

    /// `given` with what the service knows better filled in.
    fn complete(&self, mut given: CallParameters) -> Arc<CallParameters> {
        let fill = |field: &mut String, value: &str| {
            if field.is_empty() {
                value.clone_into(field);
            }
        };
        fill(&mut given.service_id, &self.identity.id);
        fill(&mut given.service_creator_peer_id, &self.identity.creator);
        fill(&mut given.host_id, &self.identity.host_id);
        fill(&mut given.worker_id, &self.identity.host_id);
        Arc::new(given)
    }

    fn call_error(&self, target: Target, limit: Duration, failure: Failure) -> CallError {
        let (module, function) = self.names(target);
        match failure {
            Failure::Timeout => CallError::Timeout { module, function, limit },
            Failure::Cancelled => CallError::Cancelled { module, function },
            Failure::OutOfMemory { module, refusal } => {
                CallError::OutOfMemory { module, function, asked: refusal.asked, limit: refusal.limit }
            }
            Failure::Host { interface, function: host, cause } => {
                let (interface, host) = (interface.to_string(), host.to_string());
                CallError::Host { called: function, interface, function: host, cause }
            }
            Failure::TooLarge => CallError::OutputTooLarge { module, function, limit: self.plan.limits().result },
            Failure::Trap(trap) => CallError::Trap(Box::new(trap)),
        }
    }

    fn note_memory(&self, instance: &mut Instance) {
        let id = instance.id();
        if let Some((service, modules)) = instance.changed_memory() {
            lock(&self.figures).note_memory(id, service, modules);
        }
    }

    pub(crate) fn account(&self, target: Target, time: Duration, failed: bool) {
        lock(&self.figures).accounts[target.module][target.function].add(time, failed);
    }

    pub(crate) fn stats(&self) -> ServiceStats {
        ServiceStats {
            waiting: self.queue.waiting(),
            dropped_records: lock(&self.log_budget).dropped(),
            denials: self.denials.load(Ordering::Relaxed),
            ..lock(&self.figures).stats(&self.code)
        }
    }
}
