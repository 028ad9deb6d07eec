//! What instructions do, in tables: a script on the left, the calls it leads to and its outcome on the right.
//!
//! Scripts are in the short form of [`crate::sim`].

use marine_air::Limits;
use marine_air::execution::{CallResult, Report};
use marine_air::sim::{Net, Run};

use crate::sim::{outcome, refusal, scenario};

fn run(script: &str) -> Run {
    scenario(script).net(Net { delay: 1..=1, ..Net::default() }).run(1).unwrap()
}

/// Runs each script and compares its calls, `f(1)` at `a` and `b.f(1)` elsewhere, and the outcome at `a`.
#[track_caller]
fn check(table: &[(&str, &str)]) {
    for (script, expected) in table {
        let run = run(script);
        assert!(run.refusals.is_empty(), "{script}: {:?}", run.refusals);
        let call = |call: &marine_air::sim::CallRow| {
            let text = call.to_string();
            let name = text.strip_prefix("s.").unwrap_or(&text);
            if call.peer == "a" { name.to_owned() } else { format!("{}.{name}", call.peer) }
        };
        let mut steps: Vec<String> = run.calls.iter().map(call).collect();
        steps.push(match &run.outcomes["a"] {
            marine_air::Outcome::Failed(error) => format!("failed {}", error.code),
            other => outcome(other),
        });
        assert_eq!(steps.join(" "), *expected, "{script}");
    }
}

#[test]
fn last_error_flows_with_control() {
    check(&[
        // Through `xor`: a comparison that fails leaves what came before.
        (
            "(seq (xor (seq (xor (a.bad []) (null)) (match 1 2 (null))) (null)) (a.f [%last_error%.$.error_code]))",
            "bad() f(10000) complete",
        ),
        // Through an array fold and its `next`s.
        (
            "(seq (a.temps [] ts) (seq (fold ts i (seq (xor (a.bad [i]) (null)) (next i))) (a.f [%last_error%.$.error_code])))",
            "temps() bad(1) bad(2) f(10000) complete",
        ),
        // Not out of a `par`.
        ("(seq (par (xor (a.bad []) (null)) (null)) (a.f [%last_error%.$.error_code]))", "bad() f(0) complete"),
        ("(seq (par (xor (fail 5 \"x\") (null)) (never)) (a.f [%last_error%.$.error_code]))", "f(0) complete"),
        // Into a `par`.
        (
            "(seq (xor (fail 5 \"x\") (null)) (par (a.f [%last_error%.$.error_code]) (a.g [%last_error%.$.error_code])))",
            "f(5) g(5) complete",
        ),
        // Through `new` and `match`.
        (
            "(seq (new x (match 1 1 (xor (a.bad []) (ap 1 x)))) (a.f [%last_error%.$.error_code]))",
            "bad() f(10000) complete",
        ),
    ]);
}

#[test]
fn error_is_that_of_the_innermost_handler() {
    check(&[
        (
            "(xor (xor (a.bad []) (fail 5 \"five\")) (a.f [:error:.$.error_code %last_error%.$.error_code]))",
            "bad() f(10006,5) complete",
        ),
        (
            "(xor (a.bad []) (xor (seq (a.f [:error:.$.error_code]) (match 1 2 (null))) (a.f [:error:.$.error_code])))",
            "bad() f(10000) f(10001) complete",
        ),
        ("(seq (xor (a.bad []) (null)) (xor (a.f [:error:.$.error_code]) (null)))", "bad() f(0) complete"),
        ("(xor (fail :error:) (a.f [:error:.$.error_code]))", "f(10008) complete"),
        ("(xor (xor (match 1 2 (null)) (fail :error:)) (a.f [:error:.$.error_code]))", "f(10001) complete"),
    ]);
}

#[test]
fn operands_are_resolved_in_order_and_errors_do_not_wait() {
    check(&[
        // `y` never comes, but the lens on `x` is wrong already.
        (
            "(seq (ap 1 x) (par (a.silent [] y) (xor (a.f [y x.$.bad]) (a.g [:error:.$.error_code]))))",
            "silent() g(10007) complete",
        ),
        // The call fails here although its peer is another one.
        ("(seq (ap 1 x) (xor (b.f [x.$.bad]) (a.g [:error:.$.error_code])))", "g(10007) complete"),
        ("(seq (ap 1 p) (xor (call p (\"s\" \"f\") []) (a.g [:error:.$.error_code])))", "g(10011) complete"),
        ("(seq (ap 1 x) (xor (ap x.length y) (a.g [:error:.$.error_code])))", "g(10010) complete"),
        ("(xor (match 1 1.0 (null)) (a.g [:error:.$.error_code]))", "g(10001) complete"),
        ("(xor (mismatch [] [] (null)) (a.g [:error:.$.error_code]))", "g(10002) complete"),
    ]);
}

#[test]
fn variables_wait_until_they_are_set() {
    check(&[
        ("(par (par (a.silent [] y) (a.f [y])) (null))", "silent() complete"),
        ("(par (seq (a.g []) (ap 7 y)) (a.f [y]))", "g() f(7) complete"),
        ("(par (seq (b.g []) (ap 7 y)) (match y 7 (a.f [])))", "b.g() f() complete"),
        ("(par (seq (b.g []) (seq (a.h []) (ap 7 y))) (match y 7 (a.f [])))", "b.g() h() f() complete"),
        ("(par (a.echo [5] y) (fail y))", "echo(5) complete"),
        (
            "(seq (a.temps [] ts) (fold ts i (seq (par (seq (a.g [i]) (ap i t)) (a.log [t])) (next i))))",
            "temps() g(1) log(1) g(2) log(2) complete",
        ),
        // In iterations a later value replaces the earlier one.
        (
            "(seq (a.temps [] ts) (fold ts i (seq (seq (ap i t) (ap 5 t)) (seq (a.log [t]) (next i)))))",
            "temps() log(5) log(5) complete",
        ),
    ]);
}

#[test]
fn next_of_an_outer_fold_runs_from_inside_an_inner_one() {
    check(&[
        ("(seq (a.temps [] ts) (fold ts i (fold ts j (seq (a.f [i j]) (next i)))))", "temps() f(1,1) f(2,1) complete"),
        // The second `next i` comes to an iteration that was started: nothing runs twice.
        (
            "(seq (a.temps [] ts) (fold ts i (seq (a.f [i]) (fold ts j (par (next i) (next j))))))",
            "temps() f(1) f(2) running",
        ),
    ]);
}

#[test]
fn an_error_that_nobody_takes_is_reported() {
    let run = run("(par (null) (seq (a.bad []) (null)))");
    let reports: Vec<String> = run
        .reports
        .iter()
        .map(|(peer, report)| match report {
            Report::Swallowed { at, error } => format!("{peer} {}: {}", at.node, error.code),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(reports, ["a 3: 10000"]);
}

#[test]
fn a_call_to_what_is_no_peer_is_reported_and_waits() {
    let run = run(r#"(par (call "nobody" ("s" "f") []) (never))"#);
    assert!(matches!(&run.reports[..], [(_, Report::NotAPeer { text, .. })] if text == "nobody"), "{:?}", run.reports);
    assert_eq!(outcome(&run.outcomes["a"]), "running");
}

#[test]
fn limits_refuse_a_step_and_nothing_more() {
    let limited = |change: &dyn Fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        scenario("(seq (a.object [] x) (seq (b.f [x] y) (a.done [])))").limits(limits).world().unwrap()
    };

    let mut world = limited(&|limits| limits.activations = 2);
    world.start().unwrap();
    insta::assert_snapshot!(refusal(world.answer("a", "s.object").unwrap_err()), @"10: number of activations of 3 is over the limit of 2");

    let mut world = limited(&|limits| limits.value_bytes = 5);
    let step = world.start().unwrap();
    insta::assert_snapshot!(refusal(world.answer("a", "s.object").unwrap_err()), @"10: length of a value of 6 is over the limit of 5");
    // As the host should do then.
    let failure = CallResult::Err { code: 1, message: "big".into() };
    let step = world.resolve("a", vec![(step.requests[0].id, failure)]).unwrap();
    assert!(step.recorded);
    insta::assert_snapshot!(outcome(&step.outcome), @r#"failed: 10000 Local service error, ret_code is 1, error message is '"big"' (call "12D3KooWDRm7X1YSgF9fbDSBZipWh2QKExRt5GfMuvQ5cC5xiwBR" ("s" "object") [] x)"#);

    let mut world = limited(&|limits| limits.entries = 2);
    world.start().unwrap();
    world.answer("a", "s.object").unwrap();
    world.deliver("a", "b").unwrap();
    insta::assert_snapshot!(refusal(world.answer("b", "s.f").unwrap_err()), @"10: number of entries of 3 is over the limit of 2");

    let mut world = limited(&|limits| limits.message_bytes = 100);
    world.start().unwrap();
    insta::assert_snapshot!(refusal(world.answer("a", "s.object").and_then(|_| world.deliver("a", "b")).unwrap_err()), @"10: length of the message of 362 is over the limit of 100");
}
