//! Keys of users: which file `--key` means.

use std::path::PathBuf;

use marine_node::keyfile::{self, KeyError};
use marine_particle::Keypair;

use crate::exit::{Exit, Fail, Outcome};
use crate::paths;

/// Where a key lies: what looks like a path is one, anything else is the name of a key in the user's data directory.
pub(crate) fn key_path(key: &str) -> Outcome<PathBuf> {
    if key.contains(['/', '.', std::path::MAIN_SEPARATOR]) {
        return Ok(PathBuf::from(key));
    }
    Ok(paths::data()?.join("keys").join(format!("{key}.key")))
}

/// The key to sign with: the one named, else the user's default one, which is made at its first use.
pub(crate) fn signer(key: Option<&str>) -> Outcome<Keypair> {
    let path = key_path(key.unwrap_or("default"))?;
    let loaded = match key {
        Some(_) => keyfile::load(&path),
        None => keyfile::load_or_create(&path),
    };
    usable(loaded)
}

/// Errors of key files are errors of usage: each says what is wrong with the file and what to do.
pub(crate) fn usable(key: Result<Keypair, KeyError>) -> Outcome<Keypair> {
    key.or_exit(Exit::Usage)
}
