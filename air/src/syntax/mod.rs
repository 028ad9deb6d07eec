//! The language: text to tree and diagnostics, and back to text.
//!
//! [`parse`] never fails: it returns a [`Tree`] in which broken instructions are [`Instruction::Error`] nodes, and what it
//! had to say about them. Whether a tree makes sense is for [`crate::check`] to tell.

mod diagnostic;
mod fmt;
mod instruction;
mod lexer;
mod names;
mod operand;
mod parser;
mod print;
mod tree;
mod word;

pub use diagnostic::{Diagnostic, DiagnosticId, Label, Location, Severity, render_plain};
pub use fmt::format;
pub use instruction::{Accessor, Expr, Instruction, Lens, LensId, Name, NameKind, NodeId, Operand, Span, Text, VarRef};
pub use lexer::{Token, TokenKind, Tokens};
pub(crate) use parser::OVER_LIMIT;
pub use parser::parse;
pub use print::{print_float, print_instruction, print_lens, print_script};
pub use tree::{Children, Tree};
