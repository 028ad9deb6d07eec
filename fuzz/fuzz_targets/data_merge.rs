//! Changed and forged data, merged into executions.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| marine_fuzz::merge::merge(bytes));
