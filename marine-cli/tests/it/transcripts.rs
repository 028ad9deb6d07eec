//! Terminal sessions in `tests/cmd/`: what users see, and which exit code they get. `TRYCMD=overwrite` rewrites them.

#[test]
fn terminal_sessions() {
    trycmd::TestCases::new()
        .register_bin("marine", std::path::Path::new(env!("CARGO_BIN_EXE_marine")))
        .env("NO_COLOR", "1")
        .env("COLUMNS", "120")
        .env("XDG_DATA_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/transcripts"))
        .case("tests/cmd/*.md");
}
