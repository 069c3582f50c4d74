//! The `--json` document of `run`, `resume`, `approve` and `reject` (contract, section 10). What is absent is null or an empty
//! list, never left out.

use super::counters;
use super::proof::judgement;
use super::twin::{drift, facts, non_mutation, returns};
use crate::audit::{cannot_pass, first_failure};
use crate::documents::{GateVerdict, RunDocument};
use crate::run::{Gate, GateRun, RunResult, RunState, Stop, StopCode};

/// The document of a run. `stop` is the stop that this process ends with, where it is not in the journal: a refusal, a lost
/// database. `next` is what to do next, empty where there is nothing.
pub fn summary(run: &RunState, stop: Option<&Stop>, next: &str) -> RunDocument {
    let journalled = run
        .stops
        .last()
        .map(|raised| &raised.stop)
        // A stop that the run has since moved on from is history: it counts only while the run is still in its state, and for a
        // sealed run only if the result is that of the stop.
        .filter(|stop| stop.state == run.state)
        .filter(|stop| run.sealed.is_none() || sealed_stop(run) == Some(stop.stop_code));
    let stop = stop.or(journalled);
    let latest = run.latest.as_ref().map(|(_, survey)| survey.as_ref());
    let waiting = run.waits_at().and(run.evidence.as_ref());
    RunDocument {
        run_id: run.run_id().cloned(),
        state: Some(run.state),
        stop_code: stop.map(|stop| stop.stop_code).or_else(|| sealed_stop(run)),
        gate: run.waits_at().or_else(|| stop.and_then(|stop| stop.gate)),
        evidence: waiting
            .map(|evidence| &evidence.digest)
            .or_else(|| stop?.evidence.as_ref())
            .cloned(),
        result: run.sealed.as_ref().map(|(result, _, _)| result.clone()),
        gates: run.gates.iter().map(gate_verdict).collect(),
        facts: facts(latest),
        facts_digest: latest.map(|survey| survey.facts_digest.clone()),
        counters: Some(counters(run)),
        returns: returns(run),
        non_mutation: non_mutation(run, false),
        drift: drift(run),
        beside: run.beside.clone(),
        head: run.journal_head(),
        cannot_pass: cannot_pass(run),
        change: run.change_evidence(),
        message: message(run, stop),
        next: Some(next.to_owned()).filter(|next| !next.is_empty()),
        ..RunDocument::default()
    }
}

fn gate_verdict((gate, begun): (&Gate, &GateRun)) -> GateVerdict {
    GateVerdict {
        gate: *gate,
        verdict: begun.finished.map(|(verdict, _)| verdict),
    }
}

/// The stop code that belongs to the result of a sealed run; none for PASS and INCOMPLETE.
fn sealed_stop(run: &RunState) -> Option<StopCode> {
    match run.sealed.as_ref()?.1 {
        RunResult::Pass | RunResult::Incomplete => None,
        RunResult::ChangedByOthers => Some(StopCode::StopFactsDrifted),
        RunResult::Rejected => Some(StopCode::StopApprovalRejected),
        RunResult::Fail => Some(StopCode::StopGateFailed),
        RunResult::MutationSuspected => Some(StopCode::StopMutationSuspected),
    }
}

/// One sentence: the message of the stop, else the result of a sealed run with its first failed check.
fn message(run: &RunState, stop: Option<&Stop>) -> Option<String> {
    if let Some(stop) = stop {
        return Some(stop.message.clone());
    }
    let (result, _, _) = run.sealed.as_ref()?;
    let failure = first_failure(run).map_or_else(String::new, |(gate, check)| {
        format!(
            " {gate} {} is {}: {}",
            check.name, check.verdict, check.says
        )
    });
    let proof = judgement(run).verdict;
    let beside = run.beside_words();
    let beside = beside.map_or_else(String::new, |words| format!(" {words}."));
    let asked = run.asked();
    let asked = asked.map_or_else(String::new, |asked| format!(" {asked}."));
    Some(format!(
        "{result}: non-mutation verdict {proof}.{asked}{failure}{beside}"
    ))
}
