//! Greets people.

use marine_sdk::marine;

/// Returns a greeting for `name`; the empty name is the world.
#[marine]
fn greeting(name: &str) -> String {
    match name.trim() {
        "" => "Hello, world!".to_string(),
        name => format!("Hello, {name}!"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greets_by_name() {
        assert_eq!(greeting("Ada"), "Hello, Ada!");
        assert_eq!(greeting(" "), "Hello, world!");
    }
}
