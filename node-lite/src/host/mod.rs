//! A node's answers to calls: builtin services first, then services by id or alias.

pub(crate) mod args;
pub(crate) mod builtins;
mod console;
mod deploy;
mod hash;
mod interface;
mod kad;
mod lists;
mod numbers;
pub(crate) mod peer;
pub(crate) mod rights;
pub(crate) mod services;
mod sig;
mod stat;
pub(crate) mod vault;

use std::sync::{Arc, OnceLock};

use cid::Cid;
use marine_air::execution::{CallRequest, CallResult};
use marine_particle::Keypair;

pub(crate) use self::args::Fault;
use self::{args::OWN, console::Console, deploy::Deploy, rights::Rights, services::Services, sig::Sig};
use crate::{
    core::{Answering, Host},
    live::Live,
    net::Net,
};

/// Names that no alias may have: all builtin services, those of later versions included.
pub(crate) const BUILTINS: &[&str] = &[
    "peer",
    "kad",
    "srv",
    "dist",
    "op",
    "debug",
    "math",
    "cmp",
    "array",
    "json",
    "sig",
    "vault",
    "run-console",
    "stat",
    "spell",
    "self",
    "getDataSrv",
    "callbackSrv",
    "errorHandlingSrv",
];

/// See the module's documentation.
pub(crate) struct NodeHost {
    rights: Arc<Rights>,
    services: Arc<Services>,
    sig: Sig,
    console: Console,
    /// Set once the network runs.
    net: OnceLock<Net>,
}

impl NodeHost {
    pub(crate) fn new(rights: Arc<Rights>, services: Arc<Services>, keypair: Keypair) -> Self {
        let sig = Sig::new(rights.clone(), keypair);
        Self { rights, services, sig, console: Console::default(), net: OnceLock::new() }
    }

    /// Tells the host of the network, once.
    pub(crate) fn connect(&self, net: Net) {
        // A second network would be a mistake of ours without consequence: the first stays.
        let _ = self.net.set(net);
    }
}

impl Host for NodeHost {
    fn call(&self, live: &Arc<Live>, request: CallRequest) -> Answering {
        match &*request.service {
            "peer" if &*request.function == "connect" => {
                let may = self.rights.admin(&live.particle.init(), "peer.connect");
                let net = self.net.get().cloned();
                Answering::Later(Box::pin(async move {
                    match may {
                        Ok(()) => answer(peer::connect(net, request).await),
                        Err(denied) => answer(Err(denied)),
                    }
                }))
            }
            "peer" => peer::call(self.net.get(), request),
            "kad" => kad::call(self.net.get(), request),
            "sig" => Answering::Now(answer(self.sig.call(live, &request))),
            "run-console" => Answering::Now(answer(self.console.call(live, &request))),
            "vault" => {
                let (vaults, live) = (self.services.vaults.clone(), live.clone());
                Answering::Later(Box::pin(async move { answer(vaults.call(live, request).await) }))
            }
            "stat" => {
                let services = self.services.clone();
                Answering::Later(Box::pin(async move { answer(stat::call(services, request).await) }))
            }
            "srv" | "dist" => {
                let deploy = Deploy::new(self.rights.clone(), self.services.clone(), live, &request);
                // On a task of its own: a change that is stored must also arrive in memory, even if the particle ends meanwhile.
                Answering::Later(Box::pin(async move {
                    let done = tokio::spawn(deploy.call()).await;
                    answer(done.unwrap_or_else(|e| Err(Fault::new(OWN, format!("internal error: {e}")))))
                }))
            }
            service => match builtins::call(service, &request) {
                Some(result) => Answering::Now(answer(result)),
                None => self.service(live, request),
            },
        }
    }

    fn forget(&self, cid: Cid) {
        let vaults = self.services.vaults.clone();
        tokio::task::spawn_blocking(move || vaults.forget(cid));
    }
}

impl NodeHost {
    fn service(&self, live: &Arc<Live>, request: CallRequest) -> Answering {
        match self.services.find(&request.service) {
            Some(entry) => {
                let (services, live) = (self.services.clone(), live.clone());
                Answering::Later(Box::pin(async move { answer(services.call(entry, &live, request).await) }))
            }
            None => Answering::Now(answer(Err(self.services.unknown(&request.service)))),
        }
    }
}

/// The form in which the execution takes an answer.
pub(crate) fn answer(result: Result<serde_json::Value, Fault>) -> CallResult {
    match result {
        Ok(value) => CallResult::Ok(value.into()),
        Err(Fault { code, message }) => CallResult::Err { code, message },
    }
}
