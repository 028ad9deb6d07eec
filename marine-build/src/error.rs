//! Why a build ended without a result.

use std::io;
use std::path::PathBuf;

use marine_manifest::{BlueprintError, ManifestErrors, OLD_FILE_NAME};
use thiserror::Error;

use crate::encode::EncodeError;
use crate::toolchain::{INSTALL_C_COMPILER, ToolchainError};

/// Why a build ended without a result; [`BuildError::kind`] sorts it for exit codes.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The manifest has mistakes.
    #[error(transparent)]
    Manifest(#[from] ManifestErrors),
    /// There is no target to compile for.
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),
    /// Neither manifest nor package is there.
    #[error(
        "error[M205]: found neither `Marine.toml` nor `Cargo.toml` in {} or above\nhelp: {}",
        .0.display(),
        if .0.join(OLD_FILE_NAME).is_file() { "`marine migrate` makes a Marine.toml from the Config.toml there" } else { "start a project with `marine new`" }
    )]
    NoProject(PathBuf),
    /// No package is a module.
    #[error(
        "error[M206]: nothing to build in {}: no package depends on marine-sdk\n\
         help: add `marine-sdk` to the dependencies of a library with `crate-type = [\"cdylib\"]`",
        .0.display()
    )]
    NothingToBuild(PathBuf),
    /// A module's package is not there.
    #[error("error[M207]: module `{module}`: there is no package `{wanted}`{}", .known)]
    NoPackage {
        /// The module.
        module: String,
        /// What the manifest calls the package.
        wanted: String,
        /// The packages there are, as the end of the sentence.
        known: String,
    },
    /// A package has no target that could be a module, or several.
    #[error("error[M208]: package `{package}` {what}\nhelp: {help}")]
    NoTarget {
        /// The package.
        package: String,
        /// What is wrong with its targets.
        what: String,
        /// What to do.
        help: String,
    },
    /// Two targets make one module.
    #[error("error[M209]: two modules are called `{0}`, from `{1}` and `{2}`\nhelp: name modules in a `Marine.toml`")]
    SameName(String, String, String),
    /// The command that makes a module of another language failed.
    #[error(
        "error[M217]: module `{module}` cannot be made: {why}\n  command: {command}\nhelp: correct `build` in the manifest, or run the command by hand"
    )]
    Command {
        /// The module.
        module: String,
        /// What was run.
        command: String,
        /// How it failed.
        why: String,
    },
    /// A module of another language that is not there, while its command was not to be run.
    #[error(
        "error[M220]: module `{module}` was not made yet: there is no {wasm}\nhelp: `marine build` runs the command that makes it",
        wasm = wasm.display()
    )]
    NotMade {
        /// The module.
        module: String,
        /// Its file.
        wasm: PathBuf,
    },
    /// A package was asked for that is no module.
    #[error("error[M218]: no module is called `{wanted}`, nor its package\nhelp: there are {known}")]
    NotSelected {
        /// What was asked for.
        wanted: String,
        /// The packages there are.
        known: String,
    },
    /// The time of the build is no time.
    #[error("error[M219]: `SOURCE_DATE_EPOCH` is {0:?}\nhelp: set it to the seconds since 1970, or not at all")]
    Epoch(String),
    /// Cargo cannot read the project.
    #[error("error[M210]: cargo cannot read {}:\n{why}", .path.display())]
    Metadata {
        /// The project.
        path: PathBuf,
        /// What cargo says.
        why: String,
    },
    /// Cargo or the compiler failed; their messages were events.
    #[error("error[M211]: cargo failed ({status}), see its messages above\n  command: {command}{}", c_help(last))]
    Cargo {
        /// How cargo ended.
        status: String,
        /// What was run.
        command: String,
        /// The last lines that cargo wrote.
        last: String,
    },
    /// Cargo succeeded without making the module.
    #[error("error[M212]: cargo built no WebAssembly for target `{target}` of `{package}`\nhelp: {help}")]
    NoArtifact {
        /// The package.
        package: String,
        /// The target.
        target: String,
        /// What to do.
        help: &'static str,
    },
    /// A module cannot be turned into a component.
    #[error("error[{}]: module `{module}`: {cause}", .cause.code())]
    Encode {
        /// The module.
        module: String,
        /// Why.
        #[source]
        cause: EncodeError,
    },
    /// A component that the manifest lists cannot be used.
    #[error("error[M214]: module `{module}`: {what}")]
    Component {
        /// The module.
        module: String,
        /// What is wrong.
        what: String,
    },
    /// The blueprint would be invalid.
    #[error("error[M215]: {0}")]
    Blueprint(#[from] BlueprintError),
    /// A file cannot be read or written.
    #[error("error[M216]: cannot {action} {}: {cause}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
}

/// What kind of failure it is: exit codes follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The source does not build.
    Build,
    /// The toolchain is missing.
    Toolchain,
    /// The manifest is wrong.
    Manifest,
    /// There is nothing to build.
    Nothing,
}

impl BuildError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            BuildError::Manifest(_)
            | BuildError::NoPackage { .. }
            | BuildError::NotSelected { .. }
            | BuildError::Component { .. } => ErrorKind::Manifest,
            BuildError::Toolchain(_) => ErrorKind::Toolchain,
            BuildError::NoProject(_) | BuildError::NothingToBuild(_) => ErrorKind::Nothing,
            _ => ErrorKind::Build,
        }
    }

    /// For `map_err` at file operations.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> BuildError {
        let path = path.into();
        move |cause| BuildError::Io { action, path, cause }
    }
}

/// What to do if cargo's last lines tell of C code that could not be compiled: the crate `cc` wrote them, or clang.
fn c_help(last: &str) -> String {
    let tells = ["error occurred in cc-rs", "ToolNotFound", "ToolExecError", "file not found\n    #include"];
    match tells.iter().any(|words| last.contains(words)) {
        true => format!("\nhelp: a dependency has C code: {INSTALL_C_COMPILER}"),
        false => String::new(),
    }
}
