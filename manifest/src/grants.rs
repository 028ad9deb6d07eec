//! What one module may touch. Nothing that is not listed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::binary::BinaryGrant;
use crate::host::HostGrant;

/// What one module may touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Guest path (absolute, normal, none inside another but the vault) to directory.
    pub dirs: BTreeMap<String, Dir>,
    /// Variable name to value.
    pub env: BTreeMap<String, EnvValue>,
    /// Name to program of the host.
    pub binaries: BTreeMap<String, BinaryGrant>,
    /// Hosts that may be reached.
    pub hosts: BTreeSet<HostGrant>,
    /// Name to key-value store of the service.
    pub kv: BTreeMap<String, KvGrant>,
}

/// A granted key-value store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KvGrant {
    /// Whether the module may write.
    pub mode: Mode,
    /// Bytes of all keys and values together.
    pub quota: u64,
}

impl Default for KvGrant {
    fn default() -> KvGrant {
        KvGrant { mode: Mode::ReadWrite, quota: 10 << 20 }
    }
}

impl Dir {
    /// The quota of volumes for which none is given, and the most that one from elsewhere gets: 1 GiB.
    pub const VOLUME_QUOTA: u64 = 1 << 30;

    /// Where modules see the vault.
    pub const VAULT: &str = "/tmp/vault";

    /// The volume called `name` with the usual quota.
    pub fn volume(name: impl Into<String>, mode: Mode) -> Dir {
        Dir::Volume { name: name.into(), mode, quota: Dir::VOLUME_QUOTA }
    }

    /// The volume that is granted for such a request of a blueprint: no larger than usual.
    pub fn asked_volume(name: &str, mode: Mode, quota: Option<u64>) -> Dir {
        let quota = quota.map_or(Dir::VOLUME_QUOTA, |asked| asked.min(Dir::VOLUME_QUOTA));
        Dir::Volume { name: name.to_owned(), mode, quota }
    }
}

impl Grants {
    /// These grants and `more`; where both say something of one name, `more` counts.
    pub fn with(mut self, more: &Grants) -> Grants {
        let Grants { dirs, env, binaries, hosts, kv } = more.clone();
        self.dirs.extend(dirs);
        self.env.extend(env);
        self.binaries.extend(binaries);
        self.hosts.extend(hosts);
        self.kv.extend(kv);
        self
    }
}

/// A granted directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dir {
    /// A directory of the host.
    Host {
        /// Where it lies; relative paths of a manifest are joined to the manifest's directory.
        path: PathBuf,
        /// Whether the guest may write.
        mode: Mode,
        /// Whether it is made if missing.
        create: bool,
    },
    /// A private directory that the runtime keeps for the service.
    Volume {
        /// Kebab-case name, unique in the service; modules that name one volume share it.
        name: String,
        /// Whether the guest may write.
        mode: Mode,
        /// Bytes that it may hold; each entry counts 4 KiB besides its content.
        quota: u64,
    },
    /// Scratch space, writable, empty at each instantiation.
    Temp,
    /// The vault of the particle that calls, at [`Dir::VAULT`]: a writable directory that lives as long as the particle, and in which the
    /// services that it calls on this peer find each other's files.
    Vault,
}

/// Whether a guest may write to a directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Mode {
    /// Reading only.
    #[default]
    #[serde(rename = "ro")]
    ReadOnly,
    /// Reading and writing.
    #[serde(rename = "rw")]
    ReadWrite,
}

/// The value of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvValue {
    /// As written.
    Text(String),
    /// Read from this variable of the host when the service starts; never printed.
    From(String),
}

impl Mode {
    /// How manifests spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::ReadOnly => "ro",
            Mode::ReadWrite => "rw",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}
