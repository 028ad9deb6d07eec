//! Arguments of builtin functions, taken one by one, and the faults of calls.

use serde_json::{Number, Value};

/// A call that failed: its `ret_code` and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: i32,
    pub(crate) message: String,
}

/// The function's own error.
pub(crate) const OWN: i32 = 1;
/// No such service or function.
pub(crate) const UNKNOWN: i32 = 2;
/// Bad arguments or result shape.
pub(crate) const SHAPE: i32 = 3;
/// A trap or a limit of the guest.
pub(crate) const TRAP: i32 = 4;
/// Took too long.
pub(crate) const TIMEOUT: i32 = 5;
/// Not allowed.
pub(crate) const DENIED: i32 = 6;
/// Too many calls wait.
pub(crate) const BUSY: i32 = 7;

impl Fault {
    pub(crate) fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// The arguments of a call of `service.function`.
pub(crate) struct Args {
    function: String,
    values: std::vec::IntoIter<Value>,
    given: usize,
    taken: usize,
}

impl Args {
    pub(crate) fn new(service: &str, function: &str, values: Vec<Value>) -> Self {
        Self { function: format!("{service}.{function}"), given: values.len(), values: values.into_iter(), taken: 0 }
    }

    /// A fault of this function.
    pub(crate) fn fault(&self, code: i32, message: impl std::fmt::Display) -> Fault {
        Fault::new(code, format!("{}: {message}", self.function))
    }

    /// All that are left.
    pub(crate) fn rest(&mut self) -> Vec<Value> {
        self.taken = self.given;
        self.values.by_ref().collect()
    }

    /// The next one, whatever it is.
    pub(crate) fn any(&mut self) -> Result<Value, Fault> {
        let at = self.taken;
        self.taken += 1;
        let given = self.given;
        self.values.next().ok_or_else(|| self.fault(SHAPE, format!("args[{at}] is missing, {given} given")))
    }

    pub(crate) fn string(&mut self) -> Result<String, Fault> {
        match self.any()? {
            Value::String(text) => Ok(text),
            other => Err(self.wrong("string", &other)),
        }
    }

    pub(crate) fn array(&mut self) -> Result<Vec<Value>, Fault> {
        match self.any()? {
            Value::Array(items) => Ok(items),
            other => Err(self.wrong("array", &other)),
        }
    }

    pub(crate) fn integer(&mut self) -> Result<i64, Fault> {
        let value = self.any()?;
        value.as_i64().ok_or_else(|| self.wrong("i64", &value))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Fault> {
        let value = self.any()?;
        value.as_u64().and_then(|number| u32::try_from(number).ok()).ok_or_else(|| self.wrong("u32", &value))
    }

    pub(crate) fn float(&mut self) -> Result<f64, Fault> {
        let value = self.any()?;
        value.as_f64().ok_or_else(|| self.wrong("f64", &value))
    }

    pub(crate) fn number(&mut self) -> Result<Number, Fault> {
        match self.any()? {
            Value::Number(number) => Ok(number),
            other => Err(self.wrong("number", &other)),
        }
    }

    /// A list of bytes.
    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, Fault> {
        let items = self.array()?;
        let byte = |item: &Value| item.as_u64().and_then(|n| u8::try_from(n).ok());
        let wrong = |item: &Value| self.wrong("u8 (0..=255)", item);
        items.iter().map(|item| byte(item).ok_or_else(|| wrong(item))).collect()
    }

    /// An option: `T`, `[T]`, `[]`, `null` or nothing.
    fn option(&mut self) -> Option<Value> {
        self.taken = (self.taken + 1).min(self.given);
        match self.values.next()? {
            Value::Null => None,
            Value::Array(mut items) if items.len() <= 1 => items.pop(),
            value => Some(value),
        }
    }

    /// An optional text.
    pub(crate) fn option_string(&mut self) -> Result<Option<String>, Fault> {
        self.option_of("?string", |value| value.as_str().map(str::to_owned))
    }

    /// An optional truth value.
    pub(crate) fn option_bool(&mut self) -> Result<Option<bool>, Fault> {
        self.option_of("?bool", Value::as_bool)
    }

    /// An optional number.
    pub(crate) fn option_u32(&mut self) -> Result<Option<u32>, Fault> {
        self.option_of("?u32", |value| value.as_u64()?.try_into().ok())
    }

    /// An optional number, negative ones too.
    pub(crate) fn option_i32(&mut self) -> Result<Option<i32>, Fault> {
        self.option_of("?i32", |value| value.as_i64()?.try_into().ok())
    }

    /// An optional list.
    pub(crate) fn option_array(&mut self) -> Result<Option<Vec<Value>>, Fault> {
        self.option_of("?[]", |value| value.as_array().cloned())
    }

    fn option_of<T>(&mut self, expected: &str, take: impl Fn(&Value) -> Option<T>) -> Result<Option<T>, Fault> {
        let value = self.option();
        value.map(|value| take(&value).ok_or_else(|| self.wrong(expected, &value))).transpose()
    }

    /// There are no more.
    pub(crate) fn end(self) -> Result<(), Fault> {
        if self.values.len() == 0 {
            return Ok(());
        }
        let (most, given) = (self.taken, self.given);
        Err(self.fault(SHAPE, format!("takes at most {most} arguments, {given} given")))
    }

    fn wrong(&self, expected: &str, got: &Value) -> Fault {
        let at = self.taken.saturating_sub(1);
        self.fault(SHAPE, format!("args[{at}]: expected {expected}, got {}", excerpt(got)))
    }
}

/// At most 60 characters of a value's JSON.
fn excerpt(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
