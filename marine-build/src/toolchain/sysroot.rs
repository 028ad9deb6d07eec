//! [`Sysroot`]: a standard library for the Wasm target, built once per compiler from the compiler's own sources.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::command::{capture, command, scoped};
use super::compiler::Compiler;
use super::{Options, TARGET, distribution};

/// Half a minute on two quiet cores.
const BUILD_LIMIT: Duration = Duration::from_secs(1200);

/// What the standard library needs and an old wasi-libc lacks.
const COMPAT: &str = include_str!("guest/compat.rs");

/// Written last; a directory without it is not a sysroot.
const STAMP: &str = "marine-sysroot";

/// Part of the cache key: a change of the recipe below makes earlier sysroots unusable.
const RECIPE: u32 = 1;

/// A built sysroot and the linker that goes with it.
#[derive(Clone, Debug)]
pub(super) struct Sysroot {
    root: PathBuf,
    linker: OsString,
}

impl Sysroot {
    /// One that was built earlier for this compiler.
    pub(super) fn cached(compiler: &Compiler, options: &Options) -> Result<Self, String> {
        let root = place(compiler, options);
        if !root.join(STAMP).is_file() {
            return Err(format!("none for `{}` in {}", compiler.version_line(), options.cache.display()));
        }
        Ok(Self { root, linker: linker(compiler, options)? })
    }

    /// Builds one, unless it is there. The caller sees to it that only one process does.
    pub(super) fn build(
        compiler: &Compiler,
        options: &Options,
        announce: &mut dyn FnMut(&str),
    ) -> Result<Self, String> {
        let cache = &options.cache;
        if let Ok(sysroot) = Self::cached(compiler, options) {
            return Ok(sysroot);
        }
        announce(&format!(
            "building the standard library for {TARGET} with `{}` (about a minute, once)",
            compiler.version_line()
        ));
        let work =
            tempfile::tempdir_in(cache).map_err(|error| format!("cannot write to {}: {error}", cache.display()))?;
        let sysroot = Self { root: work.path().join("sysroot"), linker: linker(compiler, options)? };
        sysroot.fill(compiler, options, &work.path().join("build"))?;
        sysroot.install(place(compiler, options))
    }

    /// Makes cargo's builds for the Wasm target use this sysroot; others do not notice.
    pub(super) fn apply(&self, command: &mut Command) {
        // An array of `--config` keeps paths with spaces whole; the environment variable would be split at them.
        let flags = ["--sysroot".to_owned(), shown(&self.root), format!("-Clink-arg={}", shown(&self.compat()))];
        command.arg("--config").arg(format!("target.{TARGET}.rustflags={flags:?}"));
        command.env(scoped("LINKER"), &self.linker);
    }

    fn fill(&self, compiler: &Compiler, options: &Options, build: &Path) -> Result<(), String> {
        let libraries = self.libraries();
        let objects = libraries.join("self-contained");
        create(&objects)?;
        copy(&compile_std(compiler, options, build)?, &libraries, |name| {
            name.ends_with(".rlib") && !name.starts_with("libempty-")
        })?;
        copy(&distribution::wasi_libc(options)?, &objects, |name| name.ends_with(".o") || name == "libc.a")?;
        self.compile_compat(compiler, options, build)
    }

    fn compile_compat(&self, compiler: &Compiler, options: &Options, build: &Path) -> Result<(), String> {
        let source = build.join("compat.rs");
        write(&source, COMPAT)?;
        let mut rustc = compiler.command(options);
        rustc.args(["--edition", "2024", "--crate-type", "staticlib", "--target", TARGET, "--sysroot"]).arg(&self.root);
        rustc.args(["-O", "-C", "panic=abort", "-C", "lto=fat", "-o"]).arg(self.compat()).arg(&source);
        capture(rustc, BUILD_LIMIT).map(drop)
    }

    /// Moves the finished sysroot into place: it is there as a whole or not at all.
    fn install(self, place: PathBuf) -> Result<Self, String> {
        write(&self.root.join(STAMP), "")?;
        if place.exists() {
            fs::remove_dir_all(&place).map_err(|error| format!("cannot replace {}: {error}", place.display()))?;
        }
        fs::rename(&self.root, &place).map_err(|error| format!("cannot create {}: {error}", place.display()))?;
        Ok(Self { root: place, ..self })
    }

    fn libraries(&self) -> PathBuf {
        self.root.join("lib/rustlib").join(TARGET).join("lib")
    }

    fn compat(&self) -> PathBuf {
        self.libraries().join("self-contained/libmarine_compat.a")
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn place(compiler: &Compiler, options: &Options) -> PathBuf {
    options.cache.join(format!("{}-{RECIPE}", compiler.key()))
}

/// `wasm-ld` of the distribution, else the linker that rustup ships with the compiler.
fn linker(compiler: &Compiler, options: &Options) -> Result<OsString, String> {
    if let Some(linker) = distribution::linker(options) {
        return Ok(linker);
    }
    let own = compiler.sysroot(options)?.join("lib/rustlib").join(compiler.host()).join("bin/rust-lld");
    if own.is_file() {
        Ok(own.into())
    } else {
        Err(String::from("no linker: neither `wasm-ld` nor `rust-lld` is there"))
    }
}

/// Lets cargo build the standard library as a dependency of an empty crate; gives the directory of the libraries.
///
/// `RUSTC_BOOTSTRAP` admits cargo's unstable `-Zbuild-std` on a stable compiler, for this build alone.
fn compile_std(compiler: &Compiler, options: &Options, dir: &Path) -> Result<PathBuf, String> {
    create(&dir.join("src"))?;
    write(&dir.join("src/lib.rs"), "#![no_std]\n")?;
    write(&dir.join("Cargo.toml"), EMPTY_PACKAGE)?;
    let target = dir.join("target");
    // The sources' lock file is of the compiler's version; an older cargo might not read it.
    let own = Path::new(&compiler.program).with_file_name("cargo");
    let mut cargo = command(if own.is_file() { own.as_os_str() } else { "cargo".as_ref() }, options);
    cargo.env("RUSTC", &compiler.program).current_dir(dir).env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", &target);
    cargo.env(scoped("RUSTFLAGS"), "-C embed-bitcode=yes -C link-self-contained=no");
    cargo.args(["build", "--quiet", "--release", "--target", TARGET, "-Zbuild-std=std,panic_abort,proc_macro,test"]);
    capture(cargo, BUILD_LIMIT)?;
    Ok(target.join(TARGET).join("release/deps"))
}

const EMPTY_PACKAGE: &str = "\
[package]
name = \"empty\"
version = \"0.0.0\"
edition = \"2021\"

[profile.release]
panic = \"unwind\"
debug = 0

[workspace]
";

fn create(dir: &Path) -> Result<(), String> {
    fs::create_dir_all(dir).map_err(|error| format!("cannot create {}: {error}", dir.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn copy(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) -> Result<(), String> {
    let told = |error| format!("cannot copy from {}: {error}", from.display());
    for entry in from.read_dir().map_err(told)? {
        let entry = entry.map_err(told)?;
        if entry.file_name().to_str().is_some_and(&wanted) {
            fs::copy(entry.path(), to.join(entry.file_name())).map_err(told)?;
        }
    }
    Ok(())
}
