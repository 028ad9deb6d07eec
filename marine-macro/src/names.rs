//! Names: which Rust names WIT can express, and how two of them collide.
//!
//! `marine build` derives the names in the WIT from the Rust names; here it is only made sure that it can.

use std::collections::HashMap;

use proc_macro2::Ident;
use syn::LitStr;
use syn::ext::IdentExt;

use crate::diagnostics::{Code, Errors};

/// How a name is written in Rust.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Functions, fields: `snake_case`.
    Snake,
    /// Parameters: `snake_case`, leading underscores do not count.
    Param,
    /// Types, cases: `CamelCase`, or `snake_case`.
    Camel,
}

/// A name as it goes into the description: the Rust name, or the one that `#[marine(name = "..")]` gives.
pub(crate) fn describe(ident: &Ident, given: Option<&LitStr>, style: Style, errors: &mut Errors) -> String {
    if let Some(given) = given {
        let name = given.value();
        if let Err(problem) = check_kebab(&name) {
            let help = "write lower-case words joined by single dashes, such as `line-item`";
            errors.add(Code::M130, given, format_args!("`{name}` is no WIT name: {problem}"), help);
        }
        return name;
    }
    let rust = ident.unraw().to_string();
    let name = if style == Style::Param { rust.trim_start_matches('_') } else { &rust };
    if let Err(problem) = kebab(name, style) {
        errors.add(
            Code::M130,
            ident,
            format_args!("`{rust}` cannot be expressed in WIT: {problem}"),
            "rename it, or give its name in WIT: #[marine(name = \"..\")]",
        );
    }
    name.to_owned()
}

/// The WIT name of a function called `name`, as [`describe`] returned it.
pub(crate) fn wit_name(name: &str) -> String {
    kebab(name, Style::Snake).unwrap_or_else(|_| name.to_owned())
}

/// What stands between a name and `word`, so that another word begins there: a dash, unless a capital letter says so.
pub(crate) fn word_break(word: &str) -> &'static str {
    if word.starts_with(|c: char| c.is_ascii_uppercase()) { "" } else { "-" }
}

/// The names of one item that have to differ.
#[derive(Default)]
pub(crate) struct Unique(HashMap<String, String>);

impl Unique {
    /// Adds the name of `ident` as [`describe`] returned it; `what` says of what, for the message.
    pub(crate) fn add(&mut self, what: &str, ident: &Ident, name: &str, style: Style, errors: &mut Errors) {
        let Ok(wit) = kebab(name, style).or_else(|_| check_kebab(name).map(|()| name.to_owned())) else { return };
        if let Some(first) = self.0.insert(wit.clone(), ident.to_string()) {
            errors.add(
                Code::M131,
                ident,
                format_args!("two {what} have the WIT name `{wit}`: `{first}` and `{ident}`"),
                "rename one of them, or give it another name in WIT: #[marine(name = \"..\")]",
            );
        }
    }
}

/// The WIT name of a Rust name, or why there is none.
fn kebab(name: &str, style: Style) -> Result<String, &'static str> {
    if !name.is_ascii() {
        return Err("WIT names are ASCII");
    }
    if name.is_empty() || name.starts_with('_') || name.ends_with('_') || name.contains("__") {
        return Err("leading, trailing and double underscores have no counterpart");
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("a name does not begin with a digit");
    }
    let shouting = !name.contains(|c: char| c.is_ascii_lowercase());
    if shouting || !name.contains(|c: char| c.is_ascii_uppercase()) {
        return Ok(name.to_ascii_lowercase().replace('_', "-"));
    }
    if style != Style::Camel || name.contains('_') || name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err("its words mix upper and lower case");
    }
    Ok(split_camel(name))
}

/// `HttpServer2` -> `http-server2`, `HTTPServer` -> `http-server`.
fn split_camel(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut wit = String::with_capacity(name.len() + 4);
    for (i, c) in chars.iter().enumerate() {
        let after_word = i > 0 && !chars[i - 1].is_ascii_uppercase();
        let before_word = i > 0 && chars.get(i + 1).is_some_and(char::is_ascii_lowercase);
        if c.is_ascii_uppercase() && (after_word || before_word) {
            wit.push('-');
        }
        wit.push(c.to_ascii_lowercase());
    }
    wit
}

/// Whether `name` is a WIT name in lower case.
fn check_kebab(name: &str) -> Result<(), &'static str> {
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err("it has to begin with a lower-case letter");
    }
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        return Err("it has to consist of lower-case ASCII letters, digits and dashes");
    }
    if name.ends_with('-') || name.contains("--") {
        return Err("a dash has to stand between two words");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Style, check_kebab, kebab};

    #[test]
    fn wit_names_of_rust_names() {
        let cases = [
            ("get_n_save", Style::Snake, Some("get-n-save")),
            ("line_2", Style::Snake, Some("line-2")),
            ("x", Style::Snake, Some("x")),
            ("getUrl", Style::Snake, None),
            ("get__url", Style::Snake, None),
            ("_get", Style::Snake, None),
            ("get_", Style::Snake, None),
            ("größe", Style::Snake, None),
            ("Line", Style::Camel, Some("line")),
            ("HttpServer2", Style::Camel, Some("http-server2")),
            ("HTTPServer", Style::Camel, Some("http-server")),
            ("Sha256Hash", Style::Camel, Some("sha256-hash")),
            ("my_record", Style::Camel, Some("my-record")),
            ("MAX_SIZE", Style::Camel, Some("max-size")),
            ("My_Record", Style::Camel, None),
        ];
        for (name, style, expected) in cases {
            assert_eq!(kebab(name, style).ok().as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn given_names_are_wit_names() {
        for name in ["a", "line-item", "line-2"] {
            assert_eq!(check_kebab(name), Ok(()), "{name}");
        }
        for name in ["", "Line", "a_b", "a--b", "a-", "2a"] {
            assert!(check_kebab(name).is_err(), "{name}");
        }
    }
}
