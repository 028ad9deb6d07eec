//! What a service shall be made of: modules with their grants, before anything is linked.

use std::collections::{BTreeMap, BTreeSet};

use marine_manifest::{
    AskedDir, BinaryGrant, Blueprint, BlueprintModule, Cid, Dir, DirRequest, EnvRequest, EnvValue, Grants, HostGrant,
    Limits, LogFilter, Manifest, ModuleEntry,
};
use semver::VersionReq;

use crate::module::Module;

/// A service before linking.
#[derive(Clone, Debug)]
pub struct ServiceSpec {
    /// Kebab-case name, for messages.
    pub name: String,
    /// The module whose functions the service offers; the last one if not given.
    pub facade: Option<String>,
    /// Bounds on the whole service.
    pub limits: Limits,
    /// How many instances may run at once; more than one only if no call depends on what another left in memory.
    pub instances: u32,
    /// Whether the service is instantiated when it is built rather than at the first call.
    pub eager: bool,
    /// Its modules; names unique.
    pub modules: Vec<ModuleSpec>,
}

/// One module of a service before linking.
#[derive(Clone, Debug)]
pub struct ModuleSpec {
    /// The component.
    pub module: Module,
    /// Wiring by hand: import (interface id or module name) to module.
    pub needs: BTreeMap<String, String>,
    /// What the component has to be.
    pub pin: Option<Cid>,
    /// Which versions of the module will do, by its metadata.
    pub version: Option<VersionReq>,
    /// Which exported interface is *the* interface, if that is not clear by itself.
    pub interface: Option<String>,
    /// What it may touch.
    pub grants: Grants,
    /// Directories of the host that it asks for by name (guest path to request); whoever builds the service grants or refuses them.
    pub asked_dirs: BTreeMap<String, AskedDir>,
    /// Variables that it asks for (its name to the host's); granted or refused likewise.
    pub asked_env: BTreeMap<String, String>,
    /// Hosts that it asks to reach; granted or refused likewise.
    pub asked_hosts: BTreeSet<HostGrant>,
    /// Programs that it asks to run, by its own name for them; the path is the name it asks with. Granted or refused likewise.
    pub asked_binaries: BTreeMap<String, BinaryGrant>,
    /// Cap of its linear memories, in bytes.
    pub memory: Option<u64>,
    /// Which log records are kept.
    pub log: LogFilter,
    /// Which classes of log records are kept: a record passes if its bits are 0 or meet the mask.
    pub log_mask: u32,
}

impl ServiceSpec {
    /// A service of `modules` with default limits; the last module is the facade.
    pub fn new(name: impl Into<String>, modules: Vec<ModuleSpec>) -> ServiceSpec {
        let (name, limits) = (name.into(), Limits::default());
        ServiceSpec { name, facade: None, limits, instances: 1, eager: false, modules }
    }

    /// The service of a manifest, whose grants count as granted; `load` brings the components.
    ///
    /// # Errors
    /// What `load` answers.
    pub fn from_manifest<E>(
        manifest: &Manifest,
        mut load: impl FnMut(&ModuleEntry) -> Result<Module, E>,
    ) -> Result<ServiceSpec, E> {
        let modules = manifest.modules.iter().map(|entry| Ok(ModuleSpec::granted(load(entry)?, entry)));
        Ok(ServiceSpec {
            name: manifest.service.name.clone(),
            facade: manifest.service.facade.clone(),
            limits: manifest.limits.clone(),
            instances: manifest.service.instances,
            eager: manifest.service.eager,
            modules: modules.collect::<Result<_, E>>()?,
        })
    }

    /// The service of a blueprint; `load` brings the component of a name and content id. Volumes, scratch, the vault, stores
    /// and fixed variables are granted, the rest is asked for: see [`Plan::requests`](crate::Plan::requests).
    ///
    /// # Errors
    /// What `load` answers.
    pub fn from_blueprint<E>(
        blueprint: &Blueprint,
        mut load: impl FnMut(&str, &Cid) -> Result<Module, E>,
    ) -> Result<ServiceSpec, E> {
        let modules =
            blueprint.modules.iter().map(|entry| Ok(ModuleSpec::asking(load(&entry.name, &entry.cid)?, entry)));
        Ok(ServiceSpec {
            name: blueprint.name.clone(),
            facade: Some(blueprint.facade.clone()),
            limits: blueprint.limits.clone(),
            instances: blueprint.instances,
            eager: false,
            modules: modules.collect::<Result<_, E>>()?,
        })
    }
}

impl ModuleSpec {
    /// `module` with no grants.
    pub fn new(module: Module) -> ModuleSpec {
        ModuleSpec {
            module,
            needs: BTreeMap::new(),
            pin: None,
            version: None,
            interface: None,
            grants: Grants::default(),
            asked_dirs: BTreeMap::new(),
            asked_env: BTreeMap::new(),
            asked_hosts: BTreeSet::new(),
            asked_binaries: BTreeMap::new(),
            memory: None,
            log: LogFilter::default(),
            log_mask: u32::MAX,
        }
    }

    /// Grants `grants` in place of all that is granted and asked for.
    pub fn grant_all(&mut self, grants: Grants) {
        (self.asked_dirs, self.asked_env) = Default::default();
        (self.asked_hosts, self.asked_binaries) = Default::default();
        self.grants = grants;
    }

    fn granted(module: Module, entry: &ModuleEntry) -> ModuleSpec {
        ModuleSpec {
            needs: entry.needs.clone(),
            pin: entry.pin,
            version: entry.version.clone(),
            interface: entry.interface.clone(),
            grants: entry.grants.clone(),
            memory: entry.memory,
            log: LogFilter { level: entry.log, targets: entry.log_filter.clone() },
            log_mask: entry.log_mask,
            ..ModuleSpec::new(module)
        }
    }

    fn asking(module: Module, entry: &BlueprintModule) -> ModuleSpec {
        let asked = &entry.grants;
        let mut spec = ModuleSpec {
            needs: entry.needs.clone(),
            asked_hosts: asked.hosts.clone(),
            memory: asked.memory,
            log: LogFilter { level: asked.log, targets: asked.log_filter.clone() },
            log_mask: asked.log_mask.unwrap_or(u32::MAX),
            ..ModuleSpec::new(module)
        };
        spec.grants.kv = asked.kv.clone();
        for (guest, request) in &asked.dirs {
            let granted = match request {
                DirRequest::Ask(asked) => {
                    spec.asked_dirs.insert(guest.clone(), asked.clone());
                    continue;
                }
                DirRequest::Volume { volume, mode, quota } => Dir::asked_volume(volume, *mode, *quota),
                DirRequest::Temp { .. } => Dir::Temp,
                DirRequest::Vault { .. } => Dir::Vault,
            };
            spec.grants.dirs.insert(guest.clone(), granted);
        }
        for (name, request) in &asked.env {
            match request {
                EnvRequest::Text(text) => drop(spec.grants.env.insert(name.clone(), EnvValue::Text(text.clone()))),
                EnvRequest::From { from } => drop(spec.asked_env.insert(name.clone(), from.clone())),
            }
        }
        for (name, request) in &asked.binaries {
            spec.asked_binaries.insert(name.clone(), request.as_asked());
        }
        spec
    }
}
