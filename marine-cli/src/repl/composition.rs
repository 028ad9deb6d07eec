//! What the service under the user's hands is made of, and how it is made anew.

use std::path::{Path, PathBuf};

use marine_build::Profile;
use marine_manifest::Manifest;
use marine_runtime::{LogRecord, ModuleSpec, Plan, Service, ServiceSpec};

use crate::exit::{Exit, Fail, Outcome};
use crate::paths;
use crate::project::{self, Built};
use crate::ui::Ui;

/// A description from which a service can be made as often as needed.
#[derive(Debug, Clone)]
pub(crate) struct Composition {
    base: Base,
    /// Modules that were added by hand: name and component.
    loaded: Vec<(String, PathBuf)>,
    /// Modules of the base that were taken out.
    unloaded: Vec<String>,
    /// Where volumes lie, if not in the usual place.
    volumes: Option<PathBuf>,
    /// Whether a manifest's modules are built first.
    pub(super) build: bool,
    /// Which grants count beside those of the manifest.
    extra: Extra,
}

/// Grants beside those of the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extra {
    /// None.
    Nothing,
    /// `[repl.MODULE]`.
    Repl,
    /// `[test.MODULE]`.
    Test,
}

#[derive(Debug, Clone)]
enum Base {
    Empty,
    Manifest(PathBuf),
    Components(Vec<PathBuf>),
}

/// A service that is linked and has not started.
#[derive(Clone)]
pub(super) struct Prepared {
    plan: Plan,
    volumes: PathBuf,
    manifest: Option<Manifest>,
}

/// A service that was made.
pub(crate) struct Made {
    pub(crate) service: Service,
    /// The manifest that it was made from, with the extra grants that count.
    pub(crate) manifest: Option<Manifest>,
    /// What it takes to make it once more.
    pub(super) prepared: Prepared,
}

impl Prepared {
    pub(super) fn start(self, sink: impl Fn(LogRecord) + Send + Sync + 'static) -> Outcome<Made> {
        let builder = Service::builder(self.plan.clone()).id("local").volumes(&self.volumes).logs(sink);
        let service = builder.build().or_exit(Exit::Call)?;
        Ok(Made { service, manifest: self.manifest.clone(), prepared: self })
    }
}

impl Composition {
    /// Nothing yet.
    pub(crate) fn empty() -> Self {
        Self::of(Base::Empty)
    }

    /// What `sources` name: one manifest (or its directory), or components of which the last is the facade.
    pub(crate) fn from_sources(sources: &[PathBuf]) -> Outcome<Self> {
        if sources.iter().any(|path| path.extension().is_some_and(|extension| extension == "wasm")) {
            return Ok(Self::of(Base::Components(sources.to_vec())));
        }
        Ok(Self::of(Base::Manifest(project::one_service(sources)?)))
    }

    fn of(base: Base) -> Self {
        Self { base, loaded: Vec::new(), unloaded: Vec::new(), volumes: None, build: true, extra: Extra::Repl }
    }

    /// The same with volumes in `dir`.
    pub(crate) fn with_volumes(mut self, dir: PathBuf) -> Self {
        self.volumes = Some(dir);
        self
    }

    /// The same with other grants beside those of the manifest.
    pub(crate) fn with_extra(mut self, extra: Extra) -> Self {
        self.extra = extra;
        self
    }

    /// Whether modules are built before the service is made.
    pub(crate) fn building(mut self, build: bool) -> Self {
        self.build = build;
        self
    }

    /// The manifest, if there is one.
    pub(super) fn manifest(&self) -> Option<&Path> {
        match &self.base {
            Base::Manifest(path) => Some(path),
            _ => None,
        }
    }

    /// The same service as it was described, without what was loaded and unloaded.
    pub(super) fn afresh(&self) -> Self {
        Self { loaded: Vec::new(), unloaded: Vec::new(), ..self.clone() }
    }

    /// The same service with one more module.
    pub(super) fn loading(&self, name: &str, path: PathBuf) -> Self {
        let mut this = self.clone();
        this.unloaded.retain(|unloaded| unloaded != name);
        this.loaded.push((name.to_owned(), path));
        this
    }

    /// The same service without the module.
    pub(super) fn unloading(&self, name: &str) -> Self {
        let mut this = self.clone();
        let before = this.loaded.len();
        this.loaded.retain(|(loaded, _)| loaded != name);
        if this.loaded.len() == before {
            this.unloaded.push(name.to_owned());
        }
        this
    }

    /// Builds and links; nothing runs yet. `None` if there is no module.
    pub(super) fn prepare(&self, ui: Ui) -> Outcome<Option<Prepared>> {
        let mut built = self.built(ui)?;
        let Some((plan, volumes)) = self.plan(built.as_mut())? else { return Ok(None) };
        Ok(Some(Prepared { plan, volumes, manifest: built.map(|built| built.manifest) }))
    }

    fn built(&self, ui: Ui) -> Outcome<Option<Built>> {
        let Base::Manifest(path) = &self.base else { return Ok(None) };
        if !self.build {
            return project::last_build(path).map(Some);
        }
        let progress = ui.progress("Building");
        project::build_service(Some(path), Profile::Dev, &progress, ui).map(Some)
    }

    fn plan(&self, built: Option<&mut Built>) -> Outcome<Option<(Plan, PathBuf)>> {
        let has_manifest = built.is_some();
        let (mut spec, usual) = match (&self.base, built) {
            (Base::Manifest(_), Some(built)) => {
                let spec = built.spec(self.extra)?;
                // Beside the build's output, so that `cargo clean` forgets it.
                (spec, built.manifest.dir.join("target/marine/volumes"))
            }
            (Base::Components(paths), _) => (components(paths)?, paths::cache()?.join("volumes")),
            _ => (ServiceSpec::new("service", Vec::new()), paths::cache()?.join("volumes")),
        };
        spec.modules.retain(|module| !self.unloaded.iter().any(|name| name == module.module.name()));
        if spec.facade.as_ref().is_some_and(|facade| self.unloaded.contains(facade)) {
            spec.facade = None;
        }
        // What is loaded by hand does not become the facade of a service that has one.
        let facade = spec.modules.last().map(|module| module.module.name().to_owned());
        if has_manifest && spec.facade.is_none() {
            spec.facade = facade;
        }
        for (name, path) in &self.loaded {
            spec.modules.push(ModuleSpec::new(project::load(name, path)?));
        }
        if spec.modules.is_empty() {
            return Ok(None);
        }
        let plan = project::link(spec)?;
        Ok(Some((plan, self.volumes.clone().unwrap_or(usual))))
    }
}

fn components(paths: &[PathBuf]) -> Outcome<ServiceSpec> {
    let modules =
        paths.iter().map(|path| project::component(path).map(ModuleSpec::new)).collect::<Outcome<Vec<_>>>()?;
    let name = modules.last().map(|spec| spec.module.name().to_string()).unwrap_or_default();
    Ok(ServiceSpec::new(name, modules))
}
