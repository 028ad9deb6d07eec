//! What a module offers: read from its component, without running it.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use wasmparser::{Parser, Validator, WasmFeatures};
use wit_component::DecodedWasm;
use wit_parser::{Docs as WitDocs, FunctionKind, Resolve, TypeDef, TypeDefKind, WorldId, WorldItem, WorldKey};

use crate::types::{Definition, Docs, Item, Kind, Primitive, Type, Types};

/// The largest component that is read, in bytes.
const MAX_COMPONENT: u64 = 64 * 1024 * 1024;
/// How deep types nest.
const MAX_DEPTH: usize = 100;

/// A component's types as they were decoded.
#[derive(Clone, Debug)]
pub(crate) struct Component {
    resolve: Resolve,
    world: WorldId,
}

/// The functions of one module and the types it names.
#[derive(Debug, Default)]
pub(crate) struct Interface {
    pub(crate) docs: Option<String>,
    pub(crate) functions: Vec<Function>,
    /// Exported names of types, in order.
    pub(crate) types: Vec<(String, Type)>,
    /// Functions that cannot be called from outside, with what is in the way.
    pub(crate) skipped: Vec<(String, &'static str)>,
}

#[derive(Debug)]
pub(crate) struct Function {
    /// Kebab-case name.
    pub(crate) name: String,
    pub(crate) docs: Option<String>,
    pub(crate) params: Vec<(String, Type)>,
    pub(crate) result: Option<Type>,
}

impl Component {
    /// Reads and checks the component at `path`; returns its bytes too.
    pub(crate) fn read(path: &Path) -> Result<(Component, Vec<u8>), String> {
        let failed = |cause: std::io::Error| format!("cannot read {}: {cause}", path.display());
        let size = fs::metadata(path).map_err(failed)?.len();
        if size > MAX_COMPONENT {
            return Err(format!("{} has {size} bytes, a module at most {MAX_COMPONENT}", path.display()));
        }
        let bytes = fs::read(path).map_err(failed)?;
        if Parser::is_core_wasm(&bytes) {
            return Err("a core module is no component; make one with `wasm-tools component new`".to_owned());
        }
        // The decoder trusts what it reads, so the validator goes first.
        Validator::new_with_features(WasmFeatures::all())
            .validate_all(&bytes)
            .map_err(|cause| format!("not a valid component: {cause}"))?;
        match wit_component::decode(&bytes) {
            Ok(DecodedWasm::Component(resolve, world)) => Ok((Component { resolve, world }, bytes)),
            Ok(DecodedWasm::WitPackage(..)) => Err("it holds WIT only, no code".to_owned()),
            Err(cause) => Err(format!("not a component: {cause:#}")),
        }
    }

    /// What `wit`, with a world `module`, describes.
    #[cfg(test)]
    pub(crate) fn of_wit(wit: &str) -> Component {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("test.wit", wit).expect("correct WIT");
        let world = resolve.select_world(&[package], Some("module")).expect("a world");
        Component { resolve, world }
    }

    /// The interface of the module called `module`: `marine:<module>/api` if it is exported, else the only one, else bare functions.
    pub(crate) fn interface(&self, module: &str, types: &mut Types, home: (usize, usize)) -> Result<Interface, String> {
        let mut reader = Reader { resolve: &self.resolve, types, home, done: HashMap::new(), depth: 0 };
        let exports = &self.resolve.worlds[self.world].exports;
        let mut exported = Vec::new();
        let mut bare = Interface::default();
        for (key, item) in exports {
            match item {
                WorldItem::Interface { id, .. } => {
                    let name = match key {
                        WorldKey::Interface(id) => self.resolve.id_of(*id).unwrap_or_default(),
                        WorldKey::Name(name) => name.clone(),
                    };
                    exported.push((name, *id));
                }
                WorldItem::Function(function) => reader.function(function, &mut bare),
                WorldItem::Type { .. } => {}
            }
        }
        exported.retain(|(name, _)| !name.starts_with("wasi:"));
        let own = format!("marine:{module}/api");
        let id = match exported.iter().find(|(name, _)| name.split('@').next() == Some(&own)) {
            Some((_, id)) => *id,
            None => match exported.as_slice() {
                [] => return Ok(bare),
                [(_, only)] => *only,
                several => {
                    let names: Vec<_> = several.iter().map(|(name, _)| name.as_str()).collect();
                    return Err(format!("it exports several: {}", names.join(", ")));
                }
            },
        };
        let interface = &self.resolve.interfaces[id];
        let mut read = Interface { docs: text(&interface.docs), ..Interface::default() };
        for (name, id) in &interface.types {
            if let Ok(ty) = reader.defined(*id) {
                read.types.push((name.clone(), ty));
            }
        }
        for function in interface.functions.values() {
            reader.function(function, &mut read);
        }
        Ok(read)
    }
}

/// Translates the types of one component.
struct Reader<'r> {
    resolve: &'r Resolve,
    types: &'r mut Types,
    home: (usize, usize),
    done: HashMap<wit_parser::TypeId, Result<Type, &'static str>>,
    depth: usize,
}

impl Reader<'_> {
    fn function(&mut self, function: &wit_parser::Function, into: &mut Interface) {
        match self.signature(function) {
            Ok(read) => into.functions.push(read),
            Err(what) => into.skipped.push((function.name.clone(), what)),
        }
    }

    fn signature(&mut self, function: &wit_parser::Function) -> Result<Function, &'static str> {
        match function.kind {
            FunctionKind::Freestanding => {}
            FunctionKind::AsyncFreestanding => return Err("async function"),
            _ => return Err("resource"),
        }
        let params = function.params.iter().map(|param| Ok((param.name.clone(), self.ty(&param.ty)?)));
        let params = params.collect::<Result<_, &'static str>>()?;
        let result = function.result.as_ref().map(|ty| self.ty(ty)).transpose()?;
        Ok(Function { name: function.name.clone(), docs: text(&function.docs), params, result })
    }

    fn ty(&mut self, ty: &wit_parser::Type) -> Result<Type, &'static str> {
        use wit_parser::Type as Wit;
        let primitive = match ty {
            Wit::Bool => Primitive::Bool,
            Wit::U8 => Primitive::U8,
            Wit::U16 => Primitive::U16,
            Wit::U32 => Primitive::U32,
            Wit::U64 => Primitive::U64,
            Wit::S8 => Primitive::S8,
            Wit::S16 => Primitive::S16,
            Wit::S32 => Primitive::S32,
            Wit::S64 => Primitive::S64,
            Wit::F32 => Primitive::F32,
            Wit::F64 => Primitive::F64,
            Wit::Char => Primitive::Char,
            Wit::String => Primitive::String,
            Wit::ErrorContext => return Err("error context"),
            Wit::Id(id) => return self.defined(*id),
        };
        Ok(Type::Primitive(primitive))
    }

    fn defined(&mut self, id: wit_parser::TypeId) -> Result<Type, &'static str> {
        if let Some(done) = self.done.get(&id) {
            return done.clone();
        }
        self.depth += 1;
        let read = if self.depth > MAX_DEPTH { Err("type of extreme depth") } else { self.definition(id) };
        self.depth -= 1;
        self.done.insert(id, read.clone());
        read
    }

    fn definition(&mut self, id: wit_parser::TypeId) -> Result<Type, &'static str> {
        let resolve = self.resolve;
        let def = &resolve.types[id];
        let boxed = |ty: Type| Box::new(ty);
        match &def.kind {
            TypeDefKind::Type(ty) => self.ty(ty),
            TypeDefKind::List(ty) => Ok(Type::List(boxed(self.ty(ty)?))),
            TypeDefKind::Option(ty) => Ok(Type::Option(boxed(self.ty(ty)?))),
            TypeDefKind::Result(result) => {
                let ok = result.ok.as_ref().map(|ty| self.ty(ty)).transpose()?.map(boxed);
                let err = result.err.as_ref().map(|ty| self.ty(ty)).transpose()?.map(boxed);
                Ok(Type::Result { ok, err })
            }
            TypeDefKind::Tuple(tuple) => {
                Ok(Type::Tuple(tuple.types.iter().map(|ty| self.ty(ty)).collect::<Result<_, _>>()?))
            }
            TypeDefKind::Record(record) => {
                let items = record.fields.iter().map(|field| (&field.name, Some(&field.ty), &field.docs));
                self.named(def, Kind::Record, items)
            }
            TypeDefKind::Variant(variant) => {
                let items = variant.cases.iter().map(|case| (&case.name, case.ty.as_ref(), &case.docs));
                self.named(def, Kind::Variant, items)
            }
            TypeDefKind::Enum(def_enum) => {
                let items = def_enum.cases.iter().map(|case| (&case.name, None, &case.docs));
                self.named(def, Kind::Enum, items)
            }
            TypeDefKind::Flags(flags) => {
                let items = flags.flags.iter().map(|flag| (&flag.name, None, &flag.docs));
                self.named(def, Kind::Flags, items)
            }
            other => Err(other.as_str()),
        }
    }

    fn named<'i>(
        &mut self,
        def: &TypeDef,
        kind: impl FnOnce(Vec<Item>) -> Kind,
        items: impl Iterator<Item = (&'i String, Option<&'i wit_parser::Type>, &'i WitDocs)>,
    ) -> Result<Type, &'static str> {
        let mut docs = Docs { own: text(&def.docs), items: Vec::new() };
        let mut read = Vec::new();
        for (name, ty, about) in items {
            read.push(Item { name: name.clone(), ty: ty.map(|ty| self.ty(ty)).transpose()? });
            docs.items.push(text(about));
        }
        let name = def.name.clone().unwrap_or_else(|| "unnamed".to_owned());
        Ok(Type::Named(self.types.intern(Definition { name, kind: kind(read), docs, home: self.home })))
    }
}

fn text(docs: &WitDocs) -> Option<String> {
    docs.contents.clone()
}
