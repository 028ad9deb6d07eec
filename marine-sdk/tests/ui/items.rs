//! Items that cannot be marked.

#![allow(unused, nonstandard_style)]

use marine_sdk::marine;

#[marine]
struct Tree {
    children: Vec<Tree>,
    name: &'static str,
}

#[marine]
enum List {
    End,
    Node(u8, Box<List>),
}

#[marine]
struct Unit;

#[marine]
struct Empty {}

#[marine]
enum Never {}

#[marine]
struct Pair(u8, u8);

#[marine]
struct Borrowed<'a> {
    text: &'a str,
}

#[marine]
struct Sized<const N: usize> {
    x: u8,
}

#[marine]
union Either {
    a: u8,
    b: i8,
}

#[marine]
trait Shop {}

#[marine]
mod shop {}

#[marine(colour = "red")]
fn option() {}

fn main() {}
