//! How entries travel: shorter than they are hashed.
//!
//! A chain is over the canonical bytes of its entries, each of which says everything by itself. In a segment they stand without
//! what can be put back: names of services and functions are numbers into a list of the segment's names, content identifiers
//! are their digests. There is one packed form of each list of entries.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::entry::{Entry, Fact, read_missing, read_peer};
use super::position::Position;
use crate::cbor::{self, CborError, Reader};
use crate::value::ContentId;

/// The names in a segment, numbered in the order of their first use.
pub(super) struct Names<'e> {
    numbers: BTreeMap<&'e str, u64>,
    list: Vec<&'e str>,
}

impl<'e> Names<'e> {
    pub(super) fn of(entries: &'e [Arc<[u8]>]) -> Self {
        let mut this = Self { numbers: BTreeMap::new(), list: Vec::new() };
        for entry in entries.iter().filter_map(|entry| Entry::decode(entry).ok()) {
            if let Fact::Ok { service, function, .. } | Fact::Err { service, function, .. } = entry.fact {
                this.add(service);
                this.add(function);
            }
        }
        this
    }

    fn add(&mut self, name: &'e str) {
        let next = self.list.len() as u64;
        if *self.numbers.entry(name).or_insert(next) == next {
            self.list.push(name);
        }
    }

    pub(super) fn encode_to(&self, out: &mut Vec<u8>) {
        cbor::array(out, self.list.len());
        self.list.iter().for_each(|name| cbor::text(out, name));
    }
}

/// Writes the packed form of an encoded entry.
pub(super) fn pack(entry: &[u8], names: &Names<'_>, out: &mut Vec<u8>) {
    let Entry { at, fact } = Entry::decode(entry).expect("invariant: entries are decoded before they are kept");
    let number = |name: &str| names.numbers.get(name).copied().unwrap_or_default();
    let (kind, len) = fact.kind();
    cbor::array(out, len);
    cbor::uint(out, kind);
    at.encode_to(out);
    match &fact {
        Fact::Ok { service, function, args, result: id } | Fact::Err { service, function, args, message: id, .. } => {
            cbor::uint(out, number(service));
            cbor::uint(out, number(function));
            cbor::bytes(out, args);
            if let Fact::Err { code, .. } = fact {
                cbor::int(out, i64::from(code));
            }
            cbor::bytes(out, id.digest());
        }
        Fact::Canon { base, elements } => {
            cbor::uint(out, *base);
            cbor::array(out, elements.len());
            for (at, value) in elements {
                cbor::array(out, 2);
                at.encode_to(out);
                cbor::bytes(out, value.digest());
            }
        }
        Fact::Sent { to, missing } => {
            cbor::bytes(out, &to.to_bytes());
            cbor::array(out, missing.len());
            missing.iter().for_each(|index| cbor::uint(out, u64::from(*index)));
        }
    }
}

/// The names of a segment that is being read, and how many of them have been used.
pub(super) struct NamesReader<'a> {
    list: Vec<&'a str>,
    used: usize,
}

impl<'a> NamesReader<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, CborError> {
        let count = reader.array()?;
        let mut list = Vec::with_capacity(count.min(256));
        let mut all = BTreeSet::new();
        for _ in 0..count {
            let name = reader.text()?;
            if !all.insert(name) {
                return reader.fail("a segment lists a name twice");
            }
            list.push(name);
        }
        Ok(Self { list, used: 0 })
    }

    /// Takes the number of a name; a name that was not used before has to be the next one.
    fn name(&mut self, reader: &mut Reader<'_>) -> Result<&'a str, CborError> {
        let number = usize::try_from(reader.uint()?).unwrap_or(usize::MAX);
        if number > self.used {
            return reader.fail("names are not numbered in the order of their use");
        }
        let Some(name) = self.list.get(number) else { return reader.fail("no name has this number") };
        self.used = self.used.max(number + 1);
        Ok(name)
    }

    pub(super) fn end(&self, reader: &Reader<'_>) -> Result<(), CborError> {
        if self.used == self.list.len() { Ok(()) } else { reader.fail("a segment lists a name that it does not use") }
    }
}

/// Reads a packed entry, and writes its canonical bytes in place of what is in `out`.
pub(super) fn unpack(reader: &mut Reader<'_>, names: &mut NamesReader<'_>, out: &mut Vec<u8>) -> Result<(), CborError> {
    let len = reader.array()?;
    let kind = reader.uint()?;
    if !matches!((kind, len), (0, 6) | (1, 7) | (2, 4) | (3, 4)) {
        return reader.fail("unknown kind of entry, or one of a wrong length");
    }
    let at = Position::read(reader)?;
    let fact = match kind {
        0 | 1 => {
            let (service, function) = (names.name(reader)?, names.name(reader)?);
            let args = reader.fixed()?;
            if kind == 0 {
                Fact::Ok { service, function, args, result: digest(reader)? }
            } else {
                let code = reader.int()?;
                let code = i32::try_from(code).or_else(|_| reader.fail("error code is no 32-bit integer"))?;
                Fact::Err { service, function, args, code, message: digest(reader)? }
            }
        }
        2 => Fact::Canon { base: reader.uint()?, elements: elements(reader)? },
        _ => Fact::Sent { to: read_peer(reader)?, missing: read_missing(reader)? },
    };
    out.clear();
    Entry { at, fact }.encode_to(out);
    Ok(())
}

fn digest(reader: &mut Reader<'_>) -> Result<ContentId, CborError> {
    reader.fixed().map(ContentId::from_digest)
}

fn elements(reader: &mut Reader<'_>) -> Result<Vec<(Position, ContentId)>, CborError> {
    let count = reader.array()?;
    let mut elements = Vec::with_capacity(count.min(256));
    for _ in 0..count {
        if reader.array()? != 2 {
            return reader.fail("element of a canon is not a pair");
        }
        elements.push((Position::read(reader)?, digest(reader)?));
    }
    Ok(elements)
}
