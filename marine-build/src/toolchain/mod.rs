//! A Rust compiler that builds for [`TARGET`], found or made.
//!
//! [`provision`] tries five ways in a fixed order: the installed target, a sysroot made earlier, `rustup target add`, the
//! distribution's packages, and at last an error with the one command to run. It announces each step that changes something on
//! the machine before it is taken. It never installs a toolchain, changes a default or touches plain `RUSTFLAGS`.

mod c_compiler;
mod command;
mod compiler;
mod distribution;
mod error;
mod options;
mod rustup;
mod sysroot;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use compiler::Compiler;
use sysroot::Sysroot;

pub use c_compiler::{CCompiler, INSTALL_C_COMPILER};
pub use error::{Attempt, ToolchainError};
pub use options::{Options, Way};

/// The target of every module; the encoder turns its WASI preview 1 imports into WASI 0.2.
pub const TARGET: &str = "wasm32-wasip1";

/// The oldest compiler that builds the SDK (its `rust-version`).
pub const OLDEST_RUSTC: semver::Version = semver::Version::new(1, 95, 0);

/// A compiler and what it needs to build for [`TARGET`].
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// How it was found.
    pub way: Way,
    compiler: Compiler,
    sysroot: Option<Sysroot>,
    options: Options,
}

/// What [`status`] found, without changing anything.
#[derive(Clone, Debug)]
pub struct Status {
    /// The compiler that `cargo` would use here: its version line, or why there is none.
    pub rustc: Result<String, String>,
    /// The way that holds now, if one does.
    pub ready: Option<Way>,
    /// Where sysroots are kept.
    pub cache: PathBuf,
    /// Whether [`provision`] may change things (`MARINE_PROVISION`).
    pub may_provision: bool,
    /// What C code of modules is compiled with, if anything. Few modules have any.
    pub c_compiler: Option<CCompiler>,
}

/// Finds a toolchain, or makes one.
///
/// `announce` is told, one line at a time and in advance, what will be changed on the machine and about how long it takes.
///
/// # Errors
/// [`ToolchainError::Missing`] (M202) with everything that was tried if no way works; others if a compiler is too old or a
/// forced way fails.
pub fn provision(options: &Options, announce: &mut dyn FnMut(&str)) -> Result<Toolchain, ToolchainError> {
    let (changing, looking): (Vec<Way>, Vec<Way>) = Way::ALL
        .into_iter()
        .filter(|way| options.forced.is_none_or(|forced| forced == *way))
        .partition(|way| way.changes_the_machine());
    let mut tried = Vec::new();
    if let Some(found) = first(&looking, options, announce, &mut tried) {
        return found.checked();
    }
    if !options.may_provision {
        tried.extend(changing.iter().map(|way| Attempt::new(*way, "forbidden by `MARINE_PROVISION=never`")));
    } else if !changing.is_empty() {
        // One process at a time changes the machine. Who had to wait may find that there is nothing left to do.
        let _lock = lock(options)?;
        let ways = [looking, changing].concat();
        tried.clear();
        if let Some(made) = first(&ways, options, announce, &mut tried) {
            return made.checked();
        }
    }
    Err(ToolchainError::Missing { tried, remedy: remedy(options) })
}

/// The first of `ways` that works; the others go to `tried`.
fn first(
    ways: &[Way],
    options: &Options,
    announce: &mut dyn FnMut(&str),
    tried: &mut Vec<Attempt>,
) -> Option<Toolchain> {
    for way in ways {
        match try_way(*way, options, announce) {
            Ok(toolchain) => return Some(toolchain),
            Err(reason) => tried.push(Attempt::new(*way, reason)),
        }
    }
    None
}

/// Held until the file is closed.
fn lock(options: &Options) -> Result<File, ToolchainError> {
    let path = options.cache.join("provision.lock");
    let locked = || {
        fs::create_dir_all(&options.cache)?;
        let file = File::create(&path)?;
        file.lock()?;
        Ok(file)
    };
    locked().map_err(|cause| ToolchainError::Lock { path: path.clone(), cause })
}

/// The one command that helps on a machine like this one.
fn remedy(options: &Options) -> String {
    if Compiler::active(options).is_err() {
        return String::from("install Rust as https://rustup.rs says, then try again");
    }
    let by_hand = if rustup::is_there(options) {
        format!("rustup target add {TARGET}")
    } else if distribution::is_there(options) {
        distribution::install_line()
    } else {
        return format!("install the target {TARGET} of your Rust toolchain, or Rust as https://rustup.rs says");
    };
    format!("run `{by_hand}`, then try again")
}

/// What [`provision`] would start from. Runs `rustc` and reads files; changes nothing.
#[must_use]
pub fn status(options: &Options) -> Status {
    let quiet = Options { may_provision: false, ..options.clone() };
    Status {
        rustc: Compiler::active(options).map(|compiler| compiler.version_line()),
        ready: provision(&quiet, &mut |_| ()).ok().map(|toolchain| toolchain.way),
        cache: options.cache.clone(),
        may_provision: options.may_provision,
        c_compiler: CCompiler::find(options),
    }
}

fn try_way(way: Way, options: &Options, announce: &mut dyn FnMut(&str)) -> Result<Toolchain, String> {
    match way {
        Way::Installed => installed(options),
        Way::Cached => cached(options),
        Way::Rustup => {
            rustup::add_target(options, announce)?;
            installed(options).map(|toolchain| Toolchain { way: Way::Rustup, ..toolchain })
        }
        Way::Distribution => {
            let compiler = distribution::compiler(options, announce)?;
            let sysroot = Sysroot::build(&compiler, options, announce)?;
            Ok(Toolchain { way, compiler, sysroot: Some(sysroot), options: options.clone() })
        }
    }
}

fn installed(options: &Options) -> Result<Toolchain, String> {
    let compiler = Compiler::active(options)?;
    let libraries = compiler.target_libraries(options)?;
    if !holds_std(&libraries) {
        return Err(format!("`{}` has no standard library for {TARGET}", compiler.version_line()));
    }
    Ok(Toolchain { way: Way::Installed, compiler, sysroot: None, options: options.clone() })
}

/// The active compiler's own sysroot is preferred to one of the distribution's compiler.
fn cached(options: &Options) -> Result<Toolchain, String> {
    let compilers = [Compiler::active(options), distribution::installed_compiler(options)];
    let mut reason = "no compiler found".to_owned();
    for compiler in compilers {
        match compiler.and_then(|compiler| Ok((Sysroot::cached(&compiler, options)?, compiler))) {
            Ok((sysroot, compiler)) => {
                return Ok(Toolchain { way: Way::Cached, compiler, sysroot: Some(sysroot), options: options.clone() });
            }
            Err(error) => reason = error,
        }
    }
    Err(reason)
}

fn holds_std(libraries: &Path) -> bool {
    let Ok(entries) = libraries.read_dir() else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

impl Toolchain {
    /// A `cargo` command in `dir` whose builds for [`TARGET`] use this toolchain. The caller adds the subcommand and
    /// `--target`.
    ///
    /// The environment is the caller's, less what an outer cargo leaves behind for its own builds. All flags are scoped to the
    /// target, so build scripts and procedural macros do not see them.
    #[must_use]
    pub fn cargo(&self, dir: &Path) -> Command {
        let mut command = command::command("cargo", &self.options);
        command.env("RUSTC", &self.compiler.program).current_dir(dir);
        if let Some(sysroot) = &self.sysroot {
            sysroot.apply(&mut command);
        }
        if let Some(compiler) = CCompiler::find(&self.options) {
            compiler.apply(&mut command);
        }
        command
    }

    /// The compiler's version line, for example `rustc 1.95.0 (59807616e 2026-04-14)`.
    #[must_use]
    pub fn rustc_version(&self) -> String {
        self.compiler.version_line()
    }

    fn checked(self) -> Result<Self, ToolchainError> {
        if self.compiler.release < OLDEST_RUSTC {
            return Err(ToolchainError::TooOld { found: self.compiler.version_line(), oldest: OLDEST_RUSTC });
        }
        Ok(self)
    }
}
