//! Calls: of services, of callbacks, and of functions and closures, which are expanded here.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::thing::{ArrowThing, Thing};
use super::{Expander, Frame, FrameId, Result};
use crate::hir::{Body, Closure, Expr, ExprKind, FunctionId, LocalId, Type};
use crate::ir::{Accessor, Call, Node, Op, Place, Value, VarKind};

/// What is passed to a function.
struct Passed {
    abilities: Vec<Thing>,
    args: Vec<Thing>,
}

impl Expander<'_> {
    /// The results of a call; none if they are not wanted.
    pub(super) fn call(&mut self, expr: &Expr, wanted: bool) -> Result<Vec<Thing>> {
        let ExprKind::Call { callee, abilities, args } = &expr.kind else {
            return Ok(vec![self.thing(expr)?]);
        };
        self.deeper(|e| {
            let around = std::mem::replace(&mut e.span, expr.span);
            let arrow = e.thing(callee)?;
            let Thing::Arrow(arrow) = arrow else { unreachable!("invariant of the checker: only arrows are called") };
            let results = e.call_arrow(arrow, abilities, args, wanted);
            e.span = around;
            results
        })
    }

    fn call_arrow(&mut self, arrow: ArrowThing, abilities: &[Expr], args: &[Expr], wanted: bool) -> Result<Vec<Thing>> {
        match arrow {
            ArrowThing::Function(function) => self.call_function(function, abilities, args),
            ArrowThing::Closure { closure, frame, place } => {
                self.call_closure(&closure, frame, &place, abilities, args)
            }
            ArrowThing::Method { id, name } => {
                let args = self.values(args)?;
                let results = usize::from(wanted);
                Ok(self.call_service(id, &name, args, results))
            }
            ArrowThing::Callback { name, results } => {
                let args = self.values(args)?;
                let root = self.root.clone();
                let service = Value::text(&self.options.callback_service);
                let results = if wanted { results } else { 0 };
                self.at(&root, |e| Ok(e.call_service(service, &name, args, results)))
            }
        }
    }

    pub(super) fn values(&mut self, exprs: &[Expr]) -> Result<Vec<Value>> {
        let mut values = Vec::with_capacity(exprs.len());
        for expr in exprs {
            values.push(self.value(expr)?);
        }
        Ok(values)
    }

    fn call_service(&mut self, service: Value, name: &Arc<str>, args: Vec<Value>, results: usize) -> Vec<Thing> {
        let output = (results > 0).then(|| self.var(name, VarKind::Scalar));
        let function = Value::Text(name.clone());
        let peer = self.place.peer.clone();
        self.emit(Op::Call(Box::new(Call { peer, service, function, args, output })));
        let Some(output) = output else { return Vec::new() };
        if results == 1 {
            return vec![Thing::Value(Value::var(output))];
        }
        let part = |index| Thing::Value(Value::Var(output, vec![Accessor::Index(index)]));
        (0..results as u32).map(part).collect()
    }

    /// Runs `inside` at a place, with its instructions in an [`Op::At`] if it is not where we are.
    pub(super) fn at<T>(&mut self, place: &Rc<Place>, inside: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if Rc::ptr_eq(place, &self.place) || *place == self.place {
            return inside(self);
        }
        let around = std::mem::replace(&mut self.place, place.clone());
        let mut result = None;
        let body = self.block(|e| {
            result = Some(inside(e)?);
            Ok(())
        });
        self.place = around;
        self.emit(Op::At { place: place.clone(), body: Box::new(body?) });
        Ok(result.expect("invariant: the block was run"))
    }

    fn call_function(&mut self, id: FunctionId, abilities: &[Expr], args: &[Expr]) -> Result<Vec<Thing>> {
        let program = self.program;
        let function = program.function(id);
        let passed = self.passed(abilities, args, &function.params, id)?;
        self.chain.push((id, self.span));
        let frame = Frame { parent: None, function: id, things: HashMap::new() };
        let locals = (function.abilities.as_slice(), function.params.as_slice());
        let run = |e: &mut Self| e.in_frame(frame, locals, passed, &function.body, &function.results);
        let results = if self.options.tracing { self.traced(&function.name, run) } else { run(self) }?;
        self.chain.pop();
        Ok(results)
    }

    /// Runs `inside` and tells the init peer of it.
    fn traced(
        &mut self,
        function: &Arc<str>,
        inside: impl FnOnce(&mut Self) -> Result<Vec<Thing>>,
    ) -> Result<Vec<Thing>> {
        self.tell(function, Value::text("enter"))?;
        let mut results = Vec::new();
        let body = self.block(|e| {
            results = inside(e)?;
            e.tell(function, Value::text("exit"))
        })?;
        let failed = self.side(|e| {
            e.tell(function, Value::Error(vec![Accessor::Field("message".into())]))?;
            e.emit(Op::Fail);
            Ok(())
        })?;
        self.out.push(body.xor(failed));
        Ok(results)
    }

    /// Sends the init peer word of a function. Nothing waits for it.
    fn tell(&mut self, function: &Arc<str>, event: Value) -> Result<()> {
        let (root, name) = (self.root.clone(), Value::Text(function.clone()));
        let (service, args) = (Value::text("tracingSrv"), vec![name, event]);
        let told = self.side(|e| {
            e.at(&root, |e| {
                e.call_service(service, &"tracingEvent".into(), args, 0);
                Ok(())
            })
        })?;
        self.emit(Op::Detach(Box::new(told)));
        Ok(())
    }

    fn call_closure(
        &mut self,
        closure: &Arc<Closure>,
        parent: FrameId,
        place: &Rc<Place>,
        abilities: &[Expr],
        args: &[Expr],
    ) -> Result<Vec<Thing>> {
        let function = self.frames[parent.0].function;
        let passed = self.passed(abilities, args, &closure.params, function)?;
        let frame = Frame { parent: Some(parent), function, things: HashMap::new() };
        let locals = (closure.abilities.as_slice(), closure.params.as_slice());
        let run = |e: &mut Self| e.in_frame(frame, locals, passed, &closure.body, &closure.results);
        if closure.detached { run(self) } else { self.at(place, run) }
    }

    /// Evaluates what is passed; where the parameter is no stream, a stream is canonicalised.
    fn passed(&mut self, abilities: &[Expr], args: &[Expr], params: &[LocalId], owner: FunctionId) -> Result<Passed> {
        let mut passed = Passed { abilities: Vec::new(), args: Vec::new() };
        for ability in abilities {
            passed.abilities.push(self.thing(ability)?);
        }
        for (arg, &param) in args.iter().zip(params) {
            let thing = self.thing(arg)?;
            let program = self.program;
            let ty = &program.function(owner).local(param).ty;
            passed.args.push(self.convert(thing, ty));
        }
        Ok(passed)
    }

    /// A thing where this type is wanted.
    fn convert(&mut self, thing: Thing, ty: &Type) -> Thing {
        match (&thing, ty) {
            (Thing::Stream(_), Type::Stream(_)) | (Thing::Map(_), Type::StreamMap(_)) => thing,
            (Thing::Stream(_) | Thing::Map(_), _) => Thing::Value(self.freeze(thing)),
            _ => thing,
        }
    }

    fn in_frame(
        &mut self,
        frame: Frame,
        (abilities, params): (&[LocalId], &[LocalId]),
        passed: Passed,
        body: &Body,
        results: &[Type],
    ) -> Result<Vec<Thing>> {
        self.frames.push(frame);
        let around = std::mem::replace(&mut self.frame, FrameId(self.frames.len() - 1));
        let locals = abilities.iter().chain(params);
        for (&local, thing) in locals.zip(passed.abilities.into_iter().chain(passed.args)) {
            self.set(local, thing);
        }
        let results = self.body(body, results);
        self.frame = around;
        results
    }

    /// Statements, then results.
    pub(super) fn body(&mut self, body: &Body, types: &[Type]) -> Result<Vec<Thing>> {
        self.statements(&body.stmts)?;
        let mut results = Vec::with_capacity(body.results.len());
        for (index, result) in body.results.iter().enumerate() {
            let thing = self.thing(result)?;
            results.push(match types.get(index) {
                Some(ty) => self.convert(thing, ty),
                None => thing,
            });
        }
        Ok(results)
    }

    /// A node with these, for callers that build trees by hand.
    pub(super) fn node(&self, op: Op) -> Node {
        Node::new(op, self.span)
    }
}
