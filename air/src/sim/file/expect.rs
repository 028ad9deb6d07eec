//! What a scenario file expects, and whether a run is like that.

use std::collections::BTreeSet;

use super::WRONG_VALUE;
use super::parts::{call, check_names, number, peer, take_peer, take_values};
use super::table::{Entry, Table};
use super::verdict::Unmet;
use crate::execution::{EntryState, Execution, Outcome, Setup};
use crate::sim::{CallRow, Run, SimError, World};
use crate::syntax::{Diagnostic, Span};
use crate::value::Value;

/// What is expected of a run as a whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Expectations {
    calls: Vec<ExpectedCalls>,
    outcomes: Vec<(Span, String, ExpectedOutcome)>,
    run: ExpectedRun,
}

#[derive(Clone, Debug)]
struct ExpectedCalls {
    place: Span,
    /// At any peer if there is none.
    peer: Option<String>,
    order: Order,
    calls: Vec<ExpectedCall>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Order {
    Sequence,
    Set,
    Includes,
}

/// A call; what is `None` may be anything.
#[derive(Clone, Debug)]
pub(super) struct ExpectedCall {
    call: String,
    args: Option<Vec<Value>>,
    tetraplets: Option<Value>,
}

/// The state of a script at a peer.
#[derive(Clone, Debug)]
pub(super) enum ExpectedOutcome {
    Running,
    Complete,
    Failed { code: Option<i64>, message: Option<String> },
}

#[derive(Clone, Debug, Default)]
struct ExpectedRun {
    place: Option<Span>,
    void: Option<u64>,
    verified: Option<u64>,
    messages_at_most: Option<u64>,
    reports: Vec<String>,
}

/// Reads `[expect]`.
pub(super) fn read(mut table: Table<'_, '_>, peers: &[String]) -> Expectations {
    let calls = table.take_tables("calls", "`[[expect.calls]]`");
    let outcomes = table.take_tables("outcome", "`[[expect.outcome]]`");
    let run = table.take_table("run", "`[expect.run]`");
    table.finish();
    Expectations {
        calls: calls.into_iter().filter_map(|table| read_calls(table, peers)).collect(),
        outcomes: outcomes.into_iter().filter_map(|table| read_outcome(table, peers)).collect(),
        run: run.map(read_run).unwrap_or_default(),
    }
}

fn read_calls(mut table: Table<'_, '_>, peers: &[String]) -> Option<ExpectedCalls> {
    let place = table.span;
    let peer = take_peer(&mut table, "peer", peers);
    let order = table.take("order").map_or(Some(Order::Set), |entry| {
        let order = match entry.text()?.as_str() {
            "sequence" => Order::Sequence,
            "set" => Order::Set,
            "includes" => Order::Includes,
            other => {
                entry.wrong(format!("`order` is {other:?}"), "`sequence`, `set` or `includes`");
                return None;
            }
        };
        Some(order)
    });
    let calls = match table.take("calls") {
        Some(entry) => read_call_list(entry, peers),
        None => {
            table.missing(
                "calls",
                "list them: `calls = [{ call = \"service.function\", args = [] }]`, or `[]` for none",
            );
            Vec::new()
        }
    };
    table.finish();
    Some(ExpectedCalls { place, peer, order: order?, calls })
}

/// Calls as tables, or as texts if their arguments do not matter.
pub(super) fn read_call_list(entry: Entry<'_, '_>, peers: &[String]) -> Vec<ExpectedCall> {
    let item = |item: Entry<'_, '_>| match item.is_text() {
        true => Some(ExpectedCall { call: call(&item, false)?, args: None, tetraplets: None }),
        false => read_call(item.table("`{ call = \"service.function\" }`")?, peers),
    };
    entry.items().into_iter().filter_map(item).collect()
}

fn read_call(mut table: Table<'_, '_>, peers: &[String]) -> Option<ExpectedCall> {
    let name = match table.take("call") {
        Some(entry) => call(&entry, false),
        None => {
            table.missing("call", "name it: `call = \"service.function\"`");
            None
        }
    };
    let args = take_values(&mut table, ("args", "args_json"), peers);
    let tetraplets = table.take("tetraplets").map(|entry| {
        let lists = entry.items().into_iter().map(|list| {
            let list = list.items().into_iter().filter_map(|item| read_tetraplet(item, peers));
            Value::array(list)
        });
        Value::array(lists.collect::<Vec<_>>())
    });
    table.finish();
    Some(ExpectedCall { call: name?, args, tetraplets })
}

const TETRAPLET: [&str; 4] = ["peer_pk", "service_id", "function_name", "lens"];

/// A tetraplet as a table, where missing fields are empty.
fn read_tetraplet(item: Entry<'_, '_>, peers: &[String]) -> Option<Value> {
    let mut table = item.table("a tetraplet: `{ peer_pk, service_id, function_name, lens }`")?;
    let place = Some(table.span);
    let fields = TETRAPLET.map(|name| (name, Value::from(table.take_text(name).unwrap_or_default())));
    let value = Value::object(fields);
    check_names(table.report, place, &value, peers);
    table.finish();
    Some(value)
}

fn read_outcome(mut table: Table<'_, '_>, peers: &[String]) -> Option<(Span, String, ExpectedOutcome)> {
    let place = table.span;
    let peer = match table.take("peer") {
        Some(entry) => peer(&entry, peers),
        None => {
            table.missing("peer", "say at which peer: `peer = \"client\"`");
            None
        }
    };
    let code = table.take("code").and_then(|entry| entry.number(i64::MIN..=i64::MAX));
    let message = table.take_text("message");
    let is = match table.take("is") {
        Some(entry) => outcome(&entry, code, message.clone()),
        None => {
            table.missing("is", "`is = \"running\"`, `\"complete\"` or `\"failed\"`");
            None
        }
    };
    if (code.is_some() || message.is_some()) && matches!(is, Some(ExpectedOutcome::Running | ExpectedOutcome::Complete))
    {
        table.wrong("`code` and `message` are of failures".to_owned(), "write `is = \"failed\"`, or leave them out");
    }
    table.finish();
    Some((place, peer?, is?))
}

pub(super) fn outcome(entry: &Entry<'_, '_>, code: Option<i64>, message: Option<String>) -> Option<ExpectedOutcome> {
    match entry.text()?.as_str() {
        "running" => Some(ExpectedOutcome::Running),
        "complete" => Some(ExpectedOutcome::Complete),
        "failed" => Some(ExpectedOutcome::Failed { code, message }),
        other => {
            entry.wrong(format!("`{}` is {other:?}", entry.name), "`running`, `complete` or `failed`");
            None
        }
    }
}

fn read_run(mut table: Table<'_, '_>) -> ExpectedRun {
    let place = Some(table.span);
    let mut count = |name| number(&mut table, name, 0..=i64::MAX);
    let (void, verified, messages_at_most) = (count("void"), count("verified"), count("messages_at_most"));
    let reports = match table.take("reports") {
        Some(entry) => entry.items().iter().filter_map(report).collect(),
        None => Vec::new(),
    };
    table.finish();
    ExpectedRun { place, void, verified, messages_at_most, reports }
}

/// A part of the text of a report.
fn report(entry: &Entry<'_, '_>) -> Option<String> {
    let text = entry.text()?;
    if text.is_empty() {
        let empty = Diagnostic::error(WRONG_VALUE, entry.span(), "an empty text is in every report");
        entry.report.add(empty.help("write a part of it, such as \"swallowed 10000\""));
    }
    Some(text)
}

impl Expectations {
    /// What of it the run does not meet. There must be no refusals, unless something was tampered with or steps say so.
    pub(super) fn unmet(&self, run: &mut Run, may_refuse: bool) -> Result<Vec<Unmet>, SimError> {
        let mut unmet: Vec<Unmet> = self.calls.iter().filter_map(|expected| expected.unmet(run)).collect();
        for (place, peer, expected) in &self.outcomes {
            unmet.extend(expected.unmet(Some(*place), peer, run.outcomes.get(peer)));
        }
        unmet.extend(self.run.unmet(run)?);
        if !may_refuse {
            let refusals =
                run.refusals.iter().map(|refusal| format!("{}: {} {}", refusal.peer, refusal.code, refusal.text));
            let refusals: Vec<String> = refusals.collect();
            if !refusals.is_empty() {
                let what = "peers refused steps".to_owned();
                unmet.push(Unmet { place: None, what, expected: Vec::new(), found: refusals });
            }
        }
        Ok(unmet)
    }
}

impl ExpectedCalls {
    fn unmet(&self, run: &Run) -> Option<Unmet> {
        let is_here = |call: &&CallRow| self.peer.as_ref().is_none_or(|peer| call.peer == *peer);
        // A call that a host made again after a restart is the same call.
        let mut seen = BTreeSet::new();
        let made: Vec<&CallRow> =
            run.calls.iter().filter(is_here).filter(|call| seen.insert((&call.peer, call.id))).collect();
        let is_met = match self.order {
            Order::Sequence => matches_in_order(&self.calls, &made),
            Order::Set => made.len() == self.calls.len() && matches_in_any_order(&self.calls, &made),
            Order::Includes => matches_in_any_order(&self.calls, &made),
        };
        let order = match self.order {
            Order::Sequence => "in this order",
            Order::Set => "in any order",
            Order::Includes => "among others",
        };
        let peer = self.peer.as_ref().map_or_else(|| "all peers".to_owned(), |peer| format!("`{peer}`"));
        (!is_met).then(|| Unmet {
            place: Some(self.place),
            what: format!("calls at {peer}, {order}"),
            expected: self.calls.iter().map(ExpectedCall::to_string).collect(),
            found: rows(&made, self.peer.is_none(), self.calls.iter().any(|call| call.tetraplets.is_some())),
        })
    }
}

/// Calls as found, with what of them was asked for.
fn rows(calls: &[&CallRow], with_peer: bool, with_tetraplets: bool) -> Vec<String> {
    let row = |call: &&CallRow| {
        let peer = if with_peer { format!("{}: ", call.peer) } else { String::new() };
        let tetraplets = if with_tetraplets { format!(" tetraplets {}", call.tetraplets) } else { String::new() };
        format!("{peer}{call}{tetraplets}")
    };
    calls.iter().map(row).collect()
}

pub(super) fn matches_in_order(expected: &[ExpectedCall], made: &[&CallRow]) -> bool {
    expected.len() == made.len() && expected.iter().zip(made).all(|(expected, call)| expected.fits(call))
}

/// Whether each expected call is a made one of its own: a matching of the two sides, by augmenting paths, since a call that
/// fits two descriptions must not be taken by the one that another call fits too.
fn matches_in_any_order(expected: &[ExpectedCall], made: &[&CallRow]) -> bool {
    let mut taken: Vec<Option<usize>> = vec![None; made.len()];
    (0..expected.len()).all(|start| {
        let mut came_from: Vec<Option<usize>> = vec![None; made.len()];
        let mut queue = vec![start];
        let mut free = None;
        while let Some(wanted) = queue.pop().filter(|_| free.is_none()) {
            for (index, call) in made.iter().enumerate() {
                if came_from[index].is_some() || !expected[wanted].fits(call) {
                    continue;
                }
                came_from[index] = Some(wanted);
                match taken[index] {
                    Some(holder) => queue.push(holder),
                    None => free = free.or(Some(index)),
                }
            }
        }
        let Some(mut index) = free else { return false };
        // Hands each call on the path over to the one that asked for it.
        while let Some(wanted) = came_from[index] {
            let before = taken.iter().position(|holder| *holder == Some(wanted));
            taken[index] = Some(wanted);
            let Some(before) = before else { break };
            index = before;
        }
        true
    })
}

impl ExpectedCall {
    fn fits(&self, call: &CallRow) -> bool {
        let is_called = self.call.split_once('.') == Some((call.service.as_str(), call.function.as_str()));
        is_called
            && self.args.as_ref().is_none_or(|args| *args == call.args)
            && self.tetraplets.as_ref().is_none_or(|tetraplets| *tetraplets == call.tetraplets)
    }
}

impl std::fmt::Display for ExpectedCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let args = self.args.as_ref().map_or_else(
            || "(..)".to_owned(),
            |args| {
                let args = Value::array(args.iter().cloned()).to_string();
                format!("({})", &args[1..args.len() - 1])
            },
        );
        write!(f, "{}{args}", self.call)?;
        match &self.tetraplets {
            Some(tetraplets) => write!(f, " tetraplets {tetraplets}"),
            None => Ok(()),
        }
    }
}

impl ExpectedOutcome {
    pub(super) fn unmet(&self, place: Option<Span>, peer: &str, found: Option<&Outcome>) -> Option<Unmet> {
        let is_met = match (self, found) {
            (Self::Running, Some(Outcome::Running)) | (Self::Complete, Some(Outcome::Complete)) => true,
            (Self::Failed { code, message }, Some(Outcome::Failed(error))) => {
                code.is_none_or(|code| code == error.code)
                    && message.as_ref().is_none_or(|message| error.message.contains(message.as_str()))
            }
            _ => false,
        };
        (!is_met).then(|| Unmet {
            place,
            what: format!("outcome at `{peer}`"),
            expected: vec![self.to_string()],
            found: vec![found.map_or_else(|| "the particle never came there".to_owned(), Outcome::to_string)],
        })
    }
}

impl std::fmt::Display for ExpectedOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Running => f.write_str("running"),
            Self::Complete => f.write_str("complete"),
            Self::Failed { code, message } => {
                f.write_str("failed")?;
                if let Some(code) = code {
                    write!(f, " with {code}")?;
                }
                match message {
                    Some(message) => write!(f, ", the message has `{message}`"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl ExpectedRun {
    fn unmet(&self, run: &mut Run) -> Result<Vec<Unmet>, SimError> {
        let mut unmet = Vec::new();
        let mut count = |what: &str, expected: String, is_met: bool, found: u64| {
            if !is_met {
                let (expected, found) = (vec![expected], vec![found.to_string()]);
                unmet.push(Unmet { place: self.place, what: what.to_owned(), expected, found });
            }
        };
        if self.void.is_some() || self.verified.is_some() {
            let (verified, void) = entries(&mut run.world)?;
            let is = |expected: Option<u64>, found| expected.is_none_or(|expected| expected == found);
            let text = |expected: Option<u64>| expected.unwrap_or_default().to_string();
            count("void entries", text(self.void), is(self.void, void), void);
            count("verified entries", text(self.verified), is(self.verified, verified), verified);
        }
        if let Some(most) = self.messages_at_most {
            let found = run.messages as u64;
            count("messages", format!("at most {most}"), found <= most, found);
        }
        let is_listed = |text: &str| self.reports.iter().any(|part| text.contains(part.as_str()));
        let texts = run.reports.iter().map(|(peer, report)| format!("{peer}: {}", run.report_text(report)));
        let unlisted: Vec<String> = texts.filter(|text| !is_listed(text)).collect();
        if !unlisted.is_empty() {
            let what = "reports that are not listed in `[expect.run]`".to_owned();
            unmet.push(Unmet { place: self.place, what, expected: self.reports.clone(), found: unlisted });
        }
        Ok(unmet)
    }
}

/// How many entries of all peers are verified and void in the eyes of an observer.
fn entries(world: &mut World) -> Result<(u64, u64), SimError> {
    let (particle, script) = (world.particle().clone(), world.script().clone());
    let setup = Setup { particle, script, me: None, limits: world.limits().clone() };
    let rejected = |rejection| SimError::Rejected { peer: "observer".to_owned(), rejection: Box::new(rejection) };
    let (mut observer, _) = Execution::new(setup, [], None).map_err(rejected)?;
    for data in world.all_data()? {
        observer.merge(data).map_err(rejected)?;
    }
    let view = observer.view();
    let count = |state| view.entries().filter(|entry| entry.state == state).count() as u64;
    Ok((count(EntryState::Verified), count(EntryState::Void)))
}
