//! Laws: nothing is lost, nothing panics, nothing hangs.

use marine_aqua::diagnostic::FileId;
use marine_aqua::fmt::format;
use marine_aqua::syntax::parse;
use proptest::prelude::*;

use crate::support::checked;

/// Words, signs and white space of the language, and some that are not.
const PIECES: &[&str] = &[
    "aqua A declares *\n",
    "func f(a: string) -> string:\n",
    "  ",
    "    ",
    "\t",
    "\n",
    "\r\n",
    " ",
    "a",
    "b",
    "Srv",
    "Ab",
    "A",
    "on ",
    "par ",
    "co ",
    "for x <- xs:\n",
    "if a:\n",
    "else:\n",
    "try:\n",
    "catch e:\n",
    "otherwise:\n",
    "join ",
    "parseq ",
    "import ",
    "use ",
    "export ",
    "from ",
    "as ",
    "data D:\n",
    "service S(\"s\"):\n",
    "ability B:\n",
    "alias T: ",
    "const C = ",
    "\"",
    "\"s\"",
    "1",
    "-1",
    "1.5",
    "01",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    ":",
    "=",
    "==",
    "!=",
    "!",
    "<-",
    "<<-",
    "->",
    "<",
    ">=",
    "+",
    "-",
    "*",
    "**",
    "/",
    "%",
    "&&",
    "||",
    "?",
    "?[",
    "*[",
    "⊤",
    "⊥",
    "%init_peer_id%",
    "--",
    "-- c\n",
    "\\",
    "'",
    "é",
    "_",
    "nil",
    "string",
    "u8",
    "[]",
    ".copy(",
    ".length",
    ".get(",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..80).prop_map(|pieces| pieces.concat())
}

const PROGRAM: &str = include_str!("program.aqua");

/// A program with one change: a piece removed, doubled, or put in.
fn mutated() -> impl Strategy<Value = String> {
    (0..PROGRAM.len(), 0..40usize, 0..3u8, prop::sample::select(PIECES)).prop_map(|(at, len, how, piece)| {
        let floor = |mut at: usize| {
            at = at.min(PROGRAM.len());
            while !PROGRAM.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (start, end) = (floor(at), floor(at + len));
        let middle = match how {
            0 => String::new(),
            1 => PROGRAM[start..end].repeat(2),
            _ => format!("{piece}{}", &PROGRAM[start..end]),
        };
        format!("{}{middle}{}", &PROGRAM[..start], &PROGRAM[end..])
    })
}

fn holds(text: &str) {
    let parsed = parse(FileId(0), text);
    assert_eq!(parsed.syntax().to_string(), text, "the tree holds every character");
    let checked = checked(&[("main.aqua", text)]);
    for diagnostic in &checked.diagnostics {
        let (_, source) = checked.source(diagnostic.primary.span.file);
        assert!(source.get(diagnostic.primary.span.range()).is_some(), "{diagnostic:?}");
    }
    assert_eq!(checked.program.is_some(), !checked.has_errors());
    let formatted = format(text);
    assert_eq!(format(&formatted), formatted, "formatting again changes nothing");
    let tokens = |text: &str| {
        let root = parse(FileId(0), text).syntax();
        let tokens = root.descendants_with_tokens().filter_map(|element| element.into_token());
        tokens.filter(|token| !token.kind().is_trivia()).map(|token| token.text().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(tokens(&formatted), tokens(text), "formatting changes white space only");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in soup()) {
        holds(&text);
    }

    #[test]
    fn a_program_with_a_mistake(text in mutated()) {
        holds(&text);
    }

    #[test]
    fn any_characters(text in "\\PC{0,60}") {
        holds(&text);
    }
}
