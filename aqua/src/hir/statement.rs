//! Statements.

use super::{Expr, LocalId, Span};

/// Statements one after the other.
pub type Block = Vec<Stmt>;

/// The body of a function or closure.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// What happens first.
    pub stmts: Block,
    /// One expression per result, taken after all statements. A call with several results is bound to variables before.
    pub results: Vec<Expr>,
}

/// A statement.
#[derive(Clone, Debug)]
pub struct Stmt {
    /// What it does.
    pub kind: StmtKind,
    /// The statement without the block it may open.
    pub span: Span,
}

/// What a statement does.
#[derive(Clone, Debug)]
pub enum StmtKind {
    /// `x = v`, `c = (..) -> ..:` and `Srv id`: the variable names the value. For `Srv id` the variable is made up and holds the
    /// id; [`ExprKind::Service`](super::ExprKind::Service) below refers to it.
    Let {
        /// The variable.
        local: LocalId,
        /// Its value.
        value: Expr,
    },
    /// `x, _ <- f()`, `s <- f()`, and `f()` alone.
    Bind {
        /// Where the results go, in order; there may be fewer than results.
        targets: Vec<Target>,
        /// A call.
        call: Expr,
    },
    /// `s <<- v`.
    Push {
        /// A variable that holds a stream.
        stream: LocalId,
        /// The element; a stream is canonicalised.
        value: Expr,
    },
    /// `m <<- k, v`.
    PushPair {
        /// A variable that holds a stream map.
        map: LocalId,
        /// A string.
        key: Expr,
        /// The value.
        value: Expr,
    },
    /// `s: *T`, `m: %T`; the variable's type says which.
    Stream(LocalId),
    /// `for x <- xs:` and its kin.
    For {
        /// The element; for stream maps one variable for the pair, or two for key and value.
        vars: Vec<LocalId>,
        /// An array, option, stream or stream map.
        iterable: Expr,
        /// Which kin.
        mode: LoopMode,
        /// For each element.
        body: Block,
    },
    /// `parseq x <- xs on p via r:`.
    Parseq {
        /// As in `For`.
        vars: Vec<LocalId>,
        /// As in `For`.
        iterable: Expr,
        /// Where the body runs; may use the element.
        peer: Expr,
        /// As in `On`.
        via: Vec<Expr>,
        /// For each element.
        body: Block,
    },
    /// `on p via r1 via r2:`.
    On {
        /// A peer.
        peer: Expr,
        /// Each a peer, or a collection of peers.
        via: Vec<Expr>,
        /// What runs there.
        body: Block,
    },
    /// `if`; an `else if` is an `If` in `otherwise`.
    If {
        /// A bool.
        condition: Expr,
        /// If it is true.
        then: Block,
        /// If not.
        otherwise: Block,
    },
    /// `try:` with its handlers, or a statement with its `otherwise:`.
    Try {
        /// What is tried.
        body: Block,
        /// Each handles what the one before raised. None: errors are swallowed.
        handlers: Vec<Handler>,
        /// Whether a `try:` block opens a scope for streams; a statement that `otherwise` guards does not.
        scope: bool,
    },
    /// A statement and all that stand beside it with `par`; at least two.
    Par(Vec<Stmt>),
    /// `co STMT`.
    Co(Box<Stmt>),
    /// `join a, b`.
    Join(Vec<Expr>),
}

/// `catch e:` and `otherwise:`.
#[derive(Clone, Debug)]
pub struct Handler {
    /// The error.
    pub error: Option<LocalId>,
    /// What happens then.
    pub body: Block,
    /// The line that opens it.
    pub span: Span,
}

/// How a loop goes through its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopMode {
    /// One after the other.
    Seq,
    /// `par`: all at once; what follows does not wait.
    Par,
    /// `try`: until one does not fail.
    Try,
    /// `rec`: over a stream that goes on growing, at once.
    Rec,
}

/// Where a result goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Binds a variable.
    Bind(LocalId),
    /// Is pushed to the stream that the variable holds.
    Push(LocalId),
    /// Takes two results, key and value, into the stream map that the variable holds.
    PushPair(LocalId),
    /// `_`.
    Discard,
}
