//! What may come next in a line: commands, modules, functions, files, and inside arguments fields and cases.
//!
//! A pure function of the line and of what the service offers ([`Catalog`]); the editor only draws what it answers.

mod arguments;

use std::ops::Range;
use std::path::Path;

use marine_runtime::{Function, Interface};

use super::command::{COMMANDS, Command, Takes};
use super::expression::leading_name;

/// The most names of files that are offered.
const MAX_FILES: usize = 200;

/// What a service offers.
#[derive(Debug, Clone, Default)]
pub(super) struct Catalog {
    /// The module whose functions are called without naming it.
    pub(super) facade: String,
    /// Every module with its interface.
    pub(super) modules: Vec<(String, Interface)>,
}

/// One way to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// What takes the place of `span`.
    pub(super) text: String,
    /// A word about it.
    pub(super) about: Option<String>,
    /// Bytes of the line that it replaces.
    pub(super) span: Range<usize>,
    /// Whether a space follows.
    pub(super) space: bool,
}

impl Catalog {
    fn module(&self, name: &str) -> Option<&Interface> {
        self.modules.iter().find(|(known, _)| same(known, name)).map(|(_, interface)| interface)
    }

    fn function(&self, module: Option<&str>, name: &str) -> Option<&Function> {
        self.module(module.unwrap_or(&self.facade))?.function(name)
    }
}

/// What may stand at byte `at` of `line`.
pub(super) fn complete(line: &str, at: usize, catalog: &Catalog) -> Vec<Candidate> {
    let Some(typed) = line.get(..at) else { return Vec::new() };
    let skipped = typed.len() - typed.trim_start().len();
    let name = leading_name(&typed[skipped..]);
    let behind = skipped + name.len();
    match typed[behind..].chars().next() {
        None => first_word(typed, skipped, catalog),
        Some('.') => behind_dot(typed, name, behind + 1, catalog),
        Some('(') => arguments::by_call(typed, behind + 1, catalog.function(None, name)),
        Some(c) if c.is_whitespace() => match Command::find(name) {
            Some(command) => behind_command(typed, command, behind, catalog),
            None => Vec::new(),
        },
        Some(_) => Vec::new(),
    }
}

fn first_word(typed: &str, start: usize, catalog: &Catalog) -> Vec<Candidate> {
    let span = start..typed.len();
    let mut found = functions(catalog.module(&catalog.facade), span.clone(), "(");
    found.extend(modules(catalog, span.clone(), "."));
    found.extend(COMMANDS.iter().map(|command| Candidate {
        text: command.name.to_owned(),
        about: Some(command.about.to_owned()),
        span: span.clone(),
        space: command.takes != Takes::Nothing,
    }));
    starting_with(&typed[span], found)
}

/// Behind `module.`: a function, or its arguments.
fn behind_dot(typed: &str, module: &str, start: usize, catalog: &Catalog) -> Vec<Candidate> {
    let name = leading_name(&typed[start..]);
    let behind = start + name.len();
    match typed[behind..].chars().next() {
        None => starting_with(name, functions(catalog.module(module), start..typed.len(), "(")),
        Some('(') => arguments::by_call(typed, behind + 1, catalog.function(Some(module), name)),
        Some(_) => Vec::new(),
    }
}

fn behind_command(typed: &str, command: &Command, behind: usize, catalog: &Catalog) -> Vec<Candidate> {
    let last =
        typed.rfind(char::is_whitespace).map_or(behind, |at| at + typed[at..].chars().next().map_or(1, char::len_utf8));
    let word = &typed[last..];
    let earlier: Vec<&str> = typed[behind..last].split_whitespace().collect();
    let span = last..typed.len();
    let plain = |texts: &[&str]| texts.iter().map(|text| candidate(text, span.clone())).collect::<Vec<_>>();
    let found = match (command.takes, earlier.len()) {
        (Takes::Call, _) => return behind_call(typed, behind, catalog),
        (Takes::Module, 0) => modules(catalog, span.clone(), ""),
        (Takes::ModuleOrFunction, 0) => {
            let mut found = modules(catalog, span.clone(), "");
            found.extend(functions(catalog.module(&catalog.facade), span.clone(), ""));
            found
        }
        (Takes::ModuleOrFunction, 1) => plain(&["--wit", "--aqua"]),
        // The first word of `load` is a name to be made up.
        (Takes::File, count) if (command.name == "load") == (count == 1) && count < 2 => return files(word, span),
        (Takes::Params, 0) => {
            plain(&["reset", "{\"particle\": {", "{\"service_id\": ", "{\"host_id\": ", "{\"tetraplets\": "])
        }
        (Takes::Level, 0) => plain(&["-f", "error", "warn", "info", "debug", "trace"]),
        (Takes::Setting, 0) => plain(&["timeout", "log", "values", "time"]),
        (Takes::Setting, 1) => match earlier[0] {
            "log" => plain(&["off", "error", "warn", "info", "debug", "trace"]),
            "values" => plain(&["plain", "air"]),
            "time" => plain(&["on", "off"]),
            _ => plain(&["off", "5s"]),
        },
        (Takes::Command, 0) => COMMANDS.iter().map(|command| candidate(command.name, span.clone())).collect(),
        _ => Vec::new(),
    };
    starting_with(word, found)
}

/// `call [-nr] [MODULE] FN ARGS`.
fn behind_call(typed: &str, behind: usize, catalog: &Catalog) -> Vec<Candidate> {
    let mut at = behind;
    let mut module = None;
    loop {
        at += typed[at..].len() - typed[at..].trim_start().len();
        let end = typed[at..].find(char::is_whitespace).map(|length| at + length);
        let Some(end) = end else {
            let span = at..typed.len();
            let mut found = functions(catalog.module(module.unwrap_or(&catalog.facade)), span.clone(), "");
            if module.is_none() {
                found.extend(modules(catalog, span, ""));
            }
            return starting_with(&typed[at..], found);
        };
        match &typed[at..end] {
            "-nr" => {}
            word if module.is_none() && catalog.module(word).is_some() => module = Some(word),
            function => {
                let space = typed[end..].len() - typed[end..].trim_start().len();
                return arguments::by_array(typed, end + space, catalog.function(module, function));
            }
        }
        at = end;
    }
}

fn modules(catalog: &Catalog, span: Range<usize>, behind: &str) -> Vec<Candidate> {
    let modules = catalog.modules.iter().map(|(name, interface)| Candidate {
        about: interface
            .docs
            .as_deref()
            .and_then(|docs| docs.lines().next())
            .map(str::to_owned)
            .or(Some("module".to_owned())),
        ..candidate(&format!("{name}{behind}"), span.clone())
    });
    modules.collect()
}

fn functions(interface: Option<&Interface>, span: Range<usize>, behind: &str) -> Vec<Candidate> {
    let functions = interface.into_iter().flat_map(|interface| &interface.functions);
    let candidates = functions.map(|function| Candidate {
        about: Some(function.outside()),
        ..candidate(&format!("{}{behind}", snake(&function.name)), span.clone())
    });
    candidates.collect()
}

fn files(word: &str, span: Range<usize>) -> Vec<Candidate> {
    let (dir, start) = word.rsplit_once('/').map_or(("", word), |(dir, start)| (&word[..=dir.len()], start));
    let entries = std::fs::read_dir(if dir.is_empty() { Path::new(".") } else { Path::new(dir) });
    let mut found: Vec<Candidate> = Vec::new();
    for entry in entries.into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let hidden = name.starts_with('.') && !start.starts_with('.');
        if hidden || !name.starts_with(start) || found.len() >= MAX_FILES {
            continue;
        }
        let slash = if entry.path().is_dir() { "/" } else { "" };
        found.push(candidate(&format!("{dir}{name}{slash}"), span.clone()));
    }
    found.sort_by(|a, b| a.text.cmp(&b.text));
    found
}

fn candidate(text: &str, span: Range<usize>) -> Candidate {
    Candidate { text: text.to_owned(), about: None, span, space: false }
}

/// Those candidates that go on from `prefix`, dashes and underscores being the same.
fn starting_with(prefix: &str, mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    let prefix = snake(prefix);
    candidates.retain(|candidate| snake(&candidate.text).starts_with(&prefix));
    candidates
}

fn same(a: &str, b: &str) -> bool {
    snake(a) == snake(b)
}

/// Names as callers outside write them.
fn snake(name: &str) -> String {
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use marine_runtime::{Case, Field, Param, Type, TypeDef};

    use super::*;

    fn named(name: &str, def: TypeDef) -> Type {
        Type::Named { name: Some(name.into()), def: Arc::new(def) }
    }

    fn field(name: &str, ty: Type) -> Field {
        Field { name: name.to_owned(), ty }
    }

    fn list(of: Type) -> Type {
        Type::List(Arc::new(of))
    }

    fn function(name: &str, params: Vec<(&str, Type)>) -> Function {
        let params = params.into_iter().map(|(name, ty)| Param { name: name.to_owned(), ty }).collect();
        Function { name: name.to_owned(), docs: None, params, result: None }
    }

    fn catalog() -> Catalog {
        let color = named("color", TypeDef::Enum(vec!["dark-red".into(), "blue".into()]));
        let shape = named(
            "shape",
            TypeDef::Variant(vec![
                Case { name: "dot".into(), ty: None },
                Case { name: "disc".into(), ty: Some(Type::Option(Arc::new(color.clone()))) },
            ]),
        );
        let line = named(
            "line",
            TypeDef::Record(vec![
                field("item-name", Type::String),
                field("color", color),
                field("shape", shape.clone()),
            ]),
        );
        let till = Interface {
            functions: vec![
                function("total", vec![("lines", list(line.clone())), ("is-paid", Type::Bool), ("shape", shape)]),
                function("first-line", vec![("line", Type::Option(Arc::new(line)))]),
                function("tick", vec![]),
            ],
            ..Interface::default()
        };
        let stock = Interface {
            functions: vec![function("count", vec![("pair", Type::Tuple([Type::String, Type::Bool].into()))])],
            ..Interface::default()
        };
        Catalog { facade: "till".into(), modules: vec![("stock".into(), stock), ("till".into(), till)] }
    }

    /// The line with each candidate in place, at most four of them.
    fn shown(line: &str) -> String {
        let candidates = complete(line, line.len(), &catalog());
        let lines = candidates.iter().take(4).map(|found| format!("{}{}", &line[..found.span.start], found.text));
        lines.collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn what_may_come_next_is_offered() {
        let cases = [
            ("to", "total("),
            ("sto", "stock."),
            ("inter", "interface"),
            ("first-", "first_line("),
            ("stock.", "stock.count("),
            ("till.t", "till.total( | till.tick("),
            ("total(", "total([ | total(lines:  | total(is_paid:  | total(shape: "),
            ("total(i", "total(is_paid: "),
            ("total([{", "total([{\"item_name\":  | total([{\"color\":  | total([{\"shape\": "),
            (
                "total([{\"item_name\": \"x,{\", \"",
                "total([{\"item_name\": \"x,{\", \"color\":  | total([{\"item_name\": \"x,{\", \"shape\": ",
            ),
            ("total([{\"color\": \"da", "total([{\"color\": \"dark_red\""),
            ("total([{\"color\":", "total([{\"color\":\"dark_red\" | total([{\"color\":\"blue\""),
            ("total([], t", "total([], true"),
            ("total(is_paid: ", "total(is_paid: true | total(is_paid: false"),
            ("total([], true, ", "total([], true, \"dot\" | total([], true, {\"disc\": "),
            (
                "total([], true, {\"disc\": ",
                "total([], true, {\"disc\": null | total([], true, {\"disc\": \"dark_red\" | total([], true, {\"disc\": \"blue\"",
            ),
            ("first_line({\"shape\": {\"disc\": \"b", "first_line({\"shape\": {\"disc\": \"blue\""),
            ("first_line([{\"co", "first_line([{\"color\": "),
            ("first_line([{\"", "first_line([{\"item_name\":  | first_line([{\"color\":  | first_line([{\"shape\": "),
            ("stock.count([\"a\", f", "stock.count([\"a\", false"),
            ("call ", "call total | call first_line | call tick | call stock"),
            ("call stock c", "call stock count"),
            ("call till total [[], ", "call till total [[], true | call till total [[], false"),
            ("c -nr first_line [{\"color\": \"b", "c -nr first_line [{\"color\": \"blue\""),
            ("interface st", "interface stock"),
            ("set values ", "set values plain | set values air"),
            ("logs d", "logs debug"),
            ("help un", "help unload"),
            ("nothing(", ""),
            ("total([}]", ""),
        ];
        for (line, expected) in cases {
            assert_eq!(shown(line), expected, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_line_panics(line in "(total\\(|call till total |stock.count\\(|first_line\\()[\\[\\]{}\",: a-z]{0,20}", at in 0usize..40) {
            let _ = complete(&line, at, &catalog());
        }

        #[test]
        fn no_text_panics(line in "\\PC{0,30}", at in 0usize..40) {
            let _ = complete(&line, at, &catalog());
        }
    }
}
