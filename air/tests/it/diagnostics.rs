//! What the parser reports (A001 to A011), word for word, and how it goes on.

use marine_air::syntax::{Location, parse, print_script};
use marine_air::{Limits, Script};

/// All findings of a script, one line each: position, id, message, the text it points at, caption; then other places and help.
pub(crate) fn findings(text: &str) -> String {
    findings_within(text, &Limits::default())
}

pub(crate) fn findings_within(text: &str, limits: &Limits) -> String {
    let parsed = Script::parse(text, limits);
    let source = parsed.tree().source().clone();
    let mut out = String::new();
    for finding in parsed.diagnostics() {
        let mut line = |head: String, span: marine_air::syntax::Span, text: &str| {
            let colon = if text.is_empty() { "" } else { ": " };
            out += &format!("{head} `{}`{colon}{text}\n", &source[span.range()]);
        };
        let at = Location::of(&source, finding.primary.span.start);
        line(format!("{at} {} {}", finding.id, finding.message), finding.primary.span, &finding.primary.text);
        for label in &finding.secondary {
            line(format!("  {}", Location::of(&source, label.span.start)), label.span, &label.text);
        }
        if let Some(help) = &finding.help {
            out += &format!("  help: {help}\n");
        }
    }
    out
}

/// The findings about `text` as an operand.
fn operand(text: &str) -> String {
    findings(&format!("(match {text} 1 (null))"))
}

#[test]
fn words() {
    insta::assert_snapshot!(operand("?"), @"
    1:8 A001 unexpected character `?` `?`
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("a:b"), @"
    1:9 A001 unexpected character `:` `:`
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand(".5"), @"
    1:8 A001 unexpected character `.` `.`
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("+"), @"
    1:8 A001 unexpected character `+` `+`
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand(":err:"), @"
    1:8 A001 unexpected character `:` `:`
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("18446744073709551616"), @"
    1:8 A003 integer is out of range: it must be from -2^63 to 2^64-1 `18446744073709551616`
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("1.2.3"), @"
    1:8 A003 malformed number `1.2.3`
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("1.x"), @"
    1:8 A003 malformed number `1.x`
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("5.$.a"), @"
    1:8 A003 malformed number `5.$.a`
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("1.0e999"), @"
    1:8 A003 number is out of range: it must be finite as a 64-bit float `1.0e999`
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("#"), @"
    1:8 A004 expected a name after `#` `#`
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("#%.length"), @"
    1:8 A004 expected a name after `#%` `#%`
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("a%b"), @"
    1:9 A004 `%` can only be at the beginning of a name `%`
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("$a$b"), @"
    1:10 A004 `$` can only be at the beginning of a name `$`
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("null"), @"
    1:8 A006 expected a name or a value, found the reserved word `null` `null`
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("\"abc 1 (null))"), @r#"1:8 A002 this string literal has unclosed quote `"`: it starts here"#);
}

#[test]
fn lenses() {
    insta::assert_snapshot!(operand("x.$"), @"
    1:9 A005 malformed lens `.$`: expected an accessor after `.$`
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("x.lengths"), @"
    1:9 A005 malformed lens `.lengths`: expected `.length` or `.$` and accessors after the name
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("x.a"), @"
    1:9 A005 malformed lens `.a`: expected `.length` or `.$` and accessors after the name
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("x.$.0"), @"
    1:11 A005 malformed lens `.0`: expected a field name, which does not start with a digit
      1:2 `match`: in this `match`
      help: write an index in brackets: `.[0]`
    ");
    insta::assert_snapshot!(operand("x.$.a..b"), @"
    1:13 A005 malformed lens `..b`: expected a field name, which does not start with a digit
      1:2 `match`: in this `match`
      help: write an index in brackets: `.[0]`
    ");
    insta::assert_snapshot!(operand("x.$.[4294967296]"), @"
    1:13 A005 malformed lens `4294967296`: an index is at most 2^32-1
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("x.$.[]"), @"
    1:12 A005 malformed lens `[]`: expected an index or the name of a scalar in the brackets
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("x.$.[-1]"), @"
    1:12 A005 malformed lens `[-1]`: expected an index or the name of a scalar in the brackets
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("x.$.[0"), @"
    1:12 A005 malformed lens `[0`: expected `]` at the end of the accessor
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("x.$.[$s]"), @"
    1:12 A005 malformed lens `[$s]`: expected an index or the name of a scalar in the brackets
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("x.length.$.a"), @"
    1:9 A005 malformed lens `.length.$.a`: expected `.length` or `.$` and accessors after the name
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("%ttl%.$.a"), @"
    1:13 A005 malformed lens `.$.a`: `%ttl%` has no lens
      1:2 `match`: in this `match`
    ");
    insta::assert_snapshot!(operand("$s.$.a"), @"
    1:10 A005 malformed lens `.$.a`: a stream or map has no lens
      1:2 `match`: in this `match`
      help: take its values with `canon` first
    ");
}

#[test]
fn structure() {
    insta::assert_snapshot!(findings(""), @"
    1:1 A010 the script is empty ``
      help: the smallest script is `(null)`
    ");
    insta::assert_snapshot!(findings(" ; nothing\n"), @"
    2:1 A010 the script is empty ``
      help: the smallest script is `(null)`
    ");
    insta::assert_snapshot!(findings("null"), @"1:1 A006 expected `(`, found `null` `null`");
    insta::assert_snapshot!(findings("(null) (null)"), @"
    1:8 A010 unexpected text after the script `(`: a script is one instruction
      help: join instructions with `seq` or `par`
    ");
    insta::assert_snapshot!(findings("(null))"), @"1:7 A009 this parenthesis closes nothing `)`");
    insta::assert_snapshot!(findings("(seq (null) (null)"), @"
    1:1 A009 this parenthesis is never closed `(`
      1:19 ``: the text ends here
    ");
    insta::assert_snapshot!(findings("(seq (null)"), @"
    1:1 A009 this parenthesis is never closed `(`
      1:12 ``: the text ends here
    ");
    insta::assert_snapshot!(findings("(seq (null))"), @"
    1:12 A006 expected an instruction, found `)` `)`
      1:2 `seq`: in this `seq`
    ");
    insta::assert_snapshot!(findings("(seq (null) (null) (null))"), @"
    1:20 A006 expected `)`, found `(` `(`
      1:2 `seq`: in this `seq`
    ");
    insta::assert_snapshot!(findings("(seq null (null))"), @"
    1:6 A006 expected an instruction, found `null` `null`
      1:2 `seq`: in this `seq`
    ");
    insta::assert_snapshot!(findings("((null))"), @"1:2 A006 expected the name of an instruction, found `(` `(`");
    insta::assert_snapshot!(findings("()"), @"1:2 A006 expected the name of an instruction, found `)` `)`");
    insta::assert_snapshot!(findings("("), @"
    1:1 A009 this parenthesis is never closed `(`
      1:2 ``: the text ends here
    ");
    insta::assert_snapshot!(findings("(sq (null) (null))"), @"
    1:2 A007 unknown instruction `sq` `sq`
      help: did you mean `seq`?
    ");
    insta::assert_snapshot!(findings("(something)"), @"1:2 A007 unknown instruction `something` `something`");
    insta::assert_snapshot!(findings("(fold [] i (next i) (null) (null))"), @"
    1:28 A006 expected `)`, found `(` `(`
      1:2 `fold`: in this `fold`
    ");
}

#[test]
fn operands() {
    insta::assert_snapshot!(findings("(call 1 (\"s\" \"f\") [])"), @"
    1:7 A008 an integer is not allowed here `1`: expected a peer (`%init_peer_id%`, a string or a variable)
      1:2 `call`: in this `call`
    ");
    insta::assert_snapshot!(findings("(call \"p\" \"s\" \"f\" [])"), @r#"
    1:11 A006 expected `(` and the service, found a string `"s"`
      1:2 `call`: in this `call`
    "#);
    insta::assert_snapshot!(findings("(call \"p\" (\"s\") [])"), @"
    1:15 A006 expected a function (a string or a variable), found `)` `)`
      1:2 `call`: in this `call`
    ");
    insta::assert_snapshot!(findings("(call \"p\" (\"s\" \"f\") [$s])"), @"
    1:22 A008 a stream is not allowed here `$s`: expected an argument or `]`
      1:2 `call`: in this `call`
      help: take its values with `canon` and use the result
    ");
    insta::assert_snapshot!(findings("(call \"p\" (\"s\" \"f\") [(null)])"), @"
    1:22 A006 expected an argument or `]`, found `(` `(`
      1:2 `call`: in this `call`
    ");
    insta::assert_snapshot!(findings("(call \"p\" (\"s\" \"f\") [] #c)"), @"
    1:24 A008 a canon stream is not allowed here `#c`: expected a scalar or stream for the result, or `)`
      1:2 `call`: in this `call`
    ");
    insta::assert_snapshot!(findings("(call \"p\" (\"s\" \"f\") [] x.$.a)"), @"
    1:24 A008 a scalar with a lens is not allowed here `x.$.a`: expected a scalar or stream for the result, or `)`
      1:2 `call`: in this `call`
    ");
    insta::assert_snapshot!(findings("(ap x)"), @"
    1:6 A006 expected a scalar or stream, found `)` `)`
      1:2 `ap`: in this `ap`
    ");
    insta::assert_snapshot!(findings("(ap [1] x)"), @"
    1:6 A006 expected `]`, since `[]` is the only array literal, found `1` `1`
      1:2 `ap`: in this `ap`
    ");
    insta::assert_snapshot!(findings("(canon \"p\" $s #%c)"), @"
    1:15 A008 a canon map is not allowed here `#%c`: expected a canon stream, such as `#x`
      1:2 `canon`: in this `canon`
    ");
    insta::assert_snapshot!(findings("(canon \"p\" %m #c)"), @"
    1:15 A008 a canon stream is not allowed here `#c`: expected a canon map, such as `#%x`, or a scalar
      1:2 `canon`: in this `canon`
    ");
    insta::assert_snapshot!(findings("(fold \"x\" i (null))"), @r#"
    1:7 A008 a string is not allowed here `"x"`: expected something to iterate over
      1:2 `fold`: in this `fold`
    "#);
    insta::assert_snapshot!(findings("(fold [] $i (null))"), @"
    1:10 A008 a stream is not allowed here `$i`: expected an iterator, which is a scalar
      1:2 `fold`: in this `fold`
      help: take its values with `canon` and use the result
    ");
    insta::assert_snapshot!(findings("(fail \"x\")"), @r#"
    1:7 A008 a string is not allowed here `"x"`: expected an error code, a variable, `%last_error%` or `:error:`
      1:2 `fail`: in this `fail`
    "#);
    insta::assert_snapshot!(findings("(fail 1 2)"), @"
    1:9 A008 an integer is not allowed here `2`: expected a message, which is a string
      1:2 `fail`: in this `fail`
    ");
}

#[test]
fn limits() {
    let check = |text: &str| {
        let mut limits = Limits::default();
        (limits.script_bytes, limits.script_instructions, limits.script_nesting) = (60, 4, 3);
        let diagnostics = Script::parse(text, &limits).diagnostics().to_vec();
        diagnostics
            .iter()
            .map(|d| format!("{} {} {:?}", d.id, d.message, d.primary.span))
            .collect::<Vec<_>>()
            .join("\n")
    };
    insta::assert_snapshot!(check("(par (seq (null) (null)) (null))"), @"A011 script has more than 4 instructions, which is the limit 25..26");
    insta::assert_snapshot!(check("(par (par (null) (null)) (null))"), @"A011 script has more than 4 instructions, which is the limit 25..26");
    insta::assert_snapshot!(check("(par (par (par (null) (null)) (null)) (null))"), @"A011 script nests more than 3 instructions, which is the limit 15..16");
    insta::assert_snapshot!(check(&" ".repeat(61)), @"A011 script of 61 bytes is over the limit of 60 0..0");
}

/// A broken instruction becomes an error node up to its own parenthesis; what is around and behind it is still checked.
#[test]
fn goes_on_behind_a_broken_instruction() {
    let text = "(seq (seq (call \"p\" (\"s\" ?) [(a) ] x) (ap y z)) (seq (bad (null) 1 \")\") (fail 0 \"\")))";
    insta::assert_snapshot!(findings(text), @"
    1:26 A001 unexpected character `?` `?`
      1:12 `call`: in this `call`
    1:43 A020 variable 'y' wasn't defined `y`
    1:55 A007 unknown instruction `bad` `bad`
    1:79 A025 error code 0 with fail is unsupported `0`
      help: 0 means no error
    ");
    let (tree, _) = parse(text, &Limits::default());
    insta::assert_snapshot!(print_script(&tree), @r#"(seq (seq (call "p" ("s" ?) [(a) ] x) (ap y z)) (seq (bad (null) 1 ")") (fail 0 "")))"#);
}

/// What a broken instruction may have defined is not reported as undefined.
#[test]
fn no_findings_that_only_follow_from_others() {
    insta::assert_snapshot!(findings("(seq (call p (\"s\" \"f\") [? a] x) (seq (fold xs i (next i) ) (ap x y)))"), @"
    1:25 A001 unexpected character `?` `?`
      1:7 `call`: in this `call`
    1:44 A020 variable 'xs' wasn't defined `xs`
    ");
    insta::assert_snapshot!(findings("(fold [] i (seq (next i)) ?)"), @"
    1:25 A006 expected an instruction, found `)` `)`
      1:13 `seq`: in this `seq`
    1:27 A006 expected an instruction or `)`, found `?` `?`
      1:2 `fold`: in this `fold`
    ");
    insta::assert_snapshot!(findings("(new i (seq (ap i x) (ap \"1 x)))"), @r#"1:26 A002 this string literal has unclosed quote `"`: it starts here"#);
}

#[test]
fn columns_count_characters() {
    insta::assert_snapshot!(findings("(seq\n  (call \"straße\" (\"ü\" ?) [])\n (null))"), @"
    2:23 A001 unexpected character `?` `?`
      2:4 `call`: in this `call`
    ");
}
