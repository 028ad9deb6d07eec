//! Start-up code: not with arguments, not in a binary, which has `main`.

#![allow(unused, nonstandard_style)]

use marine_sdk::marine;

#[marine(init)]
fn start(argument: u8) {}

fn main() {}
