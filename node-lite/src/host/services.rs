//! Modules, blueprints, services and aliases of this node, and calls of services.
//!
//! What there is lies in memory and is written through to the store. Services are linked when they are created and
//! instantiated at their first call. A call that waits holds no thread: one task per service runs its guest at a time, on a
//! thread that may block.

mod registry;
mod running;
mod statistics;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicUsize},
};

use cid::Cid;
use marine_manifest::{Blueprint, Limits};
use marine_particle::PeerId;
use marine_runtime::{Engine, Interface, Module, Plan, ServiceSpec, TempTree, remove_tree};
use tokio::sync::Semaphore;

pub(crate) use self::registry::{Entry, Registry};
use super::{
    args::{Fault, OWN, UNKNOWN},
    rights::Rights,
    vault::Keeper,
};
use crate::{
    config::NodeLimits,
    error::StoreError,
    store::{Blobs, BlueprintRow, ModuleRow, Op, ServiceRow, Store},
};

/// See the module's documentation.
pub(crate) struct Services {
    rights: Arc<Rights>,
    limits: NodeLimits,
    engine: Engine,
    store: Arc<Store>,
    blobs: Blobs,
    /// Directory of the services' volumes.
    volumes: PathBuf,
    pub(crate) vaults: Arc<Keeper>,
    registry: Mutex<Registry>,
    /// Changes take turns, so that a check holds until what it allows is stored.
    changes: tokio::sync::Mutex<()>,
    /// Threads that may run guests.
    guests: Arc<Semaphore>,
    /// Calls that wait or run.
    waiting: AtomicUsize,
    /// Keeps the directory of a node without data directory.
    _temporary: Option<TempTree>,
}

/// Where [`Services`] keeps things.
pub(crate) struct Places {
    pub(crate) store: Arc<Store>,
    pub(crate) blobs: Blobs,
    pub(crate) volumes: PathBuf,
    pub(crate) vaults: PathBuf,
    pub(crate) temporary: Option<TempTree>,
}

impl Services {
    pub(crate) fn new(
        rights: Arc<Rights>,
        limits: NodeLimits,
        engine: Engine,
        places: Places,
        registry: Registry,
        vaults: Arc<Keeper>,
    ) -> Self {
        Self {
            rights,
            guests: Arc::new(Semaphore::new(limits.guests)),
            limits,
            engine,
            store: places.store,
            blobs: places.blobs,
            volumes: places.volumes,
            vaults,
            registry: Mutex::new(registry),
            changes: tokio::sync::Mutex::default(),
            waiting: AtomicUsize::new(0),
            _temporary: places.temporary,
        }
    }

    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The service with this id or alias.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Entry>> {
        self.registry().find(name)
    }

    /// The fault of a service that does not exist.
    pub(crate) fn unknown(&self, name: &str) -> Fault {
        let registry = self.registry();
        let names: Vec<_> = registry.aliases.keys().take(10).map(String::as_str).collect();
        let known = if names.is_empty() {
            "there are no aliases here".to_owned()
        } else {
            format!("aliases here: {}", names.join(", "))
        };
        Fault::new(UNKNOWN, format!("no service with id or alias `{name}`; {known}"))
    }

    /// Keeps a module. Returns its CID.
    pub(crate) async fn add_module(
        self: &Arc<Self>,
        name: String,
        owner: &PeerId,
        bytes: Vec<u8>,
    ) -> Result<Cid, Fault> {
        let _turn = self.changes.lock().await;
        let owner = owner.to_string();
        let size = bytes.len() as u64;
        {
            let registry = self.registry();
            quota(
                "modules",
                registry.modules.values().filter(|row| row.owner == owner).count(),
                self.limits.deployments_per_owner,
            )?;
            let stored: u64 = registry.modules.values().map(|row| row.size).sum();
            if stored + size > self.limits.blobs {
                return Err(Fault::new(OWN, format!("no room: modules may take {} bytes here", self.limits.blobs)));
            }
        }
        let services = self.clone();
        let module = name.clone();
        let cid = blocking(move || {
            Module::from_bytes(&module, bytes.as_slice()).map_err(own)?;
            services.blobs.put(&bytes).map_err(failed)
        })
        .await?;
        let known = self.registry().modules.contains_key(&cid);
        if !known {
            let row = ModuleRow { name, owner, size };
            self.commit(Op::Module { cid, row: row.clone() }).await?;
            self.registry().modules.insert(cid, row);
            tracing::info!(target: "deploy", %cid, "module added");
        }
        Ok(cid)
    }

    /// Forgets a module that no blueprint uses.
    pub(crate) async fn remove_module(&self, cid: Cid) -> Result<(), Fault> {
        let _turn = self.changes.lock().await;
        if let Some(user) = self.registry().user_of_module(&cid) {
            return Err(Fault::new(OWN, format!("module {cid} is used by blueprint {user}")));
        }
        self.commit(Op::RemoveModule { cid }).await?;
        self.registry().modules.remove(&cid);
        self.blobs.remove(&cid);
        Ok(())
    }

    /// Keeps a blueprint whose modules are all here. Returns its CID.
    pub(crate) async fn add_blueprint(&self, owner: &PeerId, blueprint: Blueprint) -> Result<Cid, Fault> {
        let _turn = self.changes.lock().await;
        let bytes = blueprint.encode().map_err(own)?;
        let cid = blueprint.cid().map_err(own)?;
        let owner = owner.to_string();
        {
            let registry = self.registry();
            if registry.blueprints.contains_key(&cid) {
                return Ok(cid);
            }
            let owned = registry.blueprints.values().filter(|known| known.owner == owner).count();
            quota("blueprints", owned, self.limits.deployments_per_owner)?;
            let missing: Vec<_> =
                blueprint.modules.iter().filter(|module| !registry.modules.contains_key(&module.cid)).collect();
            if !missing.is_empty() {
                let names: Vec<_> =
                    missing.iter().map(|module| format!("`{}` ({})", module.name, module.cid)).collect();
                return Err(Fault::new(OWN, format!("modules are not here: {}; add them first", names.join(", "))));
            }
        }
        self.commit(Op::Blueprint { cid, row: BlueprintRow { owner: owner.clone(), bytes } }).await?;
        self.registry().add_blueprint(cid, owner, blueprint);
        tracing::info!(target: "deploy", %cid, "blueprint added");
        Ok(cid)
    }

    /// Forgets a blueprint that no service uses.
    pub(crate) async fn remove_blueprint(&self, cid: Cid) -> Result<(), Fault> {
        let _turn = self.changes.lock().await;
        if let Some(user) = self.registry().user_of_blueprint(&cid) {
            return Err(Fault::new(OWN, format!("blueprint {cid} is used by service {user}")));
        }
        self.commit(Op::RemoveBlueprint { cid }).await?;
        self.registry().blueprints.remove(&cid);
        Ok(())
    }

    /// Creates the service `id` of a blueprint: grants are checked and modules linked before anything is stored. The same id
    /// again is the same service.
    pub(crate) async fn create(self: &Arc<Self>, id: String, owner: PeerId, cid: Cid) -> Result<String, Fault> {
        let _turn = self.changes.lock().await;
        // Ids only: an alias of the same text must not pass for the service.
        if self.registry().services.contains_key(&id) {
            return Ok(id);
        }
        let owned = self.registry().services.values().filter(|entry| entry.owner == owner.to_string()).count();
        quota("services", owned, self.limits.services_per_owner)?;
        let services = self.clone();
        let plan = blocking(move || services.plan(&cid)).await?;
        let row = ServiceRow { blueprint: cid, owner: owner.to_string() };
        self.commit(Op::Service { id: id.clone(), row: row.clone() }).await?;
        self.registry().add_service(id.clone(), row, Some(plan));
        tracing::info!(target: "deploy", id, blueprint = %cid, "service created");
        Ok(id)
    }

    /// Ends a service when its running call has ended; its aliases and volumes go with it.
    pub(crate) async fn remove(&self, entry: &Arc<Entry>) -> Result<(), Fault> {
        let turn = self.changes.lock().await;
        let aliases = self.registry().aliases_of(&entry.id);
        let gone = aliases.iter().map(|alias| Op::RemoveAlias { alias: alias.clone() });
        let ops = gone.chain([Op::RemoveService { id: entry.id.clone() }]).collect();
        self.store.commit(ops).await.map_err(failed)?;
        self.registry().remove_service(&entry.id);
        // Its running call may take long: other changes go on.
        drop(turn);
        entry.close().await;
        let volumes = self.volumes.join(&entry.id);
        if volumes.exists()
            && let Err(error) = tokio::task::spawn_blocking(move || remove_tree(&volumes)).await.unwrap_or(Ok(()))
        {
            tracing::warn!(target: "deploy", id = entry.id, %error, "cannot remove the volumes of a service");
        }
        Ok(())
    }

    /// Makes `alias` name the service `id`, if `may` allows to take it from the owner of what it named before.
    pub(crate) async fn add_alias(
        &self,
        alias: String,
        id: String,
        may: impl FnOnce(&str) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let _turn = self.changes.lock().await;
        if !self.registry().services.contains_key(&id) {
            return Err(self.unknown(&id));
        }
        if self.registry().services.contains_key(&alias) {
            return Err(Fault::new(OWN, format!("`{alias}` is the id of a service")));
        }
        if let Some(before) = self.find(&alias) {
            may(&before.owner)?;
        }
        self.commit(Op::Alias { alias: alias.clone(), id: id.clone() }).await?;
        self.registry().aliases.insert(alias, id);
        Ok(())
    }

    /// Forgets an alias.
    pub(crate) async fn remove_alias(&self, alias: String) -> Result<(), Fault> {
        let _turn = self.changes.lock().await;
        self.commit(Op::RemoveAlias { alias: alias.clone() }).await?;
        self.registry().aliases.remove(&alias);
        Ok(())
    }

    /// The interface of a service's facade. Blocks.
    pub(crate) fn interface(&self, blueprint: &Cid) -> Result<Interface, Fault> {
        Ok(self.plan(blueprint)?.interface().clone())
    }

    /// The interface of a module. Blocks.
    pub(crate) fn module_interface(&self, cid: &Cid) -> Result<Interface, Fault> {
        let name = self.registry().modules.get(cid).map(|row| row.name.clone());
        let name = name.ok_or_else(|| Fault::new(OWN, format!("module {cid} is not here")))?;
        Ok(self.module(&name, cid)?.interface().clone())
    }

    /// Grants what the policy allows and links. Blocks.
    fn plan(&self, cid: &Cid) -> Result<Plan, Fault> {
        let blueprint = self.registry().blueprints.get(cid).map(|known| known.blueprint.clone());
        let blueprint =
            blueprint.ok_or_else(|| Fault::new(OWN, format!("blueprint {cid} is not here; add it first")))?;
        let mut spec = ServiceSpec::from_blueprint(&blueprint, |name, cid| self.module(name, cid))?;
        narrow(&mut spec.limits, &self.limits);
        let (policy, mut missing) = (self.rights.policy.grants(), Vec::new());
        for (module, entry) in spec.modules.iter_mut().zip(&blueprint.modules) {
            match entry.grants.resolve(&policy) {
                Ok(grants) => module.grant_all(grants),
                Err(lines) => missing.extend(lines.iter().map(|line| format!("{}: {line}", entry.name))),
            }
        }
        if !missing.is_empty() {
            let text = format!("the policy of this node does not grant:\n{}", missing.join("\n"));
            return Err(Fault::new(super::args::DENIED, text));
        }
        Plan::link(&self.engine, spec).map_err(own)
    }

    fn module(&self, name: &str, cid: &Cid) -> Result<Module, Fault> {
        let bytes = self.blobs.get(cid);
        let bytes = bytes.ok_or_else(|| {
            Fault::new(OWN, format!("module `{name}` ({cid}) is missing or damaged here; add it again"))
        })?;
        Module::from_bytes(name, &bytes[..]).map_err(own)
    }

    async fn commit(&self, op: Op) -> Result<(), Fault> {
        self.store.commit(vec![op]).await.map_err(failed)
    }
}

/// The bounds that a blueprint asks for are no wider than this node's.
fn narrow(asked: &mut Limits, ours: &NodeLimits) {
    let value = ours.value as u64;
    (asked.args, asked.result) = (asked.args.min(value), asked.result.min(value));
    (asked.timeout, asked.startup) = (asked.timeout.min(ours.call_timeout), asked.startup.min(ours.call_timeout));
    asked.log = asked.log.min(Limits::default().log);
}

fn quota(what: &str, has: usize, limit: usize) -> Result<(), Fault> {
    if has < limit { Ok(()) } else { Err(Fault::new(OWN, format!("an owner may have {limit} {what} here"))) }
}

/// Runs `work` on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let joined = tokio::task::spawn_blocking(work).await;
    joined.unwrap_or_else(|error| Err(Fault::new(OWN, format!("internal error: {error}"))))
}

fn own(error: impl ToString) -> Fault {
    Fault::new(OWN, error.to_string())
}

fn failed(error: StoreError) -> Fault {
    Fault::new(OWN, error.to_string())
}
