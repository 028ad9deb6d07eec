//! Programs that are texts in memory.

use std::collections::HashMap;
use std::sync::Arc;

use marine_aqua::diagnostic::{Diagnostic, render_plain};
use marine_aqua::hir::{Labelled, Method, Scalar, Type};
use marine_aqua::{Checked, Interface, Options, SourceError, Sources, check};

/// Files by path, and one built component, `greeting.wasm`, which runs as `node/greeting` too.
#[derive(Default)]
pub(crate) struct Files(HashMap<String, Arc<str>>);

impl Files {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_string(), Arc::from(*text))).collect())
    }
}

impl Sources for Files {
    fn text(&self, path: &str) -> Option<Result<Arc<str>, SourceError>> {
        self.0.get(path).cloned().map(Ok)
    }

    fn interface(&self, path: &str) -> Result<Arc<Interface>, SourceError> {
        if path != "greeting.wasm" {
            let help = Some("run `marine build` in its folder".to_string());
            return Err(SourceError { message: format!("`{path}` is not built"), help });
        }
        let string = Type::Scalar(Scalar::String);
        let sign = vec![("name".into(), string.clone())];
        let sign = Type::Data(Arc::new(Labelled { name: "Sign".into(), fields: sign }));
        let fields = vec![("sign".into(), sign), ("text".into(), string.clone())];
        let line = Type::Data(Arc::new(Labelled { name: "Line".into(), fields }));
        let formal = ("formal".into(), Type::Scalar(Scalar::Bool));
        let functions = vec![
            Method {
                name: "greet".into(),
                params: vec![("name".into(), string.clone()), formal],
                result: Some(string),
            },
            Method { name: "lines".into(), params: Vec::new(), result: Some(Type::Array(Arc::new(line.clone()))) },
        ];
        Ok(Arc::new(Interface { data: vec![("Line".into(), line)], functions }))
    }

    fn deployed(&self, service: &str) -> Option<Result<Arc<Interface>, SourceError>> {
        match service.strip_prefix("node/") {
            Some("greeting") => Some(self.interface("greeting.wasm")),
            Some(other) => {
                let help = Some("deploy it".to_string());
                Some(Err(SourceError { message: format!("there is no service `{other}` on `node`"), help }))
            }
            None => None,
        }
    }

    fn list(&self, _folder: &str, _ending: &str) -> Vec<String> {
        let mut paths: Vec<String> = self.0.keys().cloned().collect();
        paths.sort();
        paths
    }
}

/// Checks the first file.
pub(crate) fn checked(files: &[(&str, &str)]) -> Checked {
    check(files[0].0, &Files::new(files), &Options::default())
}

/// Codes and lines of what is found in one file, like `A1301:4`.
pub(crate) fn findings(text: &str) -> Vec<String> {
    let checked = checked(&[("main.aqua", text)]);
    checked.diagnostics.iter().map(|found| format!("{}:{}", found.code, line(&checked, found))).collect()
}

pub(crate) fn line(checked: &Checked, diagnostic: &Diagnostic) -> usize {
    let text = checked.source(diagnostic.primary.span.file).1;
    text[..diagnostic.primary.span.start as usize].matches('\n').count() + 1
}

pub(crate) fn rendered(checked: &Checked) -> String {
    let texts = checked.diagnostics.iter().map(|diagnostic| render_plain(diagnostic, &|file| checked.source(file)));
    texts.collect::<Vec<_>>().join("\n")
}
