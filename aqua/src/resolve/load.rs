//! Finding and reading the files of a program.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use super::{ImportLine, Module, Modules, path, span_of, token_span, unquote};
use crate::diagnostic::{Code, Diagnostic, FileId, Span};
use crate::library;
use crate::options::Options;
use crate::sources::Sources;
use crate::syntax::ast;
use crate::syntax::{self, SyntaxKind};

/// How many files a program may have.
const MAX_FILES: usize = 4096;

/// Reads the entry and all that it imports, each file once.
pub(crate) fn load(entry: &str, sources: &dyn Sources, options: &Options) -> Modules {
    let mut loader = Loader { sources, options, found: HashMap::new(), modules: Vec::new(), diagnostics: Vec::new() };
    let entry = path::join("", entry);
    let text = loader.entry_text(&entry);
    loader.add(entry, text, true);
    let mut next = 0;
    while next < loader.modules.len() {
        loader.imports_of(next);
        next += 1;
    }
    let mut modules =
        Modules { modules: loader.modules, order: Vec::new(), defs: Vec::new(), diagnostics: loader.diagnostics };
    order(&mut modules);
    modules
}

struct Loader<'a> {
    sources: &'a dyn Sources,
    options: &'a Options,
    found: HashMap<String, FileId>,
    modules: Vec<Module>,
    diagnostics: Vec<Diagnostic>,
}

impl Loader<'_> {
    fn entry_text(&mut self, entry: &str) -> Arc<str> {
        let (message, help) = match self.sources.text(entry) {
            Some(Ok(text)) => return text,
            Some(Err(error)) => (format!("cannot read `{entry}`: {}", error.message), error.help),
            None => (format!("there is no file `{entry}`"), None),
        };
        let mut diagnostic = Diagnostic::new(Code::FILE_NOT_FOUND, Span::default(), message);
        diagnostic.help = help;
        self.diagnostics.push(diagnostic);
        // An empty text has a header missing, which is not what is wrong.
        Arc::from("aqua Missing\n")
    }

    fn add(&mut self, path: String, text: Arc<str>, own: bool) -> FileId {
        let file = FileId(self.modules.len() as u32);
        let parse = syntax::parse(file, &text);
        let root = parse.syntax();
        self.diagnostics.extend(parse.diagnostics);
        let header = ast::child::<ast::Header>(&root);
        let name = header.and_then(|header| header.path()).map_or_else(|| stem(&path), |path| path.text());
        self.found.insert(path.clone(), file);
        let path = Arc::from(path);
        self.modules.push(Module {
            path,
            text,
            root,
            own,
            name,
            imports: Vec::new(),
            scope: HashMap::new(),
            declared: Vec::new(),
            incomplete: false,
        });
        file
    }

    fn imports_of(&mut self, importer: usize) {
        let root = self.modules[importer].root.clone();
        let file = FileId(importer as u32);
        for node in root.children().filter(|node| matches!(node.kind(), SyntaxKind::Import | SyntaxKind::Use)) {
            let target = ast::token(&node, SyntaxKind::StringLit).and_then(|token| {
                let span = token_span(file, &token);
                self.resolve(importer, unquote(&token), span)
            });
            let module = &mut self.modules[importer];
            module.incomplete |= target.is_none();
            let is_use = node.kind() == SyntaxKind::Use;
            module.imports.push(ImportLine { node, is_use, target, used: Cell::new(false) });
        }
    }

    fn resolve(&mut self, importer: usize, import: &str, span: Span) -> Option<FileId> {
        if self.modules.len() >= MAX_FILES {
            let message = format!("this program has more than {MAX_FILES} files");
            self.diagnostics.push(Diagnostic::new(Code::TOO_BIG, span, message).help("import less"));
            return None;
        }
        let Module { path: from, own, .. } = &self.modules[importer];
        let (from, own) = (from.clone(), *own);
        let tried = path::candidates(&from, import, self.options);
        for (index, candidate) in tried.iter().enumerate() {
            if let Some(&file) = self.found.get(candidate) {
                return Some(file);
            }
            // Files of the bundled library import each other by relative paths.
            if let Some(text) = library::text(candidate) {
                return Some(self.add(candidate.clone(), Arc::from(text), false));
            }
            match self.sources.text(candidate) {
                None => {}
                Some(Ok(text)) => return Some(self.add(candidate.clone(), text, own && index == 0)),
                Some(Err(error)) => {
                    let message = format!("cannot read `{candidate}`: {}", error.message);
                    let mut diagnostic = Diagnostic::new(Code::FILE_NOT_FOUND, span, message);
                    diagnostic.help = error.help;
                    self.diagnostics.push(diagnostic);
                    return None;
                }
            }
        }
        if let Some(bundled) = library::find(&path::with_ending(import)) {
            let known = self.found.get(&bundled).copied();
            return known.or_else(|| {
                let text = library::text(&bundled)?;
                Some(self.add(bundled.clone(), Arc::from(text), false))
            });
        }
        self.not_found(&from, import, &tried, span);
        None
    }

    fn not_found(&mut self, from: &str, import: &str, tried: &[String], span: Span) {
        let message = format!("cannot find `{import}`");
        let mut places: Vec<String> = tried.to_vec();
        if let Some(first) = places.first_mut().filter(|first| !first.starts_with(['/', '.'])) {
            *first = format!("./{first}");
        }
        let mut diagnostic = Diagnostic::new(Code::FILE_NOT_FOUND, span, message)
            .at(format!("tried {} and the bundled library", places.join(", ")));
        let wanted = import.rsplit('/').next().unwrap_or(import);
        let wanted = path::with_ending(wanted);
        let known = self.sources.list("", "aqua");
        let same_name = known.iter().find(|path| path.rsplit('/').next() == Some(&wanted));
        let other = || library::paths().find(|path| path.rsplit('/').next() == Some(&wanted)).map(str::to_string);
        if let Some(found) = same_name.map(|path| path::relative(path::folder(from), path)).or_else(other) {
            let text = format!("\"{found}\"");
            diagnostic = diagnostic.help(format!("there is {found}: `import {text}`")).replace(text);
        } else {
            diagnostic = diagnostic.help("correct the path, or give its folder with `--import DIR`");
        }
        self.diagnostics.push(diagnostic);
    }
}

/// Puts imported files before those that import them. An import that closes a ring is reported and dropped.
fn order(modules: &mut Modules) {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let mut states = vec![State::New; modules.modules.len()];
    // Files on the way from the entry, each with the import that is next.
    let mut way: Vec<(usize, usize)> = vec![(0, 0)];
    states[0] = State::Open;
    while let Some((file, next)) = way.last_mut() {
        let file = *file;
        let Some(import) = modules.modules[file].imports.get(*next) else {
            states[file] = State::Done;
            modules.order.push(FileId(file as u32));
            way.pop();
            continue;
        };
        *next += 1;
        let Some(target) = import.target.map(|target| target.0 as usize) else { continue };
        match states[target] {
            State::Done => {}
            State::New => {
                states[target] = State::Open;
                way.push((target, 0));
            }
            State::Open => {
                let at = way.iter().position(|(open, _)| *open == target).unwrap_or(0);
                let ring: Vec<usize> = way[at..].iter().map(|(open, _)| *open).collect();
                cycle(modules, &ring, file);
            }
        }
    }
}

fn cycle(modules: &mut Modules, ring: &[usize], file: usize) {
    let target = FileId(ring[0] as u32);
    let names: Vec<&str> = ring.iter().chain(&ring[..1]).map(|&file| &*modules.modules[file].path).collect();
    let message = match ring.len() {
        1 => "this file imports itself".to_string(),
        _ => format!("files import each other in a ring: {}", names.join(" -> ")),
    };
    let module = &mut modules.modules[file];
    module.incomplete = true;
    if let Some(import) = module.imports.iter_mut().find(|import| import.target == Some(target)) {
        import.target = None;
        let span = span_of(FileId(file as u32), &import.node);
        let help = "move what they share into a file of its own";
        modules.diagnostics.push(Diagnostic::new(Code::IMPORT_CYCLE, span, message).help(help));
    }
}

fn stem(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".aqua").unwrap_or(name).to_string()
}
