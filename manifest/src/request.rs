//! What a module of a blueprint asks for. A request names host directories instead of locating them: where they lie is the
//! business of the host that runs the service.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::manifest::{Dir, EnvValue, Grants, LogLevel, Mode};

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
    /// The least severe records that are kept.
    pub log: LogLevel,
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
    },
    /// Scratch space, empty at each instantiation.
    Temp {
        /// Always true; the key tells the three forms apart.
        temp: bool,
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

/// A request that no policy covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MissingGrant {
    /// A host directory.
    Dir(AskedDir),
    /// A variable of the host.
    Env(String),
}

impl fmt::Display for MissingGrant {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MissingGrant::Dir(AskedDir { ask, mode }) => write!(to, "dirs: {ask:?} ({mode})"),
            MissingGrant::Env(name) => write!(to, "env: {name:?}"),
        }
    }
}

impl GrantRequests {
    /// The requests that `grants` of a manifest in `dir` amount to.
    pub fn from_grants(grants: &Grants, dir: &Path, log: LogLevel, memory: Option<u64>) -> GrantRequests {
        let dirs = grants.dirs.iter().map(|(guest, granted)| (guest.clone(), DirRequest::from_dir(granted, dir)));
        let env = grants.env.iter().map(|(name, value)| (name.clone(), EnvRequest::from(value)));
        GrantRequests { dirs: dirs.collect(), env: env.collect(), log, memory }
    }

    /// The grants these requests become under a policy that gives `dirs` (asked name to directory) and lets `variables` of the host
    /// be read. Volumes, scratch and fixed variables need no policy.
    ///
    /// # Errors
    /// Every request that the policy does not cover.
    pub fn resolve(
        &self,
        dirs: &BTreeMap<String, HostDir>,
        variables: &BTreeSet<String>,
    ) -> Result<Grants, Vec<MissingGrant>> {
        let mut grants = Grants::default();
        let mut missing = Vec::new();
        for (guest, request) in &self.dirs {
            match request.resolve(dirs) {
                Ok(dir) => drop(grants.dirs.insert(guest.clone(), dir)),
                Err(lacking) => missing.push(MissingGrant::Dir(lacking)),
            }
        }
        for (name, request) in &self.env {
            match request {
                EnvRequest::Text(text) => drop(grants.env.insert(name.clone(), EnvValue::Text(text.clone()))),
                EnvRequest::From { from } if variables.contains(from) => {
                    grants.env.insert(name.clone(), EnvValue::From(from.clone()));
                }
                EnvRequest::From { from } => missing.push(MissingGrant::Env(from.clone())),
            }
        }
        if missing.is_empty() { Ok(grants) } else { Err(missing) }
    }
}

impl DirRequest {
    fn from_dir(granted: &Dir, manifest_dir: &Path) -> DirRequest {
        match granted {
            Dir::Host { path, mode, .. } => {
                DirRequest::Ask(AskedDir { ask: asked_name(path, manifest_dir), mode: *mode })
            }
            Dir::Volume { name, mode } => DirRequest::Volume { volume: name.clone(), mode: *mode },
            Dir::Temp => DirRequest::Temp { temp: true },
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
            DirRequest::Volume { volume, mode } => Ok(Dir::Volume { name: volume.clone(), mode: *mode }),
            DirRequest::Temp { .. } => Ok(Dir::Temp),
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
