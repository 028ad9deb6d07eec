//! Streams, maps, canons and folds over them in random scripts.

use std::sync::Arc;

use super::{Context, Generator, Kind, Made, Variable};

impl Generator<'_> {
    /// A stream that is written to in one order, looked at by canons and folds of all kinds.
    pub(super) fn ordered_stream(&mut self, context: &Context, depth: usize) -> Made {
        self.names += 1;
        let stream = format!("$o{}", self.names);
        let (first, second) = (self.fresh(Kind::Canon), self.fresh(Kind::Canon));
        let (before, between) = (self.pushes(context, &stream), self.pushes(context, &stream));
        let [p, q] = [0; 2].map(|_| self.peer(context));
        let canons = vec![first.clone(), second.clone()];
        let inner = context.with(&canons);
        let body = match self.choose(4) {
            0 => self.instruction(&inner, depth + 1).0,
            1 => self.fold_over(&first.name, &inner, depth).0,
            2 => {
                let last = ["(null)", "(never)"][self.choose(2)];
                self.stream_fold(&stream, &inner, depth, &format!("(seq {{}} (next i)) {last}"))
            }
            _ => self.stream_fold(&stream, &inner, depth, "(seq {} (next i))"),
        };
        let text = format!(
            "(new {stream} (seq {before} (seq (canon {p} {stream} {}) (seq {between} (seq (canon {q} {stream} {}) {body})))))",
            first.name, second.name
        );
        (text, canons)
    }

    pub(super) fn ordered_map(&mut self, context: &Context, depth: usize) -> Made {
        self.names += 1;
        let map = format!("%m{}", self.names);
        let keys = ["\"a\"", "\"b\"", "5", "\"5\""];
        let mut writes = "(null)".to_owned();
        for _ in 0..=self.choose(4) {
            let (key, value) = (keys[self.choose(keys.len())], self.operand(context));
            writes = format!("(seq {writes} (ap ({key} {value}) {map}))");
        }
        let (canon, object) = (self.fresh(Kind::CanonMap), self.fresh(Kind::Any));
        let [p, q] = [0; 2].map(|_| self.peer(context));
        let made = vec![canon.clone(), object.clone()];
        let (body, _) = self.instruction(&context.with(&made), depth + 1);
        let text = format!(
            "(new {map} (seq {writes} (seq (canon {p} {map} {}) (seq (canon {q} {map} {}) {body}))))",
            canon.name, object.name
        );
        (text, made)
    }

    /// A stream that several sides write to at once, and a fold that does not mind.
    pub(super) fn shared_stream(&mut self, context: &Context, depth: usize) -> Made {
        self.names += 1;
        let (number, stream): (_, Arc<str>) = (self.names, format!("$u{}", self.names).into());
        let mut inner = context.clone();
        inner.streams.push((number, stream.clone()));
        let order = self.choose(3);
        // What stands first is made first: it cannot use what the other sets.
        let (writers, reader) = if order == 2 {
            let reader = self.reader(number, &stream, &inner, depth);
            (self.writers(&stream, &inner, depth), reader)
        } else {
            let writers = self.writers(&stream, &inner, depth);
            (writers, self.reader(number, &stream, &inner, depth))
        };
        let both = match order {
            0 => format!("(seq {writers} {reader})"),
            1 => format!("(par {writers} {reader})"),
            _ => format!("(par {reader} {writers})"),
        };
        (format!("(new {stream} {both})"), Vec::new())
    }

    fn writers(&mut self, stream: &str, context: &Context, depth: usize) -> String {
        let (left, _) = self.instruction(&Context { is_safe: false, ..context.clone() }, depth + 1);
        // As in `par`: an `xor` around must not have to put two failures together.
        let safe = Context { is_safe: context.is_safe || context.is_caught, ..context.clone() };
        let (push, more) = (self.push(&safe, stream), self.push(&safe, stream));
        let last = told(&format!("(ap 1 {stream})"));
        format!("(par (seq {left} {last}) (par {} {}))", told(&push), told(&more))
    }

    fn reader(&mut self, number: usize, stream: &str, context: &Context, depth: usize) -> String {
        let folds = ["(par {} (next i)) (null)", "(par {} (next i))", "(seq {} (next i))", "(seq {} (next i)) (null)"];
        let fold = folds[self.choose(if self.is_wild { 4 } else { 2 })];
        self.stream_fold(stream, &Context { floor: number, is_safe: false, ..context.clone() }, depth, fold)
    }

    /// Writes to a stream from around; in wild scripts also canons of it.
    pub(super) fn write_or_read(&mut self, context: &Context) -> Made {
        let streams: Vec<_> = context.streams.iter().filter(|(number, _)| *number > context.floor).collect();
        if streams.is_empty() {
            return self.ap(context);
        }
        let stream = streams[self.choose(streams.len())].1.clone();
        if self.is_wild && self.choose(2) == 1 {
            let (canon, peer) = (self.fresh(Kind::Canon), self.peer(context));
            return (format!("(canon {peer} {stream} {})", canon.name), vec![canon]);
        }
        (told(&self.push(context, &stream)), Vec::new())
    }

    /// One after the other.
    fn pushes(&mut self, context: &Context, stream: &str) -> String {
        let mut text = "(null)".to_owned();
        for _ in 0..self.choose(4) {
            text = format!("(seq {text} {})", self.push(context, stream));
        }
        text
    }

    fn push(&mut self, context: &Context, stream: &str) -> String {
        let lists: Vec<String> = context.variables.iter().filter_map(super::list_operand).collect();
        match self.choose(4) {
            0 => format!("(ap {} {stream})", self.operand(context)),
            1 if !lists.is_empty() => {
                let (list, i) = (&lists[self.choose(lists.len())], self.names);
                self.names += 1;
                format!("(fold {list} e{i} (seq (ap e{i} {stream}) (next e{i})))")
            }
            n => {
                let function = ["number", "object", "list", "maybe"][if context.is_safe { n % 3 } else { n }];
                let (peer, arg) = (self.peer(context), self.operand(context));
                format!("(call {peer} (\"s\" \"{function}\") [{arg}] {stream})")
            }
        }
    }

    /// A fold whose body goes into `{}`; `i` is replaced by its iterator.
    fn stream_fold(&mut self, stream: &str, context: &Context, depth: usize, around: &str) -> String {
        let iterator = Variable { is_iterator: true, ..self.fresh(Kind::Any) };
        let i = iterator.name.clone();
        // A chain that fails hands on the rest, as an `xor` its error.
        let is_caught = context.is_caught || around.starts_with("(seq");
        let inner = Context { is_caught, is_in_chain: true, ..context.with(&[iterator]) };
        let (body, _) = self.instruction(&inner, depth + 1);
        let around = around.replace("(next i)", &format!("(next {i})"));
        format!("(fold {stream} {i} {})", around.replace("{}", &body))
    }
}

/// One peer learns of all elements, at which the fold starts too: what only its writer knows, nobody might come to work on.
fn told(push: &str) -> String {
    format!("(seq {push} (call \"@a\" (\"s\" \"number\") []))")
}
