//! [`Tree`]: a script as a flat arena of instructions in preorder.
//!
//! A [`NodeId`] is the instruction's number in the script (the root is 0), the one that positions in particle data use.
//! The first child of a node follows it directly; the next one starts where the subtree of the one before ends. So the tree
//! is built, walked and dropped without recursion, and deep nesting costs no stack.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::instruction::{
    Accessor, Expr, Instruction, Lens, LensId, Name, NameKind, NodeId, Operand, Span, Text, VarRef,
};
use super::lexer::{Token, TokenKind, Tokens};
use super::names::Names;

/// A parsed script: its text, instructions, variables and comments.
///
/// Two trees are equal when they have the same instructions with the same operands, wherever these stand in the text.
#[derive(Clone, Debug)]
pub struct Tree {
    source: Arc<str>,
    nodes: Vec<Node>,
    /// Operands of all nodes, in the order of the nodes: those of a node end where those of the next one start.
    operands: Vec<Operand>,
    /// Slot 0 is never referred to, so that an optional lens fits into four bytes.
    lenses: Vec<LensRange>,
    accessors: Vec<Accessor>,
    /// First occurrence and kind of each variable, by number.
    names: Vec<(Span, NameKind)>,
    comments: Vec<Span>,
    /// Names that occur in broken instructions, sorted.
    doubtful: Vec<Name>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    kind: Kind,
    operands: u32,
    parent: u32,
    /// The number of the first node after the subtree.
    end: u32,
    span: Span,
}

/// [`Instruction`] without its operands. Two kinds tell a call with output from one without.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Null,
    Never,
    Seq,
    Par,
    Xor,
    Call,
    CallOutput,
    Ap,
    ApMap,
    Canon,
    Match,
    Mismatch,
    Fold,
    Next,
    New,
    FailLiteral,
    Fail,
    Error,
}

/// Accessors `start..end`; `Length` is written as an empty range, which a path never has.
#[derive(Clone, Copy, Debug)]
struct LensRange {
    start: u32,
    end: u32,
}

const NO_PARENT: u32 = u32::MAX;

impl Tree {
    /// The text the tree was parsed from; all spans are offsets into it.
    #[must_use]
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// The number of instructions; at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a tree has at least its root")]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// All instructions in preorder.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = NodeId> + ExactSizeIterator + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// Whether the instruction at `node` is a `fold`.
    pub(crate) fn is_fold(&self, node: NodeId) -> bool {
        self.nodes[node.index()].kind == Kind::Fold
    }

    /// The instruction at `node`.
    ///
    /// # Panics
    /// If `node` is not of this tree; so do the other functions that take a node.
    #[must_use]
    #[inline]
    pub fn instruction(&self, node: NodeId) -> Instruction<'_> {
        let ops = self.operands(node);
        match self.nodes[node.index()].kind {
            Kind::Null => Instruction::Null,
            Kind::Never => Instruction::Never,
            Kind::Seq => Instruction::Seq,
            Kind::Par => Instruction::Par,
            Kind::Xor => Instruction::Xor,
            Kind::Call => {
                Instruction::Call { peer: &ops[0], service: &ops[1], function: &ops[2], args: &ops[3..], output: None }
            }
            Kind::CallOutput => {
                let last = ops.len() - 1;
                let (args, output) = (&ops[3..last], Some(var(&ops[last])));
                Instruction::Call { peer: &ops[0], service: &ops[1], function: &ops[2], args, output }
            }
            Kind::Ap => Instruction::Ap { value: &ops[0], output: var(&ops[1]) },
            Kind::ApMap => Instruction::ApMap { key: &ops[0], value: &ops[1], map: var(&ops[2]) },
            Kind::Canon => Instruction::Canon { peer: &ops[0], source: var(&ops[1]), target: var(&ops[2]) },
            Kind::Match => Instruction::Match { left: &ops[0], right: &ops[1] },
            Kind::Mismatch => Instruction::Mismatch { left: &ops[0], right: &ops[1] },
            Kind::Fold => Instruction::Fold { iterable: &ops[0], iterator: var(&ops[1]) },
            Kind::Next => Instruction::Next { iterator: var(&ops[0]) },
            Kind::New => Instruction::New { variable: var(&ops[0]) },
            Kind::FailLiteral => Instruction::FailLiteral { code: &ops[0], message: text(&ops[1]) },
            Kind::Fail => Instruction::Fail { error: &ops[0] },
            Kind::Error => Instruction::Error,
        }
    }

    /// All operands of an instruction in the order of the text, a call's output and other set variables included.
    #[must_use]
    #[inline]
    pub fn operands(&self, node: NodeId) -> &[Operand] {
        let start = self.nodes[node.index()].operands as usize;
        let end = self.nodes.get(node.index() + 1).map_or(self.operands.len(), |next| next.operands as usize);
        &self.operands[start..end]
    }

    /// The instruction that `node` is a child of.
    #[must_use]
    pub fn parent(&self, node: NodeId) -> Option<NodeId> {
        let parent = self.nodes[node.index()].parent;
        (parent != NO_PARENT).then_some(NodeId(parent))
    }

    /// The children of an instruction, left to right.
    #[must_use]
    pub fn children(&self, node: NodeId) -> Children<'_> {
        Children { tree: self, next: node.0 + 1, end: self.nodes[node.index()].end }
    }

    /// The first child: the left side, or the body.
    #[must_use]
    pub fn first_child(&self, node: NodeId) -> Option<NodeId> {
        self.children(node).next()
    }

    /// The second child: the right side, or a fold's last instruction.
    #[must_use]
    pub fn second_child(&self, node: NodeId) -> Option<NodeId> {
        self.children(node).nth(1)
    }

    /// Whether `node` is the first child of its parent.
    #[must_use]
    pub fn is_first_child(&self, node: NodeId) -> bool {
        self.parent(node).is_some_and(|parent| parent.0 + 1 == node.0)
    }

    /// The first node after the subtree of `node`: the subtree is `node..end`.
    #[must_use]
    pub fn subtree_end(&self, node: NodeId) -> NodeId {
        NodeId(self.nodes[node.index()].end)
    }

    /// Whether `inner` is `outer` or inside it.
    #[must_use]
    pub fn contains(&self, outer: NodeId, inner: NodeId) -> bool {
        outer <= inner && inner < self.subtree_end(outer)
    }

    /// The instruction in the text, from its opening parenthesis to its closing one.
    #[must_use]
    pub fn span(&self, node: NodeId) -> Span {
        self.nodes[node.index()].span
    }

    /// The name of the instruction in the text; empty where there is none.
    #[must_use]
    pub fn keyword(&self, node: NodeId) -> Span {
        let start = self.span(node).start;
        let mut tokens =
            Tokens::new(self.slice(self.span(node))).skip(1).skip_while(|token| token.kind == TokenKind::Comment);
        match tokens.next() {
            Some(Token { kind: TokenKind::Word, span }) => Span::new(start + span.start, start + span.end),
            _ => Span::new(start, start),
        }
    }

    /// A piece of the text.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        &self.source[span.range()]
    }

    /// The content of a string literal.
    #[must_use]
    pub fn text(&self, text: Text) -> &str {
        self.slice(text.0)
    }

    /// The lens behind its number.
    #[must_use]
    pub fn lens(&self, lens: LensId) -> Lens<'_> {
        let LensRange { start, end } = self.lenses[lens.0.get() as usize];
        if start == end { Lens::Length } else { Lens::Path(&self.accessors[start as usize..end as usize]) }
    }

    /// A variable as it is written, sigil included.
    #[must_use]
    pub fn name(&self, name: Name) -> &str {
        self.slice(self.names[name.index()].0)
    }

    /// What a variable holds.
    #[must_use]
    pub fn name_kind(&self, name: Name) -> NameKind {
        self.names[name.index()].1
    }

    /// The number of different variables; their numbers are `0..count`.
    #[must_use]
    pub fn name_count(&self) -> usize {
        self.names.len()
    }

    /// The number of a variable by its text, if it occurs.
    #[must_use]
    pub fn find_name(&self, text: &str) -> Option<Name> {
        (0..self.names.len() as u32).map(Name).find(|&name| self.name(name) == text)
    }

    /// Whether a variable occurs in an instruction that could not be read, so that nobody can tell what defines it.
    #[must_use]
    pub fn is_doubtful(&self, name: Name) -> bool {
        self.doubtful.binary_search(&name).is_ok()
    }

    /// All comments in the order of the text, each from its `;` to the end of its line.
    #[must_use]
    pub fn comments(&self) -> &[Span] {
        &self.comments
    }
}

/// See [`Tree::children`].
#[derive(Clone, Debug)]
pub struct Children<'a> {
    tree: &'a Tree,
    next: u32,
    end: u32,
}

impl Iterator for Children<'_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        (self.next < self.end).then(|| {
            let child = NodeId(self.next);
            self.next = self.tree.nodes[child.index()].end;
            child
        })
    }
}

impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        self.nodes.len() == other.nodes.len() && self.nodes().all(|node| self.same_node(other, node))
    }
}

impl Tree {
    fn same_node(&self, other: &Self, node: NodeId) -> bool {
        let (a, b) = (self.nodes[node.index()], other.nodes[node.index()]);
        let (ops_a, ops_b) = (self.operands(node), other.operands(node));
        (a.kind, a.parent, a.end) == (b.kind, b.parent, b.end)
            && ops_a.len() == ops_b.len()
            && ops_a.iter().zip(ops_b).all(|(a, b)| self.same_expr(other, a.expr, b.expr))
    }

    fn same_expr(&self, other: &Self, a: Expr, b: Expr) -> bool {
        let same_lens = || match (a.lens(), b.lens()) {
            (Some(a), Some(b)) => self.same_lens(other, a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        match (a, b) {
            (Expr::Text(a), Expr::Text(b)) => self.text(a) == other.text(b),
            (Expr::Variable(a, _), Expr::Variable(b, _)) => self.name(a) == other.name(b) && same_lens(),
            (Expr::LastError(_), Expr::LastError(_)) | (Expr::Error(_), Expr::Error(_)) => same_lens(),
            (a, b) => a == b,
        }
    }

    fn same_lens(&self, other: &Self, a: LensId, b: LensId) -> bool {
        match (self.lens(a), other.lens(b)) {
            (Lens::Length, Lens::Length) => true,
            (Lens::Path(a), Lens::Path(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b).all(|(&a, &b)| match (a, b) {
                        (Accessor::Field(a), Accessor::Field(b)) => self.slice(a) == other.slice(b),
                        (Accessor::Dynamic(a), Accessor::Dynamic(b)) => self.name(a.name) == other.name(b.name),
                        (a, b) => a == b,
                    })
            }
            _ => false,
        }
    }
}

fn var(operand: &Operand) -> VarRef {
    match operand.expr {
        Expr::Variable(name, _) => VarRef { name, span: operand.span },
        _ => unreachable!("invariant of the parser: a set variable is stored as a variable"),
    }
}

fn text(operand: &Operand) -> Text {
    match operand.expr {
        Expr::Text(text) => text,
        _ => unreachable!("invariant of the parser: the message of `fail` is stored as a text"),
    }
}

/// Builds a tree in preorder, with the chain of parents as the stack of open nodes.
///
/// A node's operands must be complete before its first child starts.
pub(super) struct TreeBuilder<'a> {
    source: &'a str,
    names: Names<'a>,
    tree: Tree,
    current: u32,
}

impl<'a> TreeBuilder<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        let tree = Tree {
            source: Arc::from(""),
            nodes: Vec::new(),
            operands: Vec::new(),
            lenses: vec![LensRange { start: 0, end: 0 }],
            accessors: Vec::new(),
            names: Vec::new(),
            comments: Vec::new(),
            doubtful: Vec::new(),
        };
        Self { source, names: Names::default(), tree, current: NO_PARENT }
    }

    /// Starts an instruction inside the current one. It is an [`Instruction::Error`] until [`TreeBuilder::set_kind`].
    pub(super) fn open(&mut self, start: u32) {
        let node = self.tree.nodes.len() as u32;
        let operands = self.tree.operands.len() as u32;
        let span = Span::new(start, start);
        self.tree.nodes.push(Node { kind: Kind::Error, operands, parent: self.current, end: node + 1, span });
        self.current = node;
    }

    pub(super) fn set_kind(&mut self, kind: Kind) {
        self.tree.nodes[self.current as usize].kind = kind;
    }

    pub(super) fn operand(&mut self, operand: Operand) {
        self.tree.operands.push(operand);
    }

    /// Makes the current node an [`Instruction::Error`] and forgets its operands if it has no children yet.
    pub(super) fn set_error(&mut self) {
        self.set_kind(Kind::Error);
        if self.current as usize + 1 == self.tree.nodes.len() {
            self.tree.operands.truncate(self.tree.nodes[self.current as usize].operands as usize);
        }
    }

    /// Ends the current instruction; its parent is the current one again.
    pub(super) fn close(&mut self, end: u32) {
        let count = self.tree.nodes.len() as u32;
        let node = &mut self.tree.nodes[self.current as usize];
        node.end = count;
        node.span.end = end;
        self.current = node.parent;
    }

    pub(super) fn intern(&mut self, kind: NameKind, span: Span) -> Name {
        self.names.intern(self.source, kind, span)
    }

    pub(super) fn name_kind(&self, name: Name) -> NameKind {
        self.names.kind(name)
    }

    pub(super) fn length_lens(&mut self) -> LensId {
        self.lens(self.tree.accessors.len())
    }

    pub(super) fn accessor(&mut self, accessor: Accessor) {
        self.tree.accessors.push(accessor);
    }

    pub(super) fn accessor_count(&self) -> usize {
        self.tree.accessors.len()
    }

    /// The lens of all accessors added since there were `start` of them.
    pub(super) fn lens(&mut self, start: usize) -> LensId {
        let id = self.tree.lenses.len() as u32;
        let end = self.tree.accessors.len() as u32;
        self.tree.lenses.push(LensRange { start: start as u32, end });
        LensId(NonZeroU32::new(id).expect("invariant: slot 0 is taken when the builder is made"))
    }

    pub(super) fn comment(&mut self, span: Span) {
        self.tree.comments.push(span);
    }

    /// A piece of the text.
    pub(super) fn slice(&self, span: Span) -> &'a str {
        &self.source[span.range()]
    }

    /// Notes that a name occurs in a broken instruction, which may have been what defines it.
    pub(super) fn doubt(&mut self, name: Name) {
        self.tree.doubtful.push(name);
    }

    /// Notes all variables among the operands of the current node.
    pub(super) fn doubt_operands(&mut self) {
        let names = self.tree.operands(NodeId(self.current)).iter().filter_map(|operand| match operand.expr {
            Expr::Variable(name, _) => Some(name),
            _ => None,
        });
        self.tree.doubtful.extend(names.collect::<Vec<_>>());
    }

    pub(super) fn node_count(&self) -> usize {
        self.tree.nodes.len()
    }

    /// The tree, with at least one node. Nodes that are still open are broken.
    pub(super) fn finish(mut self) -> Tree {
        let end = self.source.len() as u32;
        if self.tree.nodes.is_empty() {
            self.open(0);
        }
        while self.current != NO_PARENT {
            self.doubt_operands();
            self.set_kind(Kind::Error);
            self.close(end);
        }
        self.tree.doubtful.sort_unstable();
        self.tree.doubtful.dedup();
        Tree { source: Arc::from(self.source), names: self.names.into_list(), ..self.tree }
    }
}
