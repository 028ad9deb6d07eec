//! Functions that cannot be exported.

#![allow(unused, nonstandard_style)]

use marine_sdk::marine;

#[marine]
fn generic<T, const N: usize>(x: T) -> T
where
    T: Clone,
{
    x
}

#[marine]
fn opaque(x: impl Iterator<Item = u8>) -> impl Clone {
    x.count() as u64
}

#[marine]
async fn slow() {}

#[marine]
const unsafe fn words() {}

#[marine]
extern "C" fn foreign() {}

#[marine]
fn pattern((a, b): (u8, u8), _: u8) -> u8 {
    a + b
}

fn main() {}
