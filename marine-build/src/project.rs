//! What is to be built: the manifest's modules, or the packages of a Cargo project that use the SDK.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cargo_metadata::{CrateType, Metadata, MetadataCommand, Package, Target};
use marine_manifest::{Manifest, ModuleEntry, Source};

use crate::command::run;
use crate::encode::{ModuleInfo, kebab_case};
use crate::error::BuildError;
use crate::toolchain::Toolchain;

/// The guest library, by which packages are recognised as modules.
const SDK: &str = "marine-sdk";
const CARGO_TOML: &str = "Cargo.toml";
/// How long cargo may take to describe a workspace.
const QUESTION: Duration = Duration::from_secs(60);

/// A project on disk.
#[derive(Debug)]
pub(crate) struct Project {
    /// The manifest, if there is one.
    pub(crate) manifest: Option<Manifest>,
    /// Where commands run, so that `.cargo/config.toml` and `rust-toolchain.toml` count.
    pub(crate) dir: PathBuf,
}

/// A module that cargo builds.
#[derive(Debug)]
pub(crate) struct CrateModule {
    /// Kebab-case name.
    pub(crate) name: String,
    /// Cargo's id of the package.
    pub(crate) package_id: String,
    pub(crate) package: String,
    /// The target's name, as artifact messages give it.
    pub(crate) target: String,
    /// Its `Cargo.toml`.
    pub(crate) manifest: PathBuf,
    /// Directories of the packages that it has by path, as far as its own manifest says.
    pub(crate) local_dependencies: Vec<PathBuf>,
    pub(crate) workspace_root: PathBuf,
    pub(crate) target_dir: PathBuf,
    pub(crate) info: ModuleInfo,
    pub(crate) license: String,
}

impl Project {
    /// The project of `path`: a manifest, a `Cargo.toml`, or a directory in or below the project.
    pub(crate) fn find(path: &Path) -> Result<Project, BuildError> {
        let path = std::path::absolute(path).map_err(BuildError::io("find", path))?;
        if path.is_file() {
            let is_cargo = path.file_name().is_some_and(|name| name == CARGO_TOML);
            let dir = path.parent().unwrap_or(&path).to_path_buf();
            let manifest = if is_cargo { None } else { Some(Manifest::read(&path)?) };
            return Ok(Project { manifest, dir });
        }
        if let Some(file) = Manifest::find(&path) {
            let manifest = Manifest::read(&file)?;
            return Ok(Project { dir: manifest.dir.clone(), manifest: Some(manifest) });
        }
        match path.ancestors().find(|dir| dir.join(CARGO_TOML).is_file()) {
            Some(dir) => Ok(Project { manifest: None, dir: dir.to_path_buf() }),
            None => Err(BuildError::NoProject(path)),
        }
    }

    /// The modules that cargo builds, in the order of the manifest or of Cargo.
    pub(crate) fn crate_modules(&self, toolchain: &Toolchain) -> Result<Vec<CrateModule>, BuildError> {
        let mut known = KnownPackages { toolchain, found: Vec::new() };
        match &self.manifest {
            Some(manifest) => {
                let crates = manifest.modules.iter().filter_map(|entry| match &entry.source {
                    Source::Crate(wanted) => Some((entry, wanted)),
                    _ => None,
                });
                crates.map(|(entry, wanted)| known.module(&manifest.dir, entry, wanted)).collect()
            }
            None => packages_using_sdk(&self.dir, &mut known),
        }
    }
}

impl CrateModule {
    /// The directory of its package.
    pub(crate) fn dir(&self) -> PathBuf {
        self.manifest.parent().unwrap_or(&self.manifest).to_path_buf()
    }
}

/// Cargo's knowledge of the workspaces met so far: one question per workspace.
struct KnownPackages<'t> {
    toolchain: &'t Toolchain,
    found: Vec<Metadata>,
}

impl KnownPackages<'_> {
    fn module(&mut self, dir: &Path, entry: &ModuleEntry, wanted: &str) -> Result<CrateModule, BuildError> {
        let by_path = dir.join(wanted).join(CARGO_TOML);
        let (metadata, package) =
            if by_path.is_file() { self.package_at(&by_path)? } else { self.package_called(dir, entry, wanted)? };
        let target = choose_target(package, entry.target.as_deref())?;
        Ok(crate_module(entry.name.clone(), metadata, package, target))
    }

    fn package_at(&mut self, cargo_toml: &Path) -> Result<(&Metadata, &Package), BuildError> {
        let same = |package: &Package| same_file(package.manifest_path.as_std_path(), cargo_toml);
        let known = self.found.iter().position(|metadata| metadata.packages.iter().any(same));
        let index = match known {
            Some(index) => index,
            None => self.ask(cargo_toml)?,
        };
        let metadata = &self.found[index];
        let package = metadata.packages.iter().find(|package| same(package));
        package.map(|package| (metadata, package)).ok_or_else(|| BuildError::Metadata {
            path: cargo_toml.to_path_buf(),
            why: "it describes a workspace without a package of its own".to_owned(),
        })
    }

    fn package_called(
        &mut self,
        dir: &Path,
        entry: &ModuleEntry,
        wanted: &str,
    ) -> Result<(&Metadata, &Package), BuildError> {
        let not_there =
            |known: String| BuildError::NoPackage { module: entry.name.clone(), wanted: wanted.to_owned(), known };
        let Some(root) = dir.ancestors().map(|dir| dir.join(CARGO_TOML)).find(|file| file.is_file()) else {
            return Err(not_there(format!(", neither as a directory below {} nor in a workspace", dir.display())));
        };
        let known =
            self.found.iter().position(|metadata| metadata.packages.iter().any(|package| package.name == wanted));
        let index = match known {
            Some(index) => index,
            None => self.ask(&root)?,
        };
        let metadata = &self.found[index];
        match metadata.packages.iter().find(|package| package.name == wanted) {
            Some(package) => Ok((metadata, package)),
            None => {
                let names: Vec<_> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
                Err(not_there(format!(" in {}; packages: {}", metadata.workspace_root, names.join(", "))))
            }
        }
    }

    /// Asks cargo about the workspace of `cargo_toml`; returns the answer's place.
    fn ask(&mut self, cargo_toml: &Path) -> Result<usize, BuildError> {
        let failed = |why: String| BuildError::Metadata { path: cargo_toml.to_path_buf(), why };
        let dir = cargo_toml.parent().unwrap_or(cargo_toml);
        let mut cargo = self.toolchain.cargo(dir);
        cargo.args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]).arg(cargo_toml);
        let finished = run(cargo, QUESTION).map_err(|cause| failed(cause.to_string()))?;
        if !finished.success() {
            return Err(failed(finished.failure(QUESTION)));
        }
        let metadata = MetadataCommand::parse(&finished.stdout).map_err(|cause| failed(cause.to_string()))?;
        self.found.push(metadata);
        Ok(self.found.len() - 1)
    }
}

fn packages_using_sdk(dir: &Path, known: &mut KnownPackages<'_>) -> Result<Vec<CrateModule>, BuildError> {
    let index = known.ask(&dir.join(CARGO_TOML))?;
    let metadata = &known.found[index];
    let mut modules: Vec<CrateModule> = Vec::new();
    for package in metadata.workspace_packages() {
        if !package.dependencies.iter().any(|dependency| dependency.name == SDK) {
            continue;
        }
        for target in package.targets.iter().filter(|target| is_module(target)) {
            let name = kebab_case(&target.name)
                .map_err(|cause| BuildError::Encode { module: target.name.clone(), cause: cause.into() })?;
            if let Some(other) = modules.iter().find(|other| other.name == name) {
                return Err(BuildError::SameName(name, other.package.clone(), package.name.to_string()));
            }
            modules.push(crate_module(name, metadata, package, target));
        }
    }
    Ok(modules)
}

/// Whether a target ends up as one WebAssembly file that is a module.
fn is_module(target: &Target) -> bool {
    is_library(target) || target.is_bin()
}

fn is_library(target: &Target) -> bool {
    target.crate_types.contains(&CrateType::CDyLib)
}

/// The target of a manifest's module: the one named, else the library, else the only binary.
fn choose_target<'p>(package: &'p Package, wanted: Option<&str>) -> Result<&'p Target, BuildError> {
    let error = |what: String, help: &str| BuildError::NoTarget {
        package: package.name.to_string(),
        what,
        help: help.to_owned(),
    };
    let modules: Vec<&Target> = package.targets.iter().filter(|target| is_module(target)).collect();
    let names = || modules.iter().map(|target| format!("`{}`", target.name)).collect::<Vec<_>>().join(", ");
    if let Some(wanted) = wanted {
        let found = modules.iter().find(|target| target.name == wanted || target.name == wanted.replace('-', "_"));
        return found.copied().ok_or_else(|| {
            error(format!("has no target `{wanted}` that could be a module"), &format!("its targets are {}", names()))
        });
    }
    if let Some(library) = modules.iter().find(|target| is_library(target)) {
        return Ok(library);
    }
    match modules.as_slice() {
        [binary] => Ok(binary),
        [] => Err(error(
            "has no target that could be a module".to_owned(),
            "add `[lib]` with `crate-type = [\"cdylib\"]` to its Cargo.toml, or a `src/main.rs`",
        )),
        _ => Err(error(format!("has several binaries: {}", names()), "choose one in the manifest: `target = \"..\"`")),
    }
}

fn crate_module(name: String, metadata: &Metadata, package: &Package, target: &Target) -> CrateModule {
    CrateModule {
        name,
        package_id: package.id.repr.clone(),
        package: package.name.to_string(),
        target: target.name.clone(),
        manifest: package.manifest_path.clone().into(),
        local_dependencies: local_dependencies(metadata, package),
        workspace_root: metadata.workspace_root.clone().into(),
        target_dir: metadata.target_directory.clone().into(),
        info: ModuleInfo {
            name: package.name.to_string(),
            version: package.version.to_string(),
            authors: package.authors.join(", "),
            description: package.description.clone().unwrap_or_default(),
            repository: package.repository.clone().unwrap_or_default(),
            sdk: String::new(),
        },
        license: package.license.clone().unwrap_or_default(),
    }
}

/// Path dependencies of `package`, and of those of them that are members of its workspace.
fn local_dependencies(metadata: &Metadata, package: &Package) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    let mut packages = vec![package];
    while let Some(package) = packages.pop() {
        for dir in package.dependencies.iter().filter_map(|dependency| dependency.path.as_ref()) {
            if found.iter().any(|known| known == dir.as_std_path()) {
                continue;
            }
            found.push(dir.into());
            packages.extend(metadata.packages.iter().filter(|member| member.manifest_path.parent() == Some(dir)));
        }
    }
    found
}

fn same_file(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
