//! `marine explain`: what a code means.

use clap::Args;
use serde_json::json;

use crate::exit::{Exit, Failure, Outcome};
use crate::ui::Ui;

/// The page of the book is the table: what users read there and here cannot differ.
const CODES: &str = include_str!("../../../docs/error-codes.md");

/// Explain an exit code or an error code.
///
/// Explains an error code (M403, A020, ..) or an exit code, or lists the exit codes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine explain M403
  marine explain 22
  marine explain exit-codes")]
pub(crate) struct Explain {
    /// An error code, a number, or `exit-codes`
    code: String,
}

impl Explain {
    pub(crate) fn run(self, ui: Ui) -> Outcome {
        let code = self.code.to_ascii_uppercase();
        if let Some((what, remedy)) = lookup(&code) {
            ui.result(format_args!("{code}: {what}\nhelp: {remedy}"));
            ui.document("error_code", json!({ "code": code, "meaning": what, "help": remedy }));
            return Ok(Exit::Done);
        }
        let wanted: Vec<Exit> = match (self.code.as_str(), self.code.parse::<u8>()) {
            ("exit-codes", _) => Exit::ALL.to_vec(),
            (_, Ok(number)) => Exit::ALL.iter().copied().filter(|exit| exit.number() == number).collect(),
            _ => Vec::new(),
        };
        if wanted.is_empty() {
            return Err(Failure::new(Exit::Usage, format!("there is no code `{}`", self.code))
                .help("error codes look like M403 or A020 and stand in the messages; `marine explain exit-codes` lists the exit codes"));
        }
        for exit in wanted {
            ui.result(format_args!("{:>3}  {}", exit.number(), exit.meaning()));
            ui.document("exit_code", json!({ "code": exit.number(), "meaning": exit.meaning() }));
        }
        Ok(Exit::Done)
    }
}

/// What the book says about an error code, and what to do.
fn lookup(code: &str) -> Option<(&'static str, &'static str)> {
    CODES.lines().find_map(|row| {
        let mut cells = row.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ");
        (cells.next()? == code).then_some((cells.next()?, cells.next()?))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_found_in_the_book() {
        assert_eq!(lookup("M405"), Some(("a module imports itself", "call the function directly")));
        assert_eq!(lookup("M999"), None);
    }

    /// The libraries' sources are looked through for codes: none may be missing from the book, and none may be left there.
    #[test]
    fn the_book_has_exactly_the_codes_of_the_libraries() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut used = BTreeSet::new();
        collect_codes(&root.join("marine-cli/src/repl"), &mut used);
        for library in ["manifest", "marine-macro", "marine-build", "marine-test", "marine-test-build", "runtime"] {
            collect_codes(&root.join(library).join("src"), &mut used);
        }
        let listed =
            CODES.lines().filter_map(|row| row.strip_prefix("| M")?.get(..3)).map(|digits| format!("M{digits}"));
        assert_eq!(listed.collect::<BTreeSet<_>>(), used);
    }

    fn collect_codes(dir: &std::path::Path, codes: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
            if entry.path().is_dir() {
                collect_codes(&entry.path(), codes);
                continue;
            }
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            let words = text.split(|c: char| !c.is_ascii_alphanumeric());
            let is_code =
                |word: &&str| word.len() == 4 && word.starts_with('M') && word[1..].bytes().all(|b| b.is_ascii_digit());
            codes.extend(words.filter(is_code).map(str::to_string));
        }
    }

    #[test]
    fn codes_of_manifests_are_in_the_book() {
        for code in marine_manifest::Code::ALL {
            assert_eq!(lookup(code.as_str()).map(|(what, _)| what), Some(code.title()), "{code}");
        }
    }
}
