//! Whether a module has to be encoded again: a note beside the outputs on what they were made from.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use marine_manifest::{Cid, module_cid};
use serde::{Deserialize, Serialize};

use crate::build::BuiltModule;
use crate::encode::{Encoded, ModuleMeta};
use crate::error::BuildError;
use crate::output::write_if_changed;

/// The largest note that is read, in bytes.
const MAX_STAMP: u64 = 32 * 1024 * 1024;

/// What an encoding depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inputs {
    /// Hash of the core module.
    core: String,
    /// This program, as far as it may encode differently.
    tool: String,
    /// Everything that was said about the module.
    meta: String,
}

impl Inputs {
    pub(crate) fn of(core: &[u8], meta: &ModuleMeta) -> Inputs {
        Inputs { core: blake3::hash(core).to_hex().to_string(), tool: tool().to_owned(), meta: format!("{meta:?}") }
    }
}

/// Version and identity of this executable: while Marine itself is being changed, its version stays.
fn tool() -> &'static str {
    static TOOL: OnceLock<String> = OnceLock::new();
    TOOL.get_or_init(|| {
        let executable = std::env::current_exe().and_then(fs::metadata).ok();
        let modified = executable.as_ref().and_then(|meta| meta.modified().ok());
        let length = executable.as_ref().map_or(0, fs::Metadata::len);
        format!("{} {length} {modified:?}", env!("CARGO_PKG_VERSION"))
    })
}

/// A note on one module's outputs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Stamp {
    inputs: Inputs,
    /// The component, as text of its id.
    component: String,
    /// Hash of the WIT text.
    wit: String,
    size: u64,
    functions: usize,
    interface: String,
}

impl Stamp {
    pub(crate) fn new(inputs: Inputs, encoded: &Encoded) -> Stamp {
        Stamp {
            inputs,
            component: module_cid(&encoded.component).to_string(),
            wit: blake3::hash(encoded.wit.as_bytes()).to_hex().to_string(),
            size: encoded.component.len() as u64,
            functions: encoded.functions,
            interface: encoded.interface.clone(),
        }
    }

    /// The note on module `name`, if it was made from `inputs` and the outputs are still what it says. Anything else, a damaged
    /// note included, means that there is work to do.
    pub(crate) fn fitting(out_dir: &Path, name: &str, inputs: &Inputs) -> Option<Stamp> {
        let path = stamp_file(out_dir, name);
        if fs::metadata(&path).ok()?.len() > MAX_STAMP {
            return None;
        }
        let stamp: Stamp = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let component = fs::read(wasm_file(out_dir, name)).ok()?;
        let wit = fs::read(wit_file(out_dir, name)).ok()?;
        let fits = stamp.inputs == *inputs
            && stamp.component == module_cid(&component).to_string()
            && stamp.wit == blake3::hash(&wit).to_hex().as_str();
        fits.then_some(stamp)
    }

    pub(crate) fn save(&self, out_dir: &Path, name: &str) -> Result<(), BuildError> {
        let path = stamp_file(out_dir, name);
        let json = serde_json::to_vec(self).expect("a stamp holds texts and numbers only");
        write_if_changed(&path, &json).map_err(BuildError::io("write", &path))?;
        Ok(())
    }

    /// The module as callers see it.
    pub(crate) fn module(&self, out_dir: &Path, name: &str, version: &str, cached: bool) -> BuiltModule {
        BuiltModule {
            name: name.to_owned(),
            version: version.to_owned(),
            wasm: wasm_file(out_dir, name),
            wit: wit_file(out_dir, name),
            cid: Cid::try_from(self.component.as_str()).unwrap_or_default(),
            size: self.size,
            functions: self.functions,
            interface: self.interface.clone(),
            cached,
        }
    }
}

fn wasm_file(out_dir: &Path, name: &str) -> PathBuf {
    out_dir.join(format!("{name}.wasm"))
}

fn wit_file(out_dir: &Path, name: &str) -> PathBuf {
    out_dir.join(format!("{name}.wit"))
}

fn stamp_file(out_dir: &Path, name: &str) -> PathBuf {
    out_dir.join(format!(".{name}.stamp"))
}
