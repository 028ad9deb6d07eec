//! Published libraries check as they are. They are installed by npm, never kept here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use marine_aqua::diagnostic::{Severity, render_plain};
use marine_aqua::{ImportRule, Options, SourceError, Sources, check};

const PACKAGES: &[&str] = &["@fluencelabs/aqua-lib@0.10.2", "@fluencelabs/registry@0.9.4", "@fluencelabs/spell@0.7.6"];

struct Disk;

impl Sources for Disk {
    fn text(&self, path: &str) -> Option<Result<Arc<str>, SourceError>> {
        std::fs::read_to_string(path).ok().map(|text| Ok(text.into()))
    }
}

/// Where the packages are: where an environment variable says, or, on the build server, where npm puts them.
fn installed() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("MARINE_AQUA_PACKAGES") {
        return Some(PathBuf::from(folder));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("aqua-packages");
    let modules = folder.join("node_modules");
    if modules.join("@fluencelabs/spell/package.json").exists() {
        return Some(modules);
    }
    std::env::var_os("CI")?;
    std::fs::create_dir_all(&folder).expect("the target directory can be written");
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]).arg(&folder).args(PACKAGES);
    assert!(npm.status().expect("npm is installed").success(), "npm could not install {PACKAGES:?}");
    Some(modules)
}

#[test]
fn published_libraries_check_unmodified() {
    let Some(modules) = installed() else {
        // Without network there is nothing to check; the build server always has it.
        assert!(std::env::var_os("CI").is_none());
        return;
    };
    let options = Options { imports: vec![ImportRule::everywhere(modules.to_string_lossy())], ..Options::default() };
    let mut files = 0;
    for package in ["aqua-lib", "registry", "spell", "trust-graph"] {
        for entry in std::fs::read_dir(modules.join("@fluencelabs").join(package)).expect("the package").flatten() {
            if entry.path().extension().is_none_or(|ending| ending != "aqua") {
                continue;
            }
            files += 1;
            let checked = check(&entry.path().to_string_lossy(), &Disk, &options);
            let errors = checked.diagnostics.iter().filter(|found| found.severity == Severity::Error);
            let shown: Vec<String> = errors.map(|found| render_plain(found, &|file| checked.source(file))).collect();
            assert!(shown.is_empty(), "{}", shown.join("\n"));
            assert!(checked.program.is_some());
        }
    }
    assert!(files >= 15, "{files} files");
}
