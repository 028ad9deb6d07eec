//! Doc comments of an interface, from the custom section `marine:docs` (in the form of WIT tools: a version byte, then JSON).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Interface;

/// Documentation of the interfaces of a package. What cannot be read counts as absent: docs never keep a module from running.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PackageDocs {
    interfaces: BTreeMap<String, InterfaceDocs>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InterfaceDocs {
    docs: Option<String>,
    funcs: BTreeMap<String, FunctionDocs>,
}

/// Version 0 of the section wrote a text, version 1 an object.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum FunctionDocs {
    Text(String),
    Object { docs: Option<String> },
}

impl PackageDocs {
    /// The name of the section.
    pub(crate) const SECTION: &'static str = "marine:docs";

    pub(crate) fn parse(section: &[u8]) -> PackageDocs {
        match section.split_first() {
            Some((0 | 1, json)) => serde_json::from_slice(json).unwrap_or_default(),
            _ => PackageDocs::default(),
        }
    }

    /// Writes what is known of `interface` into it.
    pub(crate) fn apply(&self, interface: &mut Interface) {
        let short = interface.id.as_deref().and_then(|id| id.split_once('/')).map(|(_, name)| name);
        let Some(known) = short.and_then(|name| self.interfaces.get(name.split('@').next().unwrap_or(name))) else {
            return;
        };
        interface.docs = known.docs.clone();
        for function in &mut interface.functions {
            function.docs = match known.funcs.get(&function.name) {
                Some(FunctionDocs::Text(text)) => Some(text.clone()),
                Some(FunctionDocs::Object { docs }) => docs.clone(),
                None => None,
            };
        }
    }
}
