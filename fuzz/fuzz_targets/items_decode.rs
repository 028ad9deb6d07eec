//! Any bytes are a section of items or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;
use marine_build::encode::Items;

fuzz_target!(|bytes: &[u8]| {
    let mut items = Items::default();
    if items.decode(bytes).is_ok() {
        let _ = marine_build::encode::wit_text("module", &items);
    }
});
