//! Published libraries compile as they are. They are installed by npm, never kept here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use marine_air::Limits;
use marine_aqua::diagnostic::{Severity, render_plain};
use marine_aqua::hir::{Function, FunctionId, Program, Type};
use marine_aqua::{ImportRule, Options, SourceError, Sources, check, script};

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
fn published_libraries_compile_unmodified() {
    let Some(modules) = installed() else {
        // Without network there is nothing to check; the build server always has it.
        assert!(std::env::var_os("CI").is_none());
        return;
    };
    let options = Options { imports: vec![ImportRule::everywhere(modules.to_string_lossy())], ..Options::default() };
    let (mut files, mut scripts) = (0, 0);
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
            let program = checked.program.as_ref().expect("there are no errors");
            scripts += compile_functions(program, &options);
        }
    }
    assert!(files >= 15 && scripts >= 30, "{files} files, {scripts} scripts");
}

/// Makes a script of every function of a program that a client could call, and reads it with AIR's static checks.
fn compile_functions(program: &Program, options: &Options) -> usize {
    let mut scripts = 0;
    for (index, function) in program.functions.iter().enumerate() {
        if !is_callable(function) {
            continue;
        }
        let compiled = script(program, &function.name, FunctionId(index as u32), options).expect("scripts are small");
        let parsed = marine_air::Script::parse(&compiled.air, &Limits::default());
        let findings: Vec<_> = parsed.diagnostics().iter().map(|found| found.message.clone()).collect();
        assert!(parsed.script().is_ok(), "{}: {findings:?}\n{}", function.name, compiled.air);
        scripts += 1;
    }
    scripts
}

/// Whether the function could be exported: no abilities, no stream maps, no arrows as results.
fn is_callable(function: &Function) -> bool {
    let params = function.params.iter().map(|&param| &function.local(param).ty);
    let is_plain = |ty: &Type| !matches!(ty, Type::Ability(_) | Type::StreamMap(_));
    let is_data = |ty: &Type| is_plain(ty) && !matches!(ty, Type::Arrow(_));
    function.abilities.is_empty() && params.clone().all(is_plain) && function.results.iter().all(is_data)
}
