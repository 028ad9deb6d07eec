//! Streams, maps, canons and folds over them: the rules of the specification, sections 3.2, 3.3 and 4.6 to 4.11.

use marine_air::Value;
use marine_air::execution::Report;
use marine_air::sim::{Net, Run, Step, World};
use serde_json::json;

use crate::sim::{calls, effects, outcome, scenario};

fn run(script: &str) -> Run {
    scenario(script).net(Net { delay: 1..=1, ..Net::default() }).run(1).unwrap()
}

fn merge(world: &mut World, from: &str, to: &str) -> String {
    let step: Step = world.deliver(from, to).unwrap();
    effects(world, &step)
}

/// The tetraplets of the argument of `tell`.
fn origins(script: &str) -> String {
    let run = run(script);
    let rows = run.calls.iter().filter(|call| call.function == "tell");
    let short = |tetraplet: &Value| {
        let part = |name| tetraplet.get(name).and_then(Value::as_str).unwrap_or_default();
        format!("({}, {}, {}, {})", part("peer_pk"), part("service_id"), part("function_name"), part("lens"))
    };
    let row = |tetraplets: &Value| {
        let args = tetraplets.as_array().unwrap().iter();
        args.map(|arg| arg.as_array().unwrap().iter().map(short).collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
            .join("; ")
    };
    rows.map(|call| row(&call.tetraplets)).collect::<Vec<_>>().join("\n")
}

/// Pushes 1, 2 and 3 at the peer that starts the script.
const THREE: &str = "(seq (ap 1 $s) (seq (ap 2 $s) (ap 3 $s)))";
/// Two keys, one of them twice, and a number that reads like a text.
const MAP: &str = r#"(seq (seq (ap ("a" 1) %m) (ap (5 2) %m)) (seq (ap ("a" 3) %m) (ap ("5" 4) %m)))"#;

#[test]
fn a_canon_is_what_its_peer_saw_for_good() {
    let script = "(seq (par (b.f [] $s) (c.f [] $s)) (seq (canon \"@d\" $s #s) (d.got [#s #s.length])))";
    // Both results come at once, or one of them first.
    let mut world = scenario(script).world().unwrap();
    world.start().unwrap();
    merge(&mut world, "a", "b");
    merge(&mut world, "a", "c");
    world.answer("b", "s.f").unwrap();
    world.answer("c", "s.f").unwrap();
    merge(&mut world, "c", "b");
    insta::assert_snapshot!(merge(&mut world, "b", "d"), @r#"got(["done","done"],2)"#);

    let mut world = scenario(script).world().unwrap();
    world.start().unwrap();
    merge(&mut world, "a", "b");
    world.answer("b", "s.f").unwrap();
    insta::assert_snapshot!(merge(&mut world, "b", "d"), @r#"got(["done"],1)"#);
    merge(&mut world, "a", "c");
    world.answer("c", "s.f").unwrap();
    insta::assert_snapshot!(merge(&mut world, "c", "d"), @"");
    world.answer("d", "s.got").unwrap();
}

#[test]
fn reading_what_nothing_has_written_gives_an_empty_list() {
    insta::assert_snapshot!(calls("(seq (canon \"@a\" $s #s) (seq (a.got [#s]) (match #s [] (a.same []))))"), @r"
    a: s.got([])
    a: s.same()
    complete
    ");
    insta::assert_snapshot!(calls("(seq (canon \"@a\" %m #%m) (seq (canon \"@a\" %m x) (a.got [#%m x #%m.length])))"), @r"
    a: s.got({},{},0)
    complete
    ");
}

#[test]
fn lenses_on_canon_streams() {
    let script = format!(
        "(seq {THREE} (seq (a.object [] $s) (seq (canon \"@a\" $s #s) (seq (ap 3 n) (a.got [#s.$.[1] #s.$.[n].a.[1] #s.length])))))"
    );
    insta::assert_snapshot!(calls(&script), @r"
    a: s.object()
    a: s.got(2,8,4)
    complete
    ");
    for (lens, text) in [
        ("#s.$.[7]", "10007 lambda is applied to a stream that have only '3' elements, but '7' requested"),
        ("#s.$.x", "10007 field accessor (with field name = 'x') can't be applied to a stream"),
        ("#s.$.[k]", "10007 stream accessor `\"text\"` should has number (u32) type"),
        ("#s.$.[0].x", "10007 value '1' is not an map-type to match field accessor with field_name = 'x'"),
    ] {
        let script = format!("(seq (seq (ap \"text\" k) {THREE}) (seq (canon \"@a\" $s #s) (ap {lens} x)))");
        assert_eq!(calls(&script), format!("failed: {text} (ap {lens} x)"));
    }
}

#[test]
fn lenses_on_canon_maps() {
    let script = format!(
        r#"(seq {MAP} (seq (canon "@a" %m #%m) (seq (canon "@a" %m x) (seq (ap 5 n) (seq
            (seq (a.got [#%m]) (a.got [x]))
            (a.got [#%m.$.a #%m.$.[5] #%m.$.[n] #%m.$.none #%m.$.a.[1] #%m.length]))))))"#
    );
    insta::assert_snapshot!(calls(&script), @r#"
    a: s.got({"5":[2,4],"a":[1,3]})
    a: s.got({"5":2,"a":1})
    a: s.got([1,3],[2],[2],[],3,4)
    complete
    "#);
    for (lens, text) in [
        ("#%m.$.a.[2]", "10007 lambda is applied to a stream that have only '2' elements, but '2' requested"),
        ("#%m.$.[k]", "10007 canon stream map accessor `1.5` should be either string or number"),
    ] {
        let script = format!("(seq (seq (ap 1.5 k) {MAP}) (seq (canon \"@a\" %m #%m) (ap {lens} x)))");
        assert_eq!(calls(&script), format!("failed: {text} (ap {lens} x)"));
    }
    insta::assert_snapshot!(calls("(seq (ap [] k) (ap (k 1) %m))"), @"failed: 10012 unsupported type for %m map's key (ap (k 1) %m)");
}

#[test]
fn canon_values_keep_the_origins_of_their_elements() {
    let streams = "(seq (seq (b.object [] x) (ap x.$.a $s)) (seq (c.price [] $s) (canon \"@d\" $s #s)))";
    insta::assert_snapshot!(origins(&format!(
        "(seq {streams} (seq (seq (a.tell [#s]) (a.tell [#s.$.[0] #s.$.[0].[1] #s.length]))
            (seq (seq (ap #s y) (a.tell [y y.$.[1]])) (fold #s i (seq (a.tell [i]) (next i))))))"
    )), @r"
    (@b, s, object, .$.a) (@c, s, price, )
    (@b, s, object, .$.a); (@b, s, object, .$.a.$.[1]); (@d, , , .length)
    (@d, , , ); (@d, , , .$.[1])
    (@b, s, object, .$.a)
    (@c, s, price, )
    ");
    let maps = r#"(seq (seq (seq (b.price [] k) (c.object [] v)) (seq (ap (k v) %m) (ap ("z" 1) %m))) (seq (canon "@d" %m #%m) (canon "@d" %m x)))"#;
    insta::assert_snapshot!(origins(&format!(
        "(seq {maps} (seq (seq (a.tell [#%m]) (a.tell [#%m.$.z #%m.$.z.[0] #%m.$.[42].[0].a x x.$.z]))
            (fold #%m i (seq (a.tell [i i.$.key i.$.value i.$.value.a]) (next i)))))"
    )).lines().take(3).collect::<Vec<_>>().join("\n"), @r"
    (@c, s, object, ) (@a, , , )
    (@d, , , .$.z); (@a, , , ); (@c, s, object, .$.a); (@d, , , ); (@d, , , .$.z)
    (@c, s, object, ); (@b, s, price, ); (@c, s, object, ); (@c, s, object, .$.a)
    ");
}

#[test]
fn folds_over_canon_values() {
    insta::assert_snapshot!(calls(&format!("(seq {THREE} (seq (canon \"@a\" $s #s) (fold #s i (seq (next i) (a.got [i])))))")), @r"
    a: s.got(3)
    a: s.got(2)
    a: s.got(1)
    complete
    ");
    // Per key the last pair, in the order of these; or the values of one key.
    insta::assert_snapshot!(calls(&format!("(seq {MAP} (seq (canon \"@a\" %m #%m) (fold #%m i (seq (a.got [i]) (next i)))))")), @r#"
    a: s.got({"key":5,"value":2})
    a: s.got({"key":"a","value":3})
    a: s.got({"key":"5","value":4})
    complete
    "#);
    insta::assert_snapshot!(calls(&format!("(seq {MAP} (seq (canon \"@a\" %m #%m) (fold #%m.$.a i (seq (a.got [i]) (next i)))))")), @r"
    a: s.got(1)
    a: s.got(3)
    complete
    ");
    insta::assert_snapshot!(calls("(seq (a.object [] $s) (seq (canon \"@a\" $s #s) (fold #s.$.[0].a i (seq (a.got [i]) (next i)))))"), @r"
    a: s.object()
    a: s.got(7)
    a: s.got(8)
    complete
    ");
}

#[test]
fn chains_of_a_stream_fold() {
    let fold = |body: &str| calls(&format!("(seq {THREE} (fold $s i {body}))"));
    insta::assert_snapshot!(fold("(seq (a.ping [i]) (next i)) (null)"), @r"
    a: s.ping(1)
    a: s.ping(2)
    a: s.ping(3)
    complete
    ");
    insta::assert_snapshot!(fold("(seq (a.ping [i]) (next i))"), @r"
    a: s.ping(1)
    a: s.ping(2)
    a: s.ping(3)
    running
    ");
    // The chain that fails is over, the rest is a new one.
    insta::assert_snapshot!(fold("(seq (mismatch i 2 (a.ping [i])) (next i)) (null)"), @r"
    a: s.ping(1)
    a: s.ping(3)
    complete
    ");
    // A fold stops early when its chain completes without `next`.
    insta::assert_snapshot!(fold("(xor (match i 2 (a.found [i])) (next i))"), @r"
    a: s.found(2)
    complete
    ");
    insta::assert_snapshot!(fold("(par (a.ping [i]) (next i)) (never)"), @r"
    a: s.ping(1)
    a: s.ping(2)
    a: s.ping(3)
    complete
    ");
}

#[test]
fn errors_of_chains_are_reported() {
    let run = run(&format!("(seq {THREE} (fold $s i (seq (match i 2 (null)) (next i)) (null)))"));
    let swallowed: Vec<_> =
        run.reports.iter().filter(|(_, report)| matches!(report, Report::Swallowed { .. })).collect();
    assert_eq!(swallowed.len(), 2);
    // The second chain goes on from 2 to 3, whose error is its own.
    assert_eq!(outcome(&run.outcomes["a"]), "running");
}

#[test]
fn later_elements_make_chains_of_their_own() {
    // Every call puts one more number into the stream that is being worked off.
    let script = "(seq (ap 40 $n) (fold $n x (seq (seq (a.echo [x] y) (xor (match y 0 (null)) (null))) (seq (a.price [] z) (xor (match x 42 (null)) (ap z $n))))))";
    insta::assert_snapshot!(calls(script), @r"
    a: s.echo(40)
    a: s.price()
    a: s.echo(42)
    a: s.price()
    complete
    ");
    let mut world =
        scenario("(par (seq (b.f [] $s) (c.f [] $s)) (fold $s i (par (a.got [i]) (next i)) (never)))").world().unwrap();
    world.start().unwrap();
    merge(&mut world, "a", "b");
    world.answer("b", "s.f").unwrap();
    insta::assert_snapshot!(merge(&mut world, "b", "a"), @r#"got("done")"#);
    merge(&mut world, "b", "c");
    world.answer("c", "s.f").unwrap();
    insta::assert_snapshot!(merge(&mut world, "c", "a"), @r#"got("done")"#);
}

#[test]
fn a_fold_over_what_it_extends_is_recursion_without_a_stack() {
    let script = "(seq (ap \"x\" $n) (fold $n x (seq (canon \"@a\" $n #n) (xor (match #n.length 500 (a.got [#n.length])) (seq (ap x $n) (next x)))) (never)))";
    insta::assert_snapshot!(calls(script), @r"
    a: s.got(500)
    complete
    ");
}

#[test]
fn streams_of_a_new_are_its_own() {
    let script = format!(
        "(seq {THREE} (seq (new $s (seq (ap 9 $s) (seq (canon \"@a\" $s #s) (a.got [#s])))) (seq (canon \"@a\" $s #t) (a.got [#t]))))"
    );
    insta::assert_snapshot!(calls(&script), @r"
    a: s.got([9])
    a: s.got([1,2,3])
    complete
    ");
    // One per iteration.
    let script = format!(
        "(seq {THREE} (seq (canon \"@a\" $s #s) (fold #s i (seq (new $t (seq (ap i $t) (seq (canon \"@a\" $t #t) (a.got [#t])))) (next i)))))"
    );
    insta::assert_snapshot!(calls(&script), @r"
    a: s.got([1])
    a: s.got([2])
    a: s.got([3])
    complete
    ");
}

#[test]
fn error_contexts_pass_by_stream_folds() {
    let script = format!(
        "(seq {THREE} (seq (xor (fold $s i (seq (fail 7 \"inner\") (next i)) (null)) (null)) (a.got [%last_error%.$.error_code])))"
    );
    insta::assert_snapshot!(calls(&script), @"running");
    let script = format!(
        "(seq (xor (fail 5 \"outer\") (null)) (seq {THREE} (seq
            (fold $s i (xor (fail 7 \"inner\") (seq (a.got [i %last_error%.$.error_code]) (next i))) (null))
            (a.got [%last_error%.$.error_code :error:.$.error_code]))))"
    );
    insta::assert_snapshot!(calls(&script), @r"
    a: s.got(1,7)
    a: s.got(2,7)
    a: s.got(3,7)
    a: s.got(5,0)
    complete
    ");
}

#[test]
fn too_many_elements_are_refused() {
    let list: Vec<i64> = (0..1025).collect();
    let script = "(seq (a.many [] xs) (fold xs x (seq (ap x $s) (next x))))";
    let scenario = scenario(script).stub(marine_air::sim::Stub::new("s.many").json(json!(list)));
    let mut world = scenario.world().unwrap();
    world.start().unwrap();
    let _ = world.answer("a", "s.many");
}
