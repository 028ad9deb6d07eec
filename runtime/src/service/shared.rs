//! What all clones of one service share, and how a call gets its turn.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wasmtime::Store;
use wasmtime::component::Func;

use super::CallOptions;
use super::backoff::BackOff;
use super::code::{Code, CodeFunction, CodeModule};
use super::error::{CallError, StartError};
use super::failure::Failure;
use super::grants::Endowment;
use super::instance::Instance;
use super::queue::{NoTurn, Queue};
use super::stats::{Account, ModuleStats, ServiceStats};
use crate::engine::lock;
use crate::host::State;
use crate::link::Plan;
use crate::logs::{LogBudget, LogSink};
use crate::names;
use crate::params::CallParameters;

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
    /// Parameters of a call without any, and of start-up.
    pub(crate) no_params: Arc<CallParameters>,
    pub(crate) no_call: Arc<str>,
    pub(crate) queue: Queue,
    pub(crate) slot: Mutex<Slot>,
    pub(crate) figures: Mutex<Figures>,
    pub(crate) closed: AtomicBool,
}

/// The instance, if there is one; touched only by who has the turn.
#[derive(Default)]
pub(crate) struct Slot {
    instance: Option<Instance>,
    back_off: BackOff,
}

/// The running account.
#[derive(Default)]
pub(crate) struct Figures {
    accounts: Vec<Vec<Account>>,
    instances: u64,
    restarts: u64,
    memory: u64,
    memory_peak: u64,
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

impl Figures {
    pub(crate) fn new(code: &Code) -> Figures {
        let accounts = code.modules.iter().map(|module| vec![Account::default(); module.functions.len()]);
        Figures { accounts: accounts.collect(), ..Figures::default() }
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
        let _turn = self.queue.enter(deadline).map_err(|none| match none {
            NoTurn::Full { waiting } => CallError::Busy { waiting },
            NoTurn::TimedOut => self.timeout(target, limit),
        })?;
        let begun = Instant::now();
        let outcome = self.serve(target, options, deadline, limit, work);
        self.account(target, begun.elapsed(), outcome.is_err());
        outcome
    }

    fn serve<T>(
        &self,
        target: Target,
        options: CallOptions,
        deadline: Instant,
        limit: Duration,
        work: impl FnOnce(&mut Store<State>, Func) -> Result<T, Stopped>,
    ) -> Result<T, CallError> {
        let mut slot = lock(&self.slot);
        // Taken out: what unwinds from here, a panic of the host, leaves no half-used instance behind.
        let running = slot.instance.take();
        if self.is_closed() {
            return Err(CallError::Closed);
        }
        let mut instance = match running {
            Some(running) => running,
            None => self.start(&mut slot.back_off).map_err(CallError::Start)?,
        };
        let params = options.params.map_or_else(|| self.no_params.clone(), |given| self.complete(given));
        let id = options.call_id.map_or_else(|| self.no_call.clone(), Arc::from);
        instance.begin(params, id, deadline);
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
                self.lost(&instance);
                return Err(self.call_error(target, limit, failure));
            }
        };
        instance.end();
        self.note_memory(&instance);
        if !self.is_closed() {
            slot.instance = Some(instance);
        }
        outcome
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn lost(&self, instance: &Instance) {
        self.note_memory(instance);
        let mut figures = lock(&self.figures);
        figures.restarts += 1;
        figures.memory = 0;
    }

    fn start(&self, back_off: &mut BackOff) -> Result<Instance, StartError> {
        back_off.check(Instant::now())?;
        match Instance::start(self) {
            Ok(instance) => {
                back_off.succeeded();
                lock(&self.figures).instances += 1;
                Ok(instance)
            }
            Err(cause) => {
                back_off.failed(&cause, Instant::now());
                Err(cause)
            }
        }
    }

    /// Starts an instance ahead of the first call.
    pub(crate) fn warm_up(&self) -> Result<(), StartError> {
        let mut slot = lock(&self.slot);
        if slot.instance.is_none() {
            slot.instance = Some(self.start(&mut slot.back_off)?);
        }
        Ok(())
    }

    /// Throws the instance away when it is its turn; `false` if it did not come before `deadline`.
    pub(crate) fn drop_instance(&self, deadline: Instant) -> bool {
        let turn = self.queue.enter(deadline);
        if turn.is_ok() {
            lock(&self.slot).instance = None;
            lock(&self.figures).memory = 0;
        }
        turn.is_ok()
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
            Failure::OutOfMemory { module, refusal } => {
                CallError::OutOfMemory { module, function, asked: refusal.asked, limit: refusal.limit }
            }
            Failure::TooLarge => CallError::OutputTooLarge { module, function, limit: self.plan.limits().result },
            Failure::Trap(trap) => CallError::Trap(Box::new(trap)),
        }
    }

    fn timeout(&self, target: Target, limit: Duration) -> CallError {
        let (module, function) = self.names(target);
        CallError::Timeout { module, function, limit }
    }

    fn note_memory(&self, instance: &Instance) {
        let (now, peak) = instance.memory();
        let mut figures = lock(&self.figures);
        figures.memory = now as u64;
        figures.memory_peak = figures.memory_peak.max(peak as u64);
    }

    pub(crate) fn account(&self, target: Target, time: Duration, failed: bool) {
        lock(&self.figures).accounts[target.module][target.function].add(time, failed);
    }

    pub(crate) fn stats(&self) -> ServiceStats {
        let figures = lock(&self.figures);
        let modules: Vec<ModuleStats> = self.code.modules.iter().zip(&figures.accounts).map(module_stats).collect();
        let sum = |of: fn(&(u64, u64)) -> u64| {
            figures.accounts.iter().flatten().map(Account::calls).map(|pair| of(&pair)).sum()
        };
        ServiceStats {
            calls: sum(|(calls, _)| *calls),
            failures: sum(|(_, failures)| *failures),
            instances: figures.instances,
            restarts: figures.restarts,
            memory: figures.memory,
            memory_peak: figures.memory_peak,
            waiting: self.queue.waiting(),
            dropped_records: lock(&self.log_budget).dropped(),
            modules,
        }
    }
}

fn module_stats((module, accounts): (&CodeModule, &Vec<Account>)) -> ModuleStats {
    let called = module.functions.iter().zip(accounts).filter(|(_, account)| account.was_called());
    let functions = called.map(|(function, account)| account.stats(&function.name));
    ModuleStats { name: module.name.to_string(), functions: functions.collect() }
}
