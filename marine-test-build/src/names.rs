//! From names of WIT and manifests to identifiers of Rust.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span};

/// Words that cannot even be raw identifiers.
const NEVER_RAW: [&str; 5] = ["self", "super", "crate", "Self", "_"];
/// Keywords of Rust 2024, reserved ones included.
const KEYWORDS: [&str; 48] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// The module of `marine_test_env` that stands for the service called `name` (kebab-case) unless a test names it otherwise.
pub fn service_ident(name: &str) -> String {
    snake(name)
}

/// `price-list` as `price_list`.
pub(crate) fn snake(name: &str) -> String {
    name.replace('-', "_").to_ascii_lowercase()
}

/// `price-list` as `PriceList`.
pub(crate) fn camel(name: &str) -> String {
    let words = name.split(['-', '_']).map(|word| {
        let mut letters = word.chars();
        letters.next().map_or(String::new(), |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    });
    words.collect()
}

/// An identifier spelled `text`, raw if it is a keyword.
pub fn ident(text: &str) -> Ident {
    if NEVER_RAW.contains(&text) {
        Ident::new(&format!("{text}_"), Span::call_site())
    } else if KEYWORDS.contains(&text) {
        Ident::new_raw(text, Span::call_site())
    } else {
        Ident::new(text, Span::call_site())
    }
}

/// Identifiers of one scope: each is given once.
pub(crate) struct Scope(BTreeSet<String>);

impl Scope {
    /// A scope in which `reserved` are taken.
    pub(crate) fn new(reserved: &[&str]) -> Scope {
        Scope(reserved.iter().map(|name| (*name).to_owned()).collect())
    }

    /// `wanted`, with underscores behind it until nobody else has it.
    pub(crate) fn take(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while !self.0.insert(name.clone()) {
            name.push('_');
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_identifiers() {
        assert_eq!((snake("price-list"), camel("price-list")), ("price_list".to_owned(), "PriceList".to_owned()));
        assert_eq!(camel("HTTP-error-2"), "HTTPError2");
        let spelled = |text| ident(text).to_string();
        assert_eq!((spelled("type"), spelled("self"), spelled("tea")), ("r#type".into(), "self_".into(), "tea".into()));
        let mut scope = Scope::new(&["new"]);
        assert_eq!(
            (scope.take("new"), scope.take("new"), scope.take("tea")),
            ("new_".into(), "new__".into(), "tea".into())
        );
    }
}
