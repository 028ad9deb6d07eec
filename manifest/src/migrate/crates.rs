//! Cargo packages near a configuration whose targets are modules.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::names::kebab_of;

/// The names under which packages of the predecessor and of this SDK depend on a guest library.
pub(super) const GUEST_LIBRARIES: [&str; 3] = ["marine-rs-sdk", "marine-sdk", "fluence"];
/// How deep packages are looked for, and how many directories are looked into.
const DEPTH: usize = 4;
const DIRECTORIES: usize = 2_000;
/// The largest `Cargo.toml` that is read, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// Targets by their kebab-case names.
#[derive(Debug, Default)]
pub(super) struct Crates(BTreeMap<String, Found>);

/// A package with a target of the wanted name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The package's directory, relative, with `/` between its parts.
    pub(super) path: String,
    /// The target, where the package has several.
    pub(super) target: Option<String>,
}

impl Crates {
    /// Looks through `dir` and what lies below it.
    pub(super) fn below(dir: &Path) -> Crates {
        let mut crates = Crates::default();
        let mut left = vec![(PathBuf::new(), 0)];
        let mut seen = 0;
        while let Some((relative, depth)) = left.pop() {
            seen += 1;
            if seen > DIRECTORIES {
                break;
            }
            let here = dir.join(&relative);
            crates.add(&here.join("Cargo.toml"), &relative);
            if depth < DEPTH {
                left.extend(subdirectories(&here).into_iter().map(|name| (relative.join(name), depth + 1)));
            }
        }
        crates
    }

    /// The package whose target is called like the module `name`.
    pub(super) fn find(&self, name: &str) -> Option<&Found> {
        self.0.get(&kebab_of(name))
    }

    fn add(&mut self, cargo_toml: &Path, relative: &Path) {
        let small = fs::metadata(cargo_toml).is_ok_and(|about| about.len() <= MAX_BYTES);
        let Some(table) = small.then(|| fs::read_to_string(cargo_toml).ok()?.parse::<toml::Table>().ok()).flatten()
        else {
            return;
        };
        let uses_sdk = GUEST_LIBRARIES.iter().any(|library| {
            table.get("dependencies").and_then(toml::Value::as_table).is_some_and(|list| list.contains_key(*library))
        });
        let Some(package) = name_of(table.get("package")).filter(|_| uses_sdk) else { return };
        let binaries = table.get("bin").and_then(toml::Value::as_array);
        let binaries: Vec<String> = binaries.into_iter().flatten().filter_map(|bin| name_of(Some(bin))).collect();
        let parts = relative.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
        let path = parts.collect::<Vec<_>>().join("/");
        let path = if path.is_empty() { ".".to_owned() } else { path };
        for binary in &binaries {
            let target = (binaries.len() > 1).then(|| binary.clone());
            self.0.entry(kebab_of(binary)).or_insert(Found { path: path.clone(), target });
        }
        if binaries.is_empty() {
            let target = name_of(table.get("lib")).unwrap_or(package);
            self.0.entry(kebab_of(&target)).or_insert(Found { path, target: None });
        }
    }
}

fn name_of(table: Option<&toml::Value>) -> Option<String> {
    Some(table?.get("name")?.as_str()?.to_owned())
}

/// Names of the directories in `dir` that may hold packages, in order.
fn subdirectories(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut names: Vec<String> = directories
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && name != "target" && name != "node_modules")
        .collect();
    names.sort_unstable();
    names
}
