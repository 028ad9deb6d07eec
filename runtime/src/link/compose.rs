//! Many components into one: each module is instantiated once, its imports of other modules are bound to them, its imports of the
//! host stay imports under a name of its own.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};

use super::binary::{Edit, EditError};
use super::check::{Wire, Wiring};
use super::memory::MemoryPlan;
use crate::spec::ServiceSpec;

/// Why modules that passed all checks could not be composed: a flaw of this program rather than of the modules.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ComposeError {
    #[error("module `{module}`: {cause}")]
    Edit { module: String, cause: EditError },
    #[error("the composer refused the modules: {0}")]
    Composer(String),
    #[error("the composer failed on these modules")]
    Crashed,
}

/// The export of the composed component that holds what module `index` exports.
pub(crate) fn export_of(index: usize) -> String {
    format!("m{index}")
}

/// The name under which the composed component imports `import` for module `index`.
fn import_for(index: usize, import: &str) -> String {
    format!("m{index}-{import}")
}

/// Module index and original name of an import of the composed component.
pub(crate) fn split_import(name: &str) -> Option<(usize, &str)> {
    let (index, import) = name.strip_prefix('m')?.split_once('-')?;
    Some((index.parse().ok()?, import))
}

/// The component that `spec`, wired by `wiring`, amounts to.
pub(crate) fn compose(spec: &ServiceSpec, wiring: &Wiring, memories: &MemoryPlan) -> Result<Vec<u8>, ComposeError> {
    let mut edited = Vec::with_capacity(spec.modules.len());
    for (index, module) in spec.modules.iter().enumerate() {
        let wires = wiring.modules.get(index).map(Vec::as_slice).unwrap_or_default();
        let is_host = |import: &str| wires.iter().any(|wire| wire.host() == Some(import));
        let rename = |import: &str| if is_host(import) { import_for(index, import) } else { import.to_owned() };
        let maxima = memories.maxima.get(index).map(Vec::as_slice).unwrap_or_default();
        let types = wires.iter().filter_map(|wire| match wire {
            Wire::Module { import, renamed, .. } if !renamed.is_empty() => Some((import.as_str(), renamed.as_slice())),
            _ => None,
        });
        let types = types.collect();
        let edit = Edit { name: module.module.name(), maxima, met: Cell::new(0), rename: &rename, types };
        let failed = |cause| ComposeError::Edit { module: module.module.name().to_owned(), cause };
        edited.push(edit.apply(module.module.bytes()).map_err(failed)?);
    }
    // The composer states its assumptions as panics; modules are foreign, so a hole in our checks must not take the process down.
    match catch_unwind(AssertUnwindSafe(|| join(edited, wiring))) {
        Ok(composed) => composed.map_err(|cause| ComposeError::Composer(cause.to_string())),
        Err(_) => Err(ComposeError::Crashed),
    }
}

fn join(components: Vec<Vec<u8>>, wiring: &Wiring) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut graph = CompositionGraph::new();
    let mut instances = Vec::with_capacity(components.len());
    for (index, bytes) in components.into_iter().enumerate() {
        let package = Package::from_bytes(&format!("marine:{}", export_of(index)), None, bytes, graph.types_mut())?;
        instances.push(graph.register_package(package)?);
    }
    let mut nodes = vec![None; instances.len()];
    for index in &wiring.order {
        nodes[*index] = Some(graph.instantiate(instances[*index]));
    }
    let node_of = |index: usize| nodes.get(index).copied().flatten().ok_or("a module is missing from the order");
    for (index, wires) in wiring.modules.iter().enumerate() {
        for wire in wires {
            let Wire::Module { import, provider, interface, .. } = wire else { continue };
            let provider = node_of(*provider)?;
            let argument = match interface {
                Some(id) => graph.alias_instance_export(provider, id)?,
                None => provider,
            };
            graph.set_instantiation_argument(node_of(index)?, import, argument)?;
        }
        graph.export(node_of(index)?, export_of(index))?;
    }
    Ok(graph.encode(EncodeOptions { define_components: true, validate: true, processor: None })?)
}
