//! Calls as people type them: `f(1, "x")`, `till.total(lines: [], discount: null)`.
//!
//! Values are JSON, taken byte for byte. Positional arguments become a JSON array, named ones an object; the service
//! converts them and reports what does not fit. No evaluation happens here.

use std::ops::Range;

use serde_json::{Map, Value};

use super::place::{Step, descend, steps, underlined};

/// One call, parsed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CallExpression {
    /// The module asked for; the facade if none.
    pub(crate) module: Option<String>,
    /// Function name, as written.
    pub(crate) function: String,
    /// An array (by position), an object (by name), `null` or one scalar.
    pub(crate) args: Value,
    /// What was typed.
    pub(super) text: String,
    pub(super) places: Places,
}

/// Where the arguments stand in what was typed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Places {
    /// One by one, with names where given.
    Each(Vec<(Option<String>, Range<usize>)>),
    /// All as one JSON text.
    Whole(Range<usize>),
}

/// What is wrong with a typed call, and where.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{what}\n{shown}")]
pub(crate) struct ExpressionError {
    /// The line with the mistake, and a mark below it.
    shown: String,
    what: String,
}

impl CallExpression {
    /// Parses `text`. A bare name is a call without arguments.
    pub(crate) fn parse(text: &str) -> Result<Self, ExpressionError> {
        let mut input = Input { text, at: 0 };
        input.skip_space();
        let first = input.name("a function name")?;
        let second = input.eat('.').then(|| input.name("a function name after the dot")).transpose()?;
        let (module, function) = match second {
            Some(function) => (Some(first), function),
            None => (None, first),
        };
        input.skip_space();
        let (args, places) = match input.eat('(') {
            true => input.arguments()?,
            false => (Value::Array(Vec::new()), Vec::new()),
        };
        input.skip_space();
        match input.rest() {
            "" => Ok(Self { module, function, args, text: text.to_string(), places: Places::Each(places) }),
            _ => Err(input.error("nothing may follow the call")),
        }
    }

    /// The call with the value underlined to which `path` (such as `args[0].user`) leads, if that was typed.
    pub(super) fn underlined(&self, path: &str) -> Option<String> {
        let steps = steps(path);
        let place = match (&self.places, steps.split_first()) {
            (Places::Each(places), Some((first, rest))) => {
                let found = match first {
                    Step::Index(index) => places.get(*index),
                    Step::Name(name) => places.iter().find(|(known, _)| known.as_deref() == Some(name)),
                };
                descend(&self.text, found?.1.clone(), rest)
            }
            (Places::Whole(place), Some((Step::Index(0), rest))) if !self.text[place.clone()].starts_with('[') => {
                descend(&self.text, place.clone(), rest)
            }
            (Places::Whole(place), _) => descend(&self.text, place.clone(), &steps),
            (Places::Each(places), None) => places.first()?.1.start..places.last()?.1.end,
        };
        Some(underlined(&self.text, place))
    }
}

/// Arguments, and where each stands.
type Arguments = (Value, Vec<(Option<String>, Range<usize>)>);

struct Input<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Input<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn eat(&mut self, expected: char) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn name(&mut self, what: &str) -> Result<String, ExpressionError> {
        let name = leading_name(self.rest());
        if name.is_empty() {
            return Err(self.error(&format!("expected {what}, as in `f(1, \"x\")`")));
        }
        self.at += name.len();
        Ok(name.to_string())
    }

    /// What follows `(`, up to and with the matching `)`.
    fn arguments(&mut self) -> Result<Arguments, ExpressionError> {
        let (mut positional, mut named, mut places) = (Vec::new(), Map::new(), Vec::new());
        self.skip_space();
        if self.eat(')') {
            return Ok((Value::Array(positional), places));
        }
        loop {
            self.skip_space();
            let start = self.at;
            let name = self.argument_name();
            self.skip_space();
            let from = self.at;
            let value = self.value()?;
            places.push((name.clone(), from..self.at));
            match name {
                Some(name) => {
                    if named.insert(name.clone(), value).is_some() {
                        return Err(self.error_at(start, &format!("`{name}` is given twice")));
                    }
                }
                None => positional.push(value),
            }
            if !positional.is_empty() && !named.is_empty() {
                return Err(self.error_at(start, "arguments are given either by position or by name, not both"));
            }
            self.skip_space();
            if self.eat(')') {
                let args = if named.is_empty() { Value::Array(positional) } else { Value::Object(named) };
                return Ok((args, places));
            }
            if !self.eat(',') {
                return Err(self.error("expected `,` or `)`"));
            }
        }
    }

    /// `name:` before a value, if it is there.
    fn argument_name(&mut self) -> Option<String> {
        let name = leading_name(self.rest());
        let after = self.rest()[name.len()..].trim_start();
        if name.is_empty() || !after.starts_with(':') {
            return None;
        }
        self.at = self.text.len() - after.len() + 1;
        Some(name.to_string())
    }

    fn value(&mut self) -> Result<Value, ExpressionError> {
        self.skip_space();
        let json = &self.rest()[..value_length(self.rest())];
        let value = serde_json::from_str(json).map_err(|error| {
            let at = self.at + offset(json, error.line(), error.column());
            self.error_at(at, &format!("not JSON: {}", plain(&error)))
        })?;
        self.at += json.len();
        Ok(value)
    }

    fn error(&self, what: &str) -> ExpressionError {
        self.error_at(self.at, what)
    }

    fn error_at(&self, at: usize, what: &str) -> ExpressionError {
        ExpressionError { shown: underlined(self.text, at..at), what: what.to_string() }
    }
}

pub(super) fn leading_name(text: &str) -> &str {
    let mut chars = text.char_indices();
    match chars.next() {
        Some((_, first)) if first.is_ascii_alphabetic() || first == '_' => {}
        _ => return "",
    }
    let end =
        chars.find(|(_, c)| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// Bytes up to the `,` or `)` that ends a value: the first one outside strings and brackets.
pub(super) fn value_length(text: &str) -> usize {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ if in_string => {}
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            ',' | ')' if depth == 0 => return text[..at].trim_end().len(),
            _ => {}
        }
    }
    text.trim_end().len()
}

/// Byte offset of serde_json's line and column (both from 1; the column counts bytes).
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let at = (before + column.saturating_sub(1)).min(text.len());
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// serde_json's message without its position, which the caret shows.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::place::{BEFORE, BEHIND};
    use super::*;

    #[test]
    fn calls_are_read_as_typed() {
        let cases = [
            ("f", None, "f", json!([])),
            (" f ( ) ", None, "f", json!([])),
            (r#"greet("Ada")"#, None, "greet", json!(["Ada"])),
            (r#"f(1, "a,)\"(b", [1, {"x": 2}], null)"#, None, "f", json!([1, "a,)\"(b", [1, {"x": 2}], null])),
            (
                "till.total(lines: [], discount: 18446744073709551615)",
                Some("till"),
                "total",
                json!({"lines": [], "discount": u64::MAX}),
            ),
            ("url-loader.get_n_save(-1.5)", Some("url-loader"), "get_n_save", json!([-1.5])),
        ];
        for (text, module, function, args) in cases {
            let call = CallExpression::parse(text).expect(text);
            assert_eq!((call.module.as_deref(), call.function.as_str(), call.args), (module, function, args), "{text}");
        }
    }

    #[test]
    fn mistakes_are_pointed_at() {
        let cases = [
            ("", "expected a function name, as in `f(1, \"x\")`\n  \n  ^"),
            ("f(1", "expected `,` or `)`\n  f(1\n     ^"),
            ("f(1) g", "nothing may follow the call\n  f(1) g\n       ^"),
            ("f(a: 1, 2)", "arguments are given either by position or by name, not both\n  f(a: 1, 2)\n          ^"),
            ("f(a: 1, a: 2)", "`a` is given twice\n  f(a: 1, a: 2)\n          ^"),
            ("f(Ada)", "not JSON: expected value\n  f(Ada)\n    ^"),
            ("m.(1)", "expected a function name after the dot, as in `f(1, \"x\")`\n  m.(1)\n    ^"),
        ];
        for (text, expected) in cases {
            let error = CallExpression::parse(text).expect_err(text);
            assert_eq!(error.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn the_value_that_an_error_speaks_of_is_underlined() {
        let cases = [
            (r#"f({"age": -1})"#, "args[0].age", "  f({\"age\": -1})\n            ^^"),
            (
                r#"f(a: 1, user: {"x": [true]})"#,
                "args.user.x[0]",
                "  f(a: 1, user: {\"x\": [true]})\n                       ^^^^",
            ),
            ("f(1, 2)", "args", "  f(1, 2)\n    ^^^^"),
            ("f()", "args[0]", "none"),
        ];
        for (text, path, expected) in cases {
            let call = CallExpression::parse(text).expect(text);
            assert_eq!(call.underlined(path).unwrap_or("none".to_string()), expected, "{text} {path}");
        }
    }

    #[test]
    fn long_lines_are_cut_around_the_mistake() {
        let text = format!("f(\"{}\" x, \"{}\")", "a".repeat(70_000), "b".repeat(70_000));
        let error = CallExpression::parse(&text).expect_err("a stray word").to_string();
        let lines: Vec<_> = error.lines().map(|line| line.chars().count()).collect();
        assert!(lines.len() == 3 && lines.iter().all(|length| *length < 2 + BEFORE + BEHIND + 4), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = CallExpression::parse(&text);
        }

        #[test]
        fn printed_values_come_back(numbers in proptest::collection::vec(proptest::prelude::any::<i64>(), 0..5), text in "\\PC{0,20}") {
            let typed = format!("f({}, {})", json!(text), json!(numbers));
            proptest::prop_assert_eq!(CallExpression::parse(&typed).map(|call| call.args), Ok(json!([text, numbers])));
        }
    }
}
