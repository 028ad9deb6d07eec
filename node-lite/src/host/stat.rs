//! Builtin service `stat`: what services use, and what became of their calls.

use std::sync::Arc;

use marine_air::execution::CallRequest;
use serde_json::{Value, json};

use super::{
    args::{Args, Fault, OWN},
    builtins::unknown_function,
    services::Services,
};

const FUNCTIONS: &[&str] = &["service_memory", "service_stat"];

/// Answers a call of `stat`.
pub(crate) async fn call(services: Arc<Services>, request: CallRequest) -> Result<Value, Fault> {
    let args = Args::new("stat", &request.function, request.args.iter().map(Value::from).collect());
    match &*request.function {
        "service_memory" => service_memory(&services, args).await,
        "service_stat" => service_stat(&services, args),
        other => Err(unknown_function("stat", other, FUNCTIONS.iter().copied())),
    }
}

/// A service that does not exist is part of the answer, not an error.
fn service_stat(services: &Services, args: Args) -> Result<Value, Fault> {
    let name = named(args)?;
    Ok(match services.find(&name) {
        Some(entry) => json!({ "status": true, "error": "", "result": [entry.statistics().describe()] }),
        None => json!({ "status": false, "error": services.unknown(&name).message, "result": [] }),
    })
}

async fn service_memory(services: &Services, args: Args) -> Result<Value, Fault> {
    let name = named(args)?;
    let unknown = || {
        let fault = services.unknown(&name);
        Fault::new(OWN, format!("stat.service_memory: {}", fault.message))
    };
    let entry = services.find(&name).ok_or_else(unknown)?;
    Ok(services.memory(&entry).await)
}

fn named(mut args: Args) -> Result<String, Fault> {
    let name = args.string()?;
    args.end().map(|()| name)
}
