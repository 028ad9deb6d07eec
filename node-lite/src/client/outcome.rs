//! How a run ended.

use std::{sync::Arc, time::Duration};

use marine_air::{
    Data, ExecutionError, Limits,
    trace::{self, Trace, TraceError},
};
use marine_particle::{Particle, PeerId};
use serde_json::{Value, json};

/// How a run ended, and the proof of it.
#[derive(Debug)]
pub struct RunOutcome {
    /// The values of `callbackSrv.response`, or why there are none. Empty if the script came to its end without a response.
    pub result: Result<Vec<Value>, RunError>,
    /// The particle.
    pub particle: Arc<Particle>,
    /// Everything that is known of its execution; `None` if it never began.
    pub data: Option<Data>,
}

/// Why a run has no result.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The script called `errorHandlingSrv.error`.
    #[error("{}", describe(error))]
    Failed {
        /// The error object, or whatever the script gave.
        error: Value,
        /// The second argument.
        index: Value,
    },
    /// The script failed and nothing in it took the error.
    #[error("{}", describe(error))]
    Workflow {
        /// The error object: `error_code`, `message`, `instruction`, `peer_id`.
        error: Value,
    },
    /// The script or a result cannot be executed at all.
    #[error("the particle was rejected ({code}): {message}")]
    Rejected {
        /// The rejection's code.
        code: i64,
        /// What does not fit.
        message: String,
    },
    /// The relay does not take the particle.
    #[error("relay {peer} refused the particle ({code}): {text}")]
    Refused {
        /// The relay.
        peer: PeerId,
        /// The protocol's code.
        code: &'static str,
        /// What the relay says.
        text: String,
    },
    /// Time was over before a response came.
    #[error("no response within {} ms{}", ttl.as_millis(), refusals.iter().map(|r| format!("; {r}")).collect::<String>())]
    Expired {
        /// The particle's time to live.
        ttl: Duration,
        /// What other peers refused meanwhile.
        refusals: Vec<String>,
    },
}

impl RunError {
    /// The error object of a failed script.
    pub(crate) fn workflow(error: &ExecutionError) -> Self {
        let mut object = json!({
            "error_code": error.code,
            "message": &*error.message,
            "instruction": &*error.instruction,
        });
        if let Some(peer) = &error.peer {
            object["peer_id"] = json!(&**peer);
        }
        Self::Workflow { error: object }
    }
}

/// `code: message (instruction, at peer)` of an error object; other values as JSON.
fn describe(error: &Value) -> String {
    let Some(message) = error["message"].as_str() else {
        return error.as_str().map_or_else(|| error.to_string(), str::to_owned);
    };
    let mut text = format!("{}: {message}", error["error_code"]);
    if let Some(instruction) = error["instruction"].as_str().filter(|text| !text.is_empty()) {
        text.push_str(&format!("\n  in `{instruction}`"));
    }
    if let Some(peer) = error["peer_id"].as_str().filter(|text| !text.is_empty()) {
        text.push_str(&format!("\n  at {peer}"));
    }
    text
}

impl RunOutcome {
    pub(crate) fn new(result: Result<Vec<Value>, RunError>, particle: Arc<Particle>, data: Option<Data>) -> Self {
        Self { result, particle, data }
    }

    /// The particle with everything that is known of it, as a file for `verify`; `None` if it never began.
    pub fn bundle(&self) -> Option<Vec<u8>> {
        self.data.as_ref().map(|data| trace::encode_bundle(&self.particle, data))
    }

    /// What happened, verified without trust in anybody; `None` if it never began.
    ///
    /// # Errors
    /// [`TraceError`] if the data does not verify.
    pub fn trace(&self) -> Option<Result<Trace, TraceError>> {
        let data = self.data.clone()?;
        Some(trace::verify(&self.particle, data, &Limits::default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_read_well() {
        let error = json!({ "error_code": 10001, "message": "no", "instruction": "match a b", "peer_id": "P" });
        let cases = [
            (RunError::Workflow { error: error.clone() }, "10001: no\n  in `match a b`\n  at P"),
            (RunError::Failed { error: json!("plain"), index: json!(1) }, "plain"),
            (RunError::Failed { error: json!([1]), index: json!(1) }, "[1]"),
            (
                RunError::Expired { ttl: Duration::from_secs(1), refusals: vec!["x".to_owned()] },
                "no response within 1000 ms; x",
            ),
        ];
        for (error, text) in cases {
            assert_eq!(error.to_string(), text);
        }
    }
}
