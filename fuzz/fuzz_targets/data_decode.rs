//! Bytes as data, entries, values and bundles.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| marine_fuzz::air::decode(bytes));
