//! Interfaces as constants, and how they are written into the `marine-items` section of the compiled module.
//!
//! Every exported or imported function is described by an [`Item`] that the compiler evaluates and serialises, so
//! `marine build` learns the interface by reading bytes; nothing of the module is run. Entries follow each other without
//! order. One entry is
//!
//! ```text
//! length: u32 LE of what follows · version: u8 = 1 · kind: u8 · body
//! str = length: u32 LE · UTF-8        count = u8
//! kind 0, export: name, docs, core name: str · parameters: count (name: str, type)* · result: type
//! kind 1, import: source, name, docs, core module, core name: str · parameters · result
//! kind 2, module: name, version, authors, description, repository, SDK version: str
//! kind 3, binary: name: str                kind 4, requirement: source, version: str
//! type = tag: u8, then for  14 list, 15 option: type · 16 result: type, type · 17 tuple: count type*
//!                           18 record: name, docs: str · count (name, docs: str · type)*
//!                           19 enum: name, docs: str · count (name, docs: str)*
//!                           20 variant: name, docs: str · count (name, docs: str · type)*
//!                           21 list of fixed length: u32 LE, type
//! ```
//!
//! Names are those of the Rust items, or what `#[marine(name = "..")]` says instead.

/// Version of an entry's format.
const FORMAT: u8 = 1;

/// A WIT type.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// No value: the result of a function without one, or an empty side of a `result`.
    Unit,
    /// `bool`
    Bool,
    /// `u8`
    U8,
    /// `s8`
    S8,
    /// `u16`
    U16,
    /// `s16`
    S16,
    /// `u32`
    U32,
    /// `s32`
    S32,
    /// `u64`
    U64,
    /// `s64`
    S64,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `char`
    Char,
    /// `string`
    String,
    /// `list<T>`
    List(&'static Type),
    /// `list<T>` of so many elements
    Fixed(usize, &'static Type),
    /// `option<T>`
    Option(&'static Type),
    /// `result<T, E>`
    Result(&'static Type, &'static Type),
    /// `tuple<..>`
    Tuple(&'static [&'static Type]),
    /// `record`
    Record(&'static Named),
    /// `enum`: a variant without payloads
    Enum(&'static Named),
    /// `variant`; a case without payload has [`Type::Unit`]
    Variant(&'static Named),
}

/// A type with a name, and what it consists of.
#[derive(Debug)]
pub struct Named {
    /// Name of the Rust type.
    pub name: &'static str,
    /// Arguments of a generic type; their names become part of its name.
    pub arguments: &'static [&'static Type],
    /// Doc comment.
    pub docs: &'static str,
    /// Fields of a record, cases of an enum or variant.
    pub members: &'static [Member],
}

/// A field or a case.
#[derive(Debug)]
pub struct Member {
    /// Its name in Rust.
    pub name: &'static str,
    /// Doc comment.
    pub docs: &'static str,
    /// Type of the field, or payload of the case.
    pub ty: &'static Type,
}

impl Type {
    /// Whether values of this type point to memory of their own.
    pub const fn owns_memory(&self) -> bool {
        match self {
            Type::String | Type::List(_) | Type::Fixed(..) => true,
            Type::Option(ty) => ty.owns_memory(),
            Type::Result(ok, err) => ok.owns_memory() || err.owns_memory(),
            Type::Tuple(types) => {
                let mut i = 0;
                while i < types.len() {
                    if types[i].owns_memory() {
                        return true;
                    }
                    i += 1;
                }
                false
            }
            Type::Record(named) | Type::Enum(named) | Type::Variant(named) => {
                let mut i = 0;
                while i < named.members.len() {
                    if named.members[i].ty.owns_memory() {
                        return true;
                    }
                    i += 1;
                }
                false
            }
            _ => false,
        }
    }

    const fn tag(&self) -> u8 {
        match self {
            Type::Unit => 0,
            Type::Bool => 1,
            Type::U8 => 2,
            Type::S8 => 3,
            Type::U16 => 4,
            Type::S16 => 5,
            Type::U32 => 6,
            Type::S32 => 7,
            Type::U64 => 8,
            Type::S64 => 9,
            Type::F32 => 10,
            Type::F64 => 11,
            Type::Char => 12,
            Type::String => 13,
            Type::List(_) => 14,
            Type::Option(_) => 15,
            Type::Result(..) => 16,
            Type::Tuple(_) => 17,
            Type::Record(_) => 18,
            Type::Enum(_) => 19,
            Type::Variant(_) => 20,
            Type::Fixed(..) => 21,
        }
    }

    /// What a type contributes to the name of a generic type it is an argument of: `Page<User>` is `PageUser`.
    const fn label(&self) -> &'static str {
        match self {
            Type::Unit => "Unit",
            Type::Bool => "Bool",
            Type::U8 => "U8",
            Type::S8 => "I8",
            Type::U16 => "U16",
            Type::S16 => "I16",
            Type::U32 => "U32",
            Type::S32 => "I32",
            Type::U64 => "U64",
            Type::S64 => "I64",
            Type::F32 => "F32",
            Type::F64 => "F64",
            Type::Char => "Char",
            Type::String => "String",
            Type::List(_) => "List",
            Type::Fixed(..) => "Array",
            Type::Option(_) => "Option",
            Type::Result(..) => "Result",
            Type::Tuple(_) => "Tuple",
            Type::Record(named) | Type::Enum(named) | Type::Variant(named) => named.name,
        }
    }
}

/// Something a module offers, needs or says about itself.
#[derive(Debug)]
pub enum Item {
    /// An exported function.
    Export {
        /// Name of the Rust function.
        name: &'static str,
        /// Doc comment.
        docs: &'static str,
        /// Name of the export in the core module.
        core_name: &'static str,
        /// Names and types of the parameters.
        params: &'static [(&'static str, &'static Type)],
        /// Type of the result.
        result: &'static Type,
    },
    /// An imported function.
    Import {
        /// Module or interface it is imported from, as written.
        source: &'static str,
        /// Its name there.
        name: &'static str,
        /// Doc comment.
        docs: &'static str,
        /// Module of the import in the core module.
        core_module: &'static str,
        /// Name of the import in the core module.
        core_name: &'static str,
        /// Names and types of the parameters.
        params: &'static [(&'static str, &'static Type)],
        /// Type of the result.
        result: &'static Type,
    },
    /// What `module_manifest!` says. Empty texts were not given.
    Module {
        /// Name of the package.
        name: &'static str,
        /// Semantic version.
        version: &'static str,
        /// Authors, separated by `:`.
        authors: &'static str,
        /// What the module is for.
        description: &'static str,
        /// Where the source is.
        repository: &'static str,
    },
    /// A host program that is declared.
    Binary {
        /// The name under which the manifest grants it.
        name: &'static str,
    },
    /// Which versions of an imported module are accepted.
    Requirement {
        /// Module or interface, as written.
        source: &'static str,
        /// A requirement as in Cargo.
        version: &'static str,
    },
}

impl Item {
    /// Length of the entry in bytes.
    pub const fn encoded_len(&self) -> usize {
        let mut counter = Encoder::<0>::new();
        counter.item(self);
        counter.len
    }

    /// The entry; `N` is [`Item::encoded_len`].
    pub const fn encode<const N: usize>(&self) -> [u8; N] {
        let mut encoder = Encoder::<N>::new();
        encoder.item(self);
        encoder.set_length();
        encoder.bytes
    }
}

/// Bytes of the entry's own length field.
const LENGTH_FIELD: usize = 4;

/// Writes entries; with `N == 0` it only counts.
struct Encoder<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Encoder<N> {
    const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    const fn item(&mut self, item: &Item) {
        self.u32(0);
        self.byte(FORMAT);
        match item {
            Item::Export { name, docs, core_name, params, result } => {
                self.byte(0);
                self.str(name);
                self.str(docs);
                self.str(core_name);
                self.signature(params, result);
            }
            Item::Import { source, name, docs, core_module, core_name, params, result } => {
                self.byte(1);
                self.str(source);
                self.str(name);
                self.str(docs);
                self.str(core_module);
                self.str(core_name);
                self.signature(params, result);
            }
            Item::Module { name, version, authors, description, repository } => {
                self.byte(2);
                self.str(name);
                self.str(version);
                self.str(authors);
                self.str(description);
                self.str(repository);
                self.str(env!("CARGO_PKG_VERSION"));
            }
            Item::Binary { name } => {
                self.byte(3);
                self.str(name);
            }
            Item::Requirement { source, version } => {
                self.byte(4);
                self.str(source);
                self.str(version);
            }
        }
    }

    const fn signature(&mut self, params: &[(&str, &Type)], result: &Type) {
        self.count(params.len());
        let mut i = 0;
        while i < params.len() {
            self.str(params[i].0);
            self.value_type(params[i].1);
            i += 1;
        }
        self.ty(result);
    }

    /// A type of which values exist.
    const fn value_type(&mut self, ty: &Type) {
        assert!(
            !matches!(ty, Type::Unit),
            "[M112] `()` has a WIT form only as the result of a function or inside `Result`; use `bool` or leave it out"
        );
        self.ty(ty);
    }

    const fn ty(&mut self, ty: &Type) {
        self.byte(ty.tag());
        match ty {
            Type::List(element) | Type::Option(element) => self.value_type(element),
            Type::Fixed(length, element) => {
                self.u32(*length);
                self.value_type(element);
            }
            Type::Result(ok, err) => {
                self.ty(ok);
                self.ty(err);
            }
            Type::Tuple(types) => {
                self.count(types.len());
                let mut i = 0;
                while i < types.len() {
                    self.value_type(types[i]);
                    i += 1;
                }
            }
            Type::Record(named) => {
                self.named(named);
                let mut i = 0;
                while i < named.members.len() {
                    self.member(&named.members[i]);
                    self.value_type(named.members[i].ty);
                    i += 1;
                }
            }
            Type::Enum(named) => {
                self.named(named);
                let mut i = 0;
                while i < named.members.len() {
                    self.member(&named.members[i]);
                    i += 1;
                }
            }
            Type::Variant(named) => {
                self.named(named);
                let mut i = 0;
                while i < named.members.len() {
                    self.member(&named.members[i]);
                    self.ty(named.members[i].ty);
                    i += 1;
                }
            }
            _ => {}
        }
    }

    const fn named(&mut self, named: &Named) {
        let start = self.len;
        self.u32(0);
        self.append(named.name);
        let mut i = 0;
        while i < named.arguments.len() {
            self.label(named.arguments[i]);
            i += 1;
        }
        let length = self.len - start - 4;
        self.patch_u32(start, length);
        self.str(named.docs);
        self.count(named.members.len());
    }

    /// The name of a type as part of the name of a generic type.
    const fn label(&mut self, ty: &Type) {
        let label = ty.label();
        if !label.is_empty() && label.as_bytes()[0].is_ascii_lowercase() {
            // A new word begins, also where a name was given in kebab-case.
            self.append("-");
        }
        self.append(label);
        match ty {
            Type::Fixed(length, element) => {
                self.decimal(*length);
                self.label(element);
            }
            Type::List(element) | Type::Option(element) => self.label(element),
            Type::Result(ok, err) => {
                self.label(ok);
                self.label(err);
            }
            Type::Tuple(types) => self.labels(types),
            Type::Record(named) | Type::Enum(named) | Type::Variant(named) => self.labels(named.arguments),
            _ => {}
        }
    }

    const fn labels(&mut self, types: &[&Type]) {
        let mut i = 0;
        while i < types.len() {
            self.label(types[i]);
            i += 1;
        }
    }

    const fn member(&mut self, member: &Member) {
        self.str(member.name);
        self.str(member.docs);
    }

    const fn decimal(&mut self, number: usize) {
        if number >= 10 {
            self.decimal(number / 10);
        }
        self.byte(b'0' + (number % 10) as u8);
    }

    const fn str(&mut self, text: &str) {
        self.u32(text.len());
        self.append(text);
    }

    const fn append(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            self.byte(bytes[i]);
            i += 1;
        }
    }

    const fn count(&mut self, count: usize) {
        assert!(count <= u8::MAX as usize, "an item has more than 255 parameters, fields or cases");
        self.byte(count as u8);
    }

    const fn u32(&mut self, value: usize) {
        let start = self.len;
        self.len += LENGTH_FIELD;
        self.patch_u32(start, value);
    }

    const fn patch_u32(&mut self, at: usize, value: usize) {
        assert!(value <= u32::MAX as usize, "a description is larger than 4 GiB");
        if N > 0 {
            let bytes = (value as u32).to_le_bytes();
            let mut i = 0;
            while i < bytes.len() {
                self.bytes[at + i] = bytes[i];
                i += 1;
            }
        }
    }

    const fn set_length(&mut self) {
        self.patch_u32(0, self.len - LENGTH_FIELD);
    }

    const fn byte(&mut self, byte: u8) {
        if N > 0 {
            self.bytes[self.len] = byte;
        }
        self.len += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{Item, Member, Named, Type};

    #[test]
    fn an_entry_is_length_version_kind_and_body() {
        const ITEM: Item = Item::Export {
            name: "f",
            docs: "Does f.",
            core_name: "marine#f",
            params: &[("x", &Type::List(&Type::U8))],
            result: &Type::Result(&Type::Unit, &Type::String),
        };
        const ENTRY: [u8; ITEM.encoded_len()] = ITEM.encode();
        let expected = [
            &b"\x01\x00"[..],
            b"\x01\x00\x00\x00f",
            b"\x07\x00\x00\x00Does f.",
            b"\x08\x00\x00\x00marine#f",
            b"\x01\x01\x00\x00\x00x\x0e\x02",
            b"\x10\x00\x0d",
        ]
        .concat();
        assert_eq!(ENTRY[..4], (expected.len() as u32).to_le_bytes());
        assert_eq!(ENTRY[4..], expected);
    }

    #[test]
    fn the_name_of_a_generic_type_holds_its_arguments() {
        const USER: Type = Type::Record(&Named {
            name: "User",
            arguments: &[],
            docs: "",
            members: &[Member { name: "id", docs: "", ty: &Type::U64 }],
        });
        const PAGE: Type = Type::Record(&Named {
            name: "Page",
            arguments: &[&Type::List(&USER)],
            docs: "",
            members: &[Member { name: "items", docs: "", ty: &Type::List(&USER) }],
        });
        const ITEM: Item = Item::Export { name: "f", docs: "", core_name: "", params: &[], result: &PAGE };
        const ENTRY: [u8; ITEM.encoded_len()] = ITEM.encode();
        let name = b"\x0c\x00\x00\x00PageListUser";
        assert!(ENTRY.windows(name.len()).any(|window| window == name));
    }
}
