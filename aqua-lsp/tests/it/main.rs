//! The server as an editor sees it: messages of the protocol in both directions.

use std::collections::HashMap;
use std::sync::Arc;

use lsp_server::{Connection, Message, Notification, Request, RequestId};
use marine_aqua::{Options, SourceError, Sources};
use serde_json::{Value, json};

const STOCK: &str = "aqua Stock declares *\n\nservice Store(\"store\"):\n  -- How many there are.\n  count(item: string) -> u32\n\n-- Counts at a peer.\nfunc at(peer: string, item: string) -> u32:\n  on peer:\n    n <- Store.count(item)\n  <- n\n";
const MAIN: &str = "aqua Main\n\nimport Store, at from \"stock.aqua\"\n\nexport pick\n\nfunc pick(pears: string) -> u32:\n  n <- Store.count(pears)\n  m <- at(HOST_PEER_ID, pear)\n  <- n\n";

struct Disk;

impl Sources for Disk {
    fn text(&self, path: &str) -> Option<Result<Arc<str>, SourceError>> {
        (path == "/shop/stock.aqua").then(|| Ok(STOCK.into()))
    }

    fn list(&self, _folder: &str, _ending: &str) -> Vec<String> {
        vec!["/shop/stock.aqua".to_string()]
    }
}

/// An editor with one open file, `/shop/main.aqua`.
struct Editor {
    connection: Connection,
    server: Option<std::thread::JoinHandle<()>>,
    asked: i32,
    /// The last diagnostics by address.
    shown: HashMap<String, Value>,
}

impl Editor {
    fn new(text: &str) -> Self {
        let (server, connection) = Connection::memory();
        let server = std::thread::spawn(move || {
            marine_aqua_lsp::serve(&server, &Disk, &Options::default()).expect("a clean end");
        });
        let mut editor = Self { connection, server: Some(server), asked: 0, shown: HashMap::new() };
        let folders = json!([{ "uri": "file:///shop", "name": "shop" }]);
        let capabilities = editor.ask("initialize", json!({ "capabilities": {}, "workspaceFolders": folders }));
        assert_eq!(capabilities["capabilities"]["hoverProvider"], true);
        editor.tell("initialized", json!({}));
        let document = json!({ "uri": URI, "languageId": "aqua", "version": 1, "text": text });
        editor.tell("textDocument/didOpen", json!({ "textDocument": document }));
        editor
    }

    fn tell(&self, method: &str, params: Value) {
        let message = Message::Notification(Notification::new(method.to_string(), params));
        self.connection.sender.send(message).expect("the server listens");
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let id = RequestId::from(self.asked);
        let request = Request::new(id.clone(), method.to_string(), params);
        self.connection.sender.send(Message::Request(request)).expect("the server listens");
        loop {
            match self.connection.receiver.recv().expect("the server answers") {
                Message::Response(response) if response.id == id => {
                    let answer = serde_json::to_value(response).expect("JSON");
                    return match answer.get("result") {
                        Some(result) => result.clone(),
                        None => json!({ "error": answer["error"]["message"] }),
                    };
                }
                other => self.note(other),
            }
        }
    }

    fn note(&mut self, message: Message) {
        let Message::Notification(notification) = message else { return };
        assert_eq!(notification.method, "textDocument/publishDiagnostics");
        let uri = notification.params["uri"].as_str().expect("an address").to_string();
        self.shown.insert(uri, notification.params["diagnostics"].clone());
    }

    /// Codes of the next diagnostics of the open file.
    fn diagnostics(&mut self) -> Vec<String> {
        while !self.shown.contains_key(URI) {
            let message = self.connection.receiver.recv().expect("the server speaks");
            self.note(message);
        }
        let shown = self.shown.remove(URI).expect("just found");
        shown
            .as_array()
            .expect("a list")
            .iter()
            .map(|found| found["code"].as_str().unwrap_or_default().to_string())
            .collect()
    }

    /// Asks about the place of `needle` in the text, `behind` characters after its beginning.
    fn at(&mut self, method: &str, text: &str, needle: &str, behind: usize, more: Value) -> Value {
        let offset = text.find(needle).expect("the needle") + behind;
        let line = text[..offset].matches('\n').count();
        let column = offset - text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let mut params = json!({ "textDocument": { "uri": URI }, "position": { "line": line, "character": column } });
        for (key, value) in more.as_object().into_iter().flatten() {
            params[key] = value.clone();
        }
        self.ask(method, params)
    }

    fn end(mut self) {
        self.ask("shutdown", Value::Null);
        self.tell("exit", Value::Null);
        self.server.take().expect("started").join().expect("a clean end");
    }
}

const URI: &str = "file:///shop/main.aqua";

#[test]
fn diagnostics_as_typed() {
    let mut editor = Editor::new(MAIN);
    assert_eq!(editor.diagnostics(), ["A1301"]);
    // `pear` becomes `pears`, by inserting one letter.
    let range = json!({ "start": { "line": 8, "character": 28 }, "end": { "line": 8, "character": 28 } });
    let change =
        json!({ "textDocument": { "uri": URI, "version": 2 }, "contentChanges": [{ "range": range, "text": "s" }] });
    editor.tell("textDocument/didChange", change);
    assert_eq!(editor.diagnostics(), Vec::<String>::new());
    editor.tell("textDocument/didClose", json!({ "textDocument": { "uri": URI } }));
    assert_eq!(editor.diagnostics(), Vec::<String>::new());
    editor.end();
}

#[test]
fn definition_hover_and_references() {
    let mut editor = Editor::new(MAIN);
    let target = editor.at("textDocument/definition", MAIN, "count(pears)", 1, json!({}));
    assert_eq!(
        (target["uri"].as_str(), target["range"]["start"]["line"].as_u64()),
        (Some("file:///shop/stock.aqua"), Some(4))
    );
    let local = editor.at("textDocument/definition", MAIN, "pears)\n", 0, json!({}));
    assert_eq!((local["uri"].as_str(), local["range"]["start"]["line"].as_u64()), (Some(URI), Some(6)));
    let file = editor.at("textDocument/definition", MAIN, "stock.aqua", 1, json!({}));
    assert_eq!(file["uri"], "file:///shop/stock.aqua");

    let hover = |editor: &mut Editor, needle: &str| {
        let answer = editor.at("textDocument/hover", MAIN, needle, 0, json!({}));
        answer["contents"]["value"].as_str().unwrap_or_default().to_string()
    };
    assert_eq!(
        hover(&mut editor, "count(pears)"),
        "```aqua\nStore.count(item: string) -> u32\n```\n\nHow many there are."
    );
    let function = hover(&mut editor, "at(HOST");
    assert!(
        function.contains("func at(peer: string, item: string) -> u32") && function.contains("Counts at a peer."),
        "{function}"
    );
    assert!(function.contains("and on `peer`"), "{function}");
    assert_eq!(hover(&mut editor, "pears: string"), "```aqua\npears: string\n```");

    let uses = editor.at(
        "textDocument/references",
        MAIN,
        "Store.count",
        0,
        json!({ "context": { "includeDeclaration": true } }),
    );
    let mut lines: Vec<String> = uses.as_array().expect("a list").iter().map(place).collect();
    lines.sort();
    assert_eq!(lines, ["main.aqua:3", "main.aqua:8", "stock.aqua:10", "stock.aqua:3"]);
    editor.end();
}

fn place(location: &Value) -> String {
    let file = location["uri"].as_str().and_then(|uri| uri.rsplit('/').next()).unwrap_or_default();
    format!("{file}:{}", location["range"]["start"]["line"].as_u64().unwrap_or_default() + 1)
}

#[test]
fn completion() {
    let labels = |text: &str, needle: &str| {
        let mut editor = Editor::new(text);
        let items = editor.at("textDocument/completion", text, needle, needle.len(), json!({}));
        let labels: Vec<String> = items
            .as_array()
            .expect("a list")
            .iter()
            .map(|item| item["label"].as_str().unwrap_or_default().to_string())
            .collect();
        editor.end();
        labels
    };
    assert_eq!(labels(&MAIN.replace("Store.count(pears)", "Store."), "n <- Store."), ["count"]);
    let names = labels(&MAIN.replace("Store.count(pears)", ""), "n <- ");
    for name in ["Store", "at", "pears", "HOST_PEER_ID", "for"] {
        assert!(names.iter().any(|known| known == name), "{name} in {names:?}");
    }
    let paths = labels(MAIN, "from \"");
    assert!(
        paths.contains(&"stock.aqua".to_string()) && paths.contains(&"aqua-lib/builtin.aqua".to_string()),
        "{paths:?}"
    );
}

#[test]
fn rename_across_files() {
    let mut editor = Editor::new(MAIN);
    let edit = editor.at("textDocument/rename", MAIN, "at(HOST", 0, json!({ "newName": "count_at" }));
    let changes = edit["changes"].as_object().expect("changes");
    let count = |uri: &str| changes[uri].as_array().map_or(0, Vec::len);
    assert_eq!((count(URI), count("file:///shop/stock.aqua")), (2, 1));
    let local = editor.at("textDocument/rename", MAIN, "pears: string", 0, json!({ "newName": "fruit" }));
    assert_eq!(local["changes"][URI].as_array().map(Vec::len), Some(2));
    let refused = editor.at("textDocument/rename", MAIN, "at(HOST", 0, json!({ "newName": "Big" }));
    assert!(refused["error"].as_str().is_some_and(|message| message.contains("first letter")), "{refused}");
    editor.end();
}

/// What is used under a module's name is found, shown, proposed and renamed like what is imported.
#[test]
fn files_behind_a_module_name() {
    let text = "aqua Main\n\nuse \"stock.aqua\" as Shop\n\nfunc pick(pears: string) -> u32:\n  n <- Shop.Store.count(pears)\n  \
                m <- Shop.at(HOST_PEER_ID, pears)\n  <- n + m\n";
    let mut editor = Editor::new(text);
    let target = editor.at("textDocument/definition", text, "at(HOST", 0, json!({}));
    assert_eq!(place(&target), "stock.aqua:8");
    let target = editor.at("textDocument/definition", text, "count(pears)", 0, json!({}));
    assert_eq!(place(&target), "stock.aqua:5");
    let hover = editor.at("textDocument/hover", text, "at(HOST", 0, json!({}));
    assert!(hover["contents"]["value"].as_str().is_some_and(|text| text.contains("Counts at a peer.")), "{hover}");
    let edit = editor.at("textDocument/rename", text, "count(pears)", 0, json!({ "newName": "number" }));
    let count = |uri: &str| edit["changes"][uri].as_array().map_or(0, Vec::len);
    assert_eq!((count(URI), count("file:///shop/stock.aqua")), (1, 2), "{edit}");
    editor.end();
    let text = text.replace("Shop.at(HOST_PEER_ID, pears)", "Shop.");
    let mut editor = Editor::new(&text);
    let items = editor.at("textDocument/completion", &text, "m <- Shop.", "m <- Shop.".len(), json!({}));
    let mut labels: Vec<&str> =
        items.as_array().expect("a list").iter().filter_map(|item| item["label"].as_str()).collect();
    labels.sort_unstable();
    assert!(labels.contains(&"Store") && labels.contains(&"at"), "{labels:?}");
    editor.end();
}

/// A name is renamed from the file that defines it, too, in all files that use it.
#[test]
fn rename_from_the_defining_file() {
    let mut editor = Editor::new(MAIN);
    let uri = "file:///shop/stock.aqua";
    let document = json!({ "uri": uri, "languageId": "aqua", "version": 1, "text": STOCK });
    editor.tell("textDocument/didOpen", json!({ "textDocument": document }));
    let position = json!({ "line": 4, "character": 3 });
    let params = json!({ "textDocument": { "uri": uri }, "position": position, "newName": "number" });
    let edit = editor.ask("textDocument/rename", params);
    let count = |uri: &str| edit["changes"][uri].as_array().map_or(0, Vec::len);
    assert_eq!((count(URI), count(uri)), (1, 2), "{edit}");
    editor.end();
}

#[test]
fn colours() {
    let mut editor = Editor::new(MAIN);
    let legend = [
        "keyword",
        "comment",
        "string",
        "number",
        "operator",
        "type",
        "struct",
        "interface",
        "function",
        "method",
        "property",
        "variable",
        "enumMember",
        "namespace",
    ];
    let answer = editor.ask("textDocument/semanticTokens/full", json!({ "textDocument": { "uri": URI } }));
    let numbers: Vec<usize> =
        answer["data"].as_array().expect("numbers").iter().map(|n| n.as_u64().expect("a number") as usize).collect();
    let (mut line, mut column) = (0, 0);
    let lines: Vec<&str> = MAIN.lines().collect();
    let mut shown = Vec::new();
    for token in numbers.chunks(5) {
        column = if token[0] == 0 { column + token[1] } else { token[1] };
        line += token[0];
        shown.push(format!("{} {}", &lines[line][column..column + token[2]], legend[token[3]]));
    }
    let call = ["n variable", "<- operator", "Store interface", "count method", "pears variable"];
    assert!(shown.windows(call.len()).any(|window| window == call), "{shown:?}");
    let head = ["func keyword", "pick function", "pears variable", "string type", "-> operator", "u32 type"];
    assert!(shown.windows(head.len()).any(|window| window == head), "{shown:?}");
    for expected in ["aqua keyword", "import keyword", "\"stock.aqua\" string", "HOST_PEER_ID enumMember"] {
        assert!(shown.iter().any(|token| token == expected), "{expected} in {shown:?}");
    }
    editor.end();
}

#[test]
fn symbols_formatting_and_fixes() {
    let text = MAIN.replace("n <- Store", "n<-Store");
    let mut editor = Editor::new(&text);
    let document = json!({ "textDocument": { "uri": URI } });
    let symbols = editor.ask("textDocument/documentSymbol", document.clone());
    assert_eq!(symbols[0]["name"], "pick");
    let mut params = document.clone();
    params["options"] = json!({ "tabSize": 2, "insertSpaces": true });
    let edits = editor.ask("textDocument/formatting", params);
    assert_eq!(edits[0]["newText"], MAIN);
    let range = json!({ "start": { "line": 8, "character": 24 }, "end": { "line": 8, "character": 28 } });
    let mut params = document;
    params["range"] = range;
    params["context"] = json!({ "diagnostics": [] });
    let actions = editor.ask("textDocument/codeAction", params);
    assert_eq!(
        (actions[0]["title"].as_str(), &actions[0]["edit"]["changes"][URI][0]["newText"]),
        (Some("write `pears`"), &json!("pears"))
    );
    let unknown = editor.ask("textDocument/foldingRange", json!({}));
    assert!(unknown["error"].as_str().is_some_and(|message| message.contains("no method")), "{unknown}");
    editor.end();
}
