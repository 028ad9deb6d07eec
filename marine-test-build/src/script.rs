//! The form for build scripts: the same bindings, in a file.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::TestBuildError;
use crate::generate::bindings;
use crate::service::{TestRequest, TestService};

/// Bindings written by a build script, for projects that would rather see the code, or that generate it once for many test files.
///
/// ```no_run
/// // build.rs, with `marine-test-build` among the build-dependencies
/// fn main() -> Result<(), marine_test_build::TestBuildError> {
///     marine_test_build::Script::new().service("shop", "Marine.toml").write()
/// }
/// ```
///
/// The tests then hold `include!(concat!(env!("OUT_DIR"), "/marine_test_env.rs"));`, which brings the module `marine_test_env`.
#[derive(Clone, Debug, Default)]
pub struct Script {
    services: Vec<(String, bool, PathBuf)>,
    out: Option<PathBuf>,
}

impl Script {
    /// A script without services.
    pub fn new() -> Script {
        Script::default()
    }

    /// Adds the service of `manifest`, relative to the package, under the module `name` of `marine_test_env`.
    #[must_use]
    pub fn service(mut self, name: &str, manifest: impl AsRef<Path>) -> Script {
        self.services.push((name.to_owned(), false, manifest.as_ref().to_path_buf()));
        self
    }

    /// Adds a service that may write to the host's real directories instead of private copies.
    #[must_use]
    pub fn service_with_real_dirs(mut self, name: &str, manifest: impl AsRef<Path>) -> Script {
        self.services.push((name.to_owned(), true, manifest.as_ref().to_path_buf()));
        self
    }

    /// Where the code goes; `marine_test_env.rs` in `OUT_DIR` if not given.
    #[must_use]
    pub fn out_file(mut self, path: impl Into<PathBuf>) -> Script {
        self.out = Some(path.into());
        self
    }

    /// Builds the services, writes the code, and tells cargo what it depends on.
    ///
    /// # Errors
    /// See [`TestBuildError`].
    pub fn write(&self) -> Result<(), TestBuildError> {
        let package = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
        let mut built = Vec::new();
        for (name, real_dirs, manifest) in &self.services {
            let request = TestRequest::of(&package.join(manifest))?;
            built.push((name.clone(), *real_dirs, TestService::build(&request, &mut warn)?));
        }
        let listed: Vec<_> = built.iter().map(|(name, real, service)| (name.clone(), *real, service)).collect();
        let code = bindings(&listed)?.to_string();
        let path = match &self.out {
            Some(path) => path.clone(),
            None => env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default().join("marine_test_env.rs"),
        };
        fs::write(&path, code).map_err(TestBuildError::io("write", &path))?;
        built.iter().flat_map(|(_, _, service)| &service.inputs).for_each(|input| rerun_if_changed(input));
        Ok(())
    }
}

#[expect(clippy::print_stdout, reason = "how build scripts speak to cargo")]
fn rerun_if_changed(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

#[expect(clippy::print_stdout, reason = "how build scripts speak to cargo")]
fn warn(step: &str) {
    println!("cargo::warning={step}");
}
