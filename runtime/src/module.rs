//! One module: a component's bytes with what it offers and wants. The bytes are untrusted; nothing here runs them.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use marine_manifest::{Cid, NameError, check_name, module_cid};
use wasmparser::component_types::{ComponentEntityType, ComponentItem};
use wasmparser::types::TypesRef;
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

use crate::interface::{DecodeError, Decoder, Interface, PackageDocs};
use crate::metadata::Metadata;

/// The largest component that is loaded, in bytes.
pub const MAX_MODULE_BYTES: u64 = 64 * 1024 * 1024;
/// How deep components and modules nest inside a component.
pub(crate) const MAX_NESTING: usize = 16;
/// The most imports or exports of a component.
const MAX_ITEMS: usize = 1_000;

/// A component with a name. Cheap to clone.
#[derive(Clone)]
pub struct Module(Arc<Inner>, Option<usize>);

struct Inner {
    name: Arc<str>,
    bytes: Vec<u8>,
    cid: Cid,
    imports: Vec<Import>,
    exported: Vec<Interface>,
    bare: Interface,
    empty: Interface,
    memories: Vec<MemoryShape>,
    notes: Notes,
}

/// One memory of a component's core modules, in the order of the bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryShape {
    /// Pages at first.
    pub(crate) initial: u64,
    /// Pages at most, if the component says.
    pub(crate) maximum: Option<u64>,
    /// log2 of the bytes of a page.
    pub(crate) page: u32,
}

/// Which lists of a module stand for arrays of fixed length, as `marine build` notes it in the custom section `marine:manifest`: by the
/// path to the list (`total.lines[]`, `sum()` for the result of `sum`), in which case and dashes do not count.
#[derive(Debug, Default)]
pub(crate) struct FixedLengths(HashMap<String, u32>);

/// One import of a component.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    /// Its name in the component.
    pub(crate) name: String,
    /// What it asks for; `Err` with what it is, if that is not an instance.
    pub(crate) interface: Result<Interface, &'static str>,
}

/// Why bytes are not a module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// The name is not one that imports can use.
    #[error("`{0}` cannot name a module: {1}")]
    Name(String, NameError),
    /// The file cannot be read.
    #[error("cannot read the module `{name}` at {path}: {cause}", path = path.display())]
    Read {
        /// The module.
        name: String,
        /// Its file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// More bytes than [`MAX_MODULE_BYTES`].
    #[error("the module `{name}` has {bytes} bytes; at most {MAX_MODULE_BYTES} are allowed")]
    TooLarge {
        /// The module.
        name: String,
        /// Its size.
        bytes: u64,
    },
    /// Not WebAssembly at all.
    #[error(
        "`{0}` is not WebAssembly: the file does not start with `\\0asm`; give the component that `marine build` writes to `target/marine`"
    )]
    NotWasm(String),
    /// A core module where a component is needed.
    #[error(
        "`{0}` is a core WebAssembly module, not a component; \
         `marine build` makes components, for other tools see `wasm-tools component new`"
    )]
    CoreModule(String),
    /// A module of the tools that Marine succeeds.
    #[error("`{0}` was built for an older Marine with interface types; rebuild its sources with `marine build`")]
    Predecessor(String),
    /// WebAssembly that breaks the rules of the format.
    #[error("`{name}` is not a valid component: {cause}")]
    Invalid {
        /// The module.
        name: String,
        /// What the validator says, with the offset in bytes.
        cause: String,
    },
    /// Valid, but beyond what is accepted.
    #[error("`{name}` is refused: {cause}")]
    Refused {
        /// The module.
        name: String,
        /// What is beyond which bound.
        cause: String,
    },
}

impl Module {
    /// Checks `bytes` as a module called `name`.
    ///
    /// # Errors
    /// What the bytes are instead, or which bound they exceed.
    pub fn from_bytes(name: &str, bytes: impl Into<Vec<u8>>) -> Result<Module, ModuleError> {
        let bytes = bytes.into();
        check_name(name).map_err(|cause| ModuleError::Name(name.to_owned(), cause))?;
        if bytes.len() as u64 > MAX_MODULE_BYTES {
            return Err(ModuleError::TooLarge { name: name.to_owned(), bytes: bytes.len() as u64 });
        }
        let outline = Outline::read(name, &bytes)?;
        let types =
            Validator::new_with_features(features()).validate_all(&bytes).map_err(|cause| invalid(name, &cause))?;
        let refused = |cause: DecodeError| ModuleError::Refused { name: name.to_owned(), cause: cause.to_string() };
        let inner = outline.describe(name, types.as_ref()).map_err(refused)?;
        Ok(Module(Arc::new(Inner { cid: module_cid(&bytes), bytes, ..inner }), None))
    }

    /// Reads and checks the component at `path`.
    ///
    /// # Errors
    /// As [`Module::from_bytes`], and if the file cannot be read.
    pub fn from_file(name: &str, path: impl AsRef<Path>) -> Result<Module, ModuleError> {
        let path = path.as_ref();
        let failed = |cause| ModuleError::Read { name: name.to_owned(), path: path.to_path_buf(), cause };
        let size = std::fs::metadata(path).map_err(failed)?.len();
        if size > MAX_MODULE_BYTES {
            return Err(ModuleError::TooLarge { name: name.to_owned(), bytes: size });
        }
        Module::from_bytes(name, std::fs::read(path).map_err(failed)?)
    }

    /// What imports call it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its content id.
    pub fn cid(&self) -> &Cid {
        &self.0.cid
    }

    /// The component.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// What it offers: `marine:<name>/api` if it exports that, else the one interface it exports, else its bare functions. Empty if it
    /// offers nothing, or several interfaces none of which is meant more than another (an error when it is linked).
    pub fn interface(&self) -> &Interface {
        match self.own_interface() {
            Ok(Some(own)) => own,
            Ok(None) | Err(_) => &self.0.empty,
        }
    }

    /// What it says of itself. Read anew at each call.
    pub fn metadata(&self) -> Metadata {
        Metadata::read(&self.0.bytes)
    }

    /// What it imports, by name: interfaces of the host and of other modules.
    pub fn imports(&self) -> impl Iterator<Item = &str> {
        self.0.imports.iter().map(|import| import.name.as_str())
    }

    /// [`Module::interface`], or the ids between which it cannot be decided.
    pub(crate) fn own_interface(&self) -> Result<Option<&Interface>, Vec<&str>> {
        if let Some(chosen) = self.1.and_then(|index| self.0.exported.get(index)) {
            return Ok(Some(chosen));
        }
        let own = format!("marine:{}/api", self.name());
        let is_own =
            |interface: &&Interface| interface.id.as_deref().is_some_and(|id| id.split('@').next() == Some(&own));
        match (self.0.exported.iter().find(is_own), self.0.exported.as_slice()) {
            (Some(own), _) => Ok(Some(own)),
            (None, [only]) => Ok(Some(only)),
            (None, []) if self.0.bare.functions.is_empty() => Ok(None),
            (None, []) => Ok(Some(&self.0.bare)),
            (None, several) => Err(several.iter().filter_map(|interface| interface.id.as_deref()).collect()),
        }
    }

    /// This module with the exported interface `id` (with or without its version) for *the* interface.
    ///
    /// # Errors
    /// The interfaces that it exports, if that is none of them.
    pub fn with_interface(&self, id: &str) -> Result<Module, Vec<String>> {
        let ids = || self.0.exported.iter().map(|interface| interface.id.as_deref().unwrap_or_default());
        let found = ids()
            .position(|exported| exported == id)
            .or_else(|| ids().position(|exported| exported.split('@').next() == Some(id)));
        match found {
            Some(index) => Ok(Module(self.0.clone(), Some(index))),
            None => Err(ids().map(str::to_owned).collect()),
        }
    }

    pub(crate) fn import_list(&self) -> &[Import] {
        &self.0.imports
    }

    pub(crate) fn fixed_lengths(&self) -> &FixedLengths {
        &self.0.notes.fixed
    }

    /// The version that its metadata gives, if it is one.
    pub(crate) fn version(&self) -> Option<&semver::Version> {
        self.0.notes.version.as_ref()
    }

    /// The programs that it declares to run.
    pub(crate) fn wanted_binaries(&self) -> &[String] {
        &self.0.notes.binaries
    }

    /// The versions that it requires of what it imports, by import or module name.
    pub(crate) fn required_versions(&self) -> &BTreeMap<String, String> {
        &self.0.notes.requires
    }

    pub(crate) fn memories(&self) -> &[MemoryShape] {
        &self.0.memories
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        self.0.name.clone()
    }

    /// Bytes of the largest memory with which one of its core modules starts.
    pub(crate) fn initial_memory(&self) -> u64 {
        self.0.memories.iter().map(|memory| memory.initial.saturating_mul(1 << memory.page.min(16))).max().unwrap_or(0)
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Module").field("name", &self.0.name).field("cid", &self.0.cid.to_string()).finish()
    }
}

/// The WebAssembly that is accepted: what the compiler supports without its asynchronous and experimental parts.
pub(crate) fn features() -> WasmFeatures {
    WasmFeatures::default().difference(WasmFeatures::CM_ASYNC)
}

fn invalid(name: &str, cause: &impl fmt::Display) -> ModuleError {
    ModuleError::Invalid { name: name.to_owned(), cause: cause.to_string() }
}

/// What can be seen of a component without knowing types.
#[derive(Default)]
struct Outline {
    imports: Vec<String>,
    exports: Vec<String>,
    docs: PackageDocs,
    memories: Vec<MemoryShape>,
    notes: Notes,
}

impl Outline {
    fn read(name: &str, bytes: &[u8]) -> Result<Outline, ModuleError> {
        if !bytes.starts_with(b"\0asm") {
            return Err(ModuleError::NotWasm(name.to_owned()));
        }
        if !Parser::is_component(bytes) {
            return Err(if is_predecessor(bytes) {
                ModuleError::Predecessor(name.to_owned())
            } else {
                ModuleError::CoreModule(name.to_owned())
            });
        }
        let refused = |cause: String| ModuleError::Refused { name: name.to_owned(), cause };
        let mut outline = Outline::default();
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(|cause| invalid(name, &cause))? {
                Payload::Version { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                Payload::ComponentImportSection(section) if depth == 1 => {
                    for import in section {
                        outline.imports.push(import.map_err(|cause| invalid(name, &cause))?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 1 => {
                    for export in section {
                        outline.exports.push(export.map_err(|cause| invalid(name, &cause))?.name.name.to_owned());
                    }
                }
                Payload::MemorySection(section) => {
                    for memory in section {
                        let memory = memory.map_err(|cause| invalid(name, &cause))?;
                        let page = memory.page_size_log2.unwrap_or(16);
                        let (initial, maximum) = (memory.initial, memory.maximum);
                        outline.memories.push(MemoryShape { initial, maximum, page });
                    }
                }
                Payload::CustomSection(section) if depth == 1 && section.name() == PackageDocs::SECTION => {
                    outline.docs = PackageDocs::parse(section.data());
                }
                Payload::CustomSection(section) if depth == 1 && section.name() == Notes::SECTION => {
                    outline.notes.read(section.data());
                }
                Payload::CustomSection(section) if depth == 1 && section.name() == Notes::VERSION => {
                    outline.notes.read_version(section.data());
                }
                _ => {}
            }
            if depth > MAX_NESTING {
                return Err(refused(format!("modules nest deeper than {MAX_NESTING} levels")));
            }
            if outline.imports.len().max(outline.exports.len()).max(outline.memories.len()) > MAX_ITEMS {
                return Err(refused(format!("it has more than {MAX_ITEMS} imports, exports or memories")));
            }
        }
        Ok(outline)
    }

    /// The module without its bytes.
    fn describe(self, name: &str, types: TypesRef<'_>) -> Result<Inner, DecodeError> {
        let mut decoder = Decoder::new(types);
        let mut imports = Vec::with_capacity(self.imports.len());
        for name in self.imports {
            let item = types.component_item_for_import(&name).ok_or(DecodeError::Dangling)?;
            let interface = match item.ty {
                ComponentEntityType::Instance(instance) => Ok(decoder.instance(&name, instance)?),
                other => Err(kind(&other)),
            };
            imports.push(Import { name, interface });
        }
        let mut exported = Vec::new();
        let mut bare: Vec<(&str, &ComponentItem)> = Vec::new();
        for name in &self.exports {
            let item = types.component_item_for_export(name).ok_or(DecodeError::Dangling)?;
            match item.ty {
                ComponentEntityType::Instance(_) if name.starts_with("wasi:") => {}
                ComponentEntityType::Instance(instance) => exported.push(decoder.instance(name, instance)?),
                _ => bare.push((name, item)),
            }
        }
        let bare = decoder.items(None, bare.into_iter())?;
        for interface in &mut exported {
            self.docs.apply(interface);
        }
        let (bytes, cid) = (Vec::new(), module_cid(&[]));
        let empty = Interface::default();
        let (memories, notes) = (self.memories, self.notes);
        Ok(Inner { name: name.into(), bytes, cid, imports, exported, bare, empty, memories, notes })
    }
}

/// What linking needs of a module's metadata. It is the author's word: what cannot be read counts as absent.
#[derive(Debug, Default)]
struct Notes {
    fixed: FixedLengths,
    version: Option<semver::Version>,
    binaries: Vec<String>,
    requires: BTreeMap<String, String>,
}

impl Notes {
    /// The section that `marine build` writes.
    const SECTION: &'static str = "marine:manifest";
    /// The section in which component tools in general write a version.
    const VERSION: &'static str = "version";

    fn read(&mut self, section: &[u8]) {
        let Ok(serde_json::Value::Object(mut fields)) = serde_json::from_slice(section) else { return };
        let mut field = |name: &str| fields.remove(name).unwrap_or_default();
        self.fixed = FixedLengths::of_json(field("fixed"));
        self.binaries = serde_json::from_value(field("binaries")).unwrap_or_default();
        self.requires = serde_json::from_value(field("requires")).unwrap_or_default();
        if let Some(version) = field("version").as_str().and_then(|text| text.parse().ok()) {
            self.version = Some(version);
        }
    }

    fn read_version(&mut self, section: &[u8]) {
        let version = std::str::from_utf8(section).ok().and_then(|text| text.parse().ok());
        self.version = self.version.take().or(version);
    }
}

impl FixedLengths {
    #[cfg(test)]
    pub(crate) fn parse(section: &[u8]) -> FixedLengths {
        let mut notes = Notes::default();
        notes.read(section);
        notes.fixed
    }

    /// A guest checks lengths itself: what cannot be read counts as absent.
    fn of_json(fixed: serde_json::Value) -> FixedLengths {
        let fixed: HashMap<String, u32> = serde_json::from_value(fixed).unwrap_or_default();
        FixedLengths(fixed.into_iter().map(|(path, length)| (plain(&path), length)).collect())
    }

    /// The length of the list at `path`, if it is fixed.
    pub(crate) fn of(&self, path: &str) -> Option<u32> {
        if self.0.is_empty() { None } else { self.0.get(&plain(path)).copied() }
    }
}

/// `path` without what differs between Rust's names and WIT's.
fn plain(path: &str) -> String {
    path.chars().filter(|letter| !matches!(letter, '-' | '_')).map(|letter| letter.to_ascii_lowercase()).collect()
}

fn kind(ty: &ComponentEntityType) -> &'static str {
    match ty {
        ComponentEntityType::Module(_) => "core module",
        ComponentEntityType::Func(_) => "function",
        ComponentEntityType::Value(_) => "value",
        ComponentEntityType::Type { .. } => "type",
        ComponentEntityType::Instance(_) => "instance",
        ComponentEntityType::Component(_) => "component",
    }
}

/// Whether a core module carries the interface section of the tools that Marine succeeds.
fn is_predecessor(bytes: &[u8]) -> bool {
    let payloads = Parser::new(0).parse_all(bytes).map_while(Result::ok);
    let mut outer =
        payloads.take_while(|payload| !matches!(payload, Payload::Version { encoding: Encoding::Component, .. }));
    outer.any(|payload| matches!(payload, Payload::CustomSection(section) if section.name() == "interface-types"))
}
