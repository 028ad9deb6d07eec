//! From a core module to a component, without running anything.
//!
//! The compiler left a description of every marked item in a custom section. From it come the WIT text and the names that the
//! module's exports and imports get; the rest is the work of `wit-component`.

mod core_module;
mod in_place;
mod items;
mod metadata;
mod names;
mod shape;
mod survey;
mod wit;

use thiserror::Error;
use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as ADAPTER;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{PackageMetadata, Resolve};

pub use items::{
    Case, Export, Field, Import, Items, ItemsError, MAX_ITEMS_BYTES, ModuleInfo, Param, Requirement, SECTION, Type,
};
pub use metadata::{Git, MANIFEST_SECTION, ModuleManifest, SCHEMA};
pub use names::{NameError, kebab_case};
pub use wit::{interface_text, wit_text};

/// The largest core module that is encoded, in bytes.
pub const MAX_CORE_BYTES: usize = 256 * 1024 * 1024;

/// What a core module does not say of itself.
#[derive(Clone, Debug, Default)]
pub struct ModuleMeta {
    /// Kebab-case name: the package of its interface is `marine:<name>`.
    pub name: String,
    /// Version, authors and so on where the module gives none: Cargo's metadata.
    pub package: ModuleInfo,
    /// The licence as an SPDX expression.
    pub license: String,
    /// The cargo profile it was built with.
    pub profile: String,
    /// The first line of `rustc -V`.
    pub rustc: String,
    /// Seconds since 1970 that count as the time of the build.
    pub build_time: Option<u64>,
    /// The state of the sources in git.
    pub git: Option<Git>,
    /// Whether debug information stays, so that traps show source lines.
    pub debug_info: bool,
}

/// A component with its description.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The component's bytes, validated.
    pub component: Vec<u8>,
    /// The whole WIT text: its own interface, what it imports, its world.
    pub wit: String,
    /// The part of the text that others see: its package with the interface `api`.
    pub interface: String,
    /// How many functions it exports.
    pub functions: usize,
}

/// Why a core module is no Marine module.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// It is not WebAssembly, or too large.
    #[error("not a core WebAssembly module: {0}")]
    NotCore(String),
    /// The section of items cannot be read.
    #[error(transparent)]
    Items(#[from] ItemsError),
    /// No item is there.
    #[error("it exports no function\nhelp: mark a function with #[marine], and depend on marine-sdk")]
    NoExports,
    /// A name that WIT cannot express.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Two things of one WIT name that differ (code `M201`).
    #[error("{what}\n  one is    {first}\n  other is  {second}\nhelp: {help}")]
    Collision {
        /// What collides, by name.
        what: String,
        /// The first meaning.
        first: String,
        /// The second meaning.
        second: String,
        /// What to do.
        help: &'static str,
    },
    /// It imports from itself.
    #[error("module `{0}` imports from itself\nhelp: call the function directly, or rename one of the two modules")]
    SelfImport(String),
    /// The section speaks of something that the module lacks.
    #[error("the description and the code disagree: {0}\nhelp: build all crates with the same version of marine-sdk")]
    Inconsistent(String),
    /// `module_manifest!` gives a version that is none; what the macro sees in a literal, it refuses itself.
    #[error(
        "`module_manifest!` gives the version {0:?}, which is none\nhelp: write three numbers, such as \"1.2.0\" or \"1.2.0-beta.1\""
    )]
    Version(String),
    /// An import block that says nothing about versions: its module or interface, and what it says.
    #[error(
        "the import of `{0}` requires the version {1:?}, which is no requirement\n\
         help: write one as in Cargo: \"1.2\", \"^1.2\", \">=1.2, <1.5\""
    )]
    Requirement(String, String),
    /// Functions that nobody provides.
    #[error(
        "it needs functions that no component can provide: {}\n\
         help: a dependency expects a C library or a JavaScript host; use one that supports wasm32-wasip1",
        .0.join(", ")
    )]
    Unprovided(Vec<String>),
    /// wit-component or wit-parser refused what was made here; this is a mistake of Marine.
    #[error("cannot encode the component: {0}\nhelp: please report this, with the module's WIT:\n{1}")]
    Encoder(String, String),
}

impl EncodeError {
    /// The diagnostic's code; `M213` for what has none of its own.
    pub fn code(&self) -> &'static str {
        match self {
            EncodeError::Name(_) => "M130",
            EncodeError::Collision { .. } => "M201",
            EncodeError::Items(ItemsError::TwoInfos(..)) | EncodeError::Version(_) => "M140",
            EncodeError::Requirement(..) => "M120",
            _ => "M213",
        }
    }
}

/// Turns the core module `core_wasm` into a component with interface `marine:<name>/api`.
///
/// # Errors
/// See [`EncodeError`]; the bytes may be anything.
pub fn componentize(core_wasm: &[u8], meta: &ModuleMeta) -> Result<Encoded, EncodeError> {
    names::check_label(&meta.name)?;
    if core_wasm.len() > MAX_CORE_BYTES {
        return Err(EncodeError::NotCore(format!("{} bytes, at most {MAX_CORE_BYTES}", core_wasm.len())));
    }
    let items = Items::of_module(core_wasm)?;
    if items.exports.is_empty() {
        return Err(EncodeError::NoExports);
    }
    if let Some(info) = items.info.as_ref().filter(|info| !info.version.is_empty())
        && semver::Version::parse(&info.version).is_err()
    {
        return Err(EncodeError::Version(info.version.clone()));
    }
    let edited = core_module::edit(core_wasm, &items, meta)?;
    let items = items.reduced_to(edited.imports, edited.runs_binaries);
    for requirement in &items.requirements {
        if semver::VersionReq::parse(&requirement.version).is_err() {
            return Err(EncodeError::Requirement(requirement.source.clone(), requirement.version.clone()));
        }
    }
    let interface = interface_text(&meta.name, &items)?;
    let wit = wit_text(&meta.name, &items)?;
    let failed = |cause: &dyn std::fmt::Display| EncodeError::Encoder(cause.to_string(), wit.clone());

    let mut core = edited.bytes;
    let docs = embed_world(&mut core, &wit).map_err(|cause| failed(&format!("{cause:#}")))?;
    let mut component = encode(&core).map_err(|cause| failed(&format!("{cause:#}")))?;
    metadata::append(&mut component, meta, &items).map_err(|cause| failed(&cause))?;
    metadata::append_docs(&mut component, &docs);
    Ok(Encoded { component, wit, interface, functions: items.exports.len() })
}

/// Writes the world into the core module; returns its documentation in the form of WIT tools. The encoder keeps
/// documentation only in the core module's WIT, which is gone from the finished component.
fn embed_world(core: &mut Vec<u8>, wit: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("module.wit", wit)?;
    let world = resolve.select_world(&[package], Some(wit::WORLD))?;
    embed_component_metadata(core, &resolve, world, StringEncoding::UTF8)?;
    Ok(PackageMetadata::extract(&resolve, package).encode()?)
}

fn encode(core: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let component = ComponentEncoder::default()
        .module(core)?
        .adapter("wasi_snapshot_preview1", ADAPTER)?
        .validate(true)
        .encode()?;
    Ok(component)
}
