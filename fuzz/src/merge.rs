//! Laws of merging: what an execution does with valid data that was changed on the way, or forged by those who have keys.
//!
//! The input is a little program: which script, which peers' keys the forger has, and changes to the data of a finished run.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use ipld_core::ipld::Ipld;
use marine_air::sim::{Peers, Scenario, Stub};
use marine_air::{Data, Execution, Heads, Limits, Script, Setup, Value};
use marine_particle::{Keypair, Particle, PeerId};

use crate::edits::{packed, seal};

const PEERS: [&str; 3] = ["a", "b", "c"];

/// Scripts that together use whatever leaves entries.
const SCRIPTS: [&str; 7] = [
    r#"(seq (call "@a" ("s" "list") [] xs) (seq (call "@a" ("s" "one") [xs.$.[0]] y) (call "@b" ("s" "one") [y])))"#,
    r#"(seq (par (call "@a" ("s" "list") [] xs) (call "@b" ("s" "one") [] x))
        (xor (call "@c" ("s" "bad") [xs x] z) (call "@b" ("s" "one") [:error:.$.error_code])))"#,
    r#"(seq (call "@b" ("s" "list") [] xs) (par (fold xs i (par (call "@c" ("s" "one") [i] y) (next i)))
        (fold xs i (seq (call "@a" ("s" "one") [i] y) (seq (next i) (call "@b" ("s" "one") [y]))))))"#,
    r#"(seq (call "@a" ("s" "where") [] p) (new k (par (call p ("s" "one") [] k) (seq (call "@c" ("s" "one") [k] z)
        (match z 1 (call "@a" ("s" "silent") [k]))))))"#,
    r#"(seq (par (call "@a" ("s" "one") [] $s) (call "@b" ("s" "list") [] $s)) (seq (canon "@c" $s #s)
        (seq (call "@b" ("s" "one") [#s] $s) (seq (canon "@c" $s #t) (call "@a" ("s" "one") [#s #t])))))"#,
    r#"(par (seq (call "@b" ("s" "one") [] $s) (call "@c" ("s" "list") [] $s))
        (fold $s i (seq (call "@a" ("s" "one") [i] x) (par (call "@b" ("s" "bad") [x]) (next i))) (never)))"#,
    r#"(seq (seq (call "@b" ("s" "one") [] v) (seq (ap ("k" v) %m) (ap (7 "n") %m))) (seq (canon "@a" %m #%m)
        (seq (fold #%m i (seq (call "@c" ("s" "one") [i.$.value]) (next i)))
        (par (fold %m i (seq (call "@b" ("s" "one") [i.$.key] $r) (next i)) (null)) (canon "@c" $r #r)))))"#,
];

/// A finished run of a script.
struct Finished {
    particle: Arc<Particle>,
    script: Arc<Script>,
    peers: Peers,
    /// What each peer has in the end; the last has all.
    data: Vec<Vec<u8>>,
}

fn finished(index: usize) -> &'static Finished {
    static FINISHED: [OnceLock<Finished>; SCRIPTS.len()] = [const { OnceLock::new() }; SCRIPTS.len()];
    FINISHED[index].get_or_init(|| {
        let one = Stub::new("s.one").ok(1);
        let list = Stub::new("s.list").ok(Value::array([1, 2, 3].map(Value::from)));
        let others =
            [Stub::new("s.where").ok("@b"), Stub::new("s.silent").silent(), Stub::new("s.bad").error(3, "bad")];
        let scenario =
            others.into_iter().fold(Scenario::new(SCRIPTS[index], PEERS).stub(one).stub(list), Scenario::stub);
        let mut run = scenario.run(1).expect("the scripts are valid");
        let data = PEERS.iter().filter_map(|peer| Some(run.world.data(peer).ok()?.encode())).collect();
        let (particle, script) = (run.world.particle().clone(), run.world.script().clone());
        Finished { particle, script, peers: run.world.peers().clone(), data }
    })
}

impl Finished {
    fn setup(&self, me: Option<PeerId>) -> Setup {
        let (particle, script) = (self.particle.clone(), self.script.clone());
        Setup { particle, script, me, limits: Limits::default() }
    }

    fn id(&self, peer: usize) -> PeerId {
        self.key(peer).peer_id()
    }

    fn key(&self, peer: usize) -> &Keypair {
        self.peers.key(PEERS[peer % PEERS.len()]).expect("one of the peers")
    }
}

/// The bytes of the input, and zeros after them.
struct Program<'a>(&'a [u8]);

impl Program<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        byte
    }

    fn below(&mut self, bound: usize) -> usize {
        let number = usize::from(self.byte()) << 8 | usize::from(self.byte());
        number.checked_rem(bound).unwrap_or(0)
    }
}

/// What is changed without keys is refused or is part of the truth; what is forged with keys never breaks an execution.
pub fn merge(bytes: &[u8]) {
    let mut program = Program(bytes);
    let finished = finished(program.below(SCRIPTS.len()));
    let original = &finished.data[program.below(finished.data.len())];
    let forgers = program.byte();
    let mut items = unpacked(original);
    while program.0.len() > 3 {
        change(&mut program, &mut items);
    }
    forge(finished, forgers, &mut items);
    let Some(mut bytes) = encoded(items) else { return };
    while !program.0.is_empty() {
        let index = program.below(bytes.len());
        bytes[index] ^= program.byte();
    }
    if let Ok(data) = Data::decode(&bytes, &Limits::default()) {
        assert_eq!(data.encode(), bytes);
        for me in [Some(finished.id(0)), Some(finished.id(1)), None] {
            check(finished, me, &data, forgers & 7 == 0);
        }
    }
}

/// Data as its items, where entries are bytes, one by one.
fn unpacked(data: &[u8]) -> Vec<Ipld> {
    let Ok(Ipld::List(mut items)) = serde_ipld_dagcbor::from_slice(data) else { unreachable!("data is a list") };
    let decoded = Data::decode(data, &Limits::default()).expect("valid data");
    if let Some(Ipld::List(segments)) = items.get_mut(2) {
        for (fields, (_, segment)) in segments.iter_mut().zip(decoded.segments()) {
            let Ipld::Map(fields) = fields else { continue };
            fields.remove("names");
            let entries = segment.entries.iter().map(|entry| Ipld::Bytes(entry.to_vec())).collect();
            fields.insert("entries".to_owned(), Ipld::List(entries));
        }
    }
    items
}

/// The opposite; nothing if an entry is no CBOR any more.
fn encoded(mut items: Vec<Ipld>) -> Option<Vec<u8>> {
    if let Some(Ipld::List(segments)) = items.get_mut(2) {
        for fields in segments {
            let Ipld::Map(fields) = fields else { continue };
            let (packed, names) = packed(entries(fields)?)?;
            fields.insert("entries".to_owned(), Ipld::List(packed));
            fields.insert("names".to_owned(), Ipld::List(names));
        }
    }
    serde_ipld_dagcbor::to_vec(&Ipld::List(items)).ok()
}

/// The encoded entries of a segment, if all are bytes.
fn entries(fields: &BTreeMap<String, Ipld>) -> Option<Vec<&[u8]>> {
    let Some(Ipld::List(entries)) = fields.get("entries") else { return Some(Vec::new()) };
    entries.iter().map(|entry| if let Ipld::Bytes(bytes) = entry { Some(bytes.as_slice()) } else { None }).collect()
}

/// One change to a segment, an entry or a value.
fn change(program: &mut Program<'_>, items: &mut [Ipld]) {
    let [_, _, segments, values] = items else { return };
    let (Ipld::List(segments), Ipld::List(values)) = (segments, values) else { return };
    let kind = program.byte() % 10;
    let index = program.below(segments.len());
    match kind {
        0 if !segments.is_empty() => drop(segments.remove(index)),
        1 if !values.is_empty() => drop(values.remove(program.below(values.len()))),
        2 => {
            let at = program.below(values.len());
            if let Some(Ipld::Bytes(value)) = values.get_mut(at) {
                let at = program.below(value.len());
                value[at] ^= program.byte();
            }
        }
        _ => {
            let Some(Ipld::Map(fields)) = segments.get_mut(index) else { return };
            if let Some(Ipld::List(entries)) = fields.get_mut("entries") {
                change_entries(program, kind, entries);
            }
            let (len, from) = (fields.get("entries").map_or(0, len), fields.get("from").map_or(0, integer));
            fields.insert("len".to_owned(), Ipld::Integer(len as i128 + from));
        }
    }
}

fn change_entries(program: &mut Program<'_>, kind: u8, entries: &mut Vec<Ipld>) {
    let [one, two] = [0; 2].map(|_| program.below(entries.len()));
    if entries.is_empty() {
        return;
    }
    match kind {
        3 => entries.swap(one, two),
        4 => drop(entries.remove(one)),
        5 => entries.insert(two, entries[one].clone()),
        6 => entries.truncate(one),
        _ => {
            let Ipld::Bytes(entry) = &mut entries[one] else { return };
            if kind == 7 {
                let at = program.below(entry.len());
                entry[at] ^= program.byte();
            } else if let Ok(Ipld::List(mut fields)) = serde_ipld_dagcbor::from_slice(entry) {
                change_field(program, &mut fields);
                *entry = serde_ipld_dagcbor::to_vec(&Ipld::List(fields)).expect("values of CBOR");
            }
        }
    }
}

/// Changes one item of an entry, at any depth.
fn change_field(program: &mut Program<'_>, fields: &mut Vec<Ipld>) {
    let index = program.below(fields.len());
    match fields.get_mut(index) {
        Some(Ipld::List(inner)) if !program.byte().is_multiple_of(4) => change_field(program, inner),
        Some(Ipld::Integer(n)) => *n = i128::from(program.byte()),
        Some(Ipld::String(text)) => text.push(char::from(program.byte())),
        Some(Ipld::Bytes(bytes)) if !bytes.is_empty() => {
            let at = program.below(bytes.len());
            bytes[at] ^= program.byte();
        }
        Some(item) => {
            let item = item.clone();
            fields.insert(index, item);
        }
        None => fields.push(Ipld::Integer(i128::from(program.byte()))),
    }
}

/// Chains and signs the segments of those whose keys the forger has, and sorts the values.
fn forge(finished: &Finished, forgers: u8, items: &mut [Ipld]) {
    let Some(Ipld::List(segments)) = items.get_mut(2) else { return };
    for segment in segments {
        let Ipld::Map(fields) = segment else { continue };
        let forger = (0..PEERS.len())
            .filter(|peer| forgers & 1 << peer != 0)
            .find(|peer| fields.get("peer") == Some(&Ipld::Bytes(finished.id(*peer).to_bytes())));
        if let Some(forger) = forger {
            sign(&finished.particle, finished.key(forger), fields);
        }
    }
    if forgers & 8 != 0
        && let Some(Ipld::List(values)) = items.get_mut(3)
    {
        values.sort_by_key(|value| match value {
            Ipld::Bytes(bytes) => *blake3::hash(bytes).as_bytes(),
            _ => [0; 32],
        });
    }
}

/// The chain and the signature of a segment that starts at the beginning of its log.
fn sign(particle: &Particle, key: &Keypair, fields: &mut BTreeMap<String, Ipld>) {
    let Some((head, signature)) = entries(fields).map(|entries| seal(particle, key, entries.into_iter())) else {
        return;
    };
    fields.insert("head".to_owned(), Ipld::Bytes(head.to_vec()));
    fields.insert("sig".to_owned(), Ipld::Bytes(signature.to_vec()));
}

/// Merges the data into an execution that knows nothing, and the truth after it.
fn check(finished: &Finished, me: Option<PeerId>, data: &Data, is_honest: bool) {
    let truth = Data::decode(finished.data.last().expect("three peers"), &Limits::default()).expect("valid data");
    // A peer that starts anew where another life of it has left a log contradicts itself.
    let is_honest = is_honest && me.is_none();
    let Ok((mut execution, start)) = Execution::new(finished.setup(me), [], None) else { unreachable!("valid script") };
    let mut records: Vec<Data> = start.record.into_iter().collect();
    let before = execution.heads().clone();
    match execution.merge(data.clone()) {
        Ok(effects) => {
            records.extend(effects.record);
            assert_eq!(execution.merge(data.clone()).expect("it was merged once").record, None);
        }
        Err(_) => assert_eq!(execution.heads(), &before),
    }
    match execution.merge(truth.clone()) {
        Ok(effects) => {
            records.extend(effects.record);
            assert!(execution.heads().covers(&truth.heads()));
        }
        Err(error) => assert!(!is_honest, "the truth is refused after a part of it: {error}"),
    }
    let (again, _) = Execution::new(finished.setup(me), records, None).expect("its own records are accepted");
    assert_eq!(again.heads(), execution.heads());
    assert_eq!(again.outcome(), execution.outcome());
    pass_on(finished, me, &mut execution);
}

/// What an execution sends is accepted by one that knows nothing.
fn pass_on(finished: &Finished, me: Option<PeerId>, execution: &mut Execution) {
    let Some(key) = (0..PEERS.len()).map(|peer| finished.key(peer)).find(|key| Some(key.peer_id()) == me) else {
        return;
    };
    execution.stored(execution.own_length());
    let sent = execution.outgoing(&Heads::default(), key).expect("keys sign");
    let heads = sent.heads();
    let (mut other, _) = Execution::new(finished.setup(None), [], None).expect("valid script");
    other.merge(sent).expect("what one accepts the other does");
    assert_eq!(other.heads(), &heads);
}

fn len(ipld: &Ipld) -> usize {
    match ipld {
        Ipld::List(items) => items.len(),
        _ => 0,
    }
}

fn integer(ipld: &Ipld) -> i128 {
    match ipld {
        Ipld::Integer(n) => *n,
        _ => 0,
    }
}
