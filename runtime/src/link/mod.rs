//! Linking: [`Plan::link`] decides whether modules fit together, and what they become when they do.

mod binary;
mod check;
mod compose;
mod error;

use std::sync::Arc;

use marine_manifest::{AskedDir, Limits};

pub(crate) use self::check::{Wire, Wiring};
pub(crate) use self::compose::{compose, export_of, split_import};
pub(crate) use self::error::MAX_MODULES;
pub use self::error::{LinkError, LinkErrors};
use crate::engine::Engine;
use crate::interface::Interface;
use crate::module::Module;
use crate::spec::{ModuleSpec, ServiceSpec};

/// Modules that fit together. Nothing is compiled or instantiated yet. Cheap to clone.
#[derive(Clone)]
pub struct Plan(Arc<Inner>);

struct Inner {
    engine: Engine,
    spec: ServiceSpec,
    wiring: Wiring,
}

/// Something of the host that a module asks for; without a grant the service does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A directory.
    Dir {
        /// The module.
        module: String,
        /// The path at which it wants to see the directory.
        guest: String,
        /// The name under which it asks, and whether it wants to write.
        asked: AskedDir,
    },
    /// A variable.
    Env {
        /// The module.
        module: String,
        /// The module's name for it.
        name: String,
        /// The host's name for it.
        variable: String,
    },
}

impl Plan {
    /// Checks that the modules of `spec` fit together and with the host. A pure function of `spec`: `engine` is kept for later.
    ///
    /// # Errors
    /// Every reason why they do not.
    pub fn link(engine: &Engine, spec: ServiceSpec) -> Result<Plan, LinkErrors> {
        let wiring = check::check(&spec)?;
        Ok(Plan(Arc::new(Inner { engine: engine.clone(), spec, wiring })))
    }

    /// The service's name.
    pub fn name(&self) -> &str {
        &self.0.spec.name
    }

    /// What the service offers: the interface of its facade.
    pub fn interface(&self) -> &Interface {
        self.facade().interface()
    }

    /// The module whose functions the service offers.
    pub fn facade(&self) -> &Module {
        &self.0.spec.modules[self.0.wiring.facade].module
    }

    /// The modules, in the order of the specification.
    pub fn modules(&self) -> impl Iterator<Item = &Module> {
        self.0.spec.modules.iter().map(|spec| &spec.module)
    }

    /// The bounds on the service.
    pub fn limits(&self) -> &Limits {
        &self.0.spec.limits
    }

    /// What modules ask of the host, to be granted when the service is built.
    pub fn requests(&self) -> Vec<Request> {
        self.0.spec.modules.iter().flat_map(requests_of).collect()
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn spec(&self) -> &ServiceSpec {
        &self.0.spec
    }

    pub(crate) fn wiring(&self) -> &Wiring {
        &self.0.wiring
    }
}

fn requests_of(spec: &ModuleSpec) -> impl Iterator<Item = Request> + '_ {
    let module = || spec.module.name().to_owned();
    let dirs = spec.asked_dirs.iter().map(move |(guest, asked)| Request::Dir {
        module: module(),
        guest: guest.clone(),
        asked: asked.clone(),
    });
    let variables = spec.asked_env.iter().map(move |(name, variable)| Request::Env {
        module: module(),
        name: name.clone(),
        variable: variable.clone(),
    });
    dirs.chain(variables)
}

impl std::fmt::Display for Request {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Request::Dir { module, guest, asked } => {
                write!(to, "`{module}` asks for the directory {:?} ({}) as {guest}", asked.ask, asked.mode)
            }
            Request::Env { module, name, variable } => {
                write!(to, "`{module}` asks for the host's variable {variable} as {name}")
            }
        }
    }
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Plan").field("name", &self.name()).field("wiring", &self.0.wiring).finish()
    }
}
