//! [`Sequences`]: what the canons of each log list, one growing list for all canons of a stream.

use std::collections::BTreeMap;

use super::content::MapKey;
use super::index::EntryNo;
use crate::data::{Element, Key, Position};
use crate::syntax::{Name, NodeId};
use crate::value::ContentId;

/// Which stream a canon reads, or an element belongs to, as its position alone tells: the name, the `new` around, and the
/// iterations around that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Site {
    pub(super) name: Name,
    pub(super) new: Option<NodeId>,
    pub(super) folds: Box<[(u32, Element)]>,
}

#[derive(Debug, Default)]
pub(super) struct Sequences {
    sequences: Vec<Sequence>,
    /// By owner and height of the canon entry.
    by_entry: BTreeMap<EntryNo, Stated>,
}

/// The list that a canon entry and those before it make.
#[derive(Clone, Debug)]
pub(super) struct Stated {
    pub(super) site: Site,
    pub(super) sequence: u32,
    pub(super) len: u32,
}

#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// What is claimed of each element.
    pub(super) claims: Vec<(Key, ContentId)>,
    by_key: BTreeMap<Key, u32>,
    /// The first elements as elements of the stream here: those that were found to be there with the claimed value.
    pub(super) resolved: Vec<u32>,
    /// Of a map, per key the places of its pairs among the resolved.
    pub(super) by_map_key: BTreeMap<MapKey, Vec<u32>>,
}

/// A canon lists an element twice.
pub(super) struct ListedTwice;

impl Sequences {
    pub(super) fn get(&self, sequence: u32) -> &Sequence {
        &self.sequences[sequence as usize]
    }

    pub(super) fn get_mut(&mut self, sequence: u32) -> &mut Sequence {
        &mut self.sequences[sequence as usize]
    }

    pub(super) fn stated(&self, entry: EntryNo) -> Option<&Stated> {
        self.by_entry.get(&entry)
    }

    /// How many elements have to be copied for a canon that extends the one at `base`: none if that is the last one.
    pub(super) fn copied(&self, base: EntryNo) -> usize {
        self.stated(base).map_or(0, |base| {
            let is_last = self.get(base.sequence).claims.len() == base.len as usize;
            if is_last { 0 } else { base.len as usize }
        })
    }

    /// Takes note of a canon entry. Returns how many elements it has with those of its base.
    pub(super) fn add(
        &mut self,
        entry: EntryNo,
        site: Site,
        base: u32,
        elements: &[(Position, ContentId)],
    ) -> Result<usize, ListedTwice> {
        let sequence = match self.stated((entry.0, base)).map(|base| (base.sequence, base.len as usize)) {
            Some((sequence, len)) if self.get(sequence).claims.len() == len => sequence,
            Some((sequence, len)) => {
                let copy = self.get(sequence).prefix(len);
                self.push(copy)
            }
            None => self.push(Sequence::default()),
        };
        let list = self.get_mut(sequence);
        for (at, id) in elements {
            let (key, index) = (at.key(), list.claims.len() as u32);
            if list.by_key.insert(key, index).is_some() {
                return Err(ListedTwice);
            }
            list.claims.push((key, *id));
        }
        let len = list.claims.len();
        self.by_entry.insert(entry, Stated { site, sequence, len: len as u32 });
        Ok(len)
    }

    fn push(&mut self, sequence: Sequence) -> u32 {
        self.sequences.push(sequence);
        self.sequences.len() as u32 - 1
    }
}

impl Sequence {
    fn prefix(&self, len: usize) -> Self {
        let claims = self.claims[..len].to_vec();
        let by_key = claims.iter().map(|(key, _)| *key).zip(0..).collect();
        Self { claims, by_key, ..Self::default() }
    }

    /// Whether an element is among the first `len`.
    pub(super) fn contains(&self, key: &Key, len: u32) -> bool {
        self.by_key.get(key).is_some_and(|&index| index < len)
    }
}
