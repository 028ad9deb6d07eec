//! What stands around an exported function: its relay, its arguments, its answer, its errors.

use std::collections::HashMap;

use super::thing::{ArrowThing, Thing};
use super::{Expanded, Expander, Frame, FrameId, Result};
use crate::hir::{FunctionId, Program, Span, Type};
use crate::ir::{Call, Fold, Node, Op, Place, Relay, Script, Value, Var, VarKind, Vars};
use crate::options::Options;

/// The whole script of a function.
pub(crate) fn expand(program: &Program, function: FunctionId, options: &Options) -> Expanded {
    let mut vars = Vars::default();
    let relay = options.relay.then(|| vars.add("-relay-", VarKind::Scalar));
    let via = relay.iter().map(|&relay| Relay::Peer(Value::var(relay))).collect();
    let root = Place::root(Value::InitPeer, via);
    let span = program.function(function).span;
    let mut expander = Expander {
        program,
        options,
        vars,
        frames: vec![Frame { parent: None, function, things: HashMap::new() }],
        frame: FrameId(0),
        place: root.clone(),
        root: root.clone(),
        out: Vec::new(),
        declared: Vec::new(),
        views: Vec::new(),
        error: None,
        no_error: None,
        chain: Vec::new(),
        depth: 0,
        nodes: 0,
        // An instruction takes more than eight bytes.
        max_nodes: options.max_air / 8,
        span,
    };
    let body = expander.branch(|e| e.exported(function))?;
    let mut nodes = expander.block_prologue(function, relay);
    nodes.push(body);
    let main = Node::seq(nodes, span);
    let root_node = if options.error_handler { main.xor(expander.error_handler(span)) } else { main };
    Ok(Script { root: root_node, vars: expander.vars, relay, place: root })
}

impl Expander<'_> {
    /// Parameters, statements, answer.
    fn exported(&mut self, function: FunctionId) -> Result<()> {
        let program = self.program;
        let declaration = program.function(function);
        for &param in &declaration.params {
            let local = declaration.local(param);
            let thing = match &local.ty {
                Type::Arrow(arrow) => {
                    Thing::Arrow(ArrowThing::Callback { name: local.name.clone(), results: arrow.results.len() })
                }
                Type::Stream(_) => Thing::Stream(self.stream_argument(&local.name)),
                _ => Thing::Value(Value::var(self.fetch(&local.name, &local.name))),
            };
            self.set(param, thing);
        }
        self.emit(Op::One);
        let results = self.body(&declaration.body, &declaration.results)?;
        let mut values = Vec::with_capacity(results.len());
        for result in results {
            values.push(self.freeze(result));
        }
        if !values.is_empty() || self.options.empty_response {
            let service = Value::text(&self.options.callback_service);
            let function = Value::text(&self.options.response_function);
            self.emit(Op::Call(Box::new(Call {
                peer: Value::InitPeer,
                service,
                function,
                args: values,
                output: None,
            })));
        }
        Ok(())
    }

    /// What comes before the body but is known only after it.
    fn block_prologue(&mut self, _function: FunctionId, relay: Option<Var>) -> Vec<Node> {
        let around = std::mem::take(&mut self.out);
        if let Some(relay) = relay {
            self.emit_fetch("-relay-", relay);
        }
        if let Some(var) = self.no_error {
            self.emit(Op::Ap { value: Value::Error(Vec::new()), output: var });
        }
        std::mem::replace(&mut self.out, around)
    }

    fn fetch(&mut self, name: &str, hint: &str) -> Var {
        let var = self.var(hint, VarKind::Scalar);
        self.emit_fetch(name, var);
        var
    }

    fn emit_fetch(&mut self, name: &str, output: Var) {
        let service = Value::text(&self.options.data_service);
        let function = Value::text(name);
        self.emit(Op::Call(Box::new(Call {
            peer: Value::InitPeer,
            service,
            function,
            args: Vec::new(),
            output: Some(output),
        })));
    }

    /// The array is fetched, then pushed one by one.
    fn stream_argument(&mut self, name: &str) -> Var {
        let array = self.fetch(name, name);
        let stream = self.var(name, VarKind::Stream);
        self.declared.push(stream);
        let iterator = self.var("i", VarKind::Scalar);
        let push = Node::new(Op::Ap { value: Value::var(iterator), output: stream }, self.span);
        let next = Node::new(Op::Next(iterator), self.span);
        let body = Node::new(Op::Seq(vec![push, next]), self.span);
        let last = Some(Node::null(self.span));
        self.emit(Op::Fold(Box::new(Fold { iterable: Value::var(array), iterator, body, last })));
        stream
    }

    fn error_handler(&self, span: Span) -> Node {
        let service = Value::text(&self.options.error_service);
        let function = Value::text(&self.options.error_function);
        let args = vec![Value::Error(Vec::new()), Value::Int(0)];
        Node::new(Op::Call(Box::new(Call { peer: Value::InitPeer, service, function, args, output: None })), span)
    }
}
