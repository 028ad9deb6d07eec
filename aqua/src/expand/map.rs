//! Stream maps: queries, and their pairs for loops.

use super::thing::Thing;
use super::{Expander, Result};
use crate::hir::{Expr, MapQuery};
use crate::ir::{Accessor, Fold, Node, Op, Value, Var, VarKind};

impl Expander<'_> {
    pub(super) fn map_query(&mut self, map: &Expr, query: MapQuery, key: Option<&Expr>) -> Result<Thing> {
        let Thing::Map(map) = self.thing(map)? else {
            unreachable!("invariant of the checker: only stream maps are queried")
        };
        let key = match key {
            Some(key) => Some(self.value(key)?),
            None => None,
        };
        let key = key.unwrap_or(Value::EmptyArray);
        Ok(match query {
            MapQuery::Get => Thing::Value(self.values_of(map, key)),
            MapQuery::Contains => {
                let values = self.values_of(map, key);
                Thing::Value(self.compare(values, Value::EmptyArray, false))
            }
            MapQuery::Keys => Thing::Value(self.snapshot(map, Some("key"), "keys")?),
            MapQuery::KeysStream => Thing::Stream(self.growing(map, "key", None)),
            MapQuery::GetStream => Thing::Stream(self.growing(map, "value", Some(key))),
        })
    }

    fn values_of(&mut self, map: Var, key: Value) -> Value {
        let canon = self.canon(map);
        let key = self.bind(key, "key");
        Value::Var(canon, vec![Accessor::Dynamic(key)])
    }

    /// The pairs of a map, or one part of each, known here and now.
    pub(super) fn snapshot(&mut self, map: Var, part: Option<&str>, hint: &str) -> Result<Value> {
        let stream = self.var(hint, VarKind::Stream);
        self.collected(stream, hint, VarKind::Canon, |e| {
            let iterator = e.var("pair", VarKind::Scalar);
            let lens = part.iter().map(|&part| Accessor::Field(part.into())).collect();
            let push = Node::new(Op::Ap { value: Value::Var(iterator, lens), output: stream }, e.span);
            e.emit_copy(map, iterator, push);
            Ok(())
        })
    }

    /// A stream that gets a part of each pair, of those with this key, as they come.
    fn growing(&mut self, map: Var, part: &str, key: Option<Value>) -> Var {
        let hint = self.vars.info(map).hint.clone();
        let stream = self.var(&hint, VarKind::Stream);
        self.declared.push(stream);
        let iterator = self.var("pair", VarKind::Scalar);
        let field = |name: &str| Value::Var(iterator, vec![Accessor::Field(name.into())]);
        let mut push = Node::new(Op::Ap { value: field(part), output: stream }, self.span);
        if let Some(key) = key {
            let test = Op::Match { left: field("key"), right: key, equal: true, body: Box::new(push) };
            push = Node::new(test, self.span).xor(Node::null(self.span));
        }
        self.emit_copy(map, iterator, push);
        stream
    }

    /// `(par (fold %m i (seq PUSH (next i)) (never)) (null))`
    fn emit_copy(&mut self, map: Var, iterator: Var, push: Node) {
        let next = Node::new(Op::Next(iterator), self.span);
        let body = Node::new(Op::Seq(vec![push, next]), self.span);
        let last = Some(Node::new(Op::Never, self.span));
        let fold = Op::Fold(Box::new(Fold { iterable: Value::var(map), iterator, body, last }));
        let fold = Node::new(fold, self.span);
        self.nodes += 4;
        self.emit(Op::Detach(Box::new(fold)));
    }
}
