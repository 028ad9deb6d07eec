//! The printed form of instructions, used in error objects, reports and traces.
//!
//! Scripts and clients compare this text, so it is part of the contract, trailing space of a call without output included.
//! Printing a script and parsing it again gives the same tree.

use super::instruction::{Accessor, Expr, Instruction, Lens, LensId, NodeId, Operand, VarRef};
use super::tree::Tree;
use super::word;

/// An instruction without those inside: `call "p" ("s" "f") [a 1] x`, `fold xs x`, `seq`.
///
/// ```
/// use marine_air::{Limits, syntax};
///
/// let (tree, _) = syntax::parse("(call \"p\" (\"s\" \"f\") [a.$[0] 1.50])", &Limits::default());
/// assert_eq!(syntax::print_instruction(&tree, syntax::NodeId::ROOT), "call \"p\" (\"s\" \"f\") [a.$.[0] 1.5] ");
/// ```
#[must_use]
pub fn print_instruction(tree: &Tree, node: NodeId) -> String {
    let mut out = String::new();
    write_instruction(&mut out, tree, node, push_operand);
    out
}

/// The whole script on one line.
#[must_use]
pub fn print_script(tree: &Tree) -> String {
    let mut out = String::new();
    let mut open = None;
    for node in tree.nodes() {
        while let Some(around) = open
            && !tree.contains(around, node)
        {
            out.push(')');
            open = tree.parent(around);
        }
        if node != NodeId::ROOT {
            out.push(' ');
        }
        out.push('(');
        write_instruction(&mut out, tree, node, push_operand);
        open = Some(node);
    }
    while let Some(around) = open {
        out.push(')');
        open = tree.parent(around);
    }
    out
}

/// A lens with its leading point: `.length`, `.$.a.[0]`.
#[must_use]
pub fn print_lens(tree: &Tree, lens: LensId) -> String {
    let mut out = String::new();
    push_lens(&mut out, tree, lens);
    out
}

/// A finite float in its shortest form that reads back as the same number, always with a point: `1.0`, `1.0e300`.
#[must_use]
pub fn print_float(number: f64) -> String {
    let text = format!("{number:?}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0e{exponent}"),
        _ => text,
    }
}

/// Writes an instruction without those inside, with `operand` to write each operand.
pub(super) fn write_instruction(
    out: &mut String,
    tree: &Tree,
    node: NodeId,
    operand: fn(&mut String, &Tree, &Operand),
) {
    let mut words = |keyword: &str, operands: &[&Operand]| {
        out.push_str(keyword);
        for one in operands {
            out.push(' ');
            operand(out, tree, one);
        }
    };
    match tree.instruction(node) {
        Instruction::Null => words("null", &[]),
        Instruction::Never => words("never", &[]),
        Instruction::Seq => words("seq", &[]),
        Instruction::Par => words("par", &[]),
        Instruction::Xor => words("xor", &[]),
        Instruction::Ap { value, output } => words("ap", &[value, &output.operand()]),
        Instruction::Canon { peer, source, target } => words("canon", &[peer, &source.operand(), &target.operand()]),
        Instruction::Match { left, right } => words("match", &[left, right]),
        Instruction::Mismatch { left, right } => words("mismatch", &[left, right]),
        Instruction::Fold { iterable, iterator } => words("fold", &[iterable, &iterator.operand()]),
        Instruction::Next { iterator } => words("next", &[&iterator.operand()]),
        Instruction::New { variable } => words("new", &[&variable.operand()]),
        Instruction::Fail { error } => words("fail", &[error]),
        Instruction::FailLiteral { code, .. } => words("fail", &[code, &tree.operands(node)[1]]),
        Instruction::ApMap { key, value, map } => {
            words("ap (", &[]);
            operand(out, tree, key);
            out.push(' ');
            operand(out, tree, value);
            out.push_str(") ");
            out.push_str(tree.name(map.name));
        }
        Instruction::Call { peer, service, function, args, output } => {
            words("call", &[peer]);
            write_call(out, tree, [service, function], args, output, operand);
        }
        Instruction::Error => {
            let source = tree.slice(tree.span(node));
            let inner = source.strip_prefix('(').unwrap_or(source);
            out.push_str(inner.strip_suffix(')').unwrap_or(inner));
        }
    }
}

/// Writes what follows the peer of a call.
fn write_call(
    out: &mut String,
    tree: &Tree,
    name: [&Operand; 2],
    args: &[Operand],
    output: Option<VarRef>,
    operand: fn(&mut String, &Tree, &Operand),
) {
    out.push_str(" (");
    operand(out, tree, name[0]);
    out.push(' ');
    operand(out, tree, name[1]);
    out.push_str(") [");
    for (index, arg) in args.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        operand(out, tree, arg);
    }
    out.push_str("] ");
    if let Some(output) = output {
        out.push_str(tree.name(output.name));
    }
}

fn push_operand(out: &mut String, tree: &Tree, operand: &Operand) {
    match operand.expr {
        Expr::Text(text) => {
            out.push('"');
            out.push_str(tree.text(text));
            out.push('"');
        }
        Expr::Int(number) => out.push_str(&number.to_string()),
        Expr::Uint(number) => out.push_str(&number.to_string()),
        Expr::Float(number) => out.push_str(&print_float(number)),
        Expr::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        Expr::EmptyArray => out.push_str("[]"),
        Expr::InitPeer => out.push_str(word::INIT_PEER),
        Expr::Timestamp => out.push_str(word::TIMESTAMP),
        Expr::Ttl => out.push_str(word::TTL),
        Expr::LastError(_) => out.push_str(word::LAST_ERROR),
        Expr::Error(_) => out.push_str(word::ERROR),
        Expr::Variable(name, _) => out.push_str(tree.name(name)),
    }
    if let Some(lens) = operand.expr.lens() {
        push_lens(out, tree, lens);
    }
}

fn push_lens(out: &mut String, tree: &Tree, lens: LensId) {
    let accessors = match tree.lens(lens) {
        Lens::Length => return out.push_str(".length"),
        Lens::Path(accessors) => accessors,
    };
    out.push_str(".$");
    for accessor in accessors {
        match *accessor {
            Accessor::Field(field) => {
                out.push('.');
                out.push_str(tree.slice(field));
            }
            Accessor::Index(index) => out.push_str(&format!(".[{index}]")),
            Accessor::Dynamic(variable) => {
                out.push_str(".[");
                out.push_str(tree.name(variable.name));
                out.push(']');
            }
        }
    }
}
