//! Finds under which name the crate being compiled depends on the SDK.
//!
//! A procedural macro has no `$crate`. The name is looked up in the package's `Cargo.toml`, and where that inherits its
//! dependencies, in the workspace's: the dependency that says `package = "marine-sdk"`, else `marine_sdk`. Reading the few
//! lines here spares every service a TOML parser at compile time; what it cannot see is said with
//! `#[marine(crate = "..")]`.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

const PACKAGE: &str = "marine-sdk";
const CARGO_TOML: &str = "Cargo.toml";

/// Path of the SDK.
pub(crate) fn find() -> TokenStream {
    let name = std::env::var_os("CARGO_MANIFEST_DIR").and_then(|dir| renamed_in(&PathBuf::from(dir)));
    let name = name.as_deref().unwrap_or(PACKAGE);
    let name = Ident::new(&name.replace('-', "_"), Span::call_site());
    quote!(::#name)
}

/// The name of its own that the package in `dir` gives to the SDK, itself or through its workspace.
fn renamed_in(dir: &Path) -> Option<String> {
    let manifest = fs::read_to_string(dir.join(CARGO_TOML)).ok()?;
    if let Some(name) = renamed(&manifest) {
        return Some(name.to_owned());
    }
    // The workspace's manifest is the package's own or one further up.
    dir.ancestors().find_map(|dir| {
        let workspace = fs::read_to_string(dir.join(CARGO_TOML)).ok()?;
        let name = renamed(&workspace)?;
        inherits(&manifest, name).then(|| name.to_owned())
    })
}

/// Whether `manifest` has the dependency `name` from its workspace.
fn inherits(manifest: &str, name: &str) -> bool {
    let mut table = "";
    manifest.lines().map(str::trim).any(|line| {
        if let Some(header) = line.strip_prefix('[') {
            table = header.trim_end_matches(']');
            return false;
        }
        let Some((key, value)) = line.split_once('=') else { return false };
        let key = key.trim();
        let (key, inherited) = match key.strip_suffix(".workspace") {
            Some(key) => (key, true),
            None => (key, value.contains("workspace")),
        };
        let in_table = table.rsplit_once("dependencies.").is_some_and(|(_, of)| of.trim_matches('"') == name);
        let in_line = inherited && key.trim_matches('"') == name && table.ends_with("dependencies");
        in_line || in_table && key == "workspace"
    })
}

/// The name given to the SDK in `manifest`, if it has one of its own there.
fn renamed(manifest: &str) -> Option<&str> {
    let mut table = "";
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            table = header.trim_end_matches(']');
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let key = key.trim();
        if key == "package" && is_sdk(value) {
            // `[dependencies.name]` with `package = ".."` below.
            return table.rsplit_once("dependencies.").map(|(_, name)| name.trim_matches('"'));
        }
        let inline = value.split_once("package").and_then(|(_, rest)| rest.trim_start().strip_prefix('='));
        if table.ends_with("dependencies") && inline.is_some_and(is_sdk) {
            return Some(key.trim_matches('"'));
        }
    }
    None
}

fn is_sdk(value: &str) -> bool {
    value
        .trim_start()
        .strip_prefix('"')
        .and_then(|value| value.split_once('"'))
        .is_some_and(|(name, _)| name == PACKAGE)
}

#[cfg(test)]
mod tests {
    use super::{inherits, renamed};

    #[test]
    fn finds_what_is_inherited() {
        let cases = [
            ("[dependencies]\nfce.workspace = true", true),
            ("[dependencies]\n\"fce\" = { workspace = true, features = [] }", true),
            ("[dev-dependencies.fce]\nworkspace = true", true),
            ("[dependencies]\nfce = \"1\"", false),
            ("[dependencies]\nfce2.workspace = true", false),
            ("[features]\nfce = [\"workspace\"]", false),
        ];
        for (manifest, expected) in cases {
            assert_eq!(inherits(manifest, "fce"), expected, "{manifest}");
        }
    }

    #[test]
    fn finds_renames() {
        let cases = [
            ("[dependencies]\nmarine-sdk = \"1\"", None),
            ("[package]\nname = \"marine-sdk\"", None),
            ("[dependencies]\nlog = \"1\"\nfce = { package = \"marine-sdk\", version = \"1\" }", Some("fce")),
            ("[dependencies]\nfce = { version = \"1\", package=\"marine-sdk\" }", Some("fce")),
            ("[target.'cfg(unix)'.dependencies.my-sdk]\nversion = \"1\"\npackage = \"marine-sdk\"", Some("my-sdk")),
            ("[dependencies]\nfce = { package = \"marine-sdk-x\" }", None),
        ];
        for (manifest, expected) in cases {
            assert_eq!(renamed(manifest), expected, "{manifest}");
        }
    }
}
