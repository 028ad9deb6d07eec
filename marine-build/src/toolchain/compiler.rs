//! [`Compiler`]: one `rustc` and what it says of itself.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::command::{capture, command};
use super::{Options, TARGET};

/// `rustc` answers in milliseconds; a rustup proxy that wants to install a toolchain first does not.
const LIMIT: Duration = Duration::from_secs(60);

/// One `rustc`.
#[derive(Clone, Debug)]
pub(super) struct Compiler {
    /// A path, or a name to be found on `PATH`.
    pub(super) program: OsString,
    /// The output of `rustc -vV`.
    verbose: String,
    /// The version, pre-release part included.
    pub(super) release: semver::Version,
}

impl Compiler {
    /// The compiler that cargo would use in this directory.
    pub(super) fn active(options: &Options) -> Result<Self, String> {
        Self::at(options.rustc.clone().unwrap_or_else(|| "rustc".into()), options)
    }

    /// Asks the compiler `program` for its version.
    pub(super) fn at(program: OsString, options: &Options) -> Result<Self, String> {
        let mut rustc = command(&program, options);
        rustc.arg("-vV");
        let verbose = capture(rustc, LIMIT)?;
        let release = field(&verbose, "release").and_then(|text| semver::Version::parse(text).ok());
        let release = release.ok_or_else(|| format!("`{} -vV` does not tell a version", program.to_string_lossy()))?;
        Ok(Self { program, verbose, release })
    }

    /// `rustc 1.95.0 (59807616e 2026-04-14)`.
    pub(super) fn version_line(&self) -> String {
        self.verbose.lines().next().unwrap_or_default().to_owned()
    }

    /// Names this very compiler in the cache: two that print the same are the same.
    pub(super) fn key(&self) -> String {
        blake3::hash(self.verbose.as_bytes()).to_hex()[..16].to_owned()
    }

    /// The triple of the machine it runs on.
    pub(super) fn host(&self) -> &str {
        field(&self.verbose, "host").unwrap_or_default()
    }

    /// Where it looks for the libraries of [`TARGET`]; the directory need not exist.
    pub(super) fn target_libraries(&self, options: &Options) -> Result<PathBuf, String> {
        self.print(&["--print", "target-libdir", "--target", TARGET], options)
    }

    /// The root of its installation.
    pub(super) fn sysroot(&self, options: &Options) -> Result<PathBuf, String> {
        self.print(&["--print", "sysroot"], options)
    }

    /// A compiler command with a clean environment.
    pub(super) fn command(&self, options: &Options) -> Command {
        command(&self.program, options)
    }

    fn print(&self, args: &[&str], options: &Options) -> Result<PathBuf, String> {
        let mut rustc = self.command(options);
        rustc.args(args);
        Ok(PathBuf::from(capture(rustc, LIMIT)?.trim_end()))
    }
}

fn field<'a>(verbose: &'a str, name: &str) -> Option<&'a str> {
    verbose.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}
