//! Names that WIT cannot express, and names that are the same there.

#![allow(unused, nonstandard_style)]

use marine_sdk::marine;

#[marine]
fn getUrl(größe: u8, a__b: u8) {}

#[marine(name = "Not-Kebab")]
fn named() {}

#[marine]
fn trailing_(a_: u8) {}

#[marine]
fn twice(_x: u8, x_: u8, x: u8) {}

#[marine]
struct Fields {
    r#type: u8,
    #[marine(name = "type")]
    kind: u8,
    #[marine(title = "x")]
    other: u8,
}

#[marine]
enum Cases {
    DeepBlue,
    deep_blue,
    Mixed_Case,
}

fn main() {}
