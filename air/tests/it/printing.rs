//! Laws of parser, printer and formatter over generated scripts and arbitrary text.

use marine_air::syntax::{format, parse, print_script};
use marine_air::{Limits, Script};
use proptest::prelude::*;

fn string() -> BoxedStrategy<String> {
    "\"[^\"]{0,6}\"".boxed()
}

fn name() -> BoxedStrategy<String> {
    // The prefix keeps it from being a number or a reserved word.
    prop_oneof!["[a-c]", "[a-c_]ü[a-z0-9_-]{0,3}", "-[a-c]-"].boxed()
}

fn lens() -> BoxedStrategy<String> {
    let accessor = prop_oneof![
        "\\.[a-zé_-][a-z0-9_-]{0,2}!?",
        any::<u32>().prop_map(|index| format!(".[{index}]")),
        name().prop_map(|name| format!("[{name}]!")),
    ];
    let path = proptest::collection::vec(accessor, 1..4).prop_map(|accessors| format!(".${}", accessors.concat()));
    prop_oneof![Just(".length".to_owned()), path].boxed()
}

fn with_lens(sigil: &'static str) -> BoxedStrategy<String> {
    (name(), lens()).prop_map(move |(name, lens)| format!("{sigil}{name}{lens}")).boxed()
}

fn sigil(sigil: &'static str) -> BoxedStrategy<String> {
    name().prop_map(move |name| format!("{sigil}{name}")).boxed()
}

fn value() -> BoxedStrategy<String> {
    let words = ["[]", "true", "false", "%init_peer_id%", "%timestamp%", "%ttl%", "%last_error%", ":error:"];
    prop_oneof![
        string(),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| format!("+{number}")),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(|number| format!("{number:.3}")),
        (any::<i32>(), -30..30).prop_map(|(number, exponent)| format!("{number}.25e{exponent}")),
        proptest::sample::select(words.to_vec()).prop_map(str::to_owned),
        lens().prop_map(|lens| format!(":error:{lens}")),
        sigil(""),
        sigil("#"),
        sigil("#$"),
        sigil("#%"),
        with_lens(""),
        with_lens("#"),
        with_lens("#%"),
    ]
    .boxed()
}

fn text() -> BoxedStrategy<String> {
    prop_oneof![string(), sigil(""), with_lens(""), with_lens("#"), with_lens("#%")].boxed()
}

fn peer() -> BoxedStrategy<String> {
    prop_oneof![Just("%init_peer_id%".to_owned()), text()].boxed()
}

fn leaf() -> BoxedStrategy<String> {
    let output = || prop_oneof![sigil(""), sigil("$")];
    let call_output = prop_oneof![Just(String::new()), output()];
    let call = (peer(), text(), text(), proptest::collection::vec(value(), 0..4), call_output).prop_map(
        |(peer, service, function, args, output)| {
            format!("(call {peer}({service} {function})[{}]{output})", args.join(" "))
        },
    );
    let key = prop_oneof![string(), any::<i16>().prop_map(|key| key.to_string()), sigil(""), with_lens("#")];
    prop_oneof![
        1 => Just("(null)".to_owned()),
        1 => Just("( never ; comment\n)".to_owned()),
        4 => call,
        1 => (value(), output()).prop_map(|(value, output)| format!("(ap {value} {output})")),
        1 => (key, value(), sigil("%")).prop_map(|(key, value, map)| format!("(ap ({key} {value}) {map})")),
        1 => (peer(), sigil("$"), sigil("#")).prop_map(|(peer, stream, canon)| format!("(canon {peer} {stream} {canon})")),
        1 => (peer(), sigil("%"), sigil("#%")).prop_map(|(peer, map, canon)| format!("(canon {peer} {map} {canon})")),
        1 => name().prop_map(|name| format!("(next {name})")),
        1 => (any::<i64>(), string()).prop_map(|(code, message)| format!("(fail {code} {message})")),
        1 => with_lens("").prop_map(|error| format!("(fail {error})")),
    ].boxed()
}

fn script() -> BoxedStrategy<String> {
    let space = || proptest::sample::select(&["", " ", "\n\t", " ; note\n", "\n; (note\n"][..]);
    leaf()
        .prop_recursive(6, 60, 2, move |inner| {
            let two = (proptest::sample::select(&["seq", "par", "xor"][..]), inner.clone(), inner.clone(), space());
            let iterable =
                prop_oneof![sigil(""), sigil("$"), sigil("%"), sigil("#"), with_lens("#%"), Just("[]".to_owned())];
            let variable = prop_oneof![sigil(""), sigil("$"), sigil("%"), sigil("#"), sigil("#%")];
            let last = prop_oneof![Just(String::new()), inner.clone()];
            prop_oneof![
                two.prop_map(|(word, left, right, space)| format!("({word}{space}{left}{space}{right})")),
                (value(), value(), inner.clone(), space())
                    .prop_map(|(left, right, body, space)| format!("(match {left} {right}{space}{body}{space})")),
                (iterable, name(), inner.clone(), last, space()).prop_map(
                    |(iterable, name, body, last, space)| format!("(fold {iterable} {name}{body}{space}{last})")
                ),
                (variable, inner, space()).prop_map(|(name, body, space)| format!("{space}(new {name}{space}{body})")),
            ]
        })
        .boxed()
}

/// Text that looks like a script from far away.
fn soup() -> BoxedStrategy<String> {
    let words = [
        "(", ")", "[", "]", "\"", ";", "\n", " ", "(seq ", "(call ", "(fold ", "(new ", "next", "$s", "%m", "#c",
        "#%c", "x", ".$.", ".length", "0", "1.0", ":error:", "%ttl%", "!", "é", "(null)", "(next i)", "i",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..60).prop_map(|words| words.concat()).boxed()
}

proptest! {
    #[test]
    fn printing_keeps_the_tree(text in script()) {
        let limits = Limits::default();
        let (tree, diagnostics) = parse(&text, &limits);
        prop_assert!(diagnostics.iter().all(|diagnostic| diagnostic.id.0 == 54), "{text}: {diagnostics:?}");
        let printed = print_script(&tree);
        let (again, diagnostics) = parse(&printed, &limits);
        prop_assert_eq!(diagnostics, []);
        prop_assert_eq!(&again, &tree);
        prop_assert_eq!(print_script(&again), printed);
    }

    #[test]
    fn formatting_keeps_the_tree_and_the_comments_and_is_idempotent(text in script()) {
        let limits = Limits::default();
        let (tree, _) = parse(&text, &limits);
        let formatted = format(&tree);
        let (again, diagnostics) = parse(&formatted, &limits);
        prop_assert!(diagnostics.iter().all(|diagnostic| diagnostic.id.0 == 54), "{formatted}: {diagnostics:?}");
        prop_assert_eq!(&again, &tree, "{}", formatted);
        prop_assert_eq!(again.comments().len(), tree.comments().len());
        prop_assert_eq!(format(&again), formatted);
    }

    #[test]
    fn arbitrary_text_gives_a_tree(text in prop_oneof![soup(), "(?s).{0,80}"]) {
        let parsed = Script::parse(&text, &Limits::default());
        let tree = parsed.tree();
        prop_assert!(tree.len() > 0);
        for finding in parsed.diagnostics() {
            for label in std::iter::once(&finding.primary).chain(&finding.secondary) {
                prop_assert!(text.get(label.span.range()).is_some(), "{finding:?}");
            }
        }
        prop_assert!(!print_script(tree).is_empty() && !format(tree).is_empty());
        prop_assert_eq!(parsed.has_errors(), parsed.script().is_err());
    }

    #[test]
    fn a_cut_script_gives_findings(text in script(), at in any::<proptest::sample::Index>()) {
        let cut = at.index(text.len());
        let cut = text.floor_char_boundary(cut);
        if text[cut..].contains(')') && !text[..cut].contains(';') {
            prop_assert!(Script::parse(&text[..cut], &Limits::default()).has_errors());
        }
    }
}
