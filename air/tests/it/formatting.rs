//! The one layout of scripts. The laws about it are in `printing`.

use marine_air::Limits;
use marine_air::syntax::{format, parse};

fn check(text: &str) -> String {
    let (tree, diagnostics) = parse(text, &Limits::default());
    assert_eq!(diagnostics, []);
    let formatted = format(&tree);
    let (again, diagnostics) = parse(&formatted, &Limits::default());
    assert_eq!(diagnostics, [], "{formatted}");
    assert_eq!(again, tree, "{formatted}");
    assert_eq!(format(&again), formatted);
    formatted
}

#[test]
fn fits_on_a_line() {
    insta::assert_snapshot!(check("( seq\n(call \"p\"(\"s\"   \"f\") [ a   b ] ) (ap 1.50 x ) )"), @r#"(seq (call "p" ("s" "f") [a b]) (ap 1.50 x))"#);
}

#[test]
fn one_instruction_per_line() {
    insta::assert_snapshot!(check(
        "(fold items item (seq (call relay (\"inventory\" \"reserve\") [item.$.id item.$.count[0]] reservation) (xor \
         (match reservation.$.ok true (next item)) (fail 1 \"the item could not be reserved\"))) (null))"
    ), @r#"
    (fold items item
      (seq
        (call relay ("inventory" "reserve") [item.$.id item.$.count[0]] reservation)
        (xor (match reservation.$.ok true (next item)) (fail 1 "the item could not be reserved")))
      (null))
    "#);
}

#[test]
fn comments_stay() {
    insta::assert_snapshot!(check(
        "; first\n; second\n\n(seq ; why\n  ; before null\n  (null) ; after null\n  (call \"p\" ; inside\n (\"s\" \"f\") [])\n \
         ; last\n) ; end\n; more"
    ), @r#"
    ; first
    ; second
    (seq ; why
      ; before null
      (null) ; after null
      ; inside
      (call "p" ("s" "f") [])
      ; last
    ) ; end
    ; more
    "#);
    insta::assert_snapshot!(check("(match 1 ; moved\n 2 (null))"), @"
    ; moved
    (match 1 2 (null))
    ");
    insta::assert_snapshot!(check("(seq (null) (xor (null) (null ; here\n)))"), @"
    (seq
      (null)
      (xor
        (null)
        ; here
        (null)))
    ");
    insta::assert_snapshot!(check("(new a (new b (null)\n; one\n)\n; two\n) ; three"), @"
    (new a
      (new b
        (null)
        ; one
      )
      ; two
    ) ; three
    ");
}

#[test]
fn strings_with_line_breaks_are_kept() {
    insta::assert_snapshot!(check("(seq (null) (ap \"a\n  b\" x))"), @r#"
    (seq
      (null)
      (ap "a
      b" x))
    "#);
}

#[test]
fn indentation_stops_growing() {
    let depth = 200;
    let formatted = check(&format!("{}(null){}", "(new x ".repeat(depth), ")".repeat(depth)));
    let indents = formatted.lines().map(|line| line.len() - line.trim_start().len());
    assert_eq!(indents.max(), Some(80));
}
