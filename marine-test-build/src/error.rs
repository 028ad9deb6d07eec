//! Why there are no bindings.

use std::path::PathBuf;

use marine_build::BuildError;
use thiserror::Error;

/// Why there are no bindings for a service.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TestBuildError {
    /// No manifest is there.
    #[error(
        "error[M650]: found no `Marine.toml` in {} or above\n\
         help: say where it is: `#[marine_test(manifest = \"path/to/Marine.toml\")]`",
        .0.display()
    )]
    NoManifest(PathBuf),
    /// The service does not build.
    #[error("{said}{error}")]
    Build {
        /// What cargo and the compiler said, each line ended.
        said: String,
        /// Why the build ended.
        #[source]
        error: Box<BuildError>,
    },
    /// There is no component: nothing was built before, and `MARINE_TEST_BUILD=never`, or nobody made the file that the manifest lists.
    #[error(
        "error[M651]: module `{module}` was not built yet\n\
         help: run `cargo test` without `MARINE_TEST_BUILD=never`; a listed component is made by its own tools"
    )]
    NeverBuilt {
        /// The module.
        module: String,
    },
    /// A component whose interface cannot be read.
    #[error("error[M652]: module `{module}` has no usable interface: {why}")]
    Interface {
        /// The module.
        module: String,
        /// Why not.
        why: String,
    },
    /// A file cannot be read or written.
    #[error("error[M653]: cannot {action} {}: {cause}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
}

impl TestBuildError {
    /// For `map_err` at file operations.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> TestBuildError {
        let path = path.into();
        move |cause| TestBuildError::Io { action, path, cause }
    }
}
