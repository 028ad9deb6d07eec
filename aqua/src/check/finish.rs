//! The end: which diagnostics are shown, and the program.

use super::{Checked, Checker};
use crate::diagnostic::{Code, Diagnostic, FileId, Severity};
use crate::hir::{Export, Program, SourceFile};
use crate::resolve::{span_of, unquote};
use crate::syntax::SyntaxKind;
use crate::syntax::ast;

impl Checker<'_> {
    pub(super) fn unused_imports(&mut self) {
        // What is broken may be what would use them.
        if self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
            return;
        }
        let mut found = Vec::new();
        for file in (0..self.modules.modules.len() as u32).map(FileId) {
            let module = self.modules.module(file);
            for import in module.imports.iter().filter(|import| import.target.is_some() && !import.used.get()) {
                // What a module merely passes on is looked up by its importers.
                let path = ast::token(&import.node, SyntaxKind::StringLit);
                let Some(path) = path else { continue };
                let message = format!("nothing of `{}` is used", unquote(&path));
                found.push(
                    Diagnostic::new(Code::IMPORT_UNUSED, span_of(file, &import.node), message).help("remove this line"),
                );
            }
        }
        found.into_iter().for_each(|diagnostic| self.report(diagnostic));
    }

    pub(super) fn finish(self, exports: Vec<Export>, needed: usize) -> Checked {
        let Self { modules, mut diagnostics, index, functions, hir_services, .. } = self;
        let own = |file: FileId| modules.module(file).own;
        diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error || own(diagnostic.primary.span.file));
        diagnostics.sort_by_key(|diagnostic| diagnostic.primary.span);
        diagnostics.dedup();
        let files: Vec<SourceFile> = modules
            .modules
            .iter()
            .map(|module| SourceFile { path: module.path.clone(), text: module.text.clone() })
            .collect();
        let errors = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        let program = (!errors).then(|| Program {
            files: files.clone(),
            functions: functions.into_iter().take(needed).filter_map(|(_, function)| function).collect(),
            services: hir_services,
            exports,
        });
        Checked { program, diagnostics, files, index }
    }
}
