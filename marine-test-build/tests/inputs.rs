//! What a test has to be compiled again for.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use marine_test_build::{TestRequest, TestService};

/// The macro includes each of them, which it can do with files only.
#[test]
fn inputs_are_files_also_where_nothing_is_built() {
    let mut request = TestRequest::of(Path::new("../marine-test/tests/services/types.toml")).unwrap();
    for build in [true, false] {
        request.build = build;
        let service = TestService::build(&request, &mut |_| ()).unwrap();
        assert!(service.inputs.iter().any(|path| path.extension().is_some_and(|extension| extension == "rs")));
        assert!(service.inputs.iter().all(|path| path.is_file()), "{:#?}", service.inputs);
    }
}
