//! Builtin service `run-console`: what scripts print goes to the node's log.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use marine_air::execution::CallRequest;
use serde_json::{Value, json};

use super::{args::Fault, builtins::unknown_function};
use crate::{config::Rate, live::Live, rates::Rates};

/// Bytes of one record; what is longer is cut.
const MAX_RECORD: usize = 4096;
/// Records of one init peer. Others are dropped: a script must not fail because of what it prints.
const RATE: Rate = Rate { per_second: 10.0, burst: 100.0 };

/// Answers calls of `run-console`.
pub(crate) struct Console {
    rates: Mutex<Rates>,
}

impl Default for Console {
    fn default() -> Self {
        Self { rates: Mutex::new(Rates::new(RATE)) }
    }
}

impl Console {
    pub(crate) fn call(&self, live: &Live, request: &CallRequest) -> Result<Value, Fault> {
        if &*request.function != "print" {
            return Err(unknown_function("run-console", &request.function, ["print"].into_iter()));
        }
        let init = live.particle.init();
        let taken = self.rates.lock().unwrap_or_else(PoisonError::into_inner).take(init, Instant::now());
        if taken.is_ok() {
            let text = record(request.args.iter().map(Value::from));
            tracing::info!(target: "console", particle = %live.cid, %init, "{text}");
        }
        Ok(json!(null))
    }
}

/// The values as JSON, so that nothing in them looks like another record.
fn record(values: impl Iterator<Item = Value>) -> String {
    let mut text = values.map(|value| value.to_string()).collect::<Vec<_>>().join(" ");
    if text.len() > MAX_RECORD {
        text.truncate(text.floor_char_boundary(MAX_RECORD));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_one_line_of_bounded_length() {
        assert_eq!(record([json!("a\nb"), json!({ "n": 1 })].into_iter()), r#""a\nb" {"n":1}"#);
        let long = record([json!("ü".repeat(MAX_RECORD))].into_iter());
        assert!(long.len() <= MAX_RECORD + 3 && long.ends_with('…'), "{}", long.len());
    }
}
