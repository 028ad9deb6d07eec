//! Every code: one mistake gives one diagnostic, rendered as it should read. The cases are in `cases/`.

use std::collections::BTreeSet;

use marine_aqua::Options;
use marine_aqua::diagnostic::{Code, render_plain};

use crate::support::{Files, checked, rendered};

const PAGES: &[(&str, &str)] = &[
    ("layout", include_str!("cases/layout.md")),
    ("grammar", include_str!("cases/grammar.md")),
    ("modules", include_str!("cases/modules.md")),
    ("names", include_str!("cases/names.md")),
    ("types", include_str!("cases/types.md")),
    ("services", include_str!("cases/services.md")),
    ("warnings", include_str!("cases/warnings.md")),
];

/// A mistake: its code, and the files, entry first.
struct Case {
    code: u16,
    files: Vec<(String, String)>,
}

fn cases(page: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for section in page.split("\n## A").skip(1) {
        let (code, rest) = section.split_once('\n').expect("a heading with a code");
        let blocks = rest.split("```aqua ").skip(1);
        let files = blocks.map(|block| {
            let (path, text) = block.split_once('\n').expect("a path");
            let text = text.split_once("```").expect("the block's end").0;
            (path.to_string(), text.to_string())
        });
        cases.push(Case { code: code.parse().expect("a number"), files: files.collect() });
    }
    cases
}

#[test]
fn one_mistake_gives_one_diagnostic() {
    for (name, page) in PAGES {
        let mut all = Vec::new();
        for Case { code, files } in cases(page) {
            let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
            let checked = checked(&files);
            let codes: Vec<u16> = checked.diagnostics.iter().map(|found| found.code.0).collect();
            assert_eq!(codes, [code], "{}\n{}", files[0].1, rendered(&checked));
            all.push(rendered(&checked));
        }
        insta::assert_snapshot!(*name, all.join("\n\n"));
    }
}

/// What it declares may be in terms of what its component has.
#[test]
fn a_service_may_name_the_types_of_its_component() {
    let program = |fields: &str| {
        format!(
            "aqua Main\n\nservice Greeting(\"g\") from \"greeting.wasm\":\n  lines() -> []Greeting.Line\n\n\
             func f() -> {fields}:\n  lines <- Greeting.lines()\n  <- lines[0].text\n"
        )
    };
    let checked_program = |fields: &str| checked(&[("main.aqua", &program(fields))]);
    assert!(checked_program("string").diagnostics.is_empty(), "{}", rendered(&checked_program("string")));
    assert!(checked_program("u8").has_errors());
    let wrong = program("string").replace("lines[0].text", "lines[0].sign");
    let shown = rendered(&checked(&[("main.aqua", &wrong)]));
    assert!(shown.contains("`Greeting.Sign`"), "{shown}");
}

/// Generated declarations are fine as long as they can be called, whatever they were made from; a hand that changed them is noticed.
#[test]
fn generated_declarations_that_still_fit() {
    let service = "aqua Main\n\nservice Greeting(\"g\"):\n  greet(name: string, formal: bool) -> string\n";
    let other = service.replace("formal: bool", "formal: u8");
    for (mark, is_held) in [
        ("-- interface of greeting.wasm: 0\n", true),
        ("-- Text\n\n-- interface of greeting.wasm: 0\n", true),
        ("-- interface of node/greeting: 0\n", true),
        ("-- interface of a-node-that-is-not-asked/greeting: 0\n", false),
        ("-- interface of greeting.wasm\n", false),
    ] {
        assert!(checked(&[("main.aqua", &format!("{mark}{service}"))]).diagnostics.is_empty(), "{mark}");
        assert_eq!(checked(&[("main.aqua", &format!("{mark}{other}"))]).has_errors(), is_held, "{mark}");
    }
}

#[test]
fn constants_from_outside() {
    let text = "aqua Main\n\nconst A ?= 1\n";
    let codes = |name: &str, value: &str| {
        let options = Options { constants: vec![(name.to_string(), value.to_string())], ..Options::default() };
        let checked = marine_aqua::check("main.aqua", &Files::new(&[("main.aqua", text)]), &options);
        checked.diagnostics.iter().map(|found| found.code.0).collect::<Vec<u16>>()
    };
    assert_eq!(codes("A", "7"), Vec::<u16>::new());
    assert_eq!(codes("A", "\"x\""), [1207]);
    assert_eq!(codes("A", "x y"), [1207]);
    assert_eq!(codes("B", "7"), [1914]);
}

/// The findings of a compilation that is told more than the program.
fn compiled(text: &str, options: &Options) -> String {
    let output = marine_aqua::compile("main.aqua", &Files::new(&[("main.aqua", text)]), options);
    let shown = output.diagnostics.iter().map(|found| render_plain(found, &|file| output.checked.source(file)));
    shown.collect::<Vec<_>>().join("\n")
}

#[test]
fn findings_that_need_options_or_a_script() {
    let constant = |name: &str, value: &str| Options {
        constants: vec![(name.to_owned(), value.to_owned())],
        ..Options::default()
    };
    let service = "service Log(\"log\"):\n  get() -> string\n";
    let program = |body: &str| format!("aqua Main\nexport f\n\n{service}\nfunc f() -> string:\n{body}");
    let constants = "aqua Main\n\nconst A ?= 1\n";
    let waits = program("  s: *string\n  s <<- \"only one\"\n  <- s[1]\n");
    let dropped = program("  Log.get()\n  _ <- Log.get()\n  v <- Log.get()\n  <- v\n");
    let findings = [
        (1207, compiled(constants, &constant("A", "\"x\""))),
        (1601, compiled(&program("  v <- Log.get()\n  <- v\n"), &Options { max_air: 150, ..Options::default() })),
        (1901, compiled(&dropped, &Options { warn_dropped_results: true, ..Options::default() })),
        (1903, compiled(&waits, &Options::default())),
        (1914, compiled(constants, &constant("B", "7"))),
    ];
    for (code, shown) in &findings {
        assert_eq!(shown.matches(&format!("[A{code}]")).count(), 1, "{shown}");
        assert_eq!(shown.matches("[A").count(), 1, "{shown}");
    }
    let all: Vec<String> = findings.into_iter().map(|(_, shown)| shown).collect();
    insta::assert_snapshot!("options", all.join("\n\n"));
    assert_eq!(compiled(&dropped, &Options::default()), "", "dropped results are nothing to mention by default");
}

#[test]
fn every_code_has_a_case() {
    let elsewhere = [1601, 1901, 1903, 1207, 1914];
    let known: BTreeSet<u16> =
        PAGES.iter().flat_map(|(_, page)| cases(page)).map(|case| case.code).chain(elsewhere).collect();
    let all: BTreeSet<u16> = Code::ALL.iter().map(|info| info.code.0).collect();
    assert_eq!(known, all);
}
