//! Texts as scenario files.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| marine_fuzz::air::scenario(text));
