//! Changes to encoded data, by someone who has no keys: below the types, on the DAG-CBOR itself.

use ipld_core::ipld::Ipld;

/// The data after a change.
pub(crate) fn edit(data: &[u8], change: impl FnOnce(&mut Vec<Ipld>)) -> Vec<u8> {
    let Ipld::List(mut items) = serde_ipld_dagcbor::from_slice(data).unwrap() else { panic!("data is a list") };
    change(&mut items);
    serde_ipld_dagcbor::to_vec(&Ipld::List(items)).unwrap()
}

/// The segments of data.
pub(crate) fn segments(data: &mut [Ipld]) -> &mut Vec<Ipld> {
    list(&mut data[2])
}

/// The segment at an index.
pub(crate) fn segment(data: &mut [Ipld], index: usize) -> &mut Ipld {
    &mut segments(data)[index]
}

/// The values of data.
pub(crate) fn values(data: &mut [Ipld]) -> &mut Vec<Ipld> {
    list(&mut data[3])
}

/// The entries of a segment.
pub(crate) fn entries(segment: &mut Ipld) -> &mut Vec<Ipld> {
    list(field(segment, "entries"))
}

/// Entries as they stand in a segment, and the segment's names: numbers instead of names, digests instead of links.
pub(crate) fn packed(entries: &[Vec<u8>]) -> (Vec<Ipld>, Vec<Ipld>) {
    let mut names: Vec<Ipld> = Vec::new();
    let packed = entries.iter().map(|entry| {
        let entry: Ipld = serde_ipld_dagcbor::from_slice(entry).unwrap();
        pack(entry, &mut names)
    });
    (packed.collect(), names)
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
pub(crate) fn field<'a>(segment: &'a mut Ipld, name: &str) -> &'a mut Ipld {
    match segment {
        Ipld::Map(fields) => fields.get_mut(name).unwrap(),
        other => panic!("a segment is a map: {other:?}"),
    }
}

/// Changes a bit of the signature of a segment.
pub(crate) fn break_signature(segment: &mut Ipld) {
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
