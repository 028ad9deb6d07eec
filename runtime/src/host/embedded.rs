//! Interfaces that an embedder offers to modules, beside those of WASI and `marine:host`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use semver::{Version, VersionReq};
use wasmtime::StoreContextMut;
use wasmtime::component::{Component, ComponentNamedList, Lift, Linker, LinkerInstance, Lower};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

use super::state::State;
use crate::interface::Interface;
use crate::module::Module;
use crate::names;
use crate::params::CallParameters;

/// A WIT interface whose functions are Rust functions of the embedder. Modules that import it ask for it by
/// [`Request::Interface`](crate::Request::Interface), and get it by [`Grants::interface`](crate::Grants::interface), each for itself.
///
/// The WIT text is what modules are checked against when they are linked; that the Rust types fit it is checked when the engine is
/// made. A module built for a lower version that semantic versioning calls compatible fits as well.
///
/// ```
/// use marine_runtime::{CodeCacheConfig, Engine, EngineConfig, HostError, HostInterface};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let prices = HostInterface::new(
///     "package acme:market@1.0.0;
///      interface prices {
///        /// What a thing costs, in cents.
///        price: func(item: string) -> result<u64, string>;
///      }",
/// )?
/// .function("price", |call, (item,): (String,)| match item.as_str() {
///     // The inner result is the module's to handle ..
///     "tea" => Ok((Ok::<u64, String>(250),)),
///     "salt" => Ok((Err(format!("{} may not buy salt", call.module())),)),
///     // .. an error of the host ends its call.
///     _ => Err(HostError::new("the market is closed")),
/// });
/// let config = EngineConfig { cache: CodeCacheConfig::Off, interfaces: vec![prices], ..EngineConfig::default() };
/// let engine = Engine::new(config)?;
/// # let _ = engine;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct HostInterface {
    interface: Arc<Interface>,
    version: Version,
    /// A component that imports the interface and does nothing.
    probe: Arc<[u8]>,
    functions: BTreeMap<String, Define>,
}

/// Defines a function of that name in an instance for the module at that index.
type Define = Arc<dyn Fn(&mut LinkerInstance<'_, State>, &str, usize) -> wasmtime::Result<()> + Send + Sync>;

/// Why an embedder's interface cannot be offered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostInterfaceError {
    /// The text is not WIT, or not one interface in one package with a version.
    #[error("not the WIT of an interface: {0}")]
    Wit(String),
    /// Packages of the runtime itself.
    #[error("`{0}` belongs to the runtime: call the package otherwise than `wasi:..` and `marine:..`")]
    Reserved(String),
    /// Two interfaces of one name.
    #[error("`{0}` is offered twice")]
    Twice(String),
    /// A function with types that modules cannot be given.
    #[error("`{function}` of `{interface}` has a {what}, which cannot be offered")]
    Unsupported {
        /// The interface.
        interface: String,
        /// Its function.
        function: String,
        /// The kind of type.
        what: &'static str,
    },
    /// A function of the interface without a Rust function.
    #[error("`{function}` of `{interface}` is not implemented")]
    Missing {
        /// The interface.
        interface: String,
        /// Its function.
        function: String,
    },
    /// A Rust function for what is not in the interface.
    #[error("`{interface}` has no function `{function}`")]
    Unknown {
        /// The interface.
        interface: String,
        /// The name that was given.
        function: String,
    },
    /// Rust types that differ from those of the interface.
    #[error("the Rust functions for `{interface}` have other types than it: {cause}")]
    Types {
        /// The interface.
        interface: String,
        /// The difference, in the engine's words.
        cause: String,
    },
}

/// An error of an embedder's function. It ends the guest's call as [`CallError::Host`](crate::CallError::Host); an error that the guest
/// shall handle is a `result` of the interface instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HostError(String);

impl HostError {
    /// An error with what `cause` prints.
    pub fn new(cause: impl fmt::Display) -> HostError {
        HostError(cause.to_string())
    }
}

/// A [`HostError`] with where it came from.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub(crate) struct HostFailure {
    pub(crate) interface: Arc<str>,
    pub(crate) function: Arc<str>,
    pub(crate) cause: HostError,
}

/// Who calls an embedder's function, and for whom.
pub struct HostCall<'a> {
    state: &'a State,
    module: usize,
}

impl HostCall<'_> {
    /// The module that calls.
    pub fn module(&self) -> &str {
        &self.state.modules[self.module].log.module
    }

    /// The id of its service.
    pub fn service_id(&self) -> &str {
        &self.state.modules[self.module].log.service
    }

    /// What is known about the call from outside that is being served.
    pub fn params(&self) -> &CallParameters {
        &self.state.call.params
    }

    /// The name of that very call; empty if it has none.
    pub fn call_id(&self) -> &str {
        &self.state.call.id
    }

    /// When that call ends. Nothing ends the function at that time: it is the function's own to return by then.
    pub fn deadline(&self) -> Instant {
        self.state.call.deadline
    }

    /// Whether the caller gave up meanwhile; then the result does not matter any more.
    pub fn is_cancelled(&self) -> bool {
        self.state.call.is_cancelled()
    }
}

impl HostInterface {
    /// The interface in the WIT text `wit`: one package, which has a version, with one interface.
    ///
    /// # Errors
    /// [`HostInterfaceError::Wit`], [`HostInterfaceError::Reserved`], and [`HostInterfaceError::Unsupported`] for resources, streams and
    /// futures.
    pub fn new(wit: &str) -> Result<HostInterface, HostInterfaceError> {
        let (id, version, probe) = read(wit).map_err(|cause| HostInterfaceError::Wit(cause.to_string()))?;
        if id.starts_with("wasi:") || id.starts_with("marine:") {
            return Err(HostInterfaceError::Reserved(id));
        }
        let wit_error = |cause: &dyn fmt::Display| HostInterfaceError::Wit(cause.to_string());
        let module = Module::from_bytes("probe", probe).map_err(|cause| wit_error(&cause))?;
        let interface = module.import_list().iter().find(|import| import.name == id);
        let Some(Ok(interface)) = interface.map(|import| &import.interface) else {
            return Err(wit_error(&"it has no functions"));
        };
        for function in &interface.functions {
            if let Some(what) = function.unsupported() {
                let function = function.name.clone();
                return Err(HostInterfaceError::Unsupported { interface: id, function, what });
            }
        }
        let (interface, probe) = (Arc::new(interface.clone()), module.bytes().into());
        Ok(HostInterface { interface, version, probe, functions: BTreeMap::new() })
    }

    /// Implements the function called `name` (as in the WIT text). Parameters and results are tuples, as in
    /// [`Service::call_typed`](crate::Service::call_typed). `call` runs on the thread of the guest's caller, and for several services at
    /// once; a panic in it reaches that caller.
    #[must_use]
    pub fn function<P, R>(
        mut self,
        name: &str,
        call: impl Fn(&HostCall<'_>, P) -> Result<R, HostError> + Send + Sync + 'static,
    ) -> HostInterface
    where
        P: ComponentNamedList + Lift + 'static,
        R: ComponentNamedList + Lower + 'static,
    {
        let (interface, function): (Arc<str>, Arc<str>) = (self.id().into(), name.into());
        let call = Arc::new(call);
        let define = move |to: &mut LinkerInstance<'_, State>, name: &str, module: usize| {
            let (call, interface, function) = (call.clone(), interface.clone(), function.clone());
            to.func_wrap(name, move |store: StoreContextMut<'_, State>, params: P| {
                call(&HostCall { state: store.data(), module }, params).map_err(|cause| {
                    let (interface, function) = (interface.clone(), function.clone());
                    HostFailure { interface, function, cause }.into()
                })
            })
        };
        self.functions.insert(name.to_owned(), Arc::new(define));
        self
    }

    /// Its id with its version: `acme:market/prices@1.0.0`.
    pub fn id(&self) -> &str {
        self.interface.id.as_deref().unwrap_or_default()
    }

    /// Its functions and types.
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// Whether all its functions are there, with the types of the interface.
    fn check(&self, engine: &wasmtime::Engine) -> Result<(), HostInterfaceError> {
        let interface = || self.id().to_owned();
        let declared = || self.interface.functions.iter().map(|function| function.name.as_str());
        if let Some(unknown) = self.functions.keys().find(|name| !declared().any(|known| known == *name)) {
            return Err(HostInterfaceError::Unknown { interface: interface(), function: unknown.clone() });
        }
        if let Some(missing) = declared().find(|name| !self.functions.contains_key(*name)) {
            return Err(HostInterfaceError::Missing { interface: interface(), function: missing.to_owned() });
        }
        let fits = || {
            let mut linker = Linker::new(engine);
            self.define(&mut linker.instance(self.id())?, 0)?;
            linker.instantiate_pre(&Component::new(engine, &self.probe)?).map(drop)
        };
        fits().map_err(|cause| HostInterfaceError::Types { interface: interface(), cause: format!("{cause:#}") })
    }

    fn define(&self, to: &mut LinkerInstance<'_, State>, module: usize) -> wasmtime::Result<()> {
        self.functions.iter().try_for_each(|(name, define)| define(to, name, module))
    }
}

/// The id, the version and a component that imports the interface of `wit`.
fn read(wit: &str) -> Result<(String, Version, Vec<u8>), Box<dyn std::error::Error>> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("interface.wit", wit)?;
    let package = &resolve.packages[package];
    let version = package.name.version.clone().ok_or("the package has no version, such as `@1.0.0`")?;
    let [name] = package.interfaces.keys().collect::<Vec<_>>()[..] else {
        return Err(format!("the package has {} interfaces, not one", package.interfaces.len()).into());
    };
    let id = package.name.interface_id(name);
    let probe = resolve.push_str("probe.wit", &format!("package marine:probe; world probe {{ import {id}; }}"))?;
    let world = resolve.select_world(&[probe], Some("probe"))?;
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    let component = ComponentEncoder::default().module(&module)?.encode()?;
    Ok((id, version, component))
}

/// The interfaces that an engine's embedder offers.
#[derive(Debug, Default)]
pub(crate) struct HostInterfaces(Vec<HostInterface>);

impl HostInterfaces {
    /// Checks `interfaces` one by one and together.
    pub(crate) fn new(
        interfaces: Vec<HostInterface>,
        engine: &wasmtime::Engine,
    ) -> Result<HostInterfaces, HostInterfaceError> {
        for (index, interface) in interfaces.iter().enumerate() {
            interface.check(engine)?;
            if interfaces[..index].iter().any(|other| other.id() == interface.id()) {
                return Err(HostInterfaceError::Twice(interface.id().to_owned()));
            }
        }
        Ok(HostInterfaces(interfaces))
    }

    /// The one that satisfies `import`.
    pub(crate) fn find(&self, import: &str) -> Option<&HostInterface> {
        let (path, version) = import.split_once('@')?;
        let wanted: VersionReq = format!("^{version}").parse().ok()?;
        let is_it =
            |offered: &&HostInterface| names::unversioned(offered.id()) == path && wanted.matches(&offered.version);
        self.0.iter().find(is_it)
    }

    /// The versions that are offered of what `import` names.
    pub(crate) fn versions(&self, import: &str) -> Vec<String> {
        let path = names::unversioned(import);
        let named = self.0.iter().filter(|offered| names::unversioned(offered.id()) == path);
        named.map(|offered| offered.version.to_string()).collect()
    }

    /// Defines what satisfies `import` in `to` for the module at `index`.
    pub(super) fn define(
        &self,
        to: &mut LinkerInstance<'_, State>,
        index: usize,
        import: &str,
    ) -> wasmtime::Result<()> {
        let offered = self.find(import).ok_or_else(|| wasmtime::Error::msg(format!("nobody offers {import}")))?;
        offered.define(to, index)
    }
}

impl fmt::Debug for HostInterface {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("HostInterface").field("id", &self.id()).finish_non_exhaustive()
    }
}
