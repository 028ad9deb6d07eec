//! The section in which the compiler left the marked items: functions with their types, imports, facts about the module.
//!
//! The section is input like any other: decoding is bounded in size, depth and number, and says where it stumbled.

use thiserror::Error;
use wasmparser::{Parser, Payload};

/// The custom section's name.
pub const SECTION: &str = "marine-items";
/// The version of the entries that is understood.
const VERSION: u8 = 1;
/// The most bytes of the section.
pub const MAX_ITEMS_BYTES: usize = 16 * 1024 * 1024;
/// The most entries of the section.
const MAX_ENTRIES: usize = 4096;
/// The deepest nesting of types.
const MAX_DEPTH: usize = 64;

/// What a module exports, imports and says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Items {
    /// Marked functions.
    pub exports: Vec<Export>,
    /// Functions of import blocks.
    pub imports: Vec<Import>,
    /// What `module_manifest!` gave.
    pub info: Option<ModuleInfo>,
    /// Names of the host programs that are declared.
    pub binaries: Vec<String>,
    /// Which versions of imported modules are accepted.
    pub requirements: Vec<Requirement>,
}

/// What an import block says about versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The module or interface, as written.
    pub source: String,
    /// A requirement as in Cargo.
    pub version: String,
}

/// An exported function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its name in Rust.
    pub name: String,
    /// Its doc comment.
    pub docs: String,
    /// The export of the core module.
    pub core: String,
    /// Its parameters in order.
    pub params: Vec<Param>,
    /// Its result; [`Type::Unit`] for none.
    pub result: Type,
}

/// An imported function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The module or interface it comes from, as written.
    pub source: String,
    /// Its name on the other side.
    pub name: String,
    /// Its doc comment.
    pub docs: String,
    /// The module part of the core module's import.
    pub core_module: String,
    /// The name part of the core module's import.
    pub core: String,
    /// Its parameters in order.
    pub params: Vec<Param>,
    /// Its result; [`Type::Unit`] for none.
    pub result: Type,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name in Rust.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// Facts about a module; an empty text is a fact not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModuleInfo {
    /// Name of the package.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// Authors, comma-separated.
    pub authors: String,
    /// One line on what it does.
    pub description: String,
    /// Where its source lies.
    pub repository: String,
    /// Version of marine-sdk.
    pub sdk: String,
}

/// A type at the boundary of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the scalar cases are the types they are named after")]
pub enum Type {
    /// Nothing.
    Unit,
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
    /// A list.
    List(Box<Type>),
    /// A value or none.
    Option(Box<Type>),
    /// Success or failure.
    Result(Box<Type>, Box<Type>),
    /// Several values.
    Tuple(Vec<Type>),
    /// Named fields: name, docs, fields.
    Record(String, String, Vec<Field>),
    /// Bare cases: name, docs, cases (their types are [`Type::Unit`]).
    Enum(String, String, Vec<Case>),
    /// Cases with payload: name, docs, cases.
    Variant(String, String, Vec<Case>),
    /// A list of fixed length.
    Fixed(u32, Box<Type>),
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in Rust.
    pub name: String,
    /// Its doc comment.
    pub docs: String,
    /// Its type.
    pub ty: Type,
}

/// A case of an enum or variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name in Rust.
    pub name: String,
    /// Its doc comment.
    pub docs: String,
    /// Its payload; [`Type::Unit`] for none.
    pub ty: Type,
}

/// Why the section cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ItemsError {
    /// The module around it is malformed.
    #[error("the module is malformed: {0}")]
    Module(String),
    /// More than is accepted.
    #[error("section `{SECTION}`: {what} exceeds the limit of {limit}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is accepted.
        limit: usize,
    },
    /// An entry ends before it is complete.
    #[error("section `{SECTION}` ends in the middle of an entry, at byte {0}")]
    Truncated(usize),
    /// An entry holds more than it says.
    #[error("section `{SECTION}`: entry at byte {0} has {1} bytes left over")]
    LeftOver(usize, usize),
    /// A version, kind or type that is not known.
    #[error(
        "section `{SECTION}`: unknown {what} {value} at byte {at}\n\
         help: the crate uses another version of marine-sdk than this tool understands; update one of them"
    )]
    Unknown {
        /// Of what it is an unknown number.
        what: &'static str,
        /// The number.
        value: u8,
        /// Where.
        at: usize,
    },
    /// A text that is not UTF-8.
    #[error("section `{SECTION}`: the text at byte {0} is not UTF-8")]
    NotUtf8(usize),
    /// Two descriptions of the module.
    #[error("`module_manifest!` is used twice: in `{0}` and in `{1}`\nhelp: use it in the module's own crate only")]
    TwoInfos(String, String),
}

impl Items {
    /// The items of a core module; none if it has no such section.
    ///
    /// # Errors
    /// See [`ItemsError`].
    pub fn of_module(core_wasm: &[u8]) -> Result<Items, ItemsError> {
        let mut items = Items::default();
        for payload in Parser::new(0).parse_all(core_wasm) {
            let payload = payload.map_err(|cause| ItemsError::Module(cause.to_string()))?;
            match payload {
                Payload::CustomSection(section) if section.name() == SECTION => items.decode(section.data())?,
                Payload::Version { encoding: wasmparser::Encoding::Component, .. } => {
                    return Err(ItemsError::Module("it is a component already".to_owned()));
                }
                _ => {}
            }
        }
        Ok(items)
    }

    /// What the code really uses: these imports, the requirements on where they come from, and programs if it can run any.
    pub(super) fn reduced_to(mut self, imports: Vec<Import>, runs_binaries: bool) -> Items {
        self.requirements.retain(|requirement| imports.iter().any(|import| import.source == requirement.source));
        if !runs_binaries {
            self.binaries.clear();
        }
        Items { imports, ..self }
    }

    /// Adds the entries of one section's bytes.
    ///
    /// # Errors
    /// See [`ItemsError`].
    pub fn decode(&mut self, section: &[u8]) -> Result<(), ItemsError> {
        if section.len() > MAX_ITEMS_BYTES {
            return Err(ItemsError::Limit { what: "its size", limit: MAX_ITEMS_BYTES });
        }
        let mut reader = Reader { bytes: section, at: 0 };
        while reader.at < section.len() {
            let entries = self.exports.len() + self.imports.len() + self.binaries.len() + self.requirements.len();
            if entries >= MAX_ENTRIES {
                return Err(ItemsError::Limit { what: "the number of entries", limit: MAX_ENTRIES });
            }
            let length = reader.length()?;
            let mut entry = Reader { bytes: &section[..reader.at + length], at: reader.at };
            self.entry(&mut entry)?;
            let left = entry.bytes.len() - entry.at;
            if left > 0 {
                return Err(ItemsError::LeftOver(reader.at, left));
            }
            reader.at += length;
        }
        Ok(())
    }

    fn entry(&mut self, reader: &mut Reader<'_>) -> Result<(), ItemsError> {
        let version = reader.byte()?;
        if version != VERSION {
            return Err(ItemsError::Unknown { what: "version", value: version, at: reader.at - 1 });
        }
        match reader.byte()? {
            0 => {
                let [name, docs, core] = reader.texts()?;
                let (params, result) = reader.signature()?;
                self.exports.push(Export { name, docs, core, params, result });
            }
            1 => {
                let [source, name, docs, core_module, core] = reader.texts()?;
                let (params, result) = reader.signature()?;
                self.imports.push(Import { source, name, docs, core_module, core, params, result });
            }
            2 => {
                let [name, version, authors, description, repository, sdk] = reader.texts()?;
                let info = ModuleInfo { name, version, authors, description, repository, sdk };
                if let Some(other) = self.info.as_ref().filter(|other| **other != info) {
                    return Err(ItemsError::TwoInfos(other.name.clone(), info.name));
                }
                self.info = Some(info);
            }
            3 => self.binaries.push(reader.text()?),
            4 => {
                let [source, version] = reader.texts()?;
                self.requirements.push(Requirement { source, version });
            }
            kind => return Err(ItemsError::Unknown { what: "kind", value: kind, at: reader.at - 1 }),
        }
        Ok(())
    }
}

/// A place in the section; `bytes` end where the current entry ends.
struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, ItemsError> {
        let byte = *self.bytes.get(self.at).ok_or(ItemsError::Truncated(self.at))?;
        self.at += 1;
        Ok(byte)
    }

    fn word(&mut self) -> Result<u32, ItemsError> {
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<4>());
        let bytes = bytes.ok_or(ItemsError::Truncated(self.at))?;
        self.at += 4;
        Ok(u32::from_le_bytes(*bytes))
    }

    /// A length, checked against what is left.
    fn length(&mut self) -> Result<usize, ItemsError> {
        let at = self.at;
        let length = self.word()? as usize;
        if length > self.bytes.len() - self.at { Err(ItemsError::Truncated(at)) } else { Ok(length) }
    }

    fn text(&mut self) -> Result<String, ItemsError> {
        let length = self.length()?;
        let bytes = &self.bytes[self.at..self.at + length];
        let text = std::str::from_utf8(bytes).map_err(|_| ItemsError::NotUtf8(self.at))?;
        self.at += length;
        Ok(text.to_owned())
    }

    fn texts<const N: usize>(&mut self) -> Result<[String; N], ItemsError> {
        let mut texts = [const { String::new() }; N];
        for text in &mut texts {
            *text = self.text()?;
        }
        Ok(texts)
    }

    fn signature(&mut self) -> Result<(Vec<Param>, Type), ItemsError> {
        let params = self.several(|reader| Ok(Param { name: reader.text()?, ty: reader.ty(0)? }))?;
        Ok((params, self.ty(0)?))
    }

    fn several<T>(&mut self, mut one: impl FnMut(&mut Self) -> Result<T, ItemsError>) -> Result<Vec<T>, ItemsError> {
        let count = self.byte()?;
        (0..count).map(|_| one(self)).collect()
    }

    fn ty(&mut self, depth: usize) -> Result<Type, ItemsError> {
        if depth > MAX_DEPTH {
            return Err(ItemsError::Limit { what: "the nesting of types", limit: MAX_DEPTH });
        }
        let inner = |reader: &mut Self| reader.ty(depth + 1);
        Ok(match self.byte()? {
            0 => Type::Unit,
            1 => Type::Bool,
            2 => Type::U8,
            3 => Type::S8,
            4 => Type::U16,
            5 => Type::S16,
            6 => Type::U32,
            7 => Type::S32,
            8 => Type::U64,
            9 => Type::S64,
            10 => Type::F32,
            11 => Type::F64,
            12 => Type::Char,
            13 => Type::String,
            14 => Type::List(Box::new(inner(self)?)),
            15 => Type::Option(Box::new(inner(self)?)),
            16 => Type::Result(Box::new(inner(self)?), Box::new(inner(self)?)),
            17 => Type::Tuple(self.several(inner)?),
            18 => {
                let [name, docs] = self.texts()?;
                let field =
                    |reader: &mut Self| Ok(Field { name: reader.text()?, docs: reader.text()?, ty: inner(reader)? });
                Type::Record(name, docs, self.several(field)?)
            }
            19 => {
                let [name, docs] = self.texts()?;
                let case = |reader: &mut Self| Ok(Case { name: reader.text()?, docs: reader.text()?, ty: Type::Unit });
                Type::Enum(name, docs, self.several(case)?)
            }
            20 => {
                let [name, docs] = self.texts()?;
                let case =
                    |reader: &mut Self| Ok(Case { name: reader.text()?, docs: reader.text()?, ty: inner(reader)? });
                Type::Variant(name, docs, self.several(case)?)
            }
            21 => {
                let length = self.word()?;
                Type::Fixed(length, Box::new(inner(self)?))
            }
            tag => return Err(ItemsError::Unknown { what: "type", value: tag, at: self.at - 1 }),
        })
    }
}
