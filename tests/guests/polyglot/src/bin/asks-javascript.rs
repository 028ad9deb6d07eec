//! Calls the module `shout`, which is written in JavaScript.

use marine_sdk::marine;

#[marine]
pub struct Cry {
    pub text: String,
    pub letters: u32,
}

#[marine]
#[module_import("shout")]
unsafe extern "C" {
    fn shout(text: &str) -> Cry;
}

/// A cry with its length.
#[marine]
fn measured(text: &str) -> String {
    let cry = shout(text);
    format!("{} ({})", cry.text, cry.letters)
}

fn main() {}
