//! What a module of a blueprint asks for. A request names host directories instead of locating them: where they lie is the
//! business of the host that runs the service.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::binary::{ArgPolicy, BinaryGrant};
use crate::grants::{Dir, EnvValue, Grants, KvGrant, Mode};
use crate::host::HostGrant;
use crate::log::LogLevel;
use crate::manifest::ModuleEntry;

/// What one module asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantRequests {
    /// Guest path to directory.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dirs: BTreeMap<String, DirRequest>,
    /// Variable name to value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, EnvRequest>,
    /// Name to program.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub binaries: BTreeMap<String, BinaryRequest>,
    /// Hosts to reach.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub hosts: BTreeSet<HostGrant>,
    /// Name to key-value store.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kv: BTreeMap<String, KvGrant>,
    /// The least severe records that are kept.
    pub log: LogLevel,
    /// The same for single targets and what lies below them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub log_filter: BTreeMap<String, LogLevel>,
    /// Which classes of records are kept; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_mask: Option<u32>,
    /// Cap of the module's linear memory in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
}

/// A directory that a module asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DirRequest {
    /// A directory of the host, by name.
    Ask(AskedDir),
    /// A private directory that the runtime keeps for the service.
    Volume {
        /// Its name, unique in the service.
        volume: String,
        /// Whether the guest may write.
        mode: Mode,
        /// Bytes that it may hold; absent: the usual quota, [`Dir::VOLUME_QUOTA`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quota: Option<u64>,
    },
    /// Scratch space, empty at each instantiation.
    Temp {
        /// Always true; the key tells the forms apart.
        temp: bool,
    },
    /// The vault of the particle that calls.
    Vault {
        /// Always true; the key tells the forms apart.
        vault: bool,
    },
}

/// A directory of the host, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AskedDir {
    /// The name under which a host's policy may grant it: the path as the manifest gave it.
    pub ask: String,
    /// Whether the guest wants to write.
    pub mode: Mode,
}

/// A program of the host, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BinaryRequest {
    /// The name or path under which a host's policy may grant it.
    pub ask: String,
    /// With which arguments the module wants to run it.
    pub args: ArgPolicy,
    /// Variables that it shall have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, EnvRequest>,
    /// A directory of the module to run in; absent: a private, empty one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// How long one run may take, in milliseconds.
    pub timeout: u64,
    /// Bytes of each output that are taken.
    pub max_output: u64,
    /// Bytes of address space.
    pub memory: u64,
    /// What its file must hash to, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blake3: Option<String>,
}

/// A variable that a module asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EnvRequest {
    /// A fixed text.
    Text(String),
    /// A variable of the host, by name.
    From {
        /// Its name on the host.
        from: String,
    },
}

/// A host directory that a policy gives for an asked name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostDir {
    /// Where it lies.
    pub path: PathBuf,
    /// The widest mode the policy allows.
    pub mode: Mode,
}

/// What a host lets services have. Nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantPolicy {
    /// Asked name to directory.
    pub dirs: BTreeMap<String, HostDir>,
    /// Variables of the host that may be read.
    pub variables: BTreeSet<String>,
    /// Hosts that may be reached.
    pub hosts: BTreeSet<HostGrant>,
    /// Asked name to program.
    pub binaries: BTreeMap<String, BinaryGrant>,
}

/// A request that no policy covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MissingGrant {
    /// A host to reach.
    Host(HostGrant),
    /// A program, by the name it is asked for.
    Binary(String),
    /// A host directory.
    Dir(AskedDir),
    /// A variable of the host.
    Env(String),
}

impl fmt::Display for MissingGrant {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MissingGrant::Dir(AskedDir { ask, mode }) => write!(to, "dirs: {ask:?} ({mode})"),
            MissingGrant::Host(host) => write!(to, "hosts: \"{host}\""),
            MissingGrant::Binary(ask) => write!(to, "binaries: {ask:?}, with the arguments that are asked for"),
            MissingGrant::Env(name) => write!(to, "env: {name:?}"),
        }
    }
}

impl GrantRequests {
    /// The requests that the grants of a module of a manifest in `dir` amount to.
    pub fn of(entry: &ModuleEntry, dir: &Path) -> GrantRequests {
        let Grants { dirs, env, binaries, hosts, kv } = &entry.grants;
        let dirs = dirs.iter().map(|(guest, granted)| (guest.clone(), DirRequest::from_dir(granted, dir)));
        let binaries = binaries.iter().map(|(name, granted)| (name.clone(), BinaryRequest::from(granted)));
        GrantRequests {
            dirs: dirs.collect(),
            env: env_requests(env),
            binaries: binaries.collect(),
            hosts: hosts.clone(),
            kv: kv.clone(),
            log: entry.log,
            log_filter: entry.log_filter.clone(),
            log_mask: (entry.log_mask != u32::MAX).then_some(entry.log_mask),
            memory: entry.memory,
        }
    }

    /// The grants these requests become under `policy`: what was asked for, not all that the policy would allow. Volumes, scratch, the
    /// vault, stores and fixed variables need no policy.
    ///
    /// # Errors
    /// Every request that the policy does not cover.
    pub fn resolve(&self, policy: &GrantPolicy) -> Result<Grants, Vec<MissingGrant>> {
        let mut grants = Grants { kv: self.kv.clone(), ..Grants::default() };
        let mut missing = Vec::new();
        for (guest, request) in &self.dirs {
            match request.resolve(&policy.dirs) {
                Ok(dir) => drop(grants.dirs.insert(guest.clone(), dir)),
                Err(lacking) => missing.push(MissingGrant::Dir(lacking)),
            }
        }
        for (name, request) in &self.env {
            match request {
                EnvRequest::From { from } if !policy.variables.contains(from) => {
                    missing.push(MissingGrant::Env(from.clone()));
                }
                request => drop(grants.env.insert(name.clone(), request.into())),
            }
        }
        for host in &self.hosts {
            if policy.hosts.iter().any(|granted| granted.includes(host)) {
                grants.hosts.insert(host.clone());
            } else {
                missing.push(MissingGrant::Host(host.clone()));
            }
        }
        for (name, request) in &self.binaries {
            match policy.binaries.get(&request.ask).and_then(|granted| request.under(granted)) {
                Some(grant) => drop(grants.binaries.insert(name.clone(), grant)),
                None => missing.push(MissingGrant::Binary(request.ask.clone())),
            }
        }
        if missing.is_empty() { Ok(grants) } else { Err(missing) }
    }
}

impl BinaryRequest {
    /// What it becomes where `granted` is the most that may be had. Variables are the host's to decide: they can change what a
    /// program does.
    fn under(&self, granted: &BinaryGrant) -> Option<BinaryGrant> {
        let same_variables = self.env.is_empty() || self.env == env_requests(&granted.env);
        let same_file = self.blake3.is_none() || granted.blake3.is_none() || self.blake3 == granted.blake3;
        (granted.args.includes(&self.args) && same_variables && same_file).then(|| BinaryGrant {
            path: granted.path.clone(),
            args: self.args.clone(),
            env: granted.env.clone(),
            cwd: self.cwd.clone(),
            timeout: Duration::from_millis(self.timeout).min(granted.timeout),
            max_output: self.max_output.min(granted.max_output),
            memory: self.memory.min(granted.memory),
            blake3: granted.blake3.clone().or_else(|| self.blake3.clone()),
        })
    }

    /// The grant that is asked for, with the asked name for a path.
    pub fn as_asked(&self) -> BinaryGrant {
        BinaryGrant {
            path: self.ask.clone(),
            args: self.args.clone(),
            env: self.env.iter().map(|(name, value)| (name.clone(), value.into())).collect(),
            cwd: self.cwd.clone(),
            timeout: Duration::from_millis(self.timeout),
            max_output: self.max_output,
            memory: self.memory,
            blake3: self.blake3.clone(),
        }
    }
}

impl From<&BinaryGrant> for BinaryRequest {
    fn from(grant: &BinaryGrant) -> BinaryRequest {
        BinaryRequest {
            ask: grant.path.clone(),
            args: grant.args.clone(),
            env: env_requests(&grant.env),
            cwd: grant.cwd.clone(),
            timeout: u64::try_from(grant.timeout.as_millis()).unwrap_or(u64::MAX),
            max_output: grant.max_output,
            memory: grant.memory,
            blake3: grant.blake3.clone(),
        }
    }
}

fn env_requests(env: &BTreeMap<String, EnvValue>) -> BTreeMap<String, EnvRequest> {
    env.iter().map(|(name, value)| (name.clone(), EnvRequest::from(value))).collect()
}

impl DirRequest {
    fn from_dir(granted: &Dir, manifest_dir: &Path) -> DirRequest {
        match granted {
            Dir::Host { path, mode, .. } => {
                DirRequest::Ask(AskedDir { ask: asked_name(path, manifest_dir), mode: *mode })
            }
            Dir::Volume { name, mode, quota } => {
                let quota = Some(*quota).filter(|quota| *quota != Dir::VOLUME_QUOTA);
                DirRequest::Volume { volume: name.clone(), mode: *mode, quota }
            }
            Dir::Temp => DirRequest::Temp { temp: true },
            Dir::Vault => DirRequest::Vault { vault: true },
        }
    }

    fn resolve(&self, dirs: &BTreeMap<String, HostDir>) -> Result<Dir, AskedDir> {
        match self {
            DirRequest::Ask(asked) => match dirs.get(&asked.ask) {
                Some(host) if asked.mode <= host.mode => {
                    Ok(Dir::Host { path: host.path.clone(), mode: asked.mode, create: false })
                }
                _ => Err(asked.clone()),
            },
            DirRequest::Volume { volume, mode, quota } => Ok(Dir::asked_volume(volume, *mode, *quota)),
            DirRequest::Temp { .. } => Ok(Dir::Temp),
            DirRequest::Vault { .. } => Ok(Dir::Vault),
        }
    }
}

/// `path` as the manifest in `dir` wrote it, with `/` between its parts on every system.
fn asked_name(path: &Path, dir: &Path) -> String {
    let written = path.strip_prefix(dir).unwrap_or(path);
    let parts: Vec<_> = written
        .components()
        .filter(|part| !matches!(part, Component::CurDir))
        .map(|part| match part {
            Component::RootDir => String::new(),
            other => other.as_os_str().to_string_lossy().into_owned(),
        })
        .collect();
    parts.join("/")
}

impl From<&EnvValue> for EnvRequest {
    fn from(value: &EnvValue) -> EnvRequest {
        match value {
            EnvValue::Text(text) => EnvRequest::Text(text.clone()),
            EnvValue::From(from) => EnvRequest::From { from: from.clone() },
        }
    }
}

impl From<&EnvRequest> for EnvValue {
    fn from(request: &EnvRequest) -> EnvValue {
        match request {
            EnvRequest::Text(text) => EnvValue::Text(text.clone()),
            EnvRequest::From { from } => EnvValue::From(from.clone()),
        }
    }
}
