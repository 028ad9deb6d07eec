//! Tools of other languages that some tests need. Those that are not here are installed into a directory of the tests where `CI=true`
//! says that everything shall be tested; elsewhere, or if they cannot be had, the test says that it was left out and why.

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The version that is installed; any other on the path serves too.
const COMPONENTIZE_PY: &str = "componentize-py==0.25.1";
/// Node packages, in the directory that [`node_packages`] gives.
const NODE_PACKAGES: [&str; 2] = ["@bytecodealliance/jco@1.35.0", "@bytecodealliance/componentize-js@0.23.0"];

/// The directory of the program `componentize-py`; `tmp` is where the tests keep things between runs.
pub fn componentize_py(tmp: &Path) -> Option<PathBuf> {
    if let Some(dir) = on_path("componentize-py") {
        return Some(dir);
    }
    let home = tmp.join("tools/python");
    let bin = home.join("bin");
    installed(
        "componentize-py",
        &home,
        || bin.join("componentize-py").is_file(),
        || {
            run(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
            run(Command::new(bin.join("pip")).args(["install", "--quiet", COMPONENTIZE_PY]))
        },
    )?;
    Some(bin)
}

/// A directory with jco and componentize-js in its `node_modules`, in which scripts are ES modules.
pub fn node_packages(tmp: &Path) -> Option<PathBuf> {
    if on_path("node").is_none() || on_path("npm").is_none() {
        say("Node is not installed: what needs jco was left out");
        return None;
    }
    let home = tmp.join("tools/node");
    let jco = home.join("node_modules/@bytecodealliance/jco/package.json");
    installed(
        "jco and componentize-js",
        &home,
        || jco.is_file(),
        || {
            fs::create_dir_all(&home).map_err(|error| error.to_string())?;
            fs::write(home.join("package.json"), "{\"type\": \"module\", \"private\": true}\n")
                .map_err(|error| error.to_string())?;
            let mut npm = Command::new("npm");
            run(npm
                .args(["install", "--no-audit", "--no-fund", "--loglevel=error"])
                .args(NODE_PACKAGES)
                .current_dir(&home))
        },
    )?;
    Some(home)
}

/// Whether C code can be compiled for modules; the distribution's packages are installed where that is possible.
pub fn c_compiler(tmp: &Path, is_there: impl Fn() -> bool) -> bool {
    if is_there() {
        return true;
    }
    let home = tmp.join("tools");
    let made = installed("clang and WASI's C headers", &home, &is_there, || {
        let apt = |arguments: &[&str]| {
            run(Command::new("apt-get").args(["--yes", "-q"]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
        };
        // On a new machine the lists of packages are missing or old.
        apt(&["update"])?;
        apt(&["install", "--no-install-recommends", "clang", "wasi-libc"])
    });
    made.is_some()
}

/// Says something past the test harness, which shows what tests print only if they fail.
pub fn say(text: &str) {
    // Nothing can be done if there is nobody to read it.
    let _ = writeln!(std::io::stderr(), "note: {text}");
}

/// Makes `what` be there, or says why it is not. One process at a time installs.
fn installed(
    what: &str,
    home: &Path,
    is_there: impl Fn() -> bool,
    install: impl FnOnce() -> Result<(), String>,
) -> Option<()> {
    if is_there() {
        return Some(());
    }
    if env::var("CI").as_deref() != Ok("true") {
        say(&format!("{what}: not installed, so what needs it was left out; CI=true installs it for the tests"));
        return None;
    }
    let dir = home.parent()?;
    fs::create_dir_all(dir).ok()?;
    let lock = File::create(dir.join("install.lock")).ok()?;
    lock.lock().ok()?;
    if is_there() {
        return Some(());
    }
    say(&format!("installing {what} for the tests, in {}", home.display()));
    match install() {
        Ok(()) if is_there() => Some(()),
        Ok(()) => {
            say(&format!("{what}: installed, but not found; what needs it was left out"));
            None
        }
        Err(why) => {
            say(&format!("{what}: cannot be installed, so what needs it was left out: {why}"));
            None
        }
    }
}

/// The directory on the path that holds `program`.
fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).find(|dir| dir.join(program).is_file())
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}
