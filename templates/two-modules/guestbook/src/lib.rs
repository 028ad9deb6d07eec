//! Keeps the names of visitors, one per line, in a file of the volume that `Marine.toml` grants to this module alone.

use std::fs;
use std::io::{ErrorKind, Write};

use marine_sdk::marine;

/// Where the volume appears inside this module.
const BOOK: &str = "/data/visitors.txt";

/// Writes `name` into the book and returns how many names it holds now.
#[marine]
fn sign(name: &str) -> Result<u32, String> {
    let name = checked(name)?;
    let mut book = fs::OpenOptions::new().append(true).create(true).open(BOOK).map_err(|error| format!("{BOOK}: {error}"))?;
    writeln!(book, "{name}").map_err(|error| format!("{BOOK}: {error}"))?;
    Ok(names()?.len() as u32)
}

/// All names in the book, oldest first.
#[marine]
fn names() -> Result<Vec<String>, String> {
    match fs::read_to_string(BOOK) {
        Ok(text) => Ok(text.lines().map(str::to_string).collect()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(format!("{BOOK}: {error}")),
    }
}

/// A name is one line that says something.
fn checked(name: &str) -> Result<&str, String> {
    match name.trim() {
        "" => Err("a visitor needs a name".to_string()),
        name if name.contains('\n') => Err("a name is a single line".to_string()),
        name => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_single_lines() {
        assert_eq!(checked(" Ada "), Ok("Ada"));
        assert!(checked("").is_err());
        assert!(checked("Ada\nBob").is_err());
    }
}
