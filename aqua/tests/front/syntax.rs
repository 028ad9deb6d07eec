//! What is a program, and what a broken one loses.

use marine_aqua::diagnostic::FileId;
use marine_aqua::syntax::{SyntaxKind, parse};

use crate::support::{checked, findings, rendered};

/// Everything the grammar has, without a finding.
const WHOLE: &str = include_str!("program.aqua");

#[test]
fn the_whole_grammar() {
    let checked = checked(&[("main.aqua", WHOLE)]);
    assert_eq!(rendered(&checked), "");
    let program = checked.program.expect("no errors");
    let names: Vec<&str> = program.exports.iter().map(|export| &*export.name).collect();
    assert_eq!(names, ["all", "callback", "Kv"]);
}

#[test]
fn every_kind_of_node_is_in_it() {
    let root = parse(FileId(0), WHOLE).syntax();
    let kinds: std::collections::BTreeSet<SyntaxKind> = root.descendants().map(|node| node.kind()).collect();
    for kind in [
        SyntaxKind::ClosureStmt,
        SyntaxKind::ParseqStmt,
        SyntaxKind::CopyExpr,
        SyntaxKind::ServiceIdStmt,
        SyntaxKind::OtherwiseStmt,
    ] {
        assert!(kinds.contains(&kind), "{kind:?}");
    }
    assert!(!kinds.contains(&SyntaxKind::Error));
}

/// Each mistake costs one statement: what follows is still checked.
#[test]
fn all_errors_in_one_run() {
    let text = r#"aqua Main

service Log("log"):
  add(text: string)
  get(text: string) -> string

func f(a: string) -> string:
  Log.add("said \"hi\"")
  x <- Log.get(a
  Log.add(b)
  y = a +
  for z <- [a, a]
    Log.add(z, 1)
  Log.add(y)
  <- x

func g(:
  Log.add(unknown)

func h() -> strin:
  <- also
"#;
    assert_eq!(
        findings(text),
        [
            "A1101:8", "A1101:9", "A1301:10", "A1101:11", "A1102:12", "A1402:13", "A1101:17", "A1301:18", "A1302:20",
            "A1301:21"
        ]
    );
}

#[test]
fn a_forgotten_bracket_costs_a_line() {
    let text = "aqua Main\n\nservice Log(\"log\"):\n  add(text: string)\n\nfunc f(a: string):\n  x = [a, (a\n  Log.add(a, a)\n  Log.add(a)\n";
    assert_eq!(findings(text), ["A1101:7", "A1402:8"]);
}

#[test]
fn line_ends_and_byte_order_marks() {
    for text in ["\u{feff}aqua Main\r\n\r\nfunc f():\r\n  x = 1 -- why\r\n", "aqua Main", "aqua Main\n\n\n-- end"] {
        assert_eq!(findings(text), Vec::<String>::new(), "{text:?}");
        assert_eq!(parse(FileId(0), text).syntax().to_string(), text);
    }
}

#[test]
fn nesting_is_bounded() {
    let deep = |open: &str, close: &str, count: usize| {
        format!("aqua Main\n\nfunc f(a: bool):\n  x = {}a{}\n", open.repeat(count), close.repeat(count))
    };
    let chain = |op: &str, count: usize| format!("aqua Main\n\nfunc f(a: bool):\n  x = a{}\n", op.repeat(count));
    let blocks: String = (0..2000).map(|depth| format!("{}if a:\n", "  ".repeat(depth + 1))).collect();
    let types = format!("aqua Main\n\nfunc f(a: {}u8):\n  x = a\n", "[]".repeat(100_000));
    for text in [
        deep("(", ")", 100_000),
        deep("[", "]", 100_000),
        deep("!", "", 100_000),
        chain(" || a", 100_000),
        chain("[0]", 100_000),
        chain("!", 100_000),
        format!("aqua Main\n\nfunc f(a: bool):\n{blocks}"),
        format!("aqua Main\n\nfunc f(a: bool):\n  {}f(a)\n", "co ".repeat(100_000)),
        types,
    ] {
        let found = findings(&text);
        assert!(found.iter().any(|found| found.starts_with("A1009")), "{found:?}");
    }
    assert_eq!(findings(&chain(" || a", 200)), Vec::<String>::new());
}

#[test]
fn types_are_bounded() {
    // A tower of records, each with two of the one below: exponential if nothing were remembered.
    let tower = |name: &str, top: usize| -> String {
        let record = |level: usize| format!("data {name}{level}:\n  x: {name}{0}\n  y: {name}{0}\n\n", level - 1);
        format!("data {name}0:\n  x: u8\n\n{}", (1..=top).map(record).collect::<String>())
    };
    let text = format!(
        "aqua Main\n\n{}{}func f(a: A60, b: B60):\n  x = [a, b]\n  y = a == b\n",
        tower("A", 60),
        tower("B", 60)
    );
    assert_eq!(findings(&text), Vec::<String>::new());
    let high = format!("aqua Main\n\n{}", tower("A", 5000));
    assert!(findings(&high).iter().all(|found| found.starts_with("A1009")), "{:?}", findings(&high));
}
