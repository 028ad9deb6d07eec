//! Types that never cross the boundary.

#![allow(unused, nonstandard_style)]

use std::rc::Rc;
use std::sync::{Arc, Mutex};

use marine_sdk::marine;

#[marine]
fn sizes(a: usize, b: Vec<isize>) -> Option<(u128, i128)> {
    None
}

#[marine]
fn meaningless(a: *const u8, b: Box<dyn Fn(u8)>, c: fn()) {}

#[marine]
fn shared(a: Rc<u8>, b: Arc<Mutex<u8>>) {}

#[marine]
fn borrowed(a: &[&str], b: Option<&u8>) -> Vec<&'static str> {
    vec![]
}

#[marine(as = "usize")]
struct Count(u8);

fn main() {}
