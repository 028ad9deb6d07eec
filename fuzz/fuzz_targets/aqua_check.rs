//! Any text is parsed without loss, checked with findings inside of texts, and formatted without changing a token.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use marine_aqua::diagnostic::FileId;
use marine_aqua::syntax::parse;
use marine_aqua::{Options, SourceError, Sources, compile, fmt};

struct One<'a>(&'a str);

impl Sources for One<'_> {
    fn text(&self, path: &str) -> Option<Result<Arc<str>, SourceError>> {
        (path == "main.aqua").then(|| Ok(self.0.into()))
    }
}

fuzz_target!(|text: &str| {
    assert_eq!(parse(FileId(0), text).syntax().to_string(), text);
    let output = compile("main.aqua", &One(text), &Options::default());
    for finding in &output.diagnostics {
        for label in std::iter::once(&finding.primary).chain(&finding.secondary) {
            let (_, source) = output.checked.source(label.span.file);
            assert!(source.get(label.span.range()).is_some(), "{finding:?}");
        }
    }
    let formatted = fmt::format(text);
    assert_eq!(fmt::format(&formatted), formatted);
});
