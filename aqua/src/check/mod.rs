//! Types: whether a program makes sense, and what it means as [`hir`](crate::hir).
//!
//! Mistakes give one diagnostic each: what is erroneous has the type [`Type::Poison`], which fits everywhere and is never reported again.

mod arithmetic;
mod body;
mod built;
mod call;
mod collection;
mod declared;
mod exports;
mod expr;
mod finish;
mod fold;
mod names;
mod relation;
mod show;
mod stmt;
mod types;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, FileId, Severity, Span};
use crate::hir::{self, FunctionId, Program, ServiceId, SourceFile, Type};
use crate::index::Index;
use crate::options::Options;
use crate::resolve::constant::{self, Constant};
use crate::resolve::{DefId, DefKind, Modules, load, scope};
use crate::sources::{Interface, Sources};

pub(crate) use declared::{ServiceInfo, Signature};
pub(crate) use relation::Relations;

/// What checking a program gives.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The program; only if there are no errors.
    pub program: Option<Program>,
    /// What was found, in order of files and places.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that spans point into, entry first.
    pub files: Vec<SourceFile>,
    /// What names mean, for editors.
    pub index: Index,
}

impl Checked {
    /// Whether anything stops the program.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Path and text of a file.
    #[must_use]
    pub fn source(&self, file: FileId) -> (&str, &str) {
        self.files.get(file.0 as usize).map_or(("", ""), |file| (&file.path, &file.text))
    }
}

/// Reads the file `entry` and all that it imports, and checks them. Never fails.
#[must_use]
pub fn check(entry: &str, sources: &dyn Sources, options: &Options) -> Checked {
    let mut modules = load::load(entry, sources, options);
    let clashes = scope::build(&mut modules);
    let constants = constant::evaluate(&mut modules, options);
    let diagnostics = std::mem::take(&mut modules.diagnostics);
    let mut checker = Checker {
        modules,
        sources,
        warns_of_dropped: options.warn_dropped_results,
        constants,
        diagnostics,
        index: Index::default(),
        relations: Relations::default(),
        types: HashMap::new(),
        heights: HashMap::new(),
        height: 0,
        nesting: 0,
        signatures: HashMap::new(),
        services: HashMap::new(),
        components: HashMap::new(),
        shown: HashMap::new(),
        data_of: HashMap::new(),
        function_ids: HashMap::new(),
        functions: Vec::new(),
        service_ids: BTreeMap::new(),
        hir_services: Vec::new(),
        calls: Vec::new(),
    };
    checker.clashes(clashes);
    checker.declarations();
    let exports = checker.exports();
    let needed = checker.bodies();
    checker.recursion();
    checker.globals();
    checker.unused_imports();
    checker.finish(exports, needed)
}

struct Checker<'a> {
    modules: Modules,
    sources: &'a dyn Sources,
    warns_of_dropped: bool,
    constants: HashMap<DefId, Constant>,
    diagnostics: Vec<Diagnostic>,
    index: Index,
    relations: Relations,
    /// Types of declarations; `None` while they are found out.
    types: HashMap<DefId, Option<Type>>,
    /// How deep declared types are nested, and how deep the one at work is so far.
    heights: HashMap<DefId, u32>,
    height: u32,
    /// How many declarations are being found out.
    nesting: u32,
    signatures: HashMap<DefId, Arc<Signature>>,
    services: HashMap<DefId, Arc<ServiceInfo>>,
    /// By service: what the component offers that it is declared from. Known before its functions are, whose types may come from it.
    components: HashMap<DefId, Option<Arc<Interface>>>,
    /// How declarations read, for editors.
    shown: HashMap<DefId, Arc<str>>,
    /// The declaration that a record's type comes from, by address; the type is kept so that no other gets the address.
    data_of: HashMap<usize, (Type, DefId)>,
    function_ids: HashMap<DefId, FunctionId>,
    /// By [`FunctionId`]: the declaration, and what became of it.
    functions: Vec<(DefId, Option<hir::Function>)>,
    service_ids: BTreeMap<DefId, ServiceId>,
    hir_services: Vec<hir::Service>,
    /// By [`FunctionId`]: which functions it refers to, and where.
    calls: Vec<Vec<(FunctionId, Span)>>,
}

impl Checker<'_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn error(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.report(Diagnostic::new(code, span, message));
    }

    /// The number of a function; it is checked in its turn.
    fn function_id(&mut self, def: DefId) -> FunctionId {
        if let Some(&id) = self.function_ids.get(&def) {
            return id;
        }
        let id = FunctionId(self.functions.len() as u32);
        self.function_ids.insert(def, id);
        self.functions.push((def, None));
        self.calls.push(Vec::new());
        id
    }

    /// Checks the bodies of all functions, those that exports reach first. Returns how many these are.
    fn bodies(&mut self) -> usize {
        self.pending_bodies(0);
        let needed = self.functions.len();
        let functions: Vec<DefId> = (0..self.modules.defs.len() as u32)
            .map(DefId)
            .filter(|&def| self.modules.def(def).kind == DefKind::Func)
            .collect();
        for def in functions {
            self.function_id(def);
        }
        self.pending_bodies(needed);
        needed
    }

    fn pending_bodies(&mut self, from: usize) {
        let mut next = from;
        while next < self.functions.len() {
            let function = body::check(self, self.functions[next].0, FunctionId(next as u32));
            self.functions[next].1 = Some(function);
            next += 1;
        }
    }
}
