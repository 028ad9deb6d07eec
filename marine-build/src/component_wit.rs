//! The whole interface of a component as WIT text, as other tools print it.

use wasmparser::{Parser, Validator, WasmFeatures};
use wit_component::{DecodedWasm, WitPrinter};

/// The packages that `bytes`, a component, imports from and exports to, and its world.
///
/// # Errors
/// What the bytes are instead.
pub fn component_wit(bytes: &[u8]) -> Result<String, String> {
    if Parser::is_core_wasm(bytes) {
        return Err("a core module has no WIT interface".to_owned());
    }
    // The decoder trusts what it reads, so the validator goes first.
    Validator::new_with_features(WasmFeatures::all())
        .validate_all(bytes)
        .map_err(|cause| format!("not a valid component: {cause}"))?;
    let decoded = wit_component::decode(bytes).map_err(|cause| format!("not a component: {cause:#}"))?;
    let (DecodedWasm::Component(resolve, _) | DecodedWasm::WitPackage(resolve, _)) = &decoded;
    let own = decoded.package();
    let others: Vec<_> = resolve.packages.iter().map(|(id, _)| id).filter(|id| *id != own).collect();
    let mut printer = WitPrinter::default();
    printer.print(resolve, own, &others).map_err(|cause| format!("{cause:#}"))?;
    Ok(printer.output.to_string())
}
