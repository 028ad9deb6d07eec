//! Checking entries by themselves (6.6 a): what anyone with envelope and script can tell, always with the same answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use marine_particle::PeerId;

use super::Rejection;
use super::machine::Machine;
use crate::data::{Data, Element, Entry, Extension, Fact, Position, parse_peer};
use crate::syntax::{Expr, Instruction, NameKind, NodeId};
use crate::value::{ContentId, Value};

/// A value that came with the data.
pub(super) type NewValue = (ContentId, Arc<[u8]>, Value);

/// What a message adds, checked.
pub(super) struct Checked<'e> {
    /// Owner, height and entry, in the order of the logs and their heights.
    pub(super) entries: Vec<(PeerId, u64, Entry<'e>)>,
    pub(super) values: Vec<NewValue>,
    pub(super) entry_bytes: usize,
}

/// What the entries of one message have said so far.
#[derive(Default)]
struct Said {
    results: BTreeSet<(PeerId, Position)>,
    /// The last missing arguments.
    sents: BTreeMap<(PeerId, Position), Vec<u32>>,
    values: BTreeSet<ContentId>,
}

impl Machine<'_> {
    /// Checks what a message adds; changes nothing.
    pub(super) fn check<'e>(&mut self, data: &Data, extensions: &'e [Extension]) -> Result<Checked<'e>, Rejection> {
        let values = self.new_values(data)?;
        let by_id: BTreeMap<&ContentId, &Value> = values.iter().map(|(id, _, value)| (id, value)).collect();
        let mut said = Said::default();
        let mut entries = Vec::new();
        let mut entry_bytes = 0;
        for extension in extensions {
            for (height, bytes) in (extension.have + 1..).zip(extension.entries()) {
                let entry = Entry::decode(bytes).map_err(|error| {
                    Rejection::DataMalformed(format!("entry {height} of the log of {}: {error}", extension.peer))
                })?;
                self.check_entry(extension.peer, &entry, &mut said).map_err(|problem| {
                    let Entry { at, .. } = &entry;
                    Rejection::DataMalformed(format!(
                        "entry {height} of the log of {} at {at} {problem}",
                        extension.peer
                    ))
                })?;
                self.check_value(&entry, &by_id, &mut said)?;
                entry_bytes += bytes.len();
                entries.push((extension.peer, height, entry));
            }
        }
        if let Some((id, ..)) = values.iter().find(|(id, ..)| !said.values.contains(id)) {
            return Err(Rejection::ValueMismatch { value: *id, problem: "is referred to by no entry" });
        }
        self.check_sizes(entries.len(), entry_bytes + values.iter().map(|(_, bytes, _)| bytes.len()).sum::<usize>())?;
        Ok(Checked { entries, values, entry_bytes })
    }

    /// Checks that this much more is within the limits.
    pub(super) fn check_sizes(&self, entries: usize, bytes: usize) -> Result<(), Rejection> {
        let entries = entries + self.state.entries;
        let bytes = bytes + self.state.entry_bytes + self.state.values.bytes();
        for (what, n, max) in [
            ("number of entries", entries, self.limits.entries),
            ("size of the particle's data", bytes, self.limits.data_bytes),
        ] {
            if n > max {
                return Err(Rejection::LimitExceeded { what, n, max });
            }
        }
        Ok(())
    }

    /// Decodes the values that are not here yet.
    fn new_values(&self, data: &Data) -> Result<Vec<NewValue>, Rejection> {
        let new = data.values.iter().filter(|(id, _)| !self.state.values.contains(id));
        new.map(|(&id, bytes)| {
            let value = Value::decode(bytes, self.limits).map_err(|error| super::value_rejection(id, error))?;
            Ok((id, bytes.clone(), value))
        })
        .collect()
    }

    fn check_entry(&mut self, owner: PeerId, entry: &Entry<'_>, said: &mut Said) -> Result<(), String> {
        let Entry { at, fact } = entry;
        if at.node as usize >= self.tree.len() {
            return Err(format!("is at an instruction beyond the script's {}", self.tree.len()));
        }
        let node = NodeId(at.node);
        self.check_folds(at)?;
        let Instruction::Call { peer, service, function, args, .. } = self.tree.instruction(node) else {
            return Err("is at an instruction of a kind that has no such entries".to_owned());
        };
        let executor = match fact {
            Fact::Sent { to, .. } => *to,
            _ => owner,
        };
        if self.literal_peer(peer.expr).is_some_and(|expected| expected != Some(executor)) {
            return Err(format!("names peer {executor}, which is not the one in the script"));
        }
        match fact {
            Fact::Ok { service: s, function: f, .. } | Fact::Err { service: s, function: f, .. } => {
                for (expr, found) in [(service.expr, s), (function.expr, f)] {
                    if let Expr::Text(text) = expr
                        && self.tree.text(text) != *found
                    {
                        return Err(format!("names `{found}`, the script `{}`", self.tree.text(text)));
                    }
                }
                self.check_first_result(owner, at, said)
            }
            Fact::Sent { missing, .. } => {
                if missing.last().is_some_and(|&last| last as usize >= args.len()) {
                    return Err(format!("lists an argument beyond the call's {}", args.len()));
                }
                self.check_fewer_missing(owner, at, missing, said)
            }
            Fact::Canon { .. } => Err("is a canon at a call".to_owned()),
        }
    }

    /// The folds of a position are those around the instruction, each with the right kind of element.
    fn check_folds(&self, at: &Position) -> Result<(), String> {
        let is_as_deep = self.script.scopes().fold_depth(NodeId(at.node)) == at.folds.len();
        // Listing the folds takes as long as there are folds, so not before the entry has as many.
        let folds = if is_as_deep { self.script.scopes().folds(NodeId(at.node)) } else { Vec::new() };
        if !is_as_deep || folds.iter().zip(&at.folds).any(|(expected, (found, _))| expected.0 != *found) {
            return Err("lists other folds than those around the instruction".to_owned());
        }
        for (fold, (_, element)) in folds.iter().zip(&at.folds) {
            let Instruction::Fold { iterable, .. } = self.tree.instruction(*fold) else { continue };
            let is_stream = match iterable.expr {
                Expr::Variable(name, _) => matches!(self.tree.name_kind(name), NameKind::Stream | NameKind::Map),
                _ => false,
            };
            if is_stream != matches!(element, Element::Key(_)) {
                return Err("names an element in a way that its fold does not".to_owned());
            }
        }
        Ok(())
    }

    /// The peer that the script itself names, if it does; inside, `None` if that text is no peer.
    fn literal_peer(&self, expr: Expr) -> Option<Option<PeerId>> {
        match expr {
            Expr::InitPeer => Some(Some(self.particle.init())),
            Expr::Text(text) => Some(parse_peer(self.tree.text(text))),
            _ => None,
        }
    }

    fn check_first_result(&self, owner: PeerId, at: &Position, said: &mut Said) -> Result<(), String> {
        let is_first = said.results.insert((owner, at.clone()));
        let slot = self.state.index.find(&at.key());
        if !is_first || slot.is_some_and(|slot| slot.results.iter().any(|(peer, _)| *peer == owner)) {
            return Err("is the second result of one log at this position".to_owned());
        }
        Ok(())
    }

    fn check_fewer_missing(
        &self,
        owner: PeerId,
        at: &Position,
        missing: &[u32],
        said: &mut Said,
    ) -> Result<(), String> {
        let slot = self.state.index.find(&at.key());
        let before = slot.and_then(|slot| slot.sents.iter().rev().find(|sent| sent.by == owner));
        let before =
            said.sents.insert((owner, at.clone()), missing.to_vec()).or(before.map(|sent| sent.missing.clone()));
        match before {
            Some(before)
                if before.len() <= missing.len()
                    || missing.iter().any(|index| before.binary_search(index).is_err()) =>
            {
                Err("forwards again without an argument that was missing before".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// The value that an entry refers to must be here or come with it.
    fn check_value(
        &self,
        entry: &Entry<'_>,
        new: &BTreeMap<&ContentId, &Value>,
        said: &mut Said,
    ) -> Result<(), Rejection> {
        let Some(id) = self.referred_value(entry) else { return Ok(()) };
        let Some(value) = new.get(&id).copied().or_else(|| self.state.values.get(&id)) else {
            return Err(Rejection::ValueMismatch { value: id, problem: "is missing" });
        };
        if matches!(entry.fact, Fact::Err { .. }) && value.as_str().is_none() {
            return Err(Rejection::ValueMismatch { value: id, problem: "is an error message and not a text" });
        }
        said.values.insert(id);
        Ok(())
    }

    /// The value that travels with an entry: an error's message, and the result of a call that has an output.
    pub(super) fn referred_value(&self, entry: &Entry<'_>) -> Option<ContentId> {
        match entry.fact {
            Fact::Err { message, .. } => Some(message),
            Fact::Ok { result, .. } => match self.tree.instruction(NodeId(entry.at.node)) {
                Instruction::Call { output: Some(_), .. } => Some(result),
                _ => None,
            },
            Fact::Canon { .. } | Fact::Sent { .. } => None,
        }
    }
}
