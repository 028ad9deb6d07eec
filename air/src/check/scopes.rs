//! [`Scopes`]: which folds and `new`s lie around each instruction, and which fold a `next` belongs to.

use super::names::uses;
use super::script::defined_name;
use crate::syntax::{Accessor, Expr, Instruction, Lens, Name, NodeId, Tree};

/// The lexical scopes of a tree. One look-up per question; a walk outwards costs one step per scope.
#[derive(Clone, Debug)]
pub struct Scopes {
    /// By node: 1 + index of the innermost scope around it; 0 for the root scope.
    around: Vec<u32>,
    scopes: Vec<Scope>,
    /// `(instruction, a name that it reads or sets, 1 + index of the scope that binds it)`, sorted; names that none binds are
    /// left out.
    binders: Vec<(NodeId, Name, u32)>,
    /// `(next, its fold)`, sorted by the first.
    nexts: Vec<(NodeId, NodeId)>,
    /// `(fold, its first next)`, sorted by the first.
    own_nexts: Vec<(NodeId, NodeId)>,
}

/// A `fold` or a `new`, as the scope of what is inside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scope {
    /// The instruction.
    pub node: NodeId,
    /// Which of the two it is.
    pub kind: ScopeKind,
    /// The iterator, or the variable that `new` hides.
    pub name: Name,
    /// The number of folds around what is inside: those around `node`, and `node` itself if it is one.
    pub fold_depth: u32,
    /// 1 + index of the next scope outwards; 0 for the root scope.
    parent: u32,
    /// 1 + index of the innermost fold, this one included; 0 for none.
    fold: u32,
}

/// What makes a scope.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScopeKind {
    /// Each iteration has its own variables.
    Fold,
    /// The variable of this name only.
    New,
}

impl Scopes {
    /// Works out the scopes of a tree, in linear time and without recursion.
    #[must_use]
    pub fn new(tree: &Tree) -> Self {
        let mut this = Self {
            around: Vec::with_capacity(tree.len()),
            scopes: Vec::new(),
            binders: Vec::new(),
            nexts: Vec::new(),
            own_nexts: Vec::new(),
        };
        let mut open_folds = OpenFolds::new(tree);
        let mut current = 0;
        // By name, the open scopes that bind it.
        let mut binding = vec![Vec::new(); tree.name_count()];
        for node in tree.nodes() {
            while let Some(scope) = this.get(current)
                && !tree.contains(scope.node, node)
            {
                binding[scope.name.index()].pop();
                current = scope.parent;
            }
            this.around.push(current);
            let start = this.binders.len();
            for_each_name(tree, node, |name| {
                this.binders.extend(binding[name.index()].last().map(|&binder| (node, name, binder)));
            });
            this.binders[start..].sort_unstable();
            open_folds.enter(node);
            match tree.instruction(node) {
                Instruction::Fold { iterator, .. } => {
                    current = this.push(node, ScopeKind::Fold, iterator.name, current);
                    binding[iterator.name.index()].push(current);
                }
                Instruction::New { variable } => {
                    current = this.push(node, ScopeKind::New, variable.name, current);
                    binding[variable.name.index()].push(current);
                }
                Instruction::Next { iterator } => {
                    if let Some(fold) = open_folds.innermost(iterator.name) {
                        this.nexts.push((node, fold));
                    }
                }
                _ => {}
            }
        }
        this.own_nexts = this.nexts.iter().map(|&(next, fold)| (fold, next)).collect();
        this.own_nexts.sort_unstable();
        this.own_nexts.dedup_by_key(|(fold, _)| *fold);
        this
    }

    fn push(&mut self, node: NodeId, kind: ScopeKind, name: Name, parent: u32) -> u32 {
        let index = self.scopes.len() as u32 + 1;
        let (outer_fold, outer_depth) = self.get(parent).map_or((0, 0), |scope| (scope.fold, scope.fold_depth));
        let (fold, fold_depth) = match kind {
            ScopeKind::Fold => (index, outer_depth + 1),
            ScopeKind::New => (outer_fold, outer_depth),
        };
        self.scopes.push(Scope { node, kind, name, fold_depth, parent, fold });
        index
    }

    fn get(&self, index: u32) -> Option<&Scope> {
        self.scopes.get((index as usize).checked_sub(1)?)
    }

    /// The scopes around an instruction, from inside out. Its own, if it is a fold or a `new`, is not among them: it holds
    /// for what is inside.
    pub fn around(&self, node: NodeId) -> impl Iterator<Item = &Scope> {
        let innermost = self.get(self.around[node.index()]);
        std::iter::successors(innermost, |scope| self.get(scope.parent))
    }

    /// The innermost fold around an instruction: the one in whose iterations it runs.
    #[must_use]
    pub fn fold(&self, node: NodeId) -> Option<NodeId> {
        let innermost = self.get(self.around[node.index()])?;
        self.get(innermost.fold).map(|scope| scope.node)
    }

    /// The number of folds around an instruction.
    #[must_use]
    pub fn fold_depth(&self, node: NodeId) -> usize {
        self.get(self.around[node.index()]).map_or(0, |scope| scope.fold_depth as usize)
    }

    /// The folds around an instruction, outermost first, as positions in particle data list them.
    #[must_use]
    pub fn folds(&self, node: NodeId) -> Vec<NodeId> {
        let mut folds = Vec::with_capacity(self.fold_depth(node));
        folds.extend(std::iter::successors(self.fold(node), |&fold| self.fold(fold)));
        folds.reverse();
        folds
    }

    /// The innermost scope around an instruction that binds `name`, which the instruction reads or sets: its iterator's fold,
    /// or a `new` of it.
    #[must_use]
    pub fn binder(&self, node: NodeId, name: Name) -> Option<&Scope> {
        let at = self.binders.binary_search_by_key(&(node, name), |&(node, name, _)| (node, name)).ok()?;
        self.get(self.binders[at].2)
    }

    /// The fold that a `next` belongs to; `None` for other instructions.
    #[must_use]
    pub fn fold_of_next(&self, next: NodeId) -> Option<NodeId> {
        let at = self.nexts.binary_search_by_key(&next, |&(next, _)| next).ok()?;
        Some(self.nexts[at].1)
    }

    /// The `next` that belongs to a fold, if it has one; a checked script has at most one.
    #[must_use]
    pub fn next_of_fold(&self, fold: NodeId) -> Option<NodeId> {
        let at = self.own_nexts.binary_search_by_key(&fold, |&(fold, _)| fold).ok()?;
        Some(self.own_nexts[at].1)
    }

    /// Every `next` with its fold, in preorder.
    #[must_use]
    pub fn nexts(&self) -> &[(NodeId, NodeId)] {
        &self.nexts
    }
}

/// The names that an instruction reads or sets.
fn for_each_name(tree: &Tree, node: NodeId, mut each: impl FnMut(Name)) {
    let instruction = tree.instruction(node);
    for operand in uses(&instruction).into_iter().flatten() {
        if let Expr::Variable(name, _) = operand.expr {
            each(name);
        }
        if let Some(Lens::Path(accessors)) = operand.expr.lens().map(|lens| tree.lens(lens)) {
            accessors.iter().for_each(|accessor| {
                if let Accessor::Dynamic(variable) = accessor {
                    each(variable.name);
                }
            });
        }
    }
    if let Instruction::Canon { source, .. } = instruction {
        each(source.name);
    }
    if let Some(output) = defined_name(&instruction) {
        each(output.name);
    }
}

/// The folds around the node of a walk in preorder, by iterator.
pub(super) struct OpenFolds<'a> {
    tree: &'a Tree,
    stack: Vec<(NodeId, Name)>,
    by_name: Vec<Vec<NodeId>>,
    /// A fold that holds for the nodes after it.
    entered: Option<(NodeId, Name)>,
}

impl<'a> OpenFolds<'a> {
    pub(super) fn new(tree: &'a Tree) -> Self {
        Self { tree, stack: Vec::new(), by_name: vec![Vec::new(); tree.name_count()], entered: None }
    }

    /// Goes on to `node`, which is the one after the last. A fold is not around itself.
    pub(super) fn enter(&mut self, node: NodeId) {
        if let Some((fold, name)) = self.entered.take() {
            self.stack.push((fold, name));
            self.by_name[name.index()].push(fold);
        }
        while let Some(&(fold, name)) = self.stack.last()
            && !self.tree.contains(fold, node)
        {
            self.stack.pop();
            self.by_name[name.index()].pop();
        }
        if let Instruction::Fold { iterator, .. } = self.tree.instruction(node) {
            self.entered = Some((node, iterator.name));
        }
    }

    /// The innermost fold around the node that has this iterator.
    pub(super) fn innermost(&self, iterator: Name) -> Option<NodeId> {
        self.by_name[iterator.index()].last().copied()
    }
}
