//! Conversion plans: a function's types with everything that converting needs, computed once (names in both spellings, kinds).

use std::sync::Arc;

use crate::interface::{Function, Type, TypeDef};
use crate::module::FixedLengths;
use crate::names;

/// How to convert the arguments and the result of one function.
#[derive(Debug)]
pub(crate) struct Signature {
    /// `repeat(text: string, times: u8)`, for messages.
    pub(crate) text: String,
    /// The function's name outside.
    pub(crate) name: String,
    pub(crate) params: Vec<Member>,
    /// `None` if the function returns nothing.
    pub(crate) result: Option<Returned>,
}

/// What a function returns.
#[derive(Debug)]
pub(crate) enum Returned {
    /// A value.
    Value(Shape),
    /// A `result`: its error is the error of the call.
    Result { ok: Option<Shape>, err: Option<Shape> },
}

/// A parameter or field.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its name outside, in snake_case.
    pub(crate) outside: String,
    /// Its name inside, in kebab-case.
    pub(crate) inside: String,
    pub(crate) shape: Shape,
}

/// A case of an enum or variant, or a flag.
#[derive(Debug)]
pub(crate) struct Label {
    /// Its name outside, in snake_case.
    pub(crate) outside: String,
    /// Its name inside, in kebab-case.
    pub(crate) inside: String,
    /// What it carries.
    pub(crate) shape: Option<Shape>,
}

/// A type as the converter sees it.
#[derive(Debug)]
pub(crate) enum Shape {
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
    Bytes,
    List(Box<Shape>),
    /// A list that the guest takes for an array of so many elements.
    Fixed(Box<Shape>, u32),
    /// `list<tuple<string, V>>`, which an object may stand for.
    TextMap(Box<(Shape, Shape)>),
    Option(Box<Shape>),
    Result(Box<(Option<Shape>, Option<Shape>)>),
    Tuple(Vec<Shape>),
    Record(Vec<Member>),
    Enum(Vec<Label>),
    Variant(Vec<Label>),
    Flags(Vec<Label>),
}

impl Signature {
    /// The plan for `function`, some of whose lists have fixed lengths.
    ///
    /// # Errors
    /// The kind of type that has no form outside, if the signature has one.
    pub(crate) fn new(function: &Function, fixed: &FixedLengths) -> Result<Signature, &'static str> {
        let shaper = Shaper { fixed };
        let name = &function.name;
        let params = function.params.iter().map(|param| shaper.member(&param.name, &param.ty, name));
        let given = format!("{name}()");
        let result = match &function.result {
            None => None,
            Some(Type::Result { ok, err }) => {
                let (ok, err) = shaper.alternatives(ok, err, &given)?;
                Some(Returned::Result { ok, err })
            }
            Some(ty) => Some(Returned::Value(shaper.shape(ty, &given)?)),
        };
        Ok(Signature {
            text: function.call_form(),
            name: names::outside(&function.name),
            params: params.collect::<Result<_, _>>()?,
            result,
        })
    }
}

/// Makes shapes of types; paths lead to lists as in [`FixedLengths`].
struct Shaper<'a> {
    fixed: &'a FixedLengths,
}

impl Shaper<'_> {
    fn shape(&self, ty: &Type, path: &str) -> Result<Shape, &'static str> {
        Ok(match ty {
            Type::Bool => Shape::Bool,
            Type::U8 => Shape::U8,
            Type::S8 => Shape::S8,
            Type::U16 => Shape::U16,
            Type::S16 => Shape::S16,
            Type::U32 => Shape::U32,
            Type::S32 => Shape::S32,
            Type::U64 => Shape::U64,
            Type::S64 => Shape::S64,
            Type::F32 => Shape::F32,
            Type::F64 => Shape::F64,
            Type::Char => Shape::Char,
            Type::String => Shape::String,
            Type::List(of) => self.list(of, path)?,
            Type::Option(of) => Shape::Option(Box::new(self.shape(of, &format!("{path}?"))?)),
            Type::Result { ok, err } => Shape::Result(Box::new(self.alternatives(ok, err, path)?)),
            Type::Tuple(types) => {
                let types = types.iter().enumerate().map(|(index, ty)| self.shape(ty, &format!("{path}.{index}")));
                Shape::Tuple(types.collect::<Result<_, _>>()?)
            }
            Type::Named { def, .. } => self.definition(def, path)?,
            Type::Unsupported(what) => return Err(what),
        })
    }

    fn list(&self, of: &Type, path: &str) -> Result<Shape, &'static str> {
        let inner = format!("{path}[]");
        let list = match of {
            Type::U8 => Shape::Bytes,
            Type::Tuple(pair) if matches!(**pair, [Type::String, _]) => {
                Shape::TextMap(Box::new((Shape::String, self.shape(&pair[1], &format!("{inner}.1"))?)))
            }
            element => Shape::List(Box::new(self.shape(element, &inner)?)),
        };
        Ok(match self.fixed.of(path) {
            Some(length) => Shape::Fixed(Box::new(list), length),
            None => list,
        })
    }

    fn definition(&self, def: &TypeDef, path: &str) -> Result<Shape, &'static str> {
        Ok(match def {
            TypeDef::Record(fields) => {
                let fields = fields.iter().map(|field| self.member(&field.name, &field.ty, path));
                Shape::Record(fields.collect::<Result<_, _>>()?)
            }
            TypeDef::Enum(cases) => Shape::Enum(cases.iter().map(|name| label(name)).collect()),
            TypeDef::Flags(flags) => Shape::Flags(flags.iter().map(|name| label(name)).collect()),
            TypeDef::Variant(cases) => {
                let cases = cases.iter().map(|case| {
                    let shape =
                        case.ty.as_ref().map(|ty| self.shape(ty, &format!("{path}.{}", case.name))).transpose()?;
                    Ok(Label { shape, ..label(&case.name) })
                });
                Shape::Variant(cases.collect::<Result<_, &'static str>>()?)
            }
        })
    }

    fn alternatives(
        &self,
        ok: &Option<Arc<Type>>,
        err: &Option<Arc<Type>>,
        path: &str,
    ) -> Result<(Option<Shape>, Option<Shape>), &'static str> {
        let shape =
            |ty: &Option<Arc<Type>>, name| ty.as_ref().map(|ty| self.shape(ty, &format!("{path}.{name}"))).transpose();
        Ok((shape(ok, "ok")?, shape(err, "err")?))
    }

    fn member(&self, name: &str, ty: &Type, path: &str) -> Result<Member, &'static str> {
        let shape = self.shape(ty, &format!("{path}.{name}"))?;
        Ok(Member { outside: names::outside(name), inside: name.to_owned(), shape })
    }
}

impl Shape {
    pub(crate) fn is_option(&self) -> bool {
        matches!(self, Shape::Option(_))
    }

    /// Whether a value of this type is written as one text, number or truth value.
    pub(crate) fn is_scalar(&self) -> bool {
        use Shape::*;
        matches!(self, Bool | U8 | S8 | U16 | S16 | U32 | S32 | U64 | S64 | F32 | F64 | Char | String)
    }

    /// The type, for messages.
    pub(crate) fn describe(&self) -> String {
        let members = |members: &[Member]| names::list(members.iter().map(|member| member.outside.as_str()));
        let labels = |labels: &[Label]| names::list(labels.iter().map(|label| label.outside.as_str()));
        match self {
            Shape::Bool => "bool".to_owned(),
            Shape::U8 => "u8 (0..=255)".to_owned(),
            Shape::S8 => "i8 (-128..=127)".to_owned(),
            Shape::U16 => "u16 (0..=65535)".to_owned(),
            Shape::S16 => "i16 (-32768..=32767)".to_owned(),
            Shape::U32 => format!("u32 (0..={})", u32::MAX),
            Shape::S32 => format!("i32 ({}..={})", i32::MIN, i32::MAX),
            Shape::U64 => format!("u64 (0..={})", u64::MAX),
            Shape::S64 => format!("i64 ({}..={})", i64::MIN, i64::MAX),
            Shape::F32 => "f32".to_owned(),
            Shape::F64 => "f64".to_owned(),
            Shape::Char => "char (a string of one character)".to_owned(),
            Shape::String => "string".to_owned(),
            Shape::Bytes => "bytes (an array of 0..=255 or {\"base64\": ..})".to_owned(),
            Shape::List(_) => "list (an array)".to_owned(),
            Shape::Fixed(_, length) => format!("list of {length} elements"),
            Shape::TextMap(_) => "map (an array of pairs or an object)".to_owned(),
            Shape::Option(of) => format!("option of {}", of.describe()),
            Shape::Result(_) => "result ({\"ok\": ..} or {\"err\": ..})".to_owned(),
            Shape::Tuple(types) => format!("tuple (an array of {} elements)", types.len()),
            Shape::Record(fields) => format!("record with {}", members(fields)),
            Shape::Enum(cases) => format!("one of {}", labels(cases)),
            Shape::Variant(cases) => format!("one of the cases {}", labels(cases)),
            Shape::Flags(flags) => format!("array of some of {}", labels(flags)),
        }
    }
}

fn label(name: &str) -> Label {
    Label { outside: names::outside(name), inside: name.to_owned(), shape: None }
}
