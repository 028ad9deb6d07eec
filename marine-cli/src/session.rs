//! A service under somebody's hands: the commands of the REPL, and the one call of `marine call`.
//!
//! Lines come in, results go to standard output; where lines come from (terminal, script, option) is not known here.

use std::time::Instant;

use marine_runtime::{CallError, CallOptions, CallParameters, Interface, Module, Service};
use serde_json::{Value, json};

use crate::exit::{Exit, Failure, Outcome};
use crate::expression::CallExpression;
use crate::ui::{Ui, count, micros, size};

/// Every command with what follows it and what it does; `help` prints the table.
const COMMANDS: &[(&str, &str)] = &[
    ("f(1, \"x\")", "call a function of the facade; `module.f(..)` calls any module, `f(name: value)` by name"),
    ("call [MODULE] FN [ARGS]", "the same in words: ARGS is one JSON text, an array or an object"),
    ("interface [MODULE]", "what can be called, with its documentation"),
    (
        "params {..}",
        "call parameters for what follows, merged into those set before; `params` shows, `params reset` forgets",
    ),
    ("reset", "a new instance: what modules keep in memory is gone, volumes stay"),
    ("stats", "memory, calls and time, per module and function"),
    ("help", "this table"),
    ("quit", "leave; Ctrl-D does as well"),
];

/// What comes after a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The next line.
    Continue,
    /// Nothing; the user is done.
    Quit,
}

/// One service and what was set for calling it.
pub(crate) struct Session {
    service: Service,
    params: Value,
    ui: Ui,
}

impl Session {
    /// A session with `service`; nothing is set.
    pub(crate) fn new(service: Service, ui: Ui) -> Self {
        Self { service, params: json!({}), ui }
    }

    /// Words worth completing: commands, modules, functions.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words: Vec<String> =
            ["call", "interface", "params", "reset", "stats", "help", "quit"].map(str::to_string).to_vec();
        words.extend(self.service.interface().functions.iter().map(|function| format!("{}(", snake(&function.name))));
        words.extend(self.service.plan().modules().map(|module| format!("{}.", module.name())));
        words
    }

    /// Runs one line. Empty lines and those that begin with `#` do nothing.
    pub(crate) fn execute(&mut self, line: &str) -> Outcome<Next> {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(word, rest)| (word, rest.trim()));
        match word {
            "" => {}
            _ if line.starts_with('#') => {}
            "quit" | "exit" | "q" => return Ok(Next::Quit),
            "help" | "h" | "?" => self.help(),
            "interface" | "i" => self.interface(rest)?,
            "params" => self.set_params(rest)?,
            "reset" => self.service.reset().map_err(call_failure)?,
            "stats" => self.stats(),
            "call" | "c" => self.call(self.words_call(rest)?)?,
            _ => self.call(parse(line)?)?,
        }
        Ok(Next::Continue)
    }

    /// Sets the call parameters that go with every following call, from JSON.
    pub(crate) fn set_params(&mut self, text: &str) -> Outcome<()> {
        match text {
            "" => {}
            "reset" => self.params = json!({}),
            _ => {
                let added: Value =
                    serde_json::from_str(text).map_err(|error| usage(format!("call parameters are JSON: {error}")))?;
                let mut merged = self.params.clone();
                merge(&mut merged, added);
                check_params(&merged)?;
                self.params = merged;
            }
        }
        self.ui.note(pretty(&self.params));
        Ok(())
    }

    /// Makes one call and prints its result.
    pub(crate) fn call(&self, call: CallExpression) -> Outcome<()> {
        let params = check_params(&self.params)?;
        let options = CallOptions { params, ..CallOptions::default() };
        let started = Instant::now();
        let result = match &call.module {
            None => self.service.call(&call.function, call.args, options),
            Some(module) => self.service.call_module(module, &call.function, call.args, options),
        };
        let time = started.elapsed();
        let value = result.map_err(call_failure)?;
        self.ui.result(pretty(&value));
        self.ui.document("call", json!({ "module": call.module, "function": call.function, "result": value, "micros": time.as_micros() as u64 }));
        if self.ui.verbose > 0 {
            self.ui.note(format_args!("({})", micros(time)));
        }
        Ok(())
    }

    fn help(&self) {
        for (command, about) in COMMANDS {
            self.ui.result(format_args!("{command:<24} {about}"));
        }
    }

    fn interface(&self, module: &str) -> Outcome<()> {
        let interface = match module {
            "" => self.service.interface(),
            name => self.module(name)?.interface(),
        };
        print_interface(self.ui, interface);
        Ok(())
    }

    fn stats(&self) {
        let stats = self.service.stats();
        let (memory, peak) = (size(stats.memory), size(stats.memory_peak));
        self.ui.result(format_args!(
            "{} ({} failed), {} ({} lost), memory {memory} (peak {peak})",
            count(stats.calls as usize, "call"),
            stats.failures,
            count(stats.instances as usize, "instance"),
            stats.restarts
        ));
        for (module, function) in
            stats.modules.iter().flat_map(|module| module.functions.iter().map(move |f| (module, f)))
        {
            let (name, calls) = (format!("{}.{}", module.name, function.name), count(function.calls as usize, "call"));
            let (last, longest) = (micros(function.last), micros(function.longest));
            self.ui.result(format_args!(
                "  {name:<24} {calls} ({} failed), last {last}, longest {longest}",
                function.failures
            ));
            self.ui.document(
                "stats.function",
                json!({
                    "module": module.name, "function": function.name, "calls": function.calls, "failures": function.failures,
                    "last_micros": function.last.as_micros() as u64, "longest_micros": function.longest.as_micros() as u64,
                }),
            );
        }
        self.ui.document(
            "stats",
            json!({
                "calls": stats.calls, "failures": stats.failures, "instances": stats.instances, "restarts": stats.restarts,
                "memory": stats.memory, "memory_peak": stats.memory_peak,
            }),
        );
    }

    /// `call [MODULE] FN [ARGS]`: a first word that names a module is the module.
    fn words_call(&self, text: &str) -> Outcome<CallExpression> {
        let (first, rest) = text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim()));
        let (module, function, args) = match self.module(first).is_ok() && !rest.is_empty() {
            true => {
                let (function, args) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                (Some(first.to_string()), function, args.trim())
            }
            false => (None, first, rest),
        };
        if function.is_empty() {
            return Err(usage("which function? `call FN [ARGS]`".to_string()));
        }
        let args = match args {
            "" => json!([]),
            text => {
                serde_json::from_str(text).map_err(|error| usage(format!("the arguments are not JSON: {error}")))?
            }
        };
        Ok(CallExpression { module, function: function.to_string(), args })
    }

    fn module(&self, name: &str) -> Outcome<&Module> {
        let known = || self.service.plan().modules();
        known().find(|module| module.name() == name.replace('_', "-")).ok_or_else(|| {
            let names: Vec<_> = known().map(Module::name).collect();
            usage(format!("there is no module `{name}`")).help(format!("the service has {}", names.join(", ")))
        })
    }
}

/// Prints what an interface offers, as callers write it.
pub(crate) fn print_interface(ui: Ui, interface: &Interface) {
    for function in &interface.functions {
        for line in function.docs.iter().flat_map(|docs| docs.lines()) {
            ui.result(format_args!("/// {line}"));
        }
        ui.result(function.outside());
    }
    ui.document("interface", json!({ "id": interface.id, "wit": interface.to_wit() }));
}

/// A typed call, or why the text is none.
pub(crate) fn parse(text: &str) -> Outcome<CallExpression> {
    CallExpression::parse(text).map_err(|error| Failure { exit: Exit::Call, error: error.into(), help: None })
}

/// Which exit code and advice an error of a call deserves.
pub(crate) fn call_failure(error: CallError) -> Failure {
    let (exit, help) = match &error {
        CallError::Service(_) => (Exit::Service, None),
        CallError::NoSuchModule { nearest: None, .. } => {
            (Exit::Call, Some("modules are called as `Marine.toml` names them"))
        }
        CallError::NoSuchFunction { nearest: None, .. } => {
            (Exit::Call, Some("`marine repl -c interface` shows what can be called"))
        }
        _ => (Exit::Call, None),
    };
    let shown = format!("error[{}]: {error}", error.code());
    Failure { exit, error: anyhow::Error::from(error).context(shown), help: help.map(str::to_string) }
}

fn check_params(params: &Value) -> Outcome<Option<CallParameters>> {
    if params.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(None);
    }
    serde_json::from_value(params.clone())
        .map(Some)
        .map_err(|error| usage(format!("call parameters do not fit: {error}")))
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

fn usage(message: String) -> Failure {
    Failure::new(Exit::Call, message)
}

fn snake(name: &str) -> String {
    name.replace('-', "_")
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
        let mut params = json!({ "service_id": "a", "particle": { "ttl": 1 } });
        merge(&mut params, json!({ "particle": { "id": "x" }, "service_id": "b" }));
        assert_eq!(params, json!({ "service_id": "b", "particle": { "ttl": 1, "id": "x" } }));
    }

    #[test]
    fn unknown_parameters_are_refused() {
        let failure = check_params(&json!({ "servise_id": "a" })).expect_err("a misspelled key");
        assert_eq!(failure.exit, Exit::Call);
        assert!(failure.error.to_string().contains("servise_id"), "{:?}", failure.error);
    }
}
