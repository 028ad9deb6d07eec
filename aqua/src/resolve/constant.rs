//! Values of constants and literals.

use std::collections::HashMap;
use std::sync::Arc;

use super::{DefId, DefKind, Modules, nearest, span_of, unquote};
use crate::diagnostic::{Code, Diagnostic, FileId, Span};
use crate::options::Options;
use crate::syntax::ast::{self, AstNode};
use crate::syntax::{self, SyntaxKind, SyntaxNode};

/// What a literal or constant stands for.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Constant {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Arc<str>),
    /// Of a mistake that is reported.
    Poison,
}

impl Constant {
    fn noun(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Text(_) => "a string",
            Self::Poison => "unknown",
        }
    }
}

/// How many characters a float may have in AIR of all peers.
const FLOAT_WIDTH: usize = 11;

/// The value of a literal node.
pub(crate) fn literal(file: FileId, node: &SyntaxNode) -> Result<Constant, Box<Diagnostic>> {
    let span = span_of(file, node);
    let wide = |why: &str| {
        let message = format!("`{}` cannot be carried by AIR: {why}", node.text());
        Box::new(
            Diagnostic::new(Code::LITERAL_WIDTH, span, message).help("take the value as an argument of the function"),
        )
    };
    let text: String = ast::tokens(node).map(|token| token.text().to_string()).collect();
    let Some(token) = ast::tokens(node).last() else { return Ok(Constant::Poison) };
    match token.kind() {
        SyntaxKind::StringLit => Ok(Constant::Text(unquote(&token).into())),
        SyntaxKind::Ident => Ok(Constant::Bool(token.text() == "true")),
        // Numbers of another form are reported by the lexer.
        SyntaxKind::Int if token.text().bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse().map(Constant::Int).map_err(|_| wide("integers have 64 bits and a sign"))
        }
        SyntaxKind::Float => match text.parse::<f64>() {
            Ok(value) if value.to_string().len() <= FLOAT_WIDTH => Ok(Constant::Float(value)),
            Ok(_) => Err(wide("floats have at most 11 characters")),
            Err(_) => Ok(Constant::Poison),
        },
        _ => Ok(Constant::Poison),
    }
}

/// The values of all constants.
pub(crate) fn evaluate(modules: &mut Modules, options: &Options) -> HashMap<DefId, Constant> {
    let outside = from_outside(modules, options);
    let mut used = vec![false; outside.len()];
    let mut values = HashMap::new();
    for index in by_module(modules) {
        let id = DefId(index as u32);
        let (node, span, name) = {
            let def = modules.def(id);
            (def.node.clone(), def.span, def.name.clone())
        };
        let Some(constant) = ast::Const::cast(node) else { continue };
        let mut value = value_of(modules, &values, &constant, span);
        if let Some(at) = outside.iter().position(|(outer, _)| **outer == *name).filter(|_| constant.is_default()) {
            used[at] = true;
            value = replaced(modules, &value, &outside[at].1, &name, span);
        }
        values.insert(id, value);
    }
    for ((name, _), used) in outside.iter().zip(used) {
        if !used {
            let message = format!("no file has `const {name} ?= ..`");
            let diagnostic = Diagnostic::new(Code::CONST_UNKNOWN, Span::default(), message);
            modules.diagnostics.push(diagnostic.help("only constants with `?=` can be set from outside"));
        }
    }
    values
}

/// Constants in the order of modules, and there in order of the text.
fn by_module(modules: &Modules) -> Vec<usize> {
    let rank: HashMap<FileId, usize> = modules.order.iter().enumerate().map(|(rank, file)| (*file, rank)).collect();
    let mut constants: Vec<usize> =
        (0..modules.defs.len()).filter(|&index| modules.defs[index].kind == DefKind::Const).collect();
    constants.sort_by_key(|&index| (rank.get(&modules.defs[index].span.file), modules.defs[index].span.start));
    constants
}

fn value_of(modules: &mut Modules, values: &HashMap<DefId, Constant>, constant: &ast::Const, span: Span) -> Constant {
    let Some(value) = constant.value() else { return Constant::Poison };
    let node = value.syntax();
    if node.kind() == SyntaxKind::Literal {
        return literal(span.file, node).unwrap_or_else(|diagnostic| {
            modules.diagnostics.push(*diagnostic);
            Constant::Poison
        });
    }
    let place = span_of(span.file, node);
    let name = node.text().to_string();
    let is_path = matches!(node.kind(), SyntaxKind::NameExpr | SyntaxKind::FieldExpr);
    if !is_path {
        let message = "a constant is a literal or another constant";
        modules
            .diagnostics
            .push(Diagnostic::new(Code::UNEXPECTED, place, message).help("compute the value in a function"));
        return Constant::Poison;
    }
    match modules.lookup(span.file, &name) {
        Some(def) if modules.def(def).kind == DefKind::Const => match values.get(&def) {
            Some(value) => value.clone(),
            None => {
                let there = modules.def(def).span;
                let message = format!("`{name}` is defined below");
                let diagnostic = Diagnostic::new(Code::NAME_UNKNOWN, place, message).and(there, "here");
                modules.diagnostics.push(diagnostic.help("constants are read from top to bottom: move it up"));
                Constant::Poison
            }
        },
        Some(def) if modules.def(def).kind == DefKind::Poison => Constant::Poison,
        _ if modules.module(span.file).incomplete => Constant::Poison,
        _ => {
            let mut diagnostic = Diagnostic::new(Code::NAME_UNKNOWN, place, format!("there is no constant `{name}`"));
            let constants = modules.module(span.file).scope.iter();
            let constants =
                constants.filter(|(_, entry)| modules.def(entry.def).kind == DefKind::Const && entry.span != span);
            if let Some(near) = nearest(&name, constants.map(|(name, _)| name.as_str())) {
                diagnostic = diagnostic.at(format!("help: did you mean `{near}`?")).replace(near);
            }
            modules.diagnostics.push(diagnostic);
            Constant::Poison
        }
    }
}

/// The constants of the options that are literals.
fn from_outside(modules: &mut Modules, options: &Options) -> Vec<(String, Constant)> {
    let mut values = Vec::new();
    for (name, text) in &options.constants {
        let source = format!("aqua C\nconst C = {text}\n");
        let parse = syntax::parse(FileId(0), &source);
        let constant = ast::child::<ast::Const>(&parse.syntax()).and_then(|constant| constant.value());
        let node =
            constant.filter(|value| parse.diagnostics.is_empty() && value.syntax().kind() == SyntaxKind::Literal);
        match node.map(|node| literal(FileId(0), node.syntax())) {
            Some(Ok(value)) => values.push((name.clone(), value)),
            _ => {
                let message = format!("`{text}` for the constant `{name}` is no literal");
                let diagnostic = Diagnostic::new(Code::CONST_OUTSIDE, Span::default(), message);
                modules
                    .diagnostics
                    .push(diagnostic.help("write a number, `true`, `false`, or a string in double quotes"));
            }
        }
    }
    values
}

fn replaced(modules: &mut Modules, default: &Constant, outer: &Constant, name: &str, span: Span) -> Constant {
    if *default == Constant::Poison || std::mem::discriminant(default) == std::mem::discriminant(outer) {
        return outer.clone();
    }
    let message = format!("`{name}` is given {} from outside, its default is {}", outer.noun(), default.noun());
    modules.diagnostics.push(Diagnostic::new(Code::CONST_OUTSIDE, span, message).help("give a value of the same kind"));
    Constant::Poison
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<Constant, String> {
        let parse = syntax::parse(FileId(0), &format!("aqua A\nconst A = {text}\n"));
        let constant =
            ast::child::<ast::Const>(&parse.syntax()).and_then(|constant| constant.value()).expect("a value");
        literal(FileId(0), constant.syntax()).map_err(|diagnostic| diagnostic.code.to_string())
    }

    #[test]
    fn literals_have_values() {
        assert_eq!(value("-9223372036854775808"), Ok(Constant::Int(i64::MIN)));
        assert_eq!(value("9223372036854775808"), Err("A1004".to_string()));
        assert_eq!(value("-1.05"), Ok(Constant::Float(-1.05)));
        assert_eq!(value("1.12345678901234"), Err("A1004".to_string()));
        assert_eq!(value("\"a\\n\""), Ok(Constant::Text("a\\n".into())));
        assert_eq!(value("true"), Ok(Constant::Bool(true)));
    }
}
