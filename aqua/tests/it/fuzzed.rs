//! The inputs that are kept for the fuzzer, and what it once found: all of them, on every change.

use std::path::Path;

#[expect(unreachable_pub, reason = "public in the package of the fuzzers")]
#[path = "../../../fuzz/src/aqua.rs"]
mod laws;

#[test]
fn programs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/aqua_check");
    let entries = std::fs::read_dir(&folder).expect("the seeds are there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no seeds in {}", folder.display());
    for path in paths {
        let bytes = std::fs::read(&path).expect("it can be read");
        let Ok(text) = std::str::from_utf8(&bytes) else { continue };
        let result = std::panic::catch_unwind(|| laws::check(text));
        assert!(result.is_ok(), "{} fails", path.display());
    }
}
