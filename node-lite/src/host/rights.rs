//! Who may do what on this node: the policy, asked by name of the right.

use marine_air::{execution::CallRequest, value::Tetraplet};
use marine_particle::PeerId;

use super::args::{DENIED, Fault};
use crate::config::{DeployRight, NodeConfig, Policy};

/// The node's policy and who the node is.
pub(crate) struct Rights {
    me: PeerId,
    dev: bool,
    pub(crate) policy: Policy,
}

impl Rights {
    pub(crate) fn new(config: &NodeConfig) -> Self {
        Self { me: config.keypair.peer_id(), dev: config.dev, policy: config.policy.clone() }
    }

    pub(crate) fn me(&self) -> PeerId {
        self.me
    }

    /// The right to add modules and blueprints and to create services, asked for `function` by the init peer.
    pub(crate) fn deploy(&self, init: &PeerId, function: &str) -> Result<(), Fault> {
        let listed = match &self.policy.deploy {
            DeployRight::Any => true,
            DeployRight::Peers(peers) => peers.contains(init),
        };
        if self.dev || listed || self.is_admin(init) {
            return Ok(());
        }
        Err(denied(function, init, "deploy", &self.deployers()))
    }

    /// The right to administer the node.
    pub(crate) fn admin(&self, init: &PeerId, function: &str) -> Result<(), Fault> {
        if self.is_admin(init) {
            return Ok(());
        }
        Err(denied(function, init, "admin", &format!("management and the host {}", self.me)))
    }

    /// The right over a thing of `owner`.
    pub(crate) fn own(&self, init: &PeerId, owner: &str, function: &str) -> Result<(), Fault> {
        if init.to_string() == owner || self.is_admin(init) {
            return Ok(());
        }
        Err(denied(function, init, "owner", &format!("its owner {owner}, management and the host {}", self.me)))
    }

    /// The right to have data of these origins signed with the node's key.
    ///
    /// # Errors
    /// The rule that does not hold.
    pub(crate) fn sign(&self, init: &PeerId, origins: &[Tetraplet]) -> Result<(), String> {
        if !self.is_admin(init) {
            return Err(format!("{init} may not have data signed; the host {} and its management may", self.me));
        }
        let [origin] = origins else {
            return Err(format!("the data has {} origins; it has to be the result of one function", origins.len()));
        };
        if *origin.peer_pk != *self.me.to_string() {
            return Err(format!("the data comes from peer {}, not from this one", origin.peer_pk));
        }
        let source = format!("{}.{}", origin.service_id, origin.function_name);
        if !self.policy.sign.contains(&source) {
            return Err(format!("the policy of this node names no `{source}` among the sources of what is signed"));
        }
        if !origin.lens.is_empty() {
            return Err(format!(
                "the data is a part of what `{source}` gave (`{}`); it has to be all of it",
                origin.lens
            ));
        }
        Ok(())
    }

    /// Every argument of a privileged call must be the init peer's own, management's or this peer's.
    pub(crate) fn untainted(&self, init: &PeerId, request: &CallRequest, function: &str) -> Result<(), Fault> {
        let init = init.to_string();
        let me = self.me.to_string();
        let trusted = |peer: &str| {
            peer == init || peer == me || self.policy.management.iter().any(|manager| manager.to_string() == peer)
        };
        let origins = request.tetraplets.iter().enumerate();
        let stranger = origins
            .flat_map(|(at, origins)| origins.iter().map(move |origin| (at, origin)))
            .find(|(_, origin)| !trusted(&origin.peer_pk));
        match stranger {
            None => Ok(()),
            Some((at, origin)) => Err(Fault::new(
                DENIED,
                format!(
                    "{function}: args[{at}] comes from peer {} ({}.{}); a privileged call takes only data of its init peer, \
                     management or this peer",
                    origin.peer_pk, origin.service_id, origin.function_name
                ),
            )),
        }
    }

    fn is_admin(&self, peer: &PeerId) -> bool {
        *peer == self.me || self.policy.management.contains(peer)
    }

    fn deployers(&self) -> String {
        let listed = match &self.policy.deploy {
            DeployRight::Any => Vec::new(),
            DeployRight::Peers(peers) => peers.iter().map(ToString::to_string).collect(),
        };
        let host = format!("the host {}", self.me);
        let management = self.policy.management.iter().map(ToString::to_string);
        listed.into_iter().chain(management).chain([host]).collect::<Vec<_>>().join(", ")
    }
}

fn denied(function: &str, caller: &PeerId, right: &str, holders: &str) -> Fault {
    Fault::new(DENIED, format!("{function}: {caller} has not the right `{right}`; it is held by {holders}"))
}
