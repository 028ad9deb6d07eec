//! What one module may reach beyond WASI: programs, hosts, stores. Found out once, when a service is built.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::http::LazyClient;
use marine_manifest::{BinaryGrant, HostGrant, KvGrant, Mode};

/// What one module may reach.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    pub(crate) programs: BTreeMap<String, Program>,
    pub(crate) hosts: BTreeSet<HostGrant>,
    pub(crate) stores: BTreeMap<String, KvGrant>,
    pub(super) client: LazyClient,
}

impl Reach {
    pub(crate) fn new(
        programs: BTreeMap<String, Program>,
        hosts: BTreeSet<HostGrant>,
        stores: BTreeMap<String, KvGrant>,
    ) -> Reach {
        Reach { programs, hosts, stores, client: LazyClient::default() }
    }
}

/// A granted program that was found.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) grant: BinaryGrant,
    /// Where its file lies.
    pub(crate) path: PathBuf,
    /// Its variables.
    pub(crate) env: Vec<(String, String)>,
}

/// A directory that one instance of a module sees.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Where the module sees it.
    pub(crate) guest: String,
    /// Where it lies.
    pub(crate) path: PathBuf,
    pub(crate) mode: Mode,
}

/// Finds the program that a grant names: an absolute path, or a bare name in `PATH`.
///
/// # Errors
/// Why it cannot be run.
pub(crate) fn find_program(named: &str) -> Result<PathBuf, String> {
    if named.contains('/') {
        let path = PathBuf::from(named);
        if !path.is_absolute() {
            return Err("the path of a program is absolute, or a bare name that is looked up".to_owned());
        }
        return check_program(&path).map(|()| path);
    }
    let directories = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&directories).map(|dir| dir.join(named)).find(|path| check_program(path).is_ok());
    found.filter(|path| path.is_absolute()).ok_or_else(|| "no program of that name is in PATH".to_owned())
}

fn check_program(path: &std::path::Path) -> Result<(), String> {
    match std::fs::metadata(path) {
        Ok(about) if !about.is_file() => Err("it is not a file".to_owned()),
        Ok(about) if !is_executable(&about) => Err("it is not executable".to_owned()),
        Ok(_) => Ok(()),
        Err(cause) => Err(cause.to_string()),
    }
}

#[cfg(unix)]
fn is_executable(about: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    about.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    true
}
