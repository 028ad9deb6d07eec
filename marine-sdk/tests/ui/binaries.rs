//! Mounted binaries of another shape.

#![allow(unused, nonstandard_style)]

use marine_sdk::{MountedBinaryResult, marine};

#[marine]
#[host_import]
unsafe extern "C" {
    fn without_arguments() -> MountedBinaryResult;
    fn with_two(cmd: Vec<String>, stdin: Vec<u8>) -> MountedBinaryResult;
    fn without_result(cmd: Vec<String>);
    #[link_name = "../bin/sh"]
    fn elsewhere(cmd: Vec<String>) -> MountedBinaryResult;
}

#[marine]
#[host_import("curl")]
unsafe extern "C" {
    fn curl(cmd: Vec<String>) -> MountedBinaryResult;
}

#[marine]
#[module_import("host")]
unsafe extern "C" {
    static SHELL: u8;
}

fn main() {}
