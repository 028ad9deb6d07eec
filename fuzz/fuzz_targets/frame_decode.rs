//! Arbitrary bytes as frames of the particle protocol: no panic, and what is read is written back to the same frame.

#![no_main]

use libfuzzer_sys::fuzz_target;
use marine_node::frame::Frame;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(frame) = Frame::decode(bytes) {
        assert_eq!(Frame::decode(&frame.clone().encode()), Ok(frame));
    }
});
