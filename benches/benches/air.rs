//! AIR: what a step costs, beside what the cryptography in it costs by itself.
//!
//! The demands: a null step at most twice an Ed25519 verification and a signature; 1000 local calls in sequence below 20 ms,
//! and at most twelve times 100 of them.

use std::hint::black_box;
use std::sync::Arc;

use divan::{Bencher, counter::ItemsCount};
use marine_air::{CallResult, Data, Execution, Heads, Limits, Script, Setup, Value};
use marine_particle::{Keypair, Particle, verify_strict};

fn main() {
    divan::main();
}

fn key(seed: u8) -> Keypair {
    Keypair::from_seed(&[seed; 32])
}

fn particle(script: &str) -> Particle {
    Particle::sign_new(&key(1), "bench", 1_700_000_000_000, 60_000, script).expect("a valid particle")
}

fn setup(particle: Particle, me: u8) -> Setup {
    let limits = Limits::default();
    let script = Script::parse(particle.script(), &limits).script().expect("a valid script");
    Setup { particle: Arc::new(particle), script, me: Some(key(me).peer_id()), limits }
}

/// Instructions one after the other, nested to the left and the right in turn by halving.
fn seq(instructions: &[String]) -> String {
    match instructions {
        [] => "(null)".to_owned(),
        [one] => one.clone(),
        _ => {
            let (left, right) = instructions.split_at(instructions.len() / 2);
            format!("(seq {} {})", seq(left), seq(right))
        }
    }
}

/// `count` calls in sequence, at the peers of these seeds in turn, each with the result of the one before.
fn calls(peers: &[u8], count: usize) -> String {
    let calls: Vec<String> = (0..count)
        .map(|index| {
            let peer = key(peers[index % peers.len()]).peer_id();
            let arg = if index == 0 { "1".to_owned() } else { format!("x{}", index - 1) };
            format!("(call \"{peer}\" (\"service\" \"function\") [{arg}] x{index})")
        })
        .collect();
    seq(&calls)
}

/// Runs local calls to the end, one `resolve` each.
fn run(setup: Setup) -> Execution {
    let (mut execution, mut effects) = Execution::new(setup, [], None).expect("a valid step");
    let mut result = 0_i64;
    while let Some(request) = effects.requests.pop() {
        result += 1;
        effects = execution.resolve(request.id, CallResult::Ok(Value::from(result))).expect("a valid step");
    }
    execution
}

fn all_data(execution: &mut Execution, seed: u8) -> Data {
    execution.stored(execution.own_length());
    execution.outgoing(&Heads::default(), &key(seed)).expect("a key signs")
}

/// The bare cryptography of a null step: one verification, one signature.
#[divan::bench]
fn verify_and_sign(bencher: Bencher) {
    let key = key(1);
    let message = [7; 250];
    let signature = key.sign(&message);
    bencher.bench_local(|| {
        verify_strict(&key.peer_id(), black_box(&message), &signature).expect("its own signature");
        key.sign(black_box(&message))
    });
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

#[divan::bench(args = [10, 100, 1000, 4000])]
fn seq_of_local_calls(bencher: Bencher, count: usize) {
    let setup = setup(particle(&calls(&[1], count)), 1);
    bencher.counter(ItemsCount::new(count)).bench_local(|| run(setup.clone()));
}

/// A peer that has nothing takes the data of this many calls.
#[divan::bench(args = [10, 100, 1000])]
fn merge_at_a_fresh_peer(bencher: Bencher, count: usize) {
    let setup = setup(particle(&calls(&[1], count)), 1);
    let bytes = all_data(&mut run(setup.clone()), 1).encode();
    let setup = Setup { me: Some(key(2).peer_id()), ..setup };
    bencher.counter(ItemsCount::new(count)).bench_local(|| {
        let data = Data::decode(black_box(&bytes), &setup.limits).expect("valid data");
        Execution::new(setup.clone(), [], Some(data)).expect("a valid step")
    });
}

/// A peer that has everything takes the same again.
#[divan::bench(args = [100, 1000])]
fn merge_again(bencher: Bencher, count: usize) {
    let mut execution = run(setup(particle(&calls(&[1], count)), 1));
    let data = all_data(&mut execution, 1);
    bencher.bench_local(|| execution.merge(data.clone()).expect("a valid step"));
}

#[divan::bench(args = [100, 10_000])]
fn parse_and_check(bencher: Bencher, count: usize) {
    let text = calls(&[1], count / 2);
    bencher
        .counter(divan::counter::BytesCount::of_str(&text))
        .bench_local(|| Script::parse(black_box(&text), &Limits::default()).script().expect("a valid script"));
}
