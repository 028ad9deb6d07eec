//! Arrays, options, streams and structs: AIR has no literals for them, so they are made of streams and maps.

use std::rc::Rc;
use std::sync::Arc;

use super::thing::Thing;
use super::{Expander, Result};
use crate::hir::{Expr, ExprKind, Type};
use crate::ir::{Accessor, Node, Op, Value, Var, VarKind};

impl Expander<'_> {
    /// `(new $xs (seq (ap a $xs) (ap b $xs) (canon P $xs #xs)))`
    pub(super) fn array(&mut self, items: &[Expr]) -> Result<Value> {
        if items.is_empty() {
            return Ok(Value::EmptyArray);
        }
        let stream = self.var("list", VarKind::Stream);
        self.collected(stream, "list", VarKind::Canon, |e| {
            for item in items {
                let value = e.value(item)?;
                e.emit(Op::Ap { value, output: stream });
            }
            Ok(())
        })
    }

    /// The canon of a stream or map that is filled by `fill` and used for nothing else.
    pub(super) fn collected(
        &mut self,
        source: Var,
        hint: &str,
        kind: VarKind,
        fill: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<Value> {
        let target = self.var(hint, kind);
        let body = self.block(|e| {
            fill(e)?;
            let peer = e.place.peer.clone();
            e.emit(Op::Canon { peer, source, target });
            Ok(())
        })?;
        self.emit(Op::New(source, Box::new(body)));
        Ok(Value::var(target))
    }

    /// The first element that does not fail.
    pub(super) fn option(&mut self, items: &[Expr]) -> Result<Value> {
        if items.is_empty() {
            return Ok(Value::EmptyArray);
        }
        let stream = self.var("option", VarKind::Stream);
        self.collected(stream, "option", VarKind::Canon, |e| {
            let mut alternatives = Vec::with_capacity(items.len() + 1);
            for item in items {
                let node = e.side(|e| {
                    let value = e.value(item)?;
                    e.emit(Op::Ap { value, output: stream });
                    Ok(())
                })?;
                let is_certain = matches!(&node.op, Op::Ap { value, .. } if !value.may_fail());
                alternatives.push(node);
                if is_certain {
                    break;
                }
            }
            let is_certain =
                matches!(alternatives.last(), Some(Node { op: Op::Ap { value, .. }, .. }) if !value.may_fail());
            if !is_certain {
                alternatives.push(Node::null(e.span));
            }
            let mut node = alternatives.pop().expect("invariant: there is at least one item");
            while let Some(before) = alternatives.pop() {
                node = before.xor(node);
            }
            e.out.push(node);
            Ok(())
        })
    }

    /// `*[a, b]`: a new stream.
    pub(super) fn stream_literal(&mut self, items: &[Expr]) -> Result<Thing> {
        let stream = self.var("items", VarKind::Stream);
        self.declared.push(stream);
        for item in items {
            let value = self.value(item)?;
            self.emit(Op::Ap { value, output: stream });
        }
        Ok(Thing::Stream(stream))
    }

    /// `(new %d (seq (ap ("f" v) %d) .. (canon P %d d)))`, fields by name.
    pub(super) fn structure(&mut self, ty: &Type, fields: &[(Arc<str>, Expr)]) -> Result<Value> {
        let mut sorted: Vec<&(Arc<str>, Expr)> = fields.iter().collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        let hint = type_hint(ty);
        let map = self.var(&hint, VarKind::Map);
        self.collected(map, &hint, VarKind::Scalar, |e| {
            for (name, value) in sorted {
                let value = e.value(value)?;
                e.emit(Op::ApMap { key: Value::Text(name.clone()), value, map });
            }
            Ok(())
        })
    }

    /// `x.copy(f = v)`: kept fields first.
    pub(super) fn copy(&mut self, base: &Expr, fields: &[(Arc<str>, Expr)]) -> Result<Thing> {
        let thing = self.thing(base)?;
        if let Thing::Ability(members) = thing {
            let mut members = (*members).clone();
            for (name, value) in fields {
                members.insert(name.clone(), self.thing(value)?);
            }
            return Ok(Thing::Ability(Rc::new(members)));
        }
        let value = self.freeze(thing);
        let Type::Data(data) = &base.ty else {
            unreachable!("invariant of the checker: only data and abilities are copied")
        };
        let mut changed: Vec<&(Arc<str>, Expr)> = fields.iter().collect();
        changed.sort_by(|a, b| a.0.cmp(&b.0));
        let hint = type_hint(&base.ty);
        let map = self.var(&hint, VarKind::Map);
        let copy = self.collected(map, &hint, VarKind::Scalar, |e| {
            for (name, _) in &data.fields {
                if fields.iter().all(|(changed, _)| changed != name) {
                    let kept = e.project(value.clone(), Accessor::Field(name.clone()));
                    e.emit(Op::ApMap { key: Value::Text(name.clone()), value: kept, map });
                }
            }
            for (name, value) in changed {
                let value = e.value(value)?;
                e.emit(Op::ApMap { key: Value::Text(name.clone()), value, map });
            }
            Ok(())
        })?;
        Ok(Thing::Value(copy))
    }

    /// Whether an expression is a collection of peers, rather than one.
    pub(super) fn is_collection(expr: &Expr) -> bool {
        matches!(expr.ty, Type::Array(_) | Type::Option(_) | Type::Stream(_)) || matches!(expr.kind, ExprKind::Array(_))
    }
}

/// What a variable with data of this type is called: `Point` gives `point`.
fn type_hint(ty: &Type) -> String {
    let name = match ty {
        Type::Data(data) => &*data.name,
        _ => "data",
    };
    let last = name.rsplit('.').next().unwrap_or(name);
    let mut chars = last.chars();
    let Some(first) = chars.next() else { return "data".to_owned() };
    first.to_lowercase().chain(chars).collect()
}
