//! Interfaces of built components, and of services on nodes, as types of Aqua: those of the declarations that are printed of them.

use std::path::Path;

use marine_aqua::{Interface, SourceError};
use marine_runtime::Module;

use crate::project;

/// What the service is called where its name does not matter.
pub(super) const NAME: &str = "Service";

/// The interface of the component at `path`, or of the service whose `Marine.toml` it is.
pub(super) fn of(path: &str) -> Result<Interface, SourceError> {
    if path.ends_with(".toml") {
        return of_service(path);
    }
    if !path.ends_with(".wasm") {
        return Err(SourceError {
            message: format!("`{path}` is neither a component nor a Marine.toml"),
            help: Some("name the service's manifest, `from \"../till/Marine.toml\"`, or a built component".to_string()),
        });
    }
    if !Path::new(path).exists() {
        let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
        return Err(SourceError {
            message: format!("there is no component `{path}`"),
            help: Some(format!("build it first: `marine build` in the project that writes to `{folder}`")),
        });
    }
    of_component(path)
}

/// Of the facade that the last build made.
fn of_service(path: &str) -> Result<Interface, SourceError> {
    if !Path::new(path).exists() {
        return Err(SourceError { message: format!("there is no `{path}`"), help: None });
    }
    match project::last_facade(Path::new(path)) {
        Ok(facade) => of_component(&facade.to_string_lossy()),
        Err(failure) => Err(SourceError {
            message: failure.error.to_string(),
            help: Some(format!("build the service first: `marine build {path}`")),
        }),
    }
}

fn of_component(path: &str) -> Result<Interface, SourceError> {
    let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".wasm");
    let module =
        Module::from_file(stem, path).map_err(|error| SourceError { message: error.to_string(), help: None })?;
    of_declarations(path, &module.interface().to_aqua(NAME, None), NAME)
}

/// What declarations of `whose` service say.
pub(super) fn of_declarations(whose: &str, text: &str, service: &str) -> Result<Interface, SourceError> {
    Interface::of_declarations(text, service).map_err(|found| {
        let why = found.first().map(|found| format!(": {}", found.message)).unwrap_or_default();
        SourceError { message: format!("the interface of `{whose}` cannot be said in Aqua{why}"), help: None }
    })
}

/// The line of declarations by which the compiler knows that they have to agree with the component in `file`.
pub(crate) fn mark(file: &Path, component: &Module) -> String {
    format!("-- interface of {}: {}\n", file.display(), hash(&component.interface().to_wit()))
}

/// Tells interfaces apart: of an interface's text.
pub(super) fn hash(text: &str) -> String {
    marine_manifest::module_cid(text.as_bytes()).to_string()
}
