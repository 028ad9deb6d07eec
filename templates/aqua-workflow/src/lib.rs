//! Says hello to peers.

use marine_sdk::marine;

/// Says hello to the peer `from`, which asks for it.
#[marine]
fn hello(from: &str) -> String {
    format!("Hello, {from}!")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_hello() {
        assert_eq!(hello("12D3Koo"), "Hello, 12D3Koo!");
    }
}
