//! The whole way from a project to its outputs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use marine_manifest::{Blueprint, Cid, Manifest, ModuleContent, ModuleEntry, Source, module_cid};

use crate::cargo::{self, Artifact};
use crate::encode::{ModuleMeta, componentize};
use crate::error::BuildError;
use crate::event::BuildEvent;
use crate::foreign;
use crate::inputs;
use crate::made;
use crate::output::write_if_changed;
use crate::project::{CrateModule, Project};
use crate::provenance::{self, Provenance, Provenances};
use crate::stamp::{Inputs, Stamp};
use crate::toolchain::{self, Toolchain};

/// The variable with the time that counts as that of the build (reproducible-builds.org).
const EPOCH_VARIABLE: &str = "SOURCE_DATE_EPOCH";

/// What to build and how.
#[derive(Clone, Debug)]
pub struct BuildRequest {
    /// A `Marine.toml`, a `Cargo.toml`, or a directory in or below the project.
    pub path: PathBuf,
    /// How the code is compiled.
    pub profile: Profile,
    /// Where outputs go; `marine/<profile>` in the target directory if not given.
    pub out_dir: Option<PathBuf>,
    /// Where cargo keeps its work; the project's own target directory if not given. A `CARGO_TARGET_DIR` of the environment does
    /// not count: it belongs to a build of the host. Projects that share one must not have two libraries of one name.
    pub target_dir: Option<PathBuf>,
    /// Only the modules of these packages, by name of the package or of the module; all if empty. A service is described only
    /// if all its modules are built.
    pub packages: Vec<String>,
    /// Seconds since 1970 that count as the time of the build (`SOURCE_DATE_EPOCH`); if not given, the time of the last commit if
    /// nothing changed since, else now.
    pub build_time: Option<u64>,
    /// Whether the commands run that make modules of other languages (`build` in the manifest). They are programs of the project's
    /// author, with all rights of whoever builds: only who asked for a build shall run them.
    pub run_commands: bool,
    /// Arguments that cargo gets as they are.
    pub cargo_args: Vec<String>,
    /// Whether cargo colours its messages.
    pub color: bool,
    /// How the WebAssembly target is found.
    pub toolchain: toolchain::Options,
}

/// How the code is compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Fast to build, with debug information.
    #[default]
    Dev,
    /// Optimised, with function names only.
    Release,
}

impl Profile {
    /// What cargo calls it, and the directory of the outputs.
    pub fn cargo_name(self) -> &'static str {
        match self {
            Profile::Dev => "dev",
            Profile::Release => "release",
        }
    }
}

impl BuildRequest {
    /// A dev build of the project at `path` with this process's toolchain options, which runs no commands of the project.
    ///
    /// # Errors
    /// See [`toolchain::Options::from_env`]; and if `SOURCE_DATE_EPOCH` is no number.
    pub fn new(path: impl Into<PathBuf>) -> Result<BuildRequest, BuildError> {
        let build_time = match std::env::var(EPOCH_VARIABLE) {
            Ok(text) => Some(text.trim().parse().map_err(|_| BuildError::Epoch(text))?),
            Err(_) => None,
        };
        Ok(BuildRequest {
            path: path.into(),
            profile: Profile::default(),
            out_dir: None,
            target_dir: None,
            packages: Vec::new(),
            build_time,
            run_commands: false,
            cargo_args: Vec::new(),
            color: false,
            toolchain: toolchain::Options::from_env()?,
        })
    }
}

/// What a build made.
#[derive(Clone, Debug)]
pub struct BuildOutput {
    /// The manifest, if the project has one.
    pub manifest: Option<Manifest>,
    /// The modules that were compiled, in the order of the manifest or of Cargo.
    pub modules: Vec<BuiltModule>,
    /// The service, if there is a manifest and all its modules were built.
    pub service: Option<BuiltService>,
    /// The files it was made from, sorted: sources, manifests, lock files, listed components. When one of them changes, a new build may
    /// give something else.
    pub inputs: Vec<PathBuf>,
}

/// A module that was compiled, or found up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltModule {
    /// Kebab-case name.
    pub name: String,
    /// Version of its package.
    pub version: String,
    /// The component.
    pub wasm: PathBuf,
    /// Its whole WIT text.
    pub wit: PathBuf,
    /// The component's content id.
    pub cid: Cid,
    /// The component's size in bytes.
    pub size: u64,
    /// How many functions it exports.
    pub functions: usize,
    /// The WIT text of its own interface.
    pub interface: String,
    /// Whether nothing had to be done.
    pub cached: bool,
}

/// A blueprint that was written, or found up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltService {
    /// Name of the service.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Its content.
    pub blueprint: Blueprint,
    /// Its content id.
    pub cid: Cid,
    /// Whether nothing had to be done.
    pub cached: bool,
}

impl BuildOutput {
    /// The component file of the module called `name`: compiled here, or listed in the manifest.
    pub fn wasm(&self, name: &str) -> Option<&Path> {
        if let Some(module) = self.modules.iter().find(|module| module.name == name) {
            return Some(&module.wasm);
        }
        match &self.manifest.as_ref()?.module(name)?.source {
            Source::Wasm(path) => Some(path),
            _ => None,
        }
    }
}

/// Builds a project; `events` hears of every step.
///
/// # Errors
/// See [`BuildError`]. What was written before stays and is whole.
pub fn build(request: &BuildRequest, events: &mut dyn FnMut(BuildEvent<'_>)) -> Result<BuildOutput, BuildError> {
    let project = Project::find(&request.path)?;
    let toolchain = toolchain::provision(&request.toolchain, &mut |text| events(BuildEvent::Toolchain(text)))?;
    let modules = selected(project.crate_modules(&toolchain)?, &request.packages)?;
    if modules.is_empty() && project.manifest.is_none() {
        return Err(BuildError::NothingToBuild(project.dir));
    }
    let target_dir = match (&request.target_dir, modules.first()) {
        (Some(dir), _) => std::path::absolute(dir).map_err(BuildError::io("find", dir))?,
        (None, Some(module)) => module.target_dir.clone(),
        (None, None) => project.dir.join("target"),
    };
    let out_dir = match &request.out_dir {
        Some(dir) => dir.clone(),
        None => target_dir.join("marine").join(request.profile.cargo_name()),
    };
    fs::create_dir_all(&out_dir).map_err(BuildError::io("create", &out_dir))?;

    let job = Job { request, toolchain: &toolchain, project: &project, out_dir: &out_dir, target_dir: &target_dir };
    let mut inputs = inputs::of_project(project.manifest.as_ref(), &modules);
    let built = job.build_modules(&modules, &mut inputs, events)?;
    let manifest = project.manifest.as_ref().filter(|manifest| is_complete(manifest, &built));
    manifest.map_or(Ok(()), |manifest| made::make(manifest, &[&out_dir, &target_dir], request.run_commands, events))?;
    let service = manifest.map(|manifest| job.write_blueprint(manifest, &built)).transpose()?;
    if let Some(service) = &service {
        events(BuildEvent::Service(service));
    }
    Ok(BuildOutput { manifest: project.manifest, modules: built, service, inputs: inputs.into_iter().collect() })
}

/// The modules that were asked for.
fn selected(modules: Vec<CrateModule>, wanted: &[String]) -> Result<Vec<CrateModule>, BuildError> {
    let is = |module: &CrateModule, wanted: &String| module.package == *wanted || module.name == *wanted;
    if let Some(unknown) = wanted.iter().find(|wanted| !modules.iter().any(|module| is(module, wanted))) {
        let known: Vec<_> = modules.iter().map(|module| format!("`{}`", module.package)).collect();
        return Err(BuildError::NotSelected { wanted: unknown.clone(), known: known.join(", ") });
    }
    let selected = |module: &CrateModule| wanted.is_empty() || wanted.iter().any(|wanted| is(module, wanted));
    Ok(modules.into_iter().filter(selected).collect())
}

/// Whether all modules of the manifest that are made from source were built.
fn is_complete(manifest: &Manifest, built: &[BuiltModule]) -> bool {
    let is_there = |entry: &ModuleEntry| match entry.source {
        Source::Crate(_) => built.iter().any(|module| module.name == entry.name),
        _ => true,
    };
    manifest.modules.iter().all(is_there)
}

/// What all steps of one build share.
struct Job<'b> {
    request: &'b BuildRequest,
    toolchain: &'b Toolchain,
    project: &'b Project,
    out_dir: &'b Path,
    target_dir: &'b Path,
}

impl Job<'_> {
    /// One cargo call per workspace. Its modules are encoded before the next: with a shared target directory, a later call may
    /// replace a file of the same name.
    fn build_modules(
        &self,
        modules: &[CrateModule],
        inputs: &mut BTreeSet<PathBuf>,
        events: &mut dyn FnMut(BuildEvent<'_>),
    ) -> Result<Vec<BuiltModule>, BuildError> {
        let mut workspaces: BTreeMap<&Path, Vec<&CrateModule>> = BTreeMap::new();
        for module in modules {
            workspaces.entry(&module.workspace_root).or_default().push(module);
        }
        // Git is asked while cargo works.
        let mut provenances = Provenances::ask(modules.iter().map(|module| module.dir()));
        let mut built = BTreeMap::new();
        for members in workspaces.values() {
            let artifacts =
                cargo::build(self.request, self.toolchain, &self.project.dir, members, self.target_dir, events)?;
            inputs.extend(artifacts.iter().flat_map(inputs::of_artifact));
            for module in members {
                let encoded = self.encode(module, &artifacts, provenances.of(&module.dir()))?;
                events(BuildEvent::Module(&encoded));
                built.insert(module.name.as_str(), encoded);
            }
        }
        Ok(modules.iter().filter_map(|module| built.remove(module.name.as_str())).collect())
    }

    fn encode(
        &self,
        module: &CrateModule,
        artifacts: &[Artifact],
        provenance: Option<&Provenance>,
    ) -> Result<BuiltModule, BuildError> {
        let artifact = artifacts
            .iter()
            .find(|artifact| artifact.package_id == module.package_id && artifact.target == module.target)
            .ok_or_else(|| BuildError::NoArtifact {
                package: module.package.clone(),
                target: module.target.clone(),
                help: "remove arguments that keep cargo from building it, such as `--lib` or missing `--features`",
            })?;
        let core = fs::read(&artifact.wasm).map_err(BuildError::io("read", &artifact.wasm))?;
        let mut meta = self.meta(module, provenance);
        let inputs = Inputs::of(&core, &meta);
        if let Some(stamp) = Stamp::fitting(self.out_dir, &module.name, &inputs) {
            return Ok(stamp.module(self.out_dir, &module.name, &module.info.version, true));
        }
        // Only now: the time of day alone makes no new module.
        meta.build_time.get_or_insert_with(provenance::now);
        let encoded =
            componentize(&core, &meta).map_err(|cause| BuildError::Encode { module: module.name.clone(), cause })?;
        let stamp = Stamp::new(inputs, &encoded);
        let output = stamp.module(self.out_dir, &module.name, &module.info.version, false);
        write(&output.wasm, &encoded.component)?;
        write(&output.wit, encoded.wit.as_bytes())?;
        // Last, so that a stamp never speaks of files that are not there yet.
        stamp.save(self.out_dir, &module.name)?;
        Ok(output)
    }

    fn meta(&self, module: &CrateModule, provenance: Option<&Provenance>) -> ModuleMeta {
        ModuleMeta {
            name: module.name.clone(),
            package: module.info.clone(),
            license: module.license.clone(),
            profile: self.request.profile.cargo_name().to_owned(),
            rustc: self.toolchain.rustc_version(),
            build_time: self.request.build_time.or_else(|| provenance.and_then(Provenance::time)),
            git: provenance.map(|provenance| provenance.git.clone()),
            debug_info: self.request.profile == Profile::Dev,
        }
    }

    fn write_blueprint(&self, manifest: &Manifest, built: &[BuiltModule]) -> Result<BuiltService, BuildError> {
        let blueprint = Blueprint::from_manifest(manifest, |entry| content(entry, built))?;
        let cid = blueprint.cid()?;
        let name = manifest.service.name.clone();
        let path = self.out_dir.join(format!("{name}.blueprint"));
        let written = write(&path, &blueprint.encode()?)?;
        Ok(BuiltService { name, path, blueprint, cid, cached: !written })
    }
}

/// What the blueprint says of one module.
fn content(entry: &ModuleEntry, built: &[BuiltModule]) -> Result<ModuleContent, BuildError> {
    let error = |what: String| BuildError::Component { module: entry.name.clone(), what };
    match &entry.source {
        Source::Crate(_) => {
            let module = built.iter().find(|module| module.name == entry.name);
            let module = module.ok_or_else(|| error("it was not built".to_owned()))?;
            Ok(ModuleContent { cid: module.cid, interface: module.interface.clone() })
        }
        Source::Wasm(path) => {
            let bytes = foreign::read(path).map_err(error)?;
            let cid = module_cid(&bytes);
            if let Some(pin) = entry.pin.filter(|pin| *pin != cid) {
                return Err(error(format!("{} is {cid}, and the manifest pins {pin}", path.display())));
            }
            let interface = foreign::interface(&bytes).map_err(|why| error(format!("{}: {why}", path.display())))?;
            Ok(ModuleContent { cid, interface })
        }
        Source::Cid(cid) => Err(error(format!("{cid} cannot be fetched at build time; list the file with `wasm`"))),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<bool, BuildError> {
    write_if_changed(path, bytes).map_err(BuildError::io("write", path))
}
