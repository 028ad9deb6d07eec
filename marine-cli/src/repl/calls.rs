//! Calls: from what was typed to a value, or to an error that points at what was typed.

use std::time::Instant;

use marine_runtime::{CallError, CallOptions, CallParameters};
use serde_json::{Value, json};

use super::command::Command;
use super::expression::{CallExpression, Places};
use super::{Reply, Session};
use crate::exit::{Exit, Failure, Outcome};

impl Session {
    /// Sets the call parameters that go with every following call, from JSON; returns all that differ from the defaults.
    pub(crate) fn set_params(&mut self, text: &str) -> Outcome<(String, Value)> {
        match text {
            "" => {}
            "reset" => self.params = json!({}),
            _ => self.params = merged(&self.params, text)?,
        }
        Ok((pretty(&self.params), self.params.clone()))
    }

    /// `f(1, "x")`, `till.f(times: 2)`.
    pub(super) fn typed_call(&self, line: &str) -> Outcome<Reply> {
        self.call(&parse(line)?, &self.params)
    }

    /// One call, as `marine call` makes it.
    pub(crate) fn call_once(&self, call: &CallExpression) -> Outcome<Reply> {
        self.call(call, &self.params)
    }

    /// `call [-nr] [MODULE] FN [ARGS] [PARAMS]`.
    pub(super) fn words_call(&self, command: &Command, text: &str) -> Outcome<Reply> {
        let (mut quiet, mut words) = (false, text);
        let mut module = None;
        let function = loop {
            let (word, rest) =
                words.split_once(char::is_whitespace).map_or((words, ""), |(word, rest)| (word, rest.trim_start()));
            match word {
                "" => return Err(command.misused("which function?")),
                "-nr" => quiet = true,
                // A first word that names a module is the module, unless nothing follows that could be a function.
                _ if module.is_none() && !rest.is_empty() && self.module(word).is_ok() => {
                    module = Some(word.to_owned())
                }
                _ => {
                    words = rest;
                    break word.to_owned();
                }
            }
            words = rest;
        };
        let (words, flag) = words.strip_suffix("-nr").map_or((words, false), |before| (before.trim_end(), true));
        let mut values = serde_json::Deserializer::from_str(words).into_iter::<Value>();
        let args = values.next().transpose().map_err(|error| no_json(words, &error))?;
        let end = values.byte_offset();
        let params = words[end..].trim();
        let params = if params.is_empty() { self.params.clone() } else { merged(&self.params, params)? };
        let places = Places::Whole(0..end);
        let args = args.unwrap_or(json!([]));
        let call = CallExpression { module, function, args, text: words.to_owned(), places };
        let mut reply = self.call(&call, &params)?;
        if quiet || flag {
            (reply.text, reply.result) = (String::new(), Value::Null);
        }
        Ok(reply)
    }

    fn call(&self, call: &CallExpression, params: &Value) -> Outcome<Reply> {
        let service = self.service()?;
        let params = parameters(params)?;
        let started = Instant::now();
        let result = self.interrupt.during(|cancel| {
            let options = CallOptions {
                params,
                deadline: self.settings.timeout,
                dialect: self.settings.dialect,
                cancel: Some(cancel),
                ..CallOptions::default()
            };
            match &call.module {
                None => service.call(&call.function, call.args.clone(), options),
                Some(module) => service.call_module(module, &call.function, call.args.clone(), options),
            }
        });
        let time = started.elapsed();
        let result = result.map_err(|error| pointed_out(error, call))?;
        Ok(Reply { text: pretty(&result), result, time: Some(time) })
    }
}

/// A typed call, or why the text is none.
pub(crate) fn parse(text: &str) -> Outcome<CallExpression> {
    CallExpression::parse(text).map_err(|error| Failure { exit: Exit::Call, error: error.into(), help: None })
}

/// Which exit code and advice an error of a call deserves.
pub(crate) fn call_failure(error: CallError) -> Failure {
    let shown = format!("error[{}]: {error}", error.code());
    let help = match &error {
        CallError::NoSuchModule { nearest: None, .. } => Some("modules are called as `Marine.toml` names them"),
        CallError::NoSuchFunction { nearest: None, .. } => {
            Some("`interface` in `marine repl` shows what can be called")
        }
        _ => None,
    };
    let exit = match &error {
        CallError::Service(_) => Exit::Service,
        CallError::Cancelled { .. } => Exit::Interrupted,
        _ => Exit::Call,
    };
    Failure { exit, error: anyhow::Error::from(error).context(shown), help: help.map(str::to_string) }
}

/// The same with the place underlined in what was typed, if the error has one.
fn pointed_out(error: CallError, call: &CallExpression) -> Failure {
    let CallError::Arguments(value) = &error else { return call_failure(error) };
    let mut value = value.clone();
    let help = value.help.take();
    match call.underlined(&value.path) {
        None => call_failure(error),
        Some(marked) => {
            // The advice stands in a line of its own.
            let shown = format!("error[{}]: {value}\n{marked}", error.code());
            Failure { exit: Exit::Call, error: anyhow::Error::from(error).context(shown), help }
        }
    }
}

fn no_json(text: &str, error: &serde_json::Error) -> Failure {
    let failure = Failure::new(Exit::Call, format!("error[M503]: the arguments are not JSON: {error}\n  {text}"));
    failure.help("write one value, such as [1, \"x\"] or {\"times\": 2}")
}

fn merged(params: &Value, text: &str) -> Outcome<Value> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Call, format!("error[M605]: call parameters do not fit: {error}"))
    };
    let added: Value = serde_json::from_str(text).map_err(|error| wrong(&error))?;
    if !added.is_object() {
        return Err(wrong(&"they are a JSON object"));
    }
    let mut merged = params.clone();
    merge(&mut merged, added);
    parameters(&merged)?;
    Ok(merged)
}

fn parameters(params: &Value) -> Outcome<Option<CallParameters>> {
    if params.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(None);
    }
    let wrong = |error| Failure::new(Exit::Call, format!("error[M605]: call parameters do not fit: {error}"));
    serde_json::from_value(params.clone()).map(Some).map_err(wrong)
}

/// Objects are merged key by key, anything else is replaced.
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// JSON for people.
pub(crate) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_merge_by_key() {
        let params = json!({ "service_id": "a", "particle": { "ttl": 1 } });
        let merged = merged(&params, r#"{ "particle": { "id": "x" }, "service_id": "b" }"#).expect("they fit");
        assert_eq!(merged, json!({ "service_id": "b", "particle": { "ttl": 1, "id": "x" } }));
    }

    #[test]
    fn unknown_parameters_are_refused() {
        for text in [r#"{ "servise_id": "a" }"#, "[]", "{"] {
            let failure = merged(&json!({}), text).expect_err(text);
            assert!(failure.exit == Exit::Call && failure.error.to_string().contains("M605"), "{:?}", failure.error);
        }
    }
}
