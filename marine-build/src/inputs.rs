//! The files that a build depends on, so that others can tell when to build again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use marine_manifest::{Manifest, Source};

use crate::build::BuildRequest;
use crate::cargo::Artifact;
use crate::error::BuildError;
use crate::project::{CrateModule, Project};
use crate::toolchain;

/// The files and directories whose changes may change what [`build`](crate::build) makes of `request`, sorted. A directory counts
/// with everything in it. Nothing is built, so this also tells what to watch while the sources do not compile.
///
/// # Errors
/// See [`BuildError`]: mistakes in manifests, or no toolchain.
pub fn inputs(request: &BuildRequest) -> Result<Vec<PathBuf>, BuildError> {
    let project = Project::find(&request.path)?;
    let options = toolchain::Options { may_provision: false, ..request.toolchain.clone() };
    let toolchain = toolchain::provision(&options, &mut |_| ())?;
    let modules = project.crate_modules(&toolchain)?;
    let mut inputs = of_project(project.manifest.as_ref(), &modules);
    for dir in modules.iter().flat_map(|module| module.local_dependencies.iter().cloned().chain([module.dir()])) {
        // Not the whole directory of a package: outputs may lie in it.
        inputs.extend(
            ["Cargo.toml", "build.rs", "src"].map(|name| dir.join(name)).into_iter().filter(|path| path.exists()),
        );
    }
    Ok(inputs.into_iter().collect())
}

/// Manifests, lock files and configuration of the packages of `modules`, the manifest itself and the components it lists.
pub(crate) fn of_project(manifest: Option<&Manifest>, modules: &[CrateModule]) -> BTreeSet<PathBuf> {
    let mut inputs = BTreeSet::new();
    for module in modules {
        let workspace = &module.workspace_root;
        inputs.insert(module.manifest.clone());
        let files = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo/config.toml"];
        inputs.extend(files.map(|file| workspace.join(file)).into_iter().filter(|file| file.is_file()));
    }
    if let Some(manifest) = manifest {
        inputs.insert(manifest.path.clone());
        let listed = manifest.modules.iter().filter_map(|module| match &module.source {
            Source::Wasm(path) => Some(path.clone()),
            _ => None,
        });
        inputs.extend(listed);
    }
    inputs
}

/// The sources of one artifact: its package's and those of the packages that it has by path. Cargo notes them beside the artifact.
pub(crate) fn of_artifact(artifact: &Artifact) -> Vec<PathBuf> {
    let Ok(text) = fs::read_to_string(artifact.wasm.with_extension("d")) else { return Vec::new() };
    let paths = text.lines().filter_map(|line| line.split_once(": ")).flat_map(|(_, paths)| words(paths));
    paths.filter(|path| Path::new(path).is_file()).map(PathBuf::from).collect()
}

/// The words of a rule as `make` writes them: spaces in names stand behind backslashes.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let word = words.last_mut().expect("there is one from the start");
        match letter {
            '\\' if letters.peek() == Some(&' ') => word.extend(letters.next()),
            ' ' => words.push(String::new()),
            _ => word.push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_spaces_are_one_word() {
        assert_eq!(words(r"/a/b.rs /with\ space/c.rs  C:\d.rs"), ["/a/b.rs", "/with space/c.rs", r"C:\d.rs"]);
        assert!(words("").is_empty());
    }
}
