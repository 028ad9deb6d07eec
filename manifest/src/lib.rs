//! What a service is made of: the manifest an author writes (`Marine.toml`) and the blueprint that travels.
//!
//! [`Manifest::read`] turns a `Marine.toml` into checked data or into **all** its mistakes at once; [`Blueprint`] is the same
//! content with content ids for paths, in canonical DAG-CBOR, so that equal builds have one id. Nothing here touches WebAssembly
//! or the network: a manifest is checked by itself, whether its modules fit together is the linker's question.
//!
//! ```
//! use marine_manifest::{Manifest, Source};
//!
//! let manifest = Manifest::parse("[[module]]\nname = \"till\"\ncrate = \"crates/till\"\n", "shop")?;
//! assert_eq!(manifest.facade(), "till");
//! assert_eq!(manifest.modules[0].source, Source::Crate("crates/till".into()));
//!
//! let errors = Manifest::parse("[[module]]\nnmae = \"till\"\n", "shop").unwrap_err();
//! assert!(errors.to_string().contains("did you mean `name`?"));
//! # Ok::<(), marine_manifest::ManifestErrors>(())
//! ```

mod aqua;
mod binary;
mod blueprint;
mod cid;
mod edit;
mod error;
mod grants;
mod host;
pub mod keys;
mod keywords;
mod limits;
mod log;
mod manifest;
mod migrate;
mod names;
mod parse;
mod project;
mod quantity;
mod request;
mod schema;
mod table;

pub use crate::aqua::AquaImport;
pub use crate::binary::{ArgPolicy, ArgToken, BinaryGrant};
pub use crate::blueprint::{Blueprint, BlueprintError, BlueprintModule, MAX_BLUEPRINT_BYTES, ModuleContent};
pub use crate::cid::{Cid, content_cid, module_cid};
pub use crate::edit::{EditError, NewSource, add_member, add_module};
pub use crate::error::{Code, ManifestError, ManifestErrors};
pub use crate::grants::{Dir, EnvValue, Grants, KvGrant, Mode};
pub use crate::host::{HostGrant, HostPattern, Scheme};
pub use crate::keywords::{WIT_KEYWORDS, escaped};
pub use crate::limits::Limits;
pub use crate::log::{LogFilter, LogLevel};
pub use crate::manifest::{FILE_NAME, MAX_INSTANCES, MAX_MODULES, Manifest, ModuleEntry, ServiceSection, Source};
pub use crate::migrate::{
    Dependency, Migration, Note, OLD_FILE_NAME, Renamed, is_predecessors, migrate, rename_dependencies,
};
pub use crate::names::{NameError, check_name};
pub use crate::project::Project;
pub use crate::request::{
    AskedDir, BinaryRequest, DirRequest, EnvRequest, GrantPolicy, GrantRequests, HostDir, MissingGrant,
};
pub use crate::schema::schema;
