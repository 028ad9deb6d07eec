//! The face of the service: greets visitors and has the guest book remember them.

use marine_sdk::marine;

/// What the guest book offers; the linker checks that it really does.
#[marine]
#[module_import("guestbook")]
unsafe extern "C" {
    fn sign(name: &str) -> Result<u32, String>;
    fn names() -> Result<Vec<String>, String>;
}

/// A greeting, and how many visits there have been.
#[marine]
pub struct Greeting {
    pub text: String,
    pub visits: u32,
}

/// Greets `name` and writes the visit into the guest book.
#[marine]
fn greet(name: &str) -> Result<Greeting, String> {
    let visits = sign(name)?;
    Ok(Greeting { text: text(name, visits), visits })
}

/// Everyone who came by, first visitor first.
#[marine]
fn visitors() -> Result<Vec<String>, String> {
    names()
}

fn text(name: &str, visits: u32) -> String {
    match visits {
        1 => format!("Hello, {name}! You are the first to come by."),
        _ => format!("Hello, {name}! This is visit number {visits}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_visitor_is_told_so() {
        assert_eq!(text("Ada", 1), "Hello, Ada! You are the first to come by.");
        assert_eq!(text("Bob", 2), "Hello, Bob! This is visit number 2.");
    }
}
