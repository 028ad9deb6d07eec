//! Laws of texts and bytes: whatever comes in is refused, or read and written back to the same.

use marine_air::data::Entry;
use marine_air::sim::{ScenarioFile, Source};
use marine_air::syntax::{Severity, format, parse as parse_tree, print_script};
use marine_air::trace::decode_bundle;
use marine_air::{Data, Limits, Script, Value};
use marine_particle::{Particle, dag_cbor_cid};

/// Any text parses to a tree with findings inside the text; one without errors survives printing and formatting.
pub fn parse(text: &str) {
    let limits = Limits::default();
    let parsed = Script::parse(text, &limits);
    let source = parsed.tree().source().clone();
    for finding in parsed.diagnostics() {
        for label in std::iter::once(&finding.primary).chain(&finding.secondary) {
            assert!(source.get(label.span.range()).is_some(), "{finding:?}");
        }
    }
    let (tree, findings) = parse_tree(text, &limits);
    let (printed, formatted) = (print_script(&tree), format(&tree));
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return;
    }
    assert_eq!(parse_tree(&printed, &limits).0, tree);
    let (again, _) = parse_tree(&formatted, &limits);
    assert_eq!(again, tree);
    assert_eq!(format(&again), formatted);
}

/// Any text is a scenario or findings inside the text; a small one without errors runs to its end or says why not.
pub fn scenario(text: &str) {
    let read =
        ScenarioFile::read(text, |path| if path == "x.air" { Ok("(null)".to_owned()) } else { Err("no file".into()) });
    for finding in &read.findings {
        let source = match (finding.source, &read.script) {
            (Source::Script, Some((_, script))) => script,
            _ => text,
        };
        let label = &finding.diagnostic.primary;
        assert!(source.get(label.span.range()).is_some(), "{finding:?}");
    }
    let is_error = |finding: &marine_air::sim::Finding| finding.diagnostic.severity == Severity::Error;
    assert_eq!(read.file.is_none(), read.findings.iter().any(is_error), "{:?}", read.findings);
    let Some(file) = read.file.filter(|_| text.len() < 2000) else { return };
    for seed in file.seeds().take(2) {
        if let Ok(verdict) = file.run(seed) {
            assert_eq!(verdict.passed(), verdict.unmet.is_empty());
            verdict.unmet.iter().for_each(|unmet| assert!(!unmet.to_string().is_empty()));
        }
    }
}

/// Any bytes decode to an error or to data whose one encoding they are; so do entries and values.
pub fn decode(bytes: &[u8]) {
    let limits = Limits::default();
    if let Ok(data) = Data::decode(bytes, &limits) {
        assert_eq!(data.encode(), bytes);
    }
    if let Ok(entry) = Entry::decode(bytes) {
        assert_eq!(entry.encode(), bytes);
    }
    if let Ok(value) = Value::decode(bytes, &limits) {
        assert_eq!(value.encode(), bytes);
        match Value::from_json(&value.to_string()) {
            Ok(read) => assert_eq!(read, value),
            // Our limit on nesting is a little wider.
            Err(error) => assert!(error.to_string().starts_with("recursion limit"), "{error}"),
        }
    }
    let _ = decode_bundle(bytes, &limits);
}

/// Any bytes decode to an error or to a particle whose one encoding they are. The signature is looked at last, so that the
/// fuzzer gets past it.
pub fn particle(bytes: &[u8]) {
    if let Ok(unverified) = Particle::decode_unverified(bytes) {
        let particle = unverified.peek();
        assert_eq!(particle.encode(), bytes);
        assert_eq!(particle.cid(), dag_cbor_cid(bytes));
        let _ = unverified.verify();
    }
}
