//! [`Peers`]: the peers that a particle has to do with, numbered as they come up.
//!
//! A peer id takes eighty bytes, so whatever there is per entry or per instance has the number. Numbers mean nothing outside of one
//! execution, and nothing depends on their order.

use std::collections::BTreeMap;
use std::sync::Arc;

use marine_particle::PeerId;

use super::state::NONE;
use crate::data::parse_peer;

/// The number of a peer; [`NONE`]: of nobody.
pub(super) type PeerNo = u32;

#[derive(Debug, Default)]
pub(super) struct Peers {
    peers: Vec<Peer>,
    numbers: BTreeMap<PeerId, PeerNo>,
    /// What texts denote; [`NONE`]: no peer.
    by_text: BTreeMap<Arc<str>, PeerNo>,
}

#[derive(Debug)]
struct Peer {
    id: PeerId,
    /// In base58, once asked for.
    text: Option<Arc<str>>,
}

impl Peers {
    pub(super) fn number(&mut self, id: PeerId) -> PeerNo {
        *self.numbers.entry(id).or_insert_with(|| {
            self.peers.push(Peer { id, text: None });
            self.peers.len() as PeerNo - 1
        })
    }

    /// The number of a peer, if it has one.
    pub(super) fn find(&self, id: &PeerId) -> Option<PeerNo> {
        self.numbers.get(id).copied()
    }

    /// The peer that a text denotes, if it is one whose signatures can be verified.
    pub(super) fn denoted(&mut self, text: &str) -> Option<PeerNo> {
        if let Some(&number) = self.by_text.get(text) {
            return Some(number).filter(|&number| number != NONE);
        }
        let number = parse_peer(text).map(|id| self.number(id));
        self.by_text.insert(text.into(), number.unwrap_or(NONE));
        number
    }

    pub(super) fn id(&self, number: PeerNo) -> PeerId {
        self.peers[number as usize].id
    }

    /// The id in base58.
    pub(super) fn text(&mut self, number: PeerNo) -> Arc<str> {
        let Peer { id, text } = &mut self.peers[number as usize];
        text.get_or_insert_with(|| id.to_base58().into()).clone()
    }
}
