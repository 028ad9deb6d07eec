//! The vaults of particles, and builtin service `vault`: files by which services that one particle calls here pass data to each other.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use cid::Cid;
use marine_air::execution::CallRequest;
use marine_runtime::{ParticleParameters, Vault, VaultError, Vaults};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{
    args::{Args, Fault, OWN, TIMEOUT},
    builtins::unknown_function,
    services::blocking,
};
use crate::{clock, live::Live};

const FUNCTIONS: &[&str] = &["put", "cat"];
/// Files that scripts read or write at once: each is in memory, and takes a thread.
const TURNS: usize = 8;

/// See the module's documentation. Each vault lies in a directory that the particle's CID names.
pub(crate) struct Keeper {
    vaults: Vaults,
    turns: Semaphore,
    /// Read while a vault is opened, so that none comes back after its particle.
    opening: RwLock<()>,
    /// The largest file that becomes a value, in bytes.
    value: u64,
}

impl Keeper {
    pub(crate) fn new(vaults: Vaults, value: usize) -> Self {
        Self { vaults, turns: Semaphore::new(TURNS), opening: RwLock::default(), value: value as u64 }
    }

    /// Removes what is left of particles whose CIDs are not among the `alive`. Blocks.
    pub(crate) fn retain(&self, alive: &HashSet<String>) {
        if let Err(error) = self.vaults.retain(|name| alive.contains(name)) {
            tracing::warn!(target: "particle", %error, "cannot remove vaults of particles that have ended");
        }
    }

    /// The vault of a particle. Blocks.
    pub(crate) fn of(&self, live: &Live) -> Result<Vault, Fault> {
        let _opening = self.opening.read().unwrap_or_else(PoisonError::into_inner);
        if clock::now() >= live.end() {
            return Err(Fault::new(TIMEOUT, "the particle has ended, and its vault is gone"));
        }
        let id = live.cid.to_string();
        let particle = ParticleParameters { id: id.clone(), token: live.token(), ..ParticleParameters::default() };
        let vault = self.vaults.open(&id, &particle);
        vault.map_err(|cause| Fault::new(OWN, format!("the particle has no vault here: {cause}")))
    }

    /// Removes the vault of a particle that has ended. Blocks.
    pub(crate) fn forget(&self, cid: Cid) {
        // Whoever found the particle alive has opened the vault now, and nobody else will.
        drop(self.opening.write().unwrap_or_else(PoisonError::into_inner));
        if let Err(error) = self.vaults.remove(&cid.to_string()) {
            tracing::warn!(target: "particle", %cid, %error, "cannot remove the vault of a particle");
        }
    }

    /// What the file at `path` of the particle's vault holds, if that is no more than `limit` bytes.
    pub(crate) async fn read(self: &Arc<Self>, live: &Arc<Live>, path: String, limit: u64) -> Result<Vec<u8>, Fault> {
        let (keeper, live) = (self.clone(), live.clone());
        self.in_turn(move || keeper.of(&live)?.read(&path, limit).map_err(fault)).await
    }

    /// Answers a call of `vault`.
    pub(crate) async fn call(self: Arc<Self>, live: Arc<Live>, request: CallRequest) -> Result<Value, Fault> {
        let keeper = self.clone();
        // Arguments become values when it is their turn: a script may have many large ones wait.
        let answer = move || {
            let args = Args::new("vault", &request.function, request.args.iter().map(Value::from).collect());
            let named =
                |fault: Fault| Fault { message: format!("vault.{}: {}", request.function, fault.message), ..fault };
            match &*request.function {
                "put" => keeper.put(&live, args, &named),
                "cat" => keeper.cat(&live, args, &named),
                other => Err(unknown_function("vault", other, FUNCTIONS.iter().copied())),
            }
        };
        self.in_turn(answer).await
    }

    fn put(&self, live: &Live, mut args: Args, named: &dyn Fn(Fault) -> Fault) -> Result<Value, Fault> {
        let data = args.string()?;
        args.end()?;
        let path = self.of(live).and_then(|vault| vault.put(data.as_bytes()).map_err(fault));
        path.map(|path| json!(path)).map_err(named)
    }

    fn cat(&self, live: &Live, mut args: Args, named: &dyn Fn(Fault) -> Fault) -> Result<Value, Fault> {
        let path = args.string()?;
        args.end()?;
        let content = self.of(live).and_then(|vault| vault.read(&path, self.value).map_err(fault)).map_err(named)?;
        let text = String::from_utf8(content);
        text.map(Value::String).map_err(|_| named(Fault::new(OWN, format!("{path} is not UTF-8"))))
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        // Nobody closes it.
        let _turn = self.turns.acquire().await;
        blocking(work).await
    }
}

fn fault(error: VaultError) -> Fault {
    Fault::new(OWN, error.to_string())
}
