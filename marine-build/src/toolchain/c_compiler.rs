//! A C compiler for the Wasm target, for modules whose dependencies bring C code (SQLite, for example). Most modules need none, so its
//! absence is no error by itself.
//!
//! Crates compile C through the crate `cc`, which listens to variables; whoever set those knows better than this search.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Options, TARGET};

/// Where Debian and Ubuntu put WASI's C headers.
const HEADERS: &str = "/usr/include/wasm32-wasi";

/// How C code of modules is compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CCompiler {
    /// As the variable of this name says.
    Variable(String),
    /// With the WASI SDK in this directory: `WASI_SDK_PATH`.
    WasiSdk(PathBuf),
    /// With the distribution's clang and the headers of its package `wasi-libc`.
    Distribution {
        /// The program.
        clang: PathBuf,
    },
}

/// What to do where there is none.
pub const INSTALL_C_COMPILER: &str = "install clang and WASI's C headers, on Debian and Ubuntu with `apt-get install clang wasi-libc`, or let WASI_SDK_PATH name a WASI SDK";

impl CCompiler {
    /// The compiler that builds use: what the environment says, a WASI SDK, or the distribution's.
    pub fn find(options: &Options) -> Option<CCompiler> {
        let variable = [format!("CC_{}", scoped()), format!("CC_{TARGET}"), "TARGET_CC".to_owned()];
        if let Some(name) = variable.into_iter().find(|name| is_set(name)) {
            return Some(CCompiler::Variable(name));
        }
        let sdk = std::env::var_os("WASI_SDK_PATH").map(PathBuf::from);
        if let Some(dir) = sdk.filter(|dir| dir.join("bin/clang").is_file()) {
            return Some(CCompiler::WasiSdk(dir));
        }
        if !Path::new(HEADERS).join("stdio.h").is_file() {
            return None;
        }
        newest_clang(options).map(|clang| CCompiler::Distribution { clang })
    }

    /// Lets the builds of `command`, a cargo, compile C with it. Variables that are set already stay.
    pub(super) fn apply(&self, command: &mut Command) {
        let mut set = |name: &str, value: OsString| {
            let name = format!("{name}_{}", scoped());
            if !is_set(&name) {
                command.env(name, value);
            }
        };
        match self {
            CCompiler::Variable(_) => {}
            CCompiler::WasiSdk(dir) => {
                set("CC", dir.join("bin/clang").into());
                set("AR", dir.join("bin/llvm-ar").into());
                set("CFLAGS", format!("--sysroot={}", dir.join("share/wasi-sysroot").display()).into());
            }
            CCompiler::Distribution { clang } => {
                set("CC", clang.into());
                set("CFLAGS", format!("-isystem {HEADERS}").into());
            }
        }
    }
}

impl std::fmt::Display for CCompiler {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CCompiler::Variable(name) => write!(to, "as {name} says"),
            CCompiler::WasiSdk(dir) => write!(to, "the WASI SDK in {}", dir.display()),
            CCompiler::Distribution { clang } => write!(to, "{} with {HEADERS}", clang.display()),
        }
    }
}

/// The target as variables of `cc` spell it.
fn scoped() -> String {
    TARGET.replace('-', "_")
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// The newest `clang` on the path; packages name it by LLVM's major version.
fn newest_clang(options: &Options) -> Option<PathBuf> {
    let dirs = std::env::split_paths(&options.path).filter_map(|dir| dir.read_dir().ok());
    let files = dirs.flatten().flatten();
    let versioned = files.filter_map(|file| Some((version(file.file_name().to_str()?)?, file.path())));
    versioned.max().map(|(_, path)| path)
}

/// `clang` without a number counts as the oldest: what has one is known to be of that version.
fn version(file: &str) -> Option<u32> {
    match file.strip_prefix("clang")? {
        "" => Some(0),
        rest => rest.strip_prefix('-')?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn compilers_are_told_from_their_tools() {
        let versions = ["clang", "clang-19", "clang-format", "clang++-19", "clang-cpp-14", "gcc"].map(version);
        assert_eq!(versions, [Some(0), Some(19), None, None, None, None]);
    }
}
