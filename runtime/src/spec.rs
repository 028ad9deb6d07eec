//! What a service shall be made of: modules with their grants, before anything is linked.

use std::collections::BTreeMap;

use marine_manifest::{
    AskedDir, Blueprint, BlueprintModule, Cid, Dir, DirRequest, EnvRequest, EnvValue, Grants, Limits, LogLevel,
    Manifest, ModuleEntry,
};

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
    /// What it may touch.
    pub grants: Grants,
    /// Directories of the host that it asks for by name (guest path to request); whoever builds the service grants or refuses them.
    pub asked_dirs: BTreeMap<String, AskedDir>,
    /// Variables that it asks for (its name to the host's); granted or refused likewise.
    pub asked_env: BTreeMap<String, String>,
    /// Cap of each of its linear memories, in bytes.
    pub memory: Option<u64>,
    /// The least severe log records that are kept.
    pub log: LogLevel,
}

impl ServiceSpec {
    /// A service of `modules` with default limits; the last module is the facade.
    pub fn new(name: impl Into<String>, modules: Vec<ModuleSpec>) -> ServiceSpec {
        ServiceSpec { name: name.into(), facade: None, limits: Limits::default(), modules }
    }

    /// The service of a manifest, whose grants count as granted; `load` brings the components.
    ///
    /// # Errors
    /// What `load` answers.
    pub fn from_manifest<E>(
        manifest: &Manifest,
        mut load: impl FnMut(&ModuleEntry) -> Result<Module, E>,
    ) -> Result<ServiceSpec, E> {
        let modules = manifest.modules.iter().map(|entry| {
            Ok(ModuleSpec {
                needs: entry.needs.clone(),
                grants: entry.grants.clone(),
                memory: entry.memory,
                log: entry.log,
                ..ModuleSpec::new(load(entry)?)
            })
        });
        Ok(ServiceSpec {
            name: manifest.service.name.clone(),
            facade: manifest.service.facade.clone(),
            limits: manifest.limits.clone(),
            modules: modules.collect::<Result<_, E>>()?,
        })
    }

    /// The service of a blueprint; `load` brings the component of a name and content id. Volumes, scratch and fixed variables are
    /// granted, the rest is asked for: see [`Plan::requests`](crate::Plan::requests).
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
            grants: Grants::default(),
            asked_dirs: BTreeMap::new(),
            asked_env: BTreeMap::new(),
            memory: None,
            log: LogLevel::default(),
        }
    }

    fn asking(module: Module, entry: &BlueprintModule) -> ModuleSpec {
        let mut spec = ModuleSpec {
            needs: entry.needs.clone(),
            memory: entry.grants.memory,
            log: entry.grants.log,
            ..ModuleSpec::new(module)
        };
        for (guest, request) in &entry.grants.dirs {
            let granted = match request {
                DirRequest::Ask(asked) => {
                    spec.asked_dirs.insert(guest.clone(), asked.clone());
                    continue;
                }
                DirRequest::Volume { volume, mode } => Dir::Volume { name: volume.clone(), mode: *mode },
                DirRequest::Temp { .. } => Dir::Temp,
            };
            spec.grants.dirs.insert(guest.clone(), granted);
        }
        for (name, request) in &entry.grants.env {
            match request {
                EnvRequest::Text(text) => drop(spec.grants.env.insert(name.clone(), EnvValue::Text(text.clone()))),
                EnvRequest::From { from } => drop(spec.asked_env.insert(name.clone(), from.clone())),
            }
        }
        spec
    }
}
