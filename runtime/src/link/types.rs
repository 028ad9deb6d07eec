//! Other names for the types of an import. Two modules may call one record differently; the composer compares names, so the importer
//! is made to say what the provider says. Within a component a name of an imported type occurs in two places: in the type of the import
//! and in aliases of its exports.

use std::collections::HashMap;

use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent, RoundtripReencoder, component_utils};
use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentOuterAliasKind, ComponentTypeRef, InstanceTypeDeclaration, Payload,
};

use super::binary::{EditError, each_section};

type Names<'a> = &'a [(String, String)];

/// The names to change in one component.
#[derive(Default)]
pub(super) struct TypeNames<'a> {
    /// By the index of an instance's type.
    by_type: HashMap<u32, Names<'a>>,
    /// By the index of an instance.
    by_instance: HashMap<u32, Names<'a>>,
    /// How many types stand before the section that comes next.
    types: TypeCount,
}

#[derive(Default)]
struct TypeCount {
    /// Index of the first type of each type section, in order.
    starts: std::vec::IntoIter<u32>,
}

impl<'a> TypeNames<'a> {
    /// Finds out what `imports` (import to names) means for the outermost component of `bytes`.
    pub(super) fn find(bytes: &[u8], imports: &HashMap<&str, Names<'a>>) -> Result<TypeNames<'a>, EditError> {
        let mut names = TypeNames::default();
        if imports.is_empty() {
            return Ok(names);
        }
        let (mut types, mut instances) = (0, 0);
        let mut starts = Vec::new();
        each_section(bytes, |payload, _, _| {
            match payload {
                Payload::ComponentTypeSection(section) => {
                    starts.push(types);
                    types += section.count();
                }
                Payload::ComponentInstanceSection(section) => instances += section.count(),
                Payload::ComponentImportSection(section) => {
                    for import in section {
                        let import = import?;
                        match import.ty {
                            ComponentTypeRef::Type(_) => types += 1,
                            ComponentTypeRef::Instance(ty) => {
                                if let Some(of) = imports.get(import.name.name) {
                                    names.by_type.insert(ty, of);
                                    names.by_instance.insert(instances, of);
                                }
                                instances += 1;
                            }
                            _ => {}
                        }
                    }
                }
                Payload::ComponentAliasSection(section) => {
                    for alias in section {
                        match alias? {
                            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, .. }
                            | ComponentAlias::Outer { kind: ComponentOuterAliasKind::Type, .. } => types += 1,
                            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Instance, .. } => {
                                instances += 1;
                            }
                            _ => {}
                        }
                    }
                }
                Payload::ComponentExportSection(section) => {
                    for export in section {
                        match export?.kind {
                            ComponentExternalKind::Type => types += 1,
                            ComponentExternalKind::Instance => instances += 1,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        names.types = TypeCount { starts: starts.into_iter() };
        Ok(names)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_type.is_empty()
    }

    /// The next type section with the names changed; sections have to come in order.
    pub(super) fn rename_types(
        &mut self,
        section: wasmparser::ComponentTypeSectionReader<'_>,
    ) -> Result<wasm_encoder::ComponentTypeSection, EditError> {
        let mut out = wasm_encoder::ComponentTypeSection::new();
        let start = self.types.starts.next().unwrap_or(0);
        for (index, ty) in (start..).zip(section) {
            let mut renamer = Renamer(self.by_type.get(&index).copied().unwrap_or_default());
            renamer.parse_component_type(out.ty(), ty?).map_err(|_| EditError::Types)?;
        }
        Ok(out)
    }

    pub(super) fn rename_aliases(
        &self,
        section: wasmparser::ComponentAliasSectionReader<'_>,
    ) -> Result<wasm_encoder::ComponentAliasSection, EditError> {
        let mut out = wasm_encoder::ComponentAliasSection::new();
        for alias in section {
            let mut alias = alias?;
            if let ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, instance_index, name } =
                &mut alias
            {
                let names = self.by_instance.get(instance_index).copied().unwrap_or_default();
                if let Some((_, new)) = names.iter().find(|(old, _)| old == name) {
                    *name = new;
                }
            }
            out.alias(RoundtripReencoder.component_alias(alias).map_err(|_| EditError::Types)?);
        }
        Ok(out)
    }
}

/// Copies types, and changes the names under which an instance exports types.
struct Renamer<'a>(Names<'a>);

impl Reencode for Renamer<'_> {
    type Error = std::convert::Infallible;
}

impl ReencodeComponent for Renamer<'_> {
    fn parse_component_instance_type_declaration(
        &mut self,
        ty: &mut wasm_encoder::InstanceType,
        declaration: InstanceTypeDeclaration<'_>,
    ) -> Result<(), Error<Self::Error>> {
        match declaration {
            InstanceTypeDeclaration::Export { mut name, ty: of @ ComponentTypeRef::Type(_) } => {
                if let Some((_, new)) = self.0.iter().find(|(old, _)| *old == name.name) {
                    name.name = new;
                }
                let of = self.component_type_ref(of)?;
                ty.export(name, of);
                Ok(())
            }
            other => component_utils::parse_component_instance_type_declaration(self, ty, other),
        }
    }
}
