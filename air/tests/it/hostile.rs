//! Small scripts and messages that are made to cost a lot: what they may take is bounded, and they are refused beyond that.
//!
//! Where a test would need hours or more memory than there is without its bound, ending at all is what it asserts.

use std::sync::Arc;

use marine_air::{CallResult, Effects, Execution, Limits, Outcome, Rejection, Script, Setup, Value};
use marine_particle::{Keypair, Particle};

const MIB: usize = 1024 * 1024;

/// `"A"` in scripts stands for the only peer. Its first step.
fn start(script: &str, change: impl FnOnce(&mut Limits)) -> Result<(Execution, Effects), Rejection> {
    let key = Keypair::from_seed(&[1; 32]);
    let script = script.replace("\"A\"", &format!("\"{}\"", key.peer_id()));
    let particle = Arc::new(Particle::sign_new(&key, "test", 1_700_000_000_000, 60_000, script).unwrap());
    let mut limits = Limits::default();
    change(&mut limits);
    let script = Script::parse(particle.script(), &limits).script().unwrap();
    Execution::new(Setup { particle, script, me: Some(key.peer_id()), limits }, [], None)
}

/// The step after the first call has returned `value`; the execution can be used in any case.
fn after(script: &str, value: Value) -> Result<Effects, Rejection> {
    let (mut execution, effects) = start(&format!(r#"(seq (call "A" ("s" "f") [] x) {script})"#), |_| {}).unwrap();
    let id = effects.requests[0].id;
    let result = execution.resolve(id, CallResult::Ok(value));
    if result.is_err() {
        assert_eq!(execution.view().outstanding(), 1);
        let failure = CallResult::Err { code: 1, message: "refused".to_owned() };
        assert!(matches!(execution.resolve(id, failure).unwrap().outcome, Outcome::Failed(_)));
    }
    result
}

fn text(bytes: usize) -> Value {
    "z".repeat(bytes).into()
}

fn refusal(result: Result<Effects, Rejection>) -> String {
    result.unwrap_err().to_string()
}

/// Instructions one after the other, nested by halving.
fn seq(instructions: &[String]) -> String {
    match instructions {
        [one] => one.clone(),
        _ => {
            let (left, right) = instructions.split_at(instructions.len() / 2);
            format!("(seq {} {})", seq(left), seq(right))
        }
    }
}

/// Decoding base58 takes time quadratic in the text.
#[test]
fn a_long_text_is_no_peer_and_soon_found_out_to_be_none() {
    let long = "z".repeat(MIB);
    let (_, effects) = start(&format!(r#"(call "{long}" ("s" "f") [])"#), |_| {}).unwrap();
    assert_eq!((effects.reports.len(), effects.outcome), (1, Outcome::Running));
    assert_eq!(after(r#"(call x ("s" "f") [])"#, text(MIB)).unwrap().reports.len(), 1);
}

/// Each error's text quotes the one before, so that every backslash in it becomes two.
#[test]
fn errors_that_quote_errors_stay_bounded() {
    let mut script = "(null)".to_owned();
    for level in (1..60).rev() {
        script = format!("(xor (fail e{level}) (seq (ap :error: e{}) {script}))", level + 1);
    }
    let script = format!(r#"(xor (fail 7 "m") (seq (ap :error: e1) {script}))"#);
    let rejection = start(&script, |limits| limits.instance_bytes = MIB).map(|_| ()).unwrap_err();
    assert_eq!(rejection.code(), 10);
    assert!(rejection.to_string().starts_with("memory of the instructions started of "), "{rejection}");
}

#[test]
fn many_errors_over_a_large_value_stay_bounded() {
    let errors: Vec<String> = (0..5000).map(|_| "(xor (ap x.$.none y) (null))".to_owned()).collect();
    insta::assert_snapshot!(
        refusal(after(&seq(&errors), text(4 * MIB))),
        @"memory of the instructions started of 67108865 is over the limit of 67108864"
    );
}

#[test]
fn large_arguments_are_refused_before_they_are_put_together() {
    let args = "x ".repeat(20_000);
    insta::assert_snapshot!(
        refusal(after(&format!(r#"(call "A" ("s" "f") [{args}])"#), text(8 * MIB))),
        @"length of the arguments of a call of 33554455 is over the limit of 33554432"
    );
}

/// What every iteration has a copy of: literals, printed lenses, places for operands.
#[test]
fn large_instructions_in_long_folds_stay_bounded() {
    let list = || Value::array((0..100_000).map(Value::from));
    let literal = "z".repeat(MIB);
    let args = "1 ".repeat(100_000);
    for body in [
        format!(r#"(ap "{literal}" y)"#),
        format!(r#"(xor (ap i.$.{literal} y) (null))"#),
        format!(r#"(par (call "A" ("s" "f") [never_set {args}]) (null))"#),
    ] {
        let script = format!("(seq (xor (match 1 2 (ap 1 never_set)) (null)) (fold x i (seq {body} (next i))))");
        assert_eq!(after(&script, list()).unwrap_err().code(), 10, "{}", &body[..20]);
    }
    let fields = Value::object([(literal.as_str(), Value::from(1))]);
    let object = Value::object([("key", Value::from(literal.as_str())), ("of", fields), ("list", list())]);
    let script = "(seq (ap x.$.key k) (seq (ap x.$.of o) (fold x.$.list i (seq (ap o.$.[k] y) (next i)))))";
    assert_eq!(after(script, object).unwrap_err().code(), 10);
}

/// Looking for a name does not go through each `new` of another one around.
#[test]
fn many_scopes_around_many_instructions_cost_their_sum() {
    let depth = 60_000;
    let sets: Vec<String> = (0..30_000).map(|n| format!("(seq (ap {n} a{n}) (match a{n} {n} (null)))")).collect();
    let script = format!("{}{}{}", "(new n ".repeat(depth), seq(&sets), ")".repeat(depth));
    assert_eq!(start(&script, |_| {}).unwrap().1.outcome, Outcome::Complete);
}
