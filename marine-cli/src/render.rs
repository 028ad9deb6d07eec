//! Finished particles, verified and shown.

use std::sync::Arc;

use marine_air::trace::{self, RowState, Trace};
use marine_air::{Data, Limits};
use marine_node::RunOutcome;
use marine_particle::Particle;
use serde_json::{Value, json};

use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::ui::Ui;

/// Verifies what a run brought back.
pub(crate) fn verified(outcome: &RunOutcome) -> Outcome<Trace> {
    let data = outcome
        .data
        .clone()
        .ok_or_else(|| Failure::new(Exit::Unverified, "the particle never began, so there is nothing to verify"))?;
    verify(&outcome.particle, data)
}

/// Verifies a particle: signatures, chains, values, and that each entry belongs to its place in the script.
pub(crate) fn verify(particle: &Arc<Particle>, data: Data) -> Outcome<Trace> {
    trace::verify(particle, data, &Limits::default()).or_fail(Exit::Unverified, "the particle does not verify")
}

/// The file that proves a run.
pub(crate) fn bundle(outcome: &RunOutcome) -> Outcome<Vec<u8>> {
    let data = outcome
        .data
        .as_ref()
        .ok_or_else(|| Failure::new(Exit::Unverified, "the particle never began, so there is nothing to keep"))?;
    Ok(trace::encode_bundle(&outcome.particle, data))
}

/// A trace for programs: a document per call, then one for the whole.
pub(crate) fn documents(ui: Ui, trace: &Trace) {
    let Ok(Value::Object(mut whole)) = serde_json::to_value(trace) else { return };
    let rows = whole.remove("rows");
    for row in rows.as_ref().and_then(Value::as_array).into_iter().flatten() {
        ui.document("trace.call", row.clone());
    }
    ui.document("trace", Value::Object(whole));
}

/// The first thing in a trace that disagrees with its place, as a failure.
pub(crate) fn genuine(trace: &Trace) -> Outcome<()> {
    let broken = trace.rows.iter().find(|row| matches!(row.state, RowState::Void { .. } | RowState::Unreached));
    let Some(row) = broken else { return Ok(()) };
    let what = match &row.state {
        RowState::Void { field, expected, found } => format!("its {field} is {found}, should be {expected}"),
        _ => "nothing leads to its place in the script".to_string(),
    };
    let by = row.signed.as_ref().map_or("?", |signed| signed.by.as_str());
    Err(Failure::new(
        Exit::Unverified,
        format!(
            "an entry about {}:{} of the script, signed by {by}, does not belong there: {what}",
            row.line, row.column
        ),
    ))
}

/// A summary of a particle that verifies.
pub(crate) fn summary(trace: &Trace) -> Value {
    json!({ "particle": trace.particle, "init": trace.init, "verified": trace.verified, "void": trace.void, "unreached": trace.unreached })
}
