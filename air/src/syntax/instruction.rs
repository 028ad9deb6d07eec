//! [`Instruction`] and what it is made of: operands, lenses, variables, spans.
//!
//! These are small `Copy` values that refer into their [`Tree`](super::Tree): texts are spans of the source, variables are
//! interned as [`Name`]s, so that later stages can index by them.

use std::fmt;
use std::num::NonZeroU32;

/// The preorder number of an instruction; the root is 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The whole script.
    pub const ROOT: NodeId = NodeId(0);

    /// The number as an index into tables with one row per instruction.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A range of byte offsets in the script's text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// The span `start..end`.
    #[must_use]
    pub fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The span as a range for slicing.
    #[must_use]
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// A variable, interned: equal names (sigil included) of one tree have equal numbers, counted from 0 without gaps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Name(pub u32);

impl Name {
    /// The number as an index into tables with one row per name.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a variable holds, as its sigil tells.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NameKind {
    /// `x`: one value, or the iterator of a fold.
    Scalar,
    /// `$x`: a growing list.
    Stream,
    /// `%x`: a growing list of pairs.
    Map,
    /// `#x` or `#$x`: a stream as one peer saw it.
    Canon,
    /// `#%x`: a map as one peer saw it.
    CanonMap,
}

/// The content of a string literal, without its quotes; see [`Tree::text`](super::Tree::text).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Text(pub Span);

/// A lens of the tree; see [`Tree::lens`](super::Tree::lens).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LensId(pub(super) NonZeroU32);

/// What a lens selects.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Lens<'a> {
    /// `.length`
    Length,
    /// `.$` and at least one accessor.
    Path(&'a [Accessor]),
}

/// One step of a lens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Accessor {
    /// `.field`: the name is this span of the source, see [`Tree::slice`](super::Tree::slice).
    Field(Span),
    /// `.[3]`
    Index(u32),
    /// `.[name]`: the value of a scalar is the field's name or the index.
    Dynamic(VarRef),
}

/// A name where it stands in the source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VarRef {
    /// The variable.
    pub name: Name,
    /// Its occurrence, sigil included, lens excluded.
    pub span: Span,
}

impl VarRef {
    /// The variable as an operand without lens.
    pub(super) fn operand(self) -> Operand {
        Operand { expr: Expr::Variable(self.name, None), span: self.span }
    }
}

/// An operand of an instruction and where it stands.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Operand {
    /// What it says.
    pub expr: Expr,
    /// The operand, lens included.
    pub span: Span,
}

/// An expression, as the operand of an instruction.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Expr {
    /// `"text"`
    Text(Text),
    /// An integer up to 2^63 - 1.
    Int(i64),
    /// An integer from 2^63 to 2^64 - 1.
    Uint(u64),
    /// A finite number with a point; never -0.0.
    Float(f64),
    /// `true` or `false`
    Bool(bool),
    /// `[]`
    EmptyArray,
    /// `%init_peer_id%`
    InitPeer,
    /// `%timestamp%`
    Timestamp,
    /// `%ttl%`
    Ttl,
    /// `%last_error%`
    LastError(Option<LensId>),
    /// `:error:`
    Error(Option<LensId>),
    /// A variable of any kind that the instruction allows.
    Variable(Name, Option<LensId>),
}

impl Expr {
    /// The lens, if the expression has one.
    #[must_use]
    pub fn lens(self) -> Option<LensId> {
        match self {
            Expr::LastError(lens) | Expr::Error(lens) | Expr::Variable(_, lens) => lens,
            _ => None,
        }
    }
}

/// An instruction with its operands; its children are in the tree ([`Tree::children`](super::Tree::children)).
///
/// In a tree without error diagnostics every operand is of a kind that the grammar allows at its place, and the number of
/// children is the one stated here.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Instruction<'a> {
    /// `(null)`
    Null,
    /// `(never)`
    Never,
    /// `(seq left right)`: two children.
    Seq,
    /// `(par left right)`: two children.
    Par,
    /// `(xor left right)`: two children.
    Xor,
    /// `(call peer (service function) [args] output)`
    Call {
        /// Where: `%init_peer_id%`, a string, or a variable.
        peer: &'a Operand,
        /// A string or a variable.
        service: &'a Operand,
        /// A string or a variable.
        function: &'a Operand,
        /// The arguments in order.
        args: &'a [Operand],
        /// A scalar or a stream.
        output: Option<VarRef>,
    },
    /// `(ap value output)`
    Ap {
        /// What is set.
        value: &'a Operand,
        /// A scalar or a stream.
        output: VarRef,
    },
    /// `(ap (key value) map)`
    ApMap {
        /// A string, an integer or a variable.
        key: &'a Operand,
        /// What is inserted.
        value: &'a Operand,
        /// A map.
        map: VarRef,
    },
    /// `(canon peer source target)`
    Canon {
        /// Who looks: as in `call`.
        peer: &'a Operand,
        /// A stream or a map.
        source: VarRef,
        /// A canon for a stream; a canon map or a scalar for a map.
        target: VarRef,
    },
    /// `(match left right body)`: one child.
    Match {
        /// The left operand.
        left: &'a Operand,
        /// The right operand.
        right: &'a Operand,
    },
    /// `(mismatch left right body)`: one child.
    Mismatch {
        /// The left operand.
        left: &'a Operand,
        /// The right operand.
        right: &'a Operand,
    },
    /// `(fold iterable iterator body last)`: one child, or two with a last instruction.
    Fold {
        /// `[]`, a value, a stream or a map.
        iterable: &'a Operand,
        /// A scalar.
        iterator: VarRef,
    },
    /// `(next iterator)`
    Next {
        /// The iterator of a fold around it.
        iterator: VarRef,
    },
    /// `(new variable body)`: one child.
    New {
        /// Any variable.
        variable: VarRef,
    },
    /// `(fail code message)`
    FailLiteral {
        /// An integer: [`Expr::Int`] or [`Expr::Uint`].
        code: &'a Operand,
        /// The text.
        message: Text,
    },
    /// `(fail value)`: a variable, `%last_error%` or `:error:`.
    Fail {
        /// The error object.
        error: &'a Operand,
    },
    /// An instruction that could not be read; only in trees with error diagnostics.
    Error,
}
