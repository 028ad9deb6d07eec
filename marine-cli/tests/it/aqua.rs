//! `marine aqua`: checking and formatting files, and the language server as a real process.

use std::io::{BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::User;

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
