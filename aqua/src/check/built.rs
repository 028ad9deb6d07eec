//! Services whose interface is that of a built component.

use std::collections::HashMap;
use std::sync::Arc;

use super::Checker;
use super::declared::{ServiceInfo, labelled, of_method};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::hir::{Labelled, Type};
use crate::resolve::{DefId, path, token_span, unquote};
use crate::sources::Interface;
use crate::syntax::SyntaxToken;
use crate::syntax::ast;

use super::Signature;

impl Checker<'_> {
    /// What the component of a `service .. from ".."` offers; `None` if it is not there, which is reported.
    pub(super) fn component(&mut self, service: DefId, from: &SyntaxToken) -> Option<Arc<Interface>> {
        if let Some(known) = self.components.get(&service) {
            return known.clone();
        }
        let file = self.modules.def(service).span.file;
        let folder = path::folder(&self.modules.module(file).path).to_string();
        let found = match self.sources.interface(&path::join(&folder, unquote(from))) {
            Ok(interface) => Some(Arc::new(seen_through(&interface, &self.modules.def(service).name))),
            Err(error) => {
                let mut diagnostic = Diagnostic::new(Code::COMPONENT_MISSING, token_span(file, from), error.message);
                diagnostic.help = error.help.or_else(|| Some("build it first: `marine build`".to_string()));
                self.report(diagnostic);
                None
            }
        };
        self.components.insert(service, found.clone());
        found
    }

    /// Completes a `service .. from ".."` from the component, or holds its declared functions against it.
    pub(super) fn built_service(
        &mut self,
        service: DefId,
        from: &SyntaxToken,
        decl: &ast::Service,
        info: &mut ServiceInfo,
    ) {
        let Some(interface) = self.component(service, from) else {
            info.broken |= decl.block().is_none();
            return;
        };
        let span = self.modules.def(service).span;
        let real: Vec<Arc<Signature>> =
            interface.functions.iter().map(|method| Arc::new(of_method(method, span))).collect();
        if decl.block().is_none() {
            info.labelled = labelled(&info.name, &real);
            info.methods = real;
            return;
        }
        for declared in info.methods.clone() {
            self.hold_against(
                &info.name,
                unquote(from),
                &declared,
                &real,
                "drop the block to take the interface as it is",
            );
        }
    }

    /// Holds the services of a file that was generated from a component, or from a service on a node, against what that is now. Such a
    /// file says in a comment at its top what it was made from: `-- interface of stock.wasm: <hash>`, `-- interface of <peer>/stock: <hash>`.
    pub(super) fn generated_service(&mut self, span: Span, info: &ServiceInfo) {
        let module = self.modules.module(span.file);
        let Some(mark) = mark(&module.text) else { return };
        let is_file = [".wasm", ".toml"].iter().any(|ending| mark.of.ends_with(ending));
        let of = if is_file { path::join(path::folder(&module.path), mark.of) } else { mark.of.to_owned() };
        let found = if is_file { Some(self.sources.interface(&of)) } else { self.sources.deployed(&of) };
        let interface = match found {
            Some(Ok(interface)) => interface,
            Some(Err(error)) => {
                let place = Span::new(span.file, mark.start, mark.end);
                let diagnostic = Diagnostic::new(Code::COMPONENT_MISSING, place, error.message);
                let help = error.help.unwrap_or_else(|| "build it first: `marine build`".to_string());
                return self
                    .report_once(diagnostic.help(format!("{help}; or delete this line, if it is gone for good")));
            }
            None => return,
        };
        let real: Vec<Arc<Signature>> =
            interface.functions.iter().map(|method| Arc::new(of_method(method, span))).collect();
        let remedy = format!("make the file again: `marine aqua {of}{}`", if is_file { "" } else { " --relay .." });
        for declared in &info.methods {
            self.hold_against(&info.name, &of, declared, &real, &remedy);
        }
    }

    fn report_once(&mut self, diagnostic: Diagnostic) {
        if !self.diagnostics.contains(&diagnostic) {
            self.report(diagnostic);
        }
    }

    fn hold_against(
        &mut self,
        service: &str,
        component: &str,
        declared: &Signature,
        real: &[Arc<Signature>],
        remedy: &str,
    ) {
        let Some(found) = real.iter().find(|method| method.name == declared.name) else {
            let message = format!("`{component}` has no function `{}`", declared.name);
            let names: Vec<String> = real.iter().map(|method| format!("`{method}`")).collect();
            let diagnostic = Diagnostic::new(Code::FUNCTION_GONE, declared.span, message);
            return self.report(diagnostic.help(format!("it has {}", names.join(", "))));
        };
        if self.callable_on(declared, found) {
            return;
        }
        let message = format!("`{service}.{}` does not agree with the built service", declared.name);
        let diagnostic = Diagnostic::new(Code::INTERFACE_DIFFERS, declared.span, message)
            .at(format!("{component} has `{found}`"))
            .help(format!("write `{found}`, or {remedy}"));
        self.report(diagnostic);
    }

    /// Arguments contravariant, results covariant, options at the end may be missing.
    fn callable_on(&mut self, declared: &Signature, real: &Signature) -> bool {
        let given = declared.params.len();
        let missing = real.params.get(given..).unwrap_or_default();
        given <= real.params.len()
            && missing.iter().all(|(_, _, ty)| matches!(ty, Type::Option(_)))
            && declared
                .params
                .iter()
                .zip(&real.params)
                .all(|((_, _, ours), (_, _, theirs))| self.relations.fits(ours, theirs))
            && (declared.results.is_empty()
                || declared.results.len() == real.results.len()
                    && real
                        .results
                        .iter()
                        .zip(&declared.results)
                        .all(|(theirs, ours)| self.relations.fits(theirs, ours)))
    }
}

/// The interface with its types called as they are written where `service` is declared: `Shop.Line`.
fn seen_through(interface: &Interface, service: &str) -> Interface {
    let mut interface = interface.clone();
    let mut renamed = Renamed { service, known: HashMap::new() };
    let in_functions = interface
        .functions
        .iter_mut()
        .flat_map(|method| method.params.iter_mut().map(|(_, ty)| ty).chain(method.result.as_mut()));
    interface.data.iter_mut().map(|(_, ty)| ty).chain(in_functions).for_each(|ty| *ty = renamed.of(ty));
    interface
}

/// Records under their new names. What several share is renamed once: written out it could be of any size.
struct Renamed<'s> {
    service: &'s str,
    known: HashMap<*const Labelled, Arc<Labelled>>,
}

impl Renamed<'_> {
    fn of(&mut self, ty: &Type) -> Type {
        match ty {
            Type::Data(labelled) => Type::Data(self.record(labelled)),
            Type::Array(element) => Type::Array(Arc::new(self.of(element))),
            Type::Option(element) => Type::Option(Arc::new(self.of(element))),
            other => other.clone(),
        }
    }

    fn record(&mut self, labelled: &Arc<Labelled>) -> Arc<Labelled> {
        if let Some(known) = self.known.get(&Arc::as_ptr(labelled)) {
            return known.clone();
        }
        let fields = labelled.fields.iter().map(|(name, ty)| (name.clone(), self.of(ty))).collect();
        let name = format!("{}.{}", self.service, labelled.name).into();
        let renamed = Arc::new(Labelled { name, fields });
        self.known.insert(Arc::as_ptr(labelled), renamed.clone());
        renamed
    }
}

/// What a generated file was made from.
struct Mark<'t> {
    of: &'t str,
    /// Where it says so.
    start: u32,
    end: u32,
}

/// The mark among the comments at the top of a text.
fn mark(text: &str) -> Option<Mark<'_>> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        if let Some(said) = content.strip_prefix("-- interface of ") {
            let (of, _hash) = said.rsplit_once(": ")?;
            return Some(Mark { of, start, end: start + content.len() as u32 });
        }
        if !(content.is_empty() || content.starts_with("--")) {
            return None;
        }
        start += line.len() as u32;
    }
    None
}
