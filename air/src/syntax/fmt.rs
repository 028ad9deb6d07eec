//! [`format`]: the one layout of a script.
//!
//! A form stays on one line if it fits; else its keyword and operands make a line and each instruction inside another one.
//! Operands are kept as they are written, and comments stay, on their line or at the end of one. A comment among the operands
//! moves in front of the instruction.

use super::instruction::{Expr, Instruction, NodeId, Operand, Span};
use super::print::write_instruction;
use super::tree::Tree;

const MAX_COLUMNS: usize = 100;
const INDENT: usize = 2;
/// Indentation stops growing here, so that the size of deeply nested scripts stays linear.
const MAX_LEVEL: usize = 40;

/// Lays out a script that was parsed without errors. The result parses to the same tree, and laying it out again changes nothing.
///
/// Takes linear time and constant stack.
#[must_use]
pub fn format(tree: &Tree) -> String {
    let mut formatter =
        Formatter { tree, widths: widths(tree), out: String::new(), comments: tree.comments(), after_comment: false };
    formatter.script();
    formatter.out
}

struct Formatter<'a> {
    tree: &'a Tree,
    /// Characters of each node on one line, saturating.
    widths: Vec<usize>,
    out: String,
    /// Those that are still to be written.
    comments: &'a [Span],
    /// Whether the last thing written is a comment.
    after_comment: bool,
}

impl Formatter<'_> {
    fn script(&mut self) {
        let tree = self.tree;
        let mut level = 0;
        let mut open: Option<NodeId> = None;
        // The nodes of the last form that fits on its line.
        let mut flat = NodeId::ROOT..NodeId::ROOT;
        for node in tree.nodes() {
            while let Some(around) = open
                && !tree.contains(around, node)
            {
                level -= 1;
                self.close(around, level, flat.contains(&around));
                open = tree.parent(around);
            }
            if flat.contains(&node) {
                self.out.push(' ');
            } else {
                self.line(node, level);
                if self.fits(node, level) {
                    flat = node..tree.subtree_end(node);
                }
            }
            self.out.push('(');
            self.out.push_str(&head(tree, node));
            open = Some(node);
            level += 1;
        }
        while let Some(around) = open {
            level -= 1;
            self.close(around, level, flat.contains(&around));
            open = tree.parent(around);
        }
        self.comments_until(u32::MAX, 0, false);
        self.out.push('\n');
    }

    /// Starts the line of a node, after the comments that belong before it.
    fn line(&mut self, node: NodeId, level: usize) {
        self.comments_until(self.tree.span(node).start, level, false);
        self.comments_until(head_end(self.tree, node), level, true);
        self.new_line(level);
        self.after_comment = false;
    }

    fn close(&mut self, node: NodeId, level: usize, is_flat: bool) {
        if !is_flat {
            self.comments_until(self.tree.span(node).end, level + 1, false);
        }
        if self.after_comment {
            self.new_line(level);
            self.after_comment = false;
        }
        self.out.push(')');
    }

    /// Writes the comments before `offset`, on lines of their own, or, unless `moved`, at the end of the line if that is where
    /// they were.
    fn comments_until(&mut self, offset: u32, level: usize, moved: bool) {
        while let Some((&comment, rest)) = self.comments.split_first()
            && comment.start < offset
        {
            self.comments = rest;
            if moved || self.out.is_empty() || self.starts_line(comment) {
                self.new_line(level);
            } else {
                self.out.push(' ');
            }
            self.out.push_str(self.tree.slice(comment).trim_end());
            self.after_comment = true;
        }
    }

    fn starts_line(&self, comment: Span) -> bool {
        let before = &self.tree.source()[..comment.start as usize];
        before.trim_end_matches(|char: char| char.is_whitespace() && char != '\n').ends_with('\n')
    }

    fn new_line(&mut self, level: usize) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out.extend(std::iter::repeat_n(' ', level.min(MAX_LEVEL) * INDENT));
    }

    fn fits(&self, node: NodeId, level: usize) -> bool {
        if self.tree.first_child(node).is_none() {
            return true;
        }
        let (start, end) = (head_end(self.tree, node), self.tree.span(node).end);
        let has_comments = self.comments.first().is_some_and(|comment| start <= comment.start && comment.start < end);
        !has_comments && self.widths[node.index()].saturating_add(level.min(MAX_LEVEL) * INDENT) <= MAX_COLUMNS
    }
}

/// Where the operands of an instruction with others inside end; of one without, where it ends.
fn head_end(tree: &Tree, node: NodeId) -> u32 {
    if tree.first_child(node).is_none() {
        return tree.span(node).end;
    }
    tree.operands(node).last().map_or_else(|| tree.keyword(node).end, |operand| operand.span.end)
}

/// The keyword and operands as they are to be written.
fn head(tree: &Tree, node: NodeId) -> String {
    let mut head = String::new();
    write_instruction(&mut head, tree, node, push_source);
    if matches!(tree.instruction(node), Instruction::Call { output: None, .. }) {
        head.pop();
    }
    head
}

fn push_source(out: &mut String, tree: &Tree, operand: &Operand) {
    match operand.expr {
        // There may be space and comments between the brackets.
        Expr::EmptyArray => out.push_str("[]"),
        // The operands that an instruction sets come without their text, but are just names.
        Expr::Variable(name, None) => out.push_str(tree.name(name)),
        _ => out.push_str(tree.slice(operand.span)),
    }
}

fn widths(tree: &Tree) -> Vec<usize> {
    let mut widths = vec![0_usize; tree.len()];
    for node in tree.nodes().rev() {
        let head = head(tree, node);
        // A string with a line break does not go on one line with other instructions.
        let own = if head.contains('\n') { usize::MAX } else { head.chars().count() + 2 };
        let width = widths[node.index()].saturating_add(own);
        widths[node.index()] = width;
        if let Some(parent) = tree.parent(node) {
            widths[parent.index()] = widths[parent.index()].saturating_add(width).saturating_add(1);
        }
    }
    widths
}
