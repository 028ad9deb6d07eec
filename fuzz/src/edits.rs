//! Changes to encoded data: below the types, on the DAG-CBOR itself. The tests of `air` have them too.
//!
//! Chains and signatures follow the specification's formulas on their own, so what uses them also pins the format.

use ipld_core::ipld::Ipld;
use marine_particle::{Keypair, Particle};

/// The data after a change.
pub fn edit(data: &[u8], change: impl FnOnce(&mut Vec<Ipld>)) -> Vec<u8> {
    let Ipld::List(mut items) = serde_ipld_dagcbor::from_slice(data).unwrap() else { panic!("data is a list") };
    change(&mut items);
    serde_ipld_dagcbor::to_vec(&Ipld::List(items)).unwrap()
}

/// The segments of data.
pub fn segments(data: &mut [Ipld]) -> &mut Vec<Ipld> {
    list(&mut data[2])
}

/// The segment at an index.
pub fn segment(data: &mut [Ipld], index: usize) -> &mut Ipld {
    &mut segments(data)[index]
}

/// The values of data.
pub fn values(data: &mut [Ipld]) -> &mut Vec<Ipld> {
    list(&mut data[3])
}

/// The entries of a segment.
pub fn entries(segment: &mut Ipld) -> &mut Vec<Ipld> {
    list(field(segment, "entries"))
}

/// Entries as they stand in a segment, and the segment's names: numbers instead of names, digests instead of links. Nothing if
/// an entry is no CBOR.
pub fn packed<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Option<(Vec<Ipld>, Vec<Ipld>)> {
    let mut names: Vec<Ipld> = Vec::new();
    let packed = entries.into_iter().map(|entry| {
        let entry: Ipld = serde_ipld_dagcbor::from_slice(entry).ok()?;
        Some(pack(entry, &mut names))
    });
    Some((packed.collect::<Option<_>>()?, names))
}

/// The head of a log with these entries from its beginning, and its owner's signature.
pub fn seal<'a>(
    particle: &Particle,
    owner: &Keypair,
    entries: impl ExactSizeIterator<Item = &'a [u8]>,
) -> ([u8; 32], [u8; 64]) {
    let len = entries.len() as u64;
    let first = [particle.signature().as_slice(), &owner.peer_id().to_bytes()].concat();
    let mut link = blake3::derive_key("marine-chain-1", &first);
    for entry in entries {
        link = *blake3::hash(&[link, *blake3::hash(entry).as_bytes()].concat()).as_bytes();
    }
    let signed = [b"marine-head-1\0".as_slice(), particle.signature(), &len.to_be_bytes(), &link].concat();
    (link, owner.sign(&signed))
}

fn pack(item: Ipld, names: &mut Vec<Ipld>) -> Ipld {
    match item {
        Ipld::List(items) => Ipld::List(items.into_iter().map(|item| pack(item, names)).collect()),
        Ipld::Link(cid) => Ipld::Bytes(cid.hash().digest().to_vec()),
        Ipld::String(_) => {
            let number = names.iter().position(|name| *name == item).unwrap_or_else(|| {
                names.push(item);
                names.len() - 1
            });
            Ipld::Integer(number as i128)
        }
        other => other,
    }
}

/// A field of a segment.
pub fn field<'a>(segment: &'a mut Ipld, name: &str) -> &'a mut Ipld {
    match segment {
        Ipld::Map(fields) => fields.get_mut(name).unwrap(),
        other => panic!("a segment is a map: {other:?}"),
    }
}

/// Changes a bit of the signature of a segment.
pub fn break_signature(segment: &mut Ipld) {
    match field(segment, "sig") {
        Ipld::Bytes(bytes) => bytes[7] ^= 1,
        other => panic!("a signature is bytes: {other:?}"),
    }
}

fn list(ipld: &mut Ipld) -> &mut Vec<Ipld> {
    match ipld {
        Ipld::List(items) => items,
        other => panic!("expected a list: {other:?}"),
    }
}
