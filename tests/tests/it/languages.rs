//! Any component is a module: components made by other toolchains link into services and are called, from Rust modules too; ours run and
//! print in others' tools. What needs tools that are not here is left out, and says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use marine_build::Profile;
use marine_runtime::{CallError, CallOptions, Module, ModuleSpec, Plan, Service, ServiceSpec};
use marine_tests::tools;
use serde_json::{Value, json};

use crate::guests::{built, engine, module, spec};
use crate::web::server;

fn tmp() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn call(service: &Service, function: &str, args: Value) -> Result<Value, CallError> {
    service.call(function, args, CallOptions::default())
}

/// A service of the module called `name`, whose component is at `wasm` and which may reach `hosts`, and the Rust module `facade` that
/// imports it.
fn service(name: &str, wasm: &Path, hosts: &[String], facade: &str) -> Service {
    let mut foreign = ModuleSpec::new(Module::from_file(name, wasm).unwrap());
    foreign.grants.hosts = hosts.iter().map(|host| host.parse().unwrap()).collect();
    let facade = ModuleSpec::new(module(Profile::Release, facade));
    let plan = Plan::link(engine(), ServiceSpec::new("polyglot", vec![foreign, facade]));
    let plan = plan.unwrap_or_else(|errors| panic!("cannot link: {errors}"));
    Service::builder(plan).build().unwrap()
}

/// Runs `command` to its end; what it wrote to standard output.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

/// A file made from `inputs`, which is made again only if one of them changes: interpreters take long to be built in.
fn made(name: &str, inputs: &[PathBuf], make: impl FnOnce(&Path)) -> PathBuf {
    let dir = tmp().join("languages");
    fs::create_dir_all(&dir).unwrap();
    let (output, stamp) = (dir.join(name), dir.join(format!("{name}.inputs")));
    let content: Vec<u8> = inputs.iter().flat_map(|input| fs::read(input).unwrap()).collect();
    if !output.is_file() || fs::read(&stamp).ok().as_ref() != Some(&content) {
        make(&output);
        fs::write(stamp, content).unwrap();
    }
    output
}

#[test]
fn python_is_called_from_rust() {
    let Some(bin) = tools::componentize_py(tmp()) else { return };
    let files = checkout().join("tests/languages");
    let (wit, source) = (files.join("words.wit"), files.join("words/words.py"));
    let wasm = made("words.wasm", &[wit.clone(), source.clone()], |output| {
        // Of a copy: Python leaves its bytecode beside the source.
        let sources = tmp().join("languages/words");
        fs::create_dir_all(&sources).unwrap();
        fs::copy(source, sources.join("words.py")).unwrap();
        let mut tool = Command::new(bin.join("componentize-py"));
        tool.arg("-d").arg(&wit).args(["-w", "module", "componentize", "-p"]).arg(sources);
        run(tool.args(["words", "-o"]).arg(output));
    });
    let service = service("words", &wasm, &[], "asks-python");
    assert_eq!(call(&service, "favourite", json!(["to be or not to be"])), Ok(json!("be")));
    let error = call(&service, "favourite", json!(["--"]));
    assert_eq!(error, Err(CallError::Service(json!("the text has no words"))));
    let top = service.call_module("words", "top", json!(["tea, tea, milk", 2]), CallOptions::default());
    assert_eq!(top, Ok(json!([{"word": "tea", "times": 2}, {"word": "milk", "times": 1}])));
    // The interpreter's sockets are there; nothing is reached, neither by name nor by number.
    let reached = service.call_module("words", "reach", json!(["127.0.0.1"]), CallOptions::default());
    assert_eq!(reached, Ok(json!("gaierror, PermissionError")));
}

#[test]
fn javascript_is_called_from_rust() {
    let Some(node) = tools::node_packages(tmp()) else { return };
    let sources = checkout().join("tests/languages");
    let (script, wit) = (sources.join("shout.js"), sources.join("shout.wit"));
    let wasm = made("shout.wasm", &[script.clone(), wit.clone()], |output| {
        // Beside its packages: Node looks for them from the script upwards.
        let maker = node.join("componentize.mjs");
        fs::copy(sources.join("componentize.mjs"), &maker).unwrap();
        run(Command::new("node").arg(maker).args([&script, &wit]).arg(output));
    });
    let port = server();
    let service = service("shout", &wasm, &[format!("http://127.0.0.1:{port}")], "asks-javascript");
    assert_eq!(call(&service, "measured", json!(["tea"])), Ok(json!("TEA! (3)")));
    let direct = service.call_module("shout", "shout", json!({"text": "ä"}), CallOptions::default());
    assert_eq!(direct, Ok(json!({"text": "Ä!", "letters": 1})));
    // `fetch` is wasi:http, under the grants of this module.
    let shout_of = |url: String| service.call_module("shout", "shout-of", json!([url]), CallOptions::default());
    assert_eq!(shout_of(format!("http://127.0.0.1:{port}/tea")), Ok(json!("GET /TEA HTTP/1.1||!")));
    assert!(shout_of("http://127.0.0.1:1/".to_owned()).is_err());
    assert_eq!(service.stats().denials, 1);
}

#[test]
fn our_modules_run_and_print_in_others_tools() {
    let Some(node) = tools::node_packages(tmp()) else { return };
    let wasm = built(Profile::Release).wasm("echo").unwrap();
    let copy = node.join("echo.wasm");
    fs::copy(wasm, &copy).unwrap();
    let jco = |arguments: &[&str]| {
        run(Command::new("node")
            .arg("node_modules/@bytecodealliance/jco/dist/jco.js")
            .args(arguments)
            .current_dir(&node))
    };

    for script in ["call.mjs", "log.mjs"] {
        fs::copy(checkout().join("tests/languages").join(script), node.join(script)).unwrap();
    }
    // The SDK's logger is the one thing that a module of ours asks of a Marine host by itself.
    jco(&["transpile", "echo.wasm", "-o", "echo", "-q", "--map", "marine:host/log=../log.mjs"]);
    let answers = run(Command::new("node").args(["call.mjs", "./echo/echo.js"]).current_dir(&node));
    let answers: Value = serde_json::from_str(&answers).unwrap();
    let ann = json!({"name": "Ann", "age": 255, "nickNames": ["A"]});
    assert_eq!(answers, json!(["tea 🦀", "18446744073709551615", ann, "deep-blue", [0, 255]]));

    // jco's `wit` and `print` are wasm-tools.
    let wit = jco(&["wit", "echo.wasm"]);
    assert!(wit.contains("export marine:echo/api;"), "{wit}");
    let text = jco(&["print", "echo.wasm"]);
    assert!(text.starts_with("(component"), "{}", text.lines().next().unwrap_or_default());
}

/// Without other tools: a component whose interface is written by hand, called by nobody but the test.
#[test]
fn a_component_with_bare_functions_is_a_module() {
    let component = wat::parse_str(
        r#"(component
            (core module $m (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))
            (core instance $i (instantiate $m))
            (func (export "next-one") (param "n" u32) (result u32) (canon lift (core func $i "f"))))"#,
    );
    let mut spec = spec(Profile::Release, &["probe"]);
    spec.modules.push(ModuleSpec::new(Module::from_bytes("numbers", component.unwrap()).unwrap()));
    let service = Service::builder(Plan::link(engine(), spec).unwrap()).build().unwrap();
    assert_eq!(call(&service, "next_one", json!([6])), Ok(json!(7)));
}
