//! Methods are not exported.

#![allow(unused, nonstandard_style)]

use marine_sdk::marine;

struct Counter;

impl Counter {
    #[marine]
    fn next(&mut self) -> u32 {
        1
    }
}

fn main() {}
