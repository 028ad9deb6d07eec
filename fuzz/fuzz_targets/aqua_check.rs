//! Any text is parsed without loss, checked, compiled to what AIR accepts, and formatted without changing what it says.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| marine_fuzz::aqua::check(text));
