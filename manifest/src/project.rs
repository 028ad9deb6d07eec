//! Projects: several services that are built, tested and deployed together.
//!
//! A `Marine.toml` with `[project]` lists the directories of its services; each of them holds a `Marine.toml` of its own.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::error::{Code, ManifestErrors};
use crate::manifest::{FILE_NAME, read_bounded};
use crate::table::{Report, Table};

/// The most services of one project.
const MAX_MEMBERS: usize = 256;

const ONE_OF_BOTH: &str = "one file holds one service or one project; give the service a directory of its own";

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The file.
    pub path: PathBuf,
    /// The manifests of its services, in the order of `members`; those of one pattern by name.
    pub members: Vec<PathBuf>,
}

impl Project {
    /// The project that the file at `path` describes; `None` if it describes a service, or cannot be read at all (which reading it as
    /// a manifest will report).
    ///
    /// # Errors
    /// All mistakes of the file at once; a member without a `Marine.toml` is one.
    pub fn read(path: impl AsRef<Path>) -> Result<Option<Project>, ManifestErrors> {
        let path = path.as_ref();
        let Ok(text) = read_bounded(path) else { return Ok(None) };
        let (table, errors) = DeTable::parse_recoverable(&text);
        if !errors.is_empty() || !table.get_ref().contains_key("project") {
            return Ok(None);
        }
        let report = Report::new(&text);
        let dir = path.parent().unwrap_or(Path::new("."));
        let members = members(Table::new(&report, String::new(), table), dir);
        report.finish(path.to_path_buf(), Some(Project { path: path.to_path_buf(), members })).map(Some)
    }
}

fn members(mut top: Table<'_, '_>, dir: &Path) -> Vec<PathBuf> {
    top.take("manifest");
    if let Some(aqua) = top.take("aqua") {
        crate::aqua::rules(aqua, dir);
    }
    let project = top.take("project").and_then(|entry| entry.table("a table `[project]`"));
    top.finish(&["service", "module", "limits"].map(|key| (key, ONE_OF_BOTH)));
    let Some(mut project) = project else { return Vec::new() };
    let mut found: Vec<PathBuf> = Vec::new();
    match project.take("members") {
        None => project.missing("members", "list directories: `members = [\"services/*\"]`"),
        Some(entry) => {
            for pattern in entry.items("an array of directories") {
                let Some(text) = pattern.text("a directory") else { continue };
                let manifests = expand(dir, &text);
                if manifests.is_empty() {
                    let what = if text.contains('*') { "matches no directory with" } else { "is no directory with" };
                    let help = "`marine add service NAME` makes one".to_owned();
                    pattern.wrong(Code::BadValue, format!("\"{text}\" {what} a {FILE_NAME}"), Some(help));
                }
                for manifest in manifests {
                    if !found.contains(&manifest) && found.len() < MAX_MEMBERS {
                        found.push(manifest);
                    }
                }
            }
        }
    }
    project.finish(&[]);
    found
}

/// Manifests in the directories that `pattern` names; a `*` stands for any one directory, at the end only.
fn expand(dir: &Path, pattern: &str) -> Vec<PathBuf> {
    let manifest = |dir: PathBuf| Some(dir.join(FILE_NAME)).filter(|path| path.is_file());
    let pattern = pattern.trim_end_matches('/');
    let Some(parent) = pattern.strip_suffix('*').filter(|parent| parent.is_empty() || parent.ends_with('/')) else {
        return manifest(dir.join(pattern)).into_iter().collect();
    };
    let entries = std::fs::read_dir(dir.join(parent)).into_iter().flatten().flatten();
    let mut manifests: Vec<PathBuf> = entries.filter_map(|entry| manifest(entry.path())).collect();
    manifests.sort();
    manifests
}

/// Whether `pattern` of a project covers the directory `member`.
pub(crate) fn covers(pattern: &str, member: &str) -> bool {
    let member = member.trim_end_matches('/');
    match pattern.trim_end_matches('/').strip_suffix('*') {
        Some(parent) => member.strip_prefix(parent).is_some_and(|rest| !rest.is_empty() && !rest.contains('/')),
        None => pattern.trim_end_matches('/') == member,
    }
}
