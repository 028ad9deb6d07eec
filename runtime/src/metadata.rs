//! What a component says of itself, in the standard sections that other tools write and read, and in our own.

use std::collections::BTreeMap;

use wasmparser::{ComponentName, KnownCustom, Parser, Payload};

/// Metadata of one component. None of it is verified: authors may write what they like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// Its own name.
    pub name: Option<String>,
    /// Version of its package.
    pub version: Option<String>,
    /// Who wrote it.
    pub authors: Option<String>,
    /// One line about it.
    pub description: Option<String>,
    /// SPDX expression of its licences.
    pub licenses: Option<String>,
    /// Where its source is.
    pub source: Option<String>,
    /// Programs that made it, of the component and all core modules inside: kind (`language`, `processed-by`, ..) to name to version.
    pub producers: BTreeMap<String, BTreeMap<String, String>>,
    /// The content of `marine:manifest`, a JSON object, if `marine build` made the component.
    pub manifest: Option<serde_json::Map<String, serde_json::Value>>,
}

impl Metadata {
    /// The section with what has no standard place.
    const MANIFEST: &'static str = "marine:manifest";

    /// Reads the sections of a component that was validated; what cannot be read counts as absent.
    pub(crate) fn read(bytes: &[u8]) -> Metadata {
        let mut metadata = Metadata::default();
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
            match payload {
                Payload::Version { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                Payload::CustomSection(section) => {
                    let text = || Some(str::from_utf8(section.data()).ok()?.to_owned());
                    match (section.name(), section.as_known()) {
                        (_, KnownCustom::Producers(fields)) => metadata.add_producers(fields),
                        _ if depth != 1 => {}
                        (_, KnownCustom::ComponentName(names)) => {
                            let own = names.into_iter().flatten().find_map(|name| match name {
                                ComponentName::Component { name, .. } => Some(name.to_owned()),
                                _ => None,
                            });
                            metadata.name = own.or(metadata.name);
                        }
                        ("version", _) => metadata.version = text(),
                        ("authors", _) => metadata.authors = text(),
                        ("description", _) => metadata.description = text(),
                        ("licenses", _) => metadata.licenses = text(),
                        ("source", _) => metadata.source = text(),
                        (Metadata::MANIFEST, _) => metadata.manifest = serde_json::from_slice(section.data()).ok(),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        metadata
    }

    /// Programs that the module was written to run, as its import blocks name them.
    pub fn wanted_binaries(&self) -> Vec<&str> {
        let list = self.manifest.as_ref().and_then(|manifest| manifest.get("binaries"));
        list.and_then(serde_json::Value::as_array).into_iter().flatten().filter_map(|name| name.as_str()).collect()
    }

    fn add_producers(&mut self, fields: wasmparser::ProducersSectionReader<'_>) {
        for field in fields.into_iter().flatten() {
            let programs = self.producers.entry(field.name.to_owned()).or_default();
            for program in field.values.into_iter().flatten() {
                programs.insert(program.name.to_owned(), program.version.to_owned());
            }
        }
    }
}
