//! The content of a `Marine.toml` as checked data.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cid::Cid;
use crate::error::ManifestErrors;
use crate::limits::Limits;

/// How a manifest is called on disk.
pub const FILE_NAME: &str = "Marine.toml";
/// The most modules one service may have.
pub const MAX_MODULES: usize = 64;
/// The largest manifest that is read, in bytes.
pub(crate) const MAX_MANIFEST_BYTES: u64 = 1024 * 1024;

/// One service as its author wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The file, if it was read from one.
    pub path: PathBuf,
    /// The directory that relative paths of the manifest start from.
    pub dir: PathBuf,
    /// What the service is called and offers.
    pub service: ServiceSection,
    /// Bounds on the whole service.
    pub limits: Limits,
    /// Its modules in the order of the file; at least one, names unique.
    pub modules: Vec<ModuleEntry>,
}

/// The `[service]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSection {
    /// Kebab-case name; the directory's name if the manifest gives none.
    pub name: String,
    /// Semantic version, if given.
    pub version: Option<String>,
    /// One line on what it does, if given.
    pub description: Option<String>,
    /// The module whose functions the service offers, if given: see [`Manifest::facade`].
    pub facade: Option<String>,
}

/// One `[[module]]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleEntry {
    /// What imports call it.
    pub name: String,
    /// Where its component comes from.
    pub source: Source,
    /// Which binary of the package, for packages with several.
    pub target: Option<String>,
    /// Wiring by hand: import (interface id or module name) to module.
    pub needs: BTreeMap<String, String>,
    /// What the module may touch; nothing that is not listed.
    pub grants: Grants,
    /// Cap of its linear memory in bytes.
    pub memory: Option<u64>,
    /// The least severe records that are kept.
    pub log: LogLevel,
}

/// Where a module's component comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A Cargo package: its name, or its directory relative to the manifest.
    Crate(String),
    /// A component file; relative paths are joined to the manifest's directory.
    Wasm(PathBuf),
    /// A content id, to be fetched and verified.
    Cid(Cid),
}

/// What one module may touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Guest path (absolute, normal, none inside another) to directory.
    pub dirs: BTreeMap<String, Dir>,
    /// Variable name to value.
    pub env: BTreeMap<String, EnvValue>,
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
    },
    /// Scratch space, writable, empty at each instantiation.
    Temp,
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

/// The least severe log records that are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// None at all.
    Off,
    /// Errors.
    Error,
    /// And warnings.
    Warn,
    /// And what is worth knowing.
    #[default]
    Info,
    /// And details.
    Debug,
    /// Everything.
    Trace,
}

impl Manifest {
    /// Reads and checks the manifest at `path`.
    ///
    /// # Errors
    /// All mistakes of the file at once, or the one that kept it from being read (code `M301`).
    pub fn read(path: impl AsRef<Path>) -> Result<Manifest, ManifestErrors> {
        let path = path.as_ref();
        let text = read_bounded(path).map_err(|cause| ManifestErrors::unreadable(path, &cause))?;
        let dir = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        crate::parse::manifest(&text, path.to_path_buf(), dir)
    }

    /// Checks `text` as a manifest whose relative paths start from `dir`.
    ///
    /// # Errors
    /// All mistakes of the text at once.
    pub fn parse(text: &str, dir: impl Into<PathBuf>) -> Result<Manifest, ManifestErrors> {
        let dir = dir.into();
        crate::parse::manifest(text, dir.join(FILE_NAME), dir)
    }

    /// The nearest `Marine.toml` in `start` or a directory above it.
    pub fn find(start: impl AsRef<Path>) -> Option<PathBuf> {
        start.as_ref().ancestors().map(|dir| dir.join(FILE_NAME)).find(|path| path.is_file())
    }

    /// The module whose functions the service offers: the one named, else the last listed.
    pub fn facade(&self) -> &str {
        match &self.service.facade {
            Some(name) => name,
            None => &self.modules.last().expect("a checked manifest has a module").name,
        }
    }

    /// The module called `name`.
    pub fn module(&self, name: &str) -> Option<&ModuleEntry> {
        self.modules.iter().find(|module| module.name == name)
    }
}

fn read_bounded(path: &Path) -> std::io::Result<String> {
    let size = std::fs::metadata(path)?.len();
    if size > MAX_MANIFEST_BYTES {
        let text = format!("the file has {size} bytes, a manifest at most {MAX_MANIFEST_BYTES}");
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, text));
    }
    std::fs::read_to_string(path)
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

impl LogLevel {
    /// Every level, from silent to everything.
    pub const ALL: [LogLevel; 6] =
        [LogLevel::Off, LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];

    /// How manifests spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            LogLevel::Off => "off",
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}
