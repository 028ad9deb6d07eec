//! What there is: modules, blueprints, services, aliases.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use cid::Cid;
use marine_manifest::Blueprint;
use marine_runtime::Plan;

pub(crate) use super::running::Entry;
use crate::store::{ModuleRow, ServiceRow, Snapshot};

/// A blueprint and who added it.
pub(crate) struct Known {
    pub(crate) owner: String,
    pub(crate) blueprint: Arc<Blueprint>,
}

/// See the module's documentation.
#[derive(Default)]
pub(crate) struct Registry {
    pub(crate) modules: HashMap<Cid, ModuleRow>,
    pub(crate) blueprints: HashMap<Cid, Known>,
    pub(crate) services: BTreeMap<String, Arc<Entry>>,
    pub(crate) aliases: BTreeMap<String, String>,
}

impl Registry {
    /// What the store remembers. A blueprint that does not decode is reported and left out; services of it cannot start.
    pub(crate) fn restore(snapshot: &mut Snapshot) -> Self {
        let mut registry = Self { modules: snapshot.modules.drain(..).collect(), ..Self::default() };
        for (cid, row) in snapshot.blueprints.drain(..) {
            match Blueprint::decode(&row.bytes) {
                Ok(blueprint) => registry.add_blueprint(cid, row.owner, blueprint),
                Err(error) => tracing::error!(target: "store", %cid, %error, "a blueprint in the store is damaged"),
            }
        }
        for (id, row) in snapshot.services.drain(..) {
            registry.add_service(id, row, None);
        }
        registry.aliases = snapshot.aliases.drain(..).collect();
        registry
    }

    pub(crate) fn add_blueprint(&mut self, cid: Cid, owner: String, blueprint: Blueprint) {
        self.blueprints.insert(cid, Known { owner, blueprint: Arc::new(blueprint) });
    }

    pub(crate) fn add_service(&mut self, id: String, row: ServiceRow, plan: Option<Plan>) {
        self.services.insert(id.clone(), Arc::new(Entry::new(id, row, plan)));
    }

    pub(crate) fn remove_service(&mut self, id: &str) {
        self.services.remove(id);
        self.aliases.retain(|_, named| named != id);
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Entry>> {
        let by_alias = || self.services.get(self.aliases.get(name)?);
        self.services.get(name).or_else(by_alias).cloned()
    }

    pub(crate) fn aliases_of(&self, id: &str) -> Vec<String> {
        self.aliases.iter().filter(|(_, named)| *named == id).map(|(alias, _)| alias.clone()).collect()
    }

    pub(crate) fn user_of_module(&self, cid: &Cid) -> Option<Cid> {
        let uses = |known: &Known| known.blueprint.modules.iter().any(|module| module.cid == *cid);
        self.blueprints.iter().find(|(_, known)| uses(known)).map(|(user, _)| *user)
    }

    pub(crate) fn user_of_blueprint(&self, cid: &Cid) -> Option<String> {
        self.services.values().find(|entry| entry.blueprint == *cid).map(|entry| entry.id.clone())
    }
}
