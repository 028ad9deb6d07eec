//! Random scripts of which the outcome must not depend on the order of events, and services to run them with.
//!
//! A [`Case`] is grown from bytes: each decision takes one, and when they are used up everything becomes as simple as it can
//! be. So proptest shrinks a failing case by cutting bytes.
//!
//! What the generator leaves out is what may rightly depend on order: operands that are not set for sure when control gets to
//! them, a `par` whose two failures, seen by two peers, an `xor` would have to put together, and canons and sequential folds
//! of streams that are written to from several sides. [`wild_cases`] have all that but the second, and do not read `%last_error%`
//! in folds over streams.

#[path = "generate_streams.rs"]
mod streams;

use std::sync::Arc;

use marine_air::execution::CallResult;
use marine_air::sim::{Scenario, Stub, StubCall};
use marine_air::value::Value;
use proptest::prelude::*;
use serde_json::json;

pub(crate) const PEERS: [&str; 4] = ["a", "b", "c", "d"];

/// A script as text, with `@name` for peers.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) script: String,
}

/// Shown as it is, so that it can be copied from a failure.
impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.script)
    }
}

/// Cases of all sizes.
pub(crate) fn cases() -> impl Strategy<Value = Case> {
    prop::collection::vec(any::<u8>(), 0..160).prop_map(|bytes| case(&bytes, false))
}

/// Cases whose outcome may depend on the order of events.
pub(crate) fn wild_cases() -> impl Strategy<Value = Case> {
    prop::collection::vec(any::<u8>(), 0..160).prop_map(|bytes| case(&bytes, true))
}

/// Both.
pub(crate) fn all_cases() -> impl Strategy<Value = Case> {
    prop_oneof![cases(), wild_cases()]
}

/// The case that grows from these bytes.
fn case(bytes: &[u8], is_wild: bool) -> Case {
    let mut generator = Generator { bytes, names: 0, is_wild, defined: Vec::new() };
    let (script, _) = generator.instruction(&Context::default(), 0);
    Case { script }
}

impl Case {
    pub(crate) fn scenario(&self) -> Scenario {
        Scenario::new(&self.script, PEERS).stub(Stub::new("*.*").function(answer).delay(0..=30))
    }
}

/// The services of all peers: functions of nothing but their name and arguments.
fn answer(call: &StubCall<'_>) -> CallResult {
    let args: Vec<String> = call.args.iter().map(Value::to_string).collect();
    let hash = blake3::hash(format!("{}({})", call.function, args.join(",")).as_bytes());
    let byte = |index: usize| hash.as_bytes()[index];
    let list = || (0..byte(1) % 4).map(|n| json!(byte(usize::from(n) + 2) % 8)).collect::<Vec<_>>();
    let peer = || format!("@{}", PEERS[usize::from(byte(6)) % PEERS.len()]);
    let ok = |json: serde_json::Value| CallResult::Ok(Value::from(json));
    match call.function {
        "number" => ok(json!(byte(0) % 4)),
        "list" => ok(json!(list())),
        "object" => ok(json!({"n": byte(0) % 4, "list": list(), "p": peer()})),
        "peer" => ok(json!(peer())),
        "maybe" if byte(0) % 2 == 0 => ok(json!(byte(0))),
        function => CallResult::Err { code: i32::from(byte(0)) + 1, message: format!("{function} fails") },
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Number,
    List,
    Object,
    Peer,
    Any,
    Canon,
    CanonMap,
}

#[derive(Clone)]
struct Variable {
    name: Arc<str>,
    kind: Kind,
    is_iterator: bool,
}

/// What holds at a place in the script.
#[derive(Clone, Default)]
struct Context {
    /// The variables that are set for sure.
    variables: Vec<Variable>,
    /// An `xor` around sees failures.
    is_caught: bool,
    /// Nothing here may fail.
    is_safe: bool,
    /// Inside the right side of an `xor`.
    is_handler: bool,
    /// Inside a fold over a stream, where `%last_error%` tells what came before in the chain.
    is_in_chain: bool,
    /// Streams that may be written to from several sides, each with its number.
    streams: Vec<(usize, Arc<str>)>,
    /// Inside a fold over the stream with this number only later ones are written to, so that no fold feeds itself.
    floor: usize,
}

impl Context {
    fn with(&self, more: &[Variable]) -> Self {
        let mut this = self.clone();
        // A name that is there already is shadowed.
        this.variables.retain(|old| more.iter().all(|new| new.name != old.name));
        this.variables.extend(more.iter().cloned());
        this
    }
}

struct Generator<'a> {
    bytes: &'a [u8],
    names: usize,
    is_wild: bool,
    /// Scalars that something before sets.
    defined: Vec<Variable>,
}

/// The text of an instruction, and the variables that are set for sure once it is complete.
type Made = (String, Vec<Variable>);

const MAX_DEPTH: usize = 7;

impl Generator<'_> {
    /// A decision among `count` ones; the first when the bytes are used up.
    fn choose(&mut self, count: usize) -> usize {
        match self.bytes.split_first() {
            Some((&byte, rest)) => {
                self.bytes = rest;
                usize::from(byte) % count
            }
            None => 0,
        }
    }

    fn fresh(&mut self, kind: Kind) -> Variable {
        self.names += 1;
        let sigil = match kind {
            Kind::Canon => "#",
            Kind::CanonMap => "#%",
            _ => "",
        };
        Variable { name: format!("{sigil}v{}", self.names).into(), kind, is_iterator: false }
    }

    fn instruction(&mut self, context: &Context, depth: usize) -> Made {
        if self.bytes.is_empty() || depth >= MAX_DEPTH {
            return ("(null)".to_owned(), Vec::new());
        }
        // Near the root only what has instructions inside, so that many bytes make a large script.
        let is_trunk = depth < 3 && self.bytes.len() > 20;
        match self.choose(if is_trunk { 19 } else { 28 }) {
            0..=4 => self.seq(context, depth),
            5..=7 => self.par(context, depth),
            8 | 9 => self.xor(context, depth),
            10 | 11 => self.fold(context, depth),
            12 => self.new_scope(context, depth),
            13 => self.join(context),
            14 | 15 => self.ordered_stream(context, depth),
            16 => self.ordered_map(context, depth),
            17 | 18 => self.shared_stream(context, depth),
            19..=22 => self.call(context),
            23 => self.compare(context, depth),
            24 => self.ap(context),
            25 | 26 => self.write_or_read(context),
            _ => self.fail(context),
        }
    }

    fn seq(&mut self, context: &Context, depth: usize) -> Made {
        let (left, mut exports) = self.instruction(context, depth + 1);
        let (right, more) = self.instruction(&context.with(&exports), depth + 1);
        exports.extend(more);
        (format!("(seq {left} {right})"), exports)
    }

    fn par(&mut self, context: &Context, depth: usize) -> Made {
        let (left, _) = self.instruction(&Context { is_safe: false, ..context.clone() }, depth + 1);
        let is_safe = context.is_safe || context.is_caught;
        let (right, _) = self.instruction(&Context { is_safe, ..context.clone() }, depth + 1);
        (format!("(par {left} {right})"), Vec::new())
    }

    fn xor(&mut self, context: &Context, depth: usize) -> Made {
        let inner = Context { is_caught: true, is_safe: false, ..context.clone() };
        let (left, _) = self.instruction(&inner, depth + 1);
        let (right, _) = self.instruction(&Context { is_handler: true, ..context.clone() }, depth + 1);
        if self.choose(2) == 0 {
            return (format!("(xor {left} {right})"), Vec::new());
        }
        // Whichever side completes sets the variable last.
        let output = self.fresh(Kind::Number);
        let name = &output.name;
        (format!("(xor (seq {left} (ap 1 {name})) (seq {right} (ap 2 {name})))"), vec![output])
    }

    /// Two peers work at once, a third one needs the results of both.
    fn join(&mut self, context: &Context) -> Made {
        let function =
            if context.is_caught || context.is_safe { "number" } else { ["number", "maybe"][self.choose(2)] };
        let (left, right, out) = (self.fresh(Kind::Number), self.fresh(Kind::Number), self.fresh(Kind::Number));
        let [p, q, r] = [0; 3].map(|_| self.peer(context));
        let text = format!(
            "(seq (par (call {p} (\"s\" \"{function}\") [1] {}) (call {q} (\"s\" \"{function}\") [2] {})) \
             (call {r} (\"s\" \"number\") [{} {}] {}))",
            left.name, right.name, left.name, right.name, out.name
        );
        (text, vec![left, right, out])
    }

    fn call(&mut self, context: &Context) -> Made {
        let functions: &[(&str, Kind)] = &[
            ("number", Kind::Number),
            ("list", Kind::List),
            ("object", Kind::Object),
            ("peer", Kind::Peer),
            ("maybe", Kind::Number),
            ("error", Kind::Any),
        ];
        let (function, kind) = functions[self.choose(if context.is_safe { 4 } else { 6 })];
        let peer = self.peer(context);
        let count = self.choose(4);
        let args: Vec<String> = (0..count).map(|_| self.operand(context)).collect();
        let call = format!("call {peer} (\"s\" \"{function}\") [{}]", args.join(" "));
        if self.choose(4) == 3 {
            return (format!("({call})"), Vec::new());
        }
        let output = self.fresh(kind);
        self.defined.push(output.clone());
        (format!("({call} {})", output.name), vec![output])
    }

    fn ap(&mut self, context: &Context) -> Made {
        let value = self.operand(context);
        let output = self.fresh(Kind::Any);
        (format!("(ap {value} {})", output.name), vec![output])
    }

    fn compare(&mut self, context: &Context, depth: usize) -> Made {
        if context.is_safe {
            return self.ap(context);
        }
        let name = ["match", "mismatch"][self.choose(2)];
        let (left, right) = (self.operand(context), self.operand(context));
        let (body, exports) = self.instruction(context, depth + 1);
        (format!("({name} {left} {right} {body})"), exports)
    }

    fn fold(&mut self, context: &Context, depth: usize) -> Made {
        let lists: Vec<String> = context.variables.iter().filter_map(list_operand).collect();
        if lists.is_empty() {
            let (list, peer) = (self.fresh(Kind::List), self.peer(context));
            let made = format!("(call {peer} (\"s\" \"list\") [{}] {})", self.names, list.name);
            let (fold, _) = self.fold_over(&list.name, &context.with(std::slice::from_ref(&list)), depth);
            return (format!("(seq {made} {fold})"), vec![list]);
        }
        let iterable = lists[self.choose(lists.len())].clone();
        self.fold_over(&iterable, context, depth)
    }

    fn fold_over(&mut self, iterable: &str, context: &Context, depth: usize) -> Made {
        let iterator = Variable { is_iterator: true, ..self.fresh(Kind::Number) };
        let i = iterator.name.clone();
        let inner = context.with(&[iterator]);
        let text = match self.choose(4) {
            0 => {
                let (body, _) = self.instruction(&inner, depth + 1);
                format!("(fold {iterable} {i} (seq {body} (next {i})))")
            }
            1 => {
                let (body, _) = self.instruction(&inner, depth + 1);
                format!("(fold {iterable} {i} (seq (next {i}) {body}))")
            }
            2 => {
                let (before, exports) = self.instruction(&inner, depth + 1);
                let (after, _) = self.instruction(&inner.with(&exports), depth + 1);
                let (last, _) = self.instruction(&inner, depth + 1);
                format!("(fold {iterable} {i} (seq {before} (seq (next {i}) {after})) {last})")
            }
            _ => {
                // Never fails: the last `next` completes or waits.
                let (body, _) = self.instruction(&Context { is_safe: false, ..inner }, depth + 1);
                let last = ["", " (null)", " (never)"][self.choose(3)];
                format!("(fold {iterable} {i} (par {body} (next {i})){last})")
            }
        };
        (text, Vec::new())
    }

    fn new_scope(&mut self, context: &Context, depth: usize) -> Made {
        let shadowable: Vec<Variable> = context.variables.iter().filter(|old| old.can_be_shadowed()).cloned().collect();
        let variable = match self.choose(2) {
            1 if !shadowable.is_empty() => shadowable[self.choose(shadowable.len())].clone(),
            _ => self.fresh(Kind::Number),
        };
        let variable = Variable { kind: Kind::Number, ..variable };
        let (name, peer) = (variable.name.clone(), self.peer(context));
        let set = format!("(call {peer} (\"s\" \"number\") [] {name})");
        let (body, exports) = self.instruction(&context.with(&[variable]), depth + 1);
        (format!("(new {name} (seq {set} {body}))"), exports)
    }

    fn fail(&mut self, context: &Context) -> Made {
        if context.is_safe {
            return ("(null)".to_owned(), Vec::new());
        }
        let text = match self.choose(4) {
            0 => "(fail 7 \"seven\")",
            1 => "(fail -1 \"minus one\")",
            2 if self.can_look_back(context) => "(fail %last_error%)",
            _ if context.is_handler => "(fail :error:)",
            _ => "(fail 3 \"three\")",
        };
        (text.to_owned(), Vec::new())
    }

    fn peer(&mut self, context: &Context) -> String {
        let choice = self.choose(PEERS.len() + 2);
        let held: Vec<String> = context.variables.iter().filter_map(peer_operand).collect();
        match choice {
            0 => "%init_peer_id%".to_owned(),
            1 if !held.is_empty() => held[self.choose(held.len())].clone(),
            n => format!("\"@{}\"", PEERS[n % PEERS.len()]),
        }
    }

    /// Whether an operand may be the last error. Peers that know elements in different orders would give different arguments to
    /// one and the same call, and neither would take the other's result.
    fn can_look_back(&self, context: &Context) -> bool {
        !(self.is_wild && context.is_in_chain)
    }

    fn operand(&mut self, context: &Context) -> String {
        let variables = &context.variables;
        let choice = self.choose(12);
        if self.is_wild && choice == 11 && !self.defined.is_empty() {
            let chosen = self.choose(self.defined.len());
            return self.defined[chosen].name.to_string();
        }
        if choice >= 5 && !variables.is_empty() {
            let variable = &variables[self.choose(variables.len())];
            let lenses = lenses(variable.kind, context.is_safe);
            return format!("{}{}", variable.name, lenses[self.choose(lenses.len())]);
        }
        let literals = ["1", "-2.5", "\"text\"", "true", "[]", "%ttl%", "%init_peer_id%"];
        match choice {
            0 if self.can_look_back(context) => "%last_error%.$.error_code".to_owned(),
            1 if context.is_handler => ":error:".to_owned(),
            2 if context.is_handler => ":error:.$.message".to_owned(),
            3 if self.can_look_back(context) => "%last_error%".to_owned(),
            n => literals[n % literals.len()].to_owned(),
        }
    }
}

fn peer_operand(variable: &Variable) -> Option<String> {
    match variable.kind {
        Kind::Peer => Some(variable.name.to_string()),
        Kind::Object => Some(format!("{}.$.p", variable.name)),
        _ => None,
    }
}

fn list_operand(variable: &Variable) -> Option<String> {
    match variable.kind {
        Kind::List => Some(variable.name.to_string()),
        Kind::Object => Some(format!("{}.$.list", variable.name)),
        Kind::Canon | Kind::CanonMap => Some(variable.name.to_string()),
        _ => None,
    }
}

impl Variable {
    fn can_be_shadowed(&self) -> bool {
        !self.is_iterator && !matches!(self.kind, Kind::Canon | Kind::CanonMap)
    }
}

/// Lenses for a variable; those that may not fit come last.
fn lenses(kind: Kind, is_safe: bool) -> &'static [&'static str] {
    let (all, safe): (&[&str], usize) = match kind {
        Kind::Number => (&["", "", "", "", "", "", ".$.field"], 6),
        Kind::List => (&["", ".length", ".$.[0]", ".$.[1]"], 2),
        Kind::Object => (&["", ".$.n", ".$.list", ".$.list.[0]", ".$.q"], 3),
        Kind::Peer | Kind::Any => (&["", ".length"], 1),
        Kind::Canon => (&["", ".length", ".$.[0]", ".$.[1]"], 2),
        Kind::CanonMap => (&["", ".length", ".$.a", ".$.[5]", ".$.a.[0]"], 4),
    };
    if is_safe { &all[..safe] } else { all }
}
