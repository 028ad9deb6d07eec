//! Executing a particle at one peer: a state machine without I/O.
//!
//! A script runs as a tree of activations, each started once and woken when something it waits for happens. A host feeds
//! [`Execution`] with data from other peers and with results of calls; each such *step* returns the [`Effects`] that the host
//! has to carry out. Everything follows from the sequence of inputs: there is no clock, no randomness, no I/O.
//!
//! A step either happens as a whole or is rejected as a whole. `spec` sections 4 to 6 describe the rules; the files here are
//! named for them: `machine` (order, states), `scope` (variables), `content` (what they hold), `operand`, `call`, `canon`, `fold`,
//! `stream` and `stream_fold`, `catch_up` (iterations out of turn), `check` (entries by themselves), `index` (entries by
//! position), `sequence` (what canons list), `close` (what a step asks for).

mod acts;
mod call;
mod canon;
mod catch_up;
mod check;
mod close;
mod content;
mod error;
mod fold;
mod index;
mod machine;
mod operand;
mod peers;
mod raise;
mod rejection;
mod scope;
mod sequence;
mod state;
mod steps;
mod stream;
mod stream_fold;
mod texts;
mod values;
mod view;

use std::fmt;
use std::sync::Arc;

use marine_particle::{Particle, PeerId};

pub use error::ExecutionError;
pub use index::EntryState;
pub use rejection::Rejection;
pub use steps::Execution;
pub use view::{CallState, CallView, Counters, EntryView, View};

use crate::Limits;
use crate::check::Script;
use crate::data::{Data, Key, Position};
use crate::value::{ContentId, Tetraplet, Value, ValueError};

/// What an execution is about.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The envelope.
    pub particle: Arc<Particle>,
    /// The particle's script.
    pub script: Arc<Script>,
    /// The peer at which this runs. `None`: an observer, which never requests, forwards or writes.
    pub me: Option<PeerId>,
    /// Bounds on data and execution.
    pub limits: Limits,
}

/// The name of a call at this peer: the key of its position, the same after a restart.
pub type CallId = Key;

/// What a host has to do after a step.
#[derive(Clone, PartialEq, Debug)]
pub struct Effects {
    /// Calls to execute, in any order. Each must be answered with [`Execution::resolve`].
    pub requests: Vec<CallRequest>,
    /// Peers that the particle should be sent to, in the order in which their instructions were reached.
    pub next_peers: Vec<PeerId>,
    /// What this step added to the data. It has to be on durable storage, and [`Execution::stored`] called, before
    /// anything of it is sent. The first step of an execution that waits for something has a record even if that says
    /// nothing, so that the records tell what happened before anything arrived. `None`: nothing changed.
    pub record: Option<Data>,
    /// The state of the script at this peer.
    pub outcome: Outcome,
    /// What is worth telling: errors that nobody handles, entries that have no effect.
    pub reports: Vec<Report>,
}

/// A call to execute.
#[derive(Clone, PartialEq, Debug)]
pub struct CallRequest {
    /// The name to answer under.
    pub id: CallId,
    /// The service.
    pub service: String,
    /// Its function.
    pub function: String,
    /// The arguments.
    pub args: Vec<Value>,
    /// Per argument, where it comes from.
    pub tetraplets: Vec<Vec<Tetraplet>>,
    /// The instance of the `call` instruction.
    pub at: Position,
}

/// What came of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallResult {
    /// It returned this.
    Ok(Value),
    /// It failed.
    Err {
        /// The service's code.
        code: i32,
        /// The service's text.
        message: String,
    },
}

/// The state of a script at one peer. Final once it is not [`Outcome::Running`]; branches that still run go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Something is waited for, here or elsewhere.
    Running,
    /// The root instruction is complete.
    Complete,
    /// The root instruction has failed.
    Failed(ExecutionError),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Running => f.write_str("running"),
            Outcome::Complete => f.write_str("complete"),
            Outcome::Failed(error) => write!(f, "failed: {error}"),
        }
    }
}

/// An entry of a log: its owner, and its height counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct EntryId {
    /// The owner.
    pub peer: PeerId,
    /// The height.
    pub height: u64,
}

/// How an entry disagrees with its position (6.6 b).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VoidReason {
    /// The position.
    pub at: Position,
    /// `peer`, `service`, `function`, `args`; of a canon also `element`.
    pub field: &'static str,
    /// What the script has there.
    pub expected: String,
    /// What the entry has.
    pub found: String,
}

/// Something worth telling that is not an effect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Report {
    /// An error that no `xor` took: one side of a `par` failed, another is complete.
    Swallowed {
        /// The instruction that failed.
        at: Position,
        /// Its error.
        error: ExecutionError,
    },
    /// An entry that disagrees with its position. It has no effect.
    Void {
        /// Which entry.
        entry: EntryId,
        /// How it disagrees.
        reason: VoidReason,
    },
    /// A call to something that is no peer waits forever.
    NotAPeer {
        /// The call.
        at: Position,
        /// The text in the place of its peer.
        text: String,
    },
}

/// One line, with ids of peers.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Report::Swallowed { error, .. } => write!(f, "swallowed {error}"),
            Report::Void { entry, reason: VoidReason { field, expected, found, .. } } => {
                write!(f, "void entry {} of {}: {field} is {found}, should be {expected}", entry.height, entry.peer)
            }
            Report::NotAPeer { text, .. } => write!(f, "not a peer: {text}"),
        }
    }
}

fn value_rejection(value: ContentId, error: ValueError) -> Rejection {
    match error {
        ValueError::Bytes { bytes, max } => Rejection::LimitExceeded { what: "length of a value", n: bytes, max },
        ValueError::Nesting { max } => Rejection::LimitExceeded { what: "nesting of a value", n: max + 1, max },
        ValueError::Malformed(error) => Rejection::DataMalformed(format!("value {value}: {error}")),
    }
}
