//! What a component says of itself: the standard sections that other tools read, and `marine:manifest`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wasm_encoder::{ComponentNameSection, CustomSection, Encode};

use super::items::{Items, ModuleInfo};
use super::shape::fixed_lengths;
use super::{ModuleMeta, docs};

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
    /// RFC 3339, if it is known reproducibly.
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
    /// Lists of fixed length: the path to each (such as `total.lines[]`, `sum()` for the result of `sum`) and the length.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fixed: BTreeMap<String, u32>,
}

/// Adds all metadata to a component.
pub(super) fn append(mut component: Vec<u8>, meta: &ModuleMeta, items: &Items) -> Result<Vec<u8>, serde_json::Error> {
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
        fixed: items.exports.iter().flat_map(fixed_lengths).collect(),
    };
    let mut names = ComponentNameSection::new();
    names.component(&meta.name);
    push_section(&mut component, &names.as_custom());
    let standard = [
        ("version", info.version.as_str()),
        ("authors", info.authors.as_str()),
        ("description", info.description.as_str()),
        ("licenses", meta.license.as_str()),
        ("source", info.repository.as_str()),
    ];
    for (name, text) in standard.into_iter().filter(|(_, text)| !text.is_empty()) {
        push_section(&mut component, &CustomSection { name: name.into(), data: Cow::Borrowed(text.as_bytes()) });
    }
    let json = serde_json::to_vec(&manifest)?;
    push_section(&mut component, &CustomSection { name: MANIFEST_SECTION.into(), data: Cow::Owned(json) });
    if let Some(docs) = docs::section(items)? {
        push_section(&mut component, &CustomSection { name: docs::SECTION.into(), data: Cow::Owned(docs) });
    }
    Ok(component)
}

/// A section of id 0 at the end of the component.
fn push_section(component: &mut Vec<u8>, section: &CustomSection<'_>) {
    component.push(0);
    section.encode(component);
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
