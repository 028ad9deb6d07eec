//! Bytes as particles.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| marine_fuzz::air::particle(bytes));
