//! Steps of single executions, driven by hand: what is refused, what is proved, what a host asks for.

use std::sync::Arc;

use marine_air::data::{DataError, Element, Equivocation};
use marine_air::{CallResult, Data, Effects, Execution, Heads, Limits, Outcome, Rejection, Script, Setup, Value};
use marine_particle::{Keypair, Particle};

fn key(seed: u8) -> Keypair {
    Keypair::from_seed(&[seed; 32])
}

/// `A` and `B` in scripts stand for the peers of seeds 1 and 2; the first starts the particle.
fn setup(script: &str, me: u8) -> Setup {
    setup_within(script, me, Limits::default())
}

fn setup_within(script: &str, me: u8, limits: Limits) -> Setup {
    let peer = |seed| format!("\"{}\"", key(seed).peer_id());
    let script = script.replace("\"A\"", &peer(1)).replace("\"B\"", &peer(2));
    let particle = Arc::new(Particle::sign_new(&key(1), "test", 1_700_000_000_000, 60_000, script).unwrap());
    let script = Script::parse(particle.script(), &limits).script().unwrap();
    Setup { particle, script, me: Some(key(me).peer_id()), limits }
}

fn start(setup: &Setup) -> (Execution, Effects) {
    Execution::new(setup.clone(), [], None).unwrap()
}

fn answer(execution: &mut Execution, effects: &Effects, result: CallResult) -> Effects {
    execution.resolve(effects.requests[0].id, result).unwrap()
}

fn data(execution: &mut Execution, seed: u8) -> Data {
    execution.stored(execution.own_length());
    execution.outgoing(&Heads::default(), &key(seed)).unwrap()
}

#[test]
fn a_peer_that_wrote_twice_is_proved_to_have() {
    let setup = setup(r#"(seq (call "A" ("s" "f") [] x) (call "B" ("s" "g") [x]))"#, 1);
    let logs = [1, 2].map(|result| {
        let (mut execution, effects) = start(&setup);
        answer(&mut execution, &effects, CallResult::Ok(result.into()));
        data(&mut execution, 1)
    });
    let mut other = start(&Setup { me: Some(key(2).peer_id()), ..setup.clone() }).0;
    other.merge(logs[0].clone()).unwrap();
    let before = other.heads().clone();
    let rejection = other.merge(logs[1].clone()).unwrap_err();
    assert_eq!(rejection.code(), 20100);
    let Rejection::Equivocation { peer, proof: Some(proof) } = rejection else { panic!("{rejection}") };
    assert_eq!(peer, key(1).peer_id());
    assert!(proof.verify(&setup.particle));
    assert_eq!(other.heads(), &before);
    assert!(other.merge(logs[0].clone()).unwrap().record.is_none());

    // It can be kept, and shown to anyone who has the particle.
    let bytes = proof.encode();
    assert_eq!(Equivocation::decode(&bytes).unwrap(), *proof);
    assert!(Equivocation::decode(&bytes[1..]).is_err() && Equivocation::decode(&bytes[..bytes.len() - 1]).is_err());

    let mut broken = (*proof).clone();
    broken.longer.signature[0] ^= 1;
    assert!(!broken.verify(&setup.particle));
    let other_particle = self::setup("(null)", 1).particle;
    assert!(!proof.verify(&other_particle));
}

#[test]
fn a_segment_that_starts_too_late_tells_from_where_to_send() {
    let setup = setup(r#"(seq (call "A" ("s" "f") [] x) (call "A" ("s" "f") [x] y))"#, 1);
    let (mut execution, effects) = start(&setup);
    let effects = answer(&mut execution, &effects, CallResult::Ok(1.into()));
    answer(&mut execution, &effects, CallResult::Ok(2.into()));
    execution.stored(2);
    let known: Heads = [(key(1).peer_id(), 1)].into_iter().collect();
    let late = execution.outgoing(&known, &key(1)).unwrap();
    let mut other = start(&Setup { me: None, ..setup }).0;
    let rejection = other.merge(late).unwrap_err();
    assert!(matches!(rejection, Rejection::Gap { have: 0, from: 1, .. }), "{rejection}");
    assert_eq!(rejection.code(), 20101);
}

#[test]
fn nothing_leaves_before_it_is_stored() {
    let setup = setup(r#"(seq (call "A" ("s" "f") [] x) (call "B" ("s" "g") [x]))"#, 1);
    let (mut execution, effects) = start(&setup);
    let effects = answer(&mut execution, &effects, CallResult::Ok(1.into()));
    assert_eq!(effects.next_peers, [key(2).peer_id()]);
    assert_eq!(execution.own_length(), 2);
    assert!(execution.outgoing(&Heads::default(), &key(1)).unwrap().is_empty());
    execution.stored(1);
    assert_eq!(execution.outgoing(&Heads::default(), &key(1)).unwrap().entry_count(), 1);
    execution.stored(2);
    assert_eq!(execution.outgoing(&Heads::default(), &key(1)).unwrap().entry_count(), 2);
}

#[test]
fn a_call_is_answered_once() {
    let setup = setup(r#"(call "A" ("s" "f") [] x)"#, 1);
    let (mut execution, effects) = start(&setup);
    let id = effects.requests[0].id;
    let twice = vec![(id, CallResult::Ok(1.into())), (id, CallResult::Ok(2.into()))];
    assert_eq!(execution.resolve_all(twice).unwrap_err(), Rejection::UnknownCall(id));
    assert_eq!(execution.own_length(), 0);
    let effects = execution.resolve(id, CallResult::Ok(3.into())).unwrap();
    assert_eq!((effects.outcome, effects.requests.len()), (Outcome::Complete, 0));
    assert_eq!(execution.resolve(id, CallResult::Ok(3.into())).unwrap_err().code(), 30000);
    assert_eq!(execution.view().variable("x"), Some(&Value::from(3)));
}

/// The first step has nothing to record, but that it was taken has to be known after a restart.
#[test]
fn a_restart_requests_again_and_ends_in_the_same_state() {
    let setup = setup(r#"(seq (par (call "A" ("s" "f") [] x) (null)) (call "A" ("s" "g") [x]))"#, 1);
    let (mut execution, first) = start(&setup);
    let mut records = vec![first.record.clone().unwrap()];
    assert!(records[0].is_empty());
    let (_, again) = Execution::new(setup.clone(), records.clone(), None).unwrap();
    assert_eq!(again.requests, first.requests);

    let second = answer(&mut execution, &first, CallResult::Ok(1.into()));
    records.extend(second.record);
    let (restarted, again) = Execution::new(setup, records, None).unwrap();
    assert_eq!(again.requests, second.requests);
    assert_eq!(restarted.heads(), execution.heads());
    assert_eq!(restarted.view().waiting(), execution.view().waiting());
    // What was finished needs no record.
    assert_eq!(start(&self::setup("(null)", 1)).1.record, None);
}

#[test]
fn limits_hold() {
    let script = r#"(seq (call "A" ("s" "f") [] xs) (fold xs x (seq (call "A" ("s" "g") [x]) (next x))))"#;
    let list = |n: i64| CallResult::Ok(Value::array((0..n).map(Value::from)));
    let mut setup = setup(script, 1);
    setup.limits.activations = 4;
    setup.limits.value_bytes = 20;
    let (mut execution, effects) = start(&setup);
    let id = effects.requests[0].id;
    let rejection = execution.resolve(id, list(30)).unwrap_err();
    assert_eq!(rejection.to_string(), "length of a value of 38 is over the limit of 20");
    assert_eq!(rejection.code(), 10);
    // The step that starts too much leaves nothing behind, and the call can still be answered.
    let rejection = execution.resolve(id, list(2)).unwrap_err();
    assert_eq!(rejection.to_string(), "number of activations of 5 is over the limit of 4");
    assert_eq!((execution.own_length(), execution.view().outstanding()), (0, 1));
    let effects = execution.resolve(id, CallResult::Err { code: 1, message: "too large".to_owned() }).unwrap();
    assert!(matches!(effects.outcome, Outcome::Failed(_)), "{:?}", effects.outcome);

    setup.limits = Limits::default();
    setup.limits.entries = 1;
    let (mut execution, effects) = start(&setup);
    let effects = answer(&mut execution, &effects, list(2));
    let rejection = execution.resolve(effects.requests[0].id, list(0)).unwrap_err();
    assert_eq!(rejection.to_string(), "number of entries of 2 is over the limit of 1");

    setup.limits = Limits::default();
    setup.limits.data_bytes = 200;
    let (mut execution, effects) = start(&setup);
    let rejection = execution.resolve(effects.requests[0].id, list(150)).unwrap_err();
    assert_eq!((rejection.code(), execution.own_length()), (10, 0));
    assert!(rejection.to_string().starts_with("size of the particle's data of "), "{rejection}");
    answer(&mut execution, &effects, list(2));

    let mut small = Limits::default();
    small.message_bytes = 10;
    let error = Data::decode(&[0; 11], &small).unwrap_err();
    assert_eq!(error, DataError::Limit { what: "length of the message", n: 11, max: 10 });
    // An array of four whose first item is 2.
    assert_eq!(Data::decode(&[0x84, 2, 0, 0, 0], &Limits::default()).unwrap_err(), DataError::Version(2));
}

/// One event costs what it touches: see the counters demanded in section 10 of the specification.
#[test]
fn work_is_proportional_to_what_is_new() {
    let count = 1000;
    let call = |n: u64| {
        format!(
            "(seq (call \"A\" (\"s\" \"f\") [{}] x{n}) ",
            n.checked_sub(1).map_or("0".to_owned(), |n| format!("x{n}"))
        )
    };
    let calls: String = (0..count).map(call).collect();
    let script = format!("{calls}(null){}", ")".repeat(count as usize));
    let setup = setup(&script, 1);
    let (mut execution, mut effects) = start(&setup);
    while let Some(request) = effects.requests.pop() {
        effects = execution.resolve(request.id, CallResult::Ok(1.into())).unwrap();
    }
    assert_eq!(effects.outcome, Outcome::Complete);
    let counters = execution.view().counters();
    assert_eq!(counters.activations, 2 * count + 1);
    assert!(counters.wake_ups <= 4 * count, "{counters:?}");
    assert_eq!(counters.hashes, count);

    let all = data(&mut execution, 1);
    let (mut other, _) = Execution::new(Setup { me: Some(key(2).peer_id()), ..setup }, [], Some(all.clone())).unwrap();
    let before = other.view().counters();
    assert_eq!((before.hashes, before.signature_checks), (count, 1));
    assert!(other.merge(all).unwrap().record.is_none());
    assert_eq!(other.view().counters(), before);
}

/// At most 80 bytes for a call and 120 for an element of a canon, besides values.
#[test]
fn what_goes_over_the_wire_is_small() {
    let bytes = |count: usize, script: &dyn Fn(usize) -> String| {
        let body: Vec<String> = (0..count).map(script).collect();
        let script = body.iter().rev().fold("(null)".to_owned(), |rest, each| format!("(seq {each} {rest})"));
        let script = format!("(seq (seq {script} (canon \"A\" $s #s)) (call \"B\" (\"s\" \"f\") [#s]))");
        let (mut execution, mut effects) = start(&setup(&script, 1));
        while let Some(request) = effects.requests.pop() {
            effects = execution.resolve(request.id, CallResult::Ok(1.into())).unwrap();
        }
        data(&mut execution, 1).encode().len()
    };
    let per_item = |script: &dyn Fn(usize) -> String| (bytes(1000, script) - bytes(500, script)).div_ceil(500);
    let call = per_item(&|n| format!("(call \"A\" (\"service\" \"function\") [{n}])"));
    assert!(call <= 80, "{call} bytes per call");
    let element = per_item(&|n| format!("(ap {n} $s)"));
    assert!(element <= 120, "{element} bytes per element of a canon");
}

/// A call that waits for many arguments looks at each once, and not at all of them whenever one is set.
#[test]
fn arguments_are_read_when_they_are_set() {
    let count = 20_000;
    let args: String = (0..count).map(|n| format!("x{n} ")).collect();
    let calls: Vec<String> = (0..count).map(|n| format!("(call \"A\" (\"s\" \"f\") [] x{n})")).collect();
    let sets = calls.iter().rev().fold("(null)".to_owned(), |rest, call| format!("(par {call} {rest})"));
    let script = format!("(seq (xor (match 1 2 {sets}) (null)) (par (call \"A\" (\"s\" \"g\") [{args}]) {sets}))");
    let (mut execution, effects) = start(&setup_within(&script, 1, wide()));
    for request in effects.requests.chunks(20) {
        let results = request.iter().map(|request| (request.id, CallResult::Ok(1.into()))).collect();
        let effects = execution.resolve_all(results).unwrap();
        if let Some(request) = effects.requests.first() {
            assert_eq!(request.args.len(), count);
            return;
        }
    }
    panic!("the call has all its arguments in the end");
}

/// Limits that let through scripts much larger than hosts take.
fn wide() -> Limits {
    let mut limits = Limits::default();
    limits.script_nesting = 400_000;
    limits
}

/// Neither starting nor settling, neither waiting nor failing recurses.
#[test]
fn deep_scripts_run_in_constant_stack() {
    let depth = 100_000;
    let nest =
        |before: &str, inner: &str, after: &str| format!("{}{inner}{}", before.repeat(depth), after.repeat(depth));
    let cases = [
        (nest("(seq ", "(null)", " (null))"), Outcome::Complete),
        (nest("(seq (null) ", "(null)", ")"), Outcome::Complete),
        (nest("(par ", "(null)", " (never))"), Outcome::Complete),
        (nest("(xor ", "(match 1 2 (null))", " (match 1 1 (null)))"), Outcome::Complete),
        (nest("(xor ", "(never)", " (null))"), Outcome::Running),
        (nest("(new $s ", "(seq (ap 1 $s) (canon \"A\" $s #s))", ")"), Outcome::Complete),
        (
            nest("(fold $s i ", "(null)", ")").replacen("(fold $s", "(par (ap 1 $s) (fold $s", 1) + ")",
            Outcome::Complete,
        ),
    ];
    let run = move || {
        for (script, expected) in cases {
            let script = if script.contains("(fold") { distinct(&script) } else { script };
            assert_eq!(start(&setup_within(&script, 1, wide())).1.outcome, expected, "{}", &script[..30]);
        }
    };
    std::thread::Builder::new().stack_size(256 * 1024).spawn(run).unwrap().join().unwrap();
}

/// Gives each fold an iterator of its own.
fn distinct(script: &str) -> String {
    let mut parts = script.split("$s i ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.enumerate().fold(first, |text, (n, part)| format!("{text}$s i{n} {part}"))
}

#[test]
fn long_folds_are_worked_off_one_after_the_other_and_at_once() {
    let list = || CallResult::Ok(Value::array((0..2000).map(Value::from)));
    for (body, element) in
        [("(seq (ap x y) (next x))", 1999), ("(par (ap x y) (next x))", 1999), ("(seq (next x) (ap x y))", 0)]
    {
        let setup = setup(&format!(r#"(seq (call "A" ("s" "f") [] xs) (fold xs x {body} (null)))"#), 1);
        let (mut execution, effects) = start(&setup);
        let effects = answer(&mut execution, &effects, list());
        assert_eq!(effects.outcome, Outcome::Complete, "{body}");
        let fold = 2;
        assert_eq!(
            execution.view().iterator(&[(fold, Element::Index(element))]),
            Some(Value::from(i64::from(element)))
        );
    }
}

/// The texts are part of the contract: scripts and clients compare them.
#[test]
fn errors_have_their_codes_and_texts() {
    let object = serde_json::json!({"a": [7], "s": "text", "error_code": 1, "message": 2});
    let outcome = |body: &str| {
        let setup = setup(&format!(r#"(seq (call "A" ("s" "f") [] x) {body})"#), 1);
        let (mut execution, effects) = start(&setup);
        match answer(&mut execution, &effects, CallResult::Ok(object.clone().into())).outcome {
            Outcome::Failed(error) => error.to_string().replace(&key(1).peer_id().to_string(), "A"),
            other => other.to_string(),
        }
    };
    let bodies = [
        r#"(match x.$.a[0] 8 (null))"#,
        r#"(mismatch x.$.a[0] 7 (null))"#,
        r#"(match 1 1.0 (null))"#,
        r#"(fold x.$.s i (next i))"#,
        r#"(fail 7 "m")"#,
        r#"(ap x.$.b y)"#,
        r#"(fail x)"#,
        r#"(fail x.$.s)"#,
        r#"(new k (seq (xor (match 1 2 (ap 5 k)) (null)) (call "A" ("s" "f") [k])))"#,
        r#"(ap x.length y)"#,
        r#"(call "A" (x.$.a "f") [])"#,
        r#"(xor (ap x.$.b y) (fail :error:))"#,
        r#"(xor (ap x.$.b y) (fail %last_error%))"#,
        r#"(fail :error:)"#,
    ];
    let lines: Vec<String> = bodies.iter().map(|body| outcome(body)).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    10001 compared values do not match (match x.$.a.[0] 8)
    10002 compared values do not mismatch (mismatch x.$.a.[0] 7)
    10001 compared values do not match (match 1 1.0)
    10005 expression '.$.s' returned non-array value '"text"' for fold iterable (fold x.$.s i)
    10006 fail with '{"error_code":7,"instruction":"fail 7 \"m\"","message":"m","peer_id":"A"}' is used without corresponding xor (fail 7 "m")
    10007 value '{"a":[7],"error_code":1,"message":2,"s":"text"}' does not contain element with field name = 'b' (ap x.$.b y)
    10008 message of scalar '{"a":[7],"error_code":1,"message":2,"s":"text"}' must have string type (fail x)
    10008 scalar should have an object type to be converted into error object, but '"text"' doesn't have (fail x.$.s)
    10009 variable with name 'k' was cleared by new and then wasn't set (call "A" ("s" "f") [k])
    10010 the length functor could applied only to an array-like value, but it's applied to '{"a":[7],"error_code":1,"message":2,"s":"text"}' (ap x.length y)
    10011 call cannot resolve non-String triplet variable part `x` with value '[7]' (call "A" (x.$.a "f") [])
    10007 value '{"a":[7],"error_code":1,"message":2,"s":"text"}' does not contain element with field name = 'b' (ap x.$.b y)
    10006 fail with '{"error_code":10007,"instruction":"ap x.$.b y","message":"value '{\"a\":[7],\"error_code\":1,\"message\":2,\"s\":\"text\"}' does not contain element with field name = 'b'","peer_id":"A"}' is used without corresponding xor (fail %last_error%)
    10008 error code must be non-zero, but it is zero (fail :error:)
    "#);
}
