//! What `marine build` adds to cargo: encoding a module, and finding that nothing changed, beside cargo's own way of finding that. Run
//! with `cargo bench -p marine-benches --bench build`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::BytesCount;
use marine_build::{BuildOutput, BuildRequest, ModuleMeta, Profile, build, componentize};

fn main() {
    divan::main();
}

fn guests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/guests")
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests")
}

/// All test modules: about ten.
fn build_all() -> BuildOutput {
    let mut request = BuildRequest::new(guests()).expect("the environment is as usual");
    request.profile = Profile::Release;
    request.target_dir = Some(target());
    build(&request, &mut |_| ()).unwrap_or_else(|error| panic!("{error}"))
}

/// The core module `context` as cargo leaves it: about 100 KB.
static CORE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    build_all();
    fs::read(target().join("wasm32-wasip1/release/context.wasm")).expect("it was built")
});

fn meta() -> ModuleMeta {
    ModuleMeta { name: "context".to_owned(), profile: "release".to_owned(), ..ModuleMeta::default() }
}

/// Sections, WIT, edits, encoding, validation: all that a changed module costs after cargo. Demand: at most 50 ms.
#[divan::bench]
fn encode_100_kb(bencher: Bencher<'_, '_>) {
    let core = &*CORE;
    bencher.counter(BytesCount::of_slice(core)).bench(|| componentize(core, &meta()).expect("it is a module"));
}

/// As above with debug information kept in place.
#[divan::bench]
fn encode_100_kb_in_place(bencher: Bencher<'_, '_>) {
    let core = &*CORE;
    let meta = ModuleMeta { debug_info: true, ..meta() };
    bencher.counter(BytesCount::of_slice(core)).bench(|| componentize(core, &meta).expect("it is a module"));
}

/// A build of ten modules when nothing changed. Demand: at most 150 ms more than `cargo_nothing_changed`.
#[divan::bench(sample_count = 10)]
fn build_nothing_changed(bencher: Bencher<'_, '_>) {
    build_all();
    bencher.bench_local(build_all);
}

/// What cargo alone needs to find that nothing changed.
#[divan::bench(sample_count = 10)]
fn cargo_nothing_changed(bencher: Bencher<'_, '_>) {
    build_all();
    bencher.bench_local(|| {
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--quiet", "--release", "--target", "wasm32-wasip1", "--target-dir"]).arg(target());
        let status = cargo.current_dir(guests()).env_remove("CARGO").status().expect("cargo runs");
        assert!(status.success());
    });
}
