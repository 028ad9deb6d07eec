//! [`Options`]: what the environment says about toolchains.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use etcetera::base_strategy::{BaseStrategy, choose_base_strategy};

use super::error::ToolchainError;

/// How a toolchain for the Wasm target is had. The order of [`Way::ALL`] is the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The active toolchain has the target.
    Installed,
    /// A sysroot in Marine's cache matches a compiler that is installed.
    Cached,
    /// `rustup target add` succeeds.
    Rustup,
    /// Debian's or Ubuntu's packages, from which a sysroot is built once.
    Distribution,
}

impl Way {
    /// All ways, in the order in which they are tried.
    pub const ALL: [Self; 4] = [Self::Installed, Self::Cached, Self::Rustup, Self::Distribution];

    /// The name that `MARINE_TOOLCHAIN` takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Cached => "cached",
            Self::Rustup => "rustup",
            Self::Distribution => "distribution",
        }
    }

    pub(super) fn changes_the_machine(self) -> bool {
        matches!(self, Self::Rustup | Self::Distribution)
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Installed => "the installed target",
            Self::Cached => "a sysroot made earlier",
            Self::Rustup => "`rustup target add`",
            Self::Distribution => "the distribution's packages",
        })
    }
}

impl FromStr for Way {
    type Err = ToolchainError;

    fn from_str(text: &str) -> Result<Self, ToolchainError> {
        Self::ALL
            .into_iter()
            .find(|way| way.name() == text)
            .ok_or_else(|| ToolchainError::Variable { name: "MARINE_TOOLCHAIN", value: text.to_owned() })
    }
}

/// What may be tried, and where sysroots are kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// The only way to try. `MARINE_TOOLCHAIN`: `installed`, `cached`, `rustup`, `distribution`; `auto` or unset for all.
    pub forced: Option<Way>,
    /// Whether anything may be installed or built. `MARINE_PROVISION=never` forbids it.
    pub may_provision: bool,
    /// The directory that holds sysroots. `MARINE_CACHE_DIR`, else the user's cache directory, and `sysroot` below it.
    pub cache: PathBuf,
    /// Where `rustc`, `cargo`, `rustup` and the distribution's tools are looked for, in the form of `PATH`.
    pub path: OsString,
    /// The compiler to use instead of the `rustc` on that path: `RUSTC`.
    pub rustc: Option<OsString>,
}

impl Options {
    /// Reads `MARINE_TOOLCHAIN`, `MARINE_PROVISION`, `MARINE_CACHE_DIR`, `PATH` and `RUSTC`.
    ///
    /// # Errors
    /// [`ToolchainError::Variable`] for a value that is none of those listed, [`ToolchainError::NoHome`] where no cache
    /// directory is known.
    pub fn from_env() -> Result<Self, ToolchainError> {
        let forced = match text("MARINE_TOOLCHAIN").as_deref() {
            None | Some("auto") => None,
            Some(way) => Some(way.parse()?),
        };
        let may_provision = match text("MARINE_PROVISION") {
            None => true,
            Some(value) => match value.as_str() {
                "auto" => true,
                "never" => false,
                _ => return Err(ToolchainError::Variable { name: "MARINE_PROVISION", value }),
            },
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let rustc = std::env::var_os("RUSTC").filter(|rustc| !rustc.is_empty());
        Ok(Self { forced, may_provision, cache: cache_dir()?.join("sysroot"), path, rustc })
    }
}

fn text(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

/// Where Marine keeps what it can make again.
fn cache_dir() -> Result<PathBuf, ToolchainError> {
    if let Some(dir) = std::env::var_os("MARINE_CACHE_DIR").filter(|dir| !dir.is_empty()) {
        return Ok(PathBuf::from(dir));
    }
    let base = choose_base_strategy().map_err(|_| ToolchainError::NoHome)?;
    Ok(base.cache_dir().join("marine"))
}
