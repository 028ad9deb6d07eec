//! Counts words with the host's `wc`: a program that exists already becomes a service.

use std::fs;

use marine_sdk::{Error, MountedBinaryResult, Result, marine};

/// Where texts lie while they are counted; the manifest lets `wc` read here and nowhere else.
const TEXT: &str = "/texts/text";

/// Programs of the host, by the names that `Marine.toml` gives them.
#[marine]
#[host_import]
unsafe extern "C" {
    fn wc(args: &[&str]) -> MountedBinaryResult;
}

/// What a text consists of.
#[marine]
#[derive(Debug, PartialEq)]
pub struct Counts {
    pub lines: u64,
    pub words: u64,
    pub bytes: u64,
}

/// Counts what `text` consists of.
#[marine]
fn count(text: &str) -> Result<Counts> {
    fs::write(TEXT, text)?;
    parse(&output(wc(&["-l", "-w", "-c", TEXT]))?)
}

/// What happens to arguments that the manifest does not allow.
#[marine]
fn longest_line(text: &str) -> Result<String> {
    fs::write(TEXT, text)?;
    output(wc(&["-L", TEXT]))
}

/// What a program wrote, or why there is nothing.
fn output(result: MountedBinaryResult) -> Result<String> {
    let text = result.into_std().ok_or_else(|| Error::new("wc answered with something that is not text"))?;
    text.map_err(Error::new)
}

/// Reads `  1  2  10 /path/of/file`.
fn parse(output: &str) -> Result<Counts> {
    let mut numbers = output.split_whitespace().map(str::parse);
    let mut next = || numbers.next().ok_or_else(|| Error::new(format!("wc answered {output:?}")));
    Ok(Counts { lines: next()??, words: next()??, bytes: next()?? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_wc_is_understood() {
        let counts = Counts { lines: 1, words: 2, bytes: 10 };
        assert_eq!(parse("  1  2 10 /tmp/a\n").unwrap(), counts);
        assert!(parse("").is_err() && parse("a b c").is_err());
    }
}
