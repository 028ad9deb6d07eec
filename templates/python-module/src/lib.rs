//! The facade: what a text is about, as the Python module `words` counts it.

use marine_sdk::marine;

/// A word, and how often it occurs. The linker checks that `words` has the same record.
#[marine]
pub struct Frequency {
    pub word: String,
    pub times: u32,
}

/// The module written in Python; `words.wit` is its interface.
#[marine]
#[module_import("words")]
unsafe extern "C" {
    fn top(text: &str, limit: u32) -> Result<Vec<Frequency>, String>;
}

/// What `text` is about, in one line.
#[marine]
fn about(text: &str) -> Result<String, String> {
    Ok(line(&top(text, 3)?))
}

fn line(words: &[Frequency]) -> String {
    let words = words.iter().map(|Frequency { word, times }| format!("{word} ({times})"));
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_listed() {
        let word = |word: &str, times| Frequency { word: word.to_string(), times };
        assert_eq!(line(&[word("tea", 2), word("milk", 1)]), "tea (2), milk (1)");
    }
}
