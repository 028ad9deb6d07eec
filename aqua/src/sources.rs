//! [`Sources`]: where the compiler gets texts and interfaces from.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use crate::check::check;
use crate::diagnostic::Diagnostic;
use crate::hir::{Method, Type};
use crate::options::Options;

/// What the compiler may ask its host for. The bundled library is not asked for.
pub trait Sources {
    /// The text of the file at this path, which has `/` between its parts. `None`: there is no such file.
    ///
    /// # Errors
    /// If there is one and it cannot be read.
    fn text(&self, path: &str) -> Option<Result<Arc<str>, SourceError>>;

    /// The interface of the built component at this path, or of the service whose `Marine.toml` it is.
    ///
    /// # Errors
    /// If it is not built, or cannot be read.
    fn interface(&self, path: &str) -> Result<Arc<Interface>, SourceError> {
        Err(SourceError { message: format!("there is no component at `{path}`"), help: None })
    }

    /// The interface of a service on a node, `<peer>/<id or alias>`. `None`: nodes are not asked, so nothing is held against them.
    ///
    /// # Errors
    /// If the node has no such service, or does not answer.
    fn deployed(&self, _service: &str) -> Option<Result<Arc<Interface>, SourceError>> {
        None
    }

    /// Files of this folder and below with the given ending (without the point), for suggestions only.
    fn list(&self, _folder: &str, _ending: &str) -> Vec<String> {
        Vec::new()
    }
}

/// Why a text or an interface cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct SourceError {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// The interface of a built component, or of a service on a node, in terms of Aqua. What Aqua cannot say is [`Type::Top`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interface {
    /// Named records, as [`Type::Data`].
    pub data: Vec<(Arc<str>, Type)>,
    /// All functions of the facade.
    pub functions: Vec<Method>,
}

impl Interface {
    /// What generated declarations say of their service, which is called `service`; nothing if they declare none.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn of_declarations(text: &str, service: &str) -> Result<Self, Vec<Diagnostic>> {
        const FILE: &str = "declarations.aqua";
        let main = format!("aqua Main\nimport {service} from \"{FILE}\"\nexport {service}\n");
        let sources = Texts([("main.aqua", &main), (FILE, text)]);
        if !text.contains(&format!("\nservice {service}")) {
            return Ok(Self::default());
        }
        let checked = check("main.aqua", &sources, &Options::default());
        let Some(program) = checked.program else { return Err(checked.diagnostics) };
        let functions: Vec<Method> = program.services.into_iter().flat_map(|service| service.methods).collect();
        let mut data = BTreeMap::new();
        for function in &functions {
            function.params.iter().map(|(_, ty)| ty).chain(&function.result).for_each(|ty| named(ty, &mut data));
        }
        Ok(Self { data: data.into_iter().collect(), functions })
    }
}

/// The records in a type, by name.
fn named(ty: &Type, found: &mut BTreeMap<Arc<str>, Type>) {
    match ty {
        Type::Array(item) | Type::Option(item) => named(item, found),
        Type::Data(data) if !found.contains_key(&data.name) => {
            found.insert(data.name.clone(), ty.clone());
            data.fields.iter().for_each(|(_, ty)| named(ty, found));
        }
        _ => {}
    }
}

/// Files in memory.
struct Texts<'t>([(&'static str, &'t str); 2]);

impl Sources for Texts<'_> {
    fn text(&self, path: &str) -> Option<Result<Arc<str>, SourceError>> {
        self.0.iter().find(|(name, _)| *name == path).map(|(_, text)| Ok(Arc::from(*text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_interfaces() {
        let text = "aqua Shop declares *\n\ndata Line:\n  item: string\n\nservice Shop(\"shop\"):\n  lines() -> []Line\n  pair() -> []u8\n";
        let interface = Interface::of_declarations(text, "Shop").expect("they are fine");
        let names: Vec<&str> = interface.functions.iter().map(|method| &*method.name).collect();
        assert_eq!(names, ["lines", "pair"]);
        assert_eq!(interface.data.len(), 1);
        assert_eq!(interface.functions[0].result, Some(Type::Array(Arc::new(interface.data[0].1.clone()))));
        assert_eq!(Interface::of_declarations("aqua Shop declares *\n", "Shop"), Ok(Interface::default()));
        let wrong = Interface::of_declarations(&text.replace("[]Line", "[]Lime"), "Shop").expect_err("no such type");
        assert_eq!(wrong[0].code.to_string(), "A1302");
    }
}
