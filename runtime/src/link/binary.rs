//! Edits of a component's bytes before it is composed: host imports get a prefix that names the module, memories get a maximum, types
//! of imports the names that their providers use, and core modules are called after their module, so that a trap's frames tell where
//! it happened.
//!
//! All other sections are copied as they are. The bytes were validated before ([`Module::from_bytes`](crate::Module::from_bytes)).

use std::cell::Cell;
use std::collections::HashMap;

use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{ComponentSection as _, Encode, Section as _};
use wasmparser::{BinaryReader, BinaryReaderError, Chunk, Parser, Payload};

use super::types::TypeNames;
use crate::module::{MAX_NESTING, features};

/// Sections of a component or core module that this file makes or edits.
const CUSTOM: u8 = 0;
/// Subsection of the custom section `name` that holds the module's name.
const MODULE_NAME: u8 = 0;

/// Why a component cannot be edited; a validated one always can.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EditError {
    #[error("malformed component: {0}")]
    Malformed(#[from] BinaryReaderError),
    #[error("an import of an unknown kind")]
    Import,
    #[error("a type of an unknown kind")]
    Types,
    #[error("the component ends too early")]
    Truncated,
    #[error("modules nest deeper than {MAX_NESTING} levels")]
    TooDeep,
}

/// What is done to a component.
pub(crate) struct Edit<'a> {
    /// The name given to its core modules.
    pub(crate) name: &'a str,
    /// The maximum of each of its memories, in pages; `None` leaves it as it is.
    pub(crate) maxima: &'a [Option<u64>],
    /// How many memories were met.
    pub(crate) met: Cell<usize>,
    /// The new name of an import of the outermost component.
    pub(crate) rename: &'a dyn Fn(&str) -> String,
    /// Per import of the outermost component, types of it that get another name.
    pub(crate) types: HashMap<&'a str, &'a [(String, String)]>,
}

impl Edit<'_> {
    /// `component` with the edits made.
    pub(crate) fn apply(&self, component: &[u8]) -> Result<Vec<u8>, EditError> {
        self.component(component, 0)
    }

    fn component(&self, bytes: &[u8], depth: usize) -> Result<Vec<u8>, EditError> {
        if depth >= MAX_NESTING {
            return Err(EditError::TooDeep);
        }
        let mut out = header(bytes)?;
        let mut types = if depth == 0 { TypeNames::find(bytes, &self.types)? } else { TypeNames::default() };
        each_section(bytes, |payload, id, body| {
            match payload {
                Payload::ComponentImportSection(imports) if depth == 0 => {
                    self.imports(imports)?.append_to_component(&mut out)
                }
                Payload::ComponentTypeSection(section) if !types.is_empty() => {
                    types.rename_types(section)?.append_to_component(&mut out)
                }
                Payload::ComponentAliasSection(section) if !types.is_empty() => {
                    types.rename_aliases(section)?.append_to_component(&mut out)
                }
                Payload::ModuleSection { .. } => section(&mut out, id, &self.core_module(body)?),
                Payload::ComponentSection { .. } => section(&mut out, id, &self.component(body, depth + 1)?),
                _ => section(&mut out, id, body),
            }
            Ok(())
        })?;
        Ok(out)
    }

    fn imports(
        &self,
        imports: wasmparser::ComponentImportSectionReader<'_>,
    ) -> Result<wasm_encoder::ComponentImportSection, EditError> {
        let mut section = wasm_encoder::ComponentImportSection::new();
        for import in imports {
            let import = import?;
            let mut name = wasm_encoder::ComponentExternName::from(import.name.name);
            name.name = (self.rename)(import.name.name).into();
            name.implements = import.name.implements.map(Into::into);
            name.version_suffix = import.name.version_suffix.map(Into::into);
            name.external_id = import.name.external_id.map(Into::into);
            section.import(name, type_ref(import.ty)?);
        }
        Ok(section)
    }

    fn core_module(&self, bytes: &[u8]) -> Result<Vec<u8>, EditError> {
        let mut out = header(bytes)?;
        let mut names = Vec::new();
        each_section(bytes, |payload, id, body| {
            match payload {
                Payload::MemorySection(memories) => self.memories(memories)?.append_to(&mut out),
                Payload::CustomSection(custom) if custom.name() == "name" => {
                    if names.is_empty() {
                        names = without_module_name(custom.data());
                    }
                }
                _ => section(&mut out, id, body),
            }
            Ok(())
        })?;
        let mut name = Vec::new();
        self.name.encode(&mut name);
        let mut body = Vec::new();
        "name".encode(&mut body);
        section(&mut body, MODULE_NAME, &name);
        body.extend(names);
        section(&mut out, CUSTOM, &body);
        Ok(out)
    }

    fn memories(
        &self,
        memories: wasmparser::MemorySectionReader<'_>,
    ) -> Result<wasm_encoder::MemorySection, EditError> {
        let mut section = wasm_encoder::MemorySection::new();
        for memory in memories {
            let mut memory = RoundtripReencoder.memory_type(memory?).map_err(|_| EditError::Import)?;
            let index = self.met.replace(self.met.get() + 1);
            if let Some(pages) = self.maxima.get(index).copied().flatten() {
                memory.maximum = Some(pages);
            }
            section.memory(memory);
        }
        Ok(section)
    }
}

fn header(bytes: &[u8]) -> Result<Vec<u8>, EditError> {
    Ok(bytes.get(..8).ok_or(EditError::Truncated)?.to_vec())
}

/// Calls `act` with each section of `bytes`, not those of what is nested in it: payload, id, body.
pub(super) fn each_section<'a>(
    bytes: &'a [u8],
    mut act: impl FnMut(Payload<'a>, u8, &'a [u8]) -> Result<(), EditError>,
) -> Result<(), EditError> {
    let mut parser = Parser::new(0);
    parser.set_features(features());
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).ok_or(EditError::Truncated)?;
        let Chunk::Parsed { consumed, payload } = parser.parse(rest, true)? else { return Err(EditError::Truncated) };
        at += consumed;
        if let Payload::End(_) = payload {
            return Ok(());
        }
        let Some((id, range)) = payload.as_section() else { continue };
        let body = bytes.get(range.clone()).ok_or(EditError::Truncated)?;
        match payload {
            Payload::CodeSectionStart { .. } => parser.skip_section(),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {}
            _ => {
                act(payload, id, body)?;
                continue;
            }
        }
        at = range.end;
        act(payload, id, body)?;
    }
}

fn section(out: &mut Vec<u8>, id: u8, body: &[u8]) {
    out.push(id);
    body.encode(out);
}

fn type_ref(ty: wasmparser::ComponentTypeRef) -> Result<wasm_encoder::ComponentTypeRef, EditError> {
    use wasm_encoder::ComponentTypeRef as To;
    use wasmparser::{ComponentTypeRef as From, TypeBounds};
    Ok(match ty {
        From::Module(index) => To::Module(index),
        From::Func(index) => To::Func(index),
        From::Instance(index) => To::Instance(index),
        From::Component(index) => To::Component(index),
        From::Type(TypeBounds::Eq(index)) => To::Type(wasm_encoder::TypeBounds::Eq(index)),
        From::Type(TypeBounds::SubResource) => To::Type(wasm_encoder::TypeBounds::SubResource),
        From::Value(_) => return Err(EditError::Import),
    })
}

/// The subsections of a `name` section apart from the module's name. Custom sections are not validated: what is damaged is left out.
fn without_module_name(data: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut reader = BinaryReader::new(data, 0);
    while !reader.eof() {
        let Ok(id) = reader.read_u8() else { break };
        let Ok(body) = reader.read_var_u32().and_then(|size| reader.read_bytes(size as usize)) else { break };
        if id != MODULE_NAME {
            section(&mut kept, id, body);
        }
    }
    kept
}
