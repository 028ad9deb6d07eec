//! Import blocks that say too little or too much.

#![allow(unused, nonstandard_style)]

use marine_sdk::marine;

#[marine]
unsafe extern "C" {
    fn from_nowhere();
}

#[marine]
#[module_import("")]
unsafe extern "C" {
    fn from_empty();
}

#[marine]
#[module_import("Not A Module")]
unsafe extern "C" {
    fn from_no_name();
}

#[marine]
#[module_import("a")]
#[link(wasm_import_module = "b")]
unsafe extern "C" {
    fn from_two();
}

#[marine]
#[module_import("a")]
unsafe extern "system" {
    fn system();
}

#[marine]
#[module_import("a", version = "new")]
unsafe extern "C" {
    fn from_some_version();
}

#[marine]
#[module_import("a", vresion = "1")]
unsafe extern "C" {
    fn from_unknown_option();
}

#[marine]
#[link(name = "a")]
unsafe extern "C" {
    fn from_library();
}

#[marine]
#[module_import("a")]
unsafe extern "C" {
    fn borrows() -> &'static str;
    fn many_mistakes(size: usize, text: String) -> Vec<&'static u8>;
    static NUMBER: u8;
}

fn main() {
    // Functions of a faulty block are not reported as missing.
    from_nowhere();
}
