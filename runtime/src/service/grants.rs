//! From grants to what an instance is given: places, variables, log level. Found out once, when a service is built.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use marine_manifest::{Dir, EnvValue, LogLevel, Mode, check_name};
use tempfile::TempDir;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder};

use super::error::StartError;
use crate::host::Capture;
use crate::link::Request;
use crate::spec::ModuleSpec;

/// The most random bytes a guest may ask for at once.
const MAX_RANDOM: u64 = 1024 * 1024;

/// What was granted beyond the specification, per module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Granted {
    /// Module and asked name, to where it lies and the widest mode.
    pub(crate) dirs: BTreeMap<(String, String), (PathBuf, Mode)>,
    /// Module and variable of the host.
    pub(crate) variables: Vec<(String, String)>,
}

/// What the instances of one module are given.
#[derive(Debug)]
pub(crate) struct Endowment {
    pub(crate) module: Arc<str>,
    pub(crate) log: LogLevel,
    dirs: Vec<Mount>,
    env: Vec<(String, String)>,
}

#[derive(Debug)]
struct Mount {
    guest: String,
    place: Place,
    perms: FsPerms,
}

#[derive(Debug)]
enum Place {
    Dir(PathBuf),
    Scratch,
}

impl Endowment {
    /// What `spec` with `granted` amounts to; directories that shall exist are made.
    pub(crate) fn new(spec: &ModuleSpec, granted: &Granted, volumes: Option<&Path>) -> Result<Endowment, StartError> {
        let module = spec.module.name();
        let mut dirs = Vec::new();
        for (guest, dir) in &spec.grants.dirs {
            dirs.push(mount(module, guest, dir, volumes)?);
        }
        for (guest, asked) in &spec.asked_dirs {
            // `refused` was asked before: what is missing here cannot happen.
            if let Some((path, _)) = granted.dirs.get(&(module.to_owned(), asked.ask.clone())) {
                let dir = Dir::Host { path: path.clone(), mode: asked.mode, create: false };
                dirs.push(mount(module, guest, &dir, volumes)?);
            }
        }
        let mut env = Vec::new();
        for (name, value) in &spec.grants.env {
            env.push((
                name.clone(),
                match value {
                    EnvValue::Text(text) => text.clone(),
                    EnvValue::From(variable) => host_variable(module, variable)?,
                },
            ));
        }
        for (name, variable) in &spec.asked_env {
            env.push((name.clone(), host_variable(module, variable)?));
        }
        Ok(Endowment { module: spec.module.shared_name(), log: spec.log, dirs, env })
    }

    /// How many directories it is given.
    pub(crate) fn directories(&self) -> usize {
        self.dirs.len()
    }

    /// A fresh context, with the scratch directories that live as long as it does.
    pub(crate) fn context(
        &self,
        service_id: &str,
        stdout: &Capture,
        stderr: &Capture,
    ) -> Result<(WasiCtx, Vec<TempDir>), StartError> {
        let mut builder = WasiCtxBuilder::new();
        // Guests run on threads that may block.
        builder.allow_blocking_current_thread(true).max_random_size(MAX_RANDOM);
        builder.stdout(stdout.clone()).stderr(stderr.clone());
        builder.env("service_id", service_id);
        for (name, value) in &self.env {
            builder.env(name, value);
        }
        let mut scratch = Vec::new();
        for mount in &self.dirs {
            let failed = |path: &Path, cause: String| failure(&self.module, &mount.guest, path, cause);
            let path = match &mount.place {
                Place::Dir(path) => path.clone(),
                Place::Scratch => {
                    let dir = tempfile::Builder::new().prefix("marine-scratch-").tempdir();
                    let dir = dir.map_err(|cause| failed(Path::new("scratch"), cause.to_string()))?;
                    let path = dir.path().to_path_buf();
                    scratch.push(dir);
                    path
                }
            };
            let opened = builder.preopened_dir(&path, &mount.guest, mount.perms);
            opened.map_err(|cause| failed(&path, format!("{cause:#}")))?;
        }
        Ok((builder.build(), scratch))
    }
}

/// Those of `requests` that `granted` does not cover.
pub(crate) fn refused(requests: Vec<Request>, granted: &Granted) -> Vec<Request> {
    let covered = |request: &Request| match request {
        Request::Dir { module, asked, .. } => {
            let given = granted.dirs.get(&(module.clone(), asked.ask.clone()));
            given.is_some_and(|(_, widest)| asked.mode <= *widest)
        }
        Request::Env { module, variable, .. } => granted.variables.contains(&(module.clone(), variable.clone())),
    };
    requests.into_iter().filter(|request| !covered(request)).collect()
}

fn mount(module: &str, guest: &str, dir: &Dir, volumes: Option<&Path>) -> Result<Mount, StartError> {
    let (place, mode) = match dir {
        Dir::Temp => (Place::Scratch, Mode::ReadWrite),
        Dir::Host { path, mode, create } => (Place::Dir(existing(module, guest, path, *create)?), *mode),
        Dir::Volume { name, mode } => {
            let Some(volumes) = volumes else {
                return Err(StartError::NoVolumes { module: module.to_owned(), volume: name.clone() });
            };
            check_name(name).map_err(|cause| failure(module, guest, Path::new(name), cause.to_string()))?;
            (Place::Dir(existing(module, guest, &volumes.join(name), true)?), *mode)
        }
    };
    let perms = match mode {
        Mode::ReadOnly => FsPerms::ReadOnly,
        Mode::ReadWrite => FsPerms::ReadWrite,
    };
    Ok(Mount { guest: guest.to_owned(), place, perms })
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
