//! Building a service from a plan: identity, grants, places, and the code.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use marine_manifest::{MAX_INSTANCES, Mode};

use super::Service;
use super::code::Code;
use super::error::StartError;
use super::grants::{Endowment, Grants, VolumeQuotas};
use super::queue::Queue;
use super::shared::{Identity, Shared};
use super::stats::Figures;
use crate::host::{HostShared, Stores};
use crate::link::Plan;
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
    granted: Grants,
}

impl ServiceBuilder {
    pub(super) fn new(plan: Plan) -> ServiceBuilder {
        let (id, volumes, sink) = (None, None, None);
        let (host_id, creator, granted) = (String::new(), String::new(), Grants::default());
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

    /// The directory in which the service's volumes are kept, each in a directory of its name, and its key-value stores; it belongs to
    /// this service alone.
    pub fn volumes(mut self, dir: impl Into<PathBuf>) -> Self {
        self.volumes = Some(dir.into());
        self
    }

    /// Where log records go; they are dropped if not given.
    pub fn logs(mut self, sink: impl Fn(LogRecord) + Send + Sync + 'static) -> Self {
        self.sink = Some(Arc::new(sink));
        self
    }

    /// Grants what the modules ask for: see [`Plan::requests`]. Adds to what was granted before.
    pub fn grants(mut self, grants: Grants) -> Self {
        self.granted = self.granted.and(grants);
        self
    }

    /// Grants the directory that `module` asks for as `ask`: see [`Grants::dir`].
    pub fn grant_dir(self, module: &str, ask: &str, path: impl Into<PathBuf>, mode: Mode) -> Self {
        self.grants(Grants::new().dir(module, ask, path, mode))
    }

    /// Grants that `module` reads the host's `variable`.
    pub fn grant_env(self, module: &str, variable: &str) -> Self {
        self.grants(Grants::new().env(module, variable))
    }

    /// Compiles what is not known yet and makes the service. Its instance is made at the first call, or by [`Service::start`],
    /// unless the service is eager.
    ///
    /// # Errors
    /// Requests that were not granted, places that cannot be used, modules that cannot be compiled;
    /// for an eager service what [`Service::start`] answers.
    pub fn build(self) -> Result<Service, StartError> {
        let ServiceBuilder { plan, id, host_id, creator, volumes, sink, granted } = self;
        let requests = plan.requests();
        if let Some((module, what)) = granted.useless(&requests) {
            return Err(StartError::NoSuchRequest { module, what });
        }
        let refused = granted.refused(requests);
        if !refused.is_empty() {
            return Err(StartError::NotGranted(refused));
        }
        let mut quotas = VolumeQuotas::new();
        let endow = |spec| Endowment::new(spec, &granted, volumes.as_deref(), &mut quotas);
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
        let instances = plan.spec().instances.clamp(1, MAX_INSTANCES);
        let host = HostShared { stores: Stores::new(volumes.as_deref()), trust: plan.engine().trust().clone() };
        let eager = plan.spec().eager;
        let service = Service(Arc::new(Shared {
            queue: Queue::new(instances, limits.queue),
            log_budget: Arc::new(Mutex::new(log_budget)),
            host: Arc::new(host),
            tags: plan.memories().tags.clone().into(),
            denials: Arc::default(),
            figures: Mutex::new(Figures::new(&code)),
            identity: Identity { id, host_id, creator },
            no_params: Arc::new(no_params),
            no_call: Arc::from(""),
            pool: Mutex::default(),
            closed: AtomicBool::new(false),
            vaults: OnceLock::new(),
            plan,
            code,
            endowments,
            sink,
        }));
        if eager {
            service.start()?;
        }
        Ok(service)
    }
}
