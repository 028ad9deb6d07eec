//! What the init peer offers to its own particles.

use std::sync::Arc;

use marine_air::execution::CallRequest;
use serde_json::{Value, json};

use crate::{
    core::{Answering, Host},
    host::{
        Fault, answer,
        args::{OWN, UNKNOWN},
        builtins, peer,
    },
    live::{Event, Live, Origin},
};

/// Answers calls at a client.
pub(crate) struct ClientHost;

impl Host for ClientHost {
    fn call(&self, live: &Arc<Live>, request: CallRequest) -> Answering {
        match (&live.origin, &*request.service) {
            (Some(origin), "getDataSrv") => Answering::Now(answer(datum(origin, &request.function))),
            (Some(_), "callbackSrv") if &*request.function == "response" => {
                Answering::End(Event::Response(values(&request)))
            }
            (Some(_), "errorHandlingSrv") if &*request.function == "error" => {
                let mut values = values(&request).into_iter();
                let error = values.next().unwrap_or_default();
                Answering::End(Event::Error { error, index: values.next().unwrap_or_default() })
            }
            (origin, service) => {
                let own = origin.as_ref().and_then(|origin| origin.functions.find(service, &request.function));
                match own {
                    Some(function) => {
                        let result = function(values(&request)).map_err(|message| Fault::new(OWN, message));
                        Answering::Now(answer(result))
                    }
                    None if service == "peer" => peer::call(None, request),
                    None => {
                        let result = builtins::call(service, &request);
                        Answering::Now(answer(result.unwrap_or_else(|| unknown(&request))))
                    }
                }
            }
        }
    }
}

fn values(request: &CallRequest) -> Vec<Value> {
    request.args.iter().map(Value::from).collect()
}

fn datum(origin: &Origin, name: &str) -> Result<Value, Fault> {
    if name == "-relay-" {
        return Ok(json!(origin.relay.to_string()));
    }
    origin.data.get(name).cloned().ok_or_else(|| {
        let names: Vec<_> = origin.data.keys().map(String::as_str).collect();
        let given =
            if names.is_empty() { "nothing is given".to_owned() } else { format!("given are: {}", names.join(", ")) };
        Fault::new(UNKNOWN, format!("getDataSrv.{name}: no such datum; {given}"))
    })
}

fn unknown(request: &CallRequest) -> Result<Value, Fault> {
    let text = format!("{}.{}: this peer is a client and has no such function", request.service, request.function);
    Err(Fault::new(UNKNOWN, text))
}
