//! Names in Rust and names in WIT.

use std::collections::BTreeMap;

pub(super) use marine_manifest::escaped;
use thiserror::Error;

use super::items::{Items, Type};

/// The longest name, in bytes.
const MAX_NAME: usize = 256;

/// A name that WIT cannot express (code `M130`).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name:?} cannot be a WIT name: {why}\nhelp: rename it, or give a name with #[marine(name = \"..\")]")]
pub struct NameError {
    /// The name as given, cut to 60 characters.
    pub name: String,
    /// What is wrong with it.
    pub why: &'static str,
}

/// The WIT name of a Rust name: `snake_case` and `CamelCase` become kebab-case; names that are kebab-case already stay.
///
/// # Errors
/// [`NameError`] if WIT has no such name.
pub fn kebab_case(rust: &str) -> Result<String, NameError> {
    let name = rust.strip_prefix("r#").unwrap_or(rust);
    if let Some(why) = refusal(name) {
        return Err(NameError { name: rust.chars().take(60).collect(), why });
    }
    if !name.contains(|c: char| c.is_ascii_lowercase()) {
        return Ok(name.to_ascii_lowercase().replace('_', "-"));
    }
    let mut kebab = String::with_capacity(name.len() + 4);
    let bytes = name.as_bytes();
    for (index, &byte) in bytes.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| bytes[before]);
        let after = bytes.get(index + 1);
        if byte.is_ascii_uppercase() {
            // `UserId` and `line2Of` split before the capital; in `HTTPServer` only the last capital opens a word.
            let opens = before.is_some_and(|before| before.is_ascii_lowercase() || before.is_ascii_digit())
                || before.is_some_and(|before| before.is_ascii_uppercase())
                    && after.is_some_and(u8::is_ascii_lowercase);
            if opens {
                kebab.push('-');
            }
        }
        kebab.push(if byte == b'_' { '-' } else { byte.to_ascii_lowercase() as char });
    }
    Ok(kebab)
}

/// The WIT name of a parameter: leading underscores only tell the compiler that it is unused.
pub(super) fn param_name(rust: &str) -> Result<String, NameError> {
    kebab_case(rust.trim_start_matches('_'))
}

/// Names in Rust that cannot be had back from those in WIT: functions and fields by `snake_case`, types and cases by
/// `CamelCase`.
pub(super) fn lost(items: &Items) -> BTreeMap<String, String> {
    let mut lost = BTreeMap::new();
    for export in &items.exports {
        note(&mut lost, "", &export.name, snake_case);
        let types = export.params.iter().map(|param| &param.ty).chain([&export.result]);
        types.for_each(|ty| note_types(&mut lost, ty));
    }
    lost
}

fn note_types(lost: &mut BTreeMap<String, String>, ty: &Type) {
    match ty {
        Type::List(inner) | Type::Option(inner) | Type::Fixed(_, inner) => note_types(lost, inner),
        Type::Result(ok, err) => [ok, err].into_iter().for_each(|ty| note_types(lost, ty)),
        Type::Tuple(types) => types.iter().for_each(|ty| note_types(lost, ty)),
        Type::Record(name, _, fields) => {
            note(lost, "", name, camel_case);
            let owner = format!("{}.", kebab_case(name).unwrap_or_default());
            for field in fields {
                note(lost, &owner, &field.name, snake_case);
                note_types(lost, &field.ty);
            }
        }
        Type::Enum(name, _, cases) | Type::Variant(name, _, cases) => {
            note(lost, "", name, camel_case);
            let owner = format!("{}.", kebab_case(name).unwrap_or_default());
            for case in cases {
                note(lost, &owner, &case.name, camel_case);
                note_types(lost, &case.ty);
            }
        }
        _ => {}
    }
}

fn note(lost: &mut BTreeMap<String, String>, owner: &str, rust: &str, back: fn(&str) -> String) {
    // A name that WIT cannot express has been refused before.
    let Ok(wit) = kebab_case(rust) else { return };
    if back(&wit) != rust {
        lost.insert(format!("{owner}{wit}"), rust.to_owned());
    }
}

fn snake_case(wit: &str) -> String {
    wit.replace('-', "_")
}

fn camel_case(wit: &str) -> String {
    let capitalised = |word: &str| match word.split_at_checked(1) {
        Some((first, rest)) => first.to_ascii_uppercase() + rest,
        None => String::new(),
    };
    wit.split('-').map(capitalised).collect()
}

/// Checks that `name` is a kebab-case name already.
pub(super) fn check_label(name: &str) -> Result<(), NameError> {
    match kebab_case(name) {
        Ok(kebab) if kebab == name => Ok(()),
        Ok(_) => Err(NameError { name: name.to_owned(), why: "it is not kebab-case" }),
        Err(why) => Err(why),
    }
}

fn refusal(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.len() > MAX_NAME {
        return Some("it is longer than 256 bytes");
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
        return Some("only ASCII letters, digits and single underscores are possible");
    }
    if !name.as_bytes()[0].is_ascii_alphabetic() {
        return Some("it does not start with a letter");
    }
    if name.split(['_', '-']).any(str::is_empty) {
        return Some("it has trailing or double underscores");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_to_wit() {
        let cases = [
            ("total", Some("total")),
            ("get_n_save", Some("get-n-save")),
            ("line_2", Some("line-2")),
            ("Line", Some("line")),
            ("UserId", Some("user-id")),
            ("HTTPServer", Some("http-server")),
            ("Utf8", Some("utf8")),
            ("line2Of", Some("line2-of")),
            ("r#type", Some("type")),
            ("my-name", Some("my-name")),
            ("A", Some("a")),
            ("AB", Some("ab")),
            ("A1B", Some("a1b")),
            ("MAX_SIZE", Some("max-size")),
            ("Sha256Hash", Some("sha256-hash")),
            ("_x", None),
            ("x_", None),
            ("a__b", None),
            ("2x", None),
            ("größe", None),
            ("", None),
            ("a b", None),
            ("a\0", None),
        ];
        for (rust, wit) in cases {
            assert_eq!(kebab_case(rust).ok().as_deref(), wit, "{rust:?}");
        }
        assert_eq!(param_name("__unused_2").as_deref(), Ok("unused-2"));
        assert!(param_name("_").is_err());
    }

    #[test]
    fn every_keyword_is_escaped_and_accepted_by_the_parser() {
        for keyword in marine_manifest::WIT_KEYWORDS.iter().filter(|keyword| **keyword != "_") {
            let name = escaped(keyword);
            let text = format!("package a:b;\ninterface api {{ record {name} {{ {name}: u8 }} }}\n");
            let parsed = wit_parser::Resolve::default().push_str("t.wit", &text);
            assert!(parsed.is_ok(), "{text}{parsed:?}");
        }
    }
}
