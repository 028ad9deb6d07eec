//! Scenarios that script their deliveries: each `[[step]]` is one event, with expectations of its own.

use super::expect::{ExpectedCall, ExpectedOutcome, matches_in_order, outcome, read_call_list};
use super::parts::{peer, read_error, take_value};
use super::script::check_peer;
use super::table::{Entry, Table};
use super::verdict::Unmet;
use crate::execution::{CallId, CallRequest, CallResult};
use crate::sim::{CallRow, Refusal, Run, Scenario, SimError, Step, TimelineRow, World};
use crate::syntax::Span;

/// One event, and what is expected of it.
#[derive(Clone, Debug)]
pub(super) struct ScriptedStep {
    place: Span,
    action: Action,
    /// Calls that are left unanswered.
    hold: Vec<String>,
    calls: Option<Vec<ExpectedCall>>,
    next: Option<Next>,
    outcome: Option<ExpectedOutcome>,
    rejected: Option<Rejected>,
}

#[derive(Clone, Debug)]
enum Action {
    /// The particle starts at the initial peer.
    Run { peer: String },
    /// The newest data of one peer comes to another.
    Deliver { from: String, to: String, tamper: Option<usize> },
    /// Calls that were held are answered, as the stubs say unless there is a result here.
    Answer { peer: String, call: String, result: Option<CallResult> },
    /// A host restarts from what it has stored.
    Restart { peer: String },
}

#[derive(Clone, Debug)]
struct Next {
    peers: Vec<String>,
    is_ordered: bool,
}

/// That a step is refused, maybe with this code.
#[derive(Clone, Copy, Debug)]
enum Rejected {
    Any,
    Code(i64),
}

const ACTIONS: [&str; 4] = ["run", "deliver", "answer", "restart"];

/// Reads a `[[step]]`.
pub(super) fn read(mut table: Table<'_, '_>, peers: &[String]) -> Option<ScriptedStep> {
    let place = table.span;
    let given = table.present(&ACTIONS);
    if given.len() != 1 {
        let found = if given.is_empty() { "nothing to do".to_owned() } else { format!("`{}`", given.join("`, `")) };
        table.wrong(format!("the step has {found}"), "a step has one of `run`, `deliver`, `answer` and `restart`");
    }
    let action = read_action(&mut table, peers);
    let hold = table.take_texts("hold").unwrap_or_default();
    let calls = table.take("calls").map(|entry| read_call_list(entry, peers));
    let next = read_next(&mut table, peers);
    let outcome = table.take("outcome").and_then(|entry| outcome(&entry, None, None));
    let rejected = table.take("rejected").and_then(|entry| read_rejected(&entry));
    table.finish();
    Some(ScriptedStep { place, action: action?, hold, calls, next, outcome, rejected })
}

fn read_action(table: &mut Table<'_, '_>, peers: &[String]) -> Option<Action> {
    let run = table.take("run").and_then(|entry| peer(&entry, peers)).map(|peer| Action::Run { peer });
    let restart = table.take("restart").and_then(|entry| peer(&entry, peers)).map(|peer| Action::Restart { peer });
    let deliver = table.take("deliver").and_then(|entry| pair(entry, "->", "write `from -> to`", peers));
    let tamper = table.take("tamper").and_then(|entry| {
        if deliver.is_none() {
            entry.wrong_key("`tamper` is for `deliver`", "it is the index of the byte of the message that is changed");
        }
        entry.number(0..=i64::from(u32::MAX)).and_then(|index| usize::try_from(index).ok())
    });
    let deliver = deliver.and_then(|(entry, from, to)| {
        check_peer(entry.report, entry.span(), &to, peers).then_some(Action::Deliver { from, to, tamper })
    });
    let answer = table.take("answer").and_then(|entry| pair(entry, ":", "write `peer: service.function`", peers));
    let result = read_result(table, peers, answer.is_some());
    let answer = answer.map(|(_, peer, call)| Action::Answer { peer, call, result });
    run.or(deliver).or(answer).or(restart)
}

/// The text as the name of a peer and what stands behind the separator.
fn pair<'r, 't>(
    entry: Entry<'r, 't>,
    separator: &str,
    help: &str,
    peers: &[String],
) -> Option<(Entry<'r, 't>, String, String)> {
    let text = entry.text()?;
    let Some((left, right)) = text.split_once(separator) else {
        entry.wrong(format!("`{}` is {text:?}", entry.name), help);
        return None;
    };
    let (left, right) = (left.trim().to_owned(), right.trim().to_owned());
    check_peer(entry.report, entry.span(), &left, peers).then_some((entry, left, right))
}

/// What overrides the stubs.
fn read_result(table: &mut Table<'_, '_>, peers: &[String], is_answer: bool) -> Option<CallResult> {
    let given = table.present(&["ok", "ok_json", "error"]);
    if !is_answer && !given.is_empty() {
        table.wrong(format!("`{}` is for `answer`", given.join("`, `")), "stubs answer the calls of other steps");
    }
    if given.len() == 2 && given.contains(&"error") {
        table.wrong(format!("the step has `{}`", given.join("` and `")), "give one of the two");
    }
    let ok = take_value(table, ("ok", "ok_json"), peers).map(CallResult::Ok);
    let error = read_error(table).map(|(code, message)| CallResult::Err { code, message });
    ok.or(error)
}

fn read_next(table: &mut Table<'_, '_>, peers: &[String]) -> Option<Next> {
    let (next, set) = (table.take("next"), table.take("next_set"));
    if let (Some(_), Some(set)) = (&next, &set) {
        set.wrong_key("`next_set` stands beside `next`", "`next` is in order, `next_set` in any order");
    }
    let is_ordered = next.is_some();
    let entry = next.or(set)?;
    let peers = entry.items().iter().filter_map(|item| peer(item, peers)).collect();
    Some(Next { peers, is_ordered })
}

fn read_rejected(entry: &Entry<'_, '_>) -> Option<Rejected> {
    match entry.is_boolean() {
        true => entry.boolean().filter(|is_rejected| *is_rejected).map(|_| Rejected::Any),
        false => entry.number(1..=i64::from(i32::MAX)).map(Rejected::Code),
    }
}

/// Plays the steps. Times in the run are numbers of steps, from 1.
pub(super) fn play(scenario: &Scenario, steps: &[ScriptedStep]) -> Result<(Run, Vec<Unmet>), SimError> {
    let mut player = Player { run: Run::new(0, scenario.world()?), unmet: Vec::new() };
    for (number, step) in (1..).zip(steps) {
        player.run.duration = number;
        player.play(step)?;
    }
    let Player { mut run, unmet } = player;
    run.close()?;
    Ok((run, unmet))
}

struct Player {
    run: Run,
    unmet: Vec<Unmet>,
}

/// What a step led to.
#[derive(Default)]
struct Effects {
    calls: Vec<CallRow>,
    next: Vec<String>,
}

impl Player {
    fn play(&mut self, step: &ScriptedStep) -> Result<(), SimError> {
        let peer = step.action.peer().to_owned();
        let mut effects = Effects::default();
        match self.act(step) {
            Ok(first) => {
                let settled = self.settle(&peer, step, first, &mut effects);
                self.judge(step, &peer, settled, &effects)
            }
            Err(error) => self.judge(step, &peer, Err(error), &effects),
        }
    }

    fn act(&mut self, step: &ScriptedStep) -> Result<Step, SimError> {
        match &step.action {
            Action::Run { peer } => {
                self.log(peer, "starts the particle".to_owned());
                if self.world().init() != peer {
                    return Err(SimError::NotThere { peer: peer.clone() });
                }
                self.world().start()
            }
            Action::Deliver { from, to, tamper } => self.deliver(step, from, to, *tamper),
            Action::Answer { peer, call, result } => {
                self.log(peer, format!("has answers to {call}"));
                match result {
                    None => self.world().answer(peer, call),
                    Some(result) => self.world().answer_with(peer, call, result),
                }
            }
            Action::Restart { peer } => {
                self.log(peer, "restarts".to_owned());
                let not_there = || SimError::NotThere { peer: peer.clone() };
                self.world().restart(peer, 0)?.ok_or_else(not_there)
            }
        }
    }

    fn deliver(&mut self, step: &ScriptedStep, from: &str, to: &str, tamper: Option<usize>) -> Result<Step, SimError> {
        let mut message = self.world().message(from, to)?;
        let len = message.data.len();
        let note = tamper.map_or_else(String::new, |index| format!(", byte {index} is changed"));
        self.log(to, format!("gets {len} bytes from {from}{note}"));
        (self.run.messages, self.run.bytes) = (self.run.messages + 1, self.run.bytes + len);
        if let Some(index) = tamper {
            match message.data.get_mut(index) {
                Some(byte) => *byte ^= 1,
                None => self.unmet.push(Unmet {
                    place: Some(step.place),
                    what: format!("a message from `{from}` to `{to}` with a byte {index} to change"),
                    expected: vec![format!("more than {index} bytes")],
                    found: vec![format!("{len} bytes")],
                }),
            }
        }
        let effects = self.world().receive(to, &message)?;
        let (neighbour, heads) = (self.world().peers().id(to)?, self.world().heads(to)?);
        self.world().learn(from, &neighbour, &heads)?;
        Ok(effects)
    }

    /// Answers calls, all that are there at once, until none is left but those that are held or silent.
    fn settle(&mut self, peer: &str, step: &ScriptedStep, first: Step, effects: &mut Effects) -> Result<(), SimError> {
        let mut now = first;
        loop {
            let results = self.note(peer, step, &now, effects)?;
            if results.is_empty() {
                return Ok(());
            }
            now = self.world().resolve(peer, results)?;
        }
    }

    /// Notes what came of one step of the execution, and gives the answers to its calls.
    fn note(
        &mut self,
        peer: &str,
        step: &ScriptedStep,
        now: &Step,
        effects: &mut Effects,
    ) -> Result<Vec<(CallId, CallResult)>, SimError> {
        let life = self.world().host(peer)?.life;
        for report in &now.reports {
            let text = self.run.report_text(report);
            self.log(peer, format!("reports {text}"));
            self.run.reports.push((peer.to_owned(), report.clone()));
        }
        for request in &now.requests {
            let row = CallRow::new(self.run.duration, peer, life, request, self.run.world.peers());
            self.log(peer, format!("calls {row}"));
            effects.calls.push(row.clone());
            self.run.calls.push(row);
        }
        for id in &now.next_peers {
            let name = self.world().peers().display(id);
            if !effects.next.contains(&name) {
                self.log(peer, format!("has to send to {name}"));
                effects.next.push(name);
            }
        }
        let is_held = |request: &&CallRequest| {
            step.hold.iter().any(|call| call.split_once('.') == Some((&request.service, &request.function)))
        };
        let answered: Vec<CallRequest> = now.requests.iter().filter(|request| !is_held(request)).cloned().collect();
        Ok(self.world().stub_results(peer, &answered))
    }

    /// Compares what happened with what was expected of the step.
    fn judge(
        &mut self,
        step: &ScriptedStep,
        peer: &str,
        settled: Result<(), SimError>,
        effects: &Effects,
    ) -> Result<(), SimError> {
        let number = self.run.duration;
        let mut unmet = |what: &str, expected: Vec<String>, found: Vec<String>| {
            let what = format!("step {number}: {what}");
            self.unmet.push(Unmet { place: Some(step.place), what, expected, found });
        };
        match (settled, step.rejected) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => unmet("the message", vec!["rejected".to_owned()], vec!["accepted".to_owned()]),
            (Err(SimError::Rejected { rejection, .. }), wanted) => {
                let (code, text) = (rejection.code(), self.run.world.peers().with_names_in(&rejection.to_string()));
                let is_wanted = match wanted {
                    None => false,
                    Some(Rejected::Any) => true,
                    Some(Rejected::Code(wanted)) => wanted == i64::from(code),
                };
                if !is_wanted {
                    let wanted = match wanted {
                        Some(Rejected::Code(wanted)) => format!("rejected with {wanted}"),
                        _ => "accepted".to_owned(),
                    };
                    unmet("the message", vec![wanted], vec![format!("rejected with {code}: {text}")]);
                }
                self.log(peer, format!("refuses it with {code}: {text}"));
                self.run.refusals.push(Refusal { time: number, peer: peer.to_owned(), code, text });
            }
            (Err(error @ (SimError::NotThere { .. } | SimError::NoSuchCall { .. })), _) => {
                unmet("the step", vec!["possible".to_owned()], vec![error.to_string()]);
                return Ok(());
            }
            (Err(error), _) => return Err(error),
        }
        self.judge_effects(step, peer, effects)
    }

    fn judge_effects(&mut self, step: &ScriptedStep, peer: &str, effects: &Effects) -> Result<(), SimError> {
        let number = self.run.duration;
        let mut unmet = |what: &str, expected: Vec<String>, found: Vec<String>| {
            let what = format!("step {number}: {what} at `{peer}`");
            self.unmet.push(Unmet { place: Some(step.place), what, expected, found });
        };
        if let Some(expected) = &step.calls {
            let made: Vec<&CallRow> = effects.calls.iter().collect();
            if !matches_in_order(expected, &made) {
                let expected = expected.iter().map(ExpectedCall::to_string).collect();
                unmet("calls", expected, made.iter().map(|call| call.to_string()).collect());
            }
        }
        if let Some(Next { peers, is_ordered }) = &step.next {
            let sorted = |peers: &[String]| {
                let mut peers = peers.to_vec();
                if !is_ordered {
                    peers.sort_unstable();
                }
                peers
            };
            if sorted(peers) != sorted(&effects.next) {
                unmet("next peers", peers.clone(), effects.next.clone());
            }
        }
        if let Some(expected) = &step.outcome {
            let found = self.run.world.execution(peer)?.map(crate::Execution::outcome);
            let unmet = expected.unmet(Some(step.place), peer, found);
            let named = unmet.map(|unmet| Unmet { what: format!("step {number}: {}", unmet.what), ..unmet });
            self.unmet.extend(named);
        }
        Ok(())
    }

    fn world(&mut self) -> &mut World {
        &mut self.run.world
    }

    fn log(&mut self, peer: &str, event: String) {
        self.run.timeline.push(TimelineRow { time: self.run.duration, peer: peer.to_owned(), event });
    }
}

impl Action {
    /// The peer at which it happens.
    fn peer(&self) -> &str {
        match self {
            Action::Run { peer } | Action::Answer { peer, .. } | Action::Restart { peer } => peer,
            Action::Deliver { to, .. } => to,
        }
    }
}
