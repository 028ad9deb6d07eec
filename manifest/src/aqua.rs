//! `[aqua]`: where Aqua programs find what they import.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::error::{Code, ManifestErrors};
use crate::manifest::read_bounded;
use crate::table::{Entry, Report, Table};

/// The most rules of one file.
const MAX_RULES: usize = 1024;

/// A rule of `[aqua.imports]`: imports that begin with `import`, in files whose path begins with `from`, are looked for in `folders`.
///
/// ```toml
/// [aqua.imports]
/// "src/" = { "@shop/" = ["vendor/shop"], "" = ["lib"] }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AquaImport {
    /// Prefix of the importing file's path, which starts from the manifest's directory.
    pub from: String,
    /// Prefix of the imported path.
    pub import: String,
    /// Where to look, in order; joined to the manifest's directory.
    pub folders: Vec<PathBuf>,
}

impl AquaImport {
    /// The rules of the file at `path`, which may describe a service, a project, or nothing but these; none if the file is no TOML,
    /// which reading it as a manifest will report.
    ///
    /// # Errors
    /// All mistakes of the table at once, or the one that kept the file from being read.
    pub fn read(path: impl AsRef<Path>) -> Result<Vec<AquaImport>, ManifestErrors> {
        let path = path.as_ref();
        let text = read_bounded(path).map_err(|cause| ManifestErrors::unreadable(path, &cause))?;
        let (table, errors) = DeTable::parse_recoverable(&text);
        if !errors.is_empty() {
            return Ok(Vec::new());
        }
        let report = Report::new(&text);
        let mut top = Table::new(&report, String::new(), table);
        let rules = top.take("aqua").map(|entry| rules(entry, path.parent().unwrap_or(Path::new(""))));
        report.finish(path.to_path_buf(), Some(rules.unwrap_or_default()))
    }
}

/// Reads the table `[aqua]`.
pub(crate) fn rules(entry: Entry<'_, '_>, dir: &Path) -> Vec<AquaImport> {
    let Some(mut aqua) = entry.table("a table `[aqua]`") else { return Vec::new() };
    let mut rules = Vec::new();
    let sources = aqua.take("imports").and_then(|imports| imports.table("a table `[aqua.imports]`"));
    for source in sources.into_iter().flat_map(Table::take_all) {
        let from = source.name.clone();
        let targets = source.table("a table of import prefixes: `{ \"\" = [\"lib\"] }`");
        for target in targets.into_iter().flat_map(Table::take_all) {
            if rules.len() == MAX_RULES {
                target.wrong_key(Code::BadValue, format!("there are more than {MAX_RULES} rules"), None);
                return rules;
            }
            let folders = target.texts("a list of directories: `[\"lib\"]`").into_iter().map(|folder| dir.join(folder));
            rules.push(AquaImport { from: from.clone(), import: target.name.clone(), folders: folders.collect() });
        }
    }
    aqua.finish(&[]);
    rules
}
