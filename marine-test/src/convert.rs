//! What the conversions of generated types share.

use marine_runtime::Val;

use crate::value::{Mismatch, Value};

/// The fields of a record that a component returned, to be taken in order.
#[derive(Debug)]
pub struct Fields {
    record: &'static str,
    fields: std::vec::IntoIter<(String, Val)>,
}

impl Fields {
    /// The fields of `val`, which is a `record`.
    ///
    /// # Errors
    /// If it is not.
    pub fn of(val: Val, record: &'static str) -> Result<Fields, Mismatch> {
        match val {
            Val::Record(fields) => Ok(Fields { record, fields: fields.into_iter() }),
            other => Err(Mismatch::of(&format!("a record `{record}`"), &other)),
        }
    }

    /// The next field, which is called `name`.
    ///
    /// # Errors
    /// If it is another, or of another type.
    pub fn take<T: Value>(&mut self, name: &str) -> Result<T, Mismatch> {
        match self.fields.next() {
            Some((found, val)) if found == name => T::from_val(val),
            found => {
                let got = found.map_or("nothing".to_owned(), |(found, _)| format!("`{found}`"));
                Err(Mismatch::new(&format!("field `{name}` of `{}`", self.record), &got))
            }
        }
    }
}

/// The case and payload of `val`, which is an enum or variant called `name`.
///
/// # Errors
/// If it is not.
pub fn case_of(val: Val, name: &str) -> Result<(String, Option<Box<Val>>), Mismatch> {
    match val {
        Val::Enum(case) => Ok((case, None)),
        Val::Variant(case, payload) => Ok((case, payload)),
        other => Err(Mismatch::of(&format!("a case of `{name}`"), &other)),
    }
}

/// The flags of `val` that are set; it is called `name`.
///
/// # Errors
/// If it is something else.
pub fn flags_of(val: Val, name: &str) -> Result<Vec<String>, Mismatch> {
    match val {
        Val::Flags(set) => Ok(set),
        other => Err(Mismatch::of(&format!("flags `{name}`"), &other)),
    }
}
