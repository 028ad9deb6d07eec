//! The vaults of particles, and builtin service `vault`: files by which services that one particle calls here pass data to each other.

use std::sync::Arc;

use cid::Cid;
use marine_air::execution::CallRequest;
use marine_runtime::{ParticleParameters, Vault, VaultError, Vaults};
use serde_json::{Value, json};

use super::{
    args::{Args, Fault, OWN},
    builtins::unknown_function,
    services::blocking,
};
use crate::live::Live;

const FUNCTIONS: &[&str] = &["put", "cat"];

/// The vault of a particle; each lies in a directory that its CID names. Blocks.
pub(crate) fn of(vaults: &Vaults, live: &Live) -> Result<Vault, Fault> {
    let id = live.cid.to_string();
    let particle = ParticleParameters { id: id.clone(), token: live.token(), ..ParticleParameters::default() };
    let vault = vaults.open(&id, &particle);
    vault.map_err(|cause| Fault::new(OWN, format!("the particle has no vault here: {cause}")))
}

/// Removes the vault of a particle that has ended. Blocks.
pub(crate) fn forget(vaults: &Vaults, cid: Cid) {
    if let Err(error) = vaults.remove(&cid.to_string()) {
        tracing::warn!(target: "particle", %cid, %error, "cannot remove the vault of a particle");
    }
}

/// What the file at `path` of the particle's vault holds, if that is no more than `limit` bytes.
pub(crate) async fn read(vaults: &Arc<Vaults>, live: &Arc<Live>, path: String, limit: u64) -> Result<Vec<u8>, Fault> {
    let (vaults, live) = (vaults.clone(), live.clone());
    blocking(move || of(&vaults, &live)?.read(&path, limit).map_err(fault)).await
}

/// Answers a call of `vault`; `limit` is the largest file that becomes a value, in bytes.
pub(crate) async fn call(
    vaults: Arc<Vaults>,
    live: Arc<Live>,
    request: CallRequest,
    limit: u64,
) -> Result<Value, Fault> {
    let mut args = Args::new("vault", &request.function, request.args.iter().map(Value::from).collect());
    let named = |fault: Fault| Fault { message: format!("vault.{}: {}", request.function, fault.message), ..fault };
    match &*request.function {
        "put" => {
            let data = args.string()?;
            args.end()?;
            let put = move || of(&vaults, &live)?.put(data.as_bytes()).map_err(fault);
            blocking(put).await.map(|path| json!(path)).map_err(named)
        }
        "cat" => {
            let path = args.string()?;
            args.end()?;
            let content = read(&vaults, &live, path.clone(), limit).await.map_err(named)?;
            let text = String::from_utf8(content);
            text.map(Value::String).map_err(|_| named(Fault::new(OWN, format!("{path} is not UTF-8"))))
        }
        other => Err(unknown_function("vault", other, FUNCTIONS.iter().copied())),
    }
}

fn fault(error: VaultError) -> Fault {
    Fault::new(OWN, error.to_string())
}
