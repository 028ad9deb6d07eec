//! Renaming dependencies in a `Cargo.toml`, so that sources written for the predecessor's SDK build unchanged.

use std::path::Path;

use toml_edit::{DocumentMut, InlineTable, Item, Table, TomlError, Value};

/// Old crate names and the ones that take their place.
const RENAMES: [(&str, &str); 4] = [
    ("marine-rs-sdk", "marine-sdk"),
    ("fluence", "marine-sdk"),
    ("marine-rs-sdk-test", "marine-test"),
    ("fluence-test", "marine-test"),
];

/// A `Cargo.toml` with its dependencies renamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// The new text; everything else of it is as it was.
    pub text: String,
    /// Each dependency that changed, under the name it keeps, with the package that now stands behind it.
    pub changed: Vec<(String, String)>,
}

/// Puts our packages behind the dependencies on the predecessor's SDK, under the same names: `source` says where a package comes
/// from, a version or (with a checkout) a path.
///
/// # Errors
/// Where `text` is not TOML.
pub fn rename_dependencies(
    text: &str,
    source: impl Fn(&str) -> Dependency,
) -> Result<Renamed, Box<dyn std::error::Error + Send + Sync>> {
    let mut document: DocumentMut = text.parse().map_err(|error: TomlError| error.to_string())?;
    let mut changed = Vec::new();
    rename_in(document.as_table_mut(), &source, &mut changed);
    if let Some(workspace) = document.get_mut("workspace").and_then(Item::as_table_mut) {
        rename_in(workspace, &source, &mut changed);
    }
    if let Some(targets) = document.get_mut("target").and_then(Item::as_table_mut) {
        for (_, target) in targets.iter_mut() {
            target.as_table_mut().into_iter().for_each(|target| rename_in(target, &source, &mut changed));
        }
    }
    Ok(Renamed { text: document.to_string(), changed })
}

/// Where a package comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// A registry's version.
    Version(String),
    /// A directory.
    Path(std::path::PathBuf),
}

impl Dependency {
    fn entry(&self) -> (&'static str, String) {
        match self {
            Dependency::Version(version) => ("version", version.clone()),
            Dependency::Path(path) => ("path", as_text(path)),
        }
    }
}

fn as_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn rename_in(table: &mut Table, source: &impl Fn(&str) -> Dependency, changed: &mut Vec<(String, String)>) {
    for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let Some(list) = table.get_mut(kind).and_then(Item::as_table_like_mut) else { continue };
        for (old, new) in RENAMES {
            let Some(item) = list.get_mut(old) else { continue };
            let inherited = item.get("workspace").is_some();
            let renamed = item.get("package").and_then(Item::as_str) == Some(new);
            if inherited || renamed {
                continue;
            }
            *item = Item::Value(Value::InlineTable(dependency(item, new, &source(new))));
            changed.push((old.to_owned(), new.to_owned()));
        }
    }
}

/// The new entry; of the old one only what does not say where the package comes from, and no feature, since names differ.
fn dependency(old: &Item, package: &str, source: &Dependency) -> InlineTable {
    let mut entry = InlineTable::new();
    entry.insert("package", Value::from(package));
    let (key, text) = source.entry();
    entry.insert(key, Value::from(text));
    if let Some(optional) = old.get("optional").and_then(Item::as_bool) {
        entry.insert("optional", Value::from(optional));
    }
    entry
}
