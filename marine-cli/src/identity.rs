//! Keys of users: which file `--key` means.

use std::path::{Path, PathBuf};

use marine_node::keyfile::{self, KeyError};
use marine_particle::Keypair;

use crate::exit::{Advise, Exit, Fail, Failure, Outcome};
use crate::paths;

/// Where a key lies: what looks like a path is one, anything else is the name of a key in the user's data directory.
pub(crate) fn key_path(key: &str) -> Outcome<PathBuf> {
    if key.is_empty() {
        return Err(Failure::new(Exit::Usage, "the name of a key is empty").help("give a name, or the path of a file"));
    }
    if key.contains(['/', '.', std::path::MAIN_SEPARATOR]) {
        return Ok(PathBuf::from(key));
    }
    Ok(paths::data()?.join("keys").join(format!("{key}.key")))
}

/// The key to sign with: the one named, else the user's default one, which is made at its first use.
pub(crate) fn signer(key: Option<&str>) -> Outcome<Keypair> {
    let path = key_path(key.unwrap_or("default"))?;
    match key {
        Some(key) => existing(key, &path),
        None => usable(keyfile::load_or_create(&path)),
    }
}

/// The key in `path`, which the user called `key`.
pub(crate) fn existing(key: &str, path: &Path) -> Outcome<Keypair> {
    if path.is_dir() {
        return Err(Failure::new(Exit::Usage, format!("`{}` is a directory, not the file of a key", path.display())));
    }
    let loaded = usable(keyfile::load(path));
    // A file that is there and no good is not to be replaced lightly.
    if path.exists() { loaded } else { loaded.advise(|| format!("`marine key new {key}` makes it")) }
}

/// Errors of key files are errors of usage: each says what is wrong with the file and what to do.
pub(crate) fn usable(key: Result<Keypair, KeyError>) -> Outcome<Keypair> {
    key.or_exit(Exit::Usage)
}
