//! Services: one instance of linked modules, called from outside.

mod backoff;
mod builder;
mod code;
mod error;
mod failure;
mod grants;
mod instance;
mod queue;
mod shared;
mod stats;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use marine_manifest::Mode;
use serde_json::Value;
use wasmtime::component::{ComponentNamedList, Lift, Lower, Val};

pub use self::builder::ServiceBuilder;
pub(crate) use self::code::Code;
pub use self::error::{CallError, Frame, StartError, Trap};
use self::grants::Mount;
pub use self::grants::{DirectoryKind, Grants};
use self::shared::{Shared, Stopped, Target};
pub use self::stats::{FunctionStats, ModuleStats, ServiceStats};
use crate::cancel::CancelToken;
use crate::interface::Interface;
use crate::link::Plan;
use crate::names;
use crate::params::CallParameters;
use crate::value::{Dialect, Fault, Returned, Signature, Writer, arguments};
use crate::vault::Vault;

/// A service that can be called. Clones are the same service; it ends with the last of them.
///
/// Calls block and run the guest on the calling thread, in order of arrival; one at a time, or as many as there may be instances. A call from an executor's worker thread
/// would block that worker, and panics in Tokio's if the guest waits: use `spawn_blocking`.
#[derive(Clone)]
pub struct Service(Arc<Shared>);

/// How a call is made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallOptions {
    /// What the guest may learn about the call; nothing but service and host if absent.
    pub params: Option<CallParameters>,
    /// The time the call may take, waiting included, if less than the service's limit.
    pub deadline: Option<Duration>,
    /// How the result writes options.
    pub dialect: Dialect,
    /// A name of this very call that stays the same when it is repeated after a crash; the guest can read it.
    pub call_id: Option<String>,
    /// Ends the call from outside.
    pub cancel: Option<CancelToken>,
    /// The vault of the particle that calls. If absent, modules that see vaults get one of the service's own for the particle of `params`,
    /// which is gone with the service; all of these may hold 1 GiB, so a service that lives long and serves many wants to be given one.
    pub vault: Option<Vault>,
}

impl Service {
    /// Starts building a service from `plan`.
    pub fn builder(plan: Plan) -> ServiceBuilder {
        ServiceBuilder::new(plan)
    }

    /// Calls `function` of the facade. `args` is an array (by position), an object (by name), `null` (none) or the one scalar argument.
    ///
    /// # Errors
    /// See [`CallError`]; [`CallError::Service`] carries what the function itself returned as its error.
    pub fn call(&self, function: &str, args: Value, options: CallOptions) -> Result<Value, CallError> {
        self.call_json(self.0.target(self.facade(), function)?, args, options)
    }

    /// Calls `function` of any module of the service.
    ///
    /// # Errors
    /// As [`Service::call`], and [`CallError::NoSuchModule`].
    pub fn call_module(
        &self,
        module: &str,
        function: &str,
        args: Value,
        options: CallOptions,
    ) -> Result<Value, CallError> {
        self.call_json(self.0.target(self.0.module(module)?, function)?, args, options)
    }

    /// [`Service::call`] for asynchronous code: the guest runs on a thread that may block, Tokio's if there is a runtime, else one of
    /// its own. Dropping the future cancels the call.
    ///
    /// # Errors
    /// As [`Service::call`].
    pub async fn call_async(&self, function: &str, args: Value, mut options: CallOptions) -> Result<Value, CallError> {
        let token = options.cancel.take().map_or_else(CancelToken::new, |given| given.child());
        options.cancel = Some(token.clone());
        let (service, name) = (self.clone(), function.to_owned());
        let (sender, answer) = tokio::sync::oneshot::channel();
        let work = move || drop(sender.send(service.call(&name, args, options)));
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(work)),
            Err(_) => drop(std::thread::spawn(work)),
        }
        let guard = CancelOnDrop(Some(token));
        let answer = answer.await;
        guard.disarm();
        // The sender is gone without an answer only if the thread panicked or the runtime shut down.
        answer.unwrap_or(Err(CallError::Closed))
    }

    /// Calls `function` of the facade with Rust values; the fast way for large bytes. Results are a tuple of one or no element; a WIT
    /// `result` is a Rust `Result`.
    ///
    /// # Errors
    /// As [`Service::call`], [`CallError::Service`] apart, and [`CallError::Types`].
    pub fn call_typed<P, R>(&self, function: &str, params: P, options: CallOptions) -> Result<R, CallError>
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let target = self.0.target(self.facade(), function)?;
        self.0.run(target, options, |store, func| {
            let types_differ = |cause| Stopped::Failed(Box::new(self.types(target, &cause)));
            let typed = func.typed::<P, R>(&*store).map_err(types_differ)?;
            Ok(typed.call(store, params)?)
        })
    }

    /// Calls `function` of the facade with component values, without a conversion.
    ///
    /// # Errors
    /// As [`Service::call_typed`].
    pub fn call_values(&self, function: &str, args: &[Val], options: CallOptions) -> Result<Option<Val>, CallError> {
        self.values(self.0.target(self.facade(), function)?, args, options)
    }

    /// Calls `function` of any module of the service with component values.
    ///
    /// # Errors
    /// As [`Service::call_values`], and [`CallError::NoSuchModule`].
    pub fn call_module_values(
        &self,
        module: &str,
        function: &str,
        args: &[Val],
        options: CallOptions,
    ) -> Result<Option<Val>, CallError> {
        self.values(self.0.target(self.0.module(module)?, function)?, args, options)
    }

    fn values(&self, target: Target, args: &[Val], options: CallOptions) -> Result<Option<Val>, CallError> {
        let signature = self.signature(target)?;
        if signature.params.len() != args.len() {
            let cause =
                wasmtime::Error::msg(format!("it takes {} arguments, got {}", signature.params.len(), args.len()));
            return Err(self.types(target, &cause));
        }
        self.invoke(target, signature, args, options)
    }

    /// What the service offers.
    pub fn interface(&self) -> &Interface {
        self.0.plan.interface()
    }

    /// What the module called `name` offers, if there is one.
    pub fn module_interface(&self, name: &str) -> Option<&Interface> {
        let module = self.0.plan.modules().find(|module| names::same(name, module.name()))?;
        Some(module.interface())
    }

    /// Its modules, in the order of the specification.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        self.0.plan.modules().map(|module| module.name())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.plan.name()
    }

    /// The plan it was built from.
    pub fn plan(&self) -> &Plan {
        &self.0.plan
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.0.identity.id
    }

    /// What it did so far.
    pub fn stats(&self) -> ServiceStats {
        self.0.stats()
    }

    /// Makes an instance now, so that the first call need not.
    ///
    /// # Errors
    /// Why that failed.
    pub fn start(&self) -> Result<(), StartError> {
        match self.0.queue.enter(Instant::now() + self.0.plan.limits().startup, None) {
            Ok(_turn) => self.0.warm_up(),
            // Calls are being served or wait: then there is an instance, or one of them makes it.
            Err(_) => Ok(()),
        }
    }

    /// Throws the instances away; one that serves a call goes when the call has ended. Later calls get new ones.
    ///
    /// # Errors
    /// [`CallError::Closed`].
    pub fn reset(&self) -> Result<(), CallError> {
        if self.0.is_closed() {
            return Err(CallError::Closed);
        }
        self.0.drop_instances();
        Ok(())
    }

    /// Ends the service: calls from now on answer [`CallError::Closed`], one that runs may finish.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.drop_instances();
    }

    /// Whether a module of it sees the vault of the particle that calls.
    pub fn has_vault(&self) -> bool {
        self.0.has_vault()
    }

    /// The directories that the module called `name` sees; `None` if there is no such module.
    pub fn directories(&self, name: &str) -> Option<Vec<Directory>> {
        let index = self.0.module(name).ok()?;
        let places = self.0.with_idle(|instance| instance.places(index).to_vec()).unwrap_or_default();
        let directory = |mount: &Mount| Directory {
            guest: mount.guest.clone(),
            kind: mount.kind.clone(),
            mode: mount.mode,
            path: mount
                .path
                .clone()
                .or_else(|| places.iter().find(|place| place.guest == mount.guest).map(|place| place.path.clone())),
        };
        Some(self.0.endowments[index].mounts.iter().map(directory).collect())
    }

    fn facade(&self) -> usize {
        self.0.plan.wiring().facade
    }

    fn signature(&self, target: Target) -> Result<&Signature, CallError> {
        let (module, function) = self.0.describe(target);
        function.signature.as_ref().map_err(|what| CallError::NotCallable {
            module: module.name.to_string(),
            function: function.name.clone(),
            what,
        })
    }

    fn types(&self, target: Target, cause: &wasmtime::Error) -> CallError {
        let (module, function) = self.0.describe(target);
        let (module, function) = (module.name.to_string(), function.name.clone());
        CallError::Types { module, function, cause: format!("{cause:#}") }
    }

    fn call_json(&self, target: Target, args: Value, options: CallOptions) -> Result<Value, CallError> {
        let signature = self.signature(target)?;
        let dialect = options.dialect;
        let args = match arguments(signature, args, self.0.plan.limits().args) {
            Ok(args) => args,
            Err(error) => {
                self.0.account(target, Duration::ZERO, true);
                return Err(CallError::Arguments(Box::new(error)));
            }
        };
        let result = self.invoke(target, signature, &args, options)?;
        self.to_json(target, signature, result, dialect)
    }

    fn invoke(
        &self,
        target: Target,
        signature: &Signature,
        args: &[Val],
        options: CallOptions,
    ) -> Result<Option<Val>, CallError> {
        self.0.run(target, options, |store, func| {
            if signature.result.is_none() {
                func.call(store, args, &mut [])?;
                return Ok(None);
            }
            let mut result = [Val::Bool(false)];
            func.call(store, args, &mut result)?;
            let [result] = result;
            Ok(Some(result))
        })
    }

    fn to_json(
        &self,
        target: Target,
        signature: &Signature,
        result: Option<Val>,
        dialect: Dialect,
    ) -> Result<Value, CallError> {
        let limit = self.0.plan.limits().result;
        let mut writer = Writer::new(dialect, limit);
        let written = match (&signature.result, result) {
            (Some(Returned::Value(shape)), Some(value)) => writer.value(shape, value),
            (Some(Returned::Result { ok, .. }), Some(Val::Result(Ok(value)))) => writer.payload(ok.as_ref(), value),
            (Some(Returned::Result { err, .. }), Some(Val::Result(Err(value)))) => {
                let value =
                    writer.payload(err.as_ref(), value).map_err(|fault| self.unwritable(target, limit, fault))?;
                return Err(CallError::Service(value));
            }
            _ => Ok(Value::Null),
        };
        written.map_err(|fault| self.unwritable(target, limit, fault))
    }

    fn unwritable(&self, target: Target, limit: u64, fault: Fault) -> CallError {
        if !fault.is_too_large() {
            return CallError::Result(Box::new(fault.rooted_at("result")));
        }
        let (module, function) = self.0.describe(target);
        CallError::OutputTooLarge { module: module.name.to_string(), function: function.name.clone(), limit }
    }
}

/// A directory as a module sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Directory {
    /// Where the module sees it.
    pub guest: String,
    /// What it is on the host.
    pub kind: DirectoryKind,
    /// Whether the module may write.
    pub mode: Mode,
    /// Where it lies; `None` for scratch space and vaults while no instance is idle; a vault is that of the last call.
    pub path: Option<PathBuf>,
}

/// Cancels unless it was disarmed.
struct CancelOnDrop(Option<CancelToken>);

impl CancelOnDrop {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(token) = &self.0 {
            token.cancel();
        }
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Service").field("id", &self.id()).field("plan", &self.0.plan).finish_non_exhaustive()
    }
}
