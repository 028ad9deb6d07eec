//! The end of a step: which calls to request, which peers to forward the particle to, and the entries that say so.

use std::sync::Arc;

use marine_particle::PeerId;

use super::catch_up::is_counted;
use super::check::malformed;
use super::index::{At, EntryNo};
use super::machine::Machine;
use super::peers::PeerNo;
use super::state::{ActId, CallBody, Operand};
use super::{CallRequest, Rejection};
use crate::data::{Entry, Fact};
use crate::value::Tetraplet;

/// What a step asks of the host.
#[derive(Default)]
pub(super) struct Wishes {
    pub(super) requests: Vec<CallRequest>,
    pub(super) next_peers: Vec<PeerId>,
}

impl Machine<'_> {
    /// Goes through the calls that this step has reached or learned more about, in the order in which they were started.
    pub(super) fn close(&mut self) -> Result<Wishes, Rejection> {
        let mut wishes = Wishes::default();
        let Some(me) = self.state.me else {
            self.state.touched.clear();
            return Ok(wishes);
        };
        for act in std::mem::take(&mut self.state.touched) {
            let (Some(call), Some(peer)) = (self.state.call(act), self.state.peer_of_call(act)) else { continue };
            if !self.state.is_waiting(act) || call.is_held {
                continue;
            }
            if peer == me {
                wishes.requests.extend(self.request(act));
            } else if let Some(missing) = self.missing_to_forward(call, peer) {
                self.write_sent(act, me, peer, missing)?;
                let peer = self.state.peers.id(peer);
                if !wishes.next_peers.contains(&peer) {
                    wishes.next_peers.push(peer);
                }
            }
        }
        if !wishes.next_peers.is_empty() {
            self.claim_outstanding(me)?;
        }
        Ok(wishes)
    }

    fn request(&mut self, act: ActId) -> Option<CallRequest> {
        if !self.state.outstanding.contains(&act) {
            return None;
        }
        let (at, id) = (self.state.position_of(act), self.call_id(act));
        let [service, function] = [1, 2].map(|index| self.call_text(act, index).to_string());
        let call = self.state.call_mut(act)?;
        if std::mem::replace(&mut call.is_requested, true) {
            return None;
        }
        let known = || call.operands.iter().skip(3).filter_map(Operand::known);
        let args = known().map(|bound| bound.value.clone()).collect();
        let tetraplets: Vec<Vec<Tetraplet>> = known().map(|bound| bound.origin.tetraplets()).collect();
        Some(CallRequest { id, service, function, args, tetraplets, at })
    }

    /// The missing arguments with which the call has to be forwarded; `None`: it was, with all that is known here.
    fn missing_to_forward(&self, call: &CallBody, peer: PeerNo) -> Option<Vec<u32>> {
        let mut sents = self.state.index.slot(call.slot).sents().iter().filter(|sent| sent.to == peer).peekable();
        let args = call.operands.iter().skip(3).enumerate();
        let missing = || args.clone().filter(|(_, operand)| operand.known().is_none()).map(|(index, _)| index as u32);
        let Some(first) = sents.next() else { return Some(missing().collect()) };
        // Arguments that nobody who forwarded the call knew.
        let mut never_sent = first.missing.to_vec();
        for sent in sents {
            never_sent.retain(|index| sent.missing.binary_search(index).is_ok());
        }
        let is_news = never_sent
            .iter()
            .any(|&index| call.operands.get(3 + index as usize).is_some_and(|operand| operand.known().is_some()));
        is_news.then(|| missing().collect())
    }

    /// Says of calls at work here that they are, so that receivers do not send the particle back for them.
    fn claim_outstanding(&mut self, me: PeerNo) -> Result<(), Rejection> {
        let unclaimed: Vec<ActId> = self.state.unclaimed.iter().copied().collect();
        for act in unclaimed {
            self.write_sent(act, me, me, Vec::new())?;
        }
        Ok(())
    }

    fn write_sent(&mut self, act: ActId, me: PeerNo, to: PeerNo, missing: Vec<u32>) -> Result<(), Rejection> {
        let (at, to) = (self.state.position_of(act), self.state.peers.id(to));
        self.append(me, &Entry { at, fact: Fact::Sent { to, missing } })?;
        self.review(act);
        Ok(())
    }

    /// Writes an entry to this peer's log and into the index.
    pub(super) fn append(&mut self, me: PeerNo, entry: &Entry<'_>) -> Result<EntryNo, Rejection> {
        let bytes: Arc<[u8]> = entry.encode().into();
        self.check_sizes(1, bytes.len())?;
        self.state.entry_bytes += bytes.len();
        let owner = self.state.peers.id(me);
        let height = self.state.logs.append(owner, bytes);
        self.state.grown.entry(owner).or_insert(height - 1);
        let id = (me, height as u32);
        self.index_entry(id, entry)?;
        Ok(id)
    }

    /// Takes an entry of a log into the index.
    pub(super) fn index_entry(&mut self, id: EntryNo, entry: &Entry<'_>) -> Result<Option<ActId>, Rejection> {
        self.state.entries += 1;
        self.refer_to_value(id, entry)?;
        let to = match &entry.fact {
            Fact::Sent { to, .. } => Some(self.state.peers.number(*to)),
            _ => None,
        };
        let is_own = Some(id.0) == self.state.me;
        let added = self.state.index.add(id, entry, to, is_counted(entry, is_own));
        let there = added.map_err(|problem| malformed(self.state.peers.id(id.0), id.1, entry, problem))?;
        if let Fact::Canon { base, elements } = &entry.fact {
            self.add_canon(id, &entry.at, *base as u32, elements)?;
        }
        self.note_wants(id, &entry.at, &entry.fact);
        let act = match there {
            At::Nothing => None,
            At::Started(act) => Some(act),
            At::Over(slot) => {
                self.review_late(slot, id, &entry.at, to);
                None
            }
        };
        if let (Some(act), true) = (act, is_own && to == self.state.me) {
            self.state.unclaimed.remove(&act);
        }
        Ok(act)
    }
}
