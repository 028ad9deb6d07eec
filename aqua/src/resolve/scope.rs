//! What a name in a module means.

use std::collections::HashMap;

use super::{Def, DefId, DefKind, Entry, Modules, span_of, token_span};
use crate::diagnostic::{Code, Diagnostic, FileId, Span};
use crate::resolve::nearest;
use crate::syntax::SyntaxKind;
use crate::syntax::ast::{self, AstNode};

/// Two declarations that one name leads to; an error unless they are structurally equal.
pub(crate) struct Clash {
    pub(crate) file: FileId,
    pub(crate) name: String,
    pub(crate) first: Entry,
    pub(crate) second: Entry,
}

/// Fills the scopes of all modules. Returns the clashes that only types can decide.
pub(crate) fn build(modules: &mut Modules) -> Vec<Clash> {
    let mut clashes = Vec::new();
    for file in modules.order.clone() {
        let mut builder = Builder { file, modules, scope: HashMap::new(), clashes: &mut clashes };
        builder.imports();
        builder.declarations();
        let scope = builder.scope;
        modules.modules[file.0 as usize].scope = scope;
        declare(modules, file);
    }
    clashes
}

struct Builder<'a> {
    file: FileId,
    modules: &'a mut Modules,
    scope: HashMap<String, Entry>,
    clashes: &'a mut Vec<Clash>,
}

impl Builder<'_> {
    fn imports(&mut self) {
        for index in 0..self.modules.module(self.file).imports.len() {
            let import = &self.modules.module(self.file).imports[index];
            let (node, is_use, target) = (import.node.clone(), import.is_use, import.target);
            let prefix = is_use.then(|| {
                let alias = ast::child::<ast::Path>(&node).map(|path| path.text());
                alias.or_else(|| target.map(|target| self.modules.module(target).name.clone())).unwrap_or_default()
            });
            let items: Vec<ast::Item> = ast::children(&node).collect();
            if items.is_empty() {
                self.import_all(index, prefix.as_deref(), target, &node);
            }
            for item in items {
                self.import_item(index, prefix.as_deref(), target, &item);
            }
        }
    }

    fn import_all(
        &mut self,
        index: usize,
        prefix: Option<&str>,
        target: Option<FileId>,
        node: &crate::syntax::SyntaxNode,
    ) {
        let Some(target) = target else { return };
        let file = ast::token(node, SyntaxKind::StringLit);
        let span = file.map_or_else(|| span_of(self.file, node), |token| token_span(self.file, &token));
        for (name, def) in self.modules.module(target).declared.clone() {
            self.enter(qualify(prefix, &name), Entry { def, import: Some(index), span });
        }
    }

    fn import_item(&mut self, index: usize, prefix: Option<&str>, target: Option<FileId>, item: &ast::Item) {
        let Some(path) = item.path() else { return };
        let wanted = path.text();
        let span = span_of(self.file, path.syntax());
        let known = item.alias().map_or_else(|| wanted.clone(), |alias| alias.text());
        let exact = target.and_then(|target| {
            let declared = &self.modules.module(target).declared;
            declared.iter().find(|(name, _)| *name == wanted).map(|(_, def)| *def)
        });
        if let Some(def) = exact {
            return self.enter(qualify(prefix, &known), Entry { def, import: Some(index), span });
        }
        // A module that was declared brings all behind its name.
        let behind: Vec<(String, DefId)> = target.map_or_else(Vec::new, |target| {
            let declared = self.modules.module(target).declared.iter();
            let inner = |(name, def): &(String, DefId)| {
                Some((name.strip_prefix(&wanted)?.strip_prefix('.')?.to_string(), *def))
            };
            declared.filter_map(inner).collect()
        });
        if !behind.is_empty() {
            for (name, def) in behind {
                self.enter(qualify(prefix, &format!("{known}.{name}")), Entry { def, import: Some(index), span });
            }
            return;
        }
        if let Some(target) = target {
            self.not_declared(target, &wanted, span);
        }
        let def = self.add(DefKind::Poison, &known, span, item.syntax().clone());
        self.enter(qualify(prefix, &known), Entry { def, import: Some(index), span });
    }

    fn not_declared(&mut self, target: FileId, wanted: &str, span: Span) {
        let module = self.modules.module(target);
        // Mistakes in that module's imports are reported there.
        if module.incomplete && !module.scope.contains_key(wanted) {
            return;
        }
        let header = ast::child::<ast::Header>(&module.root);
        let mut diagnostic;
        if module.scope.contains_key(wanted) {
            let text = header.as_ref().map_or_else(String::new, |header| header.syntax().text().to_string());
            let place = header
                .map_or_else(|| module.path.to_string(), |header| self.modules.place(span_of(target, header.syntax())));
            let message = format!("`{wanted}` is not visible outside module `{}`", module.name);
            let more = if text.contains("declares") { ", " } else { " declares " };
            diagnostic = Diagnostic::new(Code::NOT_DECLARED, span, message)
                .at(format!("{place} says `{text}`"))
                .help(format!("write `{text}{more}{wanted}` there"));
        } else {
            let message = format!("`{}` has no `{wanted}`", module.path);
            diagnostic = Diagnostic::new(Code::NOT_DECLARED, span, message);
            if let Some(near) = nearest(wanted, module.declared.iter().map(|(name, _)| name.as_str())) {
                diagnostic = diagnostic.at(format!("help: did you mean `{near}`?")).replace(near);
            }
        }
        self.modules.diagnostics.push(diagnostic);
    }

    fn declarations(&mut self) {
        let root = self.modules.module(self.file).root.clone();
        for node in root.children().filter(|node| node.kind().is_decl()) {
            let Some(name) = ast::words(&node).nth(1) else { continue };
            let kind = match node.kind() {
                SyntaxKind::Const => DefKind::Const,
                SyntaxKind::Alias => DefKind::Alias,
                SyntaxKind::Data => DefKind::Data,
                SyntaxKind::Ability => DefKind::Ability,
                SyntaxKind::Service => DefKind::Service,
                _ => DefKind::Func,
            };
            let span = token_span(self.file, &name);
            let text = name.text().to_string();
            // `?=` gives way to what is there.
            let gives_way = ast::Const::cast(node.clone()).is_some_and(|constant| constant.is_default());
            let taken_by_const = |entry: &Entry| self.modules.def(entry.def).kind == DefKind::Const;
            if gives_way && self.scope.get(&text).is_some_and(taken_by_const) {
                continue;
            }
            let def = self.add(kind, &text, span, node);
            self.enter(text, Entry { def, import: None, span });
        }
    }

    fn add(&mut self, kind: DefKind, name: &str, span: Span, node: crate::syntax::SyntaxNode) -> DefId {
        let id = DefId(self.modules.defs.len() as u32);
        self.modules.defs.push(Def { name: name.into(), kind, span, node });
        id
    }

    /// The first meaning of a name stays.
    fn enter(&mut self, name: String, entry: Entry) {
        let Some(first) = self.scope.get(&name) else {
            self.scope.insert(name, entry);
            return;
        };
        if first.def == entry.def {
            return;
        }
        let kinds = (&self.modules.def(first.def).kind, &self.modules.def(entry.def).kind);
        if matches!(kinds, (DefKind::Poison, _) | (_, DefKind::Poison)) {
            return;
        }
        self.clashes.push(Clash { file: self.file, name, first: first.clone(), second: entry });
    }
}

fn qualify(prefix: Option<&str>, name: &str) -> String {
    match prefix {
        Some(prefix) if !prefix.is_empty() => format!("{prefix}.{name}"),
        _ => name.to_string(),
    }
}

/// What the header lets importers see.
fn declare(modules: &mut Modules, file: FileId) {
    let module = modules.module(file);
    let Some(header) = ast::child::<ast::Header>(&module.root) else {
        // A file without header is broken; what imports it should not have errors because of that.
        let own = module.scope.iter().map(|(name, entry)| (name.clone(), entry.def)).collect();
        modules.modules[file.0 as usize].declared = own;
        return;
    };
    let mut declared = Vec::new();
    if header.declares_all() {
        declared.extend(
            module
                .scope
                .iter()
                .filter(|(_, entry)| entry.import.is_none())
                .map(|(name, entry)| (name.clone(), entry.def)),
        );
    }
    let mut missing = Vec::new();
    for path in header.declared() {
        let name = path.text();
        if let Some(def) = modules.lookup(file, &name) {
            declared.push((name, def));
            continue;
        }
        let prefix = format!("{name}.");
        let inner: Vec<_> = module.scope.iter().filter(|(known, _)| known.starts_with(&prefix)).collect();
        if inner.is_empty() && !module.incomplete {
            let span = span_of(file, path.syntax());
            let message = format!("`{name}` is declared, but this module has no `{name}`");
            let mut diagnostic = Diagnostic::new(Code::DECLARED_MISSING, span, message);
            if let Some(near) = nearest(&name, module.scope.keys().map(String::as_str)) {
                diagnostic = diagnostic.at(format!("help: did you mean `{near}`?")).replace(near);
            } else {
                diagnostic = diagnostic.help("define it, or take it off the list");
            }
            missing.push(diagnostic);
        }
        for (known, entry) in inner {
            if let Some(import) = entry.import {
                module.imports[import].used.set(true);
            }
            declared.push((known.clone(), entry.def));
        }
    }
    declared.sort();
    declared.dedup();
    modules.modules[file.0 as usize].declared = declared;
    modules.diagnostics.extend(missing);
}
