//! From a manifest to a plan that can be started: find, build, link.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use marine_build::{BuildError, BuildEvent, BuildOutput, BuildRequest, BuiltService, ErrorKind, Profile};
use marine_manifest::{Dir, Manifest, ModuleEntry, OLD_FILE_NAME, Project, Source, check_name};
use marine_runtime::{CodeCacheConfig, Engine, EngineConfig, Interface, Module, Plan, ServiceSpec};
use tempfile::TempDir;

use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::paths;
use crate::repl::Extra;
use crate::ui::{Progress, Ui, count, size};

/// A service that was built: its modules are components on disk.
pub(crate) struct Built {
    pub(crate) manifest: Manifest,
    /// The blueprint; `None` if outputs of an earlier build are used.
    service: Option<BuiltService>,
    /// Components by module.
    files: BTreeMap<String, PathBuf>,
    /// Where they lie, if that is to be gone when this is.
    _scratch: Option<TempDir>,
}

/// How builds are asked for.
pub(crate) fn request(path: &Path, profile: Profile) -> Outcome<BuildRequest> {
    let mut request = BuildRequest::new(path).map_err(failure)?;
    request.profile = profile;
    request.color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    Ok(request)
}

/// Builds what `request` says, showing cargo's messages and a line per module.
pub(crate) fn build(request: &BuildRequest, progress: &Progress, ui: Ui) -> Outcome<BuildOutput> {
    build_heard(request, progress, ui, &mut |_| ())
}

/// The same; `hear` is told everything.
pub(crate) fn build_heard(
    request: &BuildRequest,
    progress: &Progress,
    ui: Ui,
    hear: &mut dyn FnMut(&BuildEvent<'_>),
) -> Outcome<BuildOutput> {
    // Cargo's messages are kept back while all goes well and nobody asked for them; a failure shows them in full.
    let mut said = Vec::new();
    let mut show = |event: BuildEvent<'_>| match event {
        BuildEvent::Toolchain(step) => progress.line(step),
        BuildEvent::Cargo(line) if ui.verbose > 0 => progress.line(line),
        BuildEvent::Cargo(line) => {
            progress.detail(line.trim());
            said.push(line.to_string());
        }
        BuildEvent::Command { module, command } => progress.status(ui, "Making", format_args!("{module} ({command})")),
        BuildEvent::Outdated { module } => progress.pause(|| {
            ui.warn(format_args!(
                "module `{module}` may be outdated: something beside it is newer\n  help: `marine build` makes it"
            ));
        }),
        BuildEvent::Module(module) if !module.cached => progress.status(
            ui,
            "Encoding",
            format_args!(
                "{} v{} ({}, {})",
                module.name,
                module.version,
                count(module.functions, "function"),
                size(module.size)
            ),
        ),
        _ => {}
    };
    let result = marine_build::build(request, &mut |event| {
        hear(&event);
        show(event);
    });
    let complains = |line: &String| line.contains("warning") || line.contains("error");
    if result.is_err() || said.iter().any(complains) {
        said.iter().for_each(|line| progress.line(line));
    }
    result.map_err(failure)
}

/// Builds the service at `path` (a manifest or a directory), or the nearest one.
pub(crate) fn build_service(path: Option<&Path>, profile: Profile, progress: &Progress, ui: Ui) -> Outcome<Built> {
    let path = one_service(path.map(Path::to_path_buf).as_slice())?;
    tell_of_migration(&path, ui);
    let request = request(&path, profile)?;
    Built::of(build(&request, progress, ui)?)
}

/// Builds the service of the manifest at `path` without showing anything.
///
/// # Errors
/// What cargo said, and why it failed.
pub(crate) fn build_silently(path: &Path) -> Result<Built, (String, Failure)> {
    let mut said = String::new();
    let mut hear = |event: BuildEvent<'_>| {
        if let BuildEvent::Cargo(line) = event {
            said += line;
            said.push('\n');
        }
    };
    let built = request(path, Profile::Dev)
        .and_then(|request| marine_build::build(&request, &mut hear).map_err(failure))
        .and_then(Built::of);
    built.map_err(|failure| (said, failure))
}

/// What the last build of the manifest at `path` left, without building.
pub(crate) fn last_build(path: &Path) -> Outcome<Built> {
    let manifest = Manifest::read(path).or_exit(Exit::Manifest)?;
    let dir = std::path::absolute(&manifest.dir).unwrap_or_else(|_| manifest.dir.clone());
    let outputs: Vec<PathBuf> =
        dir.ancestors().map(|dir| dir.join("target/marine/dev")).filter(|dir| dir.is_dir()).collect();
    let mut files = BTreeMap::new();
    for module in &manifest.modules {
        let file = match &module.source {
            Source::Wasm(path) => Some(path.clone()),
            _ => outputs.iter().map(|dir| dir.join(format!("{}.wasm", module.name))).find(|path| path.is_file()),
        };
        let Some(file) = file else {
            return Err(Failure::new(Exit::Build, format!("module `{}` was not built yet", module.name))
                .help("`marine build` builds it; without `--no-build` it is built now"));
        };
        files.insert(module.name.clone(), file);
    }
    Ok(Built { manifest, service: None, files, _scratch: None })
}

/// The component that the last build of the manifest at `path` made of its facade.
pub(crate) fn last_facade(path: &Path) -> Outcome<PathBuf> {
    let built = last_build(path)?;
    built.wasm(built.manifest.facade()).map(Path::to_path_buf)
}

impl Built {
    /// The service of a build; building modules without a manifest makes none.
    pub(crate) fn of(output: BuildOutput) -> Outcome<Self> {
        let (Some(manifest), Some(service)) = (&output.manifest, &output.service) else {
            return Err(Failure::new(Exit::Manifest, "there is no Marine.toml, so there is no service")
                .help("describe the service in a Marine.toml"));
        };
        let file = |module: &ModuleEntry| Some((module.name.clone(), output.wasm(&module.name)?.to_path_buf()));
        let files = manifest.modules.iter().filter_map(file).collect();
        Ok(Self { manifest: manifest.clone(), service: Some(service.clone()), files, _scratch: None })
    }

    /// The same, whose outputs lie in `scratch` and are needed as long as it.
    pub(crate) fn keeping(mut self, scratch: TempDir) -> Self {
        self._scratch = Some(scratch);
        self
    }

    /// The service's name.
    pub(crate) fn name(&self) -> &str {
        &self.manifest.service.name
    }

    /// The blueprint.
    pub(crate) fn service(&self) -> Outcome<&BuiltService> {
        self.service
            .as_ref()
            .ok_or_else(|| Failure::new(Exit::Unexpected, "nothing was built, so there is no blueprint"))
    }

    /// The component of the module called `name`.
    pub(crate) fn wasm(&self, name: &str) -> Outcome<&Path> {
        self.files.get(name).map(PathBuf::as_path).ok_or_else(|| {
            Failure::new(
                Exit::Manifest,
                format!("module `{name}` is listed by content id, which cannot be fetched here"),
            )
        })
    }

    /// The service with its grants, and (of the manifest) those that `extra` adds.
    pub(crate) fn spec(&mut self, extra: Extra) -> Outcome<ServiceSpec> {
        match extra {
            Extra::Nothing => {}
            Extra::Repl => self.manifest = self.manifest.with_extra(&self.manifest.repl),
            Extra::Test => self.manifest = self.manifest.with_extra(&self.manifest.test),
        }
        ServiceSpec::from_manifest(&self.manifest, |entry| load(&entry.name, self.wasm(&entry.name)?))
    }

    /// Checks that the modules fit together; nothing of them has run afterwards.
    pub(crate) fn link(&self) -> Outcome<Plan> {
        link(ServiceSpec::from_manifest(&self.manifest, |entry| load(&entry.name, self.wasm(&entry.name)?))?)
    }

    /// The module whose functions the service offers.
    pub(crate) fn facade(&self) -> Outcome<Module> {
        let named = self.manifest.service.facade.as_deref();
        let name = named.or_else(|| self.manifest.modules.last().map(|module| module.name.as_str()));
        let name = name.ok_or_else(|| Failure::new(Exit::Manifest, "the service has no module"))?;
        load(name, self.wasm(name)?)
    }

    /// What each module offers. Modules that cannot be read are left out; linking tells what is wrong with them.
    pub(crate) fn interfaces(&self) -> Vec<(String, Interface)> {
        let modules = self.files.iter().filter_map(|(name, path)| load(name, path).ok());
        modules.map(|module| (module.name().to_owned(), module.interface().clone())).collect()
    }

    /// What each module may touch, a line each; modules without grants say so.
    pub(crate) fn grants(&self) -> Vec<String> {
        self.manifest.modules.iter().map(|module| format!("{} may use {}", module.name, grants(module))).collect()
    }
}

/// Shows what works and is hardly meant so.
pub(crate) fn show_warnings(plan: &Plan, ui: Ui) {
    for warning in plan.warnings() {
        ui.warn(format_args!("[{}] {}\n  help: {}", warning.code, warning.message, warning.help));
        ui.document(
            "link.warning",
            serde_json::json!({
                "code": warning.code, "module": warning.module, "message": warning.message, "help": warning.help,
            }),
        );
    }
}

/// Files that builds of the manifest write beside its sources.
pub(crate) fn made_files(manifest: &Path) -> Vec<PathBuf> {
    let Ok(manifest) = Manifest::read(manifest) else { return Vec::new() };
    let made = manifest.modules.iter().filter_map(|module| match &module.source {
        Source::Wasm(path) if !module.build.is_empty() => Some(path.canonicalize().unwrap_or_else(|_| path.clone())),
        _ => None,
    });
    made.collect()
}

/// The component in `path`, called as it calls itself or else like its file.
pub(crate) fn component(path: &Path) -> Outcome<Module> {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().replace('_', "-").to_lowercase()).unwrap_or_default();
    let name = if check_name(&stem).is_ok() { stem } else { "module".to_owned() };
    let module = load(&name, path)?;
    match module.metadata().name {
        Some(own) if own != name && check_name(&own).is_ok() && module.interface().functions.is_empty() => {
            load(&own, path)
        }
        _ => Ok(module),
    }
}

/// The component in `path` as a module of that name.
pub(crate) fn load(name: &str, path: &Path) -> Outcome<Module> {
    Module::from_file(name, path).or_exit(Exit::Manifest)
}

/// Checks that modules fit together.
pub(crate) fn link(spec: ServiceSpec) -> Outcome<Plan> {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let engine = match ENGINE.get() {
        Some(engine) => engine,
        None => {
            let engine = Engine::new(EngineConfig { cache: code_cache(), ..EngineConfig::default() })
                .or_fail(Exit::Unexpected, "cannot start the engine that runs WebAssembly")?;
            ENGINE.get_or_init(|| engine)
        }
    };
    Plan::link(engine, spec).or_exit(Exit::Manifest)
}

/// Where compiled code is kept: with what else can be made again, if that was moved.
fn code_cache() -> CodeCacheConfig {
    let moved = std::env::var_os("MARINE_CACHE_DIR").is_some_and(|dir| !dir.is_empty());
    let dir = paths::cache().ok().filter(|_| moved);
    dir.map_or(CodeCacheConfig::User, |dir| CodeCacheConfig::Dir(dir.join("code")))
}

fn grants(module: &ModuleEntry) -> String {
    let dirs = module.grants.dirs.iter().map(|(guest, dir)| match dir {
        Dir::Host { path, mode, .. } => format!("{guest}: {} ({})", path.display(), mode.as_str()),
        Dir::Volume { name, mode, .. } => format!("{guest}: volume `{name}` ({})", mode.as_str()),
        Dir::Temp => format!("{guest}: scratch space"),
        Dir::Vault => format!("{guest}: the vault"),
    });
    let env = module.grants.env.keys().map(|name| format!("variable {name}"));
    let all: Vec<_> = dirs.chain(env).collect();
    if all.is_empty() { "nothing".to_string() } else { all.join(", ") }
}

/// The one manifest that `sources` name (a file or its directory), or the nearest one. A project of one service stands for it.
pub(crate) fn one_service(sources: &[PathBuf]) -> Outcome<PathBuf> {
    if let [_, second, ..] = sources {
        return Err(Failure::new(
            Exit::Usage,
            format!("one manifest at a time; `{}` is a second one", second.display()),
        ));
    }
    let path = manifest_path(sources.first().map(PathBuf::as_path))?;
    match Project::read(&path).or_exit(Exit::Manifest)? {
        None => Ok(path),
        Some(Project { members, .. }) => match members.as_slice() {
            [only] => Ok(only.clone()),
            several => {
                let names: Vec<_> =
                    several.iter().filter_map(|path| path.parent()).map(|dir| dir.display().to_string()).collect();
                Err(Failure::new(Exit::Usage, format!("`{}` holds several services", path.display()))
                    .help(format!("name one: {}", names.join(", "))))
            }
        },
    }
}

/// What a path stands for: the services of a project one by one, else the path itself.
pub(crate) fn members(path: &Path) -> Outcome<Vec<PathBuf>> {
    if !path.exists() {
        return Err(Failure::new(Exit::Usage, format!("there is no `{}`", path.display()))
            .help("give a Marine.toml, a Cargo.toml or a directory"));
    }
    let is_cargo = path.file_name().is_some_and(|name| name == "Cargo.toml");
    let file = if path.is_dir() { Manifest::find(std::path::absolute(path)?) } else { Some(path.to_path_buf()) };
    let project = file.filter(|_| !is_cargo).map(Project::read).transpose().or_exit(Exit::Manifest)?.flatten();
    Ok(project.map_or_else(|| vec![path.to_path_buf()], |project| project.members))
}

/// Says that a configuration of the predecessor was taken for a manifest.
pub(crate) fn tell_of_migration(path: &Path, ui: Ui) {
    if marine_manifest::is_predecessors(path) {
        ui.note(format_args!("{} is migrated in memory; `marine migrate` writes the Marine.toml", path.display()));
    }
}

fn manifest_path(path: Option<&Path>) -> Outcome<PathBuf> {
    let help = "give a Marine.toml, its directory, or a component (.wasm)";
    match path {
        Some(path) if path.is_dir() => {
            let manifest = [marine_manifest::FILE_NAME, OLD_FILE_NAME].map(|name| path.join(name));
            manifest.into_iter().find(|path| path.is_file()).ok_or_else(|| {
                Failure::new(Exit::Manifest, format!("there is no Marine.toml in `{}`", path.display())).help(help)
            })
        }
        Some(path) if path.is_file() => Ok(path.to_path_buf()),
        Some(path) => {
            Err(Failure::new(Exit::Manifest, format!("there is no manifest `{}`", path.display())).help(help))
        }
        None => nearest(),
    }
}

/// The nearest manifest.
pub(crate) fn nearest() -> Outcome<PathBuf> {
    let here = std::env::current_dir()?;
    Manifest::find(&here).ok_or_else(|| {
        let help = match here.join(OLD_FILE_NAME).is_file() {
            true => "`marine migrate` makes one from the Config.toml here",
            false => "`marine new NAME` starts a service; `-C DIR` says where one is",
        };
        Failure::new(Exit::Usage, format!("there is no Marine.toml in `{}` or above it", here.display())).help(help)
    })
}

/// Which exit code an error of the build deserves; its own text says what to do.
pub(crate) fn failure(error: BuildError) -> Failure {
    if let BuildError::Manifest(errors) = error {
        // By itself, so that programs get all mistakes one by one.
        return Failure { exit: Exit::Manifest, error: errors.into(), help: None };
    }
    let exit = match error.kind() {
        ErrorKind::Toolchain => Exit::Tool,
        ErrorKind::Manifest => Exit::Manifest,
        // Not `Exit::Nothing`, which tells scripts that all is well.
        ErrorKind::Nothing => Exit::Usage,
        _ => Exit::Build,
    };
    Failure { exit, error: error.into(), help: None }
}
