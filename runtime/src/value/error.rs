//! Why a value does not fit a type, with the path to the place.

use std::fmt;

use serde_json::Value;

/// A value that does not fit, as `<path>: expected <type>, got <excerpt>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError {
    /// Where: starts with `args` or `result`, then `[index]`, `.name`.
    pub path: String,
    /// What was expected.
    pub expected: String,
    /// What was there, at most 60 characters.
    pub got: String,
    /// A sentence that says more than `expected` and `got` do, if there is one.
    pub message: Option<String>,
    /// What to do, if that is known.
    pub help: Option<String>,
}

impl fmt::Display for ValueError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Some(message) => write!(to, "{}: {message}", self.path)?,
            None => write!(to, "{}: expected {}, got {}", self.path, self.expected, self.got)?,
        }
        self.help.as_ref().map_or(Ok(()), |help| write!(to, "; {help}"))
    }
}

impl std::error::Error for ValueError {}

/// A [`ValueError`] on its way up: the path grows from its end. Boxed, so that results stay small.
#[derive(Debug)]
pub(crate) struct Fault(Box<Parts>);

#[derive(Debug)]
struct Parts {
    steps: Vec<String>,
    error: ValueError,
    too_large: bool,
}

impl Fault {
    pub(crate) fn new(expected: impl Into<String>, got: impl Into<String>) -> Fault {
        let (expected, got) = (expected.into(), got.into());
        let error = ValueError { path: String::new(), expected, got, message: None, help: None };
        Fault(Box::new(Parts { steps: Vec::new(), error, too_large: false }))
    }

    /// The value would take more bytes than it may.
    pub(crate) fn too_large(limit: u64) -> Fault {
        let mut fault = Fault::new(format!("at most {limit} bytes of JSON"), "more");
        fault.0.too_large = true;
        fault
    }

    pub(crate) fn is_too_large(&self) -> bool {
        self.0.too_large
    }

    pub(crate) fn saying(mut self, message: impl Into<String>) -> Fault {
        self.0.error.message = Some(message.into());
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Fault {
        self.0.error.help = Some(help.into());
        self
    }

    pub(crate) fn at_index(mut self, index: usize) -> Fault {
        self.0.steps.push(format!("[{index}]"));
        self
    }

    pub(crate) fn at_name(mut self, name: &str) -> Fault {
        self.0.steps.push(format!(".{name}"));
        self
    }

    /// The finished error, its path starting with `root`.
    pub(crate) fn rooted_at(self, root: &str) -> ValueError {
        let Parts { steps, mut error, .. } = *self.0;
        error.path = steps.iter().rev().fold(root.to_owned(), |path, step| path + step);
        error
    }
}

/// `value` as text of at most 60 characters.
pub(crate) fn excerpt(value: &Value) -> String {
    const SHOWN: usize = 60;
    let text = match value {
        // Printing all of a large value only to cut it would be wasteful.
        Value::Array(items) if items.len() > SHOWN => format!("an array of {} elements", items.len()),
        Value::Object(fields) if fields.len() > SHOWN => format!("an object of {} fields", fields.len()),
        Value::String(text) if text.len() > 4 * SHOWN => {
            return format!("\"{}..", text.chars().take(SHOWN - 3).collect::<String>());
        }
        other => other.to_string(),
    };
    match text.char_indices().nth(SHOWN) {
        Some(_) => text.chars().take(SHOWN - 2).chain("..".chars()).collect(),
        None => text,
    }
}
