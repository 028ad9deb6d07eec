//! One of two modules in one package.

use sdk_of_workspace::marine;

fn main() {}

/// Which it is.
#[marine]
fn side() -> String {
    "right".to_owned()
}
