//! Any bytes decode to an error or to data whose one encoding they are; so do its entries and values.

#![no_main]

use libfuzzer_sys::fuzz_target;
use marine_air::data::Entry;
use marine_air::{Data, Limits, Value};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    if let Ok(data) = Data::decode(bytes, &limits) {
        assert_eq!(data.encode(), bytes);
    }
    if let Ok(entry) = Entry::decode(bytes) {
        assert_eq!(entry.encode(), bytes);
    }
    if let Ok(value) = Value::decode(bytes, &limits) {
        assert_eq!(value.encode(), bytes);
    }
});
