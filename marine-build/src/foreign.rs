//! Components that were made elsewhere and are listed in a manifest.

use std::fs;
use std::path::Path;

use wasmparser::{Parser, Validator, WasmFeatures};
use wit_component::{DecodedWasm, WitPrinter};
use wit_parser::{Resolve, WorldItem};

/// The largest component that is read, in bytes.
const MAX_COMPONENT: u64 = 64 * 1024 * 1024;

/// The bytes of a component file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |cause: std::io::Error| format!("cannot read {}: {cause}", path.display());
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > MAX_COMPONENT {
        return Err(format!("{} has {size} bytes, a module at most {MAX_COMPONENT}", path.display()));
    }
    fs::read(path).map_err(failed)
}

/// The WIT text of the interfaces that a component exports.
pub(crate) fn interface(bytes: &[u8]) -> Result<String, String> {
    if Parser::is_core_wasm(bytes) {
        return Err("a core module is no component; make one with `wasm-tools component new`".to_owned());
    }
    // The decoder trusts what it reads, so the validator goes first.
    Validator::new_with_features(WasmFeatures::all())
        .validate_all(bytes)
        .map_err(|cause| format!("not a valid component: {cause}"))?;
    match wit_component::decode(bytes) {
        Ok(DecodedWasm::Component(resolve, world)) => {
            let mut text = String::new();
            for item in resolve.worlds[world].exports.values() {
                if let WorldItem::Interface { id, .. } = item {
                    text.push_str(&printed(&resolve, *id).map_err(|cause| format!("{cause:#}"))?);
                }
            }
            Ok(text)
        }
        Ok(DecodedWasm::WitPackage(..)) => Err("it holds WIT only, no code".to_owned()),
        Err(cause) => Err(format!("not a component: {cause:#}")),
    }
}

fn printed(resolve: &Resolve, id: wit_parser::InterfaceId) -> Result<String, Box<dyn std::error::Error>> {
    let interface = &resolve.interfaces[id];
    let mut printer = WitPrinter::default();
    let name = interface.name.clone().unwrap_or_default();
    printer.print_interface_outer(resolve, id, &name)?;
    let head = printer.output.to_string();
    let mut printer = WitPrinter::default();
    printer.print_interface(resolve, id)?;
    let body: String = printer.output.to_string().lines().map(indented).collect();
    let package = interface.package.map(|package| format!("package {};\n\n", resolve.packages[package].name));
    Ok(format!("{}{head} {{\n{body}}}\n", package.unwrap_or_default()))
}

fn indented(line: &str) -> String {
    if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") }
}
