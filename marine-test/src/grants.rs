//! What one copy of a service may touch beyond its manifest.

use std::collections::BTreeMap;

use marine_manifest::{EnvValue, Grants};
use marine_runtime::ServiceSpec;

use crate::start::StartFailure;

/// Grants for one copy of a service beyond those of its manifest: what is known only while the test runs, such as the address of a
/// server that it brings.
///
/// ```
/// # use marine_test::ExtraGrants;
/// let address = "http://127.0.0.1:4000";
/// let grants = ExtraGrants::new().host("rates", address).env("rates", "RATES_URL", &format!("{address}/v1/latest"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExtraGrants {
    /// By the module's name, kebab-case.
    modules: BTreeMap<String, Grants>,
    /// Hosts as they were written, by the module's name.
    hosts: Vec<(String, String)>,
}

impl ExtraGrants {
    /// No grants.
    pub fn new() -> ExtraGrants {
        ExtraGrants::default()
    }

    /// Lets `module` reach `host`, written as in a manifest: `[scheme://]host[:port]`.
    #[must_use]
    pub fn host(mut self, module: &str, host: &str) -> ExtraGrants {
        self.hosts.push((module.to_owned(), host.to_owned()));
        self
    }

    /// Sets a variable of `module`, also one that the manifest sets.
    #[must_use]
    pub fn env(mut self, module: &str, name: &str, value: &str) -> ExtraGrants {
        let grants = self.modules.entry(module.to_owned()).or_default();
        grants.env.insert(name.to_owned(), EnvValue::Text(value.to_owned()));
        self
    }

    /// Adds them to `spec`.
    pub(crate) fn add_to(&self, spec: &mut ServiceSpec) -> Result<(), StartFailure> {
        let mut all = self.modules.clone();
        for (module, host) in &self.hosts {
            let grant = host.parse().map_err(|cause: marine_manifest::NameError| StartFailure::Host {
                host: host.clone(),
                cause: cause.to_string(),
            })?;
            all.entry(module.clone()).or_default().hosts.insert(grant);
        }
        for (name, more) in &all {
            let module = spec.modules.iter_mut().find(|module| module.module.name() == name);
            let module = module.ok_or_else(|| StartFailure::NoModule(name.clone()))?;
            module.grants = std::mem::take(&mut module.grants).with(more);
        }
        Ok(())
    }
}
