//! Laws of Aqua programs: any text is parsed without loss, checked with findings inside of texts, formatted without changing
//! what it says, and compiled to scripts that AIR accepts.

use std::sync::Arc;

use marine_air::{Limits, Script};
use marine_aqua::diagnostic::FileId;
use marine_aqua::syntax::parse;
use marine_aqua::{Options, Output, SourceError, Sources, compile, fmt};

/// One file, which may import the bundled library.
struct One<'a>(&'a str);

impl Sources for One<'_> {
    fn text(&self, path: &str) -> Option<Result<Arc<str>, SourceError>> {
        (path == "main.aqua").then(|| Ok(self.0.into()))
    }
}

/// Any text: see above.
pub fn check(text: &str) {
    assert_eq!(parse(FileId(0), text).syntax().to_string(), text, "the tree holds every character");
    let output = compiled(text);
    for finding in &output.diagnostics {
        for label in std::iter::once(&finding.primary).chain(&finding.secondary) {
            let (_, source) = output.checked.source(label.span.file);
            assert!(source.get(label.span.range()).is_some(), "{finding:?}");
        }
    }
    for script in &output.scripts {
        let parsed = Script::parse(&script.air, &Limits::default());
        let verdict = parsed.script().map(|_| ());
        assert!(verdict.is_ok(), "{verdict:?}\n{}", script.air);
    }
    let formatted = fmt::format(text);
    assert_eq!(fmt::format(&formatted), formatted, "formatting again changes nothing");
    assert_eq!(tokens(&formatted), tokens(text), "formatting changes white space only");
    let again = compiled(&formatted);
    assert_eq!(airs(&again), airs(&output), "formatting keeps the meaning");
}

/// With a limit on scripts that keeps a fuzzer quick.
fn compiled(text: &str) -> Output {
    let options = Options { max_air: 256 << 10, ..Options::default() };
    compile("main.aqua", &One(text), &options)
}

fn airs(output: &Output) -> Vec<&str> {
    output.scripts.iter().map(|script| &*script.air).collect()
}

fn tokens(text: &str) -> Vec<String> {
    let root = parse(FileId(0), text).syntax();
    let tokens = root.descendants_with_tokens().filter_map(|element| element.into_token());
    tokens.filter(|token| !token.kind().is_trivia()).map(|token| token.text().to_string()).collect()
}
