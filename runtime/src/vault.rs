//! The vault of a particle: files by which the services that it calls on one peer pass data to each other.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use marine_manifest::Dir as Grant;

use crate::engine::lock;
use crate::params::ParticleParameters;
use crate::quota::{Quota, Total};
use crate::tree::remove_tree;

/// The vaults that a host keeps, each in a directory of its own; together they have a bound.
#[derive(Debug)]
pub struct Vaults {
    dir: PathBuf,
    total: Total,
    /// By the name of the directory.
    quotas: Mutex<HashMap<String, Quota>>,
}

/// The vault of one particle. Clones share it.
///
/// A module that is granted `vault = true` sees a directory of the host at `/tmp/vault`, and in it the files of the particle whose call it
/// serves in `<particle id>-<token>`: see [`CallOptions::vault`](crate::CallOptions::vault).
#[derive(Clone, Debug)]
pub struct Vault(Arc<Place>);

#[derive(Debug)]
struct Place {
    /// What guests see; nothing else is in it.
    root: PathBuf,
    /// The directory of the files.
    name: String,
    quota: Quota,
}

/// Why a file of a vault cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The path is none of this vault.
    #[error("{path:?} is no file of the particle's vault, which is {vault}")]
    Outside {
        /// The path.
        path: String,
        /// Where guests see the vault.
        vault: String,
    },
    /// The file cannot be used.
    #[error("{path}: {cause}")]
    File {
        /// Its path as guests see it.
        path: String,
        /// Why.
        cause: io::Error,
    },
    /// The file is larger than the reader takes.
    #[error("{path} has more than {limit} bytes")]
    TooLarge {
        /// Its path as guests see it.
        path: String,
        /// How much is taken, in bytes.
        limit: u64,
    },
    /// The vault is full, or all vaults of the host together are.
    #[error("the particle's vault is full (it may hold {} MiB), or all vaults here are", Vault::QUOTA >> 20)]
    Full,
}

impl Vaults {
    /// Vaults in the directory `dir`, which is made when it is needed and belongs to them alone; together they may hold `limit` bytes, as
    /// [`Vault::QUOTA`] counts.
    pub fn new(dir: impl Into<PathBuf>, limit: u64) -> Vaults {
        Vaults { dir: dir.into(), total: Total::new(limit), quotas: Mutex::default() }
    }

    /// Removes what an earlier process left in the directory, but for the vaults whose names are to be kept. Call it before the first
    /// [`Vaults::open`].
    ///
    /// # Errors
    /// The directory cannot be read, or something of it not removed; the rest is.
    pub fn retain(&self, keep: impl Fn(&str) -> bool) -> io::Result<()> {
        let entries = match fs::read_dir(&self.dir) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        let mut failed = Ok(());
        for entry in entries {
            let entry = entry?;
            match entry.file_name().to_str().filter(|name| keep(name)) {
                Some(name) => drop(self.quota(name)),
                None => failed = remove_tree(&entry.path()).and(failed),
            }
        }
        failed
    }

    /// The vault of `particle`, in the directory `name`; made if it is not there.
    ///
    /// # Errors
    /// The directories cannot be made; the name is empty, `.` or `..`.
    pub fn open(&self, name: &str, particle: &ParticleParameters) -> io::Result<Vault> {
        let name = plain(name)?;
        let root = self.dir.join(&name);
        // What these lie in is not made again once it is gone.
        for dir in [&self.dir, &root] {
            unless_there(fs::create_dir(dir))?;
        }
        let files = plain(&format!("{}-{}", particle.id, particle.token))?;
        // Guests may have put anything in its place: it is not left by a link.
        unless_there(Dir::open_ambient_dir(&root, ambient_authority())?.create_dir(&files))?;
        Ok(Vault(Arc::new(Place { root, name: files, quota: self.quota(&name) })))
    }

    /// Removes the vault in the directory `name`, if there is one.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let name = plain(name)?;
        remove_tree(&self.dir.join(&name))?;
        let known = lock(&self.quotas).remove(&name);
        if let Some(quota) = known {
            // Instances that served the particle last may still hold it.
            quota.clear();
        }
        Ok(())
    }

    fn quota(&self, name: &str) -> Quota {
        let new = || Quota::of_total(self.dir.join(name), Vault::QUOTA, &self.total);
        lock(&self.quotas).entry(name.to_owned()).or_insert_with(new).clone()
    }
}

impl Vault {
    /// Bytes that one vault may hold; each entry counts 4 KiB besides its content.
    pub const QUOTA: u64 = 64 << 20;

    /// Where guests see the files.
    pub fn guest_path(&self) -> String {
        format!("{}/{}", Grant::VAULT, self.0.name)
    }

    /// Writes a new file and returns the path at which guests see it.
    ///
    /// # Errors
    /// [`VaultError::Full`] and [`VaultError::File`].
    pub fn put(&self, content: &[u8]) -> Result<String, VaultError> {
        let mut random = [0; 16];
        let failed = |path: &str, cause| VaultError::File { path: path.to_owned(), cause };
        getrandom::fill(&mut random).map_err(|cause| failed("a new name", io::Error::other(cause.to_string())))?;
        let name = format!("{}/{:032x}", self.0.name, u128::from_le_bytes(random));
        let path = format!("{}/{name}", Grant::VAULT);
        let write = || {
            let mut file = self.dir()?.open_with(&name, OpenOptions::new().write(true).create_new(true))?;
            file.write_all(content)
        };
        let written = self.0.quota.charge_file(content.len() as u64, write).map_err(|_| VaultError::Full)?;
        written.map(|()| path.clone()).map_err(|cause| failed(&path, cause))
    }

    /// What the file at `path`, as guests see it, holds, if that is no more than `limit` bytes.
    ///
    /// # Errors
    /// [`VaultError::Outside`], [`VaultError::File`] and [`VaultError::TooLarge`].
    pub fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, VaultError> {
        let within = path.strip_prefix(Grant::VAULT).and_then(|rest| rest.strip_prefix('/'));
        let of = within.filter(|rest| rest.split('/').next() == Some(&self.0.name) && !rest.contains('\0'));
        let Some(name) = of else {
            return Err(VaultError::Outside { path: path.to_owned(), vault: self.guest_path() });
        };
        let mut content = Vec::new();
        let read = self.dir().and_then(|dir| {
            // Of others, opening alone may take for ever.
            if !dir.metadata(name)?.is_file() {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
            }
            dir.open(name)?.take(limit.saturating_add(1)).read_to_end(&mut content)
        });
        read.map_err(|cause| VaultError::File { path: path.to_owned(), cause })?;
        if content.len() as u64 > limit {
            return Err(VaultError::TooLarge { path: path.to_owned(), limit });
        }
        Ok(content)
    }

    /// The directory that guests see.
    pub(crate) fn root(&self) -> &Path {
        &self.0.root
    }

    pub(crate) fn quota(&self) -> &Quota {
        &self.0.quota
    }

    /// Below this nothing leads out, whatever links guests made.
    fn dir(&self) -> io::Result<Dir> {
        Dir::open_ambient_dir(&self.0.root, ambient_authority())
    }
}

impl PartialEq for Vault {
    fn eq(&self, other: &Vault) -> bool {
        (&self.0.root, &self.0.name) == (&other.0.root, &other.0.name) && self.0.quota.is_same(&other.0.quota)
    }
}

/// The name of one directory. Ids and tokens of nodes have no such characters; those of other callers may. Services make the same of their
/// call parameters.
fn plain(name: &str) -> io::Result<String> {
    if ["", ".", ".."].contains(&name) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{name:?} is no name of a vault")));
    }
    Ok(name.replace(['/', '\\', '\0', ':'], "_"))
}

fn unless_there(made: io::Result<()>) -> io::Result<()> {
    made.or_else(|cause| if cause.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(cause) })
}
