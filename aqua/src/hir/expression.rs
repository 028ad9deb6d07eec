//! Expressions.

use std::sync::Arc;

use super::{Body, FunctionId, LocalId, ServiceId, Span, Type};

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its type; of a call the type of its first result, `Top` if it has none.
    pub ty: Type,
    /// Where it stands.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// `true`, `false`.
    Bool(bool),
    /// An integer literal or a folded operation.
    Int(i64),
    /// A float literal.
    Float(f64),
    /// A string literal, without its quotes.
    Text(Arc<str>),
    /// A word with a meaning of its own.
    Special(Special),
    /// A variable: value, stream, arrow or ability.
    Local(LocalId),
    /// A function of the top level as an arrow.
    Function(FunctionId),
    /// A service as an ability, with the id it has here: a text, or the variable of a `Srv id`.
    Service {
        /// The service.
        service: ServiceId,
        /// A string.
        id: Box<Expr>,
    },
    /// A closure; boxed in an `Arc` since values that hold it are copied freely.
    Closure(Arc<Closure>),
    /// `x.f`: a field of data, a member of an ability or service.
    Field {
        /// Data, ability or service.
        base: Box<Expr>,
        /// The field.
        name: Arc<str>,
    },
    /// `x[i]`, `x!`, `x!2`. Waits if the base is a stream.
    Index {
        /// An array, option or stream.
        base: Box<Expr>,
        /// An integer; 0 for `x!`.
        index: Box<Expr>,
    },
    /// `x.length`.
    Length(Box<Expr>),
    /// `m.get(k)` and its kin on stream maps.
    Map {
        /// A stream map.
        map: Box<Expr>,
        /// What is asked.
        query: MapQuery,
        /// The key, where the query takes one.
        key: Option<Box<Expr>>,
    },
    /// `f{A}(a, b)`. The callee is an arrow: `Function`, `Field` of a service or ability, `Local`, ...
    Call {
        /// What is called.
        callee: Box<Expr>,
        /// Abilities in braces.
        abilities: Vec<Expr>,
        /// Arguments in order.
        args: Vec<Expr>,
    },
    /// An operator with two operands.
    Binary {
        /// The operator.
        op: Binary,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// `!a`.
    Not(Box<Expr>),
    /// `[a, b]`; `nil` is an empty one.
    Array(Vec<Expr>),
    /// `?[a, b]`.
    Option(Vec<Expr>),
    /// `*[a, b]`.
    Stream(Vec<Expr>),
    /// `D(f = v)` with `D` a data type.
    Struct(Vec<(Arc<str>, Expr)>),
    /// `A(f = v)` with `A` an ability.
    Ability(Vec<(Arc<str>, Expr)>),
    /// `x.copy(f = v)` of data or an ability.
    Copy {
        /// What is copied; its type names all fields.
        base: Box<Expr>,
        /// The fields that differ.
        fields: Vec<(Arc<str>, Expr)>,
    },
}

/// A word with a meaning of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// `INIT_PEER_ID`, `%init_peer_id%`, `%init_peer%`.
    InitPeer,
    /// `HOST_PEER_ID`.
    HostPeer,
    /// `PARTICLE_TTL`.
    Ttl,
    /// `PARTICLE_TIMESTAMP`.
    Timestamp,
    /// `LAST_ERROR`.
    LastError,
}

/// A query of a stream map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapQuery {
    /// All values of a key, now.
    Get,
    /// A stream of the values of a key.
    GetStream,
    /// Whether a key has a value, now.
    Contains,
    /// The key of every insertion, now.
    Keys,
    /// The same as a stream.
    KeysStream,
}

/// An operator with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*` of integers
    Mul,
    /// `*` with a float: rounded down, `i64`
    FloatMul,
    /// `/`
    Div,
    /// `%`
    Rem,
    /// `**`
    Pow,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `&&`
    And,
    /// `||`
    Or,
}

/// `(x: T) -> U:` with its body.
#[derive(Clone, Debug)]
pub struct Closure {
    /// `= func (..)`: runs where it is called, not where it was defined.
    pub detached: bool,
    /// Abilities in braces, as variables of the function around.
    pub abilities: Vec<LocalId>,
    /// Parameters, as variables of the function around.
    pub params: Vec<LocalId>,
    /// Declared types of the results.
    pub results: Vec<Type>,
    /// What it does.
    pub body: Body,
}
