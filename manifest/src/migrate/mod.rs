//! Moving from the predecessor's `Config.toml` to a `Marine.toml`.
//!
//! [`migrate`] keeps the order of modules, carries over what has a counterpart, and lists with its line everything that has none or
//! that the predecessor itself ignored. Where a module's sources lie beside the configuration, its Cargo package is named instead of
//! the component file, because components of the predecessor have to be built again anyway.

mod cargo;
mod crates;
mod read;
mod size;
mod write;

use std::path::Path;

pub use self::cargo::{Dependency, Renamed, rename_dependencies};
use self::crates::Crates;
use crate::error::ManifestErrors;
use crate::manifest::FILE_NAME;

/// How the predecessor's configuration is called.
pub const OLD_FILE_NAME: &str = "Config.toml";

/// A manifest made from a configuration of the predecessor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The text of the `Marine.toml`.
    pub text: String,
    /// What could not be carried over, or was changed on the way; in the order of the lines.
    pub notes: Vec<Note>,
}

/// One thing to know about a migration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// Line of the configuration, from 1; 0 if it concerns the whole.
    pub line: usize,
    /// What it is, a lower-case fragment.
    pub text: String,
}

/// Translates `text`, the configuration that lies at `path`.
///
/// # Errors
/// Where it is not TOML. Everything else that is wrong with it becomes a note.
pub fn migrate(text: &str, path: &Path) -> Result<Migration, ManifestErrors> {
    let (config, mut notes) = read::config(text, path)?;
    let dir = path.parent().unwrap_or(Path::new("."));
    let text = write::manifest(&config, &Crates::below(dir), &mut notes);
    notes.sort();
    Ok(Migration { text, notes })
}

/// Whether the file at `path` is a configuration of the predecessor, which is migrated whenever it is read. What cannot be read is
/// none.
pub fn is_predecessors(path: &Path) -> bool {
    crate::manifest::read_bounded(path).is_ok_and(|text| is_old(&text, path))
}

/// Whether `text`, the content of `path`, is a configuration of the predecessor rather than a manifest: it is not called
/// `Marine.toml`, has none of a manifest's own keys, and one of the predecessor's.
pub(crate) fn is_old(text: &str, path: &Path) -> bool {
    if path.file_name().is_some_and(|name| name == FILE_NAME) {
        return false;
    }
    let Ok(table) = text.parse::<toml::Table>() else {
        return path.file_name().is_some_and(|name| name == OLD_FILE_NAME);
    };
    let has = |keys: &[&str]| keys.iter().any(|key| table.contains_key(*key));
    let modules = table.get("module").and_then(toml::Value::as_array);
    let sourceless = modules.is_some_and(|modules| {
        !modules.iter().any(|module| ["crate", "wasm", "cid"].iter().any(|key| module.get(key).is_some()))
    });
    let own = ["manifest", "service", "limits", "project", "test", "repl"];
    !has(&own) && (has(&["modules_dir", "total_memory_limit", "default"]) || sourceless)
}
