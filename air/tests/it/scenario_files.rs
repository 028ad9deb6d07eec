//! Scenario files: what they mean, what is said about mistakes in them, and what about runs that are not as expected.

use marine_air::sim::{ReadScenario, ScenarioFile, Source, Verdict};
use marine_air::syntax::Location;

const PEARS: &str = r#"
air = '''
(seq (call "@shop" ("stock" "count") ["pears"] n)
     (call %init_peer_id% ("callback" "done") [n]))
'''
init = "client"
peers = ["client", "shop"]

[[stub]]
peer = "shop"
call = "stock.count"
args = ["pears"]
ok = 12
delay = [5, 30]

[[stub]]
call = "callback.*"
"#;

fn read(text: &str) -> ReadScenario {
    ScenarioFile::read(text, |path| match path {
        "good.air" => Ok("(null)".to_owned()),
        "bad.air" => Ok("(seq (null)\n  (call \"@shpo\" (\"s\" \"f\") [x]))".to_owned()),
        path => Err(format!("there is no `{path}`")),
    })
}

fn run(text: &str, seed: u64) -> Verdict {
    let read = read(text);
    assert!(read.findings.is_empty(), "{:#?}", read.findings);
    read.file.unwrap().run(seed).unwrap()
}

/// What was not as expected; `ok` if nothing.
fn unmet(text: &str) -> String {
    let verdict = run(text, 1);
    if verdict.passed() {
        return "ok".to_owned();
    }
    let lines: Vec<String> = verdict.unmet.iter().map(ToString::to_string).collect();
    verdict.run.world.peers().with_names_in(&lines.join("\n"))
}

/// One line per finding: place, id, message, the text it points at; then help.
fn findings(text: &str) -> String {
    let read = read(text);
    let mut out = String::new();
    for finding in &read.findings {
        let source = match (finding.source, &read.script) {
            (Source::Script, Some((_, script))) => script.as_str(),
            _ => text,
        };
        let diagnostic = &finding.diagnostic;
        let at = Location::of(source, diagnostic.primary.span.start);
        let place = source[diagnostic.primary.span.range()].lines().next().unwrap_or_default();
        let apart = if finding.source == Source::Script { "script " } else { "" };
        out += &format!("{apart}{at} {} {}: {} `{place}`\n", diagnostic.severity, diagnostic.id, diagnostic.message);
        if let Some(help) = &diagnostic.help {
            out += &format!("  help: {help}\n");
        }
    }
    assert_eq!(read.file.is_none(), out.contains("error A"), "{out}");
    out
}

#[test]
fn a_run_that_is_as_expected_passes() {
    let expected = r#"
[net]
seeds = 20
delay = [1, 40]
duplicate = 0.1
loss = 0.1
resend = 200
partition = [{ apart = [["client"], ["shop"]], from = 100, until = 400 }]
restart = [{ peer = "shop", at = 50 }]

[[expect.calls]]
peer = "client"
order = "sequence"
calls = [{ call = "callback.done", args = [12], tetraplets = [[{ peer_pk = "@shop", service_id = "stock", function_name = "count" }]] }]

[[expect.outcome]]
peer = "client"
is = "complete"

[expect.run]
void = 0
"#;
    let text = format!("{PEARS}{expected}");
    let file = read(&text).file.unwrap();
    assert_eq!(file.seeds(), 1..=20);
    for seed in file.seeds() {
        let verdict = file.run(seed).unwrap();
        assert!(verdict.passed(), "{seed}: {:#?}\n{}", verdict.unmet, verdict.run.timeline_text());
    }
}

#[test]
fn what_is_not_as_expected_is_told() {
    let expected = r#"
[[expect.calls]]
peer = "client"
calls = [{ call = "callback.done", args = [13] }, "callback.other"]

[[expect.calls]]
order = "sequence"
calls = ["callback.done", "stock.count"]

[[expect.calls]]
order = "includes"
calls = ["stock.count"]

[[expect.outcome]]
peer = "client"
is = "failed"
code = 10000
message = "no funds"

[[expect.outcome]]
peer = "shop"
is = "running"

[expect.run]
void = 1
verified = 3
messages_at_most = 1
"#;
    insta::assert_snapshot!(unmet(&format!("{PEARS}{expected}")), @r#"
    calls at `client`, in any order
      expected:
        callback.done(13)
        callback.other(..)
      found: callback.done(12)
    calls at all peers, in this order
      expected:
        callback.done(..)
        stock.count(..)
      found:
        shop: stock.count("pears")
        client: callback.done(12)
    outcome at `client`
      expected: failed with 10000, the message has `no funds`
      found: complete
    void entries
      expected: 1
      found: 0
    verified entries
      expected: 3
      found: 4
    messages
      expected: at most 1
      found: 2
    "#);
}

#[test]
fn errors_and_reports_have_to_be_expected() {
    let text = r#"
air = '(par (call "@a" ("s" "f") []) (seq (call "@a" ("s" "g") []) (seq (call "@a" ("s" "who") [] p) (call p ("s" "f") []))))'
peers = ["a"]
[[stub]]
call = "s.f"
error = { code = 7, message = "bad" }
[[stub]]
call = "s.g"
ok_json = 'null'
[[stub]]
call = "s.who"
ok = "nobody"
"#;
    insta::assert_snapshot!(unmet(text), @r"
    reports that are not listed in `[expect.run]`
      expected: nothing
      found: a: not a peer: nobody
    ");
    let listed = "[expect.run]\nreports = [\"swallowed 10000\", \"not a peer\"]";
    insta::assert_snapshot!(unmet(&format!("{text}{listed}")), @"ok");
}

/// Of two descriptions that fit a call, the general one must not take what only the special one could have.
#[test]
fn each_expected_call_is_a_call_of_its_own() {
    let script = r#"
air = '(seq (seq (call "@a" ("s" "f") [1]) (call "@a" ("s" "f") [2])) (call "@a" ("s" "f") [3]))'
peers = ["a"]
[[stub]]
call = "*.*"
[[expect.calls]]
"#;
    let with = |calls: &str| unmet(&format!("{script}calls = [{calls}]"));
    let call = |arg: &str| format!("{{ call = \"s.f\", args = [{arg}] }}");
    assert_eq!(with(&["\"s.f\"", &call("1"), "\"s.f\""].join(", ")), "ok");
    assert_eq!(with(&["\"s.f\"", &call("3"), &call("1")].join(", ")), "ok");
    assert_eq!(with(&["\"s.f\"", "\"s.f\"", &call("2")].join(", ")), "ok");
    assert_ne!(with(&[call("1"), call("1"), "\"s.f\"".to_owned()].join(", ")), "ok");
    assert_ne!(with("\"s.f\", \"s.f\""), "ok");
}

const STEPS: &str = r#"
[[step]]
run = "client"
calls = []
next = ["shop"]
[[step]]
deliver = "client -> shop"
hold = ["stock.count"]
calls = [{ call = "stock.count", args = ["pears"] }]
next = []
[[step]]
answer = "shop: stock.count"
next = ["client"]
[[step]]
deliver = "shop -> client"
tamper = 131
rejected = true
calls = []
[[step]]
deliver = "shop -> client"
calls = [{ call = "callback.done", args = [12] }]
next_set = []
outcome = "complete"
[[step]]
restart = "client"
calls = []
outcome = "complete"
"#;

#[test]
fn steps_are_played_one_by_one() {
    let text = format!("{PEARS}{STEPS}");
    assert_eq!(unmet(&text), "ok");
    let verdict = run(&text, 1);
    insta::assert_snapshot!(verdict.run.timeline_text(), @r#"
    1 client   starts the particle
    1 client   has to send to shop
    2 shop     gets 272 bytes from client
    2 shop     calls stock.count("pears")
    3 shop     has answers to stock.count
    3 shop     has to send to client
    4 client   gets 587 bytes from shop, byte 131 is changed
    4 client   refuses it with 2: malformed data: particle data is malformed: unexpected end at byte 134
    5 client   gets 587 bytes from shop
    5 client   calls callback.done(12)
    6 client   restarts
    "#);
    let other = text.replace("answer = \"shop: stock.count\"", "answer = \"shop: stock.count\"\nok = 5");
    insta::assert_snapshot!(unmet(&other), @r"
    step 5: calls at `client`
      expected: callback.done(12)
      found: callback.done(5)
    ");
    let failed = text.replace(
        "answer = \"shop: stock.count\"",
        "answer = \"shop: stock.count\"\nerror = { message = \"none left\" }",
    );
    insta::assert_snapshot!(unmet(&failed), @r#"
    step 3: next peers at `shop`
      expected: client
      found: nothing
    step 5: calls at `client`
      expected: callback.done(12)
      found: nothing
    step 5: outcome at `client`
      expected: complete
      found: failed: 10000 Local service error, ret_code is 1, error message is '"none left"' (call "@shop" ("stock" "count") ["pears"] n)
    step 6: outcome at `client`
      expected: complete
      found: failed: 10000 Local service error, ret_code is 1, error message is '"none left"' (call "@shop" ("stock" "count") ["pears"] n)
    "#);
}

#[test]
fn steps_that_cannot_be_taken_are_told() {
    let steps = r#"
[[step]]
run = "shop"
[[step]]
run = "client"
rejected = true
next = []
[[step]]
deliver = "shop -> client"
[[step]]
answer = "client: no.such"
[[step]]
deliver = "client -> shop"
tamper = 100000
[[step]]
deliver = "client -> shop"
rejected = 9
"#;
    insta::assert_snapshot!(unmet(&format!("{PEARS}{steps}")), @r"
    step 1: the step
      expected: possible
      found: the particle has not reached peer `shop` yet: deliver it first
    step 2: the message
      expected: rejected
      found: accepted
    step 2: next peers at `client`
      expected: nothing
      found: shop
    step 3: the step
      expected: possible
      found: the particle has not reached peer `shop` yet: deliver it first
    step 4: the step
      expected: possible
      found: no call of `no.such` is outstanding at peer `client`
    a message from `client` to `shop` with a byte 100000 to change
      expected: more than 100000 bytes
      found: 272 bytes
    step 6: the message
      expected: rejected
      found: accepted
    ");
}

#[test]
fn mistakes_are_found_all_at_once() {
    let text = r#"
air = '''
(seq
  (call "@shpo" ("s" "f") [x])
  (nul))
'''
int = "client"
peers = ["client", "shop", "shop", "@b", 7]
ttl = 0

[[stub]]
peer = "sop"
cal = "a.b"
[[stub]]
call = "count"
ok = 1
ok_json = '{"a": 1}'
echo = "first"
[[stub]]
call = "a.b"
ok_json = '{a: 1}'
delay = [5, 1]
[[stub]]
call = "a.*"
ok = "@shp"
error = { cod = 1 }
[[stub]]
call = "a.*"
ok_seq = []
[[stub]]
call = "a.*"
args = "pears"

[net]
loss = 2
seeds = 0
partition = [{ apart = [["client"], ["shop", "b"]], form = 1 }]
restart = [{ at = 1 }]

[[expect.calls]]
order = "any"
[[expect.outcome]]
is = "done"
code = 3
[[expect.outcome]]
peer = "client"
is = "complete"
code = 3
[expect.run]
voids = 0
reports = [""]
"#;
    insta::assert_snapshot!(findings(text), @r#"
    4:9 error A085: no peer has the name `shpo` `"@shpo"`
      help: did you mean `shop`?
    4:28 error A020: variable 'x' wasn't defined `x`
    5:4 error A007: unknown instruction `nul` `nul`
      help: did you mean `null`?
    7:1 error A081: the scenario has no key `int` `int`
      help: did you mean `init`?
    8:28 error A084: two peers have the name `shop` `"shop"`
      help: names tell peers apart
    8:36 error A084: "@b" is no name of a peer `"@b"`
      help: letters, digits, `-` and `_` make a name, without `@`
    8:42 error A083: `peers` is a number: expected a text `7`
    9:7 error A084: `ttl` is 0 `0`
      help: expected a whole number from 1 to 4294967295
    11:1 error A082: `[[stub]]` has no `call` `[[stub]]`
      help: say what it answers: `call = "service.function"`, or `"*.*"`
    12:8 error A085: no peer has the name `sop` `"sop"`
      help: did you mean `shop`?
    13:1 error A081: `[[stub]]` has no key `cal` `cal`
      help: did you mean `call`?
    14:1 error A082: the stub has several answers: `ok`, `echo`, `ok_json` `[[stub]]`
      help: a stub has one answer; write more stubs
    15:8 error A084: "count" is no call `"count"`
      help: write `service.function`; either part may be `*`
    17:1 error A082: `ok_json` stands beside `ok` `ok_json`
      help: give one of the two
    18:8 error A084: `echo` takes an argument `"first"`
      help: give its index, or "all" for the array of all arguments
    21:11 error A084: `ok_json` is not JSON: key must be a string at line 1 column 2 `'{a: 1}'`
      help: write it as in JSON, in single quotes: `'{"a": null}'`
    22:9 error A084: `delay` is not a range `[5, 1]`
      help: write the least and the most: `[5, 30]`
    23:1 error A082: the stub has several answers: `ok`, `error` `[[stub]]`
      help: a stub has one answer; write more stubs
    25:6 warning A085: no peer has the name `shp` `"@shp"`
      help: did you mean `shop`?
    26:11 error A081: `error` has no key `cod` `cod`
      help: did you mean `code`?
    29:10 error A084: `ok_seq` is empty `[]`
      help: give one answer at least; the last one repeats
    32:8 error A083: `args` is no array `"pears"`
    35:8 error A084: `loss` is 2 `2`
      help: expected a probability from 0.0 to 1.0
    36:9 error A084: `seeds` is 0 `0`
      help: expected a whole number from 1 to 1000000
    37:46 error A085: no peer has the name `b` `"b"`
      help: add it to `peers = ["client", "shop"]`
    37:53 error A081: `partition` has no key `form` `form`
      help: did you mean `from`?
    38:12 error A082: `restart` has no `peer` `{ at = 1 }`
      help: name the peer that restarts: `peer = "shop"`
    40:1 error A082: `[[expect.calls]]` has no `calls` `[[expect.calls]]`
      help: list them: `calls = [{ call = "service.function", args = [] }]`, or `[]` for none
    41:9 error A084: `order` is "any" `"any"`
      help: `sequence`, `set` or `includes`
    42:1 error A082: `[[expect.outcome]]` has no `peer` `[[expect.outcome]]`
      help: say at which peer: `peer = "client"`
    43:6 error A084: `is` is "done" `"done"`
      help: `running`, `complete` or `failed`
    45:1 error A082: `code` and `message` are of failures `[[expect.outcome]]`
      help: write `is = "failed"`, or leave them out
    50:1 error A081: `[expect.run]` has no key `voids` `voids`
      help: did you mean `void`?
    51:12 error A084: an empty text is in every report `""`
      help: write a part of it, such as "swallowed 10000"
    "#);
}

#[test]
fn mistakes_in_steps_are_found() {
    let text = r#"
air = '(null)'
peers = ["a", "b"]
[net]
[[step]]
[[step]]
run = "a"
deliver = "a -> b"
[[step]]
deliver = "a to b"
[[step]]
deliver = "a -> c"
tamper = -1
[[step]]
run = "a"
tamper = 1
ok = 1
next = ["b"]
next_set = ["b"]
rejected = "no"
hodl = []
[[step]]
answer = "a: s.f"
ok = 1
error = { code = 1 }
outcome = "fine"
"#;
    insta::assert_snapshot!(findings(text), @r#"
    4:2 error A082: `[net]` stands beside `[[step]]` `net`
      help: a scenario either leaves the order to chance or scripts it
    5:1 error A082: the step has nothing to do `[[step]]`
      help: a step has one of `run`, `deliver`, `answer` and `restart`
    6:1 error A082: the step has `run`, `deliver` `[[step]]`
      help: a step has one of `run`, `deliver`, `answer` and `restart`
    10:11 error A084: `deliver` is "a to b" `"a to b"`
      help: write `from -> to`
    12:11 error A085: no peer has the name `c` `"a -> c"`
      help: did you mean `a`?
    13:10 error A084: `tamper` is -1 `-1`
      help: expected a whole number from 0 to 4294967295
    14:1 error A082: `ok` is for `answer` `[[step]]`
      help: stubs answer the calls of other steps
    16:1 error A082: `tamper` is for `deliver` `tamper`
      help: it is the index of the byte of the message that is changed
    19:1 error A082: `next_set` stands beside `next` `next_set`
      help: `next` is in order, `next_set` in any order
    20:12 error A083: `rejected` is a text: expected a whole number from 1 to 2147483647 `"no"`
    21:1 error A081: `[[step]]` has no key `hodl` `hodl`
      help: did you mean `hold`?
    22:1 error A082: the step has `ok` and `error` `[[step]]`
      help: give one of the two
    26:11 error A084: `outcome` is "fine" `"fine"`
      help: `running`, `complete` or `failed`
    "#);
}

#[test]
fn a_script_is_given_once_and_checked_where_it_is_written() {
    insta::assert_snapshot!(findings("peers = []\nair = \"(null)\""), @r#"
    1:9 error A084: `peers` is empty `[]`
      help: name the peers that take part: `peers = ["client", "shop"]`
    "#);
    insta::assert_snapshot!(findings("peers = [\"a\"]"), @r#"
    1:1 error A082: the scenario has no `air` ``
      help: give the script: `air = '''(null)'''`, or `script = "path.air"`
    "#);
    insta::assert_snapshot!(findings("peers = [\"a\"]\nair = \"(null)\"\nscript = \"good.air\""), @r"
    3:1 error A082: `script` stands beside `air` `script`
      help: give the script once: its text, or its path
    ");
    insta::assert_snapshot!(findings("peers = [\"shop\"]\nscript = \"bad.air\""), @r#"
    script 2:9 error A085: no peer has the name `shpo` `"@shpo"`
      help: did you mean `shop`?
    script 2:28 error A020: variable 'x' wasn't defined `x`
    "#);
    insta::assert_snapshot!(findings("peers = [\"a\"]\nscript = \"none.air\""), @r#"
    2:10 error A086: the script cannot be read: there is no `none.air` `"none.air"`
      help: the path starts from the directory of the scenario file
    "#);
    insta::assert_snapshot!(findings("peers = [\"a\"]\nair = \"(call \\\"@b\\\" (\\\"s\\\" \\\"f\\\") [])\""), @r#"
    script 1:7 error A085: no peer has the name `b` `"@b"`
      help: did you mean `a`?
    "#);
    insta::assert_snapshot!(findings("peers = [\"a\"]\nair = '(call \"@a\" (\"s\" \"f\") [])'"), @"");
    insta::assert_snapshot!(findings("peers = [\nair = "), @r"
    2:1 error A080: not valid TOML: string values must be quoted, expected literal string `air`
    2:5 error A080: not valid TOML: unexpected `=` in array, expected value, `]` `=`
    2:6 error A080: not valid TOML: unclosed array, expected `]` ``
    ");
    insta::assert_snapshot!(findings("air = 1\npeers = \"a\""), @r#"
    1:7 error A083: `air` is a number: expected a text `1`
    2:9 error A084: `peers` is one text `"a"`
      help: write an array: `peers = ["client"]`
    "#);
}
