//! From what the bindings know of a service to a running copy: linked once per process, instantiated per test.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use marine_manifest::{Manifest, ManifestErrors};
use marine_runtime::{
    Engine, EngineConfig, EngineError, LinkErrors, Module, ModuleError, Plan, ServiceSpec, StartError,
};
use thiserror::Error;

/// A service as the bindings were generated for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// Absolute path of the manifest.
    pub manifest: &'static str,
    /// Whether writable directories of the host are the real ones.
    pub real_dirs: bool,
    /// Its modules.
    pub modules: &'static [ModuleSource],
}

/// A module as the bindings were generated for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModuleSource {
    /// Kebab-case name.
    pub name: &'static str,
    /// Absolute path of the component.
    pub wasm: &'static str,
    /// The component's content id.
    pub cid: &'static str,
}

/// Why a service under test does not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartFailure {
    /// The manifest has mistakes.
    #[error("{0}")]
    Manifest(#[from] ManifestErrors),
    /// A component cannot be used.
    #[error("{0}\nhelp: run `cargo test` again, which builds it")]
    Module(#[from] ModuleError),
    /// A component is not the one that the test was compiled for.
    #[error(
        "error[M654]: the module `{module}` changed since this test was compiled\n  at     {path}\n\
         help: run `cargo test` again, which compiles both"
    )]
    Stale {
        /// The module.
        module: String,
        /// Its file.
        path: String,
    },
    /// The manifest lists a module that the test does not know.
    #[error(
        "error[M654]: the manifest lists the module `{0}`, which was not there when this test was compiled\n\
         help: run `cargo test` again"
    )]
    Unknown(String),
    /// The modules do not fit together.
    #[error("{0}")]
    Link(#[from] LinkErrors),
    /// The engine does not work here.
    #[error("{0}")]
    Engine(Arc<EngineError>),
    /// The service cannot be made or started.
    #[error("{0}")]
    Start(#[from] StartError),
    /// An extra grant is for a module that the service does not have.
    #[error(
        "error[M655]: the service has no module `{0}` to grant something to\nhelp: write its name as in the manifest"
    )]
    NoModule(String),
    /// An extra grant names a host in a way that cannot be read.
    #[error("error[M656]: `{host}` is no host to grant: {cause}")]
    Host {
        /// What was written.
        host: String,
        /// Why not.
        cause: String,
    },
    /// A private place for the test cannot be made.
    #[error("cannot make a private copy of {path} for this test: {cause}")]
    Place {
        /// What was to be copied or made.
        path: String,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
}

/// A service that was read and checked; every test links it with directories of its own.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) name: String,
    pub(crate) engine: Engine,
    pub(crate) spec: ServiceSpec,
}

/// Reads `source`, or takes what this process read before.
pub(crate) fn prepare(source: &Source) -> Result<Prepared, StartFailure> {
    type Known = Mutex<HashMap<Source, Prepared>>;
    static KNOWN: OnceLock<Known> = OnceLock::new();
    // Held while reading: tests that run at the same time wait for one of them to do it.
    let mut known = KNOWN.get_or_init(Known::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(prepared) = known.get(source) {
        return Ok(prepared.clone());
    }
    let prepared = read(source)?;
    known.insert(*source, prepared.clone());
    Ok(prepared)
}

fn read(source: &Source) -> Result<Prepared, StartFailure> {
    let manifest = Manifest::read(Path::new(source.manifest))?;
    let manifest = manifest.with_extra(&manifest.test);
    let spec = ServiceSpec::from_manifest(&manifest, |entry| {
        let known = source.modules.iter().find(|module| module.name == entry.name);
        let known = known.ok_or_else(|| StartFailure::Unknown(entry.name.clone()))?;
        let module = Module::from_file(known.name, known.wasm)?;
        match module.cid().to_string() == known.cid {
            true => Ok(module),
            false => Err(StartFailure::Stale { module: entry.name.clone(), path: known.wasm.to_owned() }),
        }
    })?;
    Ok(Prepared { name: manifest.service.name.clone(), engine: engine()?, spec })
}

/// Links `prepared`; cheap compared to reading it.
pub(crate) fn link(prepared: &Prepared, spec: ServiceSpec) -> Result<Plan, StartFailure> {
    Ok(Plan::link(&prepared.engine, spec)?)
}

/// The engine of this process: one clock, one cache of compiled code.
fn engine() -> Result<Engine, StartFailure> {
    static ENGINE: OnceLock<Result<Engine, Arc<EngineError>>> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(EngineConfig::default()).map_err(Arc::new)).clone().map_err(StartFailure::Engine)
}
