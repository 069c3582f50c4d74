//! Raises the stop that a run has reached, with its sentences.
//! Invariant: computed from the folded run alone, so that a crash before the record loses no stop (test
//! `a_run_goes_on_from_any_record` of tests/fault_injection/cuts.rs).

use super::driver::Driver;
use super::repository::Repository;
use super::target::Target;
use super::{RunnerError, drift};
use crate::run::{
    Approval, ApprovalGate, ApprovalStatus, DriftFound, Event, RunState, Stop, StopCode,
    TransactionEnd, Verdict,
};

impl<T: Target, R: Repository> Driver<T, R> {
    /// Raises the stop that is owed, with its sentences.
    pub(super) fn raise_stop(&mut self, stop_code: StopCode) -> Result<(), RunnerError> {
        self.record_closing_drift(stop_code)?;
        let recorder = self.recorder()?;
        let run = recorder.run();
        let (gate, message, next) = match stop_code {
            StopCode::StopFactsDrifted => drifted(run),
            StopCode::StopApprovalRejected => rejected(run),
            StopCode::StopGateFailed => gate_failed(run),
            _ => not_clean(run),
        };
        let failed = matches!(
            stop_code,
            StopCode::StopGateFailed | StopCode::StopMutationSuspected
        );
        let stop = Stop {
            stop_code,
            gate,
            state: run.state,
            evidence: run
                .evidence
                .as_ref()
                // A failed run asks nothing, so no evidence is offered for approval.
                .filter(|_| !failed)
                .map(|e| e.digest.clone()),
            message,
            next,
        };
        recorder.record(Event::StopRaised(stop))?;
        self.write_sidecar()
    }

    /// Drift that the closing judgement found is recorded before its stop.
    fn record_closing_drift(&mut self, stop_code: StopCode) -> Result<(), RunnerError> {
        let recorder = self.recorder()?;
        let run = recorder.run();
        let closing = stop_code == StopCode::StopFactsDrifted && run.state.is_final();
        if !closing || run.drift.is_some() {
            return Ok(());
        }
        let drift = run
            .non_mutation
            .as_ref()
            .map(|judged| judged.changes.clone());
        let nonce = run.post.as_ref().map(|post| post.snapshot.nonce.clone());
        recorder.record(Event::DriftFound(DriftFound {
            gate: None,
            drift: drift.unwrap_or_default(),
            nonce: nonce.unwrap_or_default(),
        }))?;
        Ok(())
    }
}

type Said = (Option<ApprovalGate>, String, String);

fn drifted(run: &RunState) -> Said {
    let (gate, changes) = run
        .drift
        .as_ref()
        .map_or((None, &[][..]), |drift| (drift.gate, &drift.changes));
    let next = if run.state.is_final() {
        "The run is sealed with the difference; start a new run.".to_owned()
    } else {
        "Read the difference, then take new evidence.".to_owned()
    };
    (gate, drift::sentence(run, changes), next)
}

fn rejected(run: &RunState) -> Said {
    let next = "The run is over; start a new one when the reason is gone.".to_owned();
    let rejection = |a: &&Approval| a.status == ApprovalStatus::Rejection;
    let Some(last) = run.approvals.iter().find(rejection) else {
        return (None, "The run was rejected.".to_owned(), next);
    };
    let why = last.reason.as_deref().unwrap_or_default();
    let message = format!("{} rejected {}: {why}", last.by.user, last.gate);
    (Some(last.gate), message, next)
}

fn gate_failed(run: &RunState) -> Said {
    let failed = run
        .gates
        .iter()
        .rfind(|(_, gate)| gate.finished.is_some_and(|f| f.0 == Verdict::Fail));
    let message = failed.map_or_else(
        || "A gate failed.".to_owned(),
        |(gate, ran)| {
            let checks: Vec<String> = ran
                .checks
                .iter()
                .filter(|check| check.verdict == Verdict::Fail)
                .map(|check| format!("{}: {}", check.name, check.says))
                .collect();
            format!("{gate} {} failed: {}.", gate.title(), checks.join("; "))
        },
    );
    let next = "Correct what the check names, then start a new run.".to_owned();
    (None, message, next)
}

fn not_clean(run: &RunState) -> Said {
    let violations = run.transactions.iter().rev().find_map(|transaction| {
        let TransactionEnd::Closed(proof) = &transaction.end else {
            return None;
        };
        Some(proof.violations()).filter(|violations| !violations.is_empty())
    });
    let message = format!(
        "Our own transaction is not proven clean: {}.",
        violations.unwrap_or_default().join("; ")
    );
    let next =
        "Do not trust this database session; show report 10 to its administrator.".to_owned();
    (None, message, next)
}
