//! The JSON document that a hook reads on standard input.
//! Invariant: made from the folded run, the journal's head and the plan; `HookDocument` has no member for a secret or a
//! connection string.

use super::{RunPlan, summary};
use crate::documents::{HookDocument, HookTarget, SchemaVersion};
use crate::journal::Head;
use crate::run::{HookPoint, JournalHead, RaisedStop, RunState};

/// The document for a hook of a run as it stands; `raised` is the stop that the hook reports, `None` at the end.
pub(super) fn document(
    run: &RunState,
    hook: HookPoint,
    raised: Option<&RaisedStop>,
    head: Option<Head>,
    plan: &RunPlan,
) -> HookDocument {
    let stop = raised.map(|raised| &raised.stop);
    let created = run.created.as_deref();
    let gate = stop.and_then(|stop| stop.gate);
    let sealed = run.sealed.as_ref();
    let (message, next) = if let Some(stop) = stop {
        (stop.message.clone(), run.advice(stop, &plan.call))
    } else {
        let over = summary::sealed(run, &plan.call, None);
        (over.message, over.next)
    };
    let evidence = run.evidence.as_ref();
    let expires_at = evidence
        .filter(|evidence| gate == Some(evidence.gate))
        .map(|evidence| evidence.expires_at);
    HookDocument {
        schema: SchemaVersion,
        hook,
        run_id: run.run_id().cloned(),
        state: stop.map_or(run.state, |stop| stop.state),
        stop_code: stop.map_or_else(|| run.stop_code(), |stop| Some(stop.stop_code)),
        gate,
        gate_label: gate.map(|gate| run.gate_label(gate).to_owned()),
        evidence: stop.and_then(|stop| stop.evidence.clone()),
        evidence_expires_at: expires_at,
        drift: run.drift.as_ref().map(|drift| {
            let keys = drift
                .changes
                .iter()
                .map(|change| change.key.as_str().to_owned());
            keys.collect()
        }),
        result: sealed.map(|(result, _, _)| result.clone()),
        exit_code: sealed.map(|(_, _, code)| *code),
        message,
        next,
        profile: created.map(|created| created.profile.clone()),
        target: created.map(|created| HookTarget {
            label: created.target.label.clone(),
            address: created.target.address(),
        }),
        started_by: created.map(|created| created.by.name().to_owned()),
        started_at: run.started_at,
        at: raised.map_or_else(|| run.last.map(|(_, at)| at), |raised| Some(raised.at)),
        host: plan.person.host.clone(),
        head: head.map(JournalHead::from),
    }
}
