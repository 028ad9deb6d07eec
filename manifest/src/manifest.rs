//! The content of a `Marine.toml` as checked data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use semver::VersionReq;

use crate::cid::Cid;
use crate::error::ManifestErrors;
use crate::grants::Grants;
use crate::limits::Limits;
use crate::log::LogLevel;

/// How a manifest is called on disk.
pub const FILE_NAME: &str = "Marine.toml";
/// The most modules one service may have.
pub const MAX_MODULES: usize = 64;
/// The most instances of one service.
pub const MAX_INSTANCES: u32 = 64;
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
    /// Per module, what it may touch beyond its own grants in tests; never part of a blueprint.
    pub test: BTreeMap<String, Grants>,
    /// Per module, what it may touch beyond its own grants in the REPL; never part of a blueprint.
    pub repl: BTreeMap<String, Grants>,
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
    /// Who wrote it.
    pub authors: Vec<String>,
    /// Where its sources are, if given.
    pub repository: Option<String>,
    /// The module whose functions the service offers, if given: see [`Manifest::facade`].
    pub facade: Option<String>,
    /// Whether no call depends on another, so that instances may be several.
    pub stateless: bool,
    /// How many instances may run at once; 1 unless stateless.
    pub instances: u32,
    /// Whether it is instantiated when it is started rather than at the first call.
    pub eager: bool,
}

/// One `[[module]]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleEntry {
    /// What imports call it.
    pub name: String,
    /// Where its component comes from.
    pub source: Source,
    /// What the component file has to be; nothing else is taken for it.
    pub pin: Option<Cid>,
    /// Which binary of the package, for packages with several.
    pub target: Option<String>,
    /// The command, without a shell, that makes the component of a module in another language; run by `marine build` alone.
    pub build: Vec<String>,
    /// Which versions of the module will do, by its metadata.
    pub version: Option<VersionReq>,
    /// Which exported interface is *the* interface of the module, if that is not clear by itself.
    pub interface: Option<String>,
    /// Wiring by hand: import (interface id or module name) to module.
    pub needs: BTreeMap<String, String>,
    /// What the module may touch; nothing that is not listed.
    pub grants: Grants,
    /// Cap of its linear memory in bytes.
    pub memory: Option<u64>,
    /// The least severe records that are kept.
    pub log: LogLevel,
    /// The same for single targets and what lies below them.
    pub log_filter: BTreeMap<String, LogLevel>,
    /// Which classes of records are kept: a record passes if its bits are 0 or meet the mask.
    pub log_mask: u32,
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

impl ServiceSection {
    /// A service called `name`, of which nothing else is said.
    pub fn named(name: String) -> ServiceSection {
        ServiceSection {
            name,
            version: None,
            description: None,
            authors: Vec::new(),
            repository: None,
            facade: None,
            stateless: false,
            instances: 1,
            eager: false,
        }
    }
}

impl Manifest {
    /// Reads and checks the manifest at `path`. A configuration of the predecessor is migrated in memory: see
    /// [`is_predecessors`](crate::is_predecessors) and [`migrate`](crate::migrate).
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
        let text = match crate::migrate::is_old(&text, path) {
            true => crate::migrate::migrate(&text, path)?.text,
            false => text,
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

    /// This manifest with `extra` grants ([`Manifest::test`], [`Manifest::repl`]) added to those of its modules.
    #[must_use]
    pub fn with_extra(&self, extra: &BTreeMap<String, Grants>) -> Manifest {
        let mut manifest = self.clone();
        for module in &mut manifest.modules {
            if let Some(more) = extra.get(&module.name) {
                module.grants = std::mem::take(&mut module.grants).with(more);
            }
        }
        manifest
    }

    /// The module called `name`.
    pub fn module(&self, name: &str) -> Option<&ModuleEntry> {
        self.modules.iter().find(|module| module.name == name)
    }
}

pub(crate) fn read_bounded(path: &Path) -> std::io::Result<String> {
    let size = std::fs::metadata(path)?.len();
    if size > MAX_MANIFEST_BYTES {
        let text = format!("the file has {size} bytes, a manifest at most {MAX_MANIFEST_BYTES}");
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, text));
    }
    std::fs::read_to_string(path)
}
