//! [`Row`]: one call or canon of a trace, or an entry that stands by itself.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use crate::data::{Element, Entry, Fact, Position};
use crate::execution::{CallState, CallView, EntryId, EntryState, EntryView, View, VoidReason};
use crate::syntax::{Instruction, Location, NodeId, Tree, print_instruction};
use crate::value::Value;

/// A call or canon that was reached; or an entry about a position that was not, or that disagrees with its position.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Row {
    /// The line of the instruction in the script, counted from 1.
    pub line: usize,
    /// Its column, counted from 1 in characters.
    pub column: usize,
    /// Where it comes from, for scripts that a compiler made: see [`Trace::with_sources`](super::Trace::with_sources).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The iterations around it, outermost first.
    pub frames: Vec<RowFrame>,
    /// The peer in base58; `None` while not known.
    pub peer: Option<String>,
    /// The service; `None` while not known.
    pub service: Option<String>,
    /// The function; `None` while not known.
    pub function: Option<String>,
    /// Of a canon, what it reads and what it sets, as in `$s #s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canon: Option<String>,
    /// The arguments; `None` while not known, and for entries that stand by themselves.
    pub args: Vec<Option<Json>>,
    /// What has become of it.
    #[serde(flatten)]
    pub state: RowState,
    /// The entry that says so.
    pub signed: Option<Signed>,
    /// The instruction as it is printed, without those inside it.
    pub instruction: String,
    /// All entries about it that have an effect here, by peer and height; of an entry that stands by itself, that entry.
    pub statements: Vec<Statement>,
}

/// An entry about a row.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Statement {
    /// The peer that states and signs it, in base58.
    pub by: String,
    /// The height of the entry, counted from 1.
    pub entry: u64,
    /// The length of the log that the signature is for.
    pub length: u64,
    /// What it says.
    #[serde(flatten)]
    pub says: Says,
}

/// What an entry says about its position.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "says", rename_all = "lowercase")]
pub enum Says {
    /// The call returned.
    Ok,
    /// The call failed.
    Err,
    /// The canon was taken.
    Canon,
    /// The particle was sent to a peer for it.
    Sent {
        /// The peer in base58; the owner of the entry itself if it is at work on it.
        to: String,
        /// The indexes of the arguments that were not known then.
        missing: Vec<u32>,
    },
}

/// An iteration.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RowFrame {
    /// The name of the iterator.
    pub iterator: String,
    /// Its value; `None` if the iteration was not reached.
    pub value: Option<Json>,
    /// The index of the element, if it is one of an array.
    pub index: Option<u32>,
}

/// What has become of a call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum RowState {
    /// It returned.
    Ok {
        /// The content identifier of the result.
        cid: String,
        /// The result; `None` if no instruction uses it, the data has only its identifier then.
        value: Option<Json>,
    },
    /// The peer of a canon has seen these elements.
    Seen {
        /// In its order.
        elements: Vec<Json>,
    },
    /// It failed.
    Failed {
        /// The code of the error that the script sees, 10000 to 10012.
        code: i64,
        /// The service's own code, if the call was executed.
        service_code: Option<i32>,
        /// The service's message, or that of the error.
        message: String,
    },
    /// Something is missing.
    Waiting {
        /// The variables that it waits for.
        names: Vec<String>,
        /// The peers that have forwarded it to its own.
        sent_by: Vec<String>,
    },
    /// The entry disagrees with the script and has no effect.
    Void {
        /// What disagrees: `peer`, `service`, `function` or `args`; of a canon also `element`.
        field: String,
        /// What follows from the script.
        expected: String,
        /// What the entry says.
        found: String,
    },
    /// Nothing known leads to the position of the entry.
    Unreached,
}

/// Where the statement of a row is: an entry in its peer's log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Signed {
    /// The peer that states and signs it, in base58.
    pub by: String,
    /// The height of the entry, counted from 1.
    pub entry: u64,
    /// The length of the log that the signature is for.
    pub length: u64,
}

/// The rows of all calls, then those of the entries that stand by themselves.
pub(super) fn rows(view: &View<'_>, voids: &BTreeMap<EntryId, VoidReason>) -> Vec<Row> {
    let mut about: BTreeMap<Position, Vec<Statement>> = BTreeMap::new();
    for entry in view.entries().filter(|entry| entry.state != EntryState::Void) {
        about.entry(entry.entry.at.clone()).or_default().push(statement(view, &entry));
    }
    let call = |call: CallView| {
        let statements = about.get(&call.at).cloned().unwrap_or_default();
        Row { statements, ..call_row(view, call) }
    };
    let mut rows: Vec<Row> = view.calls().into_iter().map(call).collect();
    let alone = view.entries().filter(|entry| match entry.state {
        EntryState::Verified => false,
        EntryState::Void => true,
        EntryState::Unreached => !matches!(entry.entry.fact, Fact::Sent { .. }),
    });
    let mut alone: Vec<EntryView<'_>> = alone.collect();
    alone.sort_by(|a, b| (&a.entry.at, a.id).cmp(&(&b.entry.at, b.id)));
    rows.extend(alone.iter().map(|entry| entry_row(view, entry, voids.get(&entry.id))));
    rows
}

fn call_row(view: &View<'_>, call: CallView) -> Row {
    let [peer, service, function] = call.target;
    let (state, entry) = call_state(call.state);
    let signed = entry.map(|entry| signed(view, entry));
    let args = call.args.iter().map(|arg| arg.as_ref().map(Json::from)).collect();
    Row { peer, service, function, canon: call.canon, args, state, signed, ..empty_row(view, &call.at) }
}

fn call_state(state: CallState) -> (RowState, Option<EntryId>) {
    let waiting = |names, sent_by| (RowState::Waiting { names, sent_by }, None);
    match state {
        CallState::Ok { entry, result, value } => {
            let value = value.as_ref().map(Json::from);
            (RowState::Ok { cid: result.to_string(), value }, Some(entry))
        }
        CallState::Err { entry, code, message } => {
            (RowState::Failed { code: 10000, service_code: Some(code), message }, Some(entry))
        }
        CallState::Seen { entry, elements } => {
            (RowState::Seen { elements: elements.iter().map(Json::from).collect() }, Some(entry))
        }
        CallState::Failed(error) => {
            let (code, message) = (error.code, error.message.to_string());
            (RowState::Failed { code, service_code: None, message }, None)
        }
        CallState::Waiting(names) => waiting(names, Vec::new()),
        CallState::Sent(by) => waiting(Vec::new(), by.iter().map(|peer| peer.to_base58()).collect()),
        CallState::Outstanding => waiting(Vec::new(), Vec::new()),
    }
}

fn entry_row(view: &View<'_>, entry: &EntryView<'_>, void: Option<&VoidReason>) -> Row {
    let Entry { at, fact } = &entry.entry;
    let (service, function) = match fact {
        Fact::Ok { service, function, .. } | Fact::Err { service, function, .. } => {
            (Some((*service).to_owned()), Some((*function).to_owned()))
        }
        Fact::Canon { .. } | Fact::Sent { .. } => (None, None),
    };
    let state = match void {
        Some(VoidReason { field, expected, found, .. }) => {
            RowState::Void { field: (*field).to_owned(), expected: expected.clone(), found: found.clone() }
        }
        None => RowState::Unreached,
    };
    let (peer, signed) = (Some(entry.id.peer.to_base58()), Some(signed(view, entry.id)));
    let statements = vec![statement(view, entry)];
    Row { peer, service, function, state, signed, statements, ..empty_row(view, at) }
}

fn statement(view: &View<'_>, entry: &EntryView<'_>) -> Statement {
    let says = match &entry.entry.fact {
        Fact::Ok { .. } => Says::Ok,
        Fact::Err { .. } => Says::Err,
        Fact::Canon { .. } => Says::Canon,
        Fact::Sent { to, missing } => Says::Sent { to: to.to_base58(), missing: missing.clone() },
    };
    let Signed { by, entry, length } = signed(view, entry.id);
    Statement { by, entry, length, says }
}

/// A row that says only where it is.
fn empty_row(view: &View<'_>, at: &Position) -> Row {
    let tree = view.setup().script.tree();
    let Location { line, column } = Location::of(tree.source(), tree.span(NodeId(at.node)).start);
    Row {
        line,
        column,
        source: None,
        frames: (0..at.folds.len()).map(|depth| frame(view, tree, &at.folds[..=depth])).collect(),
        peer: None,
        service: None,
        function: None,
        canon: match tree.instruction(NodeId(at.node)) {
            Instruction::Canon { source, target, .. } => {
                Some(format!("{} {}", tree.name(source.name), tree.name(target.name)))
            }
            _ => None,
        },
        args: Vec::new(),
        state: RowState::Unreached,
        signed: None,
        instruction: print_instruction(tree, NodeId(at.node)),
        statements: Vec::new(),
    }
}

/// The innermost iteration of a chain of folds that is not empty.
fn frame(view: &View<'_>, tree: &Tree, folds: &[(u32, Element)]) -> RowFrame {
    let (fold, element) = folds[folds.len() - 1];
    let iterator = match tree.instruction(NodeId(fold)) {
        Instruction::Fold { iterator, .. } => tree.name(iterator.name).to_owned(),
        _ => String::new(),
    };
    let index = match element {
        Element::Index(index) => Some(index),
        Element::Key(_) => None,
    };
    RowFrame { iterator, value: view.iterator(folds).as_ref().map(|value: &Value| Json::from(value)), index }
}

fn signed(view: &View<'_>, entry: EntryId) -> Signed {
    let length = view.logs().get(&entry.peer).and_then(|log| log.signed()).map_or(0, |(length, _)| length);
    Signed { by: entry.peer.to_base58(), entry: entry.height, length }
}
