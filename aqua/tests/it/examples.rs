//! The worked examples: what the constructs of the language become.

use crate::shorten::shorten;
use crate::support::compiled;

/// The script of a function with this head and body.
fn air(head: &str, body: &str) -> String {
    let body: String = body.lines().map(|line| format!("  {line}\n")).collect();
    let text = format!(
        "aqua Example\nexport f\n\ndata Point:\n  x: i64\n  y: i64\n\nservice Kv(\"kv\"):\n  get(key: string) -> string\n  \
         put(key: string, value: string)\n\nfunc read{{Kv}}(k: string) -> string:\n  v <- Kv.get(k)\n  <- v\n\n\
         func f{head}:\n{body}"
    );
    let output = compiled(&text);
    shorten(&output.script("f").expect("it is exported").air)
}

macro_rules! examples {
    ($($name:ident: $head:literal $body:literal)*) => {
        $(#[test]
        fn $name() {
            insta::assert_snapshot!(air($head, $body));
        })*
    };
}

examples! {
    e01_through_the_relay: "(p: string, k: string) -> string" "on p:\n  v <- Kv.get(k)\n<- v"
    e01_on_the_relay: "(k: string) -> string" "on HOST_PEER_ID:\n  v <- Kv.get(k)\n<- v"
    e02_at_the_init_peer: "(k: string) -> string" "v <- Kv.get(k)\n<- v"
    e03_via: "(p: string, r1: string, r2: string, k: string) -> string" "on p via r1 via r2:\n  v <- Kv.get(k)\n<- v"
    e03_via_collection: "(p: string, rs: []string, k: string) -> string" "on p via rs:\n  v <- Kv.get(k)\n<- v"
    e04_neighbours: "(p: string, q: string, k: string) -> string" "on p:\n  a <- Kv.get(k)\non q:\n  b <- Kv.get(a)\n<- b"
    e05_client_in_the_middle: "(p: string, k: string)"
        "on p:\n  v <- Kv.get(k)\n  on INIT_PEER_ID via HOST_PEER_ID:\n    Kv.put(\"seen\", v)\n  Kv.put(\"k\", v)"
    e05_callback: "(p: string, k: string, seen: string -> ())" "on p:\n  v <- Kv.get(k)\n  seen(v)\n  Kv.put(\"k\", v)"
    e06_both_needed: "(p: string, q: string, z: string)"
        "on p:\n  a <- Kv.get(\"a\")\npar on q:\n  b <- Kv.get(\"b\")\non z:\n  Kv.put(a, b)"
    e07_fire_and_forget: "(p: string, k: string) -> string"
        "v <- Kv.get(k)\npar on p:\n  Kv.put(\"seen\", k)\nco on p:\n  Kv.put(\"later\", v)\n<- v"
    e08_loop: "(ps: []string, k: string)" "for p <- ps:\n  on p:\n    Kv.put(\"k\", k)\nKv.put(\"done\", k)"
    e09_first_two: "(ps: []string, k: string) -> []string"
        "res: *string\nfor p <- ps par:\n  on p:\n    res <- Kv.get(k)\njoin res[1]\n<- res"
    e10_quorum: "(ps: []string, n: u32, k: string) -> string"
        "res: *string\non HOST_PEER_ID:\n  for p <- ps par:\n    on p:\n      res <- Kv.get(k)\n  join res[n - 1]\n<- res[0]"
    e11_parseq: "(ps: []string, k: string) -> string" "res: *string\nparseq p <- ps on p:\n  res <- Kv.get(k)\n<- res!"
    e12_condition: "(mode: string, p: string)"
        "if mode == \"far\":\n  on p:\n    Kv.put(\"k\", mode)\nelse:\n  Kv.put(\"near\", mode)\nKv.put(\"done\", mode)"
    e13_try: "(p: string, k: string) -> string"
        "res: *string\ntry:\n  on p:\n    res <- Kv.get(k)\ncatch e:\n  res <<- e.message\n<- res!"
    e14_closure: "(p: string) -> string"
        "on p:\n  look = (k: string) -> string:\n    v <- Kv.get(k)\n    <- v\nx <- look(\"a\")\n<- x"
    e14_closure_where_called: "(p: string) -> string"
        "on p:\n  look = func (k: string) -> string:\n    v <- Kv.get(k)\n    <- v\nx <- look(\"a\")\n<- x"
    e15_for_rec: "(k: string)"
        "todo: *string\ntodo <<- k\nfor x <- todo rec:\n  v <- Kv.get(x)\n  if v != \"end\":\n    todo <<- v\njoin todo[4]"
    e16_values: "(a: i64, id: string) -> Point, ?string"
        "p = Point(x = a, y = 2)\nKv id\no = ?[read{Kv}(\"k\"), \"none\"]\n<- p.copy(y = a + 1), o"
    e17_stream_map: "(k: string) -> []string"
        "m: %string\nm <<- \"a\", k\nxs = m.get(\"a\")\nfor key, v <- m:\n  Kv.put(key, v)\n<- xs"
    e17_map_queries: "(k: string) -> []string, bool, []string"
        "m: %string\nm <<- \"a\", k\ns = m.getStream(k)\n<- m.keys(), m.contains(k), s"
    short_circuit: "(a: bool, b: bool)" "if !a && (b || a):\n  Kv.put(\"k\", \"v\")"
    for_try: "(xs: []string) -> ?string" "res: *string\nfor x <- xs try:\n  res <- Kv.get(x)\n<- res"
    last_error: "(k: string) -> string, string"
        "res: *string\ntry:\n  Kv.put(k, k)\notherwise:\n  Kv.put(\"a\", \"b\")\n  res <<- LAST_ERROR.message\n<- res!, LAST_ERROR.message"
    two_pushes_in_a_branch: "(ps: []string) -> []string"
        "s: *string\nt: *string\nfor p <- ps par:\n  on p:\n    s <- Kv.get(\"a\")\n    t <- Kv.get(\"b\")\njoin s[1], t[1]\n<- s"
}
