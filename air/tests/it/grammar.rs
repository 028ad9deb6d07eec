//! What the language accepts, and how it is printed: each case is a script and its printed form.

use marine_air::Limits;
use marine_air::syntax::{NodeId, parse, print_instruction, print_script};

/// The script is accepted and printed as `printed`, and the printed form is the same tree.
#[track_caller]
fn check(script: &str, printed: &str) {
    let (tree, diagnostics) = parse(script, &Limits::default());
    assert!(diagnostics.iter().all(|diagnostic| diagnostic.id.0 == 54), "{script}: {diagnostics:?}");
    assert_eq!(print_script(&tree), printed, "{script}");
    let (again, diagnostics) = parse(printed, &Limits::default());
    assert_eq!(diagnostics, [], "{printed}");
    assert_eq!(again, tree, "{printed}");
}

/// As [`check`], for a script that is its own printed form.
#[track_caller]
fn same(script: &str) {
    check(script, script);
}

/// As [`check`], for an operand.
#[track_caller]
fn operand(text: &str, printed: &str) {
    check(&format!("(ap {text} x)"), &format!("(ap {printed} x)"));
}

#[test]
fn instructions() {
    same("(null)");
    same("(never)");
    same("(seq (null) (never))");
    same("(par (null) (null))");
    same("(xor (null) (null))");
    same("(call \"p\" (\"s\" \"f\") [] )");
    same("(call %init_peer_id% (s f.$.a) [a \"b\" 1] out)");
    same("(call #p.$.[0] (#s.$.[1].x #%f.$.k) [] $out)");
    same("(ap 1 x)");
    same("(ap [] $x)");
    same("(ap (\"k\" v) %m)");
    same("(ap (1 #%v) %m)");
    same("(ap (k.$.a #c) %m)");
    same("(ap (#k.$.[0] %last_error%) %m)");
    same("(ap #%m x)");
    same("(canon \"p\" $s #c)");
    same("(canon %init_peer_id% $s #$c)");
    same("(canon p %m #%c)");
    same("(canon p %m scalar)");
    same("(match a \"b\" (null))");
    same("(mismatch %ttl% %timestamp% (null))");
    same("(fold xs x (null))");
    same("(fold xs x (next x) (null))");
    same("(fold [] x (null))");
    same("(fold $xs x (next x))");
    same("(fold %xs x (next x))");
    same("(fold #xs.$.[0] x (next x))");
    same("(fold #%xs x (next x))");
    same("(new x (null))");
    same("(new $x (null))");
    same("(new %x (null))");
    same("(new #x (null))");
    same("(new #%x (null))");
    same("(fail 7 \"text\")");
    same("(fail -1 \"\")");
    same("(fail x.$.error)");
    same("(fail #x.$.[0])");
    same("(fail %last_error%)");
    same("(fail :error:)");
}

#[test]
fn space_and_comments() {
    check("(seq(null)(null))", "(seq (null) (null))");
    check("\u{feff} ( null ) ", "(null)");
    check("(seq\u{a0}(null)\u{3000}(null))", "(seq (null) (null))");
    check("(call\"p\"(\"s\"\"f\")[\"a\"\"b\"]x)", "(call \"p\" (\"s\" \"f\") [\"a\" \"b\"] x)");
    check("(call p(s f)[a[]b[]]x)", "(call p (s f) [a [] b []] x)");
    check("; before\n(seq;at once\n(null) ; (never)\n(null)); after", "(seq (null) (null))");
    check("(ap x;comment\ny)", "(ap x y)");
    check("(ap [ ; nothing\n ] y)", "(ap [] y)");
}

#[test]
fn strings_have_no_escapes() {
    operand(r#""""#, r#""""#);
    operand(r#""a\""#, r#""a\""#);
    operand("\"two\nlines; no comment (null)\"", "\"two\nlines; no comment (null)\"");
}

#[test]
fn numbers() {
    operand("007", "7");
    operand("+5", "5");
    operand("-0", "0");
    operand("-9223372036854775808", "-9223372036854775808");
    operand("18446744073709551615", "18446744073709551615");
    operand("00000000000000000000000000001", "1");
    operand("1.", "1.0");
    operand("-1.50", "-1.5");
    operand("+1.0e5", "100000.0");
    operand("1.0e300", "1.0e300");
    operand("1.5E-7", "1.5e-7");
    operand("-0.0", "0.0");
    operand("0.1000000000000000055511151231257827", "0.1");
    operand("123456789012.5", "123456789012.5");
    operand("true", "true");
    operand("false", "false");
}

#[test]
fn names() {
    for name in
        ["x", "_", "-", "-relay-", "+x", "straße", "1a", "1e5", "-5x", "+-5", "nullx", "x-y_z", "٣", "#$x", "#seq"]
    {
        operand(name, name);
    }
    // The sigil is part of the name.
    let (tree, _) = parse("(call x (#x.$.[0] #%x.$.x) [#$x x] $x)", &Limits::default());
    let names: Vec<_> = ["x", "#x", "#%x", "#$x", "$x"].iter().map(|name| tree.find_name(name)).collect();
    assert!(names.iter().all(Option::is_some), "{names:?}");
    assert_eq!(tree.name_count(), 5);
}

#[test]
fn lenses() {
    operand("x.length", "x.length");
    operand("#s.length", "#s.length");
    operand("x.$.length", "x.$.length");
    operand("x.$.a[0]", "x.$.a.[0]");
    operand("x.$[0]", "x.$.[0]");
    operand("x.$.[0].[1][2]", "x.$.[0].[1].[2]");
    operand("x.$.a!.[y]!.c-d_e!", "x.$.a.[y].c-d_e");
    operand("x.$.[-y]", "x.$.[-y]");
    operand("x.$.[4294967295]", "x.$.[4294967295]");
    operand("x.$.größe", "x.$.größe");
    operand("%last_error%.$.message", "%last_error%.$.message");
    operand(":error:.$.error_code", ":error:.$.error_code");
    operand("1a.$.b", "1a.$.b");
    check("(call p (s f) [x.$.[0] y.$.a])", "(call p (s f) [x.$.[0] y.$.a] )");
    check("(call p (s f) [x.$.a[0]])", "(call p (s f) [x.$.a.[0]] )");
}

#[test]
fn an_instruction_is_printed_without_those_inside() {
    let script = "(fold xs x (seq (match x.$.[0] 1.0 (call \"P\" (\"S\" \"F\") [a b] )) (new $s (next x))))";
    let (tree, _) = parse(script, &Limits::default());
    let printed: Vec<_> = tree.nodes().map(|node| print_instruction(&tree, node)).collect();
    let expected = ["fold xs x", "seq", "match x.$.[0] 1.0", "call \"P\" (\"S\" \"F\") [a b] ", "new $s", "next x"];
    assert_eq!(printed, expected);
    assert_eq!(tree.parent(NodeId(5)), Some(NodeId(4)));
}
