//! Types.

use std::sync::Arc;

/// A type, with all names and aliases resolved.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Takes everything.
    Top,
    /// Fits everywhere.
    Bottom,
    /// Of an erroneous expression; no program with one is handed to the expander.
    Poison,
    /// A number, bool or string.
    Scalar(Scalar),
    /// Of an integer literal: all values from the one to the other.
    IntLiteral(i64, i64),
    /// Of a float literal.
    FloatLiteral,
    /// `[]T`
    Array(Arc<Type>),
    /// `?T`
    Option(Arc<Type>),
    /// `*T`
    Stream(Arc<Type>),
    /// `%T`
    StreamMap(Arc<Type>),
    /// A data type.
    Data(Arc<Labelled>),
    /// An ability, or a service in the role of one.
    Ability(Arc<Labelled>),
    /// An arrow.
    Arrow(Arc<Arrow>),
}

/// Named members, sorted by name. Two are the same if their fields are; the name is for messages.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// The name of the declaration.
    pub name: Arc<str>,
    /// Members by name.
    pub fields: Vec<(Arc<str>, Type)>,
}

impl Labelled {
    /// The type of a member.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Type> {
        let index = self.fields.binary_search_by(|(field, _)| (**field).cmp(name)).ok()?;
        Some(&self.fields[index].1)
    }
}

impl PartialEq for Labelled {
    fn eq(&self, other: &Self) -> bool {
        self.fields == other.fields
    }
}

/// The type of a function, closure, method or callback.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arrow {
    /// Abilities in braces.
    pub abilities: Vec<Type>,
    /// Arguments in order.
    pub params: Vec<Type>,
    /// Results in order.
    pub results: Vec<Type>,
}

/// The types of single values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Scalar {
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F32,
    F64,
    Bool,
    String,
}

impl Scalar {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Bool => "bool",
            Self::String => "string",
        }
    }
}
