//! Statements.

use super::thing::Thing;
use super::{Expander, Result};
use crate::hir::{Binary, Block, Expr, ExprKind, Handler, LocalId, LoopMode, Stmt, StmtKind, Target, Type};
use crate::ir::{Accessor, Loop, LoopKind, Node, Op, Place, Relay, Select, Value, Var, VarKind};

impl Expander<'_> {
    pub(super) fn statements(&mut self, block: &Block) -> Result<()> {
        for stmt in block {
            self.statement(stmt)?;
        }
        Ok(())
    }

    fn statement(&mut self, stmt: &Stmt) -> Result<()> {
        self.deeper(|e| {
            let around = std::mem::replace(&mut e.span, stmt.span);
            let result = e.statement_inner(&stmt.kind);
            e.span = around;
            result
        })
    }

    fn statement_inner(&mut self, stmt: &StmtKind) -> Result<()> {
        match stmt {
            StmtKind::Let { local, value } => {
                let thing = self.thing(value)?;
                self.set(*local, thing);
                Ok(())
            }
            StmtKind::Bind { targets, call } => self.bind_results(targets, call),
            StmtKind::Push { stream, value } => {
                let value = self.value(value)?;
                let output = self.stream(*stream);
                self.emit(Op::Ap { value, output });
                Ok(())
            }
            StmtKind::PushPair { map, key, value } => {
                let key = self.value(key)?;
                let value = self.value(value)?;
                let map = self.stream(*map);
                self.emit(Op::ApMap { key, value, map });
                Ok(())
            }
            StmtKind::Stream(local) => {
                self.declare(*local);
                Ok(())
            }
            StmtKind::For { vars, iterable, mode, body } => self.for_loop(vars, iterable, *mode, body),
            StmtKind::Parseq { vars, iterable, peer, via, body } => self.parseq(vars, iterable, (peer, via), body),
            StmtKind::On { peer, via, body } => self.on(peer, via, |e| e.statements(body)),
            StmtKind::If { condition, then, otherwise } => self.condition(condition, then, otherwise),
            StmtKind::Try { body, handlers, scope } => self.try_block(body, handlers, *scope),
            StmtKind::Par(branches) => {
                let mut nodes = Vec::with_capacity(branches.len());
                for branch in branches {
                    nodes.push(self.side(|e| e.statement(branch))?);
                }
                self.emit(Op::Par(nodes));
                Ok(())
            }
            StmtKind::Co(stmt) => {
                let node = self.side(|e| e.statement(stmt))?;
                self.emit(Op::Detach(Box::new(node)));
                Ok(())
            }
            StmtKind::Join(exprs) => {
                let mut values = self.values(exprs)?;
                // Elements of streams have been waited for.
                let is_view = |var| self.views.iter().any(|view| view.canon == var);
                values.retain(|value| matches!(value, Value::Var(var, _) if !is_view(*var)));
                self.emit(Op::Barrier(values));
                Ok(())
            }
        }
    }

    fn bind_results(&mut self, targets: &[Target], call: &Expr) -> Result<()> {
        let wanted = targets.iter().any(|target| *target != Target::Discard);
        let mut results = self.call(call, wanted)?.into_iter();
        for target in targets {
            let Some(result) = results.next() else { break };
            match *target {
                Target::Bind(local) => {
                    let result = self.renamed(result, local);
                    self.set(local, result);
                }
                Target::Push(stream) => {
                    let value = self.freeze(result);
                    let output = self.stream(stream);
                    self.emit(Op::Ap { value, output });
                }
                Target::PushPair(map) => {
                    let key = self.freeze(result);
                    let Some(value) = results.next() else { break };
                    let value = self.freeze(value);
                    let map = self.stream(map);
                    self.emit(Op::ApMap { key, value, map });
                }
                Target::Discard => {}
            }
        }
        Ok(())
    }

    /// Lets the output of the call that was just made have the name of the variable it is bound to.
    fn renamed(&mut self, result: Thing, local: LocalId) -> Thing {
        let name = self.local_name(local);
        if let (Thing::Value(Value::Var(var, lens)), Some(node)) = (&result, self.out.last())
            && lens.is_empty()
            && innermost_output(node) == Some(*var)
        {
            self.vars.rename(*var, &name);
        }
        result
    }

    fn stream(&self, local: LocalId) -> Var {
        match self.get(local) {
            Thing::Stream(var) | Thing::Map(var) => var,
            _ => unreachable!("invariant of the checker: only streams are pushed to"),
        }
    }

    fn declare(&mut self, local: LocalId) {
        let is_map = matches!(self.local_type(local), Type::StreamMap(_));
        let name = self.local_name(local);
        let var = self.var(&name, if is_map { VarKind::Map } else { VarKind::Stream });
        self.declared.push(var);
        self.set(local, if is_map { Thing::Map(var) } else { Thing::Stream(var) });
    }

    /// What a fold can go over.
    fn iterable(&mut self, iterable: &Expr, live: bool) -> Result<Value> {
        let value = match self.thing(iterable)? {
            Thing::Stream(var) | Thing::Map(var) if live => return Ok(Value::var(var)),
            Thing::Map(map) => self.snapshot(map, None, "pairs")?,
            thing => self.freeze(thing),
        };
        Ok(match value {
            Value::Var(var, ref lens) if self.vars.kind(var) == VarKind::Scalar || lens.is_empty() => value,
            Value::EmptyArray => value,
            other => Value::var(self.bind(other, "items")),
        })
    }

    fn for_loop(&mut self, vars: &[LocalId], iterable: &Expr, mode: LoopMode, body: &Block) -> Result<()> {
        let kind = match mode {
            LoopMode::Seq => LoopKind::Seq,
            LoopMode::Try => LoopKind::Try,
            LoopMode::Par | LoopMode::Rec => LoopKind::Par,
        };
        let iterable = self.iterable(iterable, mode == LoopMode::Rec)?;
        self.looped(vars, iterable, kind, |e| e.statements(body))
    }

    fn parseq(&mut self, vars: &[LocalId], iterable: &Expr, (peer, via): (&Expr, &[Expr]), body: &Block) -> Result<()> {
        let iterable = self.iterable(iterable, false)?;
        self.looped(vars, iterable, LoopKind::First, |e| e.on(peer, via, |e| e.statements(body)))
    }

    fn looped(
        &mut self,
        vars: &[LocalId],
        iterable: Value,
        kind: LoopKind,
        inside: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let hint = match vars {
            [single] => self.local_name(*single),
            _ => "pair".into(),
        };
        let iterator = self.var(&hint, VarKind::Scalar);
        match *vars {
            [single] => self.set(single, Thing::Value(Value::var(iterator))),
            [key, value] => {
                for (local, part) in [(key, "key"), (value, "value")] {
                    self.set(local, Thing::Value(Value::Var(iterator, vec![Accessor::Field(part.into())])));
                }
            }
            _ => unreachable!("invariant of the checker: a loop has one variable or two"),
        }
        let body = self.branch(inside)?;
        self.emit(Op::Loop(Box::new(Loop { iterable, iterator, kind, body })));
        Ok(())
    }

    /// Runs `inside` at a peer.
    fn on(&mut self, peer: &Expr, via: &[Expr], inside: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let peer = self.value(peer)?;
        let mut relays = Vec::with_capacity(via.len());
        for relay in via {
            let value = self.value(relay)?;
            match value {
                Value::EmptyArray => {}
                value if Self::is_collection(relay) => {
                    let value = if value.may_fail() { Value::var(self.bind(value, "relays")) } else { value };
                    relays.push(Relay::Each(value));
                }
                value => relays.push(Relay::Peer(value)),
            }
        }
        let place = Place::inside(&self.place, peer, relays);
        // An `on` is a level of its own even if it repeats the one around it.
        let around = std::mem::replace(&mut self.place, place.clone());
        let body = self.block(inside);
        self.place = around;
        self.emit(Op::At { place, body: Box::new(body?) });
        Ok(())
    }

    fn condition(&mut self, condition: &Expr, then: &Block, otherwise: &Block) -> Result<()> {
        let (left, right, equal) = match &condition.kind {
            ExprKind::Binary { op: op @ (Binary::Equal | Binary::NotEqual), left, right } => {
                let (left, right) = self.operands(left, right)?;
                (left, right, *op == Binary::Equal)
            }
            ExprKind::Not(inner) => {
                return self.condition(inner, otherwise, then);
            }
            _ => match self.value(condition)? {
                Value::Bool(value) => {
                    let node = self.branch(|e| e.statements(if value { then } else { otherwise }))?;
                    self.out.push(node);
                    return Ok(());
                }
                value => (value, Value::Bool(true), true),
            },
        };
        let then = self.branch(|e| e.statements(then))?;
        let otherwise = self.branch(|e| e.statements(otherwise))?;
        self.emit(Op::Select(Box::new(Select { left, right, equal, then, otherwise })));
        Ok(())
    }

    fn try_block(&mut self, body: &Block, handlers: &[Handler], scope: bool) -> Result<()> {
        let inside = |e: &mut Self| e.statements(body);
        let mut node = if scope { self.branch(inside)? } else { self.side(inside)? };
        for handler in handlers {
            let error = self.var("error", VarKind::Scalar);
            if let Some(local) = handler.error {
                let name = self.local_name(local);
                self.vars.rename(error, &name);
                self.set(local, Thing::Value(Value::var(error)));
            }
            let around = self.error.replace(Value::var(error));
            let handled = self.branch(|e| {
                e.emit(Op::Ap { value: Value::Error(Vec::new()), output: error });
                e.statements(&handler.body)
            });
            self.error = around;
            node = node.xor(handled?);
        }
        if handlers.is_empty() {
            let null = self.node(Op::Null);
            node = node.xor(null);
        }
        self.out.push(node);
        Ok(())
    }
}

/// The output of the call that a node ends with.
fn innermost_output(node: &Node) -> Option<Var> {
    match &node.op {
        Op::Call(call) => call.output,
        Op::At { body, .. } => innermost_output(body),
        Op::Seq(nodes) => innermost_output(nodes.last()?),
        _ => None,
    }
}
