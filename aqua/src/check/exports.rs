//! What the entry file exports, and calls in circles.

use super::Checker;
use crate::diagnostic::{Code, Diagnostic, FileId, Span};
use crate::hir::{Export, ExportItem, FunctionId, Type};
use crate::resolve::{DefId, DefKind, nearest, span_of};
use crate::syntax::ast::{self, AstNode};

impl Checker<'_> {
    /// The exports of the entry; those of other modules are looked at for mistakes.
    pub(super) fn exports(&mut self) -> Vec<Export> {
        let mut exports: Vec<Export> = Vec::new();
        for file in (0..self.modules.modules.len() as u32).map(FileId) {
            let root = self.modules.module(file).root.clone();
            let items = ast::children::<ast::Export>(&root).flat_map(|export| export.items().collect::<Vec<_>>());
            let mut names: Vec<(String, Span)> = Vec::new();
            for item in items {
                let Some(path) = item.path() else { continue };
                let outer = item.alias().unwrap_or_else(|| path.clone());
                let (name, span) = (outer.text(), span_of(file, outer.syntax()));
                if let Some((_, first)) = names.iter().find(|(known, _)| *known == name) {
                    let message = format!("`{name}` is exported twice");
                    let first = *first;
                    self.report(
                        Diagnostic::new(Code::DEFINED_TWICE, span, message)
                            .and(first, "first here")
                            .help("rename one: `export f as g`"),
                    );
                    continue;
                }
                names.push((name.clone(), span));
                let Some(def) = self.exported(file, &path) else { continue };
                if file == FileId(0) {
                    let item = match self.modules.def(def).kind {
                        DefKind::Func => ExportItem::Function(self.function_id(def)),
                        _ => ExportItem::Service(self.service_id(def)),
                    };
                    exports.push(Export { name: name.into(), item, span });
                }
            }
        }
        exports
    }

    fn exported(&mut self, file: FileId, path: &ast::Path) -> Option<DefId> {
        let (name, span) = (path.text(), span_of(file, path.syntax()));
        let Some(def) = self.modules.lookup(file, &name) else {
            let module = self.modules.module(file);
            if !module.incomplete {
                let mut diagnostic =
                    Diagnostic::new(Code::NAME_UNKNOWN, span, format!("cannot find `{name}` to export"));
                if let Some(near) = nearest(&name, module.scope.keys().map(String::as_str)) {
                    diagnostic = diagnostic.at(format!("help: did you mean `{near}`?")).replace(near);
                }
                self.report(diagnostic);
            }
            return None;
        };
        let kind = self.modules.def(def).kind;
        let reason = match kind {
            DefKind::Poison => return None,
            DefKind::Service => return Some(def),
            DefKind::Func => self.not_exportable(def)?,
            _ => (format!("it is {}", kind.noun()), "export functions and services"),
        };
        if reason.0.is_empty() {
            return Some(def);
        }
        let diagnostic = Diagnostic::new(Code::NOT_EXPORTABLE, span, format!("`{name}` cannot be exported"));
        self.report(diagnostic.at(reason.0).help(reason.1));
        None
    }

    /// Why clients cannot call a function; empty if they can.
    fn not_exportable(&mut self, def: DefId) -> Option<(String, &'static str)> {
        let signature = self.signature(def);
        let wrap = "export a function around it that gives clients data";
        if !signature.abilities.is_empty() {
            return Some(("it takes abilities in braces".to_string(), wrap));
        }
        for (name, _, ty) in &signature.params {
            match ty {
                Type::Ability(_) | Type::StreamMap(_) => return Some((format!("it takes `{name}: {ty}`"), wrap)),
                Type::Arrow(arrow)
                    if arrow.params.iter().chain(&arrow.results).any(no_data) || !arrow.abilities.is_empty() =>
                {
                    return Some((format!("the callback `{name}: {ty}` takes or gives what is no data"), wrap));
                }
                _ => {}
            }
        }
        let bad =
            signature.results.iter().find(|ty| matches!(ty, Type::Ability(_) | Type::StreamMap(_) | Type::Arrow(_)));
        Some((bad.map_or_else(String::new, |ty| format!("it returns `{ty}`")), wrap))
    }

    /// Functions are expanded where they are called, so none may lead back to itself.
    pub(super) fn recursion(&mut self) {
        let mut done = vec![false; self.calls.len()];
        for start in 0..self.calls.len() {
            let mut way: Vec<(usize, usize)> = vec![(start, 0)];
            while let Some((function, next)) = way.last_mut() {
                let function = *function;
                let edge = (!done[function]).then(|| self.calls[function].get(*next).copied()).flatten();
                let Some((FunctionId(target), span)) = edge else {
                    done[function] = true;
                    way.pop();
                    continue;
                };
                *next += 1;
                let target = target as usize;
                match way.iter().position(|(open, _)| *open == target) {
                    Some(at) => {
                        let ring: Vec<usize> = way[at..].iter().map(|(open, _)| *open).collect();
                        self.ring(&ring, target, span);
                    }
                    None if !done[target] => way.push((target, 0)),
                    None => {}
                }
            }
        }
    }

    fn ring(&mut self, ring: &[usize], target: usize, span: Span) {
        let name = |checker: &Self, function: usize| checker.modules.def(checker.functions[function].0).name.clone();
        let mut steps = vec![format!("`{}`", name(self, ring[0]))];
        for pair in ring.windows(2) {
            let at = self.calls[pair[0]].iter().find(|(id, _)| id.0 as usize == pair[1]).map(|(_, span)| *span);
            let line = at.map_or(0, |span| self.modules.line(span));
            steps.push(format!("`{}` (line {line})", name(self, pair[1])));
        }
        steps.push(format!("`{}`", name(self, target)));
        let at = format!("{}; functions are expanded where they are called", steps.join(" -> "));
        let message = format!("`{}` calls itself", name(self, target));
        let help = "push the work onto a stream and loop with `for x <- todo rec:`";
        self.report(Diagnostic::new(Code::RECURSION, span, message).at(at).help(help));
    }
}

fn no_data(ty: &Type) -> bool {
    matches!(ty, Type::Ability(_) | Type::StreamMap(_) | Type::Arrow(_))
}
