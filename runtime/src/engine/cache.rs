//! Compiled code on disk. An entry is used only if its tag, a hash keyed with a secret of this user, matches all of its bytes: damaged
//! entries, and entries that somebody else made, count as absent.

use std::fs::{self, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// First bytes of an entry.
const MAGIC: &[u8; 16] = b"marine code v1\r\n";
/// Bytes before the code: magic and tag.
const HEADER: usize = MAGIC.len() + blake3::OUT_LEN;
/// The largest entry that is read, in bytes.
const MAX_ENTRY: u64 = 1024 * 1024 * 1024;
/// How many bytes of entries are kept; the least recently used go first.
const MAX_TOTAL: u64 = 2 * 1024 * 1024 * 1024;
/// The file that holds the secret.
const SECRET_FILE: &str = "key";

/// Names compiled code: a hash of everything that it depends on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Key(blake3::Hash);

/// Gathers what a [`Key`] is made of.
pub(crate) struct KeyBuilder(blake3::Hasher);

impl Key {
    /// Starts with what code depends on beside its source: the engine's version and settings, and the processor.
    pub(crate) fn builder(engine: &wasmtime::Engine) -> KeyBuilder {
        let mut builder = KeyBuilder(blake3::Hasher::new_derive_key("marine-runtime code cache 1"));
        engine.precompile_compatibility_hash().hash(&mut builder);
        builder.part(env!("CARGO_PKG_VERSION").as_bytes())
    }
}

impl KeyBuilder {
    /// Adds a part; its length counts too.
    pub(crate) fn part(mut self, bytes: &[u8]) -> KeyBuilder {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    pub(crate) fn finish(self) -> Key {
        Key(self.0.finalize())
    }
}

impl Hasher for KeyBuilder {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.finalize().as_bytes().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }
}

/// Code whose tag matched.
pub(crate) struct TrustedCode {
    entry: Vec<u8>,
}

impl TrustedCode {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.entry.get(HEADER..).unwrap_or_default()
    }
}

/// A directory of compiled code.
#[derive(Debug)]
pub(crate) struct CodeCache {
    dir: PathBuf,
    secret: Secret,
}

impl CodeCache {
    /// Opens the cache in `dir`, making directory and secret if there are none.
    pub(crate) fn open(dir: &Path) -> io::Result<CodeCache> {
        fs::create_dir_all(dir)?;
        Ok(CodeCache { secret: Secret::open(dir)?, dir: dir.to_path_buf() })
    }

    /// The code called `key`, if there is an entry and it is ours.
    pub(crate) fn load(&self, key: &Key) -> Option<TrustedCode> {
        let path = self.path(key);
        let entry = read_bounded(&path, MAX_ENTRY).ok()?;
        let Some(code) = self.verified(key, entry) else {
            tracing::warn!(path = %path.display(), "ignoring a damaged or foreign file in the code cache");
            return None;
        };
        // Remembers the use, for eviction; a failure only makes the entry look older.
        let _ = File::options().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(code)
    }

    /// Keeps `code` under `key`: written aside, then moved into place.
    pub(crate) fn store(&self, key: &Key, code: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.dir)?;
        file.write_all(MAGIC)?;
        file.write_all(self.tag(key, code).as_bytes())?;
        file.write_all(code)?;
        file.persist(self.path(key)).map_err(|failed| failed.error)?;
        self.evict();
        Ok(())
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.dir.join(format!("{}.code", key.0.to_hex()))
    }

    fn tag(&self, key: &Key, code: &[u8]) -> blake3::Hash {
        blake3::Hasher::new_keyed(&self.secret.0).update(key.0.as_bytes()).update(code).finalize()
    }

    fn verified(&self, key: &Key, entry: Vec<u8>) -> Option<TrustedCode> {
        let tag: [u8; blake3::OUT_LEN] = entry.strip_prefix(MAGIC)?.get(..blake3::OUT_LEN)?.try_into().ok()?;
        // Comparing hashes of this type takes the same time wherever they differ.
        let ours = self.tag(key, entry.get(HEADER..)?) == blake3::Hash::from_bytes(tag);
        ours.then_some(TrustedCode { entry })
    }

    /// Removes the least recently used entries beyond the bound. What cannot be removed stays: the cache is a convenience.
    fn evict(&self) {
        let Ok(listing) = fs::read_dir(&self.dir) else { return };
        // What a crash left half-written counts too, else it would stay for ever.
        let ours = |name: &str| name.ends_with(".code") || name.starts_with(".new-");
        let entries = listing.flatten().filter(|entry| entry.file_name().to_str().is_some_and(ours));
        let mut known: Vec<(SystemTime, u64, PathBuf)> = entries
            .filter_map(|entry| {
                let about = entry.metadata().ok()?;
                Some((about.modified().ok()?, about.len(), entry.path()))
            })
            .collect();
        let mut total: u64 = known.iter().map(|(_, size, _)| size).sum();
        known.sort();
        for (_, size, path) in known {
            if total <= MAX_TOTAL {
                return;
            }
            if fs::remove_file(path).is_ok() {
                total -= size;
            }
        }
    }
}

/// The key of the tags; it never leaves this machine.
struct Secret([u8; 32]);

impl Secret {
    fn open(dir: &Path) -> io::Result<Secret> {
        let path = dir.join(SECRET_FILE);
        if let Some(secret) = Secret::read(&path) {
            return Ok(secret);
        }
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|cause| io::Error::other(cause.to_string()))?;
        // Temporary files are made with mode 0600.
        let mut file = tempfile::Builder::new().prefix(".key-").tempfile_in(dir)?;
        file.write_all(&bytes)?;
        match file.persist_noclobber(&path) {
            Ok(_) => return Ok(Secret(bytes)),
            Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => {
                // Another process was faster, or the file is unusable; then it is replaced, and with it every entry is void.
                if let Some(secret) = Secret::read(&path) {
                    return Ok(secret);
                }
                failed.file.persist(&path).map_err(|failed| failed.error)?;
            }
            Err(failed) => return Err(failed.error),
        }
        Ok(Secret(bytes))
    }

    /// The secret at `path`, if the file has the right size and is nobody else's to read or write.
    fn read(path: &Path) -> Option<Secret> {
        let file = OpenOptions::new().read(true).open(path).ok()?;
        if !is_private(&file.metadata().ok()?) {
            return None;
        }
        let mut bytes = Vec::new();
        file.take(33).read_to_end(&mut bytes).ok()?;
        Some(Secret(bytes.try_into().ok()?))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("Secret(..)")
    }
}

#[cfg(unix)]
fn is_private(about: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    about.mode() & 0o077 == 0
}

#[cfg(not(unix))]
fn is_private(_: &fs::Metadata) -> bool {
    true
}

fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    if size > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("{size} bytes, at most {limit}")));
    }
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(of: &[u8]) -> Key {
        Key(blake3::hash(of))
    }

    fn loaded(cache: &CodeCache, name: &[u8]) -> Option<Vec<u8>> {
        cache.load(&key(name)).map(|code| code.bytes().to_vec())
    }

    #[test]
    fn only_what_was_stored_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let cache = CodeCache::open(dir.path()).unwrap();
        cache.store(&key(b"a"), b"machine code").unwrap();
        assert_eq!(loaded(&cache, b"a").as_deref(), Some(&b"machine code"[..]));
        assert_eq!(loaded(&CodeCache::open(dir.path()).unwrap(), b"a").as_deref(), Some(&b"machine code"[..]));
        assert_eq!(loaded(&cache, b"b"), None);

        // An entry under another name, or made with another secret, is foreign.
        fs::copy(cache.path(&key(b"a")), cache.path(&key(b"b"))).unwrap();
        assert_eq!(loaded(&cache, b"b"), None);
        fs::remove_file(dir.path().join(SECRET_FILE)).unwrap();
        assert_eq!(loaded(&CodeCache::open(dir.path()).unwrap(), b"a"), None);
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let cache = CodeCache::open(dir.path()).unwrap();
        cache.store(&key(b"a"), b"code").unwrap();
        let path = cache.path(&key(b"a"));
        let good = fs::read(&path).unwrap();
        for index in 0..good.len() {
            let mut bad = good.clone();
            bad[index] ^= 1;
            fs::write(&path, bad).unwrap();
            assert_eq!(loaded(&cache, b"a"), None, "byte {index}");
        }
        for length in 0..good.len() {
            fs::write(&path, &good[..length]).unwrap();
            assert_eq!(loaded(&cache, b"a"), None, "cut to {length}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn files_are_private_and_an_open_secret_is_replaced() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let cache = CodeCache::open(dir.path()).unwrap();
        cache.store(&key(b"a"), b"code").unwrap();
        for entry in fs::read_dir(dir.path()).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        let secret = dir.path().join(SECRET_FILE);
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
        let again = CodeCache::open(dir.path()).unwrap();
        assert_eq!(loaded(&again, b"a"), None);
        assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
