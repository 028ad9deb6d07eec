//! One of two modules in one package.

use sdk_of_workspace::marine;

fn main() {}

#[marine]
#[module_import("right_hand", version = "^0.1")]
unsafe extern "C" {
    fn side() -> String;
}

/// Both of them.
#[marine]
fn sides() -> Vec<String> {
    vec!["left".to_owned(), side()]
}
