//! Transcripts: sessions as text that replay as tests.
//!
//! Input stands behind `> `, its further lines behind `. `; below it the output that is expected. In an expected line `...` matches any
//! text, alone in a line any number of lines. Blank lines and comments (`#`) behind an output belong to nobody and are kept.

use std::fmt::Write;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Script {
    /// Inputs with what they are expected to print.
    Transcript(Transcript),
    /// Inputs alone.
    Commands(Vec<String>),
}

/// A recorded session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Transcript {
    /// Comments before the first input.
    pub(super) head: String,
    pub(super) steps: Vec<Step>,
}

/// One input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// Line of the file, from 1.
    pub(super) line: usize,
    pub(super) input: String,
    /// Without the last line end; empty if nothing is expected.
    pub(super) output: String,
    /// Blank lines and comments that follow.
    pub(super) tail: String,
}

impl Script {
    /// Reads a file: a transcript if one of its lines begins with `> `.
    pub(super) fn parse(text: &str) -> Script {
        if text.lines().any(is_input) {
            Script::Transcript(Transcript::parse(text))
        } else {
            Script::Commands(commands(text.lines()))
        }
    }
}

impl Transcript {
    fn parse(text: &str) -> Transcript {
        let mut transcript = Transcript::default();
        let mut lines = text.lines().enumerate().peekable();
        while let Some((_, line)) = lines.next_if(|(_, line)| !is_input(line)) {
            transcript.head += line;
            transcript.head.push('\n');
        }
        while let Some((number, first)) = lines.next() {
            let mut input = first[1..].trim_start().to_owned();
            while let Some((_, line)) = lines.next_if(|(_, line)| continues(line, &input)) {
                input.push('\n');
                input += line.strip_prefix(". ").unwrap_or(if line == "." { "" } else { line });
            }
            let mut output = Vec::new();
            while let Some((_, line)) = lines.next_if(|(_, line)| !is_input(line)) {
                output.push(line);
            }
            let end = tail_start(&output);
            let tail = output[end..].iter().map(|line| format!("{line}\n")).collect();
            transcript.steps.push(Step { line: number + 1, input, output: output[..end].join("\n"), tail });
        }
        transcript
    }

    /// The text of the file.
    pub(super) fn to_text(&self) -> String {
        let mut text = self.head.clone();
        for step in &self.steps {
            for (number, line) in step.input.split('\n').enumerate() {
                let _ = writeln!(text, "{} {line}", if number == 0 { '>' } else { '.' });
            }
            if !step.output.is_empty() {
                let _ = writeln!(text, "{}", step.output);
            }
            text += &step.tail;
        }
        text
    }
}

/// Inputs of lines, joined while brackets are open.
fn commands<'t>(lines: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut open = false;
    for line in lines {
        match commands.last_mut().filter(|_| open) {
            Some(command) => {
                command.push('\n');
                *command += line;
            }
            None => commands.push(line.to_owned()),
        }
        open = commands.last().is_some_and(|command| is_open(command));
    }
    commands
}

/// Whether more brackets are opened than closed, strings apart.
pub(super) fn is_open(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0i64, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            '(' | '[' | '{' if !in_string => depth += 1,
            ')' | ']' | '}' if !in_string => depth -= 1,
            _ => {}
        }
    }
    depth > 0
}

/// Whether `output` is what `expected` says.
pub(super) fn fits(expected: &str, output: &str) -> bool {
    let expected: Vec<&str> = expected.trim_end().lines().map(str::trim_end).collect();
    let output: Vec<&str> = output.trim_end().lines().map(str::trim_end).collect();
    wildcard(
        &expected,
        &output,
        |line| *line == "...",
        |expected, line| {
            let parts: Vec<&str> = expected.split("...").collect();
            line_fits(&parts, line)
        },
    )
}

/// The last line that differs shows the difference; lines that are the same stand without a mark.
pub(super) fn difference(expected: &str, output: &str) -> String {
    let diff = similar::TextDiff::from_lines(expected, output);
    let mut text = String::new();
    for change in diff.iter_all_changes() {
        let sign = match change.tag() {
            similar::ChangeTag::Delete => '-',
            similar::ChangeTag::Insert => '+',
            similar::ChangeTag::Equal => ' ',
        };
        let _ = writeln!(text, "{sign} {}", change.value().trim_end_matches('\n'));
    }
    text
}

fn is_input(line: &str) -> bool {
    line == ">" || line.starts_with("> ")
}

/// Whether `line` goes on with the input so far.
fn continues(line: &str, input: &str) -> bool {
    !is_input(line) && (is_open(input) || line.starts_with(". "))
}

/// Where the blank lines and comments begin with which a block ends.
fn tail_start(block: &[&str]) -> usize {
    let beside = |line: &&str| line.trim().is_empty() || line.starts_with('#');
    let start = block.len() - block.iter().rev().take_while(|line| beside(line)).count();
    // A comment right below an output could be a line of it.
    start + block[start..].iter().take_while(|line| !line.trim().is_empty()).count()
}

/// Whether `items` fit `patterns`, of which those that are `any` fit any number of items. Quadratic at most.
fn wildcard<P, I>(patterns: &[P], items: &[I], any: impl Fn(&P) -> bool, fits: impl Fn(&P, &I) -> bool) -> bool {
    let (mut pattern, mut item) = (0, 0);
    // Where to go on if the last wildcard has to take one more.
    let mut retry: Option<(usize, usize)> = None;
    while item < items.len() {
        if pattern < patterns.len() && any(&patterns[pattern]) {
            retry = Some((pattern + 1, item));
            pattern += 1;
        } else if pattern < patterns.len() && fits(&patterns[pattern], &items[item]) {
            pattern += 1;
            item += 1;
        } else if let Some((after, taken)) = retry {
            retry = Some((after, taken + 1));
            pattern = after;
            item = taken + 1;
        } else {
            return false;
        }
    }
    patterns[pattern..].iter().all(any)
}

/// Whether `line` is made of `parts` in order with anything between them.
fn line_fits(parts: &[&str], line: &str) -> bool {
    let [first, middle @ .., last] = parts else { return parts == [line] };
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# What the till adds up.\n\n> total([\n.   1,\n.   2])\n3\n\n# Nothing at all.\n> tick()\n> names()\n[\n  \"a\"\n]\n";

    #[test]
    fn transcripts_are_read_and_written() {
        let Script::Transcript(transcript) = Script::parse(TEXT) else { panic!("a transcript") };
        let steps: Vec<_> =
            transcript.steps.iter().map(|step| (step.line, &*step.input, &*step.output, &*step.tail)).collect();
        assert_eq!(
            steps,
            [
                (3, "total([\n  1,\n  2])", "3", "\n# Nothing at all.\n"),
                (9, "tick()", "", ""),
                (10, "names()", "[\n  \"a\"\n]", ""),
            ]
        );
        assert_eq!(transcript.to_text(), TEXT);
    }

    #[test]
    fn a_file_without_prompts_holds_commands() {
        let lines = "f(1,\n 2)\n\n# why\ng(\"(\")\nh(";
        let expected = ["f(1,\n 2)", "", "# why", "g(\"(\")", "h("].map(str::to_owned);
        assert_eq!(Script::parse(lines), Script::Commands(expected.to_vec()));
    }

    #[test]
    fn dots_match_what_may_differ() {
        let cases = [
            ("3", "3", true),
            ("3", "4", false),
            ("", "", true),
            ("...", "", true),
            ("...", "a\nb", true),
            ("a\n...\nc", "a\nb\nb\nc", true),
            ("a\n...\nc", "a\nc", true),
            ("a\n...\nc", "a\nb", false),
            ("took ... ms", "took 12 ms", true),
            ("took ... ms", "took 12 s", false),
            ("...b...", "abc", true),
            ("a...a", "a", false),
            ("a  \n", "a", true),
            ("...\nb\n...", "a\nb\nc", true),
        ];
        for (expected, output, fit) in cases {
            assert_eq!(fits(expected, output), fit, "{expected:?} {output:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_recorded_session_replays(inputs in proptest::collection::vec(("[a-z(\\[\"]{0,6}", "[a-z.\n]{0,12}"), 0..4)) {
            let steps = inputs.into_iter().map(|(input, output)| {
                let input = if is_open(&input) { "f()".to_owned() } else { input };
                Step { line: 0, input, output: output.trim_matches('\n').to_owned(), tail: String::new() }
            });
            let transcript = Transcript { head: String::new(), steps: steps.collect() };
            let text = transcript.to_text();
            if let Script::Transcript(read) = Script::parse(&text) {
                proptest::prop_assert_eq!(read.steps.len(), transcript.steps.len());
                for (read, written) in read.steps.iter().zip(&transcript.steps) {
                    proptest::prop_assert!(fits(&read.output, &written.output), "{}", text);
                }
            }
        }
    }
}
