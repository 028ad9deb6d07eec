//! Verifying a finished particle, and telling what happened in it.
//!
//! [`verify`] needs no network and no keys: it lets an observer run the script over the data, so that every entry is checked
//! by itself and against its position. The [`Trace`] that it returns lists the calls; it prints as text and as a
//! sequence diagram, and its parts can be serialised. A [bundle](encode_bundle) is a file with all that `verify` needs.

mod bundle;
mod order;
mod place;
mod rows;
mod svg;
mod text;
mod time;

use std::collections::BTreeMap;
use std::sync::Arc;

use marine_particle::Particle;
use serde::Serialize;
use thiserror::Error;

pub use bundle::{BundleError, decode_bundle, encode_bundle};
pub use rows::{Row, RowFrame, RowState, Says, Signed, Statement};
pub use text::{Text, Values};

use crate::check::ScriptInvalid;
use crate::data::Data;
use crate::execution::{EntryState, Execution, Outcome, Rejection, Report, Setup};
use crate::{Limits, Script};

/// What happened in a particle, as far as its data tells, all of it verified.
#[derive(Clone, Debug, Serialize)]
pub struct Trace {
    /// The identity of the particle.
    pub particle: String,
    /// Its label.
    pub id: String,
    /// The peer that started and signed it.
    pub init: String,
    /// When it was started, in milliseconds since 1970, by that peer's clock.
    pub timestamp: u64,
    /// How long it might run, in milliseconds.
    pub ttl: u32,
    /// The calls in the order of the script, iterations in the order of their arrival; then entries that are about calls
    /// which nothing known leads to, or which disagree with the script.
    pub rows: Vec<Row>,
    /// What is known of the script's end.
    pub outcome: TraceOutcome,
    /// The number of entries that agree with their positions.
    pub verified: usize,
    /// The number of entries that disagree, and so have no effect.
    pub void: usize,
    /// The number of entries whose positions nothing known leads to.
    pub unreached: usize,
    /// The length of each peer's log.
    pub logs: BTreeMap<String, u64>,
    /// Names for peers, used in the text.
    #[serde(skip)]
    aliases: BTreeMap<String, String>,
}

/// The state of a script as an observer sees it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub enum TraceOutcome {
    /// It is not over, or the data does not say so.
    Running,
    /// It is complete.
    Complete,
    /// It has failed.
    Failed {
        /// The code of the error, 10000 to 10012.
        code: i64,
        /// The text of the error.
        message: String,
        /// The instruction that failed.
        instruction: String,
    },
}

/// Data does not verify.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum TraceError {
    /// The particle's script has errors, so nothing can have happened.
    #[error(transparent)]
    Script(#[from] ScriptInvalid),
    /// The data is refused: something in it is forged, malformed, or of another particle.
    #[error("data is not genuine (code {code}): {0}", code = .0.code())]
    Data(#[from] Rejection),
}

/// Verifies all that data says about a particle, whose signature has been checked already, as of every [`Particle`].
///
/// Whether the particle has expired does not matter, see [`Trace::expired`].
///
/// # Errors
/// [`TraceError`] if a signature, a value or the form of the data is wrong. Entries that are well-formed and signed, but
/// disagree with the script, do not make it fail: they are listed as void.
pub fn verify(particle: &Arc<Particle>, data: Data, limits: &Limits) -> Result<Trace, TraceError> {
    let script = Script::parse(particle.script(), limits).script()?;
    let setup = Setup { particle: particle.clone(), script, me: None, limits: limits.clone() };
    let (execution, effects) = Execution::new(setup, [], Some(data))?;
    let view = execution.view();
    let count = |state: EntryState| view.entries().filter(|entry| entry.state == state).count();
    let voids = effects.reports.into_iter().filter_map(|report| match report {
        Report::Void { entry, reason } => Some((entry, reason)),
        _ => None,
    });
    Ok(Trace {
        particle: particle.cid().to_string(),
        id: particle.id().to_owned(),
        init: particle.init().to_base58(),
        timestamp: particle.timestamp(),
        ttl: particle.ttl(),
        rows: rows::rows(&view, &voids.collect()),
        outcome: execution.outcome().into(),
        verified: count(EntryState::Verified),
        void: count(EntryState::Void),
        unreached: count(EntryState::Unreached),
        logs: execution.heads().iter().map(|(peer, len)| (peer.to_base58(), len)).collect(),
        aliases: BTreeMap::new(),
    })
}

impl Trace {
    /// Gives peers names for the text: pairs of an id in base58 and a name.
    #[must_use]
    pub fn with_aliases<I, N>(mut self, aliases: impl IntoIterator<Item = (I, N)>) -> Self
    where
        I: Into<String>,
        N: Into<String>,
    {
        self.aliases.extend(aliases.into_iter().map(|(id, name)| (id.into(), name.into())));
        self
    }

    /// Says where instructions come from: `source` gives the place behind a line and column of the script, if there is one. The
    /// text shows it instead.
    #[must_use]
    pub fn with_sources(mut self, source: impl Fn(usize, usize) -> Option<String>) -> Self {
        for row in &mut self.rows {
            row.source = source(row.line, row.column);
        }
        self
    }

    /// Whether the particle's time was over at `now`, in milliseconds since 1970.
    #[must_use]
    pub fn expired(&self, now: u64) -> bool {
        self.timestamp.checked_add(u64::from(self.ttl)).is_none_or(|end| end <= now)
    }
}

impl From<&Outcome> for TraceOutcome {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Running => Self::Running,
            Outcome::Complete => Self::Complete,
            Outcome::Failed(error) => Self::Failed {
                code: error.code,
                message: error.message.to_string(),
                instruction: error.instruction.trim_end().to_owned(),
            },
        }
    }
}
