//! Expressions: what they stand for, and the instructions that compute them.

use std::rc::Rc;
use std::sync::Arc;

use super::thing::{ArrowThing, Thing};
use super::{Expander, Result, View};
use crate::hir::{Binary, Expr, ExprKind, Special};
use crate::ir::{Accessor, Call, Node, Op, Value, Var, VarKind, Wait};

impl Expander<'_> {
    /// What an expression stands for.
    pub(super) fn thing(&mut self, expr: &Expr) -> Result<Thing> {
        self.deeper(|e| {
            let around = std::mem::replace(&mut e.span, expr.span);
            let thing = e.thing_inner(expr);
            e.span = around;
            thing
        })
    }

    /// The value of an expression; a stream is canonicalised here and now.
    pub(super) fn value(&mut self, expr: &Expr) -> Result<Value> {
        let thing = self.thing(expr)?;
        Ok(self.freeze(thing))
    }

    fn thing_inner(&mut self, expr: &Expr) -> Result<Thing> {
        Ok(Thing::Value(match &expr.kind {
            ExprKind::Bool(value) => Value::Bool(*value),
            ExprKind::Int(value) => Value::Int(*value),
            ExprKind::Float(value) => Value::Float(*value),
            ExprKind::Text(text) => Value::Text(text.clone()),
            ExprKind::Special(special) => self.special(*special),
            ExprKind::Local(local) => return Ok(self.get(*local)),
            ExprKind::Function(function) => return Ok(Thing::Arrow(ArrowThing::Function(*function))),
            ExprKind::Closure(closure) => {
                let (closure, frame, place) = (closure.clone(), self.frame, self.place.clone());
                return Ok(Thing::Arrow(ArrowThing::Closure { closure, frame, place }));
            }
            ExprKind::Service { id, .. } => {
                let id = self.value(id)?;
                return Ok(Thing::Service(id));
            }
            ExprKind::Field { base, name } => return self.field(base, name),
            ExprKind::Index { base, index } => return self.index(base, index),
            ExprKind::Length(base) => self.length(base)?,
            ExprKind::Map { map, query, key } => return self.map_query(map, *query, key.as_deref()),
            ExprKind::Call { .. } => {
                let mut results = self.call(expr, true)?;
                return Ok(if results.is_empty() { Thing::Value(Value::EmptyArray) } else { results.swap_remove(0) });
            }
            ExprKind::Binary { op, left, right } => self.binary(*op, left, right)?,
            ExprKind::Not(operand) => self.not(operand)?,
            ExprKind::Array(items) => self.array(items)?,
            ExprKind::Option(items) => self.option(items)?,
            ExprKind::Stream(items) => return self.stream_literal(items),
            ExprKind::Struct(fields) => self.structure(&expr.ty, fields)?,
            ExprKind::Ability(fields) => return self.ability(fields),
            ExprKind::Copy { base, fields } => return self.copy(base, fields),
        }))
    }

    /// A thing as a value.
    pub(super) fn freeze(&mut self, thing: Thing) -> Value {
        match thing {
            Thing::Value(value) => value,
            Thing::Stream(stream) => Value::var(self.canon(stream)),
            Thing::Map(map) => Value::var(self.canon(map)),
            Thing::Arrow(_) | Thing::Ability(_) | Thing::Service(_) => {
                unreachable!("invariant of the checker: arrows and abilities are not data")
            }
        }
    }

    /// Canonicalises a stream or map here and now.
    pub(super) fn canon(&mut self, source: Var) -> Var {
        let hint = self.vars.info(source).hint.clone();
        let kind = if self.vars.kind(source) == VarKind::Map { VarKind::CanonMap } else { VarKind::Canon };
        let target = self.var(&hint, kind);
        let peer = self.place.peer.clone();
        self.emit(Op::Canon { peer, source, target });
        target
    }

    fn special(&mut self, special: Special) -> Value {
        match special {
            Special::InitPeer => Value::InitPeer,
            Special::HostPeer => match self.root.via.first() {
                Some(crate::ir::Relay::Peer(relay)) => relay.clone(),
                _ => Value::InitPeer,
            },
            Special::Ttl => Value::Ttl,
            Special::Timestamp => Value::Timestamp,
            Special::LastError => match &self.error {
                Some(error) => error.clone(),
                None => {
                    let var = match self.no_error {
                        Some(var) => var,
                        None => self.vars.add("noError", VarKind::Scalar),
                    };
                    self.no_error = Some(var);
                    Value::var(var)
                }
            },
        }
    }

    fn field(&mut self, base: &Expr, name: &Arc<str>) -> Result<Thing> {
        Ok(match self.thing(base)? {
            Thing::Ability(members) => members
                .get(name)
                .cloned()
                .expect("invariant of the checker: an ability has the members it is asked for"),
            Thing::Service(id) => Thing::Arrow(ArrowThing::Method { id, name: name.clone() }),
            thing => {
                let value = self.freeze(thing);
                Thing::Value(self.project(value, Accessor::Field(name.clone())))
            }
        })
    }

    fn index(&mut self, base: &Expr, index: &Expr) -> Result<Thing> {
        let base = self.thing(base)?;
        let index = self.value(index)?;
        let index = self.plain_index(index);
        let (array, step) = match base {
            Thing::Stream(stream) => {
                let view = self.wait(stream, index.clone());
                (Value::var(view), self.accessor(index))
            }
            other => (self.freeze(other), self.accessor(index)),
        };
        Ok(Thing::Value(self.project(array, step)))
    }

    /// A canon of the stream that has the element, waiting for it if need be.
    pub(super) fn wait(&mut self, stream: Var, index: Value) -> Var {
        let covers = |view: &&View| {
            view.stream == stream
                && match (&view.index, &index) {
                    (_, Value::Int(0)) => true,
                    (Value::Int(known), Value::Int(wanted)) => wanted <= known,
                    (known, wanted) => known == wanted,
                }
        };
        if let Some(view) = self.views.iter().find(covers) {
            return view.canon;
        }
        let hint = self.vars.info(stream).hint.clone();
        let canon = self.var(&hint, VarKind::Canon);
        self.emit(Op::Wait(Box::new(Wait { stream, index: index.clone(), view: canon })));
        self.views.push(View { stream, index, canon });
        canon
    }

    /// An index as a literal or a scalar without lens.
    fn plain_index(&mut self, index: Value) -> Value {
        match index {
            Value::Int(number) if u32::try_from(number).is_ok() => index,
            Value::Var(var, ref lens) if lens.is_empty() && self.vars.kind(var) == VarKind::Scalar => index,
            other => Value::var(self.bind(other, "index")),
        }
    }

    fn accessor(&mut self, index: Value) -> Accessor {
        match index {
            Value::Int(number) => Accessor::Index(u32::try_from(number).unwrap_or(u32::MAX)),
            Value::Var(var, _) => Accessor::Dynamic(var),
            other => Accessor::Dynamic(self.bind(other, "index")),
        }
    }

    /// The value in a scalar of its own.
    pub(super) fn bind(&mut self, value: Value, hint: &str) -> Var {
        let var = self.var(hint, VarKind::Scalar);
        self.emit(Op::Ap { value, output: var });
        var
    }

    /// One step further into a value.
    pub(super) fn project(&mut self, value: Value, step: Accessor) -> Value {
        match value {
            Value::Var(var, mut lens) => {
                lens.push(step);
                Value::Var(var, lens)
            }
            Value::Error(mut lens) => {
                lens.push(step);
                Value::Error(lens)
            }
            other => Value::Var(self.bind(other, "value"), vec![step]),
        }
    }

    fn length(&mut self, base: &Expr) -> Result<Value> {
        let value = self.value(base)?;
        let array = match value {
            Value::EmptyArray => return Ok(Value::Int(0)),
            Value::Var(var, ref lens) if lens.is_empty() => var,
            other => self.bind(other, "list"),
        };
        Ok(Value::var(self.bind(Value::Length(array), "length")))
    }

    fn binary(&mut self, op: Binary, left: &Expr, right: &Expr) -> Result<Value> {
        match op {
            Binary::Equal | Binary::NotEqual => {
                let (left, right) = self.operands(left, right)?;
                Ok(self.compare(left, right, op == Binary::Equal))
            }
            Binary::And => self.short_circuit(left, right, false),
            Binary::Or => self.short_circuit(left, right, true),
            _ => self.arithmetic(op, left, right),
        }
    }

    /// Operands of a comparison. An element that is not there is an error of the expression, not an inequality.
    pub(super) fn operands(&mut self, left: &Expr, right: &Expr) -> Result<(Value, Value)> {
        let left = self.value(left)?;
        let left = self.certain(left);
        let right = self.value(right)?;
        let right = self.certain(right);
        Ok((left, right))
    }

    fn certain(&mut self, value: Value) -> Value {
        let has_index = match &value {
            Value::Var(_, lens) => lens.iter().any(|step| !matches!(step, Accessor::Field(_))),
            _ => false,
        };
        if has_index { Value::var(self.bind(value, "item")) } else { value }
    }

    /// `(xor (match a b (ap true r)) (ap false r))`
    pub(super) fn compare(&mut self, left: Value, right: Value, equal: bool) -> Value {
        let result = self.var("same", VarKind::Scalar);
        let set = |value| Node::new(Op::Ap { value: Value::Bool(value), output: result }, self.span);
        let body = Box::new(set(true));
        let otherwise = set(false);
        let test = Node::new(Op::Match { left, right, equal, body }, self.span);
        self.nodes += 3;
        self.emit(Op::Xor(Box::new(test), Box::new(otherwise)));
        Value::var(result)
    }

    fn not(&mut self, operand: &Expr) -> Result<Value> {
        let value = self.value(operand)?;
        if let Value::Bool(value) = value {
            return Ok(Value::Bool(!value));
        }
        let value = self.certain(value);
        Ok(self.compare(value, Value::Bool(true), false))
    }

    /// `a && b` with `decides` false, `a || b` with true.
    fn short_circuit(&mut self, left: &Expr, right: &Expr, decides: bool) -> Result<Value> {
        let left = self.value(left)?;
        if let Value::Bool(value) = left {
            return if value == decides { Ok(Value::Bool(decides)) } else { self.value(right) };
        }
        let left = self.certain(left);
        let result = self.var("both", VarKind::Scalar);
        let decided = Value::Bool(decides);
        let set = Node::new(Op::Ap { value: decided.clone(), output: result }, self.span);
        let test = Node::new(Op::Match { left, right: decided, equal: true, body: Box::new(set) }, self.span);
        let otherwise = self.side(|e| {
            let value = e.value(right)?;
            e.emit(Op::Ap { value, output: result });
            Ok(())
        })?;
        self.emit(Op::Xor(Box::new(test), Box::new(otherwise)));
        Ok(Value::var(result))
    }

    fn arithmetic(&mut self, op: Binary, left: &Expr, right: &Expr) -> Result<Value> {
        let (service, function) = match op {
            Binary::Add => ("math", "add"),
            Binary::Sub => ("math", "sub"),
            Binary::Mul => ("math", "mul"),
            Binary::FloatMul => ("math", "fmul"),
            Binary::Div => ("math", "div"),
            Binary::Rem => ("math", "rem"),
            Binary::Pow => ("math", "pow"),
            Binary::Greater => ("cmp", "gt"),
            Binary::GreaterEqual => ("cmp", "gte"),
            Binary::Less => ("cmp", "lt"),
            Binary::LessEqual => ("cmp", "lte"),
            Binary::Equal | Binary::NotEqual | Binary::And | Binary::Or => {
                unreachable!("invariant of the caller: these have forms of their own")
            }
        };
        let args = vec![self.value(left)?, self.value(right)?];
        let output = self.var(function, VarKind::Scalar);
        let peer = self.place.peer.clone();
        let (service, function) = (Value::text(service), Value::text(function));
        let call = Call { peer, service, function, args, output: Some(output) };
        self.emit(Op::Call(Box::new(call)));
        Ok(Value::var(output))
    }

    fn ability(&mut self, fields: &[(Arc<str>, Expr)]) -> Result<Thing> {
        let mut members = super::thing::Members::new();
        for (name, value) in fields {
            members.insert(name.clone(), self.thing(value)?);
        }
        Ok(Thing::Ability(Rc::new(members)))
    }
}
