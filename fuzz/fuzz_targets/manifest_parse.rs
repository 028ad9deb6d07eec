//! Any text is a manifest or a list of findings.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use marine_manifest::Manifest;

fuzz_target!(|text: &str| {
    if let Err(findings) = Manifest::parse(text, Path::new("project")) {
        assert!(!findings.to_string().is_empty());
    }
});
