//! Where calls run, and how control gets there: laws over random programs.
//!
//! The network is strict: the client talks to its relay alone, and peer `z`, which the programs use with `via r1` only, to
//! `r1` alone. A program is run beside a model of it that knows nothing of hops.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use marine_air::sim::Random;
use marine_aqua::{Options, compile};

use crate::support::{Files, Stage, links, seen};

/// A statement. Numbers are those of calls, which pass them as argument.
#[derive(Clone, Debug)]
enum Stmt {
    /// `S.put("n", v)` with a variable in reach, or without.
    Put(usize, Option<String>),
    /// `v <- S.get("n")`.
    Get(usize, String),
    /// `res <- S.get("n")`.
    Push(usize),
    On(Peer, Vec<Stmt>),
    Par(Vec<Stmt>),
    Co(Box<Stmt>),
    /// Over the peers `p` and `q`, with `on` the element.
    For {
        par: bool,
        var: String,
        body: Vec<Stmt>,
    },
    /// On a condition that holds, or not.
    If(bool, Vec<Stmt>, Vec<Stmt>),
    Try(Vec<Stmt>, Vec<Stmt>),
    /// Defines a closure that makes a call; calls one.
    Define(String, usize),
    Call(String),
}

#[derive(Clone, Debug, PartialEq)]
enum Peer {
    Named(&'static str),
    /// `z via r1`
    Hidden,
    Host,
    Client,
    Var(String),
}

struct Maker {
    random: Random,
    next: usize,
    /// Variables, loop variables and closures in reach.
    vars: Vec<String>,
    peers: Vec<String>,
    closures: Vec<String>,
    /// Whether parallel constructs may be used.
    parallel: bool,
    branching: bool,
}

impl Maker {
    fn number(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random.below(limit)
    }

    fn block(&mut self, depth: usize) -> Vec<Stmt> {
        let count = 1 + self.below(3);
        (0..count).map(|_| self.stmt(depth)).collect()
    }

    /// A block whose names end with it.
    fn scope(&mut self, depth: usize) -> Vec<Stmt> {
        let lengths = (self.vars.len(), self.closures.len());
        let block = self.block(depth);
        self.vars.truncate(lengths.0);
        self.closures.truncate(lengths.1);
        block
    }

    fn stmt(&mut self, depth: usize) -> Stmt {
        if depth == 0 {
            return self.simple();
        }
        match self.below(14) {
            0..=2 => self.simple(),
            3..=6 => self.on(depth),
            7 | 8 if self.parallel => {
                let count = 2 + self.below(2);
                Stmt::Par((0..count).map(|_| self.branch(depth)).collect())
            }
            9 if self.parallel => Stmt::Co(Box::new(self.branch(depth))),
            10 if self.branching => {
                let var = format!("x{}", self.number());
                let par = self.parallel && self.below(2) == 0;
                self.peers.push(var.clone());
                let body = self.scope(depth - 1);
                self.peers.pop();
                Stmt::For { par, var, body }
            }
            11 if self.branching => {
                let holds = self.below(2) == 0;
                let (then, otherwise) = (self.scope(depth - 1), self.scope(depth - 1));
                Stmt::If(holds, then, otherwise)
            }
            12 if self.branching => Stmt::Try(self.scope(depth - 1), self.scope(depth - 1)),
            _ => {
                let name = format!("c{}", self.number());
                let define = Stmt::Define(name.clone(), self.number());
                self.closures.push(name);
                define
            }
        }
    }

    /// A branch of `par` or `co`.
    fn branch(&mut self, depth: usize) -> Stmt {
        match self.below(3) {
            0 => self.simple_call(),
            _ => self.on(depth),
        }
    }

    fn on(&mut self, depth: usize) -> Stmt {
        let peer = match self.below(8) {
            0 | 1 => Peer::Named("p"),
            2 | 3 => Peer::Named("q"),
            4 => Peer::Hidden,
            5 => Peer::Host,
            6 => Peer::Client,
            _ => match self.peers.last() {
                Some(var) => Peer::Var(var.clone()),
                None => Peer::Named("r"),
            },
        };
        Stmt::On(peer, self.block(depth - 1))
    }

    fn simple_call(&mut self) -> Stmt {
        let number = self.number();
        match self.below(4) {
            0 => {
                let var = format!("v{number}");
                self.vars.push(var.clone());
                Stmt::Get(number, var)
            }
            1 => Stmt::Push(number),
            _ => Stmt::Put(number, self.var()),
        }
    }

    fn var(&mut self) -> Option<String> {
        let count = self.vars.len() as u64;
        if count == 0 || self.below(3) == 0 {
            return None;
        }
        let index = self.below(count) as usize;
        Some(self.vars[index].clone())
    }

    fn simple(&mut self) -> Stmt {
        if !self.closures.is_empty() && self.below(4) == 0 {
            let index = self.below(self.closures.len() as u64) as usize;
            return Stmt::Call(self.closures[index].clone());
        }
        self.simple_call()
    }
}

fn text(block: &[Stmt], indent: usize, out: &mut String) {
    for stmt in block {
        line(stmt, indent, "", out);
    }
}

fn line(stmt: &Stmt, indent: usize, prefix: &str, out: &mut String) {
    let pad = " ".repeat(indent);
    let mut block = |head: String, body: &[Stmt]| {
        let _ = writeln!(out, "{pad}{prefix}{head}");
        text(body, indent + 2, out);
    };
    match stmt {
        Stmt::Put(number, None) => {
            let _ = writeln!(out, "{pad}{prefix}S.put(\"{number}\", \"\")");
        }
        Stmt::Put(number, Some(var)) => {
            let _ = writeln!(out, "{pad}{prefix}S.put(\"{number}\", {var})");
        }
        Stmt::Get(number, var) => {
            let _ = writeln!(out, "{pad}{prefix}{var} <- S.get(\"{number}\")");
        }
        Stmt::Push(number) => {
            let _ = writeln!(out, "{pad}{prefix}res <- S.get(\"{number}\")");
        }
        Stmt::On(peer, body) => {
            let peer = match peer {
                Peer::Named(name) => (*name).to_owned(),
                Peer::Hidden => "z via r1".to_owned(),
                Peer::Host => "HOST_PEER_ID".to_owned(),
                Peer::Client => "INIT_PEER_ID via HOST_PEER_ID".to_owned(),
                Peer::Var(var) => var.clone(),
            };
            block(format!("on {peer}:"), body);
        }
        Stmt::Par(branches) => {
            for (index, branch) in branches.iter().enumerate() {
                line(branch, indent, if index == 0 { "" } else { "par " }, out);
            }
        }
        Stmt::Co(body) => line(body, indent, "co ", out),
        Stmt::For { par, var, body } => block(format!("for {var} <- ps{}:", if *par { " par" } else { "" }), body),
        Stmt::If(holds, then, otherwise) => {
            block(format!("if a == \"{}\":", if *holds { "A" } else { "no" }), then);
            block("else:".to_owned(), otherwise);
        }
        Stmt::Try(body, handler) => {
            block("try:".to_owned(), body);
            block("otherwise:".to_owned(), handler);
        }
        Stmt::Define(name, number) => {
            let _ = writeln!(out, "{pad}{name} = ():\n{pad}  S.put(\"{number}\", \"\")");
        }
        Stmt::Call(name) => {
            let _ = writeln!(out, "{pad}{prefix}{name}()");
        }
    }
}

/// What a program does, run by its meaning.
#[derive(Default)]
struct Model {
    calls: Vec<String>,
    pushes: usize,
    /// The call that fails.
    fails: Option<String>,
    vars: BTreeMap<String, String>,
    closures: BTreeMap<String, (String, usize)>,
    loops: BTreeMap<String, &'static str>,
}

impl Model {
    fn block(&mut self, block: &[Stmt], peer: &str) -> Result<(), ()> {
        block.iter().try_for_each(|stmt| self.stmt(stmt, peer))
    }

    fn call(&mut self, call: String) -> Result<(), ()> {
        let fails = self.fails.as_ref() == Some(&call);
        self.calls.push(call);
        if fails { Err(()) } else { Ok(()) }
    }

    fn stmt(&mut self, stmt: &Stmt, peer: &str) -> Result<(), ()> {
        match stmt {
            Stmt::Put(number, var) => {
                let value = var.as_ref().map_or(String::new(), |var| self.vars.get(var).cloned().unwrap_or_default());
                self.call(format!("{peer}: srv.put(\"{number}\",\"{value}\")"))
            }
            Stmt::Get(number, var) => {
                self.vars.insert(var.clone(), format!("{peer}:{number}"));
                self.call(format!("{peer}: srv.get(\"{number}\")"))
            }
            Stmt::Push(number) => {
                self.call(format!("{peer}: srv.get(\"{number}\")"))?;
                self.pushes += 1;
                Ok(())
            }
            Stmt::On(to, body) => {
                let to = match to {
                    Peer::Named(name) => name,
                    Peer::Hidden => "z",
                    Peer::Host => "relay",
                    Peer::Client => "client",
                    Peer::Var(var) => self.loops[var],
                };
                self.block(body, to)
            }
            Stmt::Par(branches) => {
                // Nothing fails where programs are parallel.
                branches.iter().try_for_each(|branch| self.stmt(branch, peer))
            }
            Stmt::Co(body) => self.stmt(body, peer),
            Stmt::For { var, body, .. } => ["p", "q"].into_iter().try_for_each(|element| {
                self.loops.insert(var.clone(), element);
                self.block(body, peer)
            }),
            Stmt::If(holds, then, otherwise) => self.block(if *holds { then } else { otherwise }, peer),
            Stmt::Try(body, handler) => self.block(body, peer).or_else(|()| self.block(handler, peer)),
            Stmt::Define(name, number) => {
                self.closures.insert(name.clone(), (peer.to_owned(), *number));
                Ok(())
            }
            Stmt::Call(name) => {
                let (peer, number) = self.closures[name].clone();
                self.call(format!("{peer}: srv.put(\"{number}\",\"\")"))
            }
        }
    }
}

fn program(seed: u64, parallel: bool, branching: bool) -> Vec<Stmt> {
    let random = Random::new(seed);
    let mut maker = Maker { random, next: 0, vars: vec![], peers: vec![], closures: vec![], parallel, branching };
    maker.block(1 + (seed % 3) as usize)
}

fn source(block: &[Stmt], pushes: usize) -> String {
    let mut text_of = String::from(
        "aqua Random\nexport f\n\nservice S(\"srv\"):\n  get(n: string) -> string\n  put(n: string, v: string)\n\n\
         func f(p: string, q: string, r: string, z: string, r1: string, ps: []string, a: string) -> string:\n  res: *string\n",
    );
    text(block, 2, &mut text_of);
    if pushes > 0 {
        let _ = writeln!(text_of, "  join res[{}]", pushes - 1);
    }
    text_of.push_str("  <- \"done\"\n");
    text_of
}

fn script(text: &str, options: &Options) -> String {
    let output = compile("main.aqua", &Files::one(text), options);
    let messages: Vec<&str> = output.diagnostics.iter().map(|diagnostic| &*diagnostic.message).collect();
    output.script("f").unwrap_or_else(|| panic!("{messages:?}\n{text}")).air.clone()
}

fn stage() -> Stage {
    Stage::new().with("ps", serde_json::json!(["@p", "@q"]))
}

fn is_allowed((from, to): &(String, String)) -> bool {
    let one_way = |peer: &str, other: &str, friend: &str| peer != from || other == friend;
    one_way("client", to, "relay")
        && (to != "client" || from == "relay")
        && one_way("z", to, "r1")
        && (to != "z" || from == "r1")
}

fn sorted(mut calls: Vec<String>) -> Vec<String> {
    calls.sort();
    calls
}

/// Runs a law for many programs and shows the shortest one that breaks it.
fn for_programs(seeds: std::ops::Range<u64>, parallel: bool, law: impl Fn(&[Stmt]) -> Result<(), String>) {
    let broken = seeds
        .filter_map(|seed| law(&program(seed, parallel, true)).err().map(|text| format!("program {seed}: {text}")));
    if let Some(shortest) = broken.min_by_key(String::len) {
        panic!("{shortest}");
    }
}

fn ensure(holds: bool, text: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(text()) }
}

fn ensure_allowed(run: &marine_air::sim::Run, context: &dyn Fn() -> String) -> Result<(), String> {
    let wrong: BTreeSet<_> = links(run).into_iter().filter(|link| !is_allowed(link)).collect();
    ensure(wrong.is_empty(), || {
        let sends: Vec<String> = run
            .timeline
            .iter()
            .filter(|row| {
                row.event.contains(" sends") || row.event.starts_with("sends") || row.event.starts_with("calls srv")
            })
            .map(ToString::to_string)
            .collect();
        format!("{wrong:?}: {}\n{}", context(), sends.join("\n"))
    })
}

/// Every call runs where its `on` says, none is lost, results and pushes arrive, and control keeps to allowed links.
#[test]
fn calls_run_at_their_places_over_allowed_links() {
    for_programs(0..90, true, |block| {
        let mut model = Model::default();
        let _ = model.block(block, "client");
        let text = source(block, model.pushes);
        let air = script(&text, &Options::default());
        for schedule in 1..=2 {
            let run = stage().run(&air, schedule);
            let seen = seen(&run);
            let context = || format!("schedule {schedule}\n{text}\n{air}");
            let (calls, expected) = (sorted(seen.calls), sorted(model.calls.clone()));
            ensure(calls == expected, || format!("{calls:?} instead of {expected:?}\n{}", context()))?;
            ensure(seen.response.is_some() && !seen.failed, || format!("no answer: {}", context()))?;
            ensure_allowed(&run, &context)?;
        }
        Ok(())
    });
}

/// Whatever call fails, the handler runs, over allowed links, and an error that nobody handles is reported.
#[test]
fn errors_reach_their_handlers() {
    for_programs(1000..1030, false, |block| {
        let mut model = Model::default();
        let _ = model.block(block, "client");
        let calls: BTreeSet<String> = model.calls.iter().cloned().collect();
        let text = source(block, 0);
        let air = script(&text, &Options::default());
        for fails in calls {
            let mut model = Model { fails: Some(fails.clone()), ..Model::default() };
            let result = model.block(block, "client");
            let mut stage = stage();
            stage.fails = Some(fails.clone());
            let run = stage.run(&air, 1);
            let seen = seen(&run);
            let context = || format!("failing {fails}\n{text}\n{air}");
            ensure(seen.calls == model.calls, || {
                format!("{:?} instead of {:?}\n{}", seen.calls, model.calls, context())
            })?;
            let ends = (seen.failed, seen.response.is_some()) == (result.is_err(), result.is_ok());
            ensure(ends, || format!("ends wrongly: {}", context()))?;
            let error = run.calls.iter().find(|call| call.service == "errorHandlingSrv");
            let is_original = error.is_none_or(|error| error.to_string().contains("injected"));
            ensure(is_original, || format!("another error: {}", context()))?;
            ensure_allowed(&run, &context)?;
        }
        Ok(())
    });
}
