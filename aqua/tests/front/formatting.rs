//! The usual form.

use marine_aqua::fmt::format;

/// Formats, and formats again, which changes nothing.
fn twice(text: &str) -> String {
    let formatted = format(text);
    assert_eq!(format(&formatted), formatted, "formatting again");
    formatted
}

#[test]
fn spaces_indents_and_blank_lines() {
    let text = r#"aqua   A   declares *


import   A,B as   C  from "a.aqua"
const A?=1
-- about f

-- of f
func f{ Ab }( a:string,b : ?[]u8,g:{Ab} A,B->C )->string , u8 :

    x=a+b*( -1 )--why
    y   <-   g{ Ab }( 1,x )
    s:*string


    s<<-x!
       -- deep
    z=?[x,y]
    on a via  b :
        Srv   "id"
        t=!(a==b)||a!=="x"
        -- the end of on
    -- after on
    par  Srv.f( )
    p=D( f=1,g )
    <-   x,a [ 0 ]
data  D:
 x:*u8
service S( "s" ) from "a.wasm"
"#;
    insta::assert_snapshot!(twice(text));
}

#[test]
fn long_lines_are_broken_at_brackets() {
    let long = "averyveryverylongname";
    let text = format!(
        "aqua A\n\nfunc f({0}1: string, {0}2: string, {0}3: string, -> {0}: string -> string) -> string:\n  x = g({0}1, h({0}1, {0}2, {0}3, {0}1, {0}2, {0}3), [{0}1, {0}2],)\n  y = [ -- first\n  1, 2,\n      -- last\n  ]\n",
        long
    )
    .replace("-> averyveryverylongname:", "callback:");
    insta::assert_snapshot!(twice(&text));
}

#[test]
fn broken_programs_keep_what_is_broken() {
    let text = "aqua A\n\nfunc f( a:string ):\n    x   =   g( a  b )\n    y=a\n";
    assert_eq!(twice(text), "aqua A\n\nfunc f(a: string):\n  x = g(a b )\n  y = a\n");
    // Lines that belong to no block: new indents could put them into one.
    let misfit = "aqua A\n\nfunc f():\n    x=1\n  y=2\n";
    assert_eq!(twice(misfit), "aqua A\n\nfunc f():\n    x = 1\n  y = 2\n");
}

#[test]
fn line_ends_stay() {
    assert_eq!(twice("aqua A\r\nconst A=1\r\n\r\n"), "aqua A\r\nconst A = 1\r\n");
    assert_eq!(twice(""), "");
    assert_eq!(twice("\n\n-- only\n"), "-- only\n");
}
