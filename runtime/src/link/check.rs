//! The checks of linking: who provides what to whom. A pure function that finds every mistake.

use std::collections::BTreeSet;

use super::error::{LinkError, LinkErrors, MAX_MODULES};
use crate::host::{HostInterface, HostInterfaces, Support, find_program, support};
use crate::interface::{Interface, Type};
use crate::module::Module;
use crate::names;
use crate::spec::{ModuleSpec, ServiceSpec};

/// Who provides what, for modules by their index in the specification.
#[derive(Clone, Debug)]
pub(crate) struct Wiring {
    /// The module whose functions the service offers.
    pub(crate) facade: usize,
    /// Per module, its imports.
    pub(crate) modules: Vec<Vec<Wire>>,
    /// Modules such that each comes after those it imports.
    pub(crate) order: Vec<usize>,
}

/// One import and who satisfies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// The host, under this import name.
    Host(String),
    /// The host's embedder, under this import name.
    Embedder(String),
    /// Another module.
    Module {
        /// The import's name.
        import: String,
        /// The provider.
        provider: usize,
        /// The provider's interface; `None` if that is its bare functions.
        interface: Option<String>,
        /// Types that the importer calls otherwise than the provider: its name, the provider's.
        renamed: Vec<(String, String)>,
    },
}

impl Wire {
    /// The import, if it is satisfied from outside of the service.
    pub(crate) fn host(&self) -> Option<&str> {
        match self {
            Wire::Host(import) | Wire::Embedder(import) => Some(import),
            Wire::Module { .. } => None,
        }
    }
}

/// Decides the wiring of `spec`, and fixes which interface each module offers. `interfaces` are those of the embedder.
///
/// # Errors
/// Every reason why the modules do not fit together.
pub(crate) fn check(spec: &mut ServiceSpec, interfaces: &HostInterfaces) -> Result<Wiring, LinkErrors> {
    let errors = choose_interfaces(spec);
    if spec.modules.is_empty() || spec.modules.len() > MAX_MODULES {
        return Err(LinkErrors(vec![LinkError::Count(spec.modules.len())]));
    }
    let mut checker = Checker { spec, interfaces, errors };
    checker.names();
    let facade = checker.facade();
    let modules: Vec<_> = spec.modules.iter().map(|module| checker.module(module)).collect();
    let order = checker.order(&modules);
    if checker.errors.is_empty() { Ok(Wiring { facade, modules, order }) } else { Err(LinkErrors(checker.errors)) }
}

fn choose_interfaces(spec: &mut ServiceSpec) -> Vec<LinkError> {
    let mut errors = Vec::new();
    for entry in &mut spec.modules {
        let Some(id) = &entry.interface else { continue };
        match entry.module.with_interface(id) {
            Ok(chosen) => entry.module = chosen,
            Err(exported) => errors.push(LinkError::Interface {
                module: entry.module.name().to_owned(),
                interface: id.clone(),
                exported,
            }),
        }
    }
    errors
}

struct Checker<'a> {
    spec: &'a ServiceSpec,
    interfaces: &'a HostInterfaces,
    errors: Vec<LinkError>,
}

impl<'a> Checker<'a> {
    fn names(&mut self) {
        let mut seen = BTreeSet::new();
        for name in self.module_names() {
            if !seen.insert(name) {
                self.errors.push(LinkError::Duplicate(name.to_owned()));
            }
        }
    }

    fn module_names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.spec.modules.iter().map(|spec| spec.module.name())
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.module_names().position(|module| names::same(name, module))
    }

    fn facade(&mut self) -> usize {
        let last = self.spec.modules.len() - 1;
        let Some(facade) = &self.spec.facade else { return last };
        self.find(facade).unwrap_or_else(|| {
            let nearest = names::nearest(facade, self.module_names()).map(str::to_owned);
            self.errors.push(LinkError::Facade { facade: facade.clone(), nearest });
            last
        })
    }

    /// The wires of one module, as far as they are right.
    fn module(&mut self, spec: &'a ModuleSpec) -> Vec<Wire> {
        let name = spec.module.name();
        if let Err(interfaces) = spec.module.own_interface() {
            let interfaces = interfaces.into_iter().map(str::to_owned).collect();
            self.errors.push(LinkError::ManyInterfaces { module: name.to_owned(), interfaces });
        }
        if let Some(cap) = spec.memory.filter(|cap| *cap < spec.module.initial_memory()) {
            let initial = spec.module.initial_memory();
            self.errors.push(LinkError::Memory { module: name.to_owned(), initial, cap });
        }
        self.needs(spec);
        self.programs(spec);
        if let Some(pinned) = spec.pin.filter(|pinned| pinned != spec.module.cid()) {
            let (module, found) = (spec.module.name().to_owned(), spec.module.cid().to_string());
            self.errors.push(LinkError::Pinned { module, found, pinned: pinned.to_string() });
        }
        if let Some(wanted) = spec.version.as_ref().filter(|wanted| !meets(spec.module.version(), wanted)) {
            self.errors.push(version_error(&spec.module, None, wanted.to_string()));
        }
        let mut wires = Vec::new();
        for import in spec.module.import_list() {
            match &import.interface {
                Ok(wanted) => wires.extend(self.wire(spec, &import.name, wanted)),
                // World-level type imports only repeat types of interfaces; anything else bare comes from nobody.
                Err("type") => {}
                Err(_) => self.errors.push(nobody(name, &import.name)),
            }
        }
        wires
    }

    /// Programs that the module declares to run need a grant, and those that are granted have to be there.
    fn programs(&mut self, spec: &ModuleSpec) {
        let module = || spec.module.name().to_owned();
        for name in spec.module.wanted_binaries() {
            let granted = spec.grants.binaries.contains_key(name) || spec.asked_binaries.contains_key(name);
            if !granted {
                self.errors.push(LinkError::NotGranted { module: module(), program: name.clone() });
            }
        }
        for (name, grant) in &spec.grants.binaries {
            if let Err(cause) = find_program(&grant.path) {
                let path = grant.path.clone();
                self.errors.push(LinkError::Program { module: module(), program: name.clone(), path, cause });
            }
        }
    }

    fn needs(&mut self, spec: &ModuleSpec) {
        let module = spec.module.name();
        for (import, provider) in &spec.needs {
            let imported = spec.module.imports().any(|name| names_import(import, name));
            let cause = if !imported {
                let near = names::nearest(import, spec.module.imports());
                near.map_or("it imports nothing of that name".to_owned(), |near| {
                    format!("it imports nothing of that name; did you mean `{near}`?")
                })
            } else if self.find(provider).is_none() {
                format!("the service has no module `{provider}`")
            } else {
                continue;
            };
            self.errors.push(LinkError::Needs { module: module.to_owned(), import: import.clone(), cause });
        }
    }

    fn wire(&mut self, spec: &ModuleSpec, import: &str, wanted: &Interface) -> Option<Wire> {
        let importer = spec.module.name();
        match support(import) {
            Support::Offered => return Some(Wire::Host(import.to_owned())),
            Support::Refused(cause) => {
                let (importer, import) = (importer.to_owned(), import.to_owned());
                self.errors.push(LinkError::Host { importer, import, cause });
                return None;
            }
            Support::Unknown => {}
        }
        let by_hand = spec.needs.keys().any(|need| names_import(need, import));
        if let Some(offered) = self.interfaces.find(import).filter(|_| !by_hand) {
            return self.embedders(importer, import, wanted, offered);
        }
        let provider = self.provider(spec, import)?;
        let provided = self.spec.modules.get(provider)?;
        if provided.module.name() == importer {
            self.errors.push(LinkError::SelfImport(importer.to_owned()));
            return None;
        }
        self.required_version(spec, import, &provided.module);
        let offered = provided.module.interface();
        let renamed = self.compare(importer, provided.module.name(), wanted, offered);
        Some(Wire::Module { import: import.to_owned(), provider, interface: offered.id.clone(), renamed })
    }

    /// The wire to an interface of the embedder.
    fn embedders(&mut self, importer: &str, import: &str, wanted: &Interface, offered: &HostInterface) -> Option<Wire> {
        self.agree(importer, "the host", wanted, offered.interface()).then(|| Wire::Embedder(import.to_owned()))
    }

    /// The version that the importer's own metadata requires.
    fn required_version(&mut self, spec: &ModuleSpec, import: &str, provided: &Module) {
        let required = spec.module.required_versions().iter().find(|(need, _)| names_import(need, import));
        let Some((_, text)) = required else { return };
        let met = text.parse().is_ok_and(|wanted| meets(provided.version(), &wanted));
        if !met {
            self.errors.push(version_error(provided, Some(spec.module.name()), text.clone()));
        }
    }

    /// The module that shall satisfy `import`: the one wired by hand, else `m` of `marine:m/api`, else the only one that exports it.
    fn provider(&mut self, spec: &ModuleSpec, import: &str) -> Option<usize> {
        if let Some((_, by_hand)) = spec.needs.iter().find(|(need, _)| names_import(need, import)) {
            return self.find(by_hand);
        }
        let importer = spec.module.name().to_owned();
        if let Some(module) = module_of(import) {
            return self.find(module).or_else(|| {
                let nearest = names::nearest(module, self.module_names()).map(str::to_owned);
                let (import, module) = (import.to_owned(), module.to_owned());
                self.errors.push(LinkError::MissingModule { importer, import, module, nearest });
                None
            });
        }
        let offers = |spec: &ModuleSpec| {
            spec.module.own_interface().ok().flatten().and_then(|own| own.id.as_deref()) == Some(import)
        };
        let providers: Vec<usize> =
            (0..self.spec.modules.len()).filter(|index| offers(&self.spec.modules[*index])).collect();
        match providers.as_slice() {
            [only] => Some(*only),
            [] => {
                let versions = self.interfaces.versions(import);
                self.errors.push(if versions.is_empty() {
                    nobody(&importer, import)
                } else {
                    let cause = format!("this host offers its version {}", versions.join(", "));
                    LinkError::Host { importer, import: import.to_owned(), cause }
                });
                None
            }
            several => {
                let providers =
                    several.iter().map(|index| self.spec.modules[*index].module.name().to_owned()).collect();
                self.errors.push(LinkError::Ambiguous { importer, import: import.to_owned(), providers });
                None
            }
        }
    }

    /// Whether `offered` is what the importer wants; returns which types the two call differently.
    fn compare(
        &mut self,
        importer: &str,
        provider: &str,
        wanted: &Interface,
        offered: &Interface,
    ) -> Vec<(String, String)> {
        if !self.agree(importer, provider, wanted, offered) {
            return Vec::new();
        }
        renamed(wanted, offered).unwrap_or_else(|name| {
            let (importer, provider) = (importer.to_owned(), provider.to_owned());
            let user = wanted.functions.iter().find(|function| function.mentions(&name));
            let function = user.map_or("the interface", |function| &function.name).to_owned();
            self.errors.push(LinkError::TypeName { importer, provider, function, wanted: name });
            Vec::new()
        })
    }

    /// An importer may declare fewer functions than the provider has, but those as the provider has them.
    fn agree(&mut self, importer: &str, provider: &str, wanted: &Interface, offered: &Interface) -> bool {
        let names = || (importer.to_owned(), provider.to_owned());
        let before = self.errors.len();
        for function in &wanted.functions {
            let Some(there) = offered.functions.iter().find(|there| there.name == function.name) else {
                let (importer, provider) = names();
                let offered = offered.functions.iter().map(|function| function.name.clone()).collect();
                let function = function.name.clone();
                self.errors.push(LinkError::MissingFunction { importer, provider, function, offered });
                continue;
            };
            let unsupported = function.unsupported().map(|what| (importer, what));
            if let Some((module, what)) = unsupported.or_else(|| there.unsupported().map(|what| (provider, what))) {
                let interface = wanted.id.clone().unwrap_or_default();
                let (module, function) = (module.to_owned(), function.name.clone());
                self.errors.push(LinkError::Unsupported { module, interface, function, what });
                continue;
            }
            if !function.same_shape(there) {
                let (importer, provider) = names();
                let (wanted, offered) = (function.signature(), there.signature());
                let function = function.name.clone();
                self.errors.push(LinkError::Mismatch { importer, provider, function, wanted, offered });
            }
        }
        self.errors.len() == before
    }

    /// Modules in the order in which they can be instantiated; reports each circle once.
    fn order(&mut self, modules: &[Vec<Wire>]) -> Vec<usize> {
        let mut walk = Walk {
            modules,
            state: vec![State::New; modules.len()],
            path: Vec::new(),
            order: Vec::new(),
            cycles: Vec::new(),
        };
        (0..modules.len()).for_each(|module| walk.visit(module));
        for cycle in walk.cycles {
            let path = cycle.into_iter().map(|index| self.spec.modules[index].module.name().to_owned()).collect();
            self.errors.push(LinkError::Cycle { path });
        }
        walk.order
    }
}

/// The composer asks for every type that the importer names, under that name: which names have to be changed to those of types of the
/// same shape that the provider exports. `Err` is a name for which there is none left.
fn renamed(wanted: &Interface, offered: &Interface) -> Result<Vec<(String, String)>, String> {
    let fits = |name: &str, ty: &Type| offered.types.get(name).is_some_and(|there| there.same_shape(ty));
    let mut taken: BTreeSet<&str> =
        wanted.types.iter().filter(|(name, ty)| fits(name, ty)).map(|(name, _)| name.as_str()).collect();
    let mut renamed = Vec::new();
    for (name, ty) in wanted.types.iter().filter(|(name, ty)| !fits(name, ty)) {
        let free = |there: &&String| !taken.contains(there.as_str()) && fits(there, ty);
        let there = offered.types.keys().find(free).ok_or_else(|| name.clone())?;
        taken.insert(there);
        renamed.push((name.clone(), there.clone()));
    }
    Ok(renamed)
}

fn meets(version: Option<&semver::Version>, wanted: &semver::VersionReq) -> bool {
    version.is_some_and(|version| wanted.matches(version))
}

fn version_error(module: &Module, importer: Option<&str>, wanted: String) -> LinkError {
    LinkError::Version {
        module: module.name().to_owned(),
        importer: importer.map(str::to_owned),
        wanted,
        found: module.version().map(ToString::to_string),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Open,
    Done,
}

/// A depth-first walk along imports; at most [`MAX_MODULES`] deep.
struct Walk<'a> {
    modules: &'a [Vec<Wire>],
    state: Vec<State>,
    path: Vec<usize>,
    order: Vec<usize>,
    cycles: Vec<Vec<usize>>,
}

impl Walk<'_> {
    fn visit(&mut self, module: usize) {
        match self.state[module] {
            State::Done => return,
            State::Open => {
                let start = self.path.iter().position(|open| *open == module).unwrap_or(0);
                let mut cycle = self.path[start..].to_vec();
                cycle.push(module);
                self.cycles.push(cycle);
                return;
            }
            State::New => {}
        }
        self.state[module] = State::Open;
        self.path.push(module);
        for wire in &self.modules[module] {
            if let Wire::Module { provider, .. } = wire {
                self.visit(*provider);
            }
        }
        self.path.pop();
        self.state[module] = State::Done;
        self.order.push(module);
    }
}

fn nobody(importer: &str, import: &str) -> LinkError {
    LinkError::Nobody { importer: importer.to_owned(), import: import.to_owned() }
}

/// `m` of `marine:m/api`, with or without a version.
fn module_of(import: &str) -> Option<&str> {
    let (module, interface) = import.strip_prefix("marine:")?.split_once('/')?;
    (interface.split('@').next() == Some("api")).then_some(module)
}

/// Whether a key of `needs` means `import`: its id, with or without version, or the module's name.
fn names_import(need: &str, import: &str) -> bool {
    need == import
        || import.split('@').next() == Some(need)
        || module_of(import).is_some_and(|module| names::same(need, module))
}
