//! Reaches out of the service: host programs, HTTP, key-value stores.

use marine_sdk::http::{self, HttpError, Response};
use marine_sdk::kv::{self, KvError};
use marine_sdk::{MountedBinaryResult, MountedBinaryStringResult, Result, binaries, marine, module_manifest};

module_manifest!("Ann:Bob", "7.8.9-rc.1", "Reaches out.", "https://example.com/tools");

#[marine]
#[host_import]
unsafe extern "C" {
    /// The usual form.
    fn echo(cmd: Vec<String>) -> MountedBinaryResult;
    #[link_name = "pdf-to-text"]
    fn pdf_to_text(cmd: &[&str]) -> MountedBinaryResult;
}

#[marine]
#[module_import("host")]
unsafe extern "C" {
    fn cat(cmd: &[String]) -> binaries::MountedBinaryResult;
}

#[marine]
#[link(wasm_import_module = "host")]
unsafe extern "C" {
    #[link_name = "7z"]
    fn seven_zip(cmd: Vec<String>) -> MountedBinaryResult;
}

/// Runs a declared program, by which of them it is.
#[marine]
fn run_declared(which: u8, args: Vec<String>) -> MountedBinaryResult {
    let borrowed: Vec<&str> = args.iter().map(String::as_str).collect();
    match which {
        0 => echo(args),
        1 => pdf_to_text(&borrowed),
        2 => cat(&args),
        _ => seven_zip(args),
    }
}

/// Runs any program.
#[marine]
fn run(name: &str, args: Vec<String>) -> MountedBinaryResult {
    binaries::run(name, &args)
}

/// Its output as text, if it is.
#[marine]
fn run_text(name: &str, args: Vec<String>) -> Option<MountedBinaryStringResult> {
    binaries::run(name, &args).stringify()
}

/// Sends a request.
#[marine]
fn request(
    method: &str,
    url: &str,
    headers: Vec<(String, String)>,
    body: &str,
    timeout_ms: Option<u32>,
) -> std::result::Result<Response, HttpError> {
    let mut request = http::request(method, url).body(body);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    if let Some(timeout) = timeout_ms {
        request = request.timeout_ms(timeout);
    }
    request.send()
}

/// The text of a page.
#[marine]
fn page(url: &str) -> Result<String> {
    Ok(http::get(url).send()?.error_for_status()?.text()?)
}

#[marine]
fn get(store: &str, key: &str) -> std::result::Result<Option<Vec<u8>>, KvError> {
    kv::open(store)?.get(key)
}

#[marine]
fn set(store: &str, key: &str, value: Vec<u8>) -> std::result::Result<(), KvError> {
    kv::open(store)?.set(key, value)
}

#[marine]
fn delete(store: &str, key: &str) -> std::result::Result<bool, KvError> {
    kv::open(store)?.delete(key)
}

#[marine]
fn exists(store: &str, key: &str) -> std::result::Result<bool, KvError> {
    kv::open(store)?.exists(key)
}

#[marine]
fn keys(store: &str, prefix: &str, limit: u32) -> std::result::Result<Vec<String>, KvError> {
    kv::open(store)?.keys(prefix, limit)
}

#[marine]
fn increment(store: &str, key: &str, by: i64) -> std::result::Result<i64, KvError> {
    kv::open(store)?.increment(key, by)
}

#[marine]
fn swap(
    store: &str,
    key: &str,
    expected: Option<Vec<u8>>,
    new: Option<Vec<u8>>,
) -> std::result::Result<bool, KvError> {
    kv::open(store)?.swap(key, expected.as_deref(), new.as_deref())
}
