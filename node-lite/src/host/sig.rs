//! Builtin service `sig`: signatures with the key of this node, under the rules of its policy.

use std::sync::Arc;

use marine_air::execution::CallRequest;
use marine_particle::Keypair;
use serde_json::{Value, json};

use super::{
    args::{Args, DENIED, Fault},
    builtins::unknown_function,
    rights::Rights,
};
use crate::live::Live;

const FUNCTIONS: &[&str] = &["sign", "verify", "get_peer_id"];

/// What messages begin with whose signatures this node's key gives elsewhere: particles, logs and tokens, and the handshake and
/// records of libp2p. Whoever had a signature of such a text could pass for this node.
const DOMAINS: &[&[u8]] =
    &[b"marine-", b"noise-libp2p-static-key:", b"\x12libp2p-peer-record", b"\x14libp2p-routing-state"];

/// Answers calls of `sig`.
pub(crate) struct Sig {
    rights: Arc<Rights>,
    keypair: Keypair,
}

impl Sig {
    pub(crate) fn new(rights: Arc<Rights>, keypair: Keypair) -> Self {
        Self { rights, keypair }
    }

    pub(crate) fn call(&self, live: &Live, request: &CallRequest) -> Result<Value, Fault> {
        let args = Args::new("sig", &request.function, request.args.iter().map(Value::from).collect());
        match &*request.function {
            "sign" => self.sign(live, request, args),
            "verify" => self.verify(args),
            "get_peer_id" => {
                args.end()?;
                Ok(json!(self.keypair.peer_id().to_string()))
            }
            other => Err(unknown_function("sig", other, FUNCTIONS.iter().copied())),
        }
    }

    fn sign(&self, live: &Live, request: &CallRequest, mut args: Args) -> Result<Value, Fault> {
        let data = args.bytes()?;
        let origins = request.tetraplets.first().map(Vec::as_slice).unwrap_or_default();
        self.rights.sign(&live.particle.init(), origins).map_err(|reason| args.fault(DENIED, reason))?;
        if DOMAINS.iter().any(|domain| data.starts_with(domain)) {
            return Err(args.fault(DENIED, "the data begins like a message that only the node itself signs"));
        }
        args.end()?;
        let signature = self.keypair.sign(&data);
        Ok(json!({ "success": true, "error": [], "signature": [signature.to_vec()] }))
    }

    fn verify(&self, mut args: Args) -> Result<Value, Fault> {
        let (signature, data) = (args.bytes()?, args.bytes()?);
        args.end()?;
        let verified = signature
            .try_into()
            .is_ok_and(|signature| marine_particle::verify_strict(&self.keypair.peer_id(), &data, &signature).is_ok());
        Ok(json!(verified))
    }
}
