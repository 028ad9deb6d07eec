//! Finds under which name the crate being compiled depends on the SDK.
//!
//! A procedural macro has no `$crate`. The name is looked up in the package's `Cargo.toml`: the dependency that says
//! `package = "marine-sdk"`, else `marine_sdk`. Reading the few lines here spares every service a TOML parser at
//! compile time; what it cannot see (a rename in the workspace's manifest) is said with `#[marine(crate = "..")]`.

use std::path::Path;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

const PACKAGE: &str = "marine-sdk";

/// Path of the SDK.
pub(crate) fn find() -> TokenStream {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .and_then(|dir| std::fs::read_to_string(Path::new(&dir).join("Cargo.toml")).ok());
    let name = manifest.as_deref().and_then(renamed).unwrap_or(PACKAGE);
    let name = Ident::new(&name.replace('-', "_"), Span::call_site());
    quote!(::#name)
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
    use super::renamed;

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
