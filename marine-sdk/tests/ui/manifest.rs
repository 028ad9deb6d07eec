//! `module_manifest!` with wrong arguments.

#![allow(unused, nonstandard_style)]

use marine_sdk::module_manifest;

module_manifest!("author", "1.0", "description", "repository");
module_manifest!("author");

fn main() {}
