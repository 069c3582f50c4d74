//! The state machine: which effect comes next in a run.
//! Invariant: `next` is a pure function of the folded journal, so a run goes on from any record in the same way (tests
//! `a_walk_with_crashes_ends_in_a_final_state_and_replays` of tests/machine.rs, `a_run_goes_on_from_any_record` of
//! tests/fault_injection/cuts.rs).

use super::{ApprovalGate, Gate, RenewalReason, RunState, State, StopCode, Verdict};

/// What the runner has to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// G0: look at SSOT documents and repository.
    Precheck,
    /// G1: take the survey that becomes the pin, and judge it.
    TakePin,
    /// G2: seed the simulator, write context pins, predict the effect.
    Seed,
    /// Make a gate's evidence durable and stop for a person.
    TakeEvidence(ApprovalGate),
    /// Take a gate's evidence anew after expiry; earlier approvals stand.
    RenewEvidence(ApprovalGate),
    /// Survey again and, without drift, simulate what the approval allows.
    ApplyApproval(ApprovalGate),
    /// Go on with the steps of an approval that took effect before a crash.
    FinishSteps(ApprovalGate),
    /// Record the decision's end: the run is rejected.
    Reject(ApprovalGate),
    /// Raise the stop that was reached.
    RaiseStop(StopCode),
    /// Record that the run came back to a person.
    Return,
    /// Nothing until a person decides.
    AwaitPerson(ApprovalGate),
    /// Take the post survey.
    TakePostSurvey,
    /// Judge the claims of the non-mutation proof.
    JudgeNonMutation,
    /// Record all checks of G3 and finish it.
    FinishOrchestration,
    /// G4: fold the journal from disk afresh.
    ProveResume,
    /// G5: run the safety probes.
    RunProbes,
    /// G6: render, audit, seal.
    ReportAndSeal,
    /// Write what the seal is still missing.
    WriteFiles,
}

/// The effect that the runner has to perform next.
pub fn next(run: &RunState) -> Effect {
    if run.sealed.is_some() {
        return Effect::WriteFiles;
    }
    match run.state {
        State::Created => Effect::Precheck,
        State::Prechecked => Effect::TakePin,
        State::Surveyed => Effect::Seed,
        State::Seeded => Effect::TakeEvidence(ApprovalGate::SG1),
        State::AwaitingCutAuthorization => waiting(run, ApprovalGate::SG1),
        State::CutSimulated => after_cut(run),
        State::Verified => Effect::TakeEvidence(ApprovalGate::SG2),
        State::AwaitingLifecycleAuthorization => waiting(run, ApprovalGate::SG2),
        State::EnactSimulated => Effect::TakePostSurvey,
        State::PostSurveyed => Effect::JudgeNonMutation,
        State::CloseoutReported | State::Rejected | State::Failed => closing(run),
    }
}

fn waiting(run: &RunState, gate: ApprovalGate) -> Effect {
    let evidence = run.evidence.as_ref().is_some_and(|e| e.gate == gate);
    match run.renewal {
        // First: a rejection stands whatever else is open.
        _ if run.is_rejected() => Effect::Reject(gate),
        Some(RenewalReason::Drift) => Effect::TakePin,
        Some(RenewalReason::Expiry) => Effect::RenewEvidence(gate),
        None if run.owed_stop == Some(StopCode::StopFactsDrifted) => {
            Effect::RaiseStop(StopCode::StopFactsDrifted)
        }
        None if !evidence || run.owed_stop.is_some() => Effect::TakeEvidence(gate),
        None if run.pending_approval().is_some() && run.drift.is_none() => {
            Effect::ApplyApproval(gate)
        }
        None if run.owes_return => Effect::Return,
        None => Effect::AwaitPerson(gate),
    }
}

/// Between CUT and VERIFY there is no person: the steps go on, or drift that was found takes new evidence when asked.
fn after_cut(run: &RunState) -> Effect {
    match (run.renewal, &run.drift) {
        (Some(_), _) => Effect::TakePin,
        (None, Some(_)) if let Some(code) = run.owed_stop => Effect::RaiseStop(code),
        (None, Some(_)) if run.owes_return => Effect::Return,
        (None, Some(_)) => Effect::AwaitPerson(ApprovalGate::SG1),
        (None, None) => Effect::FinishSteps(ApprovalGate::SG1),
    }
}

/// The closing order of the contract, section 3.
fn closing(run: &RunState) -> Effect {
    let done = |gate| run.finished(gate).is_some();
    let closeout = run.state == State::CloseoutReported;
    if let Some(code) = run.owed_stop {
        return Effect::RaiseStop(code);
    }
    // Two returns are owed at closeout: that of the closeout itself, and that of the resume proof, which G4 records.
    let resume_proof_begun = run.gates.contains_key(&Gate::G4);
    if run.owes_return && !resume_proof_begun {
        return Effect::Return;
    }
    if run.gates.contains_key(&Gate::G3) && !done(Gate::G3) {
        return Effect::FinishOrchestration;
    }
    if closeout && !done(Gate::G4) {
        return Effect::ProveResume;
    }
    if run.owes_return {
        return Effect::Return;
    }
    if !done(Gate::G5) {
        return Effect::RunProbes;
    }
    Effect::ReportAndSeal
}

/// Whether a gate that is over lets the run go on.
pub(super) fn lets_pass(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Pass | Verdict::NotChecked)
}
