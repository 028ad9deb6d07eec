//! From a checked program to one tree per exported function.
//!
//! Functions, closures and abilities are expanded where they are called: AIR has none of them. Names become unique variables,
//! and a name for a value is only another name: `x = y.f` is no instruction.

mod call;
mod collection;
mod expression;
mod map;
mod statement;
mod thing;
mod wrapper;

use std::collections::HashMap;
use std::rc::Rc;

use crate::hir::{FunctionId, LocalId, Program, Span};
use crate::ir::{Node, Op, Place, Script, Value, Var, VarKind, Vars};
use crate::options::Options;
use thing::Thing;

pub(crate) use wrapper::expand;

/// How deep calls, blocks and expressions may stand in each other after expansion.
const MAX_DEPTH: usize = 1200;

/// Why a function cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge {
    /// The calls that lead there, outermost first: the function called and where.
    pub(crate) chain: Vec<(FunctionId, Span)>,
    pub(crate) reason: Excess,
}

/// Which bound was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    /// Calls in calls.
    Depth,
    /// Instructions.
    Size,
}

type Result<T> = std::result::Result<T, TooLarge>;

/// The number of a frame of the expander.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FrameId(usize);

/// The variables of one call of a function or closure.
struct Frame {
    /// That of the function or closure around a closure.
    parent: Option<FrameId>,
    function: FunctionId,
    things: HashMap<LocalId, Thing>,
}

/// A canonicalised stream that is known to have an element.
#[derive(Clone)]
struct View {
    stream: Var,
    index: Value,
    canon: Var,
}

struct Expander<'a> {
    program: &'a Program,
    options: &'a Options,
    vars: Vars,
    frames: Vec<Frame>,
    frame: FrameId,
    place: Rc<Place>,
    root: Rc<Place>,
    /// The block that instructions are added to.
    out: Vec<Node>,
    /// Streams and maps declared in the innermost branch.
    declared: Vec<Var>,
    /// Views that dominate the current point.
    views: Vec<View>,
    /// What `LAST_ERROR` is here.
    error: Option<Value>,
    /// Holds "no error", once asked for.
    no_error: Option<Var>,
    chain: Vec<(FunctionId, Span)>,
    depth: usize,
    nodes: usize,
    max_nodes: usize,
    span: Span,
}

impl Expander<'_> {
    fn var(&mut self, hint: &str, kind: VarKind) -> Var {
        self.vars.add(hint, kind)
    }

    fn emit(&mut self, op: Op) {
        self.nodes += 1;
        self.out.push(Node::new(op, self.span));
    }

    /// Runs `inside` with an empty block and returns what it emitted.
    fn block(&mut self, inside: impl FnOnce(&mut Self) -> Result<()>) -> Result<Node> {
        let around = std::mem::take(&mut self.out);
        let span = self.span;
        let result = inside(self);
        let nodes = std::mem::replace(&mut self.out, around);
        result.map(|()| Node::seq(nodes, span))
    }

    /// A block that may not run, or runs beside others: what is known inside is not known after it.
    fn side(&mut self, inside: impl FnOnce(&mut Self) -> Result<()>) -> Result<Node> {
        let views = self.views.len();
        let node = self.block(inside);
        self.views.truncate(views);
        node
    }

    /// A side that owns the streams declared in it.
    fn branch(&mut self, inside: impl FnOnce(&mut Self) -> Result<()>) -> Result<Node> {
        let around = std::mem::take(&mut self.declared);
        let node = self.side(inside);
        let declared = std::mem::replace(&mut self.declared, around);
        Ok(wrap_new(node?, &declared))
    }

    /// Counts a step down, into a call, block or expression.
    fn deeper<T>(&mut self, inside: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let reason = if self.depth >= MAX_DEPTH {
            Some(Excess::Depth)
        } else if self.nodes > self.max_nodes {
            Some(Excess::Size)
        } else {
            None
        };
        if let Some(reason) = reason {
            return Err(TooLarge { chain: self.chain.clone(), reason });
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    fn set(&mut self, local: LocalId, thing: Thing) {
        self.frames[self.frame.0].things.insert(local, thing);
    }

    fn get(&self, local: LocalId) -> Thing {
        let mut frame = Some(self.frame);
        while let Some(id) = frame {
            let data = &self.frames[id.0];
            if let Some(thing) = data.things.get(&local) {
                return thing.clone();
            }
            frame = data.parent;
        }
        unreachable!("invariant of the checker: variables are defined before they are used")
    }

    fn local_name(&self, local: LocalId) -> std::sync::Arc<str> {
        self.program.function(self.frames[self.frame.0].function).local(local).name.clone()
    }

    fn local_type(&self, local: LocalId) -> &crate::hir::Type {
        &self.program.function(self.frames[self.frame.0].function).local(local).ty
    }
}

/// The node inside a `new` of each of these.
fn wrap_new(node: Node, vars: &[Var]) -> Node {
    vars.iter().rev().fold(node, |node, &var| {
        let span = node.span;
        Node::new(Op::New(var, Box::new(node)), span)
    })
}

/// What the wrapper needs beside the tree.
pub(crate) type Expanded = std::result::Result<Script, TooLarge>;
