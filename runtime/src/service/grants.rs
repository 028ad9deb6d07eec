//! From grants to what an instance is given: places, variables, programs, hosts, stores, log filter. Found out once, when a service is
//! built.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use marine_manifest::{BinaryGrant, Dir, EnvValue, HostGrant, LogFilter, Mode, check_name};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder};

use super::error::StartError;
use crate::host::{Capture, Place, Program, Quotas, Reach, find_program};
use crate::link::Request;
use crate::names;
use crate::quota::Quota;
use crate::spec::ModuleSpec;
use crate::tree::TempTree;

/// The most random bytes a guest may ask for at once.
const MAX_RANDOM: u64 = 1024 * 1024;
/// Bytes that scratch space may hold.
const SCRATCH_QUOTA: u64 = Dir::VOLUME_QUOTA;
/// The variable that sets the level of a module's log records.
const LOG_VARIABLE: &str = "WASM_LOG";

/// What is granted beyond the specification: answers to [`Plan::requests`](crate::Plan::requests).
///
/// ```
/// use marine_manifest::Mode;
/// use marine_runtime::Grants;
///
/// let grants = Grants::new().dir("till", "data/in", "/srv/shop/in", Mode::ReadOnly).env("till", "SHOP_REGION");
/// # let _ = grants;
/// ```
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// Module and asked name, to where it lies and the widest mode.
    pub(crate) dirs: BTreeMap<(String, String), (PathBuf, Mode)>,
    /// Module and variable of the host.
    pub(crate) variables: BTreeSet<(String, String)>,
    /// Module and host.
    pub(crate) hosts: BTreeSet<(String, HostGrant)>,
    /// Module and its name for the program.
    pub(crate) binaries: BTreeMap<(String, String), BinaryGrant>,
    /// Module and interface of the embedder, without its version.
    pub(crate) interfaces: BTreeSet<(String, String)>,
}

impl Grants {
    /// No grants.
    pub fn new() -> Grants {
        Grants::default()
    }

    /// Grants the directory that `module` asks for as `ask`: it lies at `path`, and may be used in no wider mode than `mode`.
    #[must_use]
    pub fn dir(mut self, module: &str, ask: &str, path: impl Into<PathBuf>, mode: Mode) -> Grants {
        self.dirs.insert((module.to_owned(), ask.to_owned()), (path.into(), mode));
        self
    }

    /// Grants that `module` reads the host's `variable`.
    #[must_use]
    pub fn env(mut self, module: &str, variable: &str) -> Grants {
        self.variables.insert((module.to_owned(), variable.to_owned()));
        self
    }

    /// Grants that `module` reaches `host`; it covers every narrower request too.
    #[must_use]
    pub fn host(mut self, module: &str, host: HostGrant) -> Grants {
        self.hosts.insert((module.to_owned(), host));
        self
    }

    /// Grants that `module` runs what it calls `name` as `program` says. What the module asked for is for the one who grants to
    /// compare: see [`Request::Binary`].
    #[must_use]
    pub fn binary(mut self, module: &str, name: &str, program: BinaryGrant) -> Grants {
        self.binaries.insert((module.to_owned(), name.to_owned()), program);
        self
    }

    /// Grants that `module` calls the embedder's `interface`, named with or without a version: see [`HostInterface`](crate::HostInterface).
    #[must_use]
    pub fn interface(mut self, module: &str, interface: &str) -> Grants {
        self.interfaces.insert((module.to_owned(), names::unversioned(interface).to_owned()));
        self
    }

    /// These grants and `more`.
    #[must_use]
    pub fn and(mut self, more: Grants) -> Grants {
        self.dirs.extend(more.dirs);
        self.variables.extend(more.variables);
        self.hosts.extend(more.hosts);
        self.binaries.extend(more.binaries);
        self.interfaces.extend(more.interfaces);
        self
    }

    /// Those of `requests` that are not covered.
    pub(crate) fn refused(&self, requests: Vec<Request>) -> Vec<Request> {
        requests.into_iter().filter(|request| !self.covers(request)).collect()
    }

    fn covers(&self, request: &Request) -> bool {
        match request {
            Request::Dir { module, asked, .. } => {
                let given = self.dirs.get(&(module.clone(), asked.ask.clone()));
                given.is_some_and(|(_, widest)| asked.mode <= *widest)
            }
            Request::Env { module, variable, .. } => self.variables.contains(&(module.clone(), variable.clone())),
            Request::Host { module, host } => {
                self.hosts.iter().any(|(of, granted)| of == module && granted.includes(host))
            }
            Request::Binary { module, name, .. } => self.binaries.contains_key(&(module.clone(), name.clone())),
            Request::Interface { module, interface } => {
                self.interfaces.contains(&(module.clone(), names::unversioned(interface).to_owned()))
            }
        }
    }

    /// A grant that nobody asked for, which is a mistake of whoever grants: module and what.
    pub(crate) fn useless(&self, requests: &[Request]) -> Option<(String, String)> {
        let asked = |module: &str, what: &dyn Fn(&Request) -> bool| {
            requests.iter().any(|request| request.module() == module && what(request))
        };
        let dir = self.dirs.keys().find(|(module, ask)| {
            !asked(module, &|request| matches!(request, Request::Dir { asked, .. } if asked.ask == *ask))
        });
        let variable = self.variables.iter().find(|(module, name)| {
            !asked(module, &|request| matches!(request, Request::Env { variable, .. } if variable == name))
        });
        let host = self.hosts.iter().find(|(module, granted)| {
            !asked(module, &|request| matches!(request, Request::Host { host, .. } if granted.includes(host)))
        });
        let binary = self.binaries.keys().find(|(module, wanted)| {
            !asked(module, &|request| matches!(request, Request::Binary { name, .. } if name == wanted))
        });
        let interface = self.interfaces.iter().find(|(module, granted)| {
            let is = |request: &Request| matches!(request, Request::Interface { interface, .. } if names::unversioned(interface) == granted);
            !asked(module, &is)
        });
        let named = dir.or(variable).or(binary).or(interface).cloned();
        named.or_else(|| host.map(|(module, host)| (module.clone(), host.to_string())))
    }
}

/// What the instances of one module are given.
#[derive(Debug)]
pub(crate) struct Endowment {
    pub(crate) module: Arc<str>,
    pub(crate) log: Arc<LogFilter>,
    pub(crate) log_mask: u32,
    pub(crate) reach: Arc<Reach>,
    pub(crate) mounts: Vec<Mount>,
    env: Vec<(String, String)>,
}

/// A directory that instances see.
#[derive(Debug)]
pub(crate) struct Mount {
    pub(crate) guest: String,
    pub(crate) kind: DirectoryKind,
    pub(crate) mode: Mode,
    /// Where it lies; scratch space is made anew for each instance, and the vault is another one for each particle.
    pub(crate) path: Option<PathBuf>,
    /// How much a volume may hold.
    quota: Option<Quota>,
}

/// The accounts of a service's volumes, by name: modules that share a volume share its account.
pub(super) type VolumeQuotas = BTreeMap<String, Quota>;

/// What a directory of a module is on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectoryKind {
    /// A directory of the host.
    Host,
    /// A private directory that the runtime keeps for the service.
    Volume(String),
    /// Scratch space, empty at each instantiation.
    Scratch,
    /// The vault of the particle that calls.
    Vault,
}

impl Endowment {
    /// Whether the module sees vaults.
    pub(crate) fn has_vault(&self) -> bool {
        self.mounts.iter().any(|mount| mount.kind == DirectoryKind::Vault)
    }

    /// What `spec` with `granted` amounts to; directories that shall exist are made.
    pub(crate) fn new(
        spec: &ModuleSpec,
        granted: &Grants,
        volumes: Option<&Path>,
        quotas: &mut VolumeQuotas,
    ) -> Result<Endowment, StartError> {
        let module = spec.module.name();
        let mut mounts = Vec::new();
        for (guest, dir) in &spec.grants.dirs {
            mounts.push(mount(module, guest, dir, volumes, quotas)?);
        }
        for (guest, asked) in &spec.asked_dirs {
            // `refused` was asked before: what is missing here cannot happen.
            if let Some((path, _)) = granted.dirs.get(&(module.to_owned(), asked.ask.clone())) {
                let dir = Dir::Host { path: path.clone(), mode: asked.mode, create: false };
                mounts.push(mount(module, guest, &dir, volumes, quotas)?);
            }
        }
        let mut env = variables(module, &spec.grants.env)?;
        for (name, variable) in &spec.asked_env {
            env.push((name.clone(), host_variable(module, variable)?));
        }
        let log = log_filter(spec, &env);
        let reach = Arc::new(reach(spec, granted)?);
        let (module, log_mask) = (spec.module.shared_name(), spec.log_mask);
        Ok(Endowment { module, log: Arc::new(log), log_mask, reach, mounts, env })
    }

    /// A fresh context with the places of its directories, and the scratch directories that live as long as it does.
    pub(crate) fn context(
        &self,
        service_id: &str,
        stdout: &Capture,
        stderr: &Capture,
    ) -> Result<(WasiCtx, Vec<Place>, Quotas, Vec<TempTree>), StartError> {
        let mut builder = WasiCtxBuilder::new();
        // Guests run on threads that may block.
        builder.allow_blocking_current_thread(true).max_random_size(MAX_RANDOM);
        // No grant gives sockets.
        builder.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        builder.stdout(stdout.clone()).stderr(stderr.clone());
        builder.env("service_id", service_id);
        for (name, value) in &self.env {
            builder.env(name, value);
        }
        let (mut places, mut quotas, mut scratch) = (Vec::new(), Quotas::default(), Vec::new());
        for mount in &self.mounts {
            let failed = |path: &Path, cause: String| failure(&self.module, &mount.guest, path, cause);
            let path = match &mount.path {
                Some(path) => path.clone(),
                None => {
                    let dir = TempTree::new("marine-scratch-")
                        .map_err(|cause| failed(Path::new("scratch"), cause.to_string()))?;
                    let path = dir.path().to_path_buf();
                    scratch.push(dir);
                    path
                }
            };
            let perms = match (mount.mode, &mount.kind) {
                // Until the first call begins there is no vault, only the place of one.
                (Mode::ReadOnly, _) | (_, DirectoryKind::Vault) => FsPerms::ReadOnly,
                (Mode::ReadWrite, _) => FsPerms::ReadWrite,
            };
            let opened = builder.preopened_dir(&path, &mount.guest, perms);
            opened.map_err(|cause| failed(&path, format!("{cause:#}")))?;
            let quota = match mount.kind {
                DirectoryKind::Scratch => Some(Quota::new(path.clone(), SCRATCH_QUOTA)),
                _ => mount.quota.clone(),
            };
            quotas.directories.extend(quota.map(|quota| (mount.guest.clone(), quota)));
            places.push(Place { guest: mount.guest.clone(), path, mode: mount.mode });
        }
        Ok((builder.build(), places, quotas, scratch))
    }
}

/// What the manifest says, unless the module's own variable says otherwise.
fn log_filter(spec: &ModuleSpec, env: &[(String, String)]) -> LogFilter {
    let variable = env.iter().find(|(name, _)| name == LOG_VARIABLE);
    variable.and_then(|(_, text)| text.parse().ok()).unwrap_or_else(|| spec.log.clone())
}

fn reach(spec: &ModuleSpec, granted: &Grants) -> Result<Reach, StartError> {
    let module = spec.module.name();
    let mut programs = BTreeMap::new();
    let asked = spec.asked_binaries.keys();
    let given = asked.filter_map(|name| Some((name, granted.binaries.get(&(module.to_owned(), name.clone()))?)));
    for (name, grant) in spec.grants.binaries.iter().chain(given) {
        let missing = |cause: String| StartError::Binary { module: module.to_owned(), name: name.clone(), cause };
        let path = find_program(&grant.path).map_err(missing)?;
        let env = variables(module, &grant.env)?;
        programs.insert(name.clone(), Program { grant: grant.clone(), path, env });
    }
    let mut hosts = spec.grants.hosts.clone();
    hosts.extend(spec.asked_hosts.iter().cloned());
    Ok(Reach::new(programs, hosts, spec.grants.kv.clone()))
}

fn variables(module: &str, env: &BTreeMap<String, EnvValue>) -> Result<Vec<(String, String)>, StartError> {
    let value = |value: &EnvValue| match value {
        EnvValue::Text(text) => Ok(text.clone()),
        EnvValue::From(variable) => host_variable(module, variable),
    };
    env.iter().map(|(name, of)| Ok((name.clone(), value(of)?))).collect()
}

fn mount(
    module: &str,
    guest: &str,
    dir: &Dir,
    volumes: Option<&Path>,
    quotas: &mut VolumeQuotas,
) -> Result<Mount, StartError> {
    let mut limited = None;
    let (kind, path, mode) = match dir {
        Dir::Temp => (DirectoryKind::Scratch, None, Mode::ReadWrite),
        Dir::Vault => (DirectoryKind::Vault, None, Mode::ReadWrite),
        Dir::Host { path, mode, create } => (DirectoryKind::Host, Some(existing(module, guest, path, *create)?), *mode),
        Dir::Volume { name, mode, quota } => {
            let Some(volumes) = volumes else {
                return Err(StartError::NoVolumes { module: module.to_owned(), volume: name.clone() });
            };
            check_name(name).map_err(|cause| failure(module, guest, Path::new(name), cause.to_string()))?;
            let path = existing(module, guest, &volumes.join(name), true)?;
            let account = quotas.entry(name.clone()).or_insert_with(|| Quota::new(path.clone(), *quota));
            limited = Some(account.with_limit(*quota));
            (DirectoryKind::Volume(name.clone()), Some(path), *mode)
        }
    };
    Ok(Mount { guest: guest.to_owned(), kind, mode, path, quota: limited })
}

fn existing(module: &str, guest: &str, path: &Path, create: bool) -> Result<PathBuf, StartError> {
    let failed = |cause: String| failure(module, guest, path, cause);
    if create {
        fs::create_dir_all(path).map_err(|cause| failed(cause.to_string()))?;
    }
    match fs::metadata(path) {
        Ok(about) if about.is_dir() => Ok(path.to_path_buf()),
        Ok(_) => Err(failed("it is not a directory".to_owned())),
        Err(cause) => Err(failed(cause.to_string())),
    }
}

fn host_variable(module: &str, variable: &str) -> Result<String, StartError> {
    let missing = || StartError::NoVariable { module: module.to_owned(), variable: variable.to_owned() };
    std::env::var(variable).map_err(|_| missing())
}

fn failure(module: &str, guest: &str, path: &Path, cause: String) -> StartError {
    let path = path.display().to_string();
    StartError::Dir { module: module.to_owned(), guest: guest.to_owned(), path, cause: cause.into() }
}
