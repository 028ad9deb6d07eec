//! What a module offers or wants: functions with their types, as data.
//!
//! Names are kept as WIT has them (kebab-case). Two types are compared by structure ([`Type::same_shape`]): the names of parameters,
//! fields and cases count, the names of the types themselves do not.

mod aqua;
mod decode;
mod diff;
mod docs;
mod print;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use aqua::{AquaFunction, AquaInterface};
pub(crate) use decode::{DecodeError, Decoder};
pub use diff::Change;
pub(crate) use docs::PackageDocs;

/// The functions of one module and the types they name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interface {
    /// Its WIT id (`marine:shop/api`); `None` if the component exports bare functions.
    pub id: Option<String>,
    /// What its author says of it.
    pub docs: Option<String>,
    /// The functions, in the order of the component.
    pub functions: Vec<Function>,
    /// The types it exports by name.
    pub types: BTreeMap<String, Type>,
}

/// One function.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Kebab-case name.
    pub name: String,
    /// What its author says of it.
    pub docs: Option<String>,
    /// Parameters in order.
    pub params: Vec<Param>,
    /// What it returns, if anything.
    pub result: Option<Type>,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Kebab-case name.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// A WIT type.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the variants are WIT's own words")]
pub enum Type {
    Bool,
    U8,
    S8,
    U16,
    S16,
    U32,
    S32,
    U64,
    S64,
    F32,
    F64,
    Char,
    String,
    List(Arc<Type>),
    Option(Arc<Type>),
    Result {
        ok: Option<Arc<Type>>,
        err: Option<Arc<Type>>,
    },
    Tuple(Arc<[Type]>),
    /// A record, enum, variant or set of flags, with the name it is exported under.
    Named {
        name: Option<Arc<str>>,
        def: Arc<TypeDef>,
    },
    /// A type that cannot cross between modules or become JSON; what it is (`resource`, `stream`, ..).
    Unsupported(&'static str),
}

/// What a named type is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeDef {
    /// Fields in order.
    Record(Vec<Field>),
    /// Cases in order, none with a payload.
    Enum(Vec<String>),
    /// Cases in order.
    Variant(Vec<Case>),
    /// Independent bits.
    Flags(Vec<String>),
}

/// One field of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Kebab-case name.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// One case of a variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Kebab-case name.
    pub name: String,
    /// What it carries, if anything.
    pub ty: Option<Type>,
}

impl Interface {
    /// The function called `name`, in kebab- or snake_case.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| crate::names::same(name, &function.name))
    }

    /// What changed from this interface to `newer`, as callers see it.
    pub fn diff(&self, newer: &Interface) -> Vec<Change> {
        diff::diff(self, newer)
    }

    /// The interface as WIT text with its docs, under its own short name.
    pub fn to_wit(&self) -> String {
        print::interface(self)
    }

    /// The interface in words of Aqua; no record is called `service`.
    pub fn in_aqua(&self, service: &str) -> AquaInterface {
        aqua::in_aqua(self, service)
    }

    /// The interface as a module of Aqua: `data` for its records and the service `name` (`Shop`), bound to `id` if it is given.
    pub fn to_aqua(&self, name: &str, id: Option<&str>) -> String {
        let name = aqua::camel(name);
        self.in_aqua(&name).declarations(&name, id)
    }
}

impl Function {
    /// `func(text: string) -> string`, as WIT writes it.
    pub fn signature(&self) -> String {
        print::signature(self)
    }

    /// `repeat(text: string, times: u8) -> string`, with names as callers outside write them.
    pub fn outside(&self) -> String {
        let result = self.result.as_ref().map(|result| format!(" -> {result}"));
        self.call_form() + &result.unwrap_or_default()
    }

    /// [`Function::outside`] without the result.
    pub(crate) fn call_form(&self) -> String {
        print::call_form(self)
    }

    pub(crate) fn unsupported(&self) -> Option<&'static str> {
        self.params.iter().map(|param| &param.ty).chain(&self.result).find_map(Type::unsupported)
    }

    /// Whether a parameter or the result contains the type called `name`.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.params.iter().map(|param| &param.ty).chain(&self.result).any(|ty| ty.mentions(name))
    }

    /// Whether a caller that declares `self` can call `other`.
    pub(crate) fn same_shape(&self, other: &Function) -> bool {
        let params = self.params.len() == other.params.len()
            && self.params.iter().zip(&other.params).all(|(a, b)| a.name == b.name && a.ty.same_shape(&b.ty));
        params && same_option(self.result.as_ref(), other.result.as_ref())
    }
}

impl Type {
    /// Whether two types have the same structure, whatever they are called.
    pub fn same_shape(&self, other: &Type) -> bool {
        match (self, other) {
            (Type::List(a), Type::List(b)) | (Type::Option(a), Type::Option(b)) => a.same_shape(b),
            (Type::Result { ok: ok_a, err: err_a }, Type::Result { ok: ok_b, err: err_b }) => {
                same_option(ok_a.as_deref(), ok_b.as_deref()) && same_option(err_a.as_deref(), err_b.as_deref())
            }
            (Type::Tuple(a), Type::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.same_shape(b))
            }
            (Type::Named { def: a, .. }, Type::Named { def: b, .. }) => Arc::ptr_eq(a, b) || a.same_shape(b),
            _ => self == other,
        }
    }

    fn unsupported(&self) -> Option<&'static str> {
        match self {
            Type::Unsupported(what) => Some(what),
            _ => self.parts().into_iter().find_map(Type::unsupported),
        }
    }

    fn mentions(&self, wanted: &str) -> bool {
        let is_it = matches!(self, Type::Named { name: Some(name), .. } if &**name == wanted);
        is_it || self.parts().into_iter().any(|part| part.mentions(wanted))
    }

    /// The types that this one is directly made of.
    fn parts(&self) -> Vec<&Type> {
        match self {
            Type::List(of) | Type::Option(of) => vec![of],
            Type::Result { ok, err } => ok.iter().chain(err).map(|ty| &**ty).collect(),
            Type::Tuple(types) => types.iter().collect(),
            Type::Named { def, .. } => match &**def {
                TypeDef::Record(fields) => fields.iter().map(|field| &field.ty).collect(),
                TypeDef::Variant(cases) => cases.iter().filter_map(|case| case.ty.as_ref()).collect(),
                TypeDef::Enum(_) | TypeDef::Flags(_) => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}

impl TypeDef {
    fn same_shape(&self, other: &TypeDef) -> bool {
        match (self, other) {
            (TypeDef::Record(a), TypeDef::Record(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.name == b.name && a.ty.same_shape(&b.ty))
            }
            (TypeDef::Variant(a), TypeDef::Variant(b)) => {
                let same = |a: &Case, b: &Case| a.name == b.name && same_option(a.ty.as_ref(), b.ty.as_ref());
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
            }
            _ => self == other,
        }
    }
}

fn same_option(a: Option<&Type>, b: Option<&Type>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.same_shape(b),
        (None, None) => true,
        _ => false,
    }
}
