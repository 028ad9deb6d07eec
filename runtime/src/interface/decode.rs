//! From a validated component's types to an [`Interface`].
//!
//! Types form a graph in a component and a tree here, so a small component could describe a huge tree: size and depth are bounded.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use wasmparser::PrimitiveValType;
use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentDefinedType, ComponentDefinedTypeId, ComponentEntityType, ComponentFuncTypeId,
    ComponentInstanceTypeId, ComponentItem, ComponentValType,
};
use wasmparser::types::TypesRef;

use super::{Case, Field, Function, Interface, Param, Type, TypeDef};

/// The most functions of one interface.
const MAX_FUNCTIONS: usize = 1_000;
/// How deep types nest.
const MAX_DEPTH: u32 = 100;
/// How many nodes the tree of one type has.
const MAX_NODES: u64 = 10_000;

/// Why an interface cannot be taken from a component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("the interface has more than {MAX_FUNCTIONS} functions")]
    TooManyFunctions,
    #[error("the types nest deeper than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("a type has more than {MAX_NODES} parts")]
    TooLarge,
    #[error("the component refers to a type that it does not have")]
    Dangling,
}

/// Translates the types of one component.
pub(crate) struct Decoder<'a> {
    types: TypesRef<'a>,
    names: HashMap<ComponentDefinedTypeId, Arc<str>>,
    done: HashMap<ComponentDefinedTypeId, Measured>,
    /// How deep in a type the translation is right now.
    level: u32,
}

/// A translated type with the size of its tree.
#[derive(Clone)]
struct Measured {
    ty: Type,
    nodes: u64,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(types: TypesRef<'a>) -> Decoder<'a> {
        Decoder { types, names: HashMap::new(), done: HashMap::new(), level: 0 }
    }

    /// The interface that the instance type `instance` describes.
    pub(crate) fn instance(&mut self, id: &str, instance: ComponentInstanceTypeId) -> Result<Interface, DecodeError> {
        let instance = self.types.get(instance).ok_or(DecodeError::Dangling)?;
        self.items(Some(id.to_owned()), instance.exports.iter().map(|(name, item)| (name.as_str(), item)))
    }

    /// The interface made of `items`: functions and the types they use.
    pub(crate) fn items<'i>(
        &mut self,
        id: Option<String>,
        items: impl Iterator<Item = (&'i str, &'i ComponentItem)> + Clone,
    ) -> Result<Interface, DecodeError> {
        // Names first: a function's type may stand before the export that names its parameter's type.
        let mut types = BTreeMap::new();
        for (name, item) in items.clone() {
            if let ComponentEntityType::Type { created: ComponentAnyTypeId::Defined(defined), .. } = item.ty {
                self.names.insert(defined, name.into());
            }
        }
        let mut functions = Vec::new();
        for (name, item) in items {
            match item.ty {
                ComponentEntityType::Type { created: ComponentAnyTypeId::Defined(defined), .. } => {
                    types.insert(name.to_owned(), self.defined(defined)?.ty);
                }
                ComponentEntityType::Func(function) => functions.push(self.function(name, function)?),
                _ => {}
            }
            if functions.len() > MAX_FUNCTIONS {
                return Err(DecodeError::TooManyFunctions);
            }
        }
        Ok(Interface { id, docs: None, functions, types })
    }

    fn function(&mut self, name: &str, id: ComponentFuncTypeId) -> Result<Function, DecodeError> {
        let function = self.types.get(id).ok_or(DecodeError::Dangling)?;
        let params =
            function.params.iter().map(|(name, ty)| Ok(Param { name: name.to_string(), ty: self.value(*ty)?.ty }));
        let mut params = params.collect::<Result<Vec<_>, DecodeError>>()?;
        let mut result = function.result.map(|ty| self.value(ty)).transpose()?.map(|sized| sized.ty);
        if function.async_ {
            params.clear();
            result = Some(Type::Unsupported("async function"));
        }
        Ok(Function { name: name.to_owned(), docs: None, params, result })
    }

    fn value(&mut self, ty: ComponentValType) -> Result<Measured, DecodeError> {
        match ty {
            ComponentValType::Primitive(primitive) => Ok(Measured { ty: of_primitive(primitive), nodes: 1 }),
            ComponentValType::Type(id) => self.defined(id),
        }
    }

    fn defined(&mut self, id: ComponentDefinedTypeId) -> Result<Measured, DecodeError> {
        if let Some(done) = self.done.get(&id) {
            return Ok(done.clone());
        }
        if self.level >= MAX_DEPTH {
            return Err(DecodeError::TooDeep);
        }
        self.level += 1;
        let done = self.translate(id);
        self.level -= 1;
        let done = done?;
        self.done.insert(id, done.clone());
        Ok(done)
    }

    fn translate(&mut self, id: ComponentDefinedTypeId) -> Result<Measured, DecodeError> {
        let types = self.types;
        let mut size = Size::default();
        let ty = match types.get(id).ok_or(DecodeError::Dangling)? {
            ComponentDefinedType::Primitive(primitive) => of_primitive(*primitive),
            ComponentDefinedType::List { element, .. } => Type::List(Arc::new(size.add(self.value(*element)?)?)),
            ComponentDefinedType::Option { ty, .. } => Type::Option(Arc::new(size.add(self.value(*ty)?)?)),
            ComponentDefinedType::Result { ok, err, .. } => {
                let mut part =
                    |ty: &Option<ComponentValType>| ty.map(|ty| Ok(Arc::new(size.add(self.value(ty)?)?))).transpose();
                Type::Result { ok: part(ok)?, err: part(err)? }
            }
            ComponentDefinedType::Tuple(tuple) => {
                let parts = tuple.types.iter().map(|ty| size.add(self.value(*ty)?));
                Type::Tuple(parts.collect::<Result<Vec<_>, _>>()?.into())
            }
            ComponentDefinedType::Record(record) => {
                let fields = record
                    .fields
                    .iter()
                    .map(|(name, ty)| Ok(Field { name: name.to_string(), ty: size.add(self.value(*ty)?)? }));
                let fields = fields.collect::<Result<Vec<_>, _>>()?;
                self.named(id, TypeDef::Record(fields))
            }
            ComponentDefinedType::Variant(variant) => {
                let cases = variant.cases.iter().map(|(name, case)| {
                    let ty = case.ty.map(|ty| size.add(self.value(ty)?)).transpose()?;
                    Ok(Case { name: name.to_string(), ty })
                });
                let cases = cases.collect::<Result<Vec<_>, _>>()?;
                self.named(id, TypeDef::Variant(cases))
            }
            ComponentDefinedType::Enum(cases) => {
                self.named(id, TypeDef::Enum(cases.iter().map(ToString::to_string).collect()))
            }
            ComponentDefinedType::Flags(flags) => {
                self.named(id, TypeDef::Flags(flags.iter().map(ToString::to_string).collect()))
            }
            ComponentDefinedType::Own(_) | ComponentDefinedType::Borrow(_) => Type::Unsupported("resource"),
            ComponentDefinedType::Future { .. } => Type::Unsupported("future"),
            ComponentDefinedType::Stream { .. } => Type::Unsupported("stream"),
            ComponentDefinedType::Map { .. } => Type::Unsupported("map"),
            ComponentDefinedType::FixedLengthList { .. } => Type::Unsupported("list of fixed length"),
        };
        Ok(Measured { ty, nodes: size.nodes + 1 })
    }

    fn named(&self, id: ComponentDefinedTypeId, def: TypeDef) -> Type {
        Type::Named { name: self.names.get(&id).cloned(), def: Arc::new(def) }
    }
}

/// Adds up what a type is made of.
#[derive(Default)]
struct Size {
    nodes: u64,
}

impl Size {
    fn add(&mut self, part: Measured) -> Result<Type, DecodeError> {
        self.nodes += part.nodes;
        if self.nodes >= MAX_NODES { Err(DecodeError::TooLarge) } else { Ok(part.ty) }
    }
}

fn of_primitive(primitive: PrimitiveValType) -> Type {
    match primitive {
        PrimitiveValType::Bool => Type::Bool,
        PrimitiveValType::S8 => Type::S8,
        PrimitiveValType::U8 => Type::U8,
        PrimitiveValType::S16 => Type::S16,
        PrimitiveValType::U16 => Type::U16,
        PrimitiveValType::S32 => Type::S32,
        PrimitiveValType::U32 => Type::U32,
        PrimitiveValType::S64 => Type::S64,
        PrimitiveValType::U64 => Type::U64,
        PrimitiveValType::F32 => Type::F32,
        PrimitiveValType::F64 => Type::F64,
        PrimitiveValType::Char => Type::Char,
        PrimitiveValType::String => Type::String,
        PrimitiveValType::ErrorContext => Type::Unsupported("error-context"),
    }
}
