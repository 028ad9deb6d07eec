//! The high-level representation: a program whose names are resolved and whose types are right.
//!
//! The checker makes a [`Program`] of source files, the expander makes AIR of it. So everything here is decided already:
//!
//! - Names are numbers. A variable is a [`LocalId`] of the function it stands in, closures included: a closure refers to the
//!   variables around it directly. What the source does not name (a method's result, a constant) is an expression.
//! - Constants, `%init_peer%` and operators on literals are replaced by their values.
//! - A program is handed over only if it has no errors, so nothing stands for a mistake here.
//!
//! What is *not* decided is where values are at run time: a stream that is used as a value, a call into a function, what a
//! closure captures are expressions like any other, and the expander gives them their meaning.

mod expression;
mod statement;
mod types;

use std::sync::Arc;

pub use expression::{Binary, Closure, Expr, ExprKind, MapQuery, Special};
pub use statement::{Block, Body, Handler, LoopMode, Stmt, StmtKind, Target};
pub use types::{Arrow, Labelled, Scalar, Type};

/// A checked program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The files that spans point into, entry first.
    pub files: Vec<SourceFile>,
    /// All functions that exports reach. They do not call each other in circles.
    pub functions: Vec<Function>,
    /// All services that these functions use or the entry exports.
    pub services: Vec<Service>,
    /// What the entry file exports, in the order of its text.
    pub exports: Vec<Export>,
}

impl Program {
    /// The function with this number.
    ///
    /// # Panics
    /// If the number is not of this program; so do the other functions that take a number.
    #[must_use]
    pub fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.0 as usize]
    }

    /// The service with this number.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> &Service {
        &self.services[id.0 as usize]
    }
}

/// A file that spans point into.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// As the sources name it.
    pub path: Arc<str>,
    /// Its text.
    pub text: Arc<str>,
}

/// The number of a file in [`Program::files`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A piece of a file, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// Where it starts.
    pub start: u32,
    /// The byte after its last one.
    pub end: u32,
}

impl Span {
    /// The bytes `start..end` of a file.
    #[must_use]
    pub fn new(file: FileId, start: u32, end: u32) -> Self {
        Self { file, start, end }
    }
}

/// The number of a function in [`Program::functions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionId(pub u32);

/// The number of a service in [`Program::services`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(pub u32);

/// The number of a variable in [`Function::locals`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalId(pub u32);

/// Something that the entry file exports.
#[derive(Clone, Debug)]
pub struct Export {
    /// The name outside.
    pub name: Arc<str>,
    /// What it is.
    pub item: ExportItem,
    /// The name in the `export` line.
    pub span: Span,
}

/// See [`Export`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportItem {
    /// Becomes a script.
    Function(FunctionId),
    /// Is of interest to generated code only.
    Service(ServiceId),
}

/// A function of the top level.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name in the source.
    pub name: Arc<str>,
    /// The comment lines above it, without `--`.
    pub doc: Option<Arc<str>>,
    /// All variables of the function and of the closures in it: parameters, bound names, streams, and those that the checker
    /// made up.
    pub locals: Vec<Local>,
    /// Abilities in braces, each with a variable that holds it.
    pub abilities: Vec<LocalId>,
    /// Parameters in order.
    pub params: Vec<LocalId>,
    /// Declared types of the results.
    pub results: Vec<Type>,
    /// What it does.
    pub body: Body,
    /// Its name in the declaration.
    pub span: Span,
}

impl Function {
    /// The variable with this number.
    #[must_use]
    pub fn local(&self, id: LocalId) -> &Local {
        &self.locals[id.0 as usize]
    }
}

/// A variable.
#[derive(Clone, Debug)]
pub struct Local {
    /// Its name in the source, or one that says what it is.
    pub name: Arc<str>,
    /// Declared type of a parameter or stream, else that of the value.
    pub ty: Type,
    /// Where it is defined.
    pub span: Span,
}

/// A declared service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name in the source.
    pub name: Arc<str>,
    /// The id that it has without `Srv id`.
    pub default_id: Option<Arc<str>>,
    /// Its functions, by name, with the names of the parameters.
    pub methods: Vec<Method>,
    /// Its name in the declaration.
    pub span: Span,
}

/// A function of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// Its name.
    pub name: Arc<str>,
    /// Names and types of its parameters.
    pub params: Vec<(Arc<str>, Type)>,
    /// Its result.
    pub result: Option<Type>,
}
