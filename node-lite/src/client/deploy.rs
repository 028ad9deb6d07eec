//! Single calls of a node's services, and deployment with them.
//!
//! Each is a particle: from here to the relay, to the node, and back the same way.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cid::Cid;
use marine_manifest::{Blueprint, BlueprintError};
use marine_particle::PeerId;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{Client, ClientError, RunError};
use crate::dag_json;

/// How long a single call may take: an upload, or a compilation on a slow machine.
const TTL: Duration = Duration::from_secs(120);

/// A call of a service did not give a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallFailure {
    /// The service answered with an error.
    #[error("{service}.{function} at {peer} failed ({code}): {message}")]
    Service {
        /// Where.
        peer: PeerId,
        /// What was called.
        service: String,
        /// Its function.
        function: String,
        /// `ret_code`: 1 the function's own error, 2 no such service or function, 3 bad arguments, 4 trap or limit, 5
        /// timeout, 6 not allowed, 7 busy, 8 interrupted.
        code: i64,
        /// What it says.
        message: String,
    },
    /// The particle did not come back with an answer.
    #[error("calling {service}.{function} at {peer}: {error}")]
    Run {
        /// Where.
        peer: PeerId,
        /// What was called.
        service: String,
        /// Its function.
        function: String,
        /// Why not.
        error: RunError,
    },
    /// The particle could not be started.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The answer has another form than expected.
    #[error("{service}.{function} at {peer} answered in an unexpected form: {reason}")]
    Answer {
        /// Where.
        peer: PeerId,
        /// What was called.
        service: String,
        /// Its function.
        function: String,
        /// What does not fit.
        reason: String,
    },
    /// The blueprint cannot be sent.
    #[error(transparent)]
    Blueprint(#[from] BlueprintError),
    /// A name that is no name of a service or function.
    #[error("`{0}` cannot be written in a script: it contains a quote")]
    Name(String),
}

/// A service of a node.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ServiceInfo {
    /// Its id.
    pub id: String,
    /// The blueprint it is made of.
    pub blueprint_id: String,
    /// Who created it.
    pub owner_id: String,
    /// Its other names.
    pub aliases: Vec<String>,
}

/// A module of a node.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ModuleInfo {
    /// Its name when it was added.
    pub name: String,
    /// Its CID.
    pub hash: String,
}

/// A blueprint of a node.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BlueprintInfo {
    /// Its CID.
    pub id: String,
    /// The service's name.
    pub name: String,
    /// CIDs of its modules.
    pub dependencies: Vec<String>,
}

impl Client {
    /// Calls `service.function(args)` at `peer`, through the relay unless the relay is that peer.
    ///
    /// # Errors
    /// [`CallFailure::Service`] if the service answered with an error, [`CallFailure::Run`] if no answer came back.
    pub async fn call(
        &self,
        peer: PeerId,
        service: &str,
        function: &str,
        args: Vec<Value>,
    ) -> Result<Value, CallFailure> {
        self.call_within(TTL, peer, service, function, args).await
    }

    /// [`Client::call`] with the time that the call may take, `ttl`.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call_within(
        &self,
        ttl: Duration,
        peer: PeerId,
        service: &str,
        function: &str,
        args: Vec<Value>,
    ) -> Result<Value, CallFailure> {
        for name in [service, function] {
            if name.contains(['"', '\\', '\n']) {
                return Err(CallFailure::Name(name.to_owned()));
            }
        }
        let script = script(self.relay(), peer, service, function, args.len());
        let data: BTreeMap<_, _> = args.into_iter().enumerate().map(|(n, arg)| (format!("arg{n}"), arg)).collect();
        let outcome = self.run(&script, data, ttl).await?;
        let (service, function) = (service.to_owned(), function.to_owned());
        match outcome.result {
            Ok(mut values) if values.len() == 1 => Ok(values.remove(0)),
            Ok(values) => {
                let reason = format!("{} values instead of one", values.len());
                Err(CallFailure::Answer { peer, service, function, reason })
            }
            Err(RunError::Failed { error, index }) => Err(match service_error(&error) {
                Some((code, message)) => CallFailure::Service { peer, service, function, code, message },
                None => CallFailure::Run { peer, service, function, error: RunError::Failed { error, index } },
            }),
            Err(error) => Err(CallFailure::Run { peer, service, function, error }),
        }
    }

    /// Sends a module to `peer`. Returns its CID.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn add_module(&self, peer: PeerId, name: &str, bytes: &[u8]) -> Result<Cid, CallFailure> {
        let args = vec![json!(STANDARD.encode(bytes)), json!({ "name": name })];
        self.typed_cid(peer, "dist", "add_module", args).await
    }

    /// Sends a blueprint, whose modules are at `peer` already. Returns its CID.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn add_blueprint(&self, peer: PeerId, blueprint: &Blueprint) -> Result<Cid, CallFailure> {
        let text = dag_json::from_cbor(&blueprint.encode()?).map_err(BlueprintError::Invalid)?;
        self.typed_cid(peer, "dist", "add_blueprint", vec![json!(text.to_string())]).await
    }

    /// Creates a service of a blueprint that is at `peer`. Returns its id.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn create_service(&self, peer: PeerId, blueprint: &Cid) -> Result<String, CallFailure> {
        self.typed(peer, "srv", "create", vec![json!(blueprint.to_string())]).await
    }

    /// Removes a service.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn remove_service(&self, peer: PeerId, id_or_alias: &str) -> Result<(), CallFailure> {
        self.call(peer, "srv", "remove", vec![json!(id_or_alias)]).await.map(drop)
    }

    /// Makes `alias` name the service.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn add_alias(&self, peer: PeerId, alias: &str, id: &str) -> Result<(), CallFailure> {
        self.call(peer, "srv", "add_alias", vec![json!(alias), json!(id)]).await.map(drop)
    }

    /// Forgets an alias.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn remove_alias(&self, peer: PeerId, alias: &str) -> Result<(), CallFailure> {
        self.call(peer, "srv", "remove_alias", vec![json!(alias)]).await.map(drop)
    }

    /// The service that `alias` names, if any.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn resolve_alias(&self, peer: PeerId, alias: &str) -> Result<Option<String>, CallFailure> {
        let found: Vec<String> = self.typed(peer, "srv", "resolve_alias_opt", vec![json!(alias)]).await?;
        Ok(found.into_iter().next())
    }

    /// All services of `peer`.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn services(&self, peer: PeerId) -> Result<Vec<ServiceInfo>, CallFailure> {
        self.typed(peer, "srv", "list", Vec::new()).await
    }

    /// One service of `peer`.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn service_info(&self, peer: PeerId, id_or_alias: &str) -> Result<ServiceInfo, CallFailure> {
        self.typed(peer, "srv", "info", vec![json!(id_or_alias)]).await
    }

    /// The interface of a service: function signatures and record types in Aqua's words.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn interface(&self, peer: PeerId, id_or_alias: &str) -> Result<Value, CallFailure> {
        self.call(peer, "srv", "get_interface", vec![json!(id_or_alias)]).await
    }

    /// All modules of `peer`.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn modules(&self, peer: PeerId) -> Result<Vec<ModuleInfo>, CallFailure> {
        self.typed(peer, "dist", "list_modules", Vec::new()).await
    }

    /// All blueprints of `peer`.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn blueprints(&self, peer: PeerId) -> Result<Vec<BlueprintInfo>, CallFailure> {
        self.typed(peer, "dist", "list_blueprints", Vec::new()).await
    }

    async fn typed<T: DeserializeOwned>(
        &self,
        peer: PeerId,
        service: &str,
        function: &str,
        args: Vec<Value>,
    ) -> Result<T, CallFailure> {
        let value = self.call(peer, service, function, args).await?;
        serde_json::from_value(value).map_err(|e| unexpected(peer, service, function, e))
    }

    async fn typed_cid(
        &self,
        peer: PeerId,
        service: &str,
        function: &str,
        args: Vec<Value>,
    ) -> Result<Cid, CallFailure> {
        let text: String = self.typed(peer, service, function, args).await?;
        text.parse().map_err(|e| unexpected(peer, service, function, e))
    }
}

fn unexpected(peer: PeerId, service: &str, function: &str, reason: impl ToString) -> CallFailure {
    let reason = reason.to_string();
    CallFailure::Answer { peer, service: service.to_owned(), function: function.to_owned(), reason }
}

/// One call there and back. The relay's `op.noop` on both ways makes the particle go through it.
fn script(relay: PeerId, peer: PeerId, service: &str, function: &str, args: usize) -> String {
    let hop = if relay == peer { "(null)".to_owned() } else { format!("(call \"{relay}\" (\"op\" \"noop\") [])") };
    let names: Vec<_> = (0..args).map(|n| format!("arg{n}")).collect();
    let get = |name: &String| format!("(call %init_peer_id% (\"getDataSrv\" \"{name}\") [] {name})");
    let there = names.iter().map(get).chain([hop.clone()]).reduce(|l, r| format!("(seq {l} {r})")).unwrap_or_default();
    let call = format!("(call \"{peer}\" (\"{service}\" \"{function}\") [{}] result)", names.join(" "));
    let respond = "(call %init_peer_id% (\"callbackSrv\" \"response\") [result])";
    let report = "(call %init_peer_id% (\"errorHandlingSrv\" \"error\") [:error: 1])";
    format!("(seq {there} (xor (seq {call} (seq {hop} {respond})) (seq {hop} {report})))")
}

/// Code and message of the service's error in an error object (`air.md` 4.11, code 10000).
fn service_error(error: &Value) -> Option<(i64, String)> {
    if error["error_code"] != json!(10000) {
        return None;
    }
    let text = error["message"].as_str()?.strip_prefix("Local service error, ret_code is ")?;
    let (code, rest) = text.split_once(", error message is '")?;
    let quoted = rest.strip_suffix('\'')?;
    let message = serde_json::from_str::<String>(quoted).unwrap_or_else(|_| quoted.to_owned());
    Some((code.parse().ok()?, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_errors_are_taken_apart() {
        let error = json!({
            "error_code": 10000,
            "message": r#"Local service error, ret_code is 6, error message is '"say \"no\""'"#,
        });
        assert_eq!(service_error(&error), Some((6, "say \"no\"".to_owned())));
        assert_eq!(service_error(&json!({ "error_code": 10001, "message": "x" })), None);
        assert_eq!(service_error(&json!("text")), None);
    }
}
