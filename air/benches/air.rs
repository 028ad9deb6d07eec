//! AIR: what a step costs, beside what the cryptography in it costs by itself. `cargo bench -p marine-air`.
//!
//! Every demand of the issue and of section 10 of the specification has a row here. What is no time (bytes on the wire, copies
//! of large values, wake-ups) is asserted by tests.

mod fixtures;

use std::hint::black_box;

use divan::{Bencher, counter::ItemsCount};
use fixtures::{
    Peer, all_data, calls, fold_with_calls, key, parallel_calls, particle, pushes, resolve_each, resolve_together,
    setup,
};
use marine_air::{CallResult, Data, Execution, Heads, Limits, Script, Setup, Value};
use marine_particle::{Particle, verify_strict};

fn main() {
    divan::main();
}

/// Limits: what cryptography, hashing and copying cost by themselves.
mod limit {
    use super::*;

    #[divan::bench]
    fn verify(bencher: Bencher) {
        let (key, message) = (key(1), [7; 250]);
        let signature = key.sign(&message);
        bencher.bench_local(|| verify_strict(&key.peer_id(), black_box(&message), &signature).expect("its own"));
    }

    #[divan::bench]
    fn verify_and_sign(bencher: Bencher) {
        let (key, message) = (key(1), [7; 250]);
        let signature = key.sign(&message);
        bencher.bench_local(|| {
            verify_strict(&key.peer_id(), black_box(&message), &signature).expect("its own");
            key.sign(black_box(&message))
        });
    }

    #[divan::bench]
    fn verify_30(bencher: Bencher) {
        let keys: Vec<_> = (1..=30).map(key).collect();
        let message = [7; 120];
        let signed: Vec<_> = keys.iter().map(|key| (key.peer_id(), key.sign(&message))).collect();
        bencher.bench_local(|| {
            signed.iter().for_each(|(peer, signature)| {
                verify_strict(peer, black_box(&message), signature).expect("its own");
            });
        });
    }

    /// What a log of 1000 calls has to be hashed for: entries, links, results and arguments.
    #[divan::bench]
    fn hash_1000_calls(bencher: Bencher) {
        let bytes = [7; 110];
        bencher.bench_local(|| {
            for _ in 0..1000 {
                for len in [110, 64, 3, 4] {
                    black_box(blake3::hash(black_box(&bytes[..len])));
                }
            }
        });
    }

    /// blake3, a copy and a decoding of 1 MB.
    #[divan::bench]
    fn hash_copy_and_decode_1_mb(bencher: Bencher) {
        let bytes = large().encode();
        bencher.bench_local(|| {
            let copy = black_box(&bytes).clone();
            (blake3::hash(&copy), Value::decode(&copy, &Limits::default()).expect("a valid value"))
        });
    }
}

/// Envelope verified, script parsed, execution made, one head signed.
#[divan::bench]
fn null_step(bencher: Bencher) {
    let bytes = particle("(null)").encode();
    let key = key(2);
    bencher.bench_local(|| {
        let particle = Particle::decode(black_box(&bytes)).expect("a valid particle");
        let (mut execution, _) = Execution::new(setup(particle, 2), [], None).expect("a valid step");
        execution.outgoing(&Heads::default(), &key).expect("a key signs");
        key.sign(b"one head")
    });
}

#[divan::bench(args = [100, 1000, 4000, 10_000])]
fn seq_of_local_calls(bencher: Bencher, count: usize) {
    let setup = setup(particle(&calls(&[1], count)), 1);
    bencher.counter(ItemsCount::new(count)).bench_local(|| resolve_each(setup.clone()));
}

#[divan::bench(args = [100, 1000, 4000])]
fn par_of_local_calls(bencher: Bencher, count: usize) {
    let setup = setup(particle(&parallel_calls(count)), 1);
    bencher.counter(ItemsCount::new(count)).bench_local(|| resolve_together(setup.clone()));
}

/// A fold over an array that a call has returned, with a call for each element.
mod fold {
    use super::*;

    #[divan::bench(args = [100, 1000])]
    fn seq_with_a_call_each(bencher: Bencher, count: usize) {
        let setup = setup(particle(&fold_with_calls("(seq {call} (next x))")), 1);
        bencher.counter(ItemsCount::new(count)).bench_local(|| fixtures::fold_one_by_one(setup.clone(), count));
    }

    #[divan::bench(args = [100, 1000])]
    fn par_with_a_call_each(bencher: Bencher, count: usize) {
        let setup = setup(particle(&fold_with_calls("(par {call} (next x))")), 1);
        bencher.counter(ItemsCount::new(count)).bench_local(|| fixtures::fold_together(setup.clone(), count));
    }

    #[divan::bench(args = ["(seq (ap x y) (next x))", "(par (ap x y) (next x))", "(seq (next x) (ap x y))"])]
    fn of_10_000_elements(bencher: Bencher, body: &str) {
        let setup = setup(particle(&fold_with_calls(body)), 1);
        bencher.bench_local(|| fixtures::fold_together(setup.clone(), 10_000));
    }
}

/// A thousand pushes, what a peer sees of them, a fold over that.
mod stream {
    use super::*;

    #[divan::bench(args = [100, 1000])]
    fn pushes_canon_fold(bencher: Bencher, count: usize) {
        let setup = setup(particle(&pushes(false)), 1);
        bencher.counter(ItemsCount::new(count)).bench_local(|| fixtures::fold_together(setup.clone(), count));
    }

    #[divan::bench(args = [100, 1000])]
    fn a_canon_per_push(bencher: Bencher, count: usize) {
        let setup = setup(particle(&pushes(true)), 1);
        bencher.counter(ItemsCount::new(count)).bench_local(|| fixtures::fold_together(setup.clone(), count));
    }

    #[divan::bench(args = [100, 1000])]
    fn fold_over_a_stream(bencher: Bencher, count: usize) {
        let script = fold_with_calls("(seq (ap x $s) (next x))");
        let script = format!("(seq {script} (fold $s i (seq (ap i y) (next i)) (null)))");
        let setup = setup(particle(&script), 1);
        bencher.counter(ItemsCount::new(count)).bench_local(|| fixtures::fold_together(setup.clone(), count));
    }
}

/// What a message costs a peer that lacks all of it, or nothing.
mod merge {
    use super::*;

    /// A finished particle of one peer, whose log is one signature.
    #[divan::bench(args = [10, 100, 1000])]
    fn at_a_fresh_peer(bencher: Bencher, count: usize) {
        let setup = setup(particle(&calls(&[1], count)), 1);
        let bytes = all_data(&mut resolve_each(setup.clone()), 1).encode();
        let setup = Setup { me: Some(key(2).peer_id()), ..setup };
        bencher.counter(ItemsCount::new(count)).bench_local(|| {
            let data = Data::decode(black_box(&bytes), &setup.limits).expect("valid data");
            Execution::new(setup.clone(), [], Some(data)).expect("a valid step")
        });
    }

    #[divan::bench(args = [1000])]
    fn decode_only(bencher: Bencher, count: usize) {
        let setup = setup(particle(&calls(&[1], count)), 1);
        let bytes = all_data(&mut resolve_each(setup.clone()), 1).encode();
        bencher.bench_local(|| Data::decode(black_box(&bytes), &setup.limits).expect("valid data"));
    }

    #[divan::bench(args = [100, 1000])]
    fn what_is_known(bencher: Bencher, count: usize) {
        let mut execution = resolve_each(setup(particle(&calls(&[1], count)), 1));
        let data = all_data(&mut execution, 1);
        bencher.bench_local(|| execution.merge(data.clone()).expect("a valid step"));
    }

    /// A peer that has nine tenths of a log gets all of it. Decoded before, as in the next one: see `decode_only`.
    #[divan::bench(args = [1000])]
    fn what_is_known_to_nine_tenths(bencher: Bencher, count: usize) {
        rest_of_a_log(bencher, count, &Heads::default());
    }

    /// It gets the last tenth only.
    #[divan::bench(args = [1000])]
    fn the_last_tenth(bencher: Bencher, count: usize) {
        rest_of_a_log(bencher, count, &Heads::from_iter([(key(1).peer_id(), count as u64 * 9 / 10)]));
    }

    fn rest_of_a_log(bencher: Bencher, count: usize, known: &Heads) {
        let setup = setup(particle(&calls(&[1], count)), 1);
        let most = all_data(&mut fixtures::resolve_some(setup.clone(), count * 9 / 10), 1);
        let mut whole = resolve_each(setup.clone());
        whole.stored(whole.own_length());
        let rest = whole.outgoing(known, &key(1)).expect("a key signs").encode();
        let setup = Setup { me: Some(key(2).peer_id()), ..setup };
        let execution = || Execution::new(setup.clone(), [], Some(most.clone())).expect("a valid step").0;
        let data = || Data::decode(black_box(&rest), &Limits::default()).expect("valid data");
        bencher.with_inputs(|| (execution(), data())).bench_local_values(|(mut execution, data)| {
            execution.merge(data).expect("a valid step");
            execution
        });
    }

    /// Eight peers with 64 calls each, taken by a ninth.
    #[divan::bench]
    fn eight_peers_of_64_calls(bencher: Bencher) {
        let (setup, bytes) = fixtures::round_trip(&[1, 2, 3, 4, 5, 6, 7, 8], 512);
        bencher.counter(ItemsCount::new(512_usize)).bench_local(|| {
            let data = Data::decode(black_box(&bytes), &setup.limits).expect("valid data");
            Execution::new(setup.clone(), [], Some(data)).expect("a valid step")
        });
    }

    /// One hop of that: 64 new entries and one new signature.
    #[divan::bench]
    fn one_hop_of_64_calls(bencher: Bencher) {
        let mut peers: Vec<Peer> = fixtures::halves(&[1, 2], 64);
        let bytes = peers[1].hop.clone();
        let base = peers.remove(0);
        bencher.counter(ItemsCount::new(64_usize)).with_inputs(|| base.execution()).bench_local_values(
            |mut execution| {
                let data = Data::decode(black_box(&bytes), &Limits::default()).expect("valid data");
                execution.merge(data).expect("a valid step");
                execution
            },
        );
    }

    #[divan::bench]
    fn thirty_signed_logs(bencher: Bencher) {
        let peers: Vec<u8> = (1..=30).collect();
        let (setup, bytes) = fixtures::round_trip(&peers, 30);
        bencher.bench_local(|| {
            let data = Data::decode(black_box(&bytes), &setup.limits).expect("valid data");
            Execution::new(setup.clone(), [], Some(data)).expect("a valid step")
        });
    }
}

#[divan::bench(args = [100, 10_000])]
fn parse(bencher: Bencher, count: usize) {
    let text = calls(&[1], count / 2);
    let bytes = divan::counter::BytesCount::of_str(&text);
    bencher.counter(bytes).bench_local(|| marine_air::syntax::parse(black_box(&text), &Limits::default()));
}

#[divan::bench(args = [100, 10_000])]
fn parse_and_check(bencher: Bencher, count: usize) {
    let text = calls(&[1], count / 2);
    let bytes = divan::counter::BytesCount::of_str(&text);
    bencher.counter(bytes).bench_local(|| Script::parse(black_box(&text), &Limits::default()).script().expect("valid"));
}

fn large() -> Value {
    Value::array((0..1024).map(|n| Value::from(format!("{n:01024}"))))
}

/// A value of 1 MB arrives, is handed to a call here, and goes on to the next peer.
#[divan::bench]
fn hop_of_a_1_mb_value(bencher: Bencher) {
    let (a, b) = (key(1).peer_id(), key(2).peer_id());
    let script = format!("(seq (call \"{a}\" (\"s\" \"f\") [] x) (call \"{b}\" (\"s\" \"g\") [x] y))");
    let first = setup(particle(&script), 1);
    let (mut execution, effects) = Execution::new(first.clone(), [], None).expect("a valid step");
    execution.resolve(effects.requests[0].id, CallResult::Ok(large())).expect("a valid step");
    let bytes = all_data(&mut execution, 1).encode();
    let setup = Setup { me: Some(b), ..first };
    bencher.bench_local(|| {
        let data = Data::decode(black_box(&bytes), &setup.limits).expect("valid data");
        let (mut execution, effects) = Execution::new(setup.clone(), [], Some(data)).expect("a valid step");
        execution.resolve(effects.requests[0].id, CallResult::Ok(Value::from(1_i64))).expect("a valid step");
        all_data(&mut execution, 2).encode()
    });
}
