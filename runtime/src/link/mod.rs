//! Linking: [`Plan::link`] decides whether modules fit together, and what they become when they do.

mod binary;
mod check;
mod compose;
mod error;
mod memory;
mod permissions;
mod types;

use std::sync::Arc;

use marine_manifest::{AskedDir, BinaryGrant, HostGrant, Limits};

pub(crate) use self::check::{Wire, Wiring};
pub(crate) use self::compose::{compose, export_of, split_import};
pub(crate) use self::error::MAX_MODULES;
pub use self::error::{LinkError, LinkErrors};
pub(crate) use self::memory::{MemoryPlan, MemoryTag};
pub use self::permissions::{Access, LinkWarning, Permission, PermissionSource};
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
    memories: MemoryPlan,
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
    /// A host to reach.
    Host {
        /// The module.
        module: String,
        /// Which host.
        host: HostGrant,
    },
    /// A program to run.
    Binary {
        /// The module.
        module: String,
        /// What the module calls it.
        name: String,
        /// The name it asks with (as the path), the arguments and bounds it wants.
        asked: BinaryGrant,
    },
    /// An interface of the embedder's own.
    Interface {
        /// The module.
        module: String,
        /// What it imports: `acme:market/prices@1.0.0`.
        interface: String,
    },
}

impl Request {
    /// The module that asks.
    pub fn module(&self) -> &str {
        let (Request::Dir { module, .. }
        | Request::Env { module, .. }
        | Request::Host { module, .. }
        | Request::Binary { module, .. }
        | Request::Interface { module, .. }) = self;
        module
    }
}

impl Plan {
    /// Checks that the modules of `spec` fit together and with the host (with what `engine` offers beyond WASI). Nothing is run or
    /// instantiated; of the host, only the granted programs are looked for. `engine` is kept for later.
    ///
    /// # Errors
    /// Every reason why they do not.
    pub fn link(engine: &Engine, mut spec: ServiceSpec) -> Result<Plan, LinkErrors> {
        let wiring = check::check(&mut spec, engine.interfaces())?;
        let memories = MemoryPlan::new(&spec);
        Ok(Plan(Arc::new(Inner { engine: engine.clone(), spec, wiring, memories })))
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

    /// Everything that the modules may do, with who lets them.
    pub fn permissions(&self) -> Vec<Permission> {
        permissions::permissions(&self.0.spec, &self.0.wiring)
    }

    /// What works but is hardly meant like that: grants and modules of no use, imports for which nothing is granted.
    pub fn warnings(&self) -> Vec<LinkWarning> {
        permissions::warnings(&self.0.spec, &self.0.wiring)
    }

    /// What modules ask of the host, to be granted when the service is built.
    pub fn requests(&self) -> Vec<Request> {
        self.0
            .spec
            .modules
            .iter()
            .zip(&self.0.wiring.modules)
            .flat_map(|(spec, wires)| requests_of(spec, wires))
            .collect()
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn spec(&self) -> &ServiceSpec {
        &self.0.spec
    }

    pub(crate) fn memories(&self) -> &MemoryPlan {
        &self.0.memories
    }

    pub(crate) fn wiring(&self) -> &Wiring {
        &self.0.wiring
    }
}

fn requests_of<'a>(spec: &'a ModuleSpec, wires: &'a [Wire]) -> impl Iterator<Item = Request> + 'a {
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
    let hosts = spec.asked_hosts.iter().map(move |host| Request::Host { module: module(), host: host.clone() });
    let binaries = spec.asked_binaries.iter().map(move |(name, asked)| Request::Binary {
        module: module(),
        name: name.clone(),
        asked: asked.clone(),
    });
    let interfaces = wires.iter().filter_map(move |wire| match wire {
        Wire::Embedder(import) => Some(Request::Interface { module: module(), interface: import.clone() }),
        _ => None,
    });
    dirs.chain(variables).chain(hosts).chain(binaries).chain(interfaces)
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
            Request::Host { module, host } => write!(to, "`{module}` asks to reach {host}"),
            Request::Binary { module, name, asked } => {
                write!(to, "`{module}` asks to run {:?} as `{name}`, with {}", asked.path, asked.args)
            }
            Request::Interface { module, interface } => write!(to, "`{module}` asks to use `{interface}` of the host"),
        }
    }
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Plan").field("name", &self.name()).field("wiring", &self.0.wiring).finish()
    }
}
