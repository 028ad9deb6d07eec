//! Types of interfaces, each structure kept once.

use std::collections::HashMap;

/// A type without WIT's aliases.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Type {
    Primitive(Primitive),
    List(Box<Type>),
    Option(Box<Type>),
    Result { ok: Option<Box<Type>>, err: Option<Box<Type>> },
    Tuple(Vec<Type>),
    Named(TypeId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Primitive {
    Bool,
    U8,
    U16,
    U32,
    U64,
    S8,
    S16,
    S32,
    S64,
    F32,
    F64,
    Char,
    String,
}

/// Place of a [`Definition`] among [`Types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TypeId(usize);

/// A type with a name.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    /// Kebab-case name.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) docs: Docs,
    /// The service and module that brought it, by their place in what bindings are made for.
    pub(crate) home: (usize, usize),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Record(Vec<Item>),
    Variant(Vec<Item>),
    Enum(Vec<Item>),
    Flags(Vec<Item>),
}

/// A field or case, by kebab-case name; cases may have no type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) ty: Option<Type>,
}

/// What the author says of a type, and of each of its items.
#[derive(Clone, Debug, Default)]
pub(crate) struct Docs {
    pub(crate) own: Option<String>,
    pub(crate) items: Vec<Option<String>>,
}

/// All definitions. Those of one name and one structure are one.
#[derive(Debug, Default)]
pub(crate) struct Types {
    all: Vec<Definition>,
    known: HashMap<(String, Kind), TypeId>,
}

impl Types {
    /// The definition equal to `new`, or `new` itself. Where the first of two has no documentation, that of the second serves.
    pub(crate) fn intern(&mut self, new: Definition) -> TypeId {
        let key = (new.name.clone(), new.kind.clone());
        if let Some(&id) = self.known.get(&key) {
            let known = &mut self.all[id.0];
            if known.docs.own.is_none() {
                known.docs = new.docs;
            }
            return id;
        }
        let id = TypeId(self.all.len());
        self.known.insert(key, id);
        self.all.push(new);
        id
    }

    pub(crate) fn get(&self, id: TypeId) -> &Definition {
        &self.all[id.0]
    }

    /// The definitions that came with the module at `home`, in the order of their arrival: parts before wholes.
    pub(crate) fn of(&self, home: (usize, usize)) -> impl Iterator<Item = (TypeId, &Definition)> {
        let all = self.all.iter().enumerate().map(|(index, definition)| (TypeId(index), definition));
        all.filter(move |(_, definition)| definition.home == home)
    }

    /// Whether values of `ty` can be compared for equality and hashed: no floats anywhere.
    pub(crate) fn has_eq(&self, ty: &Type) -> bool {
        match ty {
            Type::Primitive(primitive) => !matches!(primitive, Primitive::F32 | Primitive::F64),
            Type::List(of) | Type::Option(of) => self.has_eq(of),
            Type::Result { ok, err } => ok.iter().chain(err).all(|ty| self.has_eq(ty)),
            Type::Tuple(types) => types.iter().all(|ty| self.has_eq(ty)),
            Type::Named(id) => self.get(*id).kind.types().all(|ty| self.has_eq(ty)),
        }
    }

    /// Whether there is a natural default: of cases there is none.
    pub(crate) fn has_default(&self, ty: &Type) -> bool {
        match ty {
            Type::Primitive(_) | Type::List(_) | Type::Option(_) => true,
            Type::Result { .. } => false,
            // What the standard library offers it for.
            Type::Tuple(types) => types.len() <= 12 && types.iter().all(|ty| self.has_default(ty)),
            Type::Named(id) => self.kind_has_default(&self.get(*id).kind),
        }
    }

    pub(crate) fn kind_has_default(&self, kind: &Kind) -> bool {
        match kind {
            Kind::Record(fields) => fields.iter().flat_map(|field| &field.ty).all(|ty| self.has_default(ty)),
            Kind::Flags(_) => true,
            Kind::Variant(_) | Kind::Enum(_) => false,
        }
    }
}

impl Kind {
    /// The types that it is made of.
    pub(crate) fn types(&self) -> impl Iterator<Item = &Type> {
        let (Kind::Record(items) | Kind::Variant(items) | Kind::Enum(items) | Kind::Flags(items)) = self;
        items.iter().flat_map(|item| &item.ty)
    }
}
