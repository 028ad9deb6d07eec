//! One service: its turn-taking, its instance, and calls of it.

use std::sync::{
    Arc, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use cid::Cid;
use marine_air::execution::CallRequest;
use marine_runtime::{
    CallError, CallOptions, CallParameters, Dialect, ParticleParameters, Plan, SecurityTetraplet, Service,
};
use serde_json::{Value, json};
use tokio::{sync::Mutex, time::Instant};

use super::{
    Services,
    statistics::{Measured, Statistics},
};
use crate::{
    clock,
    host::args::{BUSY, Fault, OWN, SHAPE, TIMEOUT, TRAP, UNKNOWN},
    live::Live,
    store::ServiceRow,
};

/// A service of this node.
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) blueprint: Cid,
    pub(crate) owner: String,
    /// Who holds it runs the guest. Linked and instantiated when it is needed.
    turn: Arc<Mutex<State>>,
    waiting: AtomicUsize,
    statistics: std::sync::Mutex<Statistics>,
}

enum State {
    Resting(Option<Plan>),
    Running(Service),
    Closed,
}

/// Counts a call for as long as it waits or runs.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(counter: &'a AtomicUsize, limit: usize) -> Option<Self> {
        let before = counter.fetch_add(1, Ordering::Relaxed);
        let counted = Self(counter);
        (before < limit).then_some(counted)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Entry {
    pub(crate) fn new(id: String, row: ServiceRow, plan: Option<Plan>) -> Self {
        Self {
            id,
            blueprint: row.blueprint,
            owner: row.owner,
            turn: Arc::new(Mutex::new(State::Resting(plan))),
            waiting: AtomicUsize::new(0),
            statistics: std::sync::Mutex::default(),
        }
    }

    /// What became of its calls since the node started.
    pub(crate) fn statistics(&self) -> MutexGuard<'_, Statistics> {
        self.statistics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the running call and ends the instance.
    pub(crate) async fn close(&self) {
        let mut state = self.turn.lock().await;
        if let State::Running(service) = std::mem::replace(&mut *state, State::Closed) {
            service.close();
        }
    }
}

impl Services {
    /// Calls a function of a service for a particle.
    pub(crate) async fn call(
        self: &Arc<Self>,
        entry: Arc<Entry>,
        live: &Arc<Live>,
        request: CallRequest,
    ) -> Result<Value, Fault> {
        let busy = || Fault::new(BUSY, format!("service {} has too many waiting calls; try again later", entry.id));
        let _node = Counted::new(&self.waiting, self.limits.calls).ok_or_else(busy)?;
        let _service = Counted::new(&entry.waiting, self.limits.calls_per_service).ok_or_else(busy)?;
        let deadline = Instant::now() + clock::until(live.end()).min(self.limits.call_timeout);
        let late = |_| Fault::new(TIMEOUT, format!("service {} was busy until the call's time was over", entry.id));
        let mut state = tokio::time::timeout_at(deadline, entry.turn.clone().lock_owned()).await.map_err(late)?;
        let guest = tokio::time::timeout_at(deadline, self.guests.clone().acquire_owned()).await.map_err(late)?;
        let params = self.parameters(&entry, live, &request);
        let (services, called, live) = (self.clone(), entry.clone(), live.clone());
        super::blocking(move || {
            let _guest = guest;
            let service = services.start(&called, &mut state)?;
            let vault = service.has_vault().then(|| services.vaults.of(&live)).transpose()?;
            let (start, memory) = (Instant::now(), service.stats().memory);
            let left = Some(deadline.saturating_duration_since(start));
            let options = CallOptions {
                params: Some(params),
                deadline: left,
                dialect: Dialect::Air,
                call_id: Some(request.id.to_string()),
                vault,
                ..CallOptions::default()
            };
            let args = Value::Array(request.args.iter().map(Value::from).collect());
            let result = service.call(&request.function, args, options).map_err(fault);
            // A function that does not exist was not called.
            if result.as_ref().err().is_none_or(|fault| fault.code != UNKNOWN) {
                let memory_delta = service.stats().memory.wrapping_sub(memory).cast_signed();
                let succeeded = result.is_ok();
                let call = Measured { succeeded, took: start.elapsed(), memory_delta, at: clock::now() };
                called.statistics().add(&request.function, &call);
            }
            result
        })
        .await
    }

    /// Per module of a service, its name and the bytes that its memory has and may have. Waits for the running call.
    pub(crate) async fn memory(&self, entry: &Entry) -> Value {
        let stats = match &*entry.turn.lock().await {
            State::Running(service) => Some(service.stats()),
            State::Resting(_) | State::Closed => None,
        };
        let registry = self.registry();
        let Some(known) = registry.blueprints.get(&entry.blueprint) else { return json!([]) };
        let whole = known.blueprint.limits.memory;
        let modules = known.blueprint.modules.iter().map(|module| {
            let running = stats.iter().flat_map(|stats| &stats.modules).find(|running| running.name == module.name);
            json!({
                "name": module.name,
                "memory_size_bytes": running.map_or(0, |running| running.memory),
                "max_memory_size_bytes": module.grants.memory.unwrap_or(whole).min(whole),
            })
        });
        modules.collect()
    }

    /// The running service; makes it run if it does not. Blocks.
    fn start(&self, entry: &Entry, state: &mut State) -> Result<Service, Fault> {
        let plan = match state {
            State::Running(service) => return Ok(service.clone()),
            State::Closed => return Err(Fault::new(UNKNOWN, format!("service {} was removed", entry.id))),
            State::Resting(plan) => match plan.take() {
                Some(plan) => plan,
                None => self.plan(&entry.blueprint)?,
            },
        };
        let id = entry.id.clone();
        let builder = Service::builder(plan.clone())
            .id(entry.id.clone())
            .host_id(self.rights.me().to_string())
            .creator(entry.owner.clone())
            .volumes(self.volumes.join(&entry.id))
            .logs(move |record| {
                tracing::info!(target: "console", service = id, module = %record.module, level = ?record.level, "{}", record.message);
            });
        match builder.build() {
            Ok(service) => {
                *state = State::Running(service.clone());
                Ok(service)
            }
            Err(error) => {
                *state = State::Resting(Some(plan));
                Err(Fault::new(TRAP, error.to_string()))
            }
        }
    }

    fn parameters(&self, entry: &Entry, live: &Live, request: &CallRequest) -> CallParameters {
        let particle = &live.particle;
        let host = self.rights.me().to_string();
        let origin = |origin: &marine_air::value::Tetraplet| SecurityTetraplet {
            peer_pk: origin.peer_pk.to_string(),
            service_id: origin.service_id.to_string(),
            function_name: origin.function_name.to_string(),
            lens: origin.lens.to_string(),
        };
        CallParameters {
            particle: ParticleParameters {
                id: live.cid.to_string(),
                init_peer_id: particle.init().to_string(),
                timestamp: particle.timestamp(),
                ttl: particle.ttl(),
                script: particle.script().to_owned(),
                signature: particle.signature().to_vec(),
                token: live.token(),
            },
            service_id: entry.id.clone(),
            service_creator_peer_id: entry.owner.clone(),
            worker_id: host.clone(),
            host_id: host,
            tetraplets: request.tetraplets.iter().map(|origins| origins.iter().map(origin).collect()).collect(),
        }
    }
}

/// The code of a failed call of a guest; a service's own error is its text, or its JSON.
fn fault(error: CallError) -> Fault {
    let code = match &error {
        CallError::Service(Value::String(text)) => return Fault::new(OWN, text.clone()),
        CallError::Service(value) => return Fault::new(OWN, value.to_string()),
        CallError::NoSuchModule { .. } | CallError::NoSuchFunction { .. } | CallError::Closed => UNKNOWN,
        CallError::Arguments(_) | CallError::Result(_) | CallError::NotCallable { .. } | CallError::Types { .. } => {
            SHAPE
        }
        CallError::Timeout { .. } => TIMEOUT,
        CallError::Busy { .. } => BUSY,
        _ => TRAP,
    };
    Fault::new(code, error.to_string())
}
