//! What static validation reports (A020 to A060), word for word.

use crate::diagnostics::findings;

/// The findings about a script, without A059: short names stand for peers here.
fn check(text: &str) -> String {
    let findings = findings(text);
    let mut keep = true;
    let lines = findings.lines().filter(|line| {
        if !line.starts_with(' ') {
            keep = !line.contains(" A059 ");
        }
        keep
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn undefined_names() {
    insta::assert_snapshot!(check("(call p (s f) [a b.$.[c]] d)"), @"
    1:7 A020 variable 'p' wasn't defined `p`
    1:10 A020 variable 's' wasn't defined `s`
    1:12 A020 variable 'f' wasn't defined `f`
    1:16 A020 variable 'a' wasn't defined `a`
    1:18 A020 variable 'b' wasn't defined `b`
    1:23 A020 variable 'c' wasn't defined `c`
    ");
    insta::assert_snapshot!(check("(match a 1 (mismatch 1 b (ap c d)))"), @"
    1:8 A020 variable 'a' wasn't defined `a`
    1:24 A020 variable 'b' wasn't defined `b`
    1:30 A020 variable 'c' wasn't defined `c`
    ");
    insta::assert_snapshot!(check("(ap (\"k\" price) %basket)"), @"1:10 A020 variable 'price' wasn't defined `price`");
    insta::assert_snapshot!(check("(ap (key 1) %basket)"), @"1:6 A020 variable 'key' wasn't defined `key`");
    insta::assert_snapshot!(check("(canon p $s #c)"), @"
    1:8 A020 variable 'p' wasn't defined `p`
    ");
    insta::assert_snapshot!(check("(fold $jobs j (seq (next j) (call \"p\" (\"s\" \"f\") [j])))"), @"
    1:7 A020 variable '$jobs' wasn't defined `$jobs`
    1:20 A026 fold can not have instructions after next `(next j)`
      1:16 `seq`: `next` is in the left side of this `seq`
      1:13 `j`: this is a fold over a stream or map
      help: move `next` to the end of the body
    ");
    insta::assert_snapshot!(check("(fail x)"), @"1:7 A020 variable 'x' wasn't defined `x`");
    insta::assert_snapshot!(check("(seq (ap x y) (ap 1 x))"), @"
    1:10 A020 variable 'x' wasn't defined `x`
      1:21 `x`: it is defined only here, after its use
    ");
    insta::assert_snapshot!(check("(seq (ap 1 #x))"), @"
    1:12 A008 a canon stream is not allowed here `#x`: expected a scalar or stream
      1:7 `ap`: in this `ap`
    1:15 A006 expected an instruction, found `)` `)`
      1:2 `seq`: in this `seq`
    ");
    insta::assert_snapshot!(check("(seq (ap x x) (null))"), @"
    1:10 A020 variable 'x' wasn't defined `x`
      1:12 `x`: it is defined only here, after its use
    ");
    // One before is enough, wherever it is.
    insta::assert_snapshot!(check("(seq (xor (ap 1 x) (ap x y)) (new z (ap z a)))"), @"");
}

#[test]
fn next_and_folds() {
    insta::assert_snapshot!(check("(next i)"), @"
    1:7 A021 iterable 'i' wasn't defined `i`
      help: `next` must be in the body of a fold with this iterator
    ");
    insta::assert_snapshot!(check("(seq (fold [] i (next i)) (next i))"), @"
    1:33 A021 iterable 'i' wasn't defined `i`
      help: `next` must be in the body of a fold with this iterator
    ");
    insta::assert_snapshot!(check("(fold [] i (seq (next i) (next i)))"), @"
    1:26 A022 multiple next instructions for iterator 'i' found for one fold, that is prohibited `(next i)`
      1:17 `(next i)`: the first one is here
    ");
    insta::assert_snapshot!(check("(fold [] i (fold [] i (null)))"), @"
    1:2 A058 this fold has no `next` `fold`: it runs for one element
      help: go on with `(next i)`
    1:13 A058 this fold has no `next` `fold`: it runs for one element
      help: go on with `(next i)`
    1:21 A023 multiple iterable values found for iterator name 'i' `i`
      1:10 `i`: the fold around has the same iterator
      help: rename one of the iterators
    ");
    insta::assert_snapshot!(check("(fold [] i (seq (fold [] j (next j)) (fold [] j (next i))))"), @"
    1:39 A058 this fold has no `next` `fold`: it runs for one element
      help: go on with `(next j)`
    1:49 A055 `next` of an outer fold inside another fold `(next i)`
      1:2 `fold`: it belongs to this fold
      1:39 `fold`: each iteration of this fold comes to it
    ");
    insta::assert_snapshot!(check("(seq (fold [] i (next i)) (fold [] i (next i)))"), @"");
    insta::assert_snapshot!(check("(fold [] i (next i) (fold [] i (next i)))"), @"");
    insta::assert_snapshot!(check("(fold [] i (new i (next i)))"), @"
    1:17 A024 new can't be applied to a 'i' because it's an iterator `i`
      1:10 `i`: it is the iterator of this fold
    ");
    insta::assert_snapshot!(check("(fold [] i (null) (next i))"), @"
    1:19 A027 next 'i' can't be used in the last instruction of its fold `(next i)`
      1:10 `i`: it is the iterator of this fold
    ");
    insta::assert_snapshot!(check("(fail 0 \"nothing\")"), @"
    1:7 A025 error code 0 with fail is unsupported `0`
      help: 0 means no error
    ");
}

#[test]
fn instructions_after_next() {
    let over_stream = |body: &str| check(&format!("(seq (ap 1 $s) (fold $s i {body}))"));
    insta::assert_snapshot!(over_stream("(seq (null) (next i))"), @"");
    insta::assert_snapshot!(over_stream("(seq (next i) (null))"), @"
    1:32 A026 fold can not have instructions after next `(next i)`
      1:28 `seq`: `next` is in the left side of this `seq`
      1:25 `i`: this is a fold over a stream or map
      help: move `next` to the end of the body
    ");
    insta::assert_snapshot!(over_stream("(par (new x (match 1 1 (xor (null) (next i)))) (null))"), @"
    1:62 A026 fold can not have instructions after next `(next i)`
      1:28 `par`: `next` is in the left side of this `par`
      1:25 `i`: this is a fold over a stream or map
      help: move `next` to the end of the body
    ");
    insta::assert_snapshot!(over_stream("(xor (next i) (seq (null) (null)))"), @"");
    insta::assert_snapshot!(check("(fold [] i (seq (next i) (null)))"), @"");
    // The `seq` around the fold does not count.
    insta::assert_snapshot!(check("(seq (seq (ap 1 $s) (fold $s i (next i))) (null))"), @"");
}

#[test]
fn warnings() {
    insta::assert_snapshot!(check("(fold [] i (seq (ap 1 i) (next i)))"), @"1:23 A050 'i' is the iterator of a fold around, which can't be set `i`: error 20004 when this is reached");
    insta::assert_snapshot!(check("(seq (ap 1 x) (seq (ap 2 x) (new x (ap 3 x))))"), @"
    1:26 A051 'x' is set twice `x`: error 20007 when this is reached
      1:12 `x`: it is set here already
    ");
    insta::assert_snapshot!(check("(seq (ap 1 x) (xor (ap 2 x) (fold [] i (seq (ap 3 x) (next i)))))"), @"");
    insta::assert_snapshot!(check("(seq (fold [] i (next i)) (call \"p\" (\"s\" \"f\") [i]))"), @"
    1:48 A052 'i' is set only in a fold that has ended, where its value is not seen `i`: this waits forever
      help: collect values of a fold in a stream and `canon` it
    ");
    insta::assert_snapshot!(check("(seq (fold [] i (seq (ap i $s) (next i))) (canon \"p\" $s #s))"), @"");
    insta::assert_snapshot!(check("(seq (seq (canon \"p\" $s #s) (ap #s x)) (new $t (fold $t i (next i))))"), @"
    1:22 A053 nothing is ever written to '$s' `$s`
    1:54 A053 nothing is ever written to '$t' `$t`
    ");
    insta::assert_snapshot!(check("(seq (ap [] x) (ap x.$.a!.b y))"), @"
    1:25 A054 `!` after an accessor has no effect `!`
      help: remove it
    ");
    insta::assert_snapshot!(check("(fold [] i (fold [] j (seq (next i) (next j))))"), @"
    1:28 A055 `next` of an outer fold inside another fold `(next i)`
      1:2 `fold`: it belongs to this fold
      1:13 `fold`: each iteration of this fold comes to it
    ");
    insta::assert_snapshot!(check("(seq (ap 1 $s) (fold $s i (next i) (seq (null) (call \"p\" (\"s\" \"f\") []))))"), @"1:37 A057 the last instruction of a fold over a stream or map calls something `seq`: what it sees depends on the order in which elements arrive");
    insta::assert_snapshot!(check("(fold [] i (null))"), @"
    1:2 A058 this fold has no `next` `fold`: it runs for one element
      help: go on with `(next i)`
    ");
}

#[test]
fn errors_of_other_iterations() {
    let fold = |body: &str| check(&format!("(seq (ap 1 $s) (fold $s i (seq {body} (next i))))"));
    insta::assert_snapshot!(fold("(ap %last_error%.$.message x)"), @"1:36 A060 `%last_error%` in a fold over a stream or map `%last_error%.$.message`: peers may see different errors here");
    insta::assert_snapshot!(fold("(xor (null) (fold [] j (seq (fail %last_error%) (next j))))"), @"");
    insta::assert_snapshot!(check("(seq (ap 1 $s) (seq (fold $s i (next i) (null)) (ap %last_error% x)))"), @"");
}

#[test]
fn names_that_one_side_of_a_par_reads_and_the_other_sets() {
    let fold = |body: &str| check(&format!("(seq (ap 1 t) (fold [] i (seq {body} (next i))))"));
    insta::assert_snapshot!(fold("(par (ap t u) (ap i t))"), @"
    1:40 A056 't' has a value, and another one on the other side of a `par` `t`: which of them is read depends on the order of events
      1:51 `t`: it is set here
      1:32 `par`: of this `par`
    ");
    insta::assert_snapshot!(fold("(par (ap i t) (match t 1 (null)))"), @"
    1:52 A056 't' has a value, and another one on the other side of a `par` `t`: which of them is read depends on the order of events
      1:42 `t`: it is set here
      1:32 `par`: of this `par`
    ");
    // Without a value before, the reader waits; a `new` on its own side is another variable; outside of folds names are set once.
    insta::assert_snapshot!(fold("(par (ap i v) (match v 1 (null)))"), @"");
    insta::assert_snapshot!(fold("(par (new t (ap i t)) (match t 1 (null)))"), @"");
    insta::assert_snapshot!(fold("(par (ap i t) (new t (seq (ap 1 t) (match t 1 (null)))))"), @"");
    insta::assert_snapshot!(check("(par (ap 1 x) (match x 1 (null)))"), @"");
}

#[test]
fn peers() {
    insta::assert_snapshot!(findings("(call \"nobody\" (\"s\" \"f\") [])"), @r#"1:7 A059 this is not a peer id `"nobody"`: this waits forever"#);
    insta::assert_snapshot!(
        findings("(call \"12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5\" (\"s\" \"f\") [])"), @""
    );
}
