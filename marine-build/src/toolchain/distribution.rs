//! Debian's and Ubuntu's own Rust, which can build a standard library for the Wasm target from its packages.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Options;
use super::command::{capture, command};
use super::compiler::Compiler;

/// Downloads and unpacks some 300 MB where nothing of it is installed.
const INSTALL_LIMIT: Duration = Duration::from_secs(900);
const QUERY_LIMIT: Duration = Duration::from_secs(60);

/// Compiler, cargo, the sources of its standard library, and C start-up files for WASI.
///
/// The `-web` packages follow upstream's releases within a stable release of the distribution; they lie beside a rustup
/// toolchain without conflict.
const PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "wasi-libc"];

/// The distribution's compiler, if all packages are there.
pub(super) fn installed_compiler(options: &Options) -> Result<Compiler, String> {
    let absent = missing(options);
    if absent.is_empty() { compiler_of_package(options) } else { Err(format!("not installed: {}", absent.join(", "))) }
}

/// The distribution's compiler; installs what is missing if that is possible.
pub(super) fn compiler(options: &Options, announce: &mut dyn FnMut(&str)) -> Result<Compiler, String> {
    // Before anything is announced.
    query("apt-get", &["--version"], options)?;
    let mut packages = missing(options);
    if linker(options).is_none() {
        packages.push(newest_lld(options)?);
    }
    if !packages.is_empty() {
        install(&packages, options, announce)?;
    }
    compiler_of_package(options)
}

/// Whether this machine is of the kind that has these packages.
pub(super) fn is_there(options: &Options) -> bool {
    query("apt-get", &["--version"], options).is_ok()
}

/// What a person may type instead.
pub(super) fn install_line() -> String {
    format!("sudo apt-get install {} lld", PACKAGES.join(" "))
}

/// The newest `wasm-ld` on the path: packages name it by LLVM's major version.
pub(super) fn linker(options: &Options) -> Option<OsString> {
    let dirs = std::env::split_paths(&options.path).filter_map(|dir| dir.read_dir().ok());
    let files = dirs.flatten().flatten().map(|entry| entry.file_name());
    files.filter_map(|file| Some((linker_version(file.to_str()?)?, file))).max().map(|(_, file)| file)
}

/// `wasm-ld` without a number counts as the oldest: what has one is known to be of that version.
fn linker_version(file: &str) -> Option<u32> {
    match file.strip_prefix("wasm-ld")? {
        "" => Some(0),
        rest => rest.strip_prefix('-')?.parse().ok(),
    }
}

fn missing(options: &Options) -> Vec<String> {
    PACKAGES.into_iter().filter(|package| !is_installed(package, options)).map(str::to_owned).collect()
}

fn is_installed(package: &str, options: &Options) -> bool {
    let status = query("dpkg-query", &["-W", "-f=${Status}", package], options);
    status.is_ok_and(|status| status.ends_with("install ok installed"))
}

/// The `rustc` among the files of the package: its place has changed between releases.
fn compiler_of_package(options: &Options) -> Result<Compiler, String> {
    let files = query("dpkg-query", &["-L", "rustc-web"], options)?;
    let program = files.lines().find(|file| file.ends_with("/bin/rustc"));
    Compiler::at(program.ok_or("the package rustc-web holds no `rustc`")?.into(), options)
}

/// The directory of WASI's C library and start-up files.
pub(super) fn wasi_libc(options: &Options) -> Result<PathBuf, String> {
    let files = query("dpkg-query", &["-L", "wasi-libc"], options)?;
    let library = files.lines().find(|file| file.ends_with("/wasm32-wasi/libc.a")).map(Path::new);
    let dir = library.and_then(Path::parent).ok_or("the package wasi-libc holds no `wasm32-wasi/libc.a`")?;
    Ok(dir.to_owned())
}

fn install(packages: &[String], options: &Options, announce: &mut dyn FnMut(&str)) -> Result<(), String> {
    let line = format!("apt-get install {}", packages.join(" "));
    if query("id", &["-u"], options)?.trim() != "0" {
        return Err(format!("not installed: {}; root may install them: `sudo {line}`", packages.join(", ")));
    }
    announce("reading the distribution's package lists: `apt-get update`");
    apt(&["update"], options)?;
    announce(&format!("installing the distribution's Rust: `{line}` (a minute or two)"));
    let mut args = vec!["install", "--yes", "--no-install-recommends"];
    args.extend(packages.iter().map(String::as_str));
    apt(&args, options)
}

fn apt(args: &[&str], options: &Options) -> Result<(), String> {
    let mut apt = command("apt-get", options);
    // The system may be installing updates of its own.
    apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "-o", "DPkg::Lock::Timeout=120"]).args(args);
    capture(apt, INSTALL_LIMIT).map(drop)
}

/// The newest versioned linker that is known before the lists are read, else the distribution's default one.
fn newest_lld(options: &Options) -> Result<String, String> {
    let names = query("apt-cache", &["pkgnames", "lld-"], options)?;
    let newest = names.lines().filter_map(|name| name.strip_prefix("lld-")?.parse::<u32>().ok()).max();
    Ok(newest.map_or_else(|| String::from("lld"), |version| format!("lld-{version}")))
}

fn query(program: &str, args: &[&str], options: &Options) -> Result<String, String> {
    let mut query = command(program, options);
    query.args(args);
    capture(query, QUERY_LIMIT)
}
