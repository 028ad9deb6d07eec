//! Rust values as values of components.

use marine_runtime::Val;
use thiserror::Error;

/// A Rust type that stands for a WIT type. Generated types implement it, as do Rust's own.
pub trait Value: Sized {
    /// The value as components see it.
    fn into_val(self) -> Val;

    /// The value that a component returned.
    ///
    /// # Errors
    /// If it is of another type.
    fn from_val(val: Val) -> Result<Self, Mismatch>;

    /// The value where WIT allows none to stand: as payload of a case or a result, or as what a function returns.
    fn into_payload(self) -> Option<Box<Val>> {
        Some(Box::new(self.into_val()))
    }

    /// The way back from [`Value::into_payload`].
    ///
    /// # Errors
    /// If it is of another type, or missing.
    fn from_payload(payload: Option<Box<Val>>) -> Result<Self, Mismatch> {
        match payload {
            Some(val) => Self::from_val(*val),
            None => Err(Mismatch::new("a value", "nothing")),
        }
    }
}

/// A value of another type than the bindings were generated for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected {expected}, got {got}")]
pub struct Mismatch {
    expected: String,
    got: String,
}

impl Mismatch {
    pub(crate) fn new(expected: &str, got: &str) -> Mismatch {
        Mismatch { expected: expected.to_owned(), got: got.to_owned() }
    }

    pub(crate) fn of(expected: &str, got: &Val) -> Mismatch {
        Mismatch::new(expected, kind(got))
    }

    /// A case that the type called `name` does not have.
    pub fn case(name: &str, case: &str) -> Mismatch {
        Mismatch::new(&format!("a case of `{name}`"), &format!("`{case}`"))
    }
}

fn kind(val: &Val) -> &'static str {
    match val {
        Val::Bool(_) => "a bool",
        Val::S8(_) | Val::S16(_) | Val::S32(_) | Val::S64(_) => "a signed integer",
        Val::U8(_) | Val::U16(_) | Val::U32(_) | Val::U64(_) => "an unsigned integer",
        Val::Float32(_) | Val::Float64(_) => "a float",
        Val::Char(_) => "a char",
        Val::String(_) => "a string",
        Val::List(_) => "a list",
        Val::Record(_) => "a record",
        Val::Tuple(_) => "a tuple",
        Val::Variant(..) => "a variant",
        Val::Enum(_) => "an enum",
        Val::Option(_) => "an option",
        Val::Result(_) => "a result",
        Val::Flags(_) => "flags",
        _ => "a value without a form outside",
    }
}

macro_rules! primitives {
    ($($rust:ty => $case:ident),*) => {$(
        impl Value for $rust {
            fn into_val(self) -> Val {
                Val::$case(self)
            }

            fn from_val(val: Val) -> Result<Self, Mismatch> {
                match val {
                    Val::$case(value) => Ok(value),
                    other => Err(Mismatch::of(stringify!($rust), &other)),
                }
            }
        }
    )*};
}

primitives! {
    bool => Bool, i8 => S8, u8 => U8, i16 => S16, u16 => U16, i32 => S32, u32 => U32, i64 => S64, u64 => U64,
    f32 => Float32, f64 => Float64, char => Char, String => String
}

impl Value for () {
    fn into_val(self) -> Val {
        Val::Tuple(Vec::new())
    }

    fn from_val(val: Val) -> Result<Self, Mismatch> {
        Err(Mismatch::of("nothing", &val))
    }

    fn into_payload(self) -> Option<Box<Val>> {
        None
    }

    fn from_payload(payload: Option<Box<Val>>) -> Result<Self, Mismatch> {
        payload.map_or(Ok(()), |val| Self::from_val(*val))
    }
}

impl<T: Value> Value for Vec<T> {
    fn into_val(self) -> Val {
        Val::List(self.into_iter().map(T::into_val).collect())
    }

    fn from_val(val: Val) -> Result<Self, Mismatch> {
        match val {
            Val::List(values) => values.into_iter().map(T::from_val).collect(),
            other => Err(Mismatch::of("a list", &other)),
        }
    }
}

impl<T: Value> Value for Option<T> {
    fn into_val(self) -> Val {
        Val::Option(self.map(|value| Box::new(value.into_val())))
    }

    fn from_val(val: Val) -> Result<Self, Mismatch> {
        match val {
            Val::Option(value) => value.map(|value| T::from_val(*value)).transpose(),
            other => Err(Mismatch::of("an option", &other)),
        }
    }
}

impl<T: Value, E: Value> Value for Result<T, E> {
    fn into_val(self) -> Val {
        Val::Result(self.map(T::into_payload).map_err(E::into_payload))
    }

    fn from_val(val: Val) -> Result<Self, Mismatch> {
        match val {
            Val::Result(Ok(payload)) => Ok(Ok(T::from_payload(payload)?)),
            Val::Result(Err(payload)) => Ok(Err(E::from_payload(payload)?)),
            other => Err(Mismatch::of("a result", &other)),
        }
    }
}

macro_rules! tuples {
    ($(($($part:ident)+))*) => {$(
        impl<$($part: Value),+> Value for ($($part,)+) {
            #[expect(non_snake_case, reason = "variables are called as their types")]
            fn into_val(self) -> Val {
                let ($($part,)+) = self;
                Val::Tuple(vec![$($part.into_val()),+])
            }

            fn from_val(val: Val) -> Result<Self, Mismatch> {
                let Val::Tuple(values) = val else { return Err(Mismatch::of("a tuple", &val)) };
                let mut values = values.into_iter();
                let tuple = ($($part::from_payload(values.next().map(Box::new))?,)+);
                match values.next() {
                    None => Ok(tuple),
                    Some(_) => Err(Mismatch::new("a tuple", "a longer one")),
                }
            }
        }
    )*};
}

tuples! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) (A B C D E F G H I) (A B C D E F G H I J)
    (A B C D E F G H I J K) (A B C D E F G H I J K L) (A B C D E F G H I J K L M) (A B C D E F G H I J K L M N)
    (A B C D E F G H I J K L M N O) (A B C D E F G H I J K L M N O P)
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    #[test]
    fn values_come_back() {
        fn back<T: Value + Clone + Debug + PartialEq>(value: T) {
            assert_eq!(T::from_payload(value.clone().into_payload()), Ok(value));
        }
        back(u64::MAX);
        back(i8::MIN);
        back("ä".to_owned());
        back(());
        back(vec![Some(Some(1.5f32)), Some(None), None]);
        back((1u8, 'x', (true,), vec![(); 0]));
        back::<Result<(), String>>(Ok(()));
        back::<Result<(), String>>(Err("why".to_owned()));
        back::<Result<u8, ()>>(Err(()));
    }

    #[test]
    fn other_types_are_told() {
        assert_eq!(
            u8::from_val(Val::U16(1)).map_err(|error| error.to_string()),
            Err("expected u8, got an unsigned integer".into())
        );
        assert!(<(u8,)>::from_val(Val::Tuple(vec![Val::U8(1), Val::U8(2)])).is_err());
        assert!(String::from_payload(None).is_err() && <()>::from_payload(Some(Box::new(Val::Bool(true)))).is_err());
    }
}
