//! Any bytes decode to an error or to a blueprint whose one encoding they are.

#![no_main]

use libfuzzer_sys::fuzz_target;
use marine_manifest::Blueprint;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(blueprint) = Blueprint::decode(bytes) {
        assert_eq!(blueprint.encode().expect("what was decoded can be encoded"), bytes);
    }
});
