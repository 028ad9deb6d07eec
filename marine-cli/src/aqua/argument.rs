//! Arguments of a call on the command line: JSON, with names of values and Aqua's options and streams in it.

use serde_json::{Map, Value};

use super::call::Data;
use crate::exit::{Exit, Failure, Outcome};

/// How deep arguments may nest, as in JSON.
const MAX_DEPTH: usize = 120;

/// An argument.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Argument {
    /// A value.
    Value(Value),
    /// The name of a value.
    Name(String),
    /// `[a, b]`, and `?[a]` and `*[a]`, which are exchanged as arrays too.
    Array(Vec<Argument>),
    /// `{"a": 1}`
    Object(Vec<(String, Argument)>),
}

impl Argument {
    /// The value, with those that names stand for.
    pub(super) fn value(&self, data: &Data) -> Outcome<Value> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::Array(items) => items.iter().map(|item| item.value(data)).collect(),
            Self::Object(fields) => {
                let fields = fields.iter().map(|(name, field)| Ok((name.clone(), field.value(data)?)));
                fields.collect::<Outcome<Map<_, _>>>().map(Value::Object)
            }
            Self::Name(name) => data.get(name).cloned().ok_or_else(|| {
                Failure::new(Exit::Usage, format!("there is no `{name}` in the data"))
                    .help(format!("texts stand in double quotes; a value is given with --data '{{\"{name}\": ..}}'"))
            }),
        }
    }
}

/// The name and the arguments of `fn(a, b)`.
///
/// # Errors
/// [`Exit::Usage`], with the place where it stops making sense.
pub(super) fn parse(call: &str) -> Outcome<(String, Vec<Argument>)> {
    let mut parser = Parser { rest: call };
    parser.call().map_err(|what| {
        let at = call.len() - parser.rest.len();
        let column = call[..at].chars().count();
        Failure::new(Exit::Usage, format!("this is no call: {what}\n  {call}\n  {:column$}^", ""))
            .help("for example -f 'greet(\"Ada\", 3)'; values are JSON, or names in --data")
    })
}

struct Parser<'t> {
    rest: &'t str,
}

impl Parser<'_> {
    fn call(&mut self) -> Result<(String, Vec<Argument>), String> {
        self.space();
        let name = self.word();
        if name.is_empty() {
            return Err("it begins with the name of a function".to_owned());
        }
        self.space();
        self.expect('(')?;
        let arguments = self.list(')', MAX_DEPTH)?;
        self.space();
        if self.rest.is_empty() { Ok((name, arguments)) } else { Err("something stands behind the call".to_owned()) }
    }

    /// What is left of a list, up to its end.
    fn list(&mut self, end: char, depth: usize) -> Result<Vec<Argument>, String> {
        let mut items = Vec::new();
        loop {
            self.space();
            if self.take(end) {
                return Ok(items);
            }
            items.push(self.argument(depth)?);
            self.space();
            if !self.take(',') && !self.rest.starts_with(end) {
                return Err(format!("expected `,` or `{end}`"));
            }
        }
    }

    fn argument(&mut self, depth: usize) -> Result<Argument, String> {
        let Some(depth) = depth.checked_sub(1) else { return Err("this nests too deeply".to_owned()) };
        for open in ["[", "?[", "*["] {
            if let Some(rest) = self.rest.strip_prefix(open) {
                self.rest = rest;
                return Ok(Argument::Array(self.list(']', depth)?));
            }
        }
        if self.take('{') {
            return self.object(depth);
        }
        for own in ["%init_peer_id%", "%init_peer%"] {
            if let Some(rest) = self.rest.strip_prefix(own) {
                self.rest = rest;
                return Ok(Argument::Name("INIT_PEER_ID".to_owned()));
            }
        }
        match self.rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            true => Ok(match self.word().as_str() {
                "true" => Argument::Value(Value::Bool(true)),
                "false" => Argument::Value(Value::Bool(false)),
                "null" | "nil" => Argument::Value(Value::Null),
                name => Argument::Name(name.to_owned()),
            }),
            false => self.literal(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Argument, String> {
        let mut fields = Vec::new();
        loop {
            self.space();
            if self.take('}') {
                return Ok(Argument::Object(fields));
            }
            let name = match self.rest.chars().next() {
                Some('"') => match self.literal()? {
                    Argument::Value(Value::String(name)) => name,
                    _ => return Err("expected the name of a field".to_owned()),
                },
                Some(c) if c.is_ascii_alphabetic() => self.word(),
                _ => return Err("expected the name of a field".to_owned()),
            };
            self.space();
            self.expect(':')?;
            self.space();
            fields.push((name, self.argument(depth)?));
            self.space();
            if !self.take(',') && !self.rest.starts_with('}') {
                return Err("expected `,` or `}`".to_owned());
            }
        }
    }

    /// A text or number of JSON.
    fn literal(&mut self) -> Result<Argument, String> {
        let is_text = self.rest.starts_with('"');
        let is_number = |c: char| c.is_ascii_alphanumeric() || ['-', '+', '.'].contains(&c);
        let end = if is_text { self.text_end() } else { self.rest.find(|c| !is_number(c)) };
        let (literal, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let value = serde_json::from_str(literal).map_err(|_| "expected a value".to_owned())?;
        self.rest = rest;
        Ok(Argument::Value(value))
    }

    /// The end of the text that begins here.
    fn text_end(&self) -> Option<usize> {
        let mut escaped = false;
        let mut is_end = |c: char| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        };
        self.rest.char_indices().skip(1).find(|(_, c)| is_end(*c)).map(|(at, _)| at + 1)
    }

    fn word(&mut self) -> String {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.take(wanted) { Ok(()) } else { Err(format!("expected `{wanted}`")) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_are_json_or_names() {
        let data: Data = [("x".to_owned(), json!(7)), ("INIT_PEER_ID".to_owned(), json!("me"))].into();
        let cases = [
            ("f()", json!([])),
            (" f ( ) ", json!([])),
            ("f(\"a, b)\", x, [1, x,], -2.5)", json!(["a, b)", 7, [1, 7], -2.5])),
            ("f({\"k\": null, l: {\"m\": [x]}})", json!([{ "k": null, "l": { "m": [7] } }])),
            ("f(?[], ?[\"a\"], *[1], nil, true)", json!([[], ["a"], [1], null, true])),
            ("f(%init_peer_id%, %init_peer%)", json!(["me", "me"])),
            ("f(\"line\\nbreak \\\"quoted\\\"\")", json!(["line\nbreak \"quoted\""])),
        ];
        for (call, expected) in cases {
            let (name, arguments) = parse(call).unwrap_or_else(|failure| panic!("{call}: {}", failure.error));
            let values: Vec<Value> =
                arguments.iter().map(|argument| argument.value(&data).expect("all are known")).collect();
            assert_eq!((&*name, json!(values)), ("f", expected), "{call}");
        }
        assert!(Argument::Name("y".to_owned()).value(&data).is_err());
    }

    #[test]
    fn what_is_no_call_is_shown_where_it_stops_making_sense() {
        let deep = format!("f({}", "[".repeat(100_000));
        let cases = [
            ("", "begins with the name", 0),
            ("f", "expected `(`", 1),
            ("f(1", "expected `,` or `)`", 3),
            ("f(1 2)", "expected `,` or `)`", 4),
            ("f(1) 2", "stands behind", 5),
            ("f(\"a)", "expected a value", 2),
            ("f({1: 2})", "expected the name of a field", 3),
            ("f(,)", "expected a value", 2),
            (&deep, "nests too deeply", 122),
        ];
        for (call, what, column) in cases {
            let Err(failure) = parse(call) else { panic!("{call} is a call") };
            let text = failure.error.to_string();
            assert!(text.contains(what), "{call}: {text}");
            assert!(text.ends_with(&format!("\n  {}^", " ".repeat(column))), "{call}: {text}");
        }
    }
}
