//! Components that were made elsewhere and are listed in a manifest.

use std::fs;
use std::path::Path;

use wasmparser::{Parser, Payload, Validator, WasmFeatures};
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
    if !Parser::is_component(bytes) {
        return Err(instead_of_component(bytes));
    }
    // The decoder trusts what it reads, so the validator goes first.
    Validator::new_with_features(WasmFeatures::all()).validate_all(bytes).map_err(|cause| {
        format!("not a valid component: {cause}\nhelp: build it again; the file may be cut off or damaged")
    })?;
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

/// How the sections begin that tools of the predecessor wrote into their modules.
const PREDECESSOR: [&str; 3] = ["interface-types", "__fluence", "__marine"];

/// What bytes are that are no component, and how to get one.
fn instead_of_component(bytes: &[u8]) -> String {
    const MAKE: &str =
        "help: make one with `wasm-tools component new FILE -o FILE`; modules in Rust are made by `marine build`";
    let text = std::str::from_utf8(&bytes[..bytes.len().min(512)]).ok().map(str::trim_start);
    if bytes.is_empty() {
        return "not a component: the file is empty\nhelp: build it again".to_owned();
    }
    if Parser::is_core_wasm(bytes) {
        if custom_sections(bytes).any(|name| PREDECESSOR.iter().any(|begin| name.contains(begin))) {
            return "not a component, but a module of Marine's predecessor\n\
                    help: build its source again: see `marine migrate --help`"
                .to_owned();
        }
        return format!("a core module is no component\n{MAKE}");
    }
    match text {
        Some(text) if text.starts_with('(') => {
            "not a component, but WebAssembly text\nhelp: translate it with `wasm-tools parse FILE -o FILE`".to_owned()
        }
        Some(text) if text.starts_with("version https://git-lfs") => {
            "not a component, but a pointer of Git LFS\nhelp: fetch the file with `git lfs pull`".to_owned()
        }
        Some(text) if text.starts_with('<') => {
            "not a component, but a web page\nhelp: download the file itself".to_owned()
        }
        _ if bytes.starts_with(&[0x1f, 0x8b]) => "not a component: the file is compressed\nhelp: unpack it".to_owned(),
        _ => {
            let head: Vec<_> = bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
            format!("not a component: it begins with the bytes {}\n{MAKE}", head.join(" "))
        }
    }
}

/// The names of a core module's custom sections, up to where it is damaged.
fn custom_sections(bytes: &[u8]) -> impl Iterator<Item = &str> {
    Parser::new(0).parse_all(bytes).map_while(Result::ok).filter_map(|payload| match payload {
        Payload::CustomSection(section) => Some(section.name()),
        _ => None,
    })
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

#[cfg(test)]
mod tests {
    use super::interface;

    #[test]
    fn what_is_no_component_is_explained() {
        let predecessor =
            wat::parse_str(r#"(module (@custom "interface-types" "x"))"#).expect("it is WebAssembly text");
        let cases = [
            (&b""[..], "the file is empty"),
            (b"\0asm\x01\0\0\0", "a core module is no component"),
            (&predecessor, "a module of Marine's predecessor"),
            (b"\0asm\x0d\0\x01\0\x01", "the file may be cut off"),
            (b"(component)", "WebAssembly text"),
            (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
            (b"<!DOCTYPE html>", "a web page"),
            (b"\x1f\x8b\x08", "unpack it"),
            (b"\x7fELF", "begins with the bytes 7f 45 4c 46"),
        ];
        for (bytes, expected) in cases {
            let error = interface(bytes).expect_err("it is none");
            assert!(error.contains(expected) && error.matches("help: ").count() == 1, "{error}");
        }
    }
}
