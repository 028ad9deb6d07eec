//! What a component says of itself: the standard sections that other tools read, and `marine:manifest`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use wasm_encoder::{ComponentNameSection, CustomSection, Encode};

use super::items::{Items, ModuleInfo, Requirement};
use super::shape::fixed_lengths;
use super::{ModuleMeta, names};

/// The section with everything that has no standard place.
pub const MANIFEST_SECTION: &str = "marine:manifest";
/// The version of its content.
pub const SCHEMA: u32 = 1;

/// The content of [`MANIFEST_SECTION`], as JSON with keys in this order. Readers skip keys they do not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are what their names say; empty texts are facts not given")]
pub struct ModuleManifest {
    /// The version of this structure, [`SCHEMA`].
    pub schema: u32,
    pub name: String,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub authors: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub repository: String,
    /// RFC 3339: `SOURCE_DATE_EPOCH`, else the time of the commit if nothing changed since, else that of the build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_time: Option<String>,
    /// Version of marine-sdk.
    #[serde(default)]
    pub sdk: String,
    /// Version of marine-build.
    #[serde(default)]
    pub tool: String,
    #[serde(default)]
    pub rustc: String,
    #[serde(default)]
    pub profile: String,
    /// Where the sources stand in git.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<Git>,
    /// Names of the host programs that the module declares, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub binaries: Vec<String>,
    /// The versions that are accepted of an imported module or interface, as in Cargo.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requires: BTreeMap<String, String>,
    /// Names in Rust that cannot be had back from those in WIT, by function, type, `type.field` and `type.case`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// Lists of fixed length: the path to each (such as `total.lines[]`, `sum()` for the result of `sum`) and the length.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fixed: BTreeMap<String, u32>,
}

/// Where sources stand in git.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Git {
    /// The last commit that touched the package's directory.
    pub commit: String,
    /// Whether the directory holds changes beside it.
    pub dirty: bool,
}

/// Adds all metadata to a component.
pub(super) fn append(component: &mut Vec<u8>, meta: &ModuleMeta, items: &Items) -> Result<(), serde_json::Error> {
    let given = items.info.clone().unwrap_or_default();
    let info = merged(given, &meta.package);
    let manifest = ModuleManifest {
        schema: SCHEMA,
        name: meta.name.clone(),
        version: info.version.clone(),
        authors: info.authors.clone(),
        description: info.description.clone(),
        repository: info.repository.clone(),
        build_time: meta.build_time.map(rfc3339),
        sdk: info.sdk,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        rustc: meta.rustc.clone(),
        profile: meta.profile.clone(),
        git: meta.git.clone(),
        binaries: BTreeSet::from_iter(items.binaries.iter().cloned()).into_iter().collect(),
        requires: requires(items),
        names: names::lost(items),
        fixed: items.exports.iter().flat_map(fixed_lengths).collect(),
    };
    let mut names = ComponentNameSection::new();
    names.component(&meta.name);
    push_section(component, &names.as_custom());
    let standard = [
        ("version", info.version.as_str()),
        ("authors", info.authors.as_str()),
        ("description", info.description.as_str()),
        ("licenses", meta.license.as_str()),
        ("source", info.repository.as_str()),
    ];
    for (name, text) in standard.into_iter().filter(|(_, text)| !text.is_empty()) {
        push_section(component, &CustomSection { name: name.into(), data: Cow::Borrowed(text.as_bytes()) });
    }
    let json = serde_json::to_vec(&manifest)?;
    push_section(component, &CustomSection { name: MANIFEST_SECTION.into(), data: Cow::Owned(json) });
    Ok(())
}

/// Where documentation stands, in the form that WIT tools have for packages. Not under their name: of a section `package-docs` in a
/// component they expect documentation of its world, and refuse the component because of what is not in there.
const DOCS_SECTION: &str = "marine:docs";

/// Adds the documentation of the module's package.
pub(super) fn append_docs(component: &mut Vec<u8>, docs: &[u8]) {
    push_section(component, &CustomSection { name: DOCS_SECTION.into(), data: docs.into() });
}

/// A section of id 0 at the end of the component.
fn push_section(component: &mut Vec<u8>, section: &CustomSection<'_>) {
    component.push(0);
    section.encode(component);
}

/// What is required of each import; several blocks may each require something.
fn requires(items: &Items) -> BTreeMap<String, String> {
    let mut requires: BTreeMap<String, String> = BTreeMap::new();
    for Requirement { source, version } in &items.requirements {
        match requires.get_mut(source) {
            Some(known) if known == version => {}
            Some(known) => *known = format!("{known}, {version}"),
            None => drop(requires.insert(source.clone(), version.clone())),
        }
    }
    requires
}

/// What the module gave, and Cargo's metadata where it gave nothing.
fn merged(given: ModuleInfo, package: &ModuleInfo) -> ModuleInfo {
    let or = |given: String, other: &str| if given.is_empty() { other.to_owned() } else { given };
    ModuleInfo {
        name: or(given.name, &package.name),
        version: or(given.version, &package.version),
        authors: or(given.authors, &package.authors),
        description: or(given.description, &package.description),
        repository: or(given.repository, &package.repository),
        sdk: or(given.sdk, &package.sdk),
    }
}

/// Seconds since 1970 as `2026-11-20T19:30:00Z`.
fn rfc3339(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days counted in eras of 400 years that start on 1 March of year 0, so that leap days come last.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn times() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_164_799, "2024-02-28T23:59:59Z"),
            (1_795_203_000, "2026-11-20T19:30:00Z"),
            (4_102_444_800, "2100-01-01T00:00:00Z"),
        ];
        for (seconds, text) in cases {
            assert_eq!(rfc3339(seconds), text);
        }
    }
}
