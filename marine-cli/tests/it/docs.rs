//! What the book and the templates say about AIR and Aqua is true.

use std::path::Path;

use crate::support::User;

#[test]
fn scripts_of_book_and_templates_have_no_findings() {
    let user = User::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/air.md")).expect("the page");
    let blocks = page.split("```air\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut scripts: Vec<String> = blocks.map(str::to_string).collect();
    assert!(scripts.len() >= 6, "the page has examples");
    for template in ["greeting", "two-modules"] {
        let path = root.join("templates").join(template).join("hello.air");
        scripts.push(std::fs::read_to_string(path).expect("the template's workflow"));
    }
    let mut arguments = vec!["air".to_string(), "check".to_string(), "--deny".to_string(), "warnings".to_string()];
    for (number, script) in scripts.iter().enumerate() {
        let path = user.path(&format!("{number}.air"));
        std::fs::write(&path, script).expect("written");
        arguments.push(path.to_str().expect("text").to_string());
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let run = user.marine(&root, &arguments).expect(0);
    assert!(run.stdout.is_empty(), "{run:?}");
}

#[test]
fn formatting_keeps_the_meaning_and_is_done_once() {
    let user = User::new();
    let path = user.path("wide.air");
    std::fs::write(&path, "(seq (call \"a\" (\"op\" \"noop\") []) ; why\n (null))").expect("written");
    let file = path.to_str().expect("text");
    user.marine(&user.path(""), &["air", "fmt", "--check", file]).expect(3);
    user.marine(&user.path(""), &["air", "fmt", file]).expect(0);
    user.marine(&user.path(""), &["air", "fmt", "--check", file]).expect(0);
    let text = std::fs::read_to_string(&path).expect("text");
    assert!(text.contains("; why") && text.contains("(null)"), "{text}");
}

#[test]
fn programs_of_the_book_compile() {
    let user = User::new();
    let page = include_str!("../../../docs/aqua.md");
    let blocks: Vec<&str> = page.split("```aqua\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    // Services of other projects are not there.
    let whole: Vec<&&str> = blocks.iter().filter(|block| !block.contains(" from \"greeting.wasm\"")).collect();
    assert!(whole.len() >= 2, "the page has examples");
    for (number, program) in whole.iter().enumerate() {
        std::fs::write(user.path(&format!("{number}.aqua")), program).expect("written");
    }
    user.marine(&user.path(""), &["aqua", "check", "--deny", "warnings"]).expect(0);
    user.marine(&user.path(""), &["aqua", "fmt", "--check"]).expect(0);
    // The first example is the one that the template and the demo run.
    let template = include_str!("../../../templates/aqua-workflow/hello.aqua.jinja");
    let function = blocks[0].split("\n\n").find(|part| part.starts_with("func ")).expect("a function");
    assert!(template.contains(function.trim_end()), "{function}");
}
