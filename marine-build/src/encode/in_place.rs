//! Edits that move no code, so that debug information stays true as it is.
//!
//! Sections are copied, those of imports and exports with new names; a new start function comes after all others. Rewriting the
//! debug information instead would cost ten times all the rest.

use std::ops::Range;

use wasm_encoder::{
    BlockType, CustomSection, EntityType, ExportKind, ExportSection, Function, ImportSection, Instruction, Module,
    RawSection,
};
use wasmparser::{BinaryReader, ExportSectionReader, ExternalKind, ImportSectionReader, Parser, Payload, TypeRef};

use super::EncodeError;
use super::core_module::{Plan, STALE_SECTIONS};
use super::survey::{INITIALIZE, Start};

const FUNCTION_SECTION: u8 = 3;
const CODE_SECTION: u8 = 10;

/// Carries out `plan`; `None` for a module that cannot be edited without moving code, which no current compiler makes.
pub(super) fn edit(core: &[u8], plan: &Plan) -> Result<Option<Vec<u8>>, EncodeError> {
    edited(core, plan).map_err(|cause| EncodeError::NotCore(cause.to_string()))
}

fn edited(core: &[u8], plan: &Plan) -> wasmparser::Result<Option<Vec<u8>>> {
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(core) {
        let payload = payload?;
        let Some((id, range)) = payload.as_section() else { continue };
        let data = &core[range.clone()];
        match (payload, plan.start) {
            (Payload::ImportSection(section), _) => match imports(section, plan)? {
                Some(imports) => drop(module.section(&imports)),
                None => return Ok(None),
            },
            (Payload::ExportSection(section), _) => drop(module.section(&exports(section, plan)?)),
            (Payload::FunctionSection(_), Some(start)) => {
                let Some(data) = appended(core, &range, &leb(start.unit_type))? else { return Ok(None) };
                module.section(&RawSection { id: FUNCTION_SECTION, data: &data });
            }
            (Payload::CodeSectionStart { .. }, Some(start)) => {
                let Some(data) = appended(core, &range, &start_function(start))? else { return Ok(None) };
                module.section(&RawSection { id: CODE_SECTION, data: &data });
            }
            (Payload::CustomSection(section), _) => {
                if !STALE_SECTIONS.contains(&section.name()) {
                    module.section(&CustomSection { name: section.name().into(), data: section.data().into() });
                }
            }
            _ => drop(module.section(&RawSection { id, data })),
        }
    }
    Ok(Some(module.finish()))
}

/// The imports under their new names; `None` if there are others than functions.
fn imports(section: ImportSectionReader<'_>, plan: &Plan) -> wasmparser::Result<Option<ImportSection>> {
    let mut imports = ImportSection::new();
    for import in section.into_imports() {
        let import = import?;
        let TypeRef::Func(ty) = import.ty else { return Ok(None) };
        let renamed = plan.imports.get(&(import.module.to_owned(), import.name.to_owned()));
        let (module, name) = match renamed {
            Some((module, name)) => (module.as_str(), name.as_str()),
            None => (import.module, import.name),
        };
        imports.import(module, name, EntityType::Function(ty));
    }
    Ok(Some(imports))
}

/// The exports that stay, under their new names.
fn exports(section: ExportSectionReader<'_>, plan: &Plan) -> wasmparser::Result<ExportSection> {
    let mut exports = ExportSection::new();
    for export in section {
        let export = export?;
        let kind = match export.kind {
            ExternalKind::Func | ExternalKind::FuncExact => {
                let index = match plan.start {
                    Some(start) if export.name == INITIALIZE => start.next,
                    _ => export.index,
                };
                if let Some(name) = plan.exports.get(export.name) {
                    exports.export(name, ExportKind::Func, index);
                }
                continue;
            }
            ExternalKind::Table => ExportKind::Table,
            ExternalKind::Memory => ExportKind::Memory,
            ExternalKind::Global => ExportKind::Global,
            ExternalKind::Tag => ExportKind::Tag,
        };
        exports.export(export.name, kind, export.index);
    }
    Ok(exports)
}

/// A section that is a vector, with one more item; `None` if its count grows by a byte, which moves everything behind it.
fn appended(core: &[u8], range: &Range<usize>, item: &[u8]) -> wasmparser::Result<Option<Vec<u8>>> {
    let data = &core[range.clone()];
    let mut reader = BinaryReader::new(data, range.start);
    let count = reader.read_var_u32()?;
    let width = data.len() - reader.bytes_remaining();
    let mut count = leb(count.saturating_add(1));
    if count.len() > width {
        return Ok(None);
    }
    // A shorter count is padded to the width of the old one: linkers pad them, too.
    while count.len() < width {
        let last = count.len() - 1;
        count[last] |= 0x80;
        count.push(0);
    }
    Ok(Some([&count, &data[width..], item].concat()))
}

/// `_initialize` as it was, then `main`; a failing `main` fails the instantiation.
fn start_function(start: Start) -> Vec<u8> {
    let mut function = Function::new([]);
    function
        .instruction(&Instruction::Call(start.initialize))
        .instruction(&Instruction::Call(start.main))
        .instruction(&Instruction::If(BlockType::Empty))
        .instruction(&Instruction::Unreachable)
        .instruction(&Instruction::End)
        .instruction(&Instruction::End);
    let mut bytes = Vec::new();
    wasm_encoder::Encode::encode(&function, &mut bytes);
    bytes
}

/// `number` in LEB128.
fn leb(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(5);
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
