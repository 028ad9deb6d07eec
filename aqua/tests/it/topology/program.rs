//! Random programs, and their text.

use std::fmt::Write;

use marine_air::sim::Random;

pub(crate) type Block = Vec<Stmt>;

/// A statement. Numbers are those of calls, which pass them as argument.
#[derive(Clone, Debug)]
pub(crate) enum Stmt {
    /// `S.put("n", v)` with a variable in reach, or without.
    Put(usize, Option<String>),
    /// `v <- S.get("n")`
    Get(usize, String),
    /// `s <- S.get("n")`
    GetInto(usize, String),
    /// `v <- S.step(x)`
    Step(String, String),
    /// `seen("n")`, an arrow that the client gave.
    Callback(usize),
    On(Peer, Block),
    Par(Vec<Stmt>),
    Co(Box<Stmt>),
    For {
        mode: Mode,
        over: Over,
        var: String,
        body: Block,
    },
    /// `parseq x <- ps on x:`, the second also `via r1`.
    Parseq {
        var: String,
        via: bool,
        body: Block,
    },
    If(Test, Block, Block),
    /// With `catch e:` if there is a name, else with `otherwise:`.
    Try {
        body: Block,
        catch: Option<String>,
        handler: Block,
    },
    /// `S.put("n", "")` with `otherwise:`.
    Guarded(usize, Block),
    /// `c = (n: string) -> string:`, or `c = func ..`, with a call at a peer or where it is.
    Define {
        name: String,
        here: bool,
        peer: Option<Peer>,
    },
    /// A closure is called, its result bound or not used.
    Apply {
        closure: String,
        how: How,
        number: usize,
        bind: Option<String>,
    },
    Stream(String),
    Map(String),
    /// `s <<- "mark"`, or what a variable holds.
    Push(String, Option<String>),
    /// `m <<- "n", "mark"`
    PushPair(String, usize),
    /// `if v != "end":` pushes it.
    PushUnlessEnd(String, String),
    /// `join s[i]`
    Join(String, usize),
    /// `S.put("n", s[i])`
    PutElement(usize, String, usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    Seq,
    Par,
    Try,
    Rec,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Over {
    Peers,
    Stream(String),
    Map(String),
}

#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// `a == "yes"` or `b == "yes"`
    Argument(&'static str),
    /// Whether a variable holds what the call with this number gives at peer `p`.
    Var(String, usize),
}

/// How a closure comes to be called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    Directly,
    /// As the arrow of an ability that a function takes.
    Ability,
    /// As an argument of a function.
    Arrow,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Peer {
    Named(&'static str),
    /// `z via r1`
    Hidden,
    /// `q via r1 via r2`
    Far,
    /// `r via rs`
    Each,
    Host,
    Client,
    Var(String),
}

/// What a random program may use.
#[derive(Clone, Copy)]
pub(crate) struct Profile {
    pub(crate) parallel: bool,
}

pub(crate) fn random(seed: u64, profile: Profile) -> Block {
    let mut maker = Maker {
        random: Random::new(seed),
        next: 0,
        vars: Vec::new(),
        peers: Vec::new(),
        closures: Vec::new(),
        profile,
    };
    maker.block(1 + (seed % 3) as usize)
}

struct Maker {
    random: Random,
    next: usize,
    /// Variables with the numbers of their calls, loop variables and closures in reach.
    vars: Vec<(String, usize)>,
    peers: Vec<String>,
    closures: Vec<String>,
    profile: Profile,
}

impl Maker {
    fn number(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    fn name(&mut self, start: &str) -> String {
        format!("{start}{}", self.number())
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random.below(limit)
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn block(&mut self, depth: usize) -> Block {
        let mut block = Vec::new();
        for _ in 0..=self.below(3) {
            self.statements(depth, &mut block);
        }
        block
    }

    /// A block whose names end with it.
    fn scope(&mut self, depth: usize) -> Block {
        let lengths = (self.vars.len(), self.closures.len());
        let block = self.block(depth);
        self.vars.truncate(lengths.0);
        self.closures.truncate(lengths.1);
        block
    }

    /// Adds a statement, or several that belong together.
    fn statements(&mut self, depth: usize, block: &mut Block) {
        if depth == 0 || self.next > 14 {
            let simple = self.simple();
            return block.push(simple);
        }
        let stmt = match self.below(20) {
            0..=2 => self.simple(),
            3..=6 => self.on(depth),
            7 | 8 if self.profile.parallel => {
                let count = 2 + self.below(2);
                Stmt::Par((0..count).map(|_| self.branch(depth)).collect())
            }
            9 if self.profile.parallel => Stmt::Co(Box::new(self.branch(depth))),
            10 if self.profile.parallel => return self.collect(block),
            11 if self.profile.parallel => return self.rec(block),
            12 if self.profile.parallel => {
                let (var, via) = (self.name("x"), self.one_in(3));
                let body = self.loop_body(&var, depth - 1);
                Stmt::Parseq { var, via, body }
            }
            7..=9 => return self.fill(block),
            10 => return self.fill_map(block),
            11..=13 => {
                let var = self.name("x");
                let mode = match self.below(4) {
                    0 if self.profile.parallel => Mode::Par,
                    1 => Mode::Try,
                    _ => Mode::Seq,
                };
                let body = self.loop_body(&var, depth - 1);
                Stmt::For { mode, over: Over::Peers, var, body }
            }
            14 | 15 => {
                let test = self.test();
                let then = self.scope(depth - 1);
                let otherwise = if self.one_in(3) { Vec::new() } else { self.scope(depth - 1) };
                Stmt::If(test, then, otherwise)
            }
            16 => {
                let body = self.scope(depth - 1);
                let catch = self.one_in(2).then(|| self.name("e"));
                let handler = self.scope(depth - 1);
                Stmt::Try { body, catch, handler }
            }
            17 => Stmt::Guarded(self.number(), self.scope(depth - 1)),
            _ => {
                let name = self.name("c");
                self.closures.push(name.clone());
                let peer = if self.one_in(2) { Some(self.peer()) } else { None };
                Stmt::Define { name, here: self.one_in(3), peer }
            }
        };
        block.push(stmt);
    }

    fn loop_body(&mut self, var: &str, depth: usize) -> Block {
        self.peers.push(var.to_owned());
        let body = self.scope(depth);
        self.peers.pop();
        body
    }

    /// A stream that is filled in order, and gone over or read.
    fn fill(&mut self, block: &mut Block) {
        // Of one that a loop goes over, the canon is an instruction of its own.
        let stream = if self.one_in(2) { self.name("fs") } else { self.name("es") };
        block.push(Stmt::Stream(stream.clone()));
        let count = if stream.starts_with("fs") { 2 } else { 1 + self.below(2) as usize };
        for _ in 0..count {
            let push = match self.below(2) {
                0 => Stmt::Push(stream.clone(), None),
                _ => Stmt::GetInto(self.number(), stream.clone()),
            };
            let push = if self.one_in(2) { Stmt::On(self.peer(), vec![push]) } else { push };
            block.push(push);
        }
        let used = self.use_of(stream, count);
        block.push(used);
    }

    /// Reads a stream that holds some elements.
    fn use_of(&mut self, stream: String, count: usize) -> Stmt {
        if stream.starts_with("fs") {
            let (var, number) = (self.name("x"), self.number());
            let put = Stmt::Put(number, Some(var.clone()));
            let body = if self.one_in(2) { vec![Stmt::On(self.peer(), vec![put])] } else { vec![put] };
            return Stmt::For { mode: Mode::Seq, over: Over::Stream(stream), var, body };
        }
        let index = self.below(count as u64) as usize;
        let put = Stmt::PutElement(self.number(), stream, index);
        if self.one_in(2) { Stmt::On(self.peer(), vec![put]) } else { put }
    }

    fn fill_map(&mut self, block: &mut Block) {
        let map = self.name("m");
        block.push(Stmt::Map(map.clone()));
        for _ in 0..=self.below(2) {
            let push = Stmt::PushPair(map.clone(), self.number());
            let push = if self.one_in(2) { Stmt::On(self.peer(), vec![push]) } else { push };
            block.push(push);
        }
        let (var, number) = (self.name("k"), self.number());
        let body = vec![Stmt::Put(number, Some(var.clone()))];
        block.push(Stmt::For { mode: Mode::Seq, over: Over::Map(map), var, body });
    }

    /// A stream that parallel branches fill, awaited and read.
    fn collect(&mut self, block: &mut Block) {
        let stream = self.name("fs");
        block.push(Stmt::Stream(stream.clone()));
        let give = |maker: &mut Self, peer: Peer| {
            let mut body = vec![Stmt::Put(maker.number(), None), Stmt::Push(stream.clone(), None)];
            if maker.one_in(2) {
                body.push(Stmt::Put(maker.number(), None));
            }
            Stmt::On(peer, body)
        };
        match self.below(4) {
            0 => {
                let branches = (0..2).map(|_| {
                    let peer = self.peer();
                    give(self, peer)
                });
                let branches = branches.collect();
                block.push(Stmt::Par(branches));
            }
            1 => {
                for _ in 0..2 {
                    let peer = self.peer();
                    let branch = give(self, peer);
                    block.push(Stmt::Co(Box::new(branch)));
                }
            }
            2 => {
                let var = self.name("x");
                let (first, second) = (Stmt::Put(self.number(), None), Stmt::Push(stream.clone(), None));
                block.push(Stmt::Parseq { var, via: false, body: vec![first, second] });
            }
            _ => {
                let var = self.name("x");
                let body = vec![give(self, Peer::Var(var.clone()))];
                block.push(Stmt::For { mode: Mode::Par, over: Over::Peers, var, body });
            }
        }
        let join = Stmt::Join(stream.clone(), 1);
        let join = if self.one_in(3) { Stmt::On(self.peer(), vec![join]) } else { join };
        block.push(join);
        let used = self.use_of(stream, 2);
        block.push(used);
    }

    /// A loop over a stream that it fills itself.
    fn rec(&mut self, block: &mut Block) {
        let (stream, var, result) = (self.name("fs"), self.name("x"), self.name("w"));
        block.push(Stmt::Stream(stream.clone()));
        block.push(Stmt::Push(stream.clone(), None));
        let step = Stmt::Step(result.clone(), var.clone());
        let step = if self.one_in(3) { step } else { Stmt::On(self.peer(), vec![step]) };
        let body = vec![step, Stmt::PushUnlessEnd(result, stream.clone())];
        block.push(Stmt::For { mode: Mode::Rec, over: Over::Stream(stream.clone()), var, body });
        block.push(Stmt::Join(stream.clone(), 2));
        let put = Stmt::PutElement(self.number(), stream, 0);
        block.push(put);
    }

    fn test(&mut self) -> Test {
        let count = self.vars.len() as u64;
        if count > 0 && self.one_in(3) {
            let index = self.below(count) as usize;
            let (var, number) = self.vars[index].clone();
            return Test::Var(var, number);
        }
        Test::Argument(if self.one_in(2) { "a" } else { "b" })
    }

    /// A branch of `par` or `co`.
    fn branch(&mut self, depth: usize) -> Stmt {
        match self.below(3) {
            0 => self.call(),
            _ => self.on(depth),
        }
    }

    fn on(&mut self, depth: usize) -> Stmt {
        let peer = self.peer();
        Stmt::On(peer, self.block(depth - 1))
    }

    fn peer(&mut self) -> Peer {
        match self.below(10) {
            0 | 1 => Peer::Named("p"),
            2 | 3 => Peer::Named("q"),
            4 => Peer::Hidden,
            5 => Peer::Host,
            6 => Peer::Client,
            7 => Peer::Far,
            8 => Peer::Each,
            _ => match self.peers.last() {
                Some(var) => Peer::Var(var.clone()),
                None => Peer::Named("r"),
            },
        }
    }

    fn call(&mut self) -> Stmt {
        let number = self.number();
        match self.below(6) {
            0 | 1 => {
                let var = format!("v{number}");
                self.vars.push((var.clone(), number));
                Stmt::Get(number, var)
            }
            2 => Stmt::GetInto(number, "res".to_owned()),
            3 => Stmt::Callback(number),
            _ => Stmt::Put(number, self.var()),
        }
    }

    fn var(&mut self) -> Option<String> {
        let count = self.vars.len() as u64;
        if count == 0 || self.one_in(3) {
            return None;
        }
        let index = self.below(count) as usize;
        Some(self.vars[index].0.clone())
    }

    fn simple(&mut self) -> Stmt {
        if self.closures.is_empty() || !self.one_in(3) {
            return self.call();
        }
        let index = self.below(self.closures.len() as u64) as usize;
        let closure = self.closures[index].clone();
        let number = self.number();
        let how = match self.below(3) {
            0 => How::Directly,
            1 => How::Ability,
            _ => How::Arrow,
        };
        let bind = self.one_in(2).then(|| format!("v{number}"));
        self.vars.extend(bind.iter().map(|var| (var.clone(), number)));
        Stmt::Apply { closure, how, number, bind }
    }
}

/// The whole program. It waits for so many elements of `res` before it answers.
pub(crate) fn source(block: &[Stmt], pushes: usize) -> String {
    let mut text = String::from(
        "aqua Random\nexport f\n\nservice S(\"srv\"):\n  get(n: string) -> string\n  put(n: string, v: string)\n  \
         step(x: string) -> string\n\nability Act:\n  act(n: string) -> string\n\n\
         func apply(act: string -> string, n: string) -> string:\n  result <- act(n)\n  <- result\n\n\
         func by{Act}(n: string) -> string:\n  result <- Act.act(n)\n  <- result\n\n\
         func f(p: string, q: string, r: string, z: string, r1: string, r2: string, rs: []string, ps: []string, a: string, \
         b: string, seen: string -> ()) -> string:\n  res: *string\n",
    );
    lines(block, 2, &mut text);
    if pushes > 0 {
        let _ = writeln!(text, "  join res[{}]", pushes - 1);
    }
    text.push_str("  <- \"done\"\n");
    text
}

fn lines(block: &[Stmt], indent: usize, out: &mut String) {
    if block.is_empty() {
        let _ = writeln!(out, "{}nothing{} = 1", " ".repeat(indent), out.len());
    }
    for stmt in block {
        line(stmt, indent, "", out);
    }
}

fn line(stmt: &Stmt, indent: usize, prefix: &str, out: &mut String) {
    let pad = " ".repeat(indent);
    let block = |head: String, body: &[Stmt], out: &mut String| {
        let _ = writeln!(out, "{pad}{prefix}{head}");
        lines(body, indent + 2, out);
    };
    let single = |text: String, out: &mut String| {
        let _ = writeln!(out, "{pad}{prefix}{text}");
    };
    match stmt {
        Stmt::Put(number, var) => single(format!("S.put(\"{number}\", {})", var.as_deref().unwrap_or("\"\"")), out),
        Stmt::Get(number, var) | Stmt::GetInto(number, var) => single(format!("{var} <- S.get(\"{number}\")"), out),
        Stmt::Step(var, arg) => single(format!("{var} <- S.step({arg})"), out),
        Stmt::Callback(number) => single(format!("seen(\"{number}\")"), out),
        Stmt::On(peer, body) => block(format!("on {}:", on(peer)), body, out),
        Stmt::Par(branches) => {
            for (index, branch) in branches.iter().enumerate() {
                line(branch, indent, if index == 0 { "" } else { "par " }, out);
            }
        }
        Stmt::Co(body) => line(body, indent, "co ", out),
        Stmt::For { mode, over, var, body } => {
            let mode = match mode {
                Mode::Seq => "",
                Mode::Par => " par",
                Mode::Try => " try",
                Mode::Rec => " rec",
            };
            let head = match over {
                Over::Peers => format!("for {var} <- ps{mode}:"),
                Over::Stream(stream) => format!("for {var} <- {stream}{mode}:"),
                Over::Map(map) => format!("for {var}, of_{var} <- {map}{mode}:"),
            };
            block(head, body, out);
        }
        Stmt::Parseq { var, via, body } => {
            block(format!("parseq {var} <- ps on {var}{}:", if *via { " via r1" } else { "" }), body, out);
        }
        Stmt::If(test, then, otherwise) => {
            let test = match test {
                Test::Argument(name) => format!("{name} == \"yes\""),
                Test::Var(var, number) => format!("{var} == \"p:{number}\""),
            };
            block(format!("if {test}:"), then, out);
            if !otherwise.is_empty() {
                block("else:".to_owned(), otherwise, out);
            }
        }
        Stmt::Try { body, catch, handler } => {
            block("try:".to_owned(), body, out);
            match catch {
                Some(error) => {
                    single(format!("catch {error}:"), out);
                    single(format!("  S.put(\"{error}\", {error}.message)"), out);
                    lines(handler, indent + 2, out);
                }
                None => block("otherwise:".to_owned(), handler, out),
            }
        }
        Stmt::Guarded(number, handler) => {
            single(format!("S.put(\"{number}\", \"\")"), out);
            block("otherwise:".to_owned(), handler, out);
        }
        Stmt::Define { name, here, peer } => {
            single(format!("{name} = {}(n{name}: string) -> string:", if *here { "func " } else { "" }), out);
            let mut inner = indent + 2;
            if let Some(peer) = peer {
                let _ = writeln!(out, "{}on {}:", " ".repeat(inner), on(peer));
                inner += 2;
            }
            let _ = writeln!(out, "{}r{name} <- S.get(n{name})", " ".repeat(inner));
            single(format!("  <- r{name}"), out);
        }
        Stmt::Apply { closure, how, number, bind } => {
            let call = match how {
                How::Directly => format!("{closure}(\"{number}\")"),
                How::Ability => format!("by{{Act(act = {closure})}}(\"{number}\")"),
                How::Arrow => format!("apply({closure}, \"{number}\")"),
            };
            single(bind.as_ref().map_or(call.clone(), |var| format!("{var} <- {call}")), out);
        }
        Stmt::Stream(name) => single(format!("{name}: *string"), out),
        Stmt::Map(name) => single(format!("{name}: %string"), out),
        Stmt::Push(stream, var) => single(format!("{stream} <<- {}", var.as_deref().unwrap_or("\"mark\"")), out),
        Stmt::PushPair(map, number) => single(format!("{map} <<- \"{number}\", \"mark\""), out),
        Stmt::PushUnlessEnd(var, stream) => {
            single(format!("if {var} != \"end\":"), out);
            single(format!("  {stream} <<- {var}"), out);
        }
        Stmt::Join(stream, index) => single(format!("join {stream}[{index}]"), out),
        Stmt::PutElement(number, stream, index) => single(format!("S.put(\"{number}\", {stream}[{index}])"), out),
    }
}

fn on(peer: &Peer) -> String {
    match peer {
        Peer::Named(name) => (*name).to_owned(),
        Peer::Hidden => "z via r1".to_owned(),
        Peer::Far => "q via r1 via r2".to_owned(),
        Peer::Each => "r via rs".to_owned(),
        Peer::Host => "HOST_PEER_ID".to_owned(),
        Peer::Client => "INIT_PEER_ID via HOST_PEER_ID".to_owned(),
        Peer::Var(var) => var.clone(),
    }
}
