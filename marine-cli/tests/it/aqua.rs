//! `marine aqua` and `marine run` of programs: files, nodes as real processes, and the language server as one.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Node, User, project};

const HELLO: &str = "aqua Hello\n\nimport Op from \"aqua-lib/builtin.aqua\"\n\nexport hello\n\nfunc hello(name: string) -> string:\n  text <- Op.concat_strings(\"hello, \", name)\n  <- text\n";

#[test]
fn files_are_checked_and_formatted() {
    let user = User::new();
    let home = user.path("");
    std::fs::write(user.path("good.aqua"), HELLO).expect("written");
    user.marine(&home, &["aqua", "check", "good.aqua", "--deny", "warnings"]).expect(0);
    std::fs::write(user.path("bad.aqua"), HELLO.replace("<- text", "<- txt")).expect("written");
    let run = user.marine(&home, &["aqua", "check"]).expect(3);
    assert!(run.stdout.contains("error[A1301]: cannot find `txt`"), "{run:?}");
    let run = user.marine(&home, &["--json", "aqua", "check", "bad.aqua"]).expect(3);
    let found: Value = serde_json::from_str(run.stdout.lines().next().unwrap_or_default()).expect("JSON");
    assert_eq!((found["id"].as_str(), found["line"].as_u64()), (Some("A1301"), Some(9)));

    let dropped = HELLO.replace("  text <- Op", "  Op.concat_strings(name, name)\n  text <- Op");
    std::fs::write(user.path("good.aqua"), dropped).expect("written");
    user.marine(&home, &["aqua", "check", "good.aqua", "--deny", "warnings"]).expect(0);
    let run = user.marine(&home, &["aqua", "check", "good.aqua", "--warn-dropped"]).expect(0);
    assert!(run.stdout.contains("warning[A1901]"), "{run:?}");

    std::fs::write(user.path("wide.aqua"), HELLO.replace("text <- ", "text   <-")).expect("written");
    let run = user.marine(&home, &["aqua", "fmt", "--check"]).expect(3);
    assert_eq!(run.stdout.trim(), "wide.aqua");
    user.marine(&home, &["aqua", "fmt"]).expect(0);
    assert_eq!(std::fs::read_to_string(user.path("wide.aqua")).expect("text"), HELLO);
    user.marine(&home, &["aqua", "check", "nowhere.aqua"]).expect(2);
}

#[test]
fn an_editor_is_served() {
    use lsp_server::{Message, Notification, Request};
    let user = User::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_marine"))
        .args(["aqua", "lsp"])
        .current_dir(user.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut input = child.stdin.take().expect("piped");
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    let mut send = |message: Message| {
        message.write(&mut input).expect("the server listens");
        input.flush().expect("the server listens");
    };
    let mut receive = || Message::read(&mut output).expect("a message").expect("the server speaks");
    let request =
        |id: i32, method: &str, params: Value| Message::Request(Request::new(id.into(), method.to_string(), params));
    let notification =
        |method: &str, params: Value| Message::Notification(Notification::new(method.to_string(), params));

    send(request(1, "initialize", json!({ "capabilities": {} })));
    assert!(matches!(receive(), Message::Response(_)));
    send(notification("initialized", json!({})));
    let text = HELLO.replace("<- text", "<- txt");
    let document = json!({ "uri": "file:///hello.aqua", "languageId": "aqua", "version": 1, "text": text });
    send(notification("textDocument/didOpen", json!({ "textDocument": document })));
    let Message::Notification(shown) = receive() else { panic!("diagnostics come first") };
    assert_eq!(shown.params["diagnostics"][0]["code"], "A1301");
    let place = json!({ "textDocument": { "uri": "file:///hello.aqua" }, "position": { "line": 7, "character": 14 } });
    send(request(2, "textDocument/hover", place));
    let hover = serde_json::to_value(receive()).expect("JSON");
    let value = hover["result"]["contents"]["value"].as_str().unwrap_or_default().to_string();
    assert!(value.contains("Op.concat_strings(a: string, b: string) -> string"), "{hover}");
    send(request(3, "shutdown", Value::Null));
    assert!(matches!(receive(), Message::Response(_)));
    send(notification("exit", Value::Null));
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn imports_are_found_where_the_manifest_says() {
    let user = User::new();
    let (inner, lib) = (user.path("src/inner"), user.path("lib"));
    for dir in [&inner, &lib] {
        std::fs::create_dir_all(dir).expect("created");
    }
    let write = |name: &str, text: &str| std::fs::write(user.path(name), text).expect("written");
    write("lib/names.aqua", "aqua Names declares name\n\nfunc name() -> string:\n  <- \"Ada\"\n");
    write(
        "src/inner/main.aqua",
        "aqua Main\n\nimport \"names.aqua\"\n\nexport f\n\nfunc f() -> string:\n  n <- name()\n  <- n\n",
    );
    let check = |dir: &str, file: &str| user.marine(&user.path(dir), &["aqua", "check", file]);
    check("", "src/inner/main.aqua").expect(3);
    write("Marine.toml", "[aqua.imports]\n\"src/\" = { \"\" = [\"lib\"] }\n");
    for (dir, file) in [("", "src/inner/main.aqua"), ("src", "inner/main.aqua"), ("src/inner", "main.aqua")] {
        check(dir, file).expect(0);
    }
    write("Marine.toml", "[aqua.imports]\n\"other/\" = { \"\" = [\"lib\"] }\n");
    check("", "src/inner/main.aqua").expect(3);
    user.marine(&user.path(""), &["aqua", "check", "src/inner/main.aqua", "--import", "lib"]).expect(0);
    write("Marine.toml", "[aqua]\nimprots = 1\n");
    let wrong = check("", "src/inner/main.aqua").expect(12);
    assert!(wrong.stderr.contains("did you mean `imports`?"), "{wrong:?}");
}

#[test]
fn scripts_are_written_and_written_again_when_sources_change() {
    let user = User::new();
    let home = user.path("");
    std::fs::create_dir_all(user.path("src/deep")).expect("created");
    std::fs::write(user.path("src/deep/hello.aqua"), HELLO).expect("written");
    let run = user.marine(&home, &["aqua", "build", "src", "-o", "out", "--map"]).expect(0);
    let written = ["out/deep/hello.hello.air", "out/deep/hello.hello.json", "out/deep/hello.hello.map.json"];
    assert_eq!(run.stdout.lines().collect::<Vec<_>>(), written);
    let air = std::fs::read_to_string(user.path(written[0])).expect("a script");
    assert!(!air.contains('\n'), "{air}");
    user.marine(&home, &["air", "check", written[0]]).expect(0);
    let descriptor: Value =
        serde_json::from_slice(&std::fs::read(user.path(written[1])).expect("a descriptor")).expect("JSON");
    assert_eq!(descriptor["functionName"], "hello");
    assert_eq!(descriptor["arrow"]["domain"]["fields"]["name"]["name"], "string");
    let map: Value = serde_json::from_slice(&std::fs::read(user.path(written[2])).expect("a map")).expect("JSON");
    assert_eq!(map["sources"][0], "src/deep/hello.aqua");

    let names =
        ["getDataSrv=data", "callbackSrv=back", "responseFnName=answer", "errorHandlingSrv=errors", "errorFnName=told"];
    let names = names.iter().flat_map(|name| ["--name", name]);
    let build = ["aqua", "build", "src", "-o", "named", "--tracing"].into_iter().chain(names).collect::<Vec<_>>();
    user.marine(&home, &build).expect(0);
    let air = std::fs::read_to_string(user.path("named/deep/hello.hello.air")).expect("a script");
    for call in ["\"data\" \"name\"", "\"back\" \"answer\"", "\"errors\" \"told\""] {
        assert!(air.contains(call), "no {call} in {air}");
    }
    let text = std::fs::read_to_string(user.path("named/deep/hello.hello.json")).expect("a descriptor");
    let descriptor: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (&descriptor["names"]["responseSrv"], &descriptor["names"]["errorFnName"]),
        (&json!("back"), &json!("told"))
    );
    let wrong = user.marine(&home, &["aqua", "build", "src", "--name", "relay=x"]).expect(2);
    assert!(wrong.stderr.contains("`relay` has no other name"), "{wrong:?}");

    let mut watching = user
        .command(&home, &["aqua", "build", "src", "-o", "out", "--watch"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut shown = BufReader::new(watching.stdout.take().expect("piped")).lines().map(|line| line.expect("text"));
    assert_eq!(shown.next().as_deref(), Some(written[0]));
    assert_eq!(shown.next().as_deref(), Some(written[1]));
    std::fs::write(
        user.path("src/deep/hello.aqua"),
        HELLO.replace("hello(", "hail(").replace("export hello", "export hail"),
    )
    .expect("written");
    assert_eq!(shown.next().as_deref(), Some("out/deep/hello.hail.air"));
    watching.kill().expect("it runs");
    watching.wait().expect("it ends");
}

#[test]
fn a_changed_service_is_an_error_with_both_signatures() {
    let (user, dir) = (User::new(), project("aqua-workflow"));
    user.marine(&dir, &["aqua", "check", "--deny", "warnings"]).expect(0);
    let manifest = dir.join("Marine.toml");
    let manifest = manifest.to_str().expect("text");
    let declared = |member: &str| format!("aqua Main\n\nservice Hello(\"h\") from \"{manifest}\":\n  {member}\n");
    let check = |text: &str| {
        std::fs::write(user.path("main.aqua"), text).expect("written");
        user.marine(&user.path(""), &["aqua", "check", "main.aqua"])
    };
    check(&declared("hello(from: string) -> string")).expect(0);
    let changed = check(&declared("hello(from: string, loud: bool) -> string")).expect(3);
    for said in ["error[A1502]", "hello(from: string, loud: bool) -> string", "has `hello(from: string) -> string`"] {
        assert!(changed.stdout.contains(said), "{changed:?}");
    }
    let gone = check(&declared("bye(from: string) -> string")).expect(3);
    assert!(gone.stdout.contains("error[A1503]") && gone.stdout.contains("hello(from: string)"), "{gone:?}");

    // Those that a build writes are held against what it built; a hand that changed them is noticed.
    let built = dir.join("target/marine/dev/aqua-workflow.aqua");
    let generated = std::fs::read_to_string(&built).expect("declarations");
    let component = dir.join("target/marine/dev/aqua-workflow.wasm");
    assert!(generated.starts_with("-- interface of aqua-workflow.wasm: "), "{generated}");
    std::fs::copy(&component, user.path("aqua-workflow.wasm")).expect("copied");
    check(&generated).expect(0);
    let stale = check(&generated.replace("from: string", "from: u8")).expect(3);
    assert!(stale.stdout.contains("error[A1502]") && stale.stdout.contains("(from: string) -> string"), "{stale:?}");

    // So are those that are printed.
    std::fs::copy(&component, user.path("hello.wasm")).expect("copied");
    for from in ["hello.wasm", manifest] {
        let run = user.marine(&user.path(""), &["aqua", from, "-s", "Hello", "-i", "hello"]).expect(0);
        assert!(run.stdout.starts_with(&format!("-- interface of {from}: ")), "{run:?}");
        check(&run.stdout).expect(0);
        let (mark, rest) = run.stdout.split_once('\n').expect("lines");
        // As if they were made from an earlier interface.
        let (path, _) = mark.rsplit_once(": ").expect("a hash");
        check(&format!("{path}: older\n{rest}")).expect(0);
        let stale = check(&format!("{path}: older\n{}", rest.replace(": string)", ": u8)"))).expect(3);
        assert!(stale.stdout.contains("error[A1502]") && stale.stdout.contains(": u8)"), "{stale:?}");
    }
    std::fs::remove_file(user.path("hello.wasm")).expect("removed");
    let missing =
        check("-- interface of hello.wasm: x\naqua Main\n\nservice H(\"h\"):\n  hello(from: string) -> string\n");
    assert!(missing.expect(3).stdout.contains("error[A1504]"));

    std::fs::write(user.path("Marine.toml"), "[[module]]\nname = \"till\"\ncrate = \"till\"\n").expect("written");
    let unbuilt = check("aqua Main\n\nservice Till(\"till\") from \"Marine.toml\"\n").expect(3);
    assert!(unbuilt.stdout.contains("error[A1504]") && unbuilt.stdout.contains("marine build"), "{unbuilt:?}");
}

#[test]
fn a_check_of_the_project_holds_programs_against_the_sources_as_they_are() {
    let user = User::new();
    user.marine(&user.path(""), &["new", "fresh", "-t", "aqua-workflow"]).expect(0);
    let dir = user.path("fresh");
    // Nothing was built, and nothing is.
    user.marine(&dir, &["check"]).expect(0);
    assert!(!dir.join("target/marine").exists());
    let source = dir.join("src/lib.rs");
    let text = std::fs::read_to_string(&source).expect("a source");
    let changed = text
        .replace("fn hello(from: &str)", "fn hello(from: &str, _loud: bool)")
        .replace("hello(\"12D3Koo\")", "hello(\"12D3Koo\", true)");
    std::fs::write(&source, changed).expect("written");
    let run = user.marine(&dir, &["check"]).expect(3);
    assert!(run.stdout.contains("error[A1502]") && run.stdout.contains("hello(from: PeerId) -> string"), "{run:?}");
}

#[test]
fn the_template_runs_simulated_and_on_a_node() {
    let (user, dir) = (User::new(), project("aqua-workflow"));
    let simulated = |call: &str, more: &[&str]| {
        let arguments = ["run", "hello.aqua", "-f", call, "--simulate", "--stubs", "stubs.toml"];
        user.marine(&dir, &[&arguments[..], more].concat())
    };
    let run = simulated("sayHello(\"@ada\", \"@relay\")", &[]).expect(0);
    assert_eq!(run.stdout, "Hello from Ada!\n");
    for seed in ["1", "2", "3"] {
        let run = simulated("sayHelloToAll([\"@ada\", \"@bob\", \"@cleo\"], 2000)", &["--seed", seed]).expect(0);
        let mut said: Vec<String> = serde_json::from_str(&run.stdout).expect("JSON");
        said.sort_unstable();
        assert_eq!(said, ["Hello from Ada!", "Hello!"]);
    }
    let error = simulated("sayHello(\"@bob\", \"@relay\")", &[]).expect(23);
    assert!(error.stderr.contains("Bob is not in the mood") && error.stderr.contains("hello.aqua:"), "{error:?}");

    let node = Node::start(&user, &user.path("node"));
    user.marine(&dir, &["deploy", "--to", &node.address]).expect(0);
    let call = format!("sayHello(\"{}\", HOST_PEER_ID)", node.peer);
    let run = user.marine(&dir, &["run", "hello.aqua", "-f", &call, "--relay", &node.address, "--trace"]).expect(0);
    assert!(run.stdout.starts_with("Hello, 12D3Koo"), "{run:?}");
    assert!(run.stderr.contains("aqua-workflow.hello(") && run.stderr.contains("hello.aqua:14:12"), "{run:?}");
    let call = format!("sayHelloToAll([\"{}\"], 20000)", node.peer);
    let run = user.marine(&dir, &["--json", "run", "hello.aqua", "-f", &call, "--relay", &node.address]).expect(0);
    assert_eq!(run.documents()[0]["result"][0].as_array().map(Vec::len), Some(1), "{run:?}");

    // What the node says about the service makes declarations as well.
    let run = user.marine(&dir, &["aqua", "aqua-workflow", "--relay", &node.address, "-s", "Hello"]).expect(0);
    let (mark, declarations) = run.stdout.split_once('\n').expect("lines");
    assert!(mark.starts_with(&format!("-- interface of {}/aqua-workflow: ", node.peer)), "{mark}");
    assert_eq!(
        declarations,
        "aqua Hello declares *\n\nservice Hello(\"aqua-workflow\"):\n  hello(from: string) -> string\n"
    );
    // They are held against the node if it is asked.
    let check = |text: &str, more: &[&str]| {
        std::fs::write(user.path("deployed.aqua"), text).expect("written");
        user.marine(&user.path(""), &[&["aqua", "check", "deployed.aqua"], more].concat())
    };
    let over = ["--relay", &node.address];
    check(&run.stdout, &over).expect(0);
    let changed = run.stdout.replace("from: string", "from: string, loud: bool");
    check(&changed, &[]).expect(0);
    let differs = check(&changed, &over).expect(3);
    for said in ["error[A1502]", "hello(from: string, loud: bool) -> string", "has `hello(from: string) -> string`"] {
        assert!(differs.stdout.contains(said), "{differs:?}");
    }
    let gone = check(&run.stdout.replace("/aqua-workflow: ", "/no-such-service: "), &over).expect(3);
    assert!(gone.stdout.contains("error[A1504]") && gone.stdout.contains("no service"), "{gone:?}");
    assert_eq!(node.stop(), 0);
}

const CALLS: &str = "aqua Calls

import \"aqua-lib/builtin.aqua\"

export report, fails, waits, nothing

func report(host: PeerId, names: []string, prefix: ?string, seen: string, u32 -> bool) -> []string, u32:
  kept: *string
  for name <- names:
    on host:
      text <- Op.concat_strings(\"hi \", name)
    is_wanted <- seen(text, names.length)
    if is_wanted:
      kept <<- text
  Console.print(prefix)
  <- kept, names.length + 1

func fails(host: PeerId) -> string:
  on host:
    text <- Op.string_from_b58(\"0\")
  <- text

func waits(host: PeerId) -> string:
  on host:
    late <- Peer.timeout(600000, \"late\")
  <- late

func nothing(host: PeerId):
  on host:
    Op.noop()
";

#[test]
fn callbacks_results_and_errors_of_programs_on_a_node() {
    let user = User::new();
    let home = user.path("");
    std::fs::write(user.path("calls.aqua"), CALLS).expect("written");
    std::fs::write(user.path("data.json"), r#"{"people": ["Ada", "Bob"], "yes": true}"#).expect("written");
    let node = Node::start(&user, &user.path("node"));
    let run = |call: &str, more: &[&str]| {
        let arguments = ["run", "calls.aqua", "-f", call, "--relay", &node.address, "--data", "@data.json"];
        user.marine(&home, &[&arguments[..], more].concat())
    };
    let report = run("report(HOST_PEER_ID, people, \"done\", yes)", &[]).expect(0);
    let seen = |name: &str| json!({ "callback": "seen", "args": [format!("hi {name}"), 2] }).to_string();
    let lines: Vec<&str> = report.stdout.lines().collect();
    assert_eq!(lines[..2], [seen("Ada"), seen("Bob")], "{report:?}");
    let results: Vec<Value> = serde_json::Deserializer::from_str(&lines[2..].join("\n"))
        .into_iter()
        .map(|value| value.expect("JSON"))
        .collect();
    assert_eq!(results, [json!(["hi Ada", "hi Bob"]), json!(3)]);
    assert!(report.stderr.contains("[\"done\"]") || report.stderr.contains("\"done\""), "{report:?}");

    let failed = run("fails(HOST_PEER_ID)", &[]).expect(23);
    for said in ["not base58", "op\" \"string_from_b58", &node.peer, "calls.aqua:20:13"] {
        assert!(failed.stderr.contains(said), "no {said} in {failed:?}");
    }
    run("waits(HOST_PEER_ID)", &["--ttl", "700ms"]).expect(21);
    let nothing = run("nothing(HOST_PEER_ID)", &[]).expect(0);
    assert_eq!(nothing.stdout, "");
    let wrong = run("report(1, people, nil, yes)", &[]).expect(2);
    assert!(wrong.stderr.contains("`host` must be `string`, not 1"), "{wrong:?}");
    assert_eq!(node.stop(), 0);
}
