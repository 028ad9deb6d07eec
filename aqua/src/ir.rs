//! The tree between source and script: instructions of AIR with places, before hops.
//!
//! [`expand`](crate::expand) makes it, with all functions inlined and every variable unique; [`place`](crate::place) turns
//! places into hops and waits into folds; [`emit`](crate::emit) prints it.

use std::rc::Rc;
use std::sync::Arc;

use crate::hir::Span;

/// An instruction and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) span: Span,
}

/// What an instruction does.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Null,
    Never,
    /// The error that is handled, again.
    Fail,
    Seq(Vec<Node>),
    /// A statement and those beside it; complete when one is.
    Par(Vec<Node>),
    /// `(par A (null))`: runs beside all that follows, and nobody sees its errors.
    Detach(Box<Node>),
    /// `(xor A B)`.
    Xor(Box<Node>, Box<Node>),
    /// One of the two runs; errors of neither reach the other.
    Select(Box<Select>),
    Call(Box<Call>),
    Ap {
        value: Value,
        output: Var,
    },
    ApMap {
        key: Value,
        value: Value,
        map: Var,
    },
    /// Freezes a stream or map here.
    Canon {
        peer: Value,
        source: Var,
        target: Var,
    },
    Match {
        left: Value,
        right: Value,
        equal: bool,
        body: Box<Node>,
    },
    /// A loop of the source.
    Loop(Box<Loop>),
    /// A fold as it is printed.
    Fold(Box<Fold>),
    Next(Var),
    New(Var, Box<Node>),
    /// What runs at another place.
    At {
        place: Rc<Place>,
        body: Box<Node>,
    },
    /// Waits for an element of a stream and freezes the stream then.
    Wait(Box<Wait>),
    /// Moves control. Made by placement.
    Hop(Stop),
    /// The body; if it fails, the way back and the same error. Made by placement.
    Wrap {
        body: Vec<Node>,
        stops: Vec<Stop>,
    },
    /// Waits for variables of parallel branches; nothing if they are none.
    Barrier(Vec<Value>),
    /// Where `#-one-` is made, if a [`Select`] needs it.
    One,
}

#[derive(Clone, Debug)]
pub(crate) struct Select {
    pub(crate) left: Value,
    pub(crate) right: Value,
    pub(crate) equal: bool,
    pub(crate) then: Node,
    pub(crate) otherwise: Node,
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) peer: Value,
    pub(crate) service: Value,
    pub(crate) function: Value,
    pub(crate) args: Vec<Value>,
    pub(crate) output: Option<Var>,
}

#[derive(Clone, Debug)]
pub(crate) struct Loop {
    pub(crate) iterable: Value,
    pub(crate) iterator: Var,
    pub(crate) kind: LoopKind,
    pub(crate) body: Node,
}

/// How the iterations of a loop stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoopKind {
    /// One after the other.
    Seq,
    /// Until one does not fail.
    Try,
    /// All at once; what follows does not wait. Over arrays and live streams.
    Par,
    /// All at once; what follows waits for the first.
    First,
}

/// `(fold iterable iterator body [last])`; the body has its own `next`.
#[derive(Clone, Debug)]
pub(crate) struct Fold {
    pub(crate) iterable: Value,
    pub(crate) iterator: Var,
    pub(crate) body: Node,
    pub(crate) last: Option<Node>,
}

#[derive(Clone, Debug)]
pub(crate) struct Wait {
    pub(crate) stream: Var,
    pub(crate) index: Value,
    /// The canon that uses of the element read.
    pub(crate) view: Var,
}

/// An operand.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Arc<str>),
    EmptyArray,
    InitPeer,
    Ttl,
    Timestamp,
    /// `:error:`
    Error(Vec<Accessor>),
    /// Any variable but a stream or map where a value is meant; a stream or map as what a fold goes over.
    Var(Var, Vec<Accessor>),
    /// `xs.length`
    Length(Var),
}

/// A step of a lens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Accessor {
    Field(Arc<str>),
    Index(u32),
    /// By the value of a scalar.
    Dynamic(Var),
}

/// The number of a variable of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Var(pub(crate) u32);

/// What is known of a variable.
#[derive(Clone, Debug)]
pub(crate) struct VarInfo {
    /// What its name starts with.
    pub(crate) hint: Arc<str>,
    pub(crate) kind: VarKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VarKind {
    Scalar,
    Stream,
    Map,
    Canon,
    CanonMap,
}

/// All variables of a script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vars(Vec<VarInfo>);

impl Vars {
    pub(crate) fn add(&mut self, hint: &str, kind: VarKind) -> Var {
        self.0.push(VarInfo { hint: hint.into(), kind });
        Var(self.0.len() as u32 - 1)
    }

    /// Changes what the name starts with.
    pub(crate) fn rename(&mut self, var: Var, hint: &str) {
        self.0[var.0 as usize].hint = hint.into();
    }

    pub(crate) fn info(&self, var: Var) -> &VarInfo {
        &self.0[var.0 as usize]
    }

    pub(crate) fn kind(&self, var: Var) -> VarKind {
        self.info(var).kind
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The `on`s around an instruction, outermost first.
#[derive(Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) outer: Option<Rc<Place>>,
    pub(crate) peer: Value,
    pub(crate) via: Vec<Relay>,
    pub(crate) depth: usize,
}

/// An item of `via`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Relay {
    Peer(Value),
    /// A collection, walked in order.
    Each(Value),
}

/// Where control passes on its way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stop {
    Peer(Value),
    /// All peers of a collection; backwards on the way back.
    Each {
        peers: Value,
        backwards: bool,
    },
}

impl Place {
    pub(crate) fn root(peer: Value, via: Vec<Relay>) -> Rc<Self> {
        Rc::new(Self { outer: None, peer, via, depth: 0 })
    }

    /// Whether another place is inside of this one.
    pub(crate) fn is_around(&self, other: &Self) -> bool {
        let mut outer = std::iter::successors(other.outer.as_deref(), |place| place.outer.as_deref());
        other.depth > self.depth && outer.any(|outer| outer == self)
    }

    pub(crate) fn inside(outer: &Rc<Self>, peer: Value, via: Vec<Relay>) -> Rc<Self> {
        Rc::new(Self { outer: Some(outer.clone()), peer, via, depth: outer.depth + 1 })
    }
}

/// A script before it is printed.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) root: Node,
    pub(crate) vars: Vars,
    /// `-relay-`, which keeps its name; `None` with the relay off.
    pub(crate) relay: Option<Var>,
    pub(crate) place: Rc<Place>,
}

impl Node {
    pub(crate) fn new(op: Op, span: Span) -> Self {
        Self { op, span }
    }

    pub(crate) fn null(span: Span) -> Self {
        Self::new(Op::Null, span)
    }

    /// These one after the other; a single one stands alone, none is `null`.
    pub(crate) fn seq(mut nodes: Vec<Self>, span: Span) -> Self {
        match nodes.len() {
            0 => Self::null(span),
            1 => nodes.remove(0),
            _ => Self::new(Op::Seq(nodes), span),
        }
    }

    pub(crate) fn xor(self, other: Self) -> Self {
        let span = self.span;
        Self::new(Op::Xor(Box::new(self), Box::new(other)), span)
    }
}

impl Value {
    pub(crate) fn var(var: Var) -> Self {
        Self::Var(var, Vec::new())
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    /// The variables that reading the value needs.
    pub(crate) fn vars(&self) -> impl Iterator<Item = Var> + '_ {
        let (own, lens) = match self {
            Self::Var(var, lens) => (Some(*var), lens.as_slice()),
            Self::Length(var) => (Some(*var), [].as_slice()),
            Self::Error(lens) => (None, lens.as_slice()),
            _ => (None, [].as_slice()),
        };
        let dynamic = lens.iter().filter_map(|step| match step {
            Accessor::Dynamic(var) => Some(*var),
            _ => None,
        });
        own.into_iter().chain(dynamic)
    }

    /// Whether reading it may fail.
    pub(crate) fn may_fail(&self) -> bool {
        match self {
            Self::Var(_, lens) => !lens.is_empty(),
            Self::Length(_) => true,
            _ => false,
        }
    }
}
