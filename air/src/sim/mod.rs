//! An in-process network with virtual time, for tests of scripts and of the execution itself.
//!
//! Peers are real [`Execution`](crate::execution::Execution)s with keys derived from their names; real bytes travel between
//! them, and what they store is really replayed when they restart. Services are [`Stub`]s.
//!
//! - [`Scenario`] says what runs: script, peers, stubs, faults. [`Scenario::run`] lets a seeded scheduler choose among the
//!   pending deliveries, answers and faults; one seed is one run, byte for byte. Its [`Run`] tells all that happened.
//! - [`ScenarioFile`] is a scenario as a file, with what is expected of it.
//! - [`World`] is the same network without scheduler: the caller delivers messages and answers calls one by one.
//!
//! ```
//! use marine_air::sim::{Scenario, Stub};
//!
//! let script = r#"(seq (call "@shop" ("stock" "count") ["pears"] n)
//!                      (call %init_peer_id% ("callback" "done") [n]))"#;
//! let scenario = Scenario::new(script, ["client", "shop"])
//!     .stub(Stub::new("stock.count").at("shop").ok(12))
//!     .stub(Stub::new("callback.done"));
//! let run = scenario.run(1)?;
//! assert_eq!(run.calls_at("client"), ["callback.done(12)"]);
//! # Ok::<(), marine_air::sim::SimError>(())
//! ```

mod file;
mod host;
mod network;
mod peers;
mod random;
mod run;
mod scenario;
mod stub;
mod world;

pub use file::{Finding, ReadScenario, ReadStage, ScenarioFile, Source, Unmet, Verdict};
pub use host::{Input, Message, Step};
pub use peers::Peers;
pub use random::Random;
pub use run::{CallRow, EntryFact, Refusal, Run, TimelineRow};
pub use scenario::{Net, Partition, Restart, Scenario};
pub use stub::{Stub, StubCall};
pub use world::World;

use marine_particle::{NewParticleError, SignError};
use thiserror::Error;

use crate::ScriptInvalid;
use crate::execution::Rejection;

/// A simulation cannot be set up, or a step of it was refused.
#[derive(Debug, Error)]
pub enum SimError {
    /// A name in a script, a stub or a step is not among the peers.
    #[error("no peer has the name `{name}`: add it to the peers of the simulation")]
    UnknownPeer {
        /// The name, without `@`.
        name: String,
    },
    /// The script has errors.
    #[error(transparent)]
    Script(#[from] ScriptInvalid),
    /// The particle cannot be made of the script.
    #[error(transparent)]
    Particle(#[from] NewParticleError),
    /// A peer's key cannot be used.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A peer refused a message, a record or an answer.
    #[error("peer `{peer}` refused a step")]
    Rejected {
        /// The name of the peer.
        peer: String,
        /// Why.
        #[source]
        rejection: Box<Rejection>,
    },
    /// A step at a peer that the particle has not reached.
    #[error("the particle has not reached peer `{peer}` yet: deliver it first")]
    NotThere {
        /// The name of the peer.
        peer: String,
    },
    /// An answer to a call that is not outstanding.
    #[error("no call of `{call}` is outstanding at peer `{peer}`")]
    NoSuchCall {
        /// The name of the peer.
        peer: String,
        /// The call, as `service.function`.
        call: String,
    },
    /// The run made more steps than any script of a test needs.
    #[error("the run did not come to rest within {steps} events: the script may loop")]
    Endless {
        /// The number of events.
        steps: usize,
    },
}
