//! What a program does, run by its meaning: one branch after the other, without messages.

use std::collections::{BTreeMap, BTreeSet};

use super::oracle::{Frame, Named, On, Place};
use super::program::{Mode, Over, Peer, Stmt, Test};

/// What the failing call says.
pub(crate) const INJECTED: &str = r#"Local service error, ret_code is 7, error message is '\"injected\"'"#;

/// What is the same in all runs of a program.
#[derive(Clone, Debug)]
pub(crate) struct Inputs {
    pub(crate) peers: Vec<&'static str>,
    pub(crate) a: &'static str,
    pub(crate) b: &'static str,
    /// The calls that fail.
    pub(crate) fails: Vec<String>,
    /// Whether what a block waits for is waited for before control leaves for it, and what a branch binds is seen by others only
    /// when the branch is through, as placement has it.
    pub(crate) hoists: bool,
}

/// An instruction that executes.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) label: String,
    pub(crate) frames: Vec<Frame>,
    /// Whether other paths come together with this one since the event before: at the beginning and end of loops, conditions and
    /// handlers.
    pub(crate) joins: bool,
}

/// How a block ends that does not go on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    Failed,
    /// It waits for what never comes.
    Waits,
}

type Outcome = Result<(), End>;

#[derive(Clone)]
struct Closure {
    place: Place,
    here: bool,
    peer: Option<Peer>,
}

pub(crate) struct Model {
    pub(crate) events: Vec<Event>,
    inputs: Inputs,
    frames: Vec<Frame>,
    made: usize,
    joins: bool,
    vars: BTreeMap<String, String>,
    streams: BTreeMap<String, Vec<String>>,
    maps: BTreeMap<String, Vec<String>>,
    closures: BTreeMap<String, Closure>,
}

impl Model {
    /// Runs a program, with a wait for so many elements of `res` at its end.
    pub(crate) fn run(block: &[Stmt], pushes: usize, inputs: &Inputs) -> (Self, Outcome) {
        let root = On { peer: Named::new("client", "client"), via: vec![vec![Named::new("relay", "relay")]] };
        let mut model = Self {
            events: Vec::new(),
            inputs: inputs.clone(),
            frames: vec![Frame { id: 0, place: vec![root] }],
            made: 0,
            joins: false,
            vars: BTreeMap::new(),
            streams: [("res".to_owned(), Vec::new())].into(),
            maps: BTreeMap::new(),
            closures: BTreeMap::new(),
        };
        let outcome = model.block(block).and_then(|()| model.wait("res", pushes));
        match outcome {
            Ok(()) => model.event("response".to_owned()),
            Err(End::Failed) => model.event("error".to_owned()),
            Err(End::Waits) => {}
        }
        (model, outcome)
    }

    pub(crate) fn pushes(&self) -> usize {
        self.streams["res"].len()
    }

    /// All calls, in the order of the text.
    pub(crate) fn calls(&self) -> Vec<String> {
        let is_call = |event: &&Event| event.label.contains(": ");
        self.events.iter().filter(is_call).map(|event| event.label.clone()).collect()
    }

    fn event(&mut self, label: String) {
        let joins = std::mem::take(&mut self.joins);
        self.events.push(Event { label, frames: self.frames.clone(), joins });
    }

    fn place(&self) -> &Place {
        &self.frames[self.frames.len() - 1].place
    }

    fn peer(&self) -> &str {
        let place = self.place();
        &place[place.len() - 1].peer.peer
    }

    fn inside(&mut self, place: Place, body: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        self.made += 1;
        self.frames.push(Frame { id: self.made, place });
        let outcome = body(self);
        self.frames.pop();
        outcome
    }

    fn on(&mut self, peer: &Peer, body: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        let relay = |word: &str| vec![Named::new(word, word)];
        let (peer, via) = match peer {
            Peer::Named(name) => (Named::new(name, name), vec![]),
            Peer::Hidden => (Named::new("z", "z"), vec![relay("r1")]),
            Peer::Far => (Named::new("q", "q"), vec![relay("r1"), relay("r2")]),
            Peer::Each => (Named::new("r", "r"), vec![vec![Named::new("rs1", "r1"), Named::new("rs2", "r2")]]),
            Peer::Host => (Named::new("relay", "relay"), vec![]),
            Peer::Client => (Named::new("client", "client"), vec![relay("relay")]),
            Peer::Var(var) => (Named::new(var, self.vars.get(var).ok_or(End::Waits)?), vec![]),
        };
        let mut place = self.place().clone();
        place.push(On { peer, via });
        self.inside(place, body)
    }

    fn call(&mut self, service: &str, function: &str, args: &[&str]) -> Outcome {
        let args: Vec<String> = args.iter().map(|arg| format!("\"{arg}\"")).collect();
        let label = format!("{}: {service}.{function}({})", self.peer(), args.join(","));
        let fails = self.inputs.fails.contains(&label);
        self.event(label);
        if fails { Err(End::Failed) } else { Ok(()) }
    }

    fn get(&mut self, number: usize) -> Result<String, End> {
        self.call("srv", "get", &[&number.to_string()])?;
        Ok(format!("{}:{number}", self.peer()))
    }

    fn var(&self, var: &str) -> Result<String, End> {
        self.vars.get(var).cloned().ok_or(End::Waits)
    }

    fn push(&mut self, stream: &str, value: String) {
        self.streams.entry(stream.to_owned()).or_default().push(value);
    }

    /// Waits for so many elements.
    fn wait(&self, stream: &str, count: usize) -> Outcome {
        if self.elements(stream).len() >= count { Ok(()) } else { Err(End::Waits) }
    }

    /// None of a stream whose declaration was never reached.
    fn elements(&self, stream: &str) -> &[String] {
        self.streams.get(stream).map_or(&[], Vec::as_slice)
    }

    fn block(&mut self, block: &[Stmt]) -> Outcome {
        for (index, stmt) in block.iter().enumerate() {
            if let Err(end) = self.stmt(stmt) {
                self.define(&block[index..]);
                return Err(end);
            }
        }
        Ok(())
    }

    /// Defines the closures of a block that is not run to its end: a definition is no instruction, so it holds all the same wherever
    /// its name is visible.
    fn define(&mut self, block: &[Stmt]) {
        for stmt in block {
            match stmt {
                Stmt::Define { .. } => drop(self.stmt_inner(stmt)),
                Stmt::On(peer, body) => drop(self.on(peer, |model| {
                    model.define(body);
                    Ok(())
                })),
                Stmt::Par(branches) => self.define(branches),
                Stmt::Co(body) => self.define(std::slice::from_ref(body)),
                _ => {}
            }
        }
    }

    fn tried(&mut self, outcome: Outcome, handler: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        if outcome == Err(End::Failed) { handler(self) } else { outcome }
    }

    fn put_value(&mut self, number: &str, value: &str) -> Outcome {
        self.call("srv", "put", &[number, value])
    }

    /// A parallel branch.
    fn branch(&mut self, body: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        let before = self.vars.clone();
        let outcome = body(self);
        if self.inputs.hoists && outcome.is_err() {
            self.vars = before;
        }
        outcome
    }

    /// One iteration for each element.
    fn each(&mut self, var: &str, elements: &[String], mut body: impl FnMut(&mut Self) -> Outcome) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for element in elements {
            self.vars.insert(var.to_owned(), element.clone());
            outcomes.push(self.branch(&mut body));
        }
        outcomes
    }

    /// Whether a block waits somewhere for what its surroundings will never give.
    fn is_stuck(&self, block: &[Stmt], bound: &BTreeSet<&str>) -> bool {
        block.iter().any(|stmt| match stmt {
            Stmt::Put(_, Some(var)) | Stmt::Push(_, Some(var)) | Stmt::PushUnlessEnd(var, _) => self.lacks(var, bound),
            Stmt::Join(stream, index) | Stmt::PutElement(_, stream, index) => {
                self.streams.get(stream).is_some_and(|elements| elements.len() <= *index)
            }
            Stmt::On(_, body) | Stmt::For { body, .. } | Stmt::Parseq { body, .. } | Stmt::Guarded(_, body) => {
                self.is_stuck(body, bound)
            }
            Stmt::Par(branches) => self.is_stuck(branches, bound),
            Stmt::Co(body) => self.is_stuck(std::slice::from_ref(body), bound),
            Stmt::If(test, then, otherwise) => {
                matches!(test, Test::Var(var, _) if self.lacks(var, bound))
                    || self.is_stuck(then, bound)
                    || self.is_stuck(otherwise, bound)
            }
            Stmt::Try { body, handler, .. } => self.is_stuck(body, bound) || self.is_stuck(handler, bound),
            _ => false,
        })
    }

    /// Whether a variable that comes from outside of a block is not there.
    fn lacks(&self, var: &str, bound: &BTreeSet<&str>) -> bool {
        !bound.contains(var) && !self.vars.contains_key(var)
    }

    fn stmt(&mut self, stmt: &Stmt) -> Outcome {
        let is_block = matches!(stmt, Stmt::On(..) | Stmt::For { .. } | Stmt::Try { .. } | Stmt::Guarded(..));
        if self.inputs.hoists && is_block {
            let block = std::slice::from_ref(stmt);
            let mut bound = BTreeSet::new();
            binds(block, &mut bound);
            if self.is_stuck(block, &bound) {
                return Err(End::Waits);
            }
        }
        let joins = matches!(stmt, Stmt::For { .. } | Stmt::If(..) | Stmt::Try { .. } | Stmt::Guarded(..));
        self.joins |= joins;
        let mut outcome = self.stmt_inner(stmt);
        if self.inputs.hoists && matches!(stmt, Stmt::On(..)) {
            // What arrives where control leaves for good is waited for there.
            let mut visible = BTreeSet::new();
            leaves(std::slice::from_ref(stmt), &mut visible);
            if visible.iter().any(|var| !self.vars.contains_key(*var)) {
                outcome = outcome.and(Err(End::Waits));
            }
        }
        self.joins |= joins || outcome.is_err();
        outcome
    }

    fn stmt_inner(&mut self, stmt: &Stmt) -> Outcome {
        match stmt {
            Stmt::Put(number, var) => {
                let value = var.as_ref().map_or(Ok(String::new()), |var| self.var(var))?;
                self.put_value(&number.to_string(), &value)
            }
            Stmt::Get(number, var) => {
                let value = self.get(*number)?;
                self.vars.insert(var.clone(), value);
                Ok(())
            }
            Stmt::GetInto(number, stream) => {
                let value = self.get(*number)?;
                self.push(stream, value);
                Ok(())
            }
            Stmt::Step(var, arg) => {
                let arg = self.var(arg)?;
                self.call("srv", "step", &[&arg])?;
                let next = match arg.as_str() {
                    "mark" => "go1",
                    "go1" => "go2",
                    _ => "end",
                };
                self.vars.insert(var.clone(), next.to_owned());
                Ok(())
            }
            Stmt::Callback(number) => {
                let place = self.frames[0].place.clone();
                self.inside(place, |model| model.call("callbackSrv", "seen", &[&number.to_string()]))
            }
            Stmt::On(peer, body) => self.on(peer, |model| model.block(body)),
            Stmt::Par(branches) => {
                let run = |branch| self.branch(|model| model.block(std::slice::from_ref(branch)));
                let outcomes: Vec<Outcome> = branches.iter().map(run).collect();
                any(&outcomes)
            }
            Stmt::Co(body) => {
                let _ = self.branch(|model| model.block(std::slice::from_ref(body)));
                Ok(())
            }
            Stmt::For { mode, over, var, body } => self.repeat(*mode, over, var, body),
            Stmt::Parseq { var, via, body } => {
                let elements: Vec<String> = self.inputs.peers.iter().map(ToString::to_string).collect();
                let outcomes = self.each(var, &elements, |model| {
                    let mut place = model.place().clone();
                    let via = if *via { vec![vec![Named::new("r1", "r1")]] } else { vec![] };
                    place.push(On { peer: Named::new(var, &model.vars[var]), via });
                    model.inside(place, |model| model.block(body))
                });
                if outcomes.contains(&Ok(())) { Ok(()) } else { Err(End::Waits) }
            }
            Stmt::If(test, then, otherwise) => {
                let holds = match test {
                    Test::Argument("a") => self.inputs.a == "yes",
                    Test::Argument(_) => self.inputs.b == "yes",
                    Test::Var(var, number) => self.var(var)? == format!("p:{number}"),
                };
                self.block(if holds { then } else { otherwise })
            }
            Stmt::Try { body, catch, handler } => {
                let outcome = self.block(body);
                self.tried(outcome, |model| {
                    if let Some(error) = catch {
                        model.put_value(error, INJECTED)?;
                    }
                    model.block(handler)
                })
            }
            Stmt::Guarded(number, handler) => {
                let outcome = self.put_value(&number.to_string(), "");
                self.tried(outcome, |model| model.block(handler))
            }
            Stmt::Define { name, here, peer } => {
                let closure = Closure { place: self.place().clone(), here: *here, peer: peer.clone() };
                self.closures.insert(name.clone(), closure);
                Ok(())
            }
            Stmt::Apply { closure, number, bind, .. } => {
                let Closure { place, here, peer } = self.closures.get(closure).cloned().ok_or(End::Waits)?;
                let place = if here { self.place().clone() } else { place };
                let mut result = String::new();
                self.inside(place, |model| match &peer {
                    Some(peer) => model.on(peer, |model| model.get(*number).map(|value| result = value)),
                    None => model.get(*number).map(|value| result = value),
                })?;
                self.vars.extend(bind.iter().map(|var| (var.clone(), result.clone())));
                Ok(())
            }
            Stmt::Stream(stream) => {
                self.streams.insert(stream.clone(), Vec::new());
                Ok(())
            }
            Stmt::Map(map) => {
                self.maps.insert(map.clone(), Vec::new());
                Ok(())
            }
            Stmt::Push(stream, var) => {
                let value = var.as_ref().map_or(Ok("mark".to_owned()), |var| self.var(var))?;
                self.push(stream, value);
                Ok(())
            }
            Stmt::PushPair(map, number) => {
                self.maps.entry(map.clone()).or_default().push(number.to_string());
                Ok(())
            }
            Stmt::PushUnlessEnd(var, stream) => {
                let value = self.var(var)?;
                if value != "end" {
                    self.push(stream, value);
                }
                Ok(())
            }
            Stmt::Join(stream, index) => self.wait(stream, index + 1),
            Stmt::PutElement(number, stream, index) => {
                self.wait(stream, index + 1)?;
                let value = self.elements(stream)[*index].clone();
                self.put_value(&number.to_string(), &value)
            }
        }
    }

    fn repeat(&mut self, mode: Mode, over: &Over, var: &str, body: &[Stmt]) -> Outcome {
        let elements = match over {
            Over::Peers => self.inputs.peers.iter().map(ToString::to_string).collect(),
            Over::Map(map) => self.maps.get(map).cloned().unwrap_or_default(),
            Over::Stream(stream) if mode == Mode::Rec => {
                let mut index = 0;
                while let Some(element) = self.elements(stream).get(index).cloned() {
                    self.vars.insert(var.to_owned(), element);
                    let _ = self.block(body);
                    index += 1;
                }
                return Ok(());
            }
            Over::Stream(stream) => {
                let elements = self.elements(stream).to_vec();
                let label = format!("canon {}", self.peer());
                self.event(label);
                elements
            }
        };
        match mode {
            Mode::Seq => {
                for element in elements {
                    self.joins = true;
                    self.vars.insert(var.to_owned(), element);
                    self.block(body)?;
                }
                Ok(())
            }
            Mode::Try => {
                for element in elements {
                    self.joins = true;
                    self.vars.insert(var.to_owned(), element);
                    let outcome = self.block(body);
                    if outcome != Err(End::Failed) {
                        return outcome;
                    }
                }
                Ok(())
            }
            Mode::Par | Mode::Rec => {
                let _ = self.each(var, &elements, |model| model.block(body));
                Ok(())
            }
        }
    }
}

/// Of parallel branches it is enough that one is complete; they fail if all do.
fn any(outcomes: &[Outcome]) -> Outcome {
    if outcomes.contains(&Ok(())) {
        Ok(())
    } else if outcomes.contains(&Err(End::Waits)) {
        Err(End::Waits)
    } else {
        Err(End::Failed)
    }
}

/// The names that a block binds.
fn binds<'a>(block: &'a [Stmt], names: &mut BTreeSet<&'a str>) {
    for stmt in block {
        match stmt {
            Stmt::Get(_, var) | Stmt::Step(var, _) | Stmt::Apply { bind: Some(var), .. } => {
                names.insert(var);
            }
            Stmt::For { var, body, .. } | Stmt::Parseq { var, body, .. } => {
                names.insert(var);
                binds(body, names);
            }
            Stmt::On(_, body) | Stmt::Guarded(_, body) | Stmt::Par(body) => binds(body, names),
            Stmt::Co(body) => binds(std::slice::from_ref(body), names),
            Stmt::If(_, one, other) | Stmt::Try { body: one, handler: other, .. } => {
                binds(one, names);
                binds(other, names);
            }
            _ => {}
        }
    }
}

/// The names that a block binds and that are visible after it.
fn leaves<'a>(block: &'a [Stmt], names: &mut BTreeSet<&'a str>) {
    for stmt in block {
        match stmt {
            Stmt::Get(_, var) | Stmt::Step(var, _) | Stmt::Apply { bind: Some(var), .. } => {
                names.insert(var);
            }
            Stmt::On(_, body) | Stmt::Par(body) => leaves(body, names),
            Stmt::Co(body) => leaves(std::slice::from_ref(body), names),
            _ => {}
        }
    }
}
