//! Texts as scripts.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| marine_fuzz::air::parse(text));
