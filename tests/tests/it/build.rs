//! `marine_build::build` on real projects: from Rust source to components and a blueprint, again, and with mistakes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use marine_build::{BuildError, BuildEvent, BuildOutput, BuildRequest, ErrorKind, Profile, build};
use marine_manifest::{Blueprint, module_cid};
use wasmparser::{Validator, WasmFeatures};

/// A project on disk, at the same place in every run, so that cargo finds its earlier work.
struct Project {
    dir: PathBuf,
}

const MANIFEST: &str = r#"
[service]
name = "shop"

[[module]]
name = "stock"
crate = "stock"
dirs = { "/data" = { volume = "data", mode = "rw" } }

[[module]]
name = "till"
crate = "till"
"#;

const STOCK: &str = r#"
use marine_sdk::marine;

/// What is on the shelf.
#[marine]
pub struct Shelf { pub item: String, pub count: u32 }

/// Takes items off the shelf.
#[marine]
fn reserve(item: String, count: u32) -> Result<Shelf, String> {
    if count > 9 { return Err(format!("no {count} of {item}")) }
    Ok(Shelf { item, count: 9 - count })
}
"#;

const TILL: &str = r#"
use marine_sdk::marine;

#[marine]
pub struct Shelf { pub item: String, pub count: u32 }

#[marine]
#[module_import("stock")]
extern "C" { fn reserve(item: String, count: u32) -> Result<Shelf, String>; }

fn main() {}

/// Sells something.
#[marine]
fn sell(item: String) -> u32 { reserve(item, 1).map(|shelf| shelf.count).unwrap_or(0) }
"#;

impl Project {
    fn new(name: &str) -> Project {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects").join(name);
        if dir.exists() {
            fs::remove_dir_all(&dir).unwrap();
        }
        fs::create_dir_all(&dir).unwrap();
        Project { dir }
    }

    /// The shop: a library `stock`, and a binary `till` that imports it.
    fn shop(name: &str) -> Project {
        let project = Project::new(name);
        project.write("Marine.toml", MANIFEST);
        project.workspace(&["stock", "till"]);
        project.package("stock", "[lib]\ncrate-type = [\"cdylib\"]\n", "lib.rs", STOCK);
        project.package("till", "", "main.rs", TILL);
        project
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A workspace that uses the checkout's SDK, with the versions that the other guests use.
    fn workspace(&self, members: &[&str]) {
        let sdk = checkout().join("marine-sdk");
        self.write(
            "Cargo.toml",
            &format!(
                "[workspace]\nresolver = \"3\"\nmembers = {members:?}\n\n\
                 [workspace.dependencies]\nmarine-sdk = {{ path = {sdk:?} }}\n"
            ),
        );
        fs::copy(checkout().join("tests/guests/Cargo.lock"), self.dir.join("Cargo.lock")).unwrap();
    }

    /// A package that uses the SDK, called after the project too: all projects share one target directory, where two libraries
    /// of one name would take each other's place.
    fn package(&self, name: &str, more: &str, source: &str, code: &str) {
        let project = self.dir.file_name().unwrap().display();
        self.write(
            &format!("{name}/Cargo.toml"),
            &format!(
                "[package]\nname = \"{project}_{name}\"\nversion = \"1.2.0\"\nedition = \"2024\"\n\n{more}\n\
                 [dependencies]\nmarine-sdk.workspace = true\n"
            ),
        );
        self.write(&format!("{name}/src/{source}"), code);
    }

    fn request(&self) -> BuildRequest {
        let mut request = BuildRequest::new(&self.dir).unwrap();
        request.target_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests"));
        request.out_dir = Some(self.dir.join("out"));
        request.build_time = Some(951_782_400);
        request
    }

    fn build(&self) -> Result<BuildOutput, BuildError> {
        build(&self.request(), &mut |_| ())
    }

    /// All outputs with their times.
    fn outputs(&self) -> Vec<(String, SystemTime, Vec<u8>)> {
        let mut outputs: Vec<_> = fs::read_dir(self.dir.join("out"))
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let time = entry.metadata().unwrap().modified().unwrap();
                (entry.file_name().into_string().unwrap(), time, fs::read(entry.path()).unwrap())
            })
            .collect();
        outputs.sort();
        outputs
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

#[test]
fn a_service_of_two_modules_is_built_once() {
    let project = Project::shop("shop");
    let mut events = Vec::new();
    let output = build(&project.request(), &mut |event| {
        events.push(match event {
            BuildEvent::Module(module) => format!("module {}", module.name),
            BuildEvent::Service(service) => format!("service {}", service.name),
            _ => return,
        });
    })
    .unwrap();
    assert_eq!(events, ["module stock", "module till", "service shop"]);
    check_shop(&project, &output);

    // Nothing changed: nothing is done, no file is touched.
    let before = project.outputs();
    let again = project.build().unwrap();
    assert!(again.modules.iter().all(|module| module.cached) && again.service.unwrap().cached);
    assert_eq!(project.outputs(), before);

    // A damaged output is made again, with the same bytes.
    for (name, _, _) in &before {
        fs::write(project.dir.join("out").join(name), "damaged").unwrap();
    }
    assert!(project.build().unwrap().modules.iter().all(|module| !module.cached));
    let bytes = |outputs: Vec<(String, SystemTime, Vec<u8>)>| -> Vec<_> {
        outputs.into_iter().map(|(name, _, bytes)| (name, bytes)).collect()
    };
    assert_eq!(bytes(project.outputs()), bytes(before.clone()));

    // An edit of one module leaves the other alone.
    project.write("till/src/main.rs", &TILL.replace("unwrap_or(0)", "unwrap_or(77)"));
    let edited = project.build().unwrap();
    let cached: Vec<_> = edited.modules.iter().map(|module| (module.name.as_str(), module.cached)).collect();
    assert_eq!(cached, [("stock", true), ("till", false)]);
    assert_eq!(edited.modules[0].cid, output.modules[0].cid);
    assert_ne!(edited.modules[1].cid, output.modules[1].cid);
    assert_ne!(edited.service.unwrap().cid, output.service.unwrap().cid);
}

fn check_shop(project: &Project, output: &BuildOutput) {
    let [stock, till] = output.modules.as_slice() else { panic!("two modules: {output:?}") };
    for module in [stock, till] {
        let bytes = fs::read(&module.wasm).unwrap();
        Validator::new_with_features(WasmFeatures::all()).validate_all(&bytes).unwrap();
        assert_eq!((module_cid(&bytes), bytes.len() as u64, module.functions), (module.cid, module.size, 1));
        assert_eq!(output.wasm(&module.name), Some(module.wasm.as_path()));
    }
    insta::assert_snapshot!(stock.interface, @r"
    package marine:stock;

    interface api {
      /// What is on the shelf.
      record shelf {
        item: string,
        count: u32,
      }

      /// Takes items off the shelf.
      reserve: func(item: string, count: u32) -> result<shelf, string>;
    }
    ");
    insta::assert_snapshot!(fs::read_to_string(&till.wit).unwrap(), @r"
    package marine:till;

    interface api {
      /// Sells something.
      sell: func(item: string) -> u32;
    }

    world module {
      import marine:stock/api;
      export api;
    }

    package marine:stock {
      interface api {
        record shelf {
          item: string,
          count: u32,
        }

        reserve: func(item: string, count: u32) -> result<shelf, string>;
      }
    }
    ");
    let service = output.service.as_ref().unwrap();
    let blueprint = Blueprint::decode(&fs::read(&service.path).unwrap()).unwrap();
    assert_eq!((&blueprint, blueprint.cid().unwrap()), (&service.blueprint, service.cid));
    assert_eq!(service.path, project.dir.join("out/shop.blueprint"));
    assert_eq!((blueprint.name.as_str(), blueprint.facade.as_str()), ("shop", "till"));
    let modules: Vec<_> = blueprint.modules.iter().map(|module| (module.cid, module.grants.dirs.len())).collect();
    assert_eq!(modules, [(stock.cid, 1), (till.cid, 0)]);
}

#[test]
fn a_release_build_is_small_and_keeps_the_interface() {
    let project = Project::shop("shop-release");
    let dev = project.build().unwrap();
    let release = build(&BuildRequest { profile: Profile::Release, ..project.request() }, &mut |_| ()).unwrap();
    for (dev, release) in dev.modules.iter().zip(&release.modules) {
        assert_eq!(dev.interface, release.interface);
        assert!(release.size < dev.size / 4, "{}: {} and {} bytes", dev.name, dev.size, release.size);
    }

    // The same sources in another directory are the same modules.
    let elsewhere = Project::new("elsewhere");
    copy(&project.dir, &elsewhere.dir);
    fs::remove_dir_all(elsewhere.dir.join("out")).unwrap();
    let copied = build(&BuildRequest { profile: Profile::Release, ..elsewhere.request() }, &mut |_| ()).unwrap();
    let cids = |output: BuildOutput| output.modules.into_iter().map(|module| module.cid).collect::<Vec<_>>();
    assert_eq!(cids(copied), cids(release));
}

#[test]
fn a_package_without_manifest_is_one_module() {
    let project = Project::new("bare");
    project.workspace(&["url_downloader", "helper"]);
    project.package("url_downloader", "[lib]\ncrate-type = [\"cdylib\"]\n", "lib.rs", STOCK);
    project.write("helper/Cargo.toml", "[package]\nname = \"helper\"\nedition = \"2024\"\n");
    project.write("helper/src/main.rs", "fn main() {}");
    let output = project.build().unwrap();
    let names: Vec<_> = output.modules.iter().map(|module| module.name.as_str()).collect();
    assert_eq!((names, output.service), (vec!["bare-url-downloader"], None));
}

#[test]
fn a_component_made_elsewhere_joins_the_blueprint() {
    let project = Project::new("foreign");
    let component = wat::parse_str(
        r#"(component
            (core module $m (func (export "f") (result i32) i32.const 7))
            (core instance $i (instantiate $m))
            (func $f (result u32) (canon lift (core func $i "f")))
            (instance $api (export "seven" (func $f)))
            (export "acme:numbers/api@1.0.0" (instance $api)))"#,
    )
    .unwrap();
    fs::write(project.dir.join("numbers.wasm"), &component).unwrap();
    project.write("Marine.toml", "[service]\nname = \"n\"\n[[module]]\nname = \"numbers\"\nwasm = \"numbers.wasm\"\n");
    let blueprint = project.build().unwrap().service.unwrap().blueprint;
    assert_eq!(blueprint.modules[0].cid, module_cid(&component));
    insta::assert_snapshot!(blueprint.modules[0].interface, @r"
    package acme:numbers@1.0.0;

    interface api {
      seven: func() -> u32;
    }
    ");

    let pinned = |cid| format!("[[module]]\nname = \"numbers\"\nwasm = \"numbers.wasm\"\ncid = \"{cid}\"\n");
    project.write("Marine.toml", &pinned(module_cid(&component)));
    assert_eq!(project.build().unwrap().service.unwrap().blueprint.modules[0].cid, module_cid(&component));
    project.write("Marine.toml", &pinned(module_cid(b"another")));
    let error = project.build().unwrap_err().to_string();
    assert!(error.contains(&format!("and the manifest pins {}", module_cid(b"another"))), "{error}");
    project.write("Marine.toml", "[[module]]\nname = \"numbers\"\nwasm = \"numbers.wasm\"\n");

    for (bytes, expected) in [(&b"garbage"[..], "not a component"), (b"\0asm\x01\0\0\0", "is no component")] {
        fs::write(project.dir.join("numbers.wasm"), bytes).unwrap();
        let error = project.build().unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.kind(), ErrorKind::Manifest);
    }
}

#[test]
fn a_mistake_in_the_code_shows_the_compilers_words() {
    let project = Project::shop("mistake");
    project.write("stock/src/lib.rs", &STOCK.replace("9 - count", "\"many\""));
    let mut lines = Vec::new();
    let error = build(&project.request(), &mut |event| {
        if let BuildEvent::Cargo(line) = event {
            lines.push(line.to_owned());
        }
    })
    .unwrap_err();
    assert!(lines.iter().any(|line| line.starts_with("error[E0308]")), "{lines:#?}");
    assert_eq!(error.kind(), ErrorKind::Build);
    let BuildError::Cargo { last, .. } = error else { panic!("{error}") };
    assert!(last.contains("E0308"), "{last}");
}

#[test]
fn projects_that_cannot_be_built_say_why() {
    let project = Project::shop("wrong");
    let cases = [
        // A library that is no cdylib.
        ("stock/Cargo.toml", "[package]\nname = \"wrong\"\nedition = \"2024\"\n", ErrorKind::Build, "crate-type"),
        ("stock/Cargo.toml", "[package]\nname = 7\n", ErrorKind::Build, "cargo cannot read"),
        ("Marine.toml", &MANIFEST.replace("\"till\"\n", "\"tell\"\n"), ErrorKind::Manifest, "no package `tell`"),
        ("Marine.toml", &MANIFEST.replace("dirs", "dris"), ErrorKind::Manifest, "did you mean `dirs`?"),
    ];
    for (file, text, kind, expected) in cases {
        let good = fs::read_to_string(project.dir.join(file)).unwrap();
        project.write(file, text);
        let error = project.build().unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.kind(), kind, "{error}");
        project.write(file, &good);
    }

    let empty = Project::new("without-sdk");
    empty.write("Cargo.toml", "[package]\nname = \"plain\"\nedition = \"2024\"\n\n[workspace]\n");
    empty.write("src/main.rs", "fn main() {}");
    assert!(matches!(empty.build(), Err(BuildError::NothingToBuild(_))));
    assert!(matches!(
        build(&BuildRequest { path: "/".into(), ..empty.request() }, &mut |_| ()),
        Err(BuildError::NoProject(_))
    ));
}

#[test]
fn one_module_of_several_can_be_built() {
    let project = Project::shop("selected");
    let select = |name: &str| BuildRequest { packages: vec![name.to_owned()], ..project.request() };
    for name in ["till", "selected_till"] {
        let output = build(&select(name), &mut |_| ()).unwrap();
        let built: Vec<_> = output.modules.iter().map(|module| module.name.as_str()).collect();
        assert_eq!((built, output.service), (vec!["till"], None), "a service is described only if it is complete");
    }
    let error = build(&select("tell"), &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("`selected_stock`, `selected_till`"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Manifest);
}

#[test]
fn what_to_watch_is_known_while_nothing_compiles() {
    let project = Project::shop("watched");
    project.write("stock/src/lib.rs", "this is not Rust");
    let inputs = marine_build::inputs(&project.request()).unwrap();
    for path in ["Marine.toml", "Cargo.toml", "Cargo.lock", "stock/Cargo.toml", "stock/src", "till/src"] {
        assert!(inputs.contains(&project.dir.join(path)), "{path}: {inputs:#?}");
    }
    assert!(inputs.contains(&checkout().join("marine-sdk/src")), "packages by path count: {inputs:#?}");
    assert!(!inputs.iter().any(|path| path.ends_with("out")), "{inputs:#?}");
}

/// The time of day is in the component, but makes no new one.
#[test]
fn nothing_changes_with_the_clock() {
    let project = Project::shop("clock");
    let request = || BuildRequest { build_time: None, ..project.request() };
    let first = build(&request(), &mut |_| ()).unwrap();
    let again = build(&request(), &mut |_| ()).unwrap();
    assert!(again.modules.iter().all(|module| module.cached));
    assert_eq!(first.modules[0].cid, again.modules[0].cid);
}

#[test]
fn a_module_of_another_language_is_made_by_its_command() {
    let project = Project::new("command");
    let component = wat::parse_str("(component)").unwrap();
    fs::write(project.dir.join("made.bin"), component).unwrap();
    let manifest = |command: &str| {
        format!("[service]\nname = \"n\"\n[[module]]\nname = \"m\"\nwasm = \"m.wasm\"\nbuild = {command}\n")
    };
    project.write("Marine.toml", &manifest(r#"["sh", "-c", "echo copying; cp made.bin m.wasm"]"#));
    let run_with = |run_commands| {
        let mut said = Vec::new();
        let request = BuildRequest { run_commands, ..project.request() };
        let built = build(&request, &mut |event| match event {
            BuildEvent::Command { module, .. } => said.push(format!("make {module}")),
            BuildEvent::Outdated { module } => said.push(format!("outdated {module}")),
            BuildEvent::Cargo(line) => said.push(line.to_owned()),
            _ => {}
        });
        built.map(|_| said)
    };
    let run = || run_with(true);
    let not_made = run_with(false).unwrap_err();
    assert!(not_made.to_string().contains("`marine build` runs the command"), "{not_made}");
    assert_eq!(run().unwrap(), ["make m", "copying"]);
    assert!(run().unwrap().is_empty(), "nothing is newer than the component");
    let output = fs::File::create(project.dir.join("out/later")).unwrap();
    output.set_modified(SystemTime::now() + Duration::from_secs(3600)).unwrap();
    assert!(run().unwrap().is_empty(), "outputs of builds make no component outdated");
    let component = fs::File::options().append(true).open(project.dir.join("m.wasm")).unwrap();
    component.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(run_with(false).unwrap(), ["outdated m"], "commands run only where that is asked for");
    fs::remove_file(project.dir.join("m.wasm")).unwrap();
    assert_eq!(run().unwrap().len(), 2, "the component is missing");

    fs::remove_file(project.dir.join("m.wasm")).unwrap();
    for (command, expected) in [
        (r#"["sh", "-c", "exit 3"]"#, "exit status: 3"),
        (r#"["no-such-program"]"#, "it cannot be started"),
        (r#"["true"]"#, "it made no "),
    ] {
        project.write("Marine.toml", &manifest(command));
        let error = run().unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.kind(), ErrorKind::Build);
    }
}
