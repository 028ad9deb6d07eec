//! Checking entries by themselves (6.6 a): what anyone with envelope and script can tell, always with the same answer.

use std::collections::{BTreeMap, BTreeSet};

use marine_particle::PeerId;

use super::Rejection;
use super::index::EntryNo;
use super::machine::Machine;
use super::peers::PeerNo;
use super::sequence::{ListedTwice, Site};
use crate::check::ScopeKind;
use crate::data::{Blob, Data, Element, Entry, Extension, Fact, Position};
use crate::syntax::{Expr, Instruction, Name, NodeId, Operand};
use crate::value::{ContentId, Value};

/// Bytes that an element of a sequence takes when the sequence is copied.
const COPIED_CLAIM: usize = 80;

/// A value that came with the data.
pub(super) type NewValue = (ContentId, Blob, Value);

/// What a message adds, checked.
pub(super) struct Checked<'e> {
    /// In the order of the logs and their heights.
    pub(super) entries: Vec<(EntryNo, Entry<'e>)>,
    pub(super) values: Vec<NewValue>,
    pub(super) entry_bytes: usize,
}

/// An entry is out of place.
pub(super) fn malformed(owner: PeerId, height: u32, entry: &Entry<'_>, problem: &str) -> Rejection {
    Rejection::DataMalformed(format!("entry {height} of the log of {owner} at {} {problem}", entry.at))
}

/// What the entries of one message have said so far.
#[derive(Default)]
struct Said {
    /// What canons read.
    canons: BTreeMap<EntryNo, Site>,
}

impl Machine<'_> {
    /// Checks what a message adds, entry by entry; changes nothing. What only entries together can be wrong in shows when they
    /// are taken: see [`Machine::take`].
    pub(super) fn check<'e>(&mut self, data: &Data, extensions: &'e [Extension]) -> Result<Checked<'e>, Rejection> {
        let values = self.new_values(data)?;
        let mut said = Said::default();
        let mut entries = Vec::with_capacity(extensions.iter().map(|extension| extension.entries().len()).sum());
        let mut entry_bytes = 0;
        for extension in extensions {
            let owner = self.state.peers.number(extension.peer);
            // Heights are below the limit on entries.
            for (height, bytes) in (extension.have as u32 + 1..).zip(extension.entries()) {
                let entry = Entry::decode(bytes).map_err(|error| {
                    Rejection::DataMalformed(format!("entry {height} of the log of {}: {error}", extension.peer))
                })?;
                let id = (owner, height);
                self.check_entry(id, &entry, &mut said)
                    .map_err(|problem| malformed(extension.peer, height, &entry, &problem))?;
                entry_bytes += bytes.len();
                entries.push((id, entry));
            }
        }
        self.check_sizes(entries.len(), entry_bytes + values.iter().map(|(_, bytes, _)| bytes.len()).sum::<usize>())?;
        Ok(Checked { entries, values, entry_bytes })
    }

    /// Takes what was checked into index and values.
    ///
    /// # Errors
    /// If a log says two different things about a position, or values are missing or too many.
    pub(super) fn take(&mut self, checked: Checked<'_>) -> Result<(), Rejection> {
        self.state.values.reserve(checked.values.len());
        for (id, bytes, value) in checked.values {
            self.add_value(id, bytes, value);
        }
        self.state.entry_bytes += checked.entry_bytes;
        for (id, entry) in &checked.entries {
            if let Some(act) = self.index_entry(*id, entry)? {
                self.notice(act);
            }
        }
        match self.state.values.unreferred() {
            Some(value) => Err(Rejection::ValueMismatch { value, problem: "is referred to by no entry" }),
            None => Ok(()),
        }
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
        let new = data.values().iter().filter(|(id, _)| !self.state.values.contains(id));
        new.map(|&(id, ref bytes)| {
            let value = Value::decode(bytes, self.limits).map_err(|error| super::value_rejection(id, error))?;
            Ok((id, bytes.clone(), value))
        })
        .collect()
    }

    fn check_entry(&mut self, id: EntryNo, entry: &Entry<'_>, said: &mut Said) -> Result<(), String> {
        let Entry { at, fact } = entry;
        self.check_position(at)?;
        let (peer, arg_count) = match (self.tree.instruction(NodeId(at.node)), fact) {
            (Instruction::Call { peer, .. }, Fact::Canon { .. }) => (peer, None),
            (Instruction::Call { peer, args, .. }, _) => (peer, Some(args.len())),
            (Instruction::Canon { peer, .. }, Fact::Canon { .. } | Fact::Sent { .. }) => (peer, Some(0)),
            _ => return Err("is at an instruction of a kind that has no such entries".to_owned()),
        };
        let Some(arg_count) = arg_count else { return Err("is a canon at a call".to_owned()) };
        let executor = match fact {
            Fact::Sent { to, .. } => self.state.peers.number(*to),
            _ => id.0,
        };
        if self.literal_peer(peer.expr).is_some_and(|expected| expected != Some(executor)) {
            let executor = self.state.peers.id(executor);
            return Err(format!("names peer {executor}, which is not the one in the script"));
        }
        match fact {
            Fact::Ok { service, function, .. } | Fact::Err { service, function, .. } => {
                self.check_names(at, [service, function])
            }
            Fact::Sent { missing, .. } => {
                if missing.last().is_some_and(|&last| last as usize >= arg_count) {
                    return Err(format!("lists an argument beyond the call's {arg_count}"));
                }
                Ok(())
            }
            Fact::Canon { base, elements } => self.check_canon(id, at, *base, elements, said),
        }
    }

    fn check_position(&self, at: &Position) -> Result<(), String> {
        if at.node as usize >= self.tree.len() {
            return Err(format!("is at an instruction beyond the script's {}", self.tree.len()));
        }
        self.check_folds(at)
    }

    /// Service and function are those that the script itself names, if it does.
    fn check_names(&self, at: &Position, found: [&str; 2]) -> Result<(), String> {
        let Instruction::Call { service, function, .. } = self.tree.instruction(NodeId(at.node)) else { return Ok(()) };
        for (expr, found) in [service.expr, function.expr].into_iter().zip(found) {
            if let Expr::Text(text) = expr
                && self.tree.text(text) != found
            {
                return Err(format!("names `{found}`, the script `{}`", self.tree.text(text)));
            }
        }
        Ok(())
    }

    /// A canon extends an earlier one of the same stream in the same log, and lists what calls and `ap`s write to that stream.
    fn check_canon(
        &self,
        (owner, height): EntryNo,
        at: &Position,
        base: u64,
        elements: &[(Position, ContentId)],
        said: &mut Said,
    ) -> Result<(), String> {
        let Instruction::Canon { source, .. } = self.tree.instruction(NodeId(at.node)) else { return Ok(()) };
        let site = self.site(at, source.name);
        if base > 0 {
            let before = u32::try_from(base).ok().filter(|base| *base < height).map(|base| (owner, base));
            let stated = before.and_then(|base| self.state.sequences.stated(base)).map(|stated| &stated.site);
            if stated.or_else(|| said.canons.get(&before?)) != Some(&site) {
                return Err("extends something that is no earlier canon of the same stream".to_owned());
            }
        }
        let mut keys = BTreeSet::new();
        for (element, _) in elements {
            self.check_position(element)?;
            let output = match self.tree.instruction(NodeId(element.node)) {
                Instruction::Call { output, .. } => output,
                Instruction::Ap { output, .. } => Some(output),
                Instruction::ApMap { map, .. } => Some(map),
                _ => None,
            };
            if output.is_none_or(|output| output.name != source.name) || self.site(element, source.name) != site {
                return Err("lists an element of another stream".to_owned());
            }
            if !keys.insert(element.key()) {
                return Err("lists an element twice".to_owned());
            }
        }
        said.canons.insert((owner, height), site);
        Ok(())
    }

    /// Which stream a name denotes at a position whose folds have been checked.
    fn site(&self, at: &Position, name: Name) -> Site {
        let binder = self.script.scopes().binder(NodeId(at.node), name).filter(|scope| scope.kind == ScopeKind::New);
        let depth = binder.map_or(0, |scope| scope.fold_depth as usize);
        Site { name, new: binder.map(|scope| scope.node), folds: at.folds[..depth].into() }
    }

    /// Takes note of what a canon lists, once it has been checked.
    pub(super) fn add_canon(
        &mut self,
        id: EntryNo,
        at: &Position,
        base: u32,
        elements: &[(Position, ContentId)],
    ) -> Result<(), Rejection> {
        let Instruction::Canon { source, .. } = self.tree.instruction(NodeId(at.node)) else { return Ok(()) };
        let site = self.site(at, source.name);
        self.charge(self.state.sequences.copied((id.0, base)) * COPIED_CLAIM)?;
        let len = self.state.sequences.add(id, site, base, elements).map_err(|ListedTwice| {
            let (owner, height) = (self.state.peers.id(id.0), id.1);
            Rejection::DataMalformed(format!("entry {height} of the log of {owner} at {at} lists an element twice"))
        })?;
        let max = self.limits.stream_elements;
        if len > max {
            return Err(Rejection::LimitExceeded { what: "number of elements of a canon", n: len, max });
        }
        Ok(())
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
            let is_stream = matches!(
                self.tree.instruction(*fold),
                Instruction::Fold { iterable: &Operand { expr: Expr::Variable(name, _), .. }, .. } if self.is_stream(name)
            );
            if is_stream != matches!(element, Element::Key(_)) {
                return Err("names an element in a way that its fold does not".to_owned());
            }
        }
        Ok(())
    }

    /// The peer that the script itself names, if it does; inside, `None` if that text is no peer.
    fn literal_peer(&mut self, expr: Expr) -> Option<Option<PeerNo>> {
        match expr {
            Expr::InitPeer => Some(Some(self.state.peers.number(self.particle.init()))),
            Expr::Text(text) => Some(self.state.peers.denoted(self.tree.text(text))),
            _ => None,
        }
    }

    /// The value that an entry refers to must be here or come with it.
    pub(super) fn refer_to_value(&mut self, id: EntryNo, entry: &Entry<'_>) -> Result<(), Rejection> {
        let Some(value) = self.referred_value(entry) else { return Ok(()) };
        let problem = match self.state.values.refer(&value, id) {
            None => "is missing",
            Some(text) if matches!(entry.fact, Fact::Err { .. }) && text.as_str().is_none() => {
                "is an error message and not a text"
            }
            Some(_) => return Ok(()),
        };
        Err(Rejection::ValueMismatch { value, problem })
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
