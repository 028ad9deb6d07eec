//! Blueprints: a service with content ids for paths, in canonical DAG-CBOR whose CID is its identity.
//!
//! Decoding is strict. Only the canonical encoding of a valid blueprint is one, so equal content always has equal bytes and one id.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::binary::ArgPolicy;
use crate::cid::{Cid, DAG_CBOR, content_cid, is_module_cid};
use crate::grants::Dir;
use crate::limits::Limits;
use crate::manifest::{MAX_INSTANCES, MAX_MODULES, Manifest, ModuleEntry};
use crate::names::{check_guest_path, check_name, check_variable, is_within, paths_overlap};
use crate::request::{BinaryRequest, DirRequest, EnvRequest, GrantRequests};

/// The largest encoded blueprint, in bytes.
pub const MAX_BLUEPRINT_BYTES: usize = 4 * 1024 * 1024;
/// The version of the format that this code reads and writes.
const VERSION: u8 = 1;
/// The most directories, variables or hand-made wirings of one module.
const MAX_ENTRIES: usize = 256;
/// The longest text of one field, interfaces apart, in bytes.
const MAX_TEXT: usize = 64 * 1024;
/// The longest interface text of one module, in bytes.
const MAX_INTERFACE: usize = 1024 * 1024;

/// A service that can be sent, stored and created elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blueprint {
    /// Format version, 1.
    v: u8,
    /// Kebab-case name of the service.
    pub name: String,
    /// Its semantic version, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// One line on what it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The module whose functions the service offers.
    pub facade: String,
    /// Whether instances may be several and dropped when idle.
    pub stateless: bool,
    /// How many instances at most; 1 unless stateless.
    pub instances: u32,
    /// Bounds on the whole service.
    pub limits: Limits,
    /// Its modules, names unique.
    pub modules: Vec<BlueprintModule>,
}

/// One module of a blueprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlueprintModule {
    /// What imports call it.
    pub name: String,
    /// The id of its component: see [`module_cid`](crate::module_cid).
    pub cid: Cid,
    /// What it exports, as WIT text.
    pub interface: String,
    /// Wiring by hand: import to module.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<String, String>,
    /// What it asks for.
    pub grants: GrantRequests,
}

/// What a blueprint says of a module's component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleContent {
    /// Its id.
    pub cid: Cid,
    /// What it exports, as WIT text.
    pub interface: String,
}

/// Why bytes or data are no blueprint.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BlueprintError {
    /// More bytes than [`MAX_BLUEPRINT_BYTES`].
    #[error("the blueprint has {0} bytes, at most {MAX_BLUEPRINT_BYTES} are allowed")]
    TooLarge(usize),
    /// Not DAG-CBOR of the right shape.
    #[error("the bytes are not a blueprint: {0}")]
    Malformed(String),
    /// Readable, but not the one canonical encoding.
    #[error("the blueprint is not in canonical DAG-CBOR: its bytes differ from the encoding of what they say")]
    NotCanonical,
    /// Well-formed, but breaking a rule.
    #[error("invalid blueprint: {0}")]
    Invalid(String),
}

impl Blueprint {
    /// Builds the blueprint of `manifest`, asking `content` for each module's id and interface.
    ///
    /// # Errors
    /// What `content` answers; a manifest that was checked gives no other.
    pub fn from_manifest<E: From<BlueprintError>>(
        manifest: &Manifest,
        mut content: impl FnMut(&ModuleEntry) -> Result<ModuleContent, E>,
    ) -> Result<Blueprint, E> {
        let mut modules = Vec::with_capacity(manifest.modules.len());
        for entry in &manifest.modules {
            let ModuleContent { cid, interface } = content(entry)?;
            let grants = GrantRequests::of(entry, &manifest.dir);
            modules.push(BlueprintModule {
                name: entry.name.clone(),
                cid,
                interface,
                needs: entry.needs.clone(),
                grants,
            });
        }
        let facade = manifest.facade().to_owned();
        let blueprint = Blueprint {
            version: manifest.service.version.clone(),
            description: manifest.service.description.clone(),
            stateless: manifest.service.stateless,
            instances: manifest.service.instances,
            ..Blueprint::new(manifest.service.name.clone(), facade, manifest.limits.clone(), modules)
        };
        blueprint.check()?;
        Ok(blueprint)
    }

    /// A blueprint without version and description.
    pub fn new(name: String, facade: String, limits: Limits, modules: Vec<BlueprintModule>) -> Blueprint {
        Blueprint {
            v: VERSION,
            name,
            version: None,
            description: None,
            facade,
            stateless: false,
            instances: 1,
            limits,
            modules,
        }
    }

    /// The canonical bytes.
    ///
    /// # Errors
    /// [`BlueprintError::Invalid`] or [`BlueprintError::TooLarge`] if it is none that [`Blueprint::decode`] would accept.
    pub fn encode(&self) -> Result<Vec<u8>, BlueprintError> {
        self.check()?;
        let bytes = serde_ipld_dagcbor::to_vec(self).map_err(|cause| BlueprintError::Malformed(cause.to_string()))?;
        if bytes.len() > MAX_BLUEPRINT_BYTES {
            return Err(BlueprintError::TooLarge(bytes.len()));
        }
        Ok(bytes)
    }

    /// Reads canonical bytes and checks all that can be checked without the modules.
    ///
    /// # Errors
    /// See [`BlueprintError`].
    pub fn decode(bytes: &[u8]) -> Result<Blueprint, BlueprintError> {
        if bytes.len() > MAX_BLUEPRINT_BYTES {
            return Err(BlueprintError::TooLarge(bytes.len()));
        }
        let blueprint: Blueprint =
            serde_ipld_dagcbor::from_slice(bytes).map_err(|cause| BlueprintError::Malformed(cause.to_string()))?;
        if blueprint.encode()? != bytes {
            return Err(BlueprintError::NotCanonical);
        }
        Ok(blueprint)
    }

    /// Its identity: CIDv1 (DAG-CBOR, blake3-256) of the canonical bytes.
    ///
    /// # Errors
    /// As [`Blueprint::encode`].
    pub fn cid(&self) -> Result<Cid, BlueprintError> {
        Ok(content_cid(DAG_CBOR, &self.encode()?))
    }

    /// The module called `name`.
    pub fn module(&self, name: &str) -> Option<&BlueprintModule> {
        self.modules.iter().find(|module| module.name == name)
    }

    fn check(&self) -> Result<(), BlueprintError> {
        self.check_head().and_then(|()| self.check_modules()).map_err(BlueprintError::Invalid)
    }

    fn check_head(&self) -> Result<(), String> {
        if self.v != VERSION {
            return Err(format!("format version {} is not known, only {VERSION}", self.v));
        }
        let most = if self.stateless { MAX_INSTANCES } else { 1 };
        if self.instances == 0 || self.instances > most {
            return Err(format!(
                "a service has 1 to {most} instances ({MAX_INSTANCES} if stateless), this one {}",
                self.instances
            ));
        }
        check_name(&self.name).map_err(|why| format!("the service is called {:?}: {why}", excerpt(&self.name)))?;
        for text in [&self.version, &self.description].into_iter().flatten() {
            check_text("version or description", text)?;
        }
        self.limits.check()
    }

    fn check_modules(&self) -> Result<(), String> {
        if self.modules.is_empty() || self.modules.len() > MAX_MODULES {
            return Err(format!("a service has 1 to {MAX_MODULES} modules, this one {}", self.modules.len()));
        }
        let mut names = BTreeSet::new();
        for module in &self.modules {
            module.check().map_err(|why| format!("module {:?}: {why}", excerpt(&module.name)))?;
            if !names.insert(module.name.as_str()) {
                return Err(format!("two modules are called {:?}", module.name));
            }
        }
        if !names.contains(self.facade.as_str()) {
            return Err(format!("the facade {:?} is none of the modules", excerpt(&self.facade)));
        }
        for module in &self.modules {
            for (import, target) in &module.needs {
                check_text("import", import)?;
                if !names.contains(target.as_str()) {
                    let (module, target) = (&module.name, excerpt(target));
                    return Err(format!("module {module:?} needs {target:?}, which is none of the modules"));
                }
            }
        }
        Ok(())
    }
}

impl BlueprintModule {
    fn check(&self) -> Result<(), String> {
        check_name(&self.name).map_err(|why| why.to_string())?;
        if !is_module_cid(&self.cid) {
            return Err(format!("{} is not the id of a module (CIDv1, raw, blake3-256)", self.cid));
        }
        if self.interface.len() > MAX_INTERFACE {
            return Err(format!("its interface has more than {MAX_INTERFACE} bytes"));
        }
        let GrantRequests { dirs, env, binaries, hosts, kv, log_filter, memory, .. } = &self.grants;
        let lists = [dirs.len(), env.len(), binaries.len(), hosts.len(), kv.len(), log_filter.len(), self.needs.len()];
        if lists.iter().any(|length| *length > MAX_ENTRIES) {
            return Err(format!("more than {MAX_ENTRIES} grants of one kind or needs"));
        }
        if memory.is_some_and(|bytes| bytes == 0 || bytes > Limits::MAX_MEMORY) {
            return Err("its memory must lie between 1 byte and 4 GiB".to_owned());
        }
        check_dirs(dirs)?;
        check_env(env)?;
        for target in log_filter.keys() {
            check_text("log target", target)?;
        }
        for (name, grant) in kv {
            check_name(name).map_err(|why| format!("store {:?}: {why}", excerpt(name)))?;
            check_size("quota", grant.quota)?;
        }
        binaries.iter().try_for_each(|(name, request)| {
            check_binary(name, request, dirs).map_err(|why| format!("binary {:?}: {why}", excerpt(name)))
        })
    }
}

fn check_env(env: &BTreeMap<String, EnvRequest>) -> Result<(), String> {
    for (name, value) in env {
        check_variable(name).map_err(|why| why.to_string())?;
        match value {
            EnvRequest::Text(text) => check_text("variable", text)?,
            EnvRequest::From { from } => check_variable(from).map_err(|why| why.to_string())?,
        }
    }
    Ok(())
}

fn check_binary(name: &str, request: &BinaryRequest, dirs: &BTreeMap<String, DirRequest>) -> Result<(), String> {
    for text in [name, &request.ask] {
        check_text("name", text)?;
        if text.is_empty() {
            return Err("its name is empty".to_owned());
        }
    }
    check_env(&request.env)?;
    check_size("memory", request.memory)?;
    check_size("max_output", request.max_output)?;
    if request.timeout == 0 || u128::from(request.timeout) > Limits::MAX_TIME.as_millis() {
        return Err(format!("`timeout` must lie between 1 ms and 24 h, got {} ms", request.timeout));
    }
    if let ArgPolicy::Templates(templates) = &request.args {
        let too_many = templates.len() > MAX_ENTRIES || templates.iter().any(|tokens| tokens.len() > MAX_ENTRIES);
        if too_many {
            return Err(format!("more than {MAX_ENTRIES} templates or tokens of one"));
        }
        templates.iter().flatten().try_for_each(|token| check_text("token", &token.to_string()))?;
    }
    if request
        .blake3
        .as_ref()
        .is_some_and(|hash| hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        return Err("`blake3` has 64 hex digits".to_owned());
    }
    match request.args.paths().chain(request.cwd.as_deref()).find(|guest| !dirs.contains_key(*guest)) {
        Some(guest) => Err(format!("it uses {:?}, which the module does not ask for", excerpt(guest))),
        None => Ok(()),
    }
}

fn check_size(what: &str, bytes: u64) -> Result<(), String> {
    match bytes {
        0 => Err(format!("`{what}` must be at least one byte")),
        bytes if bytes > Limits::MAX_MEMORY => Err(format!("`{what}` must be at most 4 GiB")),
        _ => Ok(()),
    }
}

fn check_dirs(dirs: &BTreeMap<String, DirRequest>) -> Result<(), String> {
    // The vault may lie in a directory of the module's own.
    let is_vault = |guest: &str| matches!(dirs.get(guest), Some(DirRequest::Vault { .. }));
    let clash = |one: &str, other: &str| {
        let inner_vault = |inner: &str, outer: &str| is_vault(inner) && is_within(inner, outer);
        paths_overlap(one, other) && !inner_vault(one, other) && !inner_vault(other, one)
    };
    let guests: Vec<&String> = dirs.keys().collect();
    for (index, guest) in guests.iter().enumerate() {
        check_guest_path(guest).map_err(|why| format!("directory {:?}: {why}", excerpt(guest)))?;
        if let Some(other) = guests[..index].iter().find(|other| clash(guest, other)) {
            return Err(format!("directory {guest:?} overlaps {other:?}"));
        }
    }
    for (guest, request) in dirs {
        match request {
            DirRequest::Ask(asked) if asked.ask.is_empty() => {
                return Err("a directory is asked for without a name".to_owned());
            }
            DirRequest::Ask(asked) => check_text("asked directory", &asked.ask)?,
            DirRequest::Volume { volume, .. } => check_name(volume).map_err(|why| format!("volume: {why}"))?,
            DirRequest::Temp { temp: true } => {}
            DirRequest::Temp { temp: false } => return Err("`temp` can only be true".to_owned()),
            DirRequest::Vault { vault: true } if guest == Dir::VAULT => {}
            DirRequest::Vault { .. } => return Err(format!("`vault` can only be true, at {}", Dir::VAULT)),
        }
    }
    Ok(())
}

fn check_text(what: &str, text: &str) -> Result<(), String> {
    if text.len() > MAX_TEXT {
        return Err(format!("a {what} has more than {MAX_TEXT} bytes"));
    }
    if text.contains('\0') {
        return Err(format!("a {what} contains NUL"));
    }
    Ok(())
}

/// At most 60 characters of foreign text, for messages.
fn excerpt(text: &str) -> String {
    text.chars().take(60).collect()
}
