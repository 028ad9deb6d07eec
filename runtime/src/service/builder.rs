//! Building a service from a plan: identity, grants, places, and the code.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use marine_manifest::Mode;

use super::Service;
use super::code::Code;
use super::error::StartError;
use super::grants::{Endowment, Granted, refused};
use super::queue::Queue;
use super::shared::{Figures, Identity, Shared, Slot};
use crate::link::{Plan, Request};
use crate::logs::{LogBudget, LogRecord, LogSink};
use crate::params::CallParameters;

/// Settings of a service to be.
pub struct ServiceBuilder {
    plan: Plan,
    id: Option<String>,
    host_id: String,
    creator: String,
    volumes: Option<PathBuf>,
    sink: Option<LogSink>,
    granted: Granted,
}

impl ServiceBuilder {
    pub(super) fn new(plan: Plan) -> ServiceBuilder {
        let (id, volumes, sink) = (None, None, None);
        let (host_id, creator, granted) = (String::new(), String::new(), Granted::default());
        ServiceBuilder { plan, id, host_id, creator, volumes, sink, granted }
    }

    /// The service's id; the plan's name if not given.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The peer that runs the service (base58 peer id); empty if not given.
    pub fn host_id(mut self, peer: impl Into<String>) -> Self {
        self.host_id = peer.into();
        self
    }

    /// The peer that created the service (base58 peer id); empty if not given.
    pub fn creator(mut self, peer: impl Into<String>) -> Self {
        self.creator = peer.into();
        self
    }

    /// The directory in which the service's volumes are kept, each in a directory of its name; it belongs to this service alone.
    pub fn volumes(mut self, dir: impl Into<PathBuf>) -> Self {
        self.volumes = Some(dir.into());
        self
    }

    /// Where log records go; they are dropped if not given.
    pub fn logs(mut self, sink: impl Fn(LogRecord) + Send + Sync + 'static) -> Self {
        self.sink = Some(Arc::new(sink));
        self
    }

    /// Grants the directory that `module` asks for as `ask`: it lies at `path`, and may be used in no wider mode than `mode`.
    pub fn grant_dir(mut self, module: &str, ask: &str, path: impl Into<PathBuf>, mode: Mode) -> Self {
        self.granted.dirs.insert((module.to_owned(), ask.to_owned()), (path.into(), mode));
        self
    }

    /// Grants that `module` reads the host's `variable`.
    pub fn grant_env(mut self, module: &str, variable: &str) -> Self {
        self.granted.variables.push((module.to_owned(), variable.to_owned()));
        self
    }

    /// Compiles what is not known yet and makes the service. Its instance is made at the first call, or by [`Service::start`].
    ///
    /// # Errors
    /// Requests that were not granted, places that cannot be used, modules that cannot be compiled.
    pub fn build(self) -> Result<Service, StartError> {
        let ServiceBuilder { plan, id, host_id, creator, volumes, sink, granted } = self;
        let requests = plan.requests();
        check_grants(&requests, &granted)?;
        let refused = refused(requests, &granted);
        if !refused.is_empty() {
            return Err(StartError::NotGranted(refused));
        }
        let endow = |spec| Endowment::new(spec, &granted, volumes.as_deref());
        let endowments = plan.spec().modules.iter().map(endow).collect::<Result<Vec<_>, _>>()?;
        let code = Code::of(&plan)?;
        let id: Arc<str> = id.unwrap_or_else(|| plan.name().to_owned()).into();
        let no_params = CallParameters {
            service_id: id.to_string(),
            service_creator_peer_id: creator.clone(),
            host_id: host_id.clone(),
            worker_id: host_id.clone(),
            ..CallParameters::default()
        };
        let limits = plan.limits();
        let log_budget = LogBudget::new(limits.log, limits.log_burst(), Instant::now());
        Ok(Service(Arc::new(Shared {
            queue: Queue::new(limits.queue),
            log_budget: Arc::new(Mutex::new(log_budget)),
            figures: Mutex::new(Figures::new(&code)),
            identity: Identity { id, host_id, creator },
            no_params: Arc::new(no_params),
            no_call: Arc::from(""),
            slot: Mutex::new(Slot::default()),
            closed: AtomicBool::new(false),
            plan,
            code,
            endowments,
            sink,
        })))
    }
}

/// Grants that nobody asked for are mistakes of whoever grants.
fn check_grants(requests: &[Request], granted: &Granted) -> Result<(), StartError> {
    let asked = |module: &str, what: &str| {
        requests.iter().any(|request| match request {
            Request::Dir { module: by, asked, .. } => by == module && asked.ask == what,
            Request::Env { module: by, variable, .. } => by == module && variable == what,
        })
    };
    let dirs = granted.dirs.keys();
    match dirs.chain(&granted.variables).find(|(module, what)| !asked(module, what)) {
        Some((module, what)) => Err(StartError::NoSuchRequest { module: module.clone(), what: what.clone() }),
        None => Ok(()),
    }
}
