//! The modules of `tests/guests`, built once per profile and test run, and services made of them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use marine_build::{BuildOutput, BuildRequest, Profile, build};
use marine_runtime::{Engine, EngineConfig, LogRecord, Module, ModuleSpec, Plan, Service, ServiceSpec};

/// Both ways a module can be compiled: what one gets wrong, the other may hide.
pub(crate) const PROFILES: [Profile; 2] = [Profile::Dev, Profile::Release];

/// The engine of this test run.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(EngineConfig::default()).unwrap())
}

/// The built modules.
pub(crate) fn built(profile: Profile) -> &'static BuildOutput {
    static DEV: OnceLock<BuildOutput> = OnceLock::new();
    static RELEASE: OnceLock<BuildOutput> = OnceLock::new();
    let built = match profile {
        Profile::Dev => &DEV,
        Profile::Release => &RELEASE,
    };
    built.get_or_init(|| {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests");
        let mut request = BuildRequest::new(dir).unwrap();
        request.profile = profile;
        request.target_dir = Some(target_dir());
        build(&request, &mut |_| {}).unwrap_or_else(|error| panic!("cannot build the test modules: {error}"))
    })
}

/// Where all test modules are compiled.
fn target_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests")
}

/// The module called `name`.
pub(crate) fn module(profile: Profile, name: &str) -> Module {
    let wasm = built(profile).wasm(name).unwrap_or_else(|| panic!("no test module `{name}`"));
    Module::from_file(name, wasm).unwrap()
}

/// A spec of the modules called `names`, without grants; the last is the facade.
pub(crate) fn spec(profile: Profile, names: &[&str]) -> ServiceSpec {
    ServiceSpec::new("test", names.iter().map(|name| ModuleSpec::new(module(profile, name))).collect())
}

/// A service made of `spec`, and the records it logs.
pub(crate) fn service(spec: ServiceSpec) -> (Service, Records) {
    let plan = Plan::link(engine(), spec).unwrap_or_else(|errors| panic!("cannot link: {errors}"));
    let records = Records::default();
    let sink = records.clone();
    let builder = Service::builder(plan).id("test-1").host_id("host").creator("creator");
    let service = builder.logs(move |record| sink.0.lock().unwrap().push(record)).build().unwrap();
    (service, records)
}

/// What a service logged.
#[derive(Clone, Default)]
pub(crate) struct Records(Arc<Mutex<Vec<LogRecord>>>);

impl Records {
    /// `module level target: message` for each record since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        let records = std::mem::take(&mut *self.0.lock().unwrap());
        let line =
            |record: LogRecord| format!("{} {:?} {}: {}", record.module, record.level, record.target, record.message);
        records.into_iter().map(line).collect()
    }
}
