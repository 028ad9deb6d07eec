//! The ways to a toolchain, each on a machine made of scripts; and the distribution's way on this machine.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use marine_build::toolchain::{Options, TARGET, Toolchain, ToolchainError, Way, provision, status};

/// A machine on which nothing is installed but what a test puts there.
struct Machine {
    root: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { root: tempfile::tempdir().unwrap() };
        fs::create_dir(machine.path("bin")).unwrap();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A program of that name; the script runs with the tools of the real machine at hand.
    fn program(self, name: &str, script: &str) -> Self {
        let file = self.path("bin").join(name);
        let root = self.root.path().display();
        fs::write(&file, format!("#!/bin/sh\nPATH=/usr/bin:/bin\nroot='{root}'\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn rustc(self, release: &str) -> Self {
        let script = format!(
            r#"case "$*" in
               -vV) printf 'rustc {release} (fake)\nrelease: {release}\nhost: fake-host\n' ;;
               *target-libdir*) echo "$root/libraries" ;;
               *sysroot\ /*) touch "$root/compat-compiled"; for last; do :; done
                  while [ $# -gt 0 ]; do [ "$1" = -o ] && touch "$2"; shift; done ;;
               *) exit 1 ;;
            esac"#
        );
        self.program("rustc", &script)
    }

    fn installed_target(self) -> Self {
        fs::create_dir_all(self.path("libraries")).unwrap();
        fs::write(self.path("libraries/libstd-0123.rlib"), "").unwrap();
        self
    }

    fn rustup(self) -> Self {
        self.program(
            "rustup",
            r#"case "$*" in
               "target add wasm32-wasip1") mkdir -p "$root/libraries"; touch "$root/libraries/libstd-0123.rlib" ;;
            esac"#,
        )
    }

    /// Debian's packages, installed: the compiler is the machine's `rustc`, its cargo makes a library and nothing else.
    fn distribution(self) -> Self {
        fs::create_dir_all(self.path("wasm32-wasi")).unwrap();
        fs::write(self.path("wasm32-wasi/libc.a"), "libc").unwrap();
        self.program("apt-get", "exit 0")
            .program("wasm-ld-14", "exit 0")
            .program("wasm-ld-19", "exit 0")
            .program(
                "dpkg-query",
                r#"case "$*" in
                   -W*) printf 'install ok installed' ;;
                   "-L rustc-web") echo "$root/bin/rustc" ;;
                   "-L wasi-libc") echo "$root/wasm32-wasi/libc.a" ;;
                esac"#,
            )
            .program(
                "cargo",
                r#"deps="$CARGO_TARGET_DIR/wasm32-wasip1/release/deps"; mkdir -p "$deps"; touch "$deps/libstd-1.rlib""#,
            )
    }

    fn options(&self) -> Options {
        Options {
            forced: None,
            may_provision: true,
            cache: self.path("cache"),
            path: OsString::from(self.path("bin")),
            rustc: None,
        }
    }

    fn provision(&self) -> (Result<Toolchain, ToolchainError>, Vec<String>) {
        self.provision_with(&self.options())
    }

    fn provision_with(&self, options: &Options) -> (Result<Toolchain, ToolchainError>, Vec<String>) {
        let mut announced = Vec::new();
        let result = provision(options, &mut |line| announced.push(line.to_owned()));
        (result, announced)
    }
}

#[test]
fn an_installed_target_is_used_and_nothing_is_announced() {
    let machine = Machine::new().rustc("1.95.0").installed_target().rustup().distribution();
    let (toolchain, announced) = machine.provision();
    let toolchain = toolchain.unwrap();
    assert_eq!(toolchain.way, Way::Installed);
    assert_eq!(toolchain.rustc_version(), "rustc 1.95.0 (fake)");
    assert_eq!(announced, [""; 0]);
}

#[test]
fn rustup_adds_the_target_and_says_so_first() {
    let machine = Machine::new().rustc("1.95.0").rustup().distribution();
    let (toolchain, announced) = machine.provision();
    assert_eq!(toolchain.unwrap().way, Way::Rustup);
    assert_eq!(announced, ["adding the Rust target wasm32-wasip1: `rustup target add wasm32-wasip1` (some seconds)"]);
    assert_eq!(machine.provision().0.unwrap().way, Way::Installed);
}

#[test]
fn many_builds_at_once_change_the_machine_once() {
    let machine = Machine::new().rustc("1.95.0").program(
        "rustup",
        r#"case "$*" in
           "target add wasm32-wasip1") echo added >> "$root/added"; sleep 0.2
              mkdir -p "$root/libraries"; touch "$root/libraries/libstd-0123.rlib" ;;
        esac"#,
    );
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| machine.provision().0.unwrap());
        }
    });
    assert_eq!(fs::read_to_string(machine.path("added")).unwrap(), "added\n");
}

#[test]
fn the_distribution_serves_where_rustup_fails_and_its_sysroot_is_kept() {
    let offline = r#"case "$*" in target*) echo "error: could not download file" >&2; exit 1 ;; esac"#;
    let machine = Machine::new().rustc("1.96.0").program("rustup", offline).distribution();
    let (toolchain, announced) = machine.provision();
    assert_eq!(toolchain.unwrap().way, Way::Distribution);
    assert!(announced.last().unwrap().starts_with("building the standard library for wasm32-wasip1"), "{announced:?}");

    let (again, announced) = machine.provision();
    assert_eq!(again.unwrap().way, Way::Cached);
    assert_eq!(announced, [""; 0]);
}

#[test]
fn a_sysroot_is_given_to_the_wasm_target_alone() {
    let machine = Machine::new().rustc("1.96.0").distribution();
    let cargo = machine.provision().0.unwrap().cargo(Path::new("/"));
    let args: Vec<_> = cargo.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect();
    assert_eq!(args[0], "--config");
    assert!(args[1].starts_with(r#"target.wasm32-wasip1.rustflags=["--sysroot", ""#), "{args:?}");
    let variable = |name: &str| cargo.get_envs().find(|(key, _)| *key == name).and_then(|(_, value)| value);
    assert_eq!(variable("CARGO_TARGET_WASM32_WASIP1_LINKER"), Some("wasm-ld-19".as_ref()), "the newest linker");
    assert_eq!(variable("RUSTFLAGS"), None);
}

#[test]
fn a_sysroot_of_another_compiler_is_not_used() {
    let machine = Machine::new().rustc("1.96.0").distribution();
    machine.provision().0.unwrap();
    let machine = machine.rustc("1.97.0");
    let never = Options { may_provision: false, ..machine.options() };
    assert!(matches!(machine.provision_with(&never).0, Err(ToolchainError::Missing { .. })));
}

#[test]
fn a_broken_build_leaves_no_sysroot_behind() {
    let machine = Machine::new().rustc("1.96.0").distribution().program("cargo", "echo 'no space left' >&2; exit 1");
    let error = machine.provision().0.unwrap_err().to_string();
    assert!(error.contains("no space left"), "{error}");
    assert_eq!(status(&machine.options()).ready, None);
    let left: Vec<_> = fs::read_dir(machine.path("cache")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.iter().all(|path| path.extension().is_some_and(|extension| extension == "lock")), "{left:?}");
}

#[test]
fn never_provisions_when_told_so() {
    let machine = Machine::new().rustc("1.95.0").rustup().distribution();
    let never = Options { may_provision: false, ..machine.options() };
    let (result, announced) = machine.provision_with(&never);
    assert!(result.unwrap_err().to_string().contains("forbidden by `MARINE_PROVISION=never`"));
    assert_eq!(announced, [""; 0]);
    assert!(!machine.path("libraries").exists());
}

#[test]
fn a_forced_way_is_the_only_one() {
    let machine = Machine::new().rustc("1.96.0").installed_target().distribution();
    let forced = Options { forced: Some(Way::Distribution), ..machine.options() };
    assert_eq!(machine.provision_with(&forced).0.unwrap().way, Way::Distribution);
    let forced = Options { forced: Some(Way::Rustup), ..machine.options() };
    let error = machine.provision_with(&forced).0.unwrap_err().to_string();
    assert!(error.contains("rustup") && !error.contains("distribution"), "{error}");
}

#[test]
fn an_old_compiler_is_refused_before_anything_is_built() {
    let machine = Machine::new().rustc("1.70.0").installed_target();
    insta::assert_snapshot!(machine.provision().0.unwrap_err(), @r"
    error[M202]: rustc 1.70.0 (fake) is too old, modules need at least 1.95.0
    help: run `rustup update stable`
    ");
}

#[test]
fn an_empty_machine_is_told_what_was_tried_and_what_to_run() {
    let machine = Machine::new();
    insta::assert_snapshot!(machine.provision().0.unwrap_err(), @"
    error[M202]: no Rust toolchain for wasm32-wasip1
      the installed target: cannot run `rustc -vV`: No such file or directory (os error 2)
      a sysroot made earlier: not installed: rustc-web, cargo-web, rust-web-src, wasi-libc
      `rustup target add`: cannot run `rustup show active-toolchain`: No such file or directory (os error 2)
      the distribution's packages: cannot run `apt-get --version`: No such file or directory (os error 2)
    help: install Rust as https://rustup.rs says, then try again
    ");
}

#[test]
fn the_remedy_fits_the_machine() {
    let refuses = r#"case "$*" in target*) exit 1 ;; esac"#;
    let table = [
        (Machine::new().rustc("1.95.0").program("rustup", refuses), "run `rustup target add wasm32-wasip1`"),
        (Machine::new().rustc("1.95.0").program("apt-get", "exit 0"), "run `sudo apt-get install rustc-web"),
        (Machine::new().rustc("1.95.0"), "install the target wasm32-wasip1 of your Rust toolchain"),
    ];
    for (machine, expected) in table {
        let error = machine.provision().0.unwrap_err().to_string();
        assert!(error.lines().last().unwrap().starts_with(&format!("help: {expected}")), "{error}");
    }
}

/// The real thing where the packages are there, or may be installed without asking; elsewhere it fails as documented.
#[test]
fn the_distributions_way_builds_on_this_machine() {
    let may_provision = packages_are_installed() || std::env::var_os("CI").is_some();
    let options = Options { forced: Some(Way::Distribution), may_provision, ..Options::from_env().unwrap() };
    match provision(&options, &mut |_| ()) {
        Ok(toolchain) => builds_a_crate(&toolchain),
        Err(ToolchainError::Missing { tried, .. }) => {
            assert_eq!(tried.iter().map(|attempt| attempt.way).collect::<Vec<_>>(), [Way::Distribution]);
            assert!(!may_provision || !is_debian_as_root(), "{}", tried[0].reason);
        }
        Err(error) => panic!("{error}"),
    }
}

fn packages_are_installed() -> bool {
    let packages = ["rustc-web", "cargo-web", "rust-web-src", "wasi-libc"];
    let query = Command::new("dpkg-query").args(["-W", "-f=${Status}\n"]).args(packages).output();
    query.is_ok_and(|query| {
        String::from_utf8_lossy(&query.stdout).matches("install ok installed").count() == packages.len()
    })
}

fn is_debian_as_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    Path::new("/etc/debian_version").exists() && id.is_ok_and(|id| id.stdout == b"0\n")
}

/// Threads and `canonicalize` are what an old C library cannot link on its own.
fn builds_a_crate(toolchain: &Toolchain) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("src")).unwrap();
    fs::write(dir.path().join("Cargo.toml"), "[package]\nname = \"probe\"\nedition = \"2024\"\n[workspace]\n").unwrap();
    let main = r#"fn main() {
        let path = std::fs::canonicalize("/").map(|path| path.display().to_string());
        let thread = std::thread::Builder::new().spawn(|| ()).map(drop);
        println!("{path:?} {thread:?}");
    }"#;
    fs::write(dir.path().join("src/main.rs"), main).unwrap();
    let mut cargo = toolchain.cargo(dir.path());
    let output = cargo.args(["build", "--target", TARGET]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let wasm = fs::read(dir.path().join("target").join(TARGET).join("debug/probe.wasm")).unwrap();
    assert_eq!(wasm[..4], *b"\0asm");
}
