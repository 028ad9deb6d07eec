//! `call`: waits for its operands, takes its result from the data, or is requested here or forwarded to its peer.

use std::sync::Arc;

use super::content::{Bound, Content};
use super::error::Catchable;
use super::index::{EntryNo, EntryState, Sent};
use super::machine::{Fault, Machine};
use super::peers::PeerNo;
use super::state::{ActId, Body, CallBody, Operand};
use super::{CallId, EntryId, Rejection, Report, VoidReason};
use crate::cbor;
use crate::data::{Entry, Fact, Hash, Position};
use crate::syntax::Instruction;
use crate::value::{Tetraplet, Value};

impl Machine<'_> {
    /// Registers a call at its position. Only here is looked whether its output may be set, and when it is set.
    pub(super) fn start_call(&mut self, act: ActId) -> Result<(), Rejection> {
        let this = self.state.act(act);
        let (node, frame) = (this.node, self.state.frames[this.frame as usize].frame);
        let Instruction::Call { args, output, .. } = self.tree.instruction(node) else { return Ok(()) };
        if let Some(output) = output {
            self.settable(act, output.name)?;
        }
        self.charge((3 + args.len()) * size_of::<Operand>())?;
        let slot = self.state.index.slot_at(frame, node.0);
        self.state.index.set_act(slot, act);
        let body = CallBody::new(slot, 3 + args.len(), args.len());
        self.state.act_mut(act).body = Body::Call(Box::new(body));
        Ok(())
    }

    /// Reads operands that have come to be known, then looks for the result.
    pub(super) fn look_call(&mut self, act: ActId) -> Result<(), Fault> {
        if !self.read_at_peer(act)? {
            return Ok(());
        }
        self.review(act);
        self.take_result(act)?;
        if self.state.is_waiting(act) {
            self.state.touched.insert(act);
        }
        Ok(())
    }

    /// Reads the operands of a call or canon that were not read yet or have come to be known since, in their order; whether
    /// peer, service and function are known and the peer is one.
    pub(super) fn read_at_peer(&mut self, act: ActId) -> Result<bool, Fault> {
        let Some(call) = self.state.call_mut(act) else { return Ok(false) };
        let mut operands = std::mem::take(&mut call.operands);
        let read = if std::mem::replace(&mut call.is_read, true) {
            let mut woken = std::mem::take(&mut call.woken);
            woken.sort_unstable();
            woken.dedup();
            self.read_call(act, &mut operands, woken)
        } else {
            let all = 0..operands.len() as u32;
            self.read_call(act, &mut operands, all)
        };
        let triplet = &operands[..operands.len().min(3)];
        let is_known = triplet.iter().all(|operand| operand.known().is_some());
        let Some(call) = self.state.call_mut(act) else { return Ok(false) };
        call.operands = operands;
        read?;
        Ok(is_known && self.state.peer_of_call(act).is_some())
    }

    fn read_call(
        &mut self,
        act: ActId,
        operands: &mut [Operand],
        todo: impl IntoIterator<Item = u32>,
    ) -> Result<(), Fault> {
        let exprs = self.tree.operands(self.state.act(act).node);
        for index in todo {
            let Some(operand) = operands.get_mut(index as usize) else { continue };
            if operand.known().is_some() {
                continue;
            }
            let expr = exprs[index as usize].expr;
            self.read_operand(act, index, operand, expr)?;
            let Operand::Known(bound) = &*operand else { continue };
            if index >= 3 {
                if let Some(call) = self.state.call_mut(act) {
                    call.missing_args -= 1;
                }
                continue;
            }
            let Some(text) = bound.value.as_text().cloned() else {
                let name = self.operand_name(expr);
                return Err(Catchable::NonStringTriplet { name, value: bound.value.clone() }.into());
            };
            // Requests and reports have copies.
            self.charge(text.len())?;
            if index == 0 {
                self.set_peer(act, &text);
            }
        }
        Ok(())
    }

    fn set_peer(&mut self, act: ActId, text: &Arc<str>) {
        let Some(slot) = self.state.call(act).map(|call| call.slot) else { return };
        match self.state.peers.denoted(text) {
            Some(peer) => self.state.index.set_peer(slot, peer),
            None => {
                let at = self.state.position_of(act);
                self.state.reports.push(Report::NotAPeer { at, text: text.to_string() });
            }
        }
    }

    /// Compares entries that came for a reached position with the peer that the call has.
    pub(super) fn review(&mut self, act: ActId) {
        let Some(call) = self.state.call(act) else { return };
        let (number, results_seen, sents_seen) = (call.slot, call.results_seen, call.sents_seen);
        let slot = self.state.index.slot(number);
        let Some(peer) = slot.peer() else { return };
        let mut seen = (results_seen, slot.sents().len());
        loop {
            let entry = self.state.index.slot(number).results().nth(seen.0);
            let Some(entry) = entry else { break };
            seen.0 += 1;
            if entry.0 != peer {
                self.void_peer(self.state.position_of(act), entry, peer, entry.0);
            }
        }
        for index in sents_seen..seen.1 {
            let Sent { by, height, to, .. } = self.state.index.slot(number).sents()[index];
            if to == peer {
                self.state.index.set_state((by, height), EntryState::Verified);
            } else {
                self.void_peer(self.state.position_of(act), (by, height), peer, to);
            }
        }
        if let Some(call) = self.state.call_mut(act) {
            (call.results_seen, call.sents_seen) = seen;
        }
    }

    fn void_peer(&mut self, at: Position, entry: EntryNo, expected: PeerNo, found: PeerNo) {
        let [expected, found] = [expected, found].map(|peer| self.state.peers.text(peer).to_string());
        self.void(at, entry, "peer", expected, found);
    }

    /// An entry has come for a call or canon that has settled and was let go.
    pub(super) fn review_late(&mut self, slot: u32, id: EntryNo, at: &Position, to: Option<PeerNo>) {
        let Some(peer) = self.state.index.slot(slot).peer() else { return };
        let found = to.unwrap_or(id.0);
        if found != peer {
            self.void_peer(at.clone(), id, peer, found);
        } else if to.is_some() {
            self.state.index.set_state(id, EntryState::Verified);
        }
    }

    /// An entry disagrees with its position: it has no effect.
    pub(super) fn void(&mut self, at: Position, entry: EntryNo, field: &'static str, expected: String, found: String) {
        self.state.index.set_state(entry, EntryState::Void);
        let reason = VoidReason { at, field, expected, found };
        let entry = EntryId { peer: self.state.peers.id(entry.0), height: entry.1.into() };
        self.state.reports.push(Report::Void { entry, reason });
    }

    /// The result that the peer of a call or canon has stated, unless it was found to disagree.
    pub(super) fn claim(&self, act: ActId, peer: PeerNo) -> Option<EntryNo> {
        let result = self.state.index.slot(self.state.call(act)?.slot).result_of(peer);
        result.filter(|&entry| self.state.index.state(entry) != EntryState::Void)
    }

    /// Settles the call with the result in the data, if there is one that agrees.
    fn take_result(&mut self, act: ActId) -> Result<(), Fault> {
        let Some(call) = self.state.call(act) else { return Ok(()) };
        let (are_args_known, slot) = (call.missing_args == 0, call.slot);
        let Some(peer) = self.state.index.slot(slot).peer() else { return Ok(()) };
        let claim = self.claim(act, peer);
        if let Some(entry) = claim
            && are_args_known
        {
            self.set_held(act, false);
            if self.check_claim(act, entry)? {
                return Ok(());
            }
        } else {
            self.set_held(act, claim.is_some());
        }
        if self.state.me == Some(peer) && are_args_known {
            // What could not be recorded is not requested.
            self.args_hash(act)?;
            let is_claimed = self.state.index.slot(slot).sents().iter().any(|sent| (sent.by, sent.to) == (peer, peer));
            if self.state.outstanding.insert(act) {
                self.name_call(act)?;
                if !is_claimed {
                    self.state.unclaimed.insert(act);
                }
            }
        }
        Ok(())
    }

    /// Lets the call be found by its id.
    fn name_call(&mut self, act: ActId) -> Result<(), Rejection> {
        let id = self.call_id(act);
        match self.state.call_ids.insert(id, act) {
            Some(other) if other != act => Err(Rejection::KeyCollision(id)),
            _ => Ok(()),
        }
    }

    /// Nobody asks for a call that has settled by its id.
    pub(super) fn forget_name(&mut self, act: ActId) {
        if self.state.peer_of_call(act) == self.state.me {
            self.state.call_ids.remove(&self.call_id(act));
        }
    }

    pub(super) fn call_id(&self, act: ActId) -> CallId {
        let act = self.state.act(act);
        self.state.frames[act.frame as usize].frame.key(act.node.0)
    }

    pub(super) fn set_held(&mut self, act: ActId, is_held: bool) {
        if let Some(call) = self.state.call_mut(act) {
            call.is_held = is_held;
        }
    }

    /// Compares a claimed result with the call, all of whose operands are known; takes it if it agrees.
    fn check_claim(&mut self, act: ActId, claim: EntryNo) -> Result<bool, Fault> {
        let args = self.args_hash(act)?;
        let peer = self.state.peers.id(claim.0);
        let Some(bytes) = self.state.logs.get(&peer).and_then(|log| log.entry(claim.1.into())).cloned() else {
            return Ok(false);
        };
        let Ok(Entry { fact, .. }) = Entry::decode(&bytes) else { return Ok(false) };
        let (found, found_args) = match &fact {
            Fact::Ok { service, function, args, .. } | Fact::Err { service, function, args, .. } => {
                ([*service, *function], args)
            }
            Fact::Canon { .. } | Fact::Sent { .. } => return Ok(false),
        };
        let expected = [1, 2].map(|index| self.call_text(act, index));
        for (index, field) in ["service", "function"].into_iter().enumerate() {
            if &*expected[index] != found[index] {
                let at = self.state.position_of(act);
                self.void(at, claim, field, expected[index].to_string(), found[index].to_owned());
                return Ok(false);
            }
        }
        if args != *found_args {
            self.void(self.state.position_of(act), claim, "args", hex(&args), hex(found_args));
            return Ok(false);
        }
        self.state.index.set_state(claim, EntryState::Verified);
        self.settle_call(act, &fact)?;
        Ok(true)
    }

    fn settle_call(&mut self, act: ActId, fact: &Fact<'_>) -> Result<(), Fault> {
        self.state.outstanding.remove(&act);
        self.state.unclaimed.remove(&act);
        if !self.state.touched.is_empty() {
            self.state.touched.remove(&act);
        }
        let missing = |id| Rejection::ValueMismatch { value: id, problem: "is missing" };
        match *fact {
            Fact::Err { code, message, .. } => {
                let message = self.state.values.get(&message).and_then(Value::as_text).cloned();
                Err(Catchable::LocalService { code, message: message.unwrap_or_default() }.into())
            }
            Fact::Ok { result, .. } => {
                if let Instruction::Call { output: Some(output), .. } = self.tree.instruction(self.state.act(act).node)
                {
                    let value = self.state.values.get(&result).cloned().ok_or_else(|| missing(result))?;
                    let origin = self.call_tetraplet(act).unwrap_or_else(|| self.state.literal.clone());
                    let bound = Bound::new(value, origin);
                    if self.is_stream(output.name) {
                        self.push(act, output.name, bound, Some(result))?;
                    } else {
                        self.set(act, output.name, Content::Plain(bound))?;
                    }
                }
                self.forget_operands(act);
                self.complete(act);
                Ok(())
            }
            Fact::Canon { .. } | Fact::Sent { .. } => Ok(()),
        }
    }

    /// Peers have no further use for the operands of a call that is over; observers show them.
    pub(super) fn forget_operands(&mut self, act: ActId) {
        if self.me.is_some()
            && let Some(call) = self.state.call_mut(act)
        {
            call.operands = Box::default();
        }
    }

    /// The text of peer, service or function, once known.
    pub(super) fn call_text(&self, act: ActId, index: usize) -> Arc<str> {
        let operand = self.state.call(act).and_then(|call| call.operands.get(index)?.known());
        operand.and_then(|bound| bound.value.as_text()).cloned().unwrap_or_default()
    }

    /// The origin of the call's result. Calls of the same function, one after the other, share it.
    pub(super) fn call_tetraplet(&mut self, act: ActId) -> Option<Arc<Tetraplet>> {
        let peer = self.state.peer_of_call(act)?;
        let peer = self.state.peers.text(peer);
        let [service_id, function_name] = [1, 2].map(|index| self.call_text(act, index));
        let origin = Tetraplet { peer_pk: peer, service_id, function_name, lens: Arc::default() };
        if *self.state.last_origin != origin {
            self.state.last_origin = Arc::new(origin);
        }
        Some(self.state.last_origin.clone())
    }

    /// blake3 of the DAG-CBOR array of the arguments, which are known.
    ///
    /// # Errors
    /// If that array is over the limit on values. A value may be an argument many times, so this is not bounded otherwise.
    pub(super) fn args_hash(&mut self, act: ActId) -> Result<Hash, Rejection> {
        let max = self.limits.value_bytes;
        let Some(call) = self.state.call_mut(act) else { return Ok(Hash::default()) };
        if let Some(hash) = call.args_hash {
            return Ok(hash);
        }
        let mut hashing = cbor::Hashing::default();
        cbor::array(&mut hashing, call.operands.len().saturating_sub(3));
        for bound in call.operands.iter().skip(3).filter_map(Operand::known) {
            bound.value.encode_to(&mut hashing);
            let n = hashing.len();
            if n > max {
                return Err(Rejection::LimitExceeded { what: "length of the arguments of a call", n, max });
            }
        }
        let hash = hashing.finish();
        call.args_hash = Some(hash);
        Ok(hash)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
