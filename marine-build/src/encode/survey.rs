//! What a core module imports and exports, read once before it is edited.

use std::collections::BTreeMap;

use wasmparser::{ExternalKind, FuncType, Parser, Payload, TypeRef, ValType};

use super::EncodeError;

/// What a component's instantiation runs.
pub(super) const INITIALIZE: &str = "_initialize";
/// Where a binary's `main` begins, as the C library calls it.
pub(super) const MAIN: &str = "__main_void";

/// An import of the core module.
pub(super) struct CoreImport {
    pub(super) module: String,
    pub(super) name: String,
    pub(super) is_function: bool,
}

/// Start-up code that ends with `main`.
#[derive(Clone, Copy)]
pub(super) struct Start {
    /// The function index of [`INITIALIZE`].
    pub(super) initialize: u32,
    /// The function index of [`MAIN`].
    pub(super) main: u32,
    /// The type index of `func()`.
    pub(super) unit_type: u32,
    /// The index that the next function gets.
    pub(super) next: u32,
}

/// The outside of a core module.
#[derive(Default)]
pub(super) struct Survey {
    pub(super) imports: Vec<CoreImport>,
    /// Exported functions with their indexes.
    pub(super) exports: BTreeMap<String, u32>,
    types: Vec<FuncType>,
    /// The type index of every function, imported ones first.
    functions: Vec<u32>,
}

impl Survey {
    pub(super) fn of(core: &[u8]) -> Result<Survey, EncodeError> {
        let mut survey = Survey::default();
        for payload in Parser::new(0).parse_all(core) {
            payload.and_then(|payload| survey.add(payload)).map_err(|cause| EncodeError::NotCore(cause.to_string()))?;
        }
        Ok(survey)
    }

    fn add(&mut self, payload: Payload<'_>) -> wasmparser::Result<()> {
        match payload {
            Payload::TypeSection(section) => {
                self.types = section.into_iter_err_on_gc_types().collect::<Result<_, _>>()?;
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    if let TypeRef::Func(ty) = import.ty {
                        self.functions.push(ty);
                    }
                    self.imports.push(CoreImport {
                        module: import.module.to_owned(),
                        name: import.name.to_owned(),
                        is_function: matches!(import.ty, TypeRef::Func(_)),
                    });
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty?);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind == ExternalKind::Func {
                        self.exports.insert(export.name.to_owned(), export.index);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// How start-up has to end with `main`, if the module is a binary.
    pub(super) fn start(&self) -> Result<Option<Start>, EncodeError> {
        let Some(&main) = self.exports.get(MAIN) else { return Ok(None) };
        let Some(&initialize) = self.exports.get(INITIALIZE) else {
            return Err(EncodeError::Inconsistent(format!("the module has `main`, but no `{INITIALIZE}`")));
        };
        let unit = self.signature(initialize).filter(|(_, ty)| ty.params().is_empty() && ty.results().is_empty());
        let code = self.signature(main).filter(|(_, ty)| ty.params().is_empty() && ty.results() == [ValType::I32]);
        match (unit, code, u32::try_from(self.functions.len())) {
            (Some((unit_type, _)), Some(_), Ok(next)) => Ok(Some(Start { initialize, main, unit_type, next })),
            _ => Err(EncodeError::Inconsistent(format!("`{MAIN}` or `{INITIALIZE}` has an unknown signature"))),
        }
    }

    fn signature(&self, function: u32) -> Option<(u32, &FuncType)> {
        let index = *self.functions.get(function as usize)?;
        Some((index, self.types.get(index as usize)?))
    }
}
