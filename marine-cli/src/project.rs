//! From a manifest to a running service: find, build, link, start.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use marine_build::{BuildError, BuildEvent, BuildOutput, BuildRequest, BuiltService, ErrorKind, Profile};
use marine_manifest::{Dir, Manifest, ModuleEntry};
use marine_runtime::{Engine, EngineConfig, LogRecord, Module, ModuleSpec, Plan, Service, ServiceSpec};

use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::paths;
use crate::ui::{Progress, Ui, count, size};

/// A service that was built: its modules are components on disk, and it has a blueprint.
pub(crate) struct Built {
    pub(crate) manifest: Manifest,
    pub(crate) service: BuiltService,
    output: BuildOutput,
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
    // Cargo's messages are kept back while all goes well and nobody asked for them; a failure shows them in full.
    let mut said = Vec::new();
    let result = marine_build::build(request, &mut |event| match event {
        BuildEvent::Toolchain(step) => progress.line(step),
        BuildEvent::Cargo(line) if ui.verbose > 0 => progress.line(line),
        BuildEvent::Cargo(line) => {
            progress.detail(line.trim());
            said.push(line.to_string());
        }
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
    });
    let complains = |line: &String| line.contains("warning") || line.contains("error");
    if result.is_err() || said.iter().any(complains) {
        said.iter().for_each(|line| progress.line(line));
    }
    result.map_err(failure)
}

/// Builds the service at `path` (a manifest or a directory), or the nearest one.
pub(crate) fn build_service(path: Option<&Path>, profile: Profile, progress: &Progress, ui: Ui) -> Outcome<Built> {
    let request = request(&manifest_path(path)?, profile)?;
    Built::of(build(&request, progress, ui)?)
}

impl Built {
    /// The service of a build; building modules without a manifest makes none.
    pub(crate) fn of(output: BuildOutput) -> Outcome<Self> {
        match (&output.manifest, &output.service) {
            (Some(manifest), Some(service)) => {
                Ok(Self { manifest: manifest.clone(), service: service.clone(), output })
            }
            _ => Err(Failure::new(Exit::Manifest, "there is no Marine.toml, so there is no service")
                .help("describe the service in a Marine.toml")),
        }
    }

    /// The service's name.
    pub(crate) fn name(&self) -> &str {
        &self.manifest.service.name
    }

    /// The component of the module called `name`.
    pub(crate) fn wasm(&self, name: &str) -> Outcome<&Path> {
        self.output.wasm(name).ok_or_else(|| {
            Failure::new(
                Exit::Manifest,
                format!("module `{name}` is listed by content id, which cannot be fetched here"),
            )
        })
    }

    /// Checks that the modules fit together; nothing of them has run afterwards.
    pub(crate) fn link(&self) -> Outcome<Plan> {
        link(ServiceSpec::from_manifest(&self.manifest, |entry| load(&entry.name, self.wasm(&entry.name)?))?)
    }

    /// What each module may touch, a line each; modules without grants say so.
    pub(crate) fn grants(&self) -> Vec<String> {
        self.manifest.modules.iter().map(|module| format!("{} may use {}", module.name, grants(module))).collect()
    }

    /// Starts the service on this machine, as its manifest grants.
    fn start(&self, ui: Ui) -> Outcome<Service> {
        // Beside the build's output, so that `cargo clean` forgets it.
        start(self.link()?, &self.manifest.dir.join("target/marine/volumes"), ui)
    }
}

/// A service for trying things out: that of a manifest, built first, or one made of components alone, without grants.
pub(crate) fn local_service(sources: &[PathBuf], ui: Ui) -> Outcome<Service> {
    if sources.iter().any(|path| path.extension().is_some_and(|extension| extension == "wasm")) {
        return bare_service(sources, ui);
    }
    if let [_, second, ..] = sources {
        return Err(Failure::new(
            Exit::Usage,
            format!("one manifest at a time; `{}` is a second one", second.display()),
        ));
    }
    let progress = ui.progress("Building");
    let built = build_service(sources.first().map(PathBuf::as_path), Profile::Dev, &progress, ui)?;
    built.start(ui)
}

fn bare_service(sources: &[PathBuf], ui: Ui) -> Outcome<Service> {
    let mut modules = Vec::new();
    for path in sources {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().replace('_', "-")).unwrap_or_default();
        modules.push(ModuleSpec::new(load(&stem, path)?));
    }
    let name = modules.last().map(|spec| spec.module.name().to_string()).unwrap_or_default();
    start(link(ServiceSpec::new(name, modules))?, &paths::cache()?.join("volumes"), ui)
}

fn load(name: &str, path: &Path) -> Outcome<Module> {
    Module::from_file(name, path).or_exit(Exit::Manifest)
}

fn link(spec: ServiceSpec) -> Outcome<Plan> {
    let engine = Engine::new(EngineConfig::default())
        .or_fail(Exit::Unexpected, "cannot start the engine that runs WebAssembly")?;
    Plan::link(&engine, spec).or_exit(Exit::Manifest)
}

fn start(plan: Plan, volumes: &Path, ui: Ui) -> Outcome<Service> {
    let sink = move |record: LogRecord| {
        ui.note(format_args!("[{} {}] {}", record.module, record.level.as_str(), record.message))
    };
    Service::builder(plan).id("local").volumes(volumes).logs(sink).build().or_exit(Exit::Call)
}

fn grants(module: &ModuleEntry) -> String {
    let dirs = module.grants.dirs.iter().map(|(guest, dir)| match dir {
        Dir::Host { path, mode, .. } => format!("{guest}: {} ({})", path.display(), mode.as_str()),
        Dir::Volume { name, mode } => format!("{guest}: volume `{name}` ({})", mode.as_str()),
        Dir::Temp => format!("{guest}: scratch space"),
    });
    let env = module.grants.env.keys().map(|name| format!("variable {name}"));
    let all: Vec<_> = dirs.chain(env).collect();
    if all.is_empty() { "nothing".to_string() } else { all.join(", ") }
}

fn manifest_path(path: Option<&Path>) -> Outcome<PathBuf> {
    match path {
        Some(path) if path.is_dir() => {
            let manifest = path.join(marine_manifest::FILE_NAME);
            match manifest.is_file() {
                true => Ok(manifest),
                false => Err(Failure::new(Exit::Manifest, format!("there is no Marine.toml in `{}`", path.display()))
                    .help("give a Marine.toml, its directory, or a component (.wasm)")),
            }
        }
        Some(path) if path.is_file() => Ok(path.to_path_buf()),
        Some(path) => Err(Failure::new(Exit::Manifest, format!("there is no manifest `{}`", path.display()))
            .help("give a Marine.toml, its directory, or a component (.wasm)")),
        None => nearest(),
    }
}

fn nearest() -> Outcome<PathBuf> {
    let here = std::env::current_dir()?;
    Manifest::find(&here).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("there is no Marine.toml in `{}` or above it", here.display()))
            .help("`marine new NAME` starts a service; `-C DIR` says where one is")
    })
}

/// Which exit code an error of the build deserves; its own text says what to do.
pub(crate) fn failure(error: BuildError) -> Failure {
    let exit = match error.kind() {
        ErrorKind::Toolchain => Exit::Tool,
        ErrorKind::Manifest => Exit::Manifest,
        // Not `Exit::Nothing`, which tells scripts that all is well.
        ErrorKind::Nothing => Exit::Usage,
        _ => Exit::Build,
    };
    Failure { exit, error: error.into(), help: None }
}
