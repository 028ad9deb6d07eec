//! Any text parses to a tree with findings inside the text; one without errors survives printing and formatting.

#![no_main]

use libfuzzer_sys::fuzz_target;
use marine_air::syntax::{Severity, format, parse, print_script};
use marine_air::{Limits, Script};

fuzz_target!(|text: &str| {
    let limits = Limits::default();
    let parsed = Script::parse(text, &limits);
    for finding in parsed.diagnostics() {
        for label in std::iter::once(&finding.primary).chain(&finding.secondary) {
            assert!(text.get(label.span.range()).is_some(), "{finding:?}");
        }
    }
    let (tree, findings) = parse(text, &limits);
    let (printed, formatted) = (print_script(&tree), format(&tree));
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return;
    }
    assert_eq!(parse(&printed, &limits).0, tree);
    let (again, _) = parse(&formatted, &limits);
    assert_eq!(again, tree);
    assert_eq!(format(&again), formatted);
});
