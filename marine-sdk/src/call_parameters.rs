//! Who calls: the particle, the service and the peers behind the call that is being served.

#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

use crate::marine;

/// What is known about the call from outside the service that is being served; the same in every module that this call
/// touches. Fields are empty or zero where a call was made without a particle, in the REPL for example.
#[marine(crate = "crate")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub struct CallParameters {
    /// The particle on whose behalf the call is made.
    pub particle: ParticleParameters,
    /// The service being called.
    pub service_id: String,
    /// Peer that created the service.
    pub service_creator_peer_id: String,
    /// Peer that executes the call.
    pub host_id: String,
    /// The same peer as `host_id`.
    pub worker_id: String,
    /// Per argument of the call: where its value came from.
    pub tetraplets: Vec<Vec<SecurityTetraplet>>,
}

/// The signed workflow program on whose behalf a call is made.
#[marine(crate = "crate")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub struct ParticleParameters {
    /// Its identity: the CID of its envelope.
    pub id: String,
    /// Peer that made and signed it.
    pub init_peer_id: String,
    /// When it was made: milliseconds since the Unix epoch, by the clock of its maker.
    pub timestamp: u64,
    /// How long after `timestamp` it may run, in milliseconds.
    pub ttl: u32,
    /// Its program, as AIR text.
    pub script: String,
    /// Signature of the init peer over the envelope.
    pub signature: Vec<u8>,
    /// A text nobody outside of the executing peer can guess, one per particle.
    pub token: String,
}

/// Where a value came from: which function of which service on which peer, and which part of its result.
#[marine(crate = "crate")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub struct SecurityTetraplet {
    /// Peer that produced the value.
    pub peer_pk: String,
    /// Service that produced it; empty for a literal of the script.
    pub service_id: String,
    /// Function that produced it; empty for a literal of the script.
    pub function_name: String,
    /// Path into the produced value; empty for all of it.
    pub lens: String,
}

impl SecurityTetraplet {
    /// A tetraplet of these four parts.
    pub fn new(
        peer_pk: impl Into<String>,
        service_id: impl Into<String>,
        function_name: impl Into<String>,
        lens: impl Into<String>,
    ) -> Self {
        Self {
            peer_pk: peer_pk.into(),
            service_id: service_id.into(),
            function_name: function_name.into(),
            lens: lens.into(),
        }
    }

    /// The tetraplet of a literal in a script made by `init_peer_id`.
    pub fn literal_tetraplet(init_peer_id: impl Into<String>) -> Self {
        Self::new(init_peer_id, "", "", "")
    }

    /// Goes on along `lens`.
    pub fn add_lens(&mut self, lens: &str) {
        self.lens.push_str(lens);
    }
}

impl CallParameters {
    /// When the particle expires: milliseconds since the Unix epoch.
    pub fn deadline_ms(&self) -> u64 {
        self.particle.timestamp.saturating_add(self.particle.ttl.into())
    }

    /// Whether `peer` made the particle.
    pub fn initiated_by(&self, peer: &str) -> bool {
        self.particle.init_peer_id == peer
    }

    /// Whether the argument number `arg` (the first is 0) came, whole and unmixed, from this function of this service on
    /// this peer.
    pub fn from_service(&self, arg: usize, peer: &str, service: &str, function: &str) -> bool {
        let Some([tetraplet]) = self.tetraplets.get(arg).map(Vec::as_slice) else { return false };
        tetraplet.peer_pk == peer && tetraplet.service_id == service && tetraplet.function_name == function
    }
}

/// The parameters of the call that is being served.
///
/// # Panics
/// On native targets, unless inside of [`testing::with_call_parameters`](crate::testing::with_call_parameters).
pub fn get_call_parameters() -> CallParameters {
    platform::get()
}

/// Names the call that is being served. A retry after a crash has the same id, so a service that must not act twice can
/// remember it. Empty during start-up.
///
/// # Panics
/// As [`get_call_parameters`].
pub fn call_id() -> String {
    platform::call_id()
}

#[cfg(target_arch = "wasm32")]
mod platform {
    use super::{CallParameters, ParticleParameters, SecurityTetraplet};
    use crate::host::call_parameters as host;

    pub(super) fn get() -> CallParameters {
        let host::CallParameters { particle, service_id, service_creator_peer_id, host_id, worker_id, tetraplets } =
            host::get();
        CallParameters {
            particle: ParticleParameters {
                id: particle.id,
                init_peer_id: particle.init_peer_id,
                timestamp: particle.timestamp,
                ttl: particle.ttl,
                script: particle.script,
                signature: particle.signature,
                token: particle.token,
            },
            service_id,
            service_creator_peer_id,
            host_id,
            worker_id,
            tetraplets: tetraplets.into_iter().map(|of_arg| of_arg.into_iter().map(tetraplet).collect()).collect(),
        }
    }

    fn tetraplet(tetraplet: host::SecurityTetraplet) -> SecurityTetraplet {
        let host::SecurityTetraplet { peer_pk, service_id, function_name, lens } = tetraplet;
        SecurityTetraplet { peer_pk, service_id, function_name, lens }
    }

    pub(super) fn call_id() -> String {
        host::call_id()
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod platform {
    use super::CallParameters;

    pub(super) fn get() -> CallParameters {
        crate::testing::current().unwrap_or_else(|| outside("get_call_parameters"))
    }

    pub(super) fn call_id() -> String {
        let parameters = crate::testing::current().unwrap_or_else(|| outside("call_id"));
        format!("{}-test", parameters.particle.id)
    }

    fn outside(function: &str) -> ! {
        panic!(
            "`{function}` can only be called inside a service; tests call it inside of \
             `marine_sdk::testing::with_call_parameters`"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{CallParameters, SecurityTetraplet, call_id, get_call_parameters};
    use crate::testing::with_call_parameters;

    fn parameters() -> CallParameters {
        let mut parameters = CallParameters::default();
        parameters.particle.id = "p".into();
        parameters.particle.init_peer_id = "alice".into();
        parameters.particle.timestamp = u64::MAX - 1;
        parameters.particle.ttl = 2;
        let from_sum = SecurityTetraplet::new("bob", "math", "sum", "");
        parameters.tetraplets = vec![vec![from_sum.clone()], vec![from_sum.clone(), from_sum]];
        parameters
    }

    #[test]
    fn native_tests_set_them() {
        with_call_parameters(parameters(), || {
            assert_eq!(get_call_parameters(), parameters());
            assert_eq!(call_id(), "p-test");
            with_call_parameters(CallParameters::default(), || assert_eq!(get_call_parameters().particle.id, ""));
            assert_eq!(get_call_parameters().particle.id, "p");
        });
    }

    #[test]
    fn questions_about_the_caller() {
        let parameters = parameters();
        assert!(parameters.initiated_by("alice"));
        assert!(!parameters.initiated_by("bob"));
        assert_eq!(parameters.deadline_ms(), u64::MAX);
        assert!(parameters.from_service(0, "bob", "math", "sum"));
        assert!(!parameters.from_service(0, "bob", "math", "product"));
        assert!(!parameters.from_service(1, "bob", "math", "sum"), "mixed from two values");
        assert!(!parameters.from_service(2, "bob", "math", "sum"), "no such argument");
    }

    #[test]
    fn a_lens_grows() {
        let mut tetraplet = SecurityTetraplet::literal_tetraplet("alice");
        tetraplet.add_lens(".$.a");
        tetraplet.add_lens(".[0]");
        assert_eq!(tetraplet, SecurityTetraplet::new("alice", "", "", ".$.a.[0]"));
    }
}
