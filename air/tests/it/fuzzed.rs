//! The inputs that are kept for the fuzzers, and what they once found: all of them, on every change.

use std::path::{Path, PathBuf};

#[expect(unreachable_pub, reason = "public in the package of the fuzzers")]
#[path = "../../../fuzz/src/air.rs"]
mod laws;
#[expect(unreachable_pub, reason = "public in the package of the fuzzers")]
#[path = "../../../fuzz/src/merge.rs"]
mod merging;

/// The inputs of a target.
fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
    let entries = std::fs::read_dir(&directory).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no seeds in {}", directory.display());
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Runs the check of a target over its inputs; a failure names the file.
fn replay(target: &str, check: impl Fn(&[u8])) {
    for (path, input) in seeds(target) {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&input)));
        assert!(result.is_ok(), "{} fails", path.display());
    }
}

fn text(check: impl Fn(&str)) -> impl Fn(&[u8]) {
    move |bytes| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            check(text);
        }
    }
}

#[test]
fn scripts() {
    replay("air_parse", text(laws::parse));
}

#[test]
fn scenarios() {
    replay("scenario_read", text(laws::scenario));
}

#[test]
fn particles() {
    replay("particle_decode", laws::particle);
}

#[test]
fn data() {
    replay("data_decode", laws::decode);
}

#[test]
fn merges() {
    replay("data_merge", merging::merge);
}
