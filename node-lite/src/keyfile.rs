//! A key on disk: one line with the base64 of the 32-byte Ed25519 seed, readable by its owner only.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use marine_particle::Keypair;

/// A key file could not be read or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("cannot {action} key file `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Others could read the secret.
    #[error("key file `{}` can be read by others (mode {mode:o}): run `chmod 600` on it, and make a new key if it may have leaked", path.display())]
    Readable {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The content is no key.
    #[error("key file `{}` does not hold the base64 or base58 of a 32-byte seed or a 64-byte pair", path.display())]
    Content {
        /// The file.
        path: PathBuf,
    },
    /// The system gives no randomness.
    #[error("cannot make a key: {0}")]
    Random(String),
}

/// Makes a new random key.
///
/// # Errors
/// [`KeyError::Random`] if the system gives no randomness.
pub fn generate() -> Result<Keypair, KeyError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| KeyError::Random(e.to_string()))?;
    Ok(Keypair::from_seed(&seed))
}

/// Reads the key in `path`.
///
/// # Errors
/// See [`KeyError`]; a file that others can read is refused.
pub fn load(path: &Path) -> Result<Keypair, KeyError> {
    check_mode(path)?;
    let text = fs::read_to_string(path).map_err(io("read", path))?;
    let seed = decode(text.trim()).ok_or_else(|| KeyError::Content { path: path.to_owned() })?;
    Ok(Keypair::from_seed(&seed))
}

/// Reads the key in `path`, or makes a new one there if the file does not exist.
///
/// # Errors
/// See [`KeyError`].
pub fn load_or_create(path: &Path) -> Result<Keypair, KeyError> {
    if path.exists() {
        return load(path);
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| KeyError::Random(e.to_string()))?;
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(io("make the directory of", path))?;
    }
    let mut file = private_file(path).map_err(io("make", path))?;
    writeln!(file, "{}", STANDARD.encode(seed)).and_then(|()| file.sync_all()).map_err(io("write", path))?;
    Ok(Keypair::from_seed(&seed))
}

/// The seed in base64 or base58; of a 64-byte pair the first half.
fn decode(text: &str) -> Option<[u8; 32]> {
    if text.len() > 128 {
        return None;
    }
    let fits = |bytes: &Vec<u8>| bytes.len() == 32 || bytes.len() == 64;
    let bytes =
        (STANDARD.decode(text).ok().filter(fits)).or_else(|| bs58::decode(text).into_vec().ok().filter(fits))?;
    bytes[..32].try_into().ok()
}

#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_err(io("read", path))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyError::Readable { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn check_mode(_: &Path) -> Result<(), KeyError> {
    Ok(())
}

fn private_file(path: &Path) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> KeyError {
    let path = path.to_owned();
    move |source| KeyError::Io { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_once_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/node.key");
        let made = load_or_create(&path).unwrap();
        assert_eq!(load_or_create(&path).unwrap().peer_id(), made.peer_id());
    }

    #[test]
    fn refuses_garbage() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        private_file(&path).unwrap().write_all(b"hello").unwrap();
        assert!(matches!(load(&path), Err(KeyError::Content { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn refuses_a_file_others_can_read() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        load_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(load(&path), Err(KeyError::Readable { mode: 0o644, .. })));
    }

    #[test]
    fn pairs_and_base58_are_accepted() {
        let seed = [7; 32];
        let pair = [seed, [9; 32]].concat();
        for text in [STANDARD.encode(seed), STANDARD.encode(&pair), bs58::encode(seed).into_string()] {
            assert_eq!(decode(&text), Some(seed), "{text}");
        }
        assert_eq!(decode(&STANDARD.encode([1; 31])), None);
    }
}
