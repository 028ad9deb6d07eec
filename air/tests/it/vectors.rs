//! The test vectors of the specification, section 12 (those of keys and frames are with their code).

use std::sync::Arc;

use marine_air::data::{Data, Entry, Fact};
use marine_air::value::{ContentId, Value};
use marine_air::{CallResult, Execution, Heads, Limits, Outcome, Position, Script, Setup};
use marine_particle::{Keypair, Particle};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn values_have_their_specified_encodings_and_identifiers() {
    let cases = [
        (r#""test""#, "6474657374", "bafyr4igvo7koqcwfnxpjdv46dl5pnve6q36vvxyjlmetzhj7b5baxq4gze"),
        ("1", "01", "bafyr4ici7rzb7o6bolqjex5cplywohpcew5je4juqauzrmikcvukdcdffm"),
        ("1.0", "fb3ff0000000000000", "bafyr4ia2cbnach5rfnpfuaza7h74tnsxpmvcemcxaeie3vyzgjff6mspga"),
        (
            r#"{"b":1,"aa":[true,-2.5]}"#,
            "a261620162616182f5fbc004000000000000",
            "bafyr4ibasfjgvr7ukrot7rvgpxsiaikeao2oskunfitl4n7qyee7fd2dqi",
        ),
    ];
    for (json, bytes, cid) in cases {
        let value = Value::from_json(json).unwrap();
        assert_eq!(hex(&value.encode()), bytes, "{json}");
        assert_eq!(value.content_id().to_string(), cid, "{json}");
        assert_eq!(Value::decode(&value.encode(), &Limits::default()).unwrap(), value, "{json}");
    }
}

/// The vector peer calls its own service, and its data has exactly the specified bytes.
#[test]
fn a_call_makes_the_specified_entry_chain_signature_and_data() {
    let key = Keypair::from_seed(&[1; 32]);
    let peer = key.peer_id();
    assert_eq!(peer.to_string(), "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5");
    let script = format!(r#"(call "{peer}" ("stock" "count") ["pears"] n)"#);
    let particle = Arc::new(Particle::sign_new(&key, "vector", 1_700_000_000_000, 60_000, script).unwrap());
    assert_eq!(particle.cid().to_string(), "bafyr4icokxxxpncac2inj63jn5vnoaep4ceqdork65anj3h2ypkcwcpdka");
    let script = Script::parse(particle.script(), &Limits::default()).script().unwrap();
    let setup = Setup { particle, script, me: Some(peer), limits: Limits::default() };
    let (mut execution, effects) = Execution::new(setup.clone(), [], None).unwrap();
    let request = &effects.requests[0];
    assert_eq!((request.service.as_str(), request.function.as_str()), ("stock", "count"));
    assert_eq!(request.args, [Value::from("pears")]);
    assert_eq!(request.at, Position::default());

    let effects = execution.resolve(request.id, CallResult::Ok(12.into())).unwrap();
    assert_eq!(effects.outcome, Outcome::Complete);
    execution.stored(execution.own_length());
    let data = execution.outgoing(&Heads::default(), &key).unwrap();
    let (_, segment) = data.segments().next().unwrap();
    assert_eq!(
        hex(&segment.entries[0]),
        "860081006573746f636b65636f756e745820f7448b0b6dc9a359be04a93de2333c08ebe51399e7ecab1189ff204f91b2916dd82a58250001711e20b76ffa77\
         8026e1884a6b1d105d37a8722b9310227094886f86f8c983e6614796"
    );
    let Fact::Ok { result, .. } = Entry::decode(&segment.entries[0]).unwrap().fact else { panic!("an `ok`") };
    assert_eq!(result, Value::from(12).content_id());
    assert_eq!(hex(&segment.head), "0fdb53732fbb0606408aa7a82464d7bf3f85a6c28d675f7574f3fdfcbbe9c91e");
    assert_eq!(
        hex(&segment.signature.unwrap()),
        "3e82917d4b7db14c8650b4db47258fea3d46492eb05fd616d19914a533cde4e35f4f0c5cd3b5869aca73187cb71b1e8afc5955bea3f6289108d7cfc566a36a06"
    );
    let bytes = data.encode();
    assert_eq!(bytes.len(), 315);
    assert_eq!(hex(ContentId::of(&bytes).digest()), "f4cb0bf5e93f3c5ac5b006b340f77d066c1272a99232090603f6ae9dbea6ee15");
    assert_eq!(Data::decode(&bytes, &Limits::default()).unwrap(), data);

    // An observer gets to the same end with it.
    let (observer, effects) = Execution::new(Setup { me: None, ..setup }, [], Some(data)).unwrap();
    assert_eq!(effects.outcome, Outcome::Complete);
    assert_eq!(observer.view().variable("n"), Some(&Value::from(12)));
}
