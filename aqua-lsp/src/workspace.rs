//! The open texts, and what the compiler says about them.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use lsp_types::{
    Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, InitializeParams, Location, NumberOrString,
    PublishDiagnosticsParams, TextDocumentContentChangeEvent, Uri,
};
use marine_aqua::diagnostic::{self, Severity, Span};
use marine_aqua::{Checked, Interface, Options, SourceError, Sources, check};

use crate::convert::{Lines, path_of, uri_of};

/// How many files of the folder are looked at for uses of a name.
const MAX_FILES: usize = 2000;

pub(crate) struct Workspace<'a> {
    files: Overlay<'a>,
    options: &'a Options,
    roots: Vec<String>,
    /// What is known about open files; emptied by every change, for any file may import any other.
    checked: HashMap<String, Rc<Checked>>,
    unpublished: bool,
}

/// Open texts before those on disk.
struct Overlay<'a> {
    open: HashMap<String, Arc<str>>,
    disk: &'a dyn Sources,
}

impl Sources for Overlay<'_> {
    fn text(&self, path: &str) -> Option<Result<Arc<str>, SourceError>> {
        self.open.get(path).cloned().map(Ok).or_else(|| self.disk.text(path))
    }

    fn interface(&self, path: &str) -> Result<Arc<Interface>, SourceError> {
        self.disk.interface(path)
    }

    fn list(&self, folder: &str, ending: &str) -> Vec<String> {
        let mut paths = self.disk.list(folder, ending);
        paths.extend(self.open.keys().filter(|path| path.starts_with(folder)).cloned());
        paths.sort();
        paths.dedup();
        paths
    }
}

impl<'a> Workspace<'a> {
    pub(crate) fn new(disk: &'a dyn Sources, options: &'a Options, params: &InitializeParams) -> Self {
        let folders = params.workspace_folders.iter().flatten().map(|folder| path_of(&folder.uri));
        let files = Overlay { open: HashMap::new(), disk };
        Self { files, options, roots: folders.collect(), checked: HashMap::new(), unpublished: false }
    }

    pub(crate) fn sources(&self) -> &dyn Sources {
        &self.files
    }

    pub(crate) fn open(&mut self, uri: &Uri, text: String) {
        self.files.open.insert(path_of(uri), text.into());
        self.changed();
    }

    pub(crate) fn close(&mut self, uri: &Uri) {
        self.files.open.remove(&path_of(uri));
        self.changed();
    }

    pub(crate) fn change(&mut self, uri: &Uri, changes: Vec<TextDocumentContentChangeEvent>) {
        let path = path_of(uri);
        let Some(known) = self.files.open.get(&path) else { return };
        let mut text = known.to_string();
        for change in changes {
            match change.range {
                None => text = change.text,
                Some(range) => {
                    let lines = Lines::of(&text);
                    let (start, end) = (lines.offset(range.start) as usize, lines.offset(range.end) as usize);
                    text.replace_range(start..end.max(start), &change.text);
                }
            }
        }
        self.files.open.insert(path, text.into());
        self.changed();
    }

    fn changed(&mut self) {
        self.checked.clear();
        self.unpublished = true;
    }

    /// The text of an open file.
    pub(crate) fn text(&self, path: &str) -> Option<Arc<str>> {
        self.files.open.get(path).cloned()
    }

    /// What the compiler says about the program that begins with this file.
    pub(crate) fn check(&mut self, path: &str) -> Rc<Checked> {
        if let Some(known) = self.checked.get(path) {
            return known.clone();
        }
        let checked = Rc::new(check(path, &self.files, self.options));
        self.checked.insert(path.to_string(), checked.clone());
        checked
    }

    /// The Aqua files of the opened folders, and all open ones.
    pub(crate) fn all_files(&self) -> Vec<String> {
        let mut paths: Vec<String> = self.roots.iter().flat_map(|root| self.files.list(root, "aqua")).collect();
        paths.extend(self.files.open.keys().cloned());
        paths.sort();
        paths.dedup();
        paths.truncate(MAX_FILES);
        paths
    }

    pub(crate) fn location(&self, checked: &Checked, span: Span) -> Option<Location> {
        let (path, text) = checked.source(span.file);
        Some(Location::new(
            uri_of(path).filter(|_| path.starts_with('/'))?,
            Lines::of(text).range(span.start as usize..span.end as usize),
        ))
    }

    /// Diagnostics of all open files after a change.
    pub(crate) fn fresh_diagnostics(&mut self) -> Vec<PublishDiagnosticsParams> {
        if !std::mem::take(&mut self.unpublished) {
            return Vec::new();
        }
        let mut open: Vec<String> = self.files.open.keys().cloned().collect();
        open.sort();
        let mut all = Vec::new();
        for path in open {
            let checked = self.check(&path);
            let own = checked.diagnostics.iter().filter(|found| found.primary.span.file == diagnostic::FileId(0));
            let shown = own.map(|found| self.diagnostic(&checked, found)).collect();
            if let Some(uri) = uri_of(&path) {
                all.push(PublishDiagnosticsParams::new(uri, shown, None));
            }
        }
        all
    }

    fn diagnostic(&self, checked: &Checked, found: &diagnostic::Diagnostic) -> Diagnostic {
        let text = checked.source(found.primary.span.file).1;
        let mut message = found.message.clone();
        if !found.primary.text.is_empty() {
            message.push_str(&format!("\n{}", found.primary.text));
        }
        if let Some(help) = &found.help {
            message.push_str(&format!("\nhelp: {help}"));
        }
        let related = found.secondary.iter().filter_map(|label| {
            let location = self.location(checked, label.span)?;
            Some(DiagnosticRelatedInformation { location, message: label.text.clone() })
        });
        Diagnostic {
            range: Lines::of(text).range(found.primary.span.start as usize..found.primary.span.end as usize),
            severity: Some(match found.severity {
                Severity::Error => DiagnosticSeverity::ERROR,
                Severity::Warning => DiagnosticSeverity::WARNING,
            }),
            code: Some(NumberOrString::String(found.code.to_string())),
            source: Some("aqua".to_string()),
            message,
            related_information: Some(related.collect()),
            ..Diagnostic::default()
        }
    }
}
