//! Valid data with some bytes changed is refused or changes nothing, and the execution goes on as if it had not come.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use marine_air::{CallResult, Data, Execution, Heads, Limits, Script, Setup};
use marine_particle::{Keypair, Particle};

fuzz_target!(|changes: Vec<(u16, u8)>| {
    let limits = Limits::default();
    let (a, b) = (Keypair::from_seed(&[1; 32]), Keypair::from_seed(&[2; 32]));
    let script = format!(
        "(seq (call \"{0}\" (\"s\" \"f\") [] xs) (seq (call \"{0}\" (\"s\" \"g\") [xs.$.[0]] y) (call \"{1}\" (\"s\" \"h\") [y])))",
        a.peer_id(),
        b.peer_id()
    );
    let particle = Arc::new(Particle::sign_new(&a, "fuzz", 1, 1, script).unwrap());
    let script = Script::parse(particle.script(), &limits).script().unwrap();
    let setup = Setup { particle, script, me: Some(a.peer_id()), limits: limits.clone() };
    let (mut sender, mut effects) = Execution::new(setup.clone(), [], None).unwrap();
    while let Some(request) = effects.requests.pop() {
        effects = sender.resolve(request.id, CallResult::Ok(serde_json::json!(["v", 1.5]).into())).unwrap();
    }
    sender.stored(sender.own_length());
    let valid = sender.outgoing(&Heads::default(), &a).unwrap();

    let mut bytes = valid.encode();
    for (at, byte) in changes {
        let at = usize::from(at) % bytes.len();
        bytes[at] = byte;
    }
    let (mut receiver, _) = Execution::new(Setup { me: Some(b.peer_id()), ..setup }, [], None).unwrap();
    if bytes != valid.encode()
        && let Ok(data) = Data::decode(&bytes, &limits)
        && let Ok(effects) = receiver.merge(data)
    {
        assert_eq!(effects.record, None);
    }
    let effects = receiver.merge(valid).unwrap();
    assert_eq!(effects.requests.len(), 1);
});
