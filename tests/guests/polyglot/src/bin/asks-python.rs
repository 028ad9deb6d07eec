//! Calls the module `words`, which is written in Python.

use marine_sdk::marine;

#[marine]
pub struct Frequency {
    pub word: String,
    pub times: u32,
}

#[marine]
#[module_import("words")]
unsafe extern "C" {
    fn top(text: &str, limit: u32) -> Result<Vec<Frequency>, String>;
}

/// The most frequent word.
#[marine]
fn favourite(text: &str) -> Result<String, String> {
    top(text, 1).map(|words| words.into_iter().map(|first| first.word).collect())
}

fn main() {}
