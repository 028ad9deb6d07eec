//! A service built for tests.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use marine_build::{BuildEvent, BuildRequest, build};
use marine_manifest::{FILE_NAME, Manifest, OLD_FILE_NAME, Source, module_cid};

use crate::error::TestBuildError;
use crate::interface::Component;

/// Set to `never` where nothing may be compiled, in editors for example.
const BUILD: &str = "MARINE_TEST_BUILD";
/// Where modules are compiled for tests, if not in the project.
const TARGET_DIR: &str = "MARINE_TEST_TARGET_DIR";

/// How many versions of one module are kept for tests that were compiled for them.
const KEPT: usize = 16;
/// Set for the compilers that build modules; see [`is_nested`].
const NESTED: &str = "MARINE_TEST_NESTED";

/// Whether this process is part of a build that was started for tests. Tests mean nothing there, and would start it again.
pub fn is_nested() -> bool {
    env::var_os(NESTED).is_some()
}

/// What to build for tests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TestRequest {
    /// The manifest, an absolute path.
    pub manifest: PathBuf,
    /// Where cargo compiles the modules. Never the target directory of the project: a build that waits for the tests to be expanded
    /// holds that one's lock.
    pub target_dir: PathBuf,
    /// Whether the modules are built; else those of the last build are taken.
    pub build: bool,
}

/// A service whose modules are there and known by their interfaces.
#[derive(Clone, Debug)]
pub struct TestService {
    /// Its name in the manifest, kebab-case.
    pub name: String,
    /// The manifest.
    pub manifest: PathBuf,
    /// The name of the module whose functions it offers.
    pub facade: String,
    /// Its modules in the order of the manifest.
    pub modules: Vec<TestModule>,
    /// Every file that it was made from: if one of them changes, it has to be built again.
    pub inputs: Vec<PathBuf>,
}

/// A module of a [`TestService`].
#[derive(Clone, Debug)]
pub struct TestModule {
    /// What imports call it.
    pub name: String,
    /// The component.
    pub wasm: PathBuf,
    /// The component's content id.
    pub cid: String,
    pub(crate) component: Component,
}

impl TestRequest {
    /// A build of the manifest at `path`: a file, or the directory of one.
    ///
    /// # Errors
    /// [`TestBuildError::NoManifest`].
    pub fn of(path: &Path) -> Result<TestRequest, TestBuildError> {
        let path = if path.is_dir() { manifest_in(path) } else { path.to_path_buf() };
        let manifest = path.canonicalize().map_err(|_| TestBuildError::NoManifest(path))?;
        let target_dir = match env::var_os(TARGET_DIR) {
            Some(dir) => PathBuf::from(dir),
            None => workspace_of(&manifest).join("target").join("marine-test"),
        };
        Ok(TestRequest { manifest, target_dir, build: env::var(BUILD).as_deref() != Ok("never") })
    }

    /// A build of the nearest `Marine.toml` in `start` or above.
    ///
    /// # Errors
    /// [`TestBuildError::NoManifest`].
    pub fn nearest(start: &Path) -> Result<TestRequest, TestBuildError> {
        let found = Manifest::find(start).ok_or_else(|| TestBuildError::NoManifest(start.to_path_buf()))?;
        TestRequest::of(&found)
    }

    /// Outputs lie apart per manifest: two services may have modules of one name.
    fn out_dir(&self, name: &str) -> PathBuf {
        let hash = blake3::hash(self.manifest.as_os_str().as_encoded_bytes()).to_hex();
        self.target_dir.join("services").join(format!("{name}-{}", &hash[..8]))
    }
}

/// The manifest of a directory; that of the predecessor if there is no other.
fn manifest_in(dir: &Path) -> PathBuf {
    let [ours, old] = [FILE_NAME, OLD_FILE_NAME].map(|name| dir.join(name));
    if !ours.is_file() && old.is_file() { old } else { ours }
}

/// Where the project keeps its target directory: beside the nearest `Cargo.lock`, else beside the manifest.
fn workspace_of(manifest: &Path) -> &Path {
    let dir = manifest.parent().unwrap_or(manifest);
    dir.ancestors().find(|dir| dir.join("Cargo.lock").is_file()).unwrap_or(dir)
}

impl TestService {
    /// Builds the modules of a service, as far as they are not up to date. `announce` is told, a line at a time, what is about to be
    /// changed on the machine.
    ///
    /// # Errors
    /// See [`TestBuildError`]; what cargo said is part of it.
    pub fn build(request: &TestRequest, announce: &mut dyn FnMut(&str)) -> Result<TestService, TestBuildError> {
        let manifest = Manifest::read(&request.manifest).map_err(|error| failed(String::new(), error.into()))?;
        let out_dir = request.out_dir(&manifest.service.name);
        let mut inputs = vec![request.manifest.clone()];
        inputs.extend(match request.build {
            true => compile(request, &out_dir, announce)?,
            // What was built before was made from these, as far as that can be told.
            false => {
                let listed = build_request(request, &out_dir).and_then(|request| marine_build::inputs(&request));
                files(listed.unwrap_or_default())
            }
        });
        let made = newest(&inputs);
        let modules = manifest.modules.iter().map(|entry| match &entry.source {
            Source::Crate(_) => {
                TestModule::read(&entry.name, &out_dir.join(format!("{}.wasm", entry.name)), &out_dir, made)
            }
            Source::Wasm(path) => {
                inputs.push(path.clone());
                TestModule::read(&entry.name, path, &out_dir, newest(std::slice::from_ref(path)))
            }
            Source::Cid(cid) => Err(TestBuildError::Interface {
                module: entry.name.clone(),
                why: format!("{cid} cannot be fetched by a test; list the file with `wasm`"),
            }),
        });
        let modules = modules.collect::<Result<_, _>>()?;
        inputs.sort_unstable();
        inputs.dedup();
        let facade = manifest.facade().to_owned();
        Ok(TestService { name: manifest.service.name, manifest: request.manifest.clone(), facade, modules, inputs })
    }
}

/// Builds the crates of the manifest; returns the files they were made from.
fn compile(
    request: &TestRequest,
    out_dir: &Path,
    announce: &mut dyn FnMut(&str),
) -> Result<Vec<PathBuf>, TestBuildError> {
    let mut said = String::new();
    let built = build_request(request, out_dir).and_then(|mut build_request| {
        // A build directory that is set for all of the user's projects is locked too while the tests are compiled.
        let build_dir = format!("build.build-dir={:?}", request.target_dir.to_string_lossy());
        build_request.cargo_args.extend(["--config".to_owned(), build_dir]);
        // Should a module depend on `marine-test` outside of its tests, its own build expands the macro: to nothing.
        build_request.cargo_args.extend(["--config".to_owned(), format!("env.{NESTED}='1'")]);
        build(&build_request, &mut |event| match event {
            BuildEvent::Toolchain(step) => announce(step),
            BuildEvent::Cargo(line) => {
                said.push_str(line);
                said.push('\n');
            }
            _ => {}
        })
    });
    match built {
        Ok(output) => Ok(output.inputs),
        Err(error) => Err(failed(said, error)),
    }
}

fn build_request(request: &TestRequest, out_dir: &Path) -> Result<BuildRequest, marine_build::BuildError> {
    let mut build_request = BuildRequest::new(&request.manifest)?;
    build_request.target_dir = Some(request.target_dir.clone());
    build_request.out_dir = Some(out_dir.to_path_buf());
    Ok(build_request)
}

/// The files among `paths` and in directories among them. Links to directories are not followed: they may lead in circles.
fn files(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    while let Some(path) = paths.pop() {
        if path.is_file() {
            files.push(path);
        } else if !path.is_symlink()
            && let Ok(entries) = path.read_dir()
        {
            paths.extend(entries.flatten().map(|entry| entry.path()));
        }
    }
    files
}

/// When the last of `files` was changed.
fn newest(files: &[PathBuf]) -> Option<SystemTime> {
    files.iter().filter_map(|file| fs::metadata(file).ok()?.modified().ok()).max()
}

fn failed(said: String, error: marine_build::BuildError) -> TestBuildError {
    TestBuildError::Build { said, error: Box::new(error) }
}

impl TestModule {
    /// Reads the component at `wasm` and keeps a copy that nobody changes: a test that was compiled earlier goes on with what it was
    /// compiled for, whatever is built since.
    ///
    /// The copy says that it was made when the last of its sources was, at `made`. Its own time lies within the compilation of the test,
    /// and cargo compiles again what was made from a file that is newer than the compilation's beginning.
    fn read(name: &str, wasm: &Path, out_dir: &Path, made: Option<SystemTime>) -> Result<TestModule, TestBuildError> {
        if !fs::exists(wasm).unwrap_or(false) {
            return Err(TestBuildError::NeverBuilt { module: name.to_owned() });
        }
        let unusable = |why: String| TestBuildError::Interface { module: name.to_owned(), why };
        let (component, bytes) = Component::read(wasm).map_err(unusable)?;
        let cid = module_cid(&bytes).to_string();
        let dir = out_dir.join("components").join(name);
        let copy = dir.join(format!("{cid}.wasm"));
        if !copy.is_file() {
            keep(&dir, &copy, &bytes, made).map_err(TestBuildError::io("write", &copy))?;
        }
        let wasm = copy.canonicalize().map_err(TestBuildError::io("find", &copy))?;
        Ok(TestModule { name: name.to_owned(), wasm, cid, component })
    }
}

/// Writes `copy` as a whole or not at all, and removes the oldest copies in `dir` beyond [`KEPT`]. Tests that were compiled for one of
/// those are compiled again, since cargo misses a file they were made from.
fn keep(dir: &Path, copy: &Path, bytes: &[u8], made: Option<SystemTime>) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    let unfinished = copy.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = fs::File::create(&unfinished)?;
    file.write_all(bytes)?;
    if let Some(made) = made {
        file.set_modified(made)?;
    }
    fs::rename(&unfinished, copy)?;
    let mut copies: Vec<_> = fs::read_dir(dir)?
        .filter_map(|entry| entry.ok())
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    copies.sort_unstable();
    for (_, old) in copies.iter().rev().skip(KEPT) {
        fs::remove_file(old)?;
    }
    Ok(())
}
