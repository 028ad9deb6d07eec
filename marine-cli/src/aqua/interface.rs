//! Interfaces of built components as types of Aqua.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use marine_aqua::hir::{Labelled, Method, Scalar, Type};
use marine_aqua::{Interface, SourceError};
use marine_runtime::Type as Wit;
use marine_runtime::{Module, TypeDef};

use crate::project;

/// The interface of the component at `path`, or of the service whose `Marine.toml` it is. What Aqua cannot say is `⊤`; a `result` is
/// its value, for an error is an error.
pub(super) fn of(path: &str) -> Result<Interface, SourceError> {
    if path.ends_with(".toml") {
        return of_service(path);
    }
    if !path.ends_with(".wasm") {
        return Err(SourceError {
            message: format!("`{path}` is neither a component nor a Marine.toml"),
            help: Some("name the service's manifest, `from \"../till/Marine.toml\"`, or a built component".to_string()),
        });
    }
    if !Path::new(path).exists() {
        let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
        return Err(SourceError {
            message: format!("there is no component `{path}`"),
            help: Some(format!("build it first: `marine build` in the project that writes to `{folder}`")),
        });
    }
    of_component(path)
}

/// Of the facade that the last build made.
fn of_service(path: &str) -> Result<Interface, SourceError> {
    if !Path::new(path).exists() {
        return Err(SourceError { message: format!("there is no `{path}`"), help: None });
    }
    match project::last_facade(Path::new(path)) {
        Ok(facade) => of_component(&facade.to_string_lossy()),
        Err(failure) => Err(SourceError {
            message: failure.error.to_string(),
            help: Some(format!("build the service first: `marine build {path}`")),
        }),
    }
}

fn of_component(path: &str) -> Result<Interface, SourceError> {
    let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".wasm");
    let module =
        Module::from_file(stem, path).map_err(|error| SourceError { message: error.to_string(), help: None })?;
    let wit = module.interface();
    let mut types = Types::default();
    let functions = wit.functions.iter().map(|function| Method {
        name: snake(&function.name),
        params: function.params.iter().map(|param| (snake(&param.name), types.of(&param.ty))).collect(),
        result: function.result.as_ref().and_then(|result| types.result(result)),
    });
    let functions = functions.collect();
    let hash = hash(wit);
    Ok(Interface { hash, data: types.named.into_iter().map(|(name, ty)| (Arc::from(name), ty)).collect(), functions })
}

/// Tells interfaces apart: of the interface as WIT.
pub(crate) fn hash(interface: &marine_runtime::Interface) -> String {
    marine_manifest::module_cid(interface.to_wit().as_bytes()).to_string()
}

/// Records by the names that Aqua gives them.
#[derive(Default)]
struct Types {
    named: BTreeMap<String, Type>,
}

impl Types {
    fn result(&mut self, wit: &Wit) -> Option<Type> {
        match wit {
            Wit::Result { ok, .. } => ok.as_ref().map(|ok| self.of(ok)),
            other => Some(self.of(other)),
        }
    }

    fn of(&mut self, wit: &Wit) -> Type {
        match wit {
            Wit::Bool => Type::Scalar(Scalar::Bool),
            Wit::U8 => Type::Scalar(Scalar::U8),
            Wit::S8 => Type::Scalar(Scalar::I8),
            Wit::U16 => Type::Scalar(Scalar::U16),
            Wit::S16 => Type::Scalar(Scalar::I16),
            Wit::U32 => Type::Scalar(Scalar::U32),
            Wit::S32 => Type::Scalar(Scalar::I32),
            Wit::U64 => Type::Scalar(Scalar::U64),
            Wit::S64 => Type::Scalar(Scalar::I64),
            Wit::F32 => Type::Scalar(Scalar::F32),
            Wit::F64 => Type::Scalar(Scalar::F64),
            Wit::Char | Wit::String => Type::Scalar(Scalar::String),
            Wit::List(element) => Type::Array(Arc::new(self.of(element))),
            Wit::Option(element) => Type::Option(Arc::new(self.of(element))),
            Wit::Named { name, def } => self.named(name.as_deref(), def),
            Wit::Result { .. } | Wit::Tuple(_) | Wit::Unsupported(_) => Type::Top,
        }
    }

    fn named(&mut self, name: Option<&str>, def: &TypeDef) -> Type {
        match def {
            TypeDef::Record(fields) => {
                let name = camel(name.unwrap_or("record"));
                let mut fields: Vec<(Arc<str>, Type)> =
                    fields.iter().map(|field| (snake(&field.name), self.of(&field.ty))).collect();
                fields.sort_by(|(a, _), (b, _)| a.cmp(b));
                let ty = Type::Data(Arc::new(Labelled { name: name.as_str().into(), fields }));
                self.named.entry(name).or_insert(ty).clone()
            }
            // A case is the text of its name.
            TypeDef::Enum(_) => Type::Scalar(Scalar::String),
            TypeDef::Flags(_) => Type::Array(Arc::new(Type::Scalar(Scalar::String))),
            TypeDef::Variant(_) => Type::Top,
        }
    }
}

/// Names as callers outside write them.
fn snake(name: &str) -> Arc<str> {
    name.replace('-', "_").into()
}

fn camel(name: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split(['-', '_']).filter(|part| part.is_char_boundary(1) && !part.is_empty()).map(word).collect()
}
