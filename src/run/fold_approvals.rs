//! What evidence, approvals, drift and state changes do to a run.
//! Invariant: an approval is consumed only by the state that it opens (`RunState::apply_state`).

use super::fold_parts::{Approval, ApprovalStatus, Drift, Evidence, RaisedStop};
use super::{
    ApprovalGate, ApprovalRecorded, Decision, DriftFound, EvidenceShown, EvidenceTaken, Gate,
    LiveRead, NonMutationVerdict, RunState, State, Stop, StopCode, TransactionEnd, Verdict,
};
use crate::survey::UtcTime;

impl RunState {
    /// The stop that the run stands at; `None` while it works and at a clean closeout.
    pub fn stop_code(&self) -> Option<StopCode> {
        if let Some((_, outcome, _)) = &self.sealed {
            return outcome.stop_code();
        }
        // A run that ended early ended by its own stop, whatever drift stood before.
        if self.state == State::Rejected {
            return Some(StopCode::StopApprovalRejected);
        }
        if self.state == State::Failed {
            let raised = self.stops.last().map(|raised| raised.stop.stop_code);
            return self.owed_stop.or(raised);
        }
        if self.drift.is_some() {
            return Some(StopCode::StopFactsDrifted);
        }
        self.waits_at().map(|_| StopCode::StopApprovalRequired)
    }

    pub(super) fn apply_state(&mut self, at: UtcTime, to: State) {
        if let Some(gate) = to.opened_by()
            && let Some(approval) = self
                .approvals
                .iter_mut()
                .rev()
                .find(|a| a.gate == gate && a.status == ApprovalStatus::Pending)
        {
            approval.status = ApprovalStatus::Consumed;
        }
        // Back to `surveyed` from a waiting state: a new round, after drift.
        if to == State::Surveyed && self.state != State::Prechecked {
            self.renewals += 1;
            self.steps.clear();
            self.first_phases.clear();
            self.rehearsals.clear();
            self.copy = None;
            self.predicted = None;
            self.renewal = None;
            self.drifted_before = self.drift.take();
        }
        if to.is_final() {
            self.owes_return = true;
        }
        self.owed_stop = match to {
            State::Rejected => Some(StopCode::StopApprovalRejected),
            State::Failed => Some(self.failed_by()),
            State::CloseoutReported => self
                .non_mutation
                .as_ref()
                .filter(|judged| judged.verdict == NonMutationVerdict::ChangedByOthers)
                .map(|_| StopCode::StopFactsDrifted),
            State::AwaitingCutAuthorization | State::AwaitingLifecycleAuthorization => {
                self.owed_stop
            }
            State::Created
            | State::Prechecked
            | State::Surveyed
            | State::Seeded
            | State::CutSimulated
            | State::Verified
            | State::EnactSimulated
            | State::PostSurveyed => None,
        };
        self.state = to;
        self.state_since = Some(at);
    }

    /// A run fails by a gate before the first stop, or because our own session was not proven clean, which says more.
    fn failed_by(&self) -> StopCode {
        let gates = [Gate::G0, Gate::G1, Gate::G2];
        let stained = self.transactions.iter().any(|transaction| {
            let proof = match &transaction.end {
                TransactionEnd::Closed(proof) => proof,
                TransactionEnd::Open | TransactionEnd::Unseen(_) => return false,
            };
            !proof.violations().is_empty()
        });
        let failed = |gate: &Gate| self.finished(*gate) == Some(Verdict::Fail);
        if gates.iter().any(failed) && !stained {
            StopCode::StopGateFailed
        } else {
            StopCode::StopMutationSuspected
        }
    }

    pub(super) fn take_evidence(&mut self, at: UtcTime, taken: &EvidenceTaken) {
        if let Some(old) = self.evidence.take() {
            self.earlier_evidence.push((old.gate, old.digest));
        }
        self.evidence = Some(Evidence {
            gate: taken.gate,
            round: taken.round,
            digest: taken.evidence.clone(),
            sheet: taken.sheet.clone(),
            taken_at: at,
            expires_at: taken.expires_at,
            shown_at: at,
            shown_boot: taken.boot_id.clone(),
            shown_uptime_ms: taken.uptime_ms,
        });
        self.renewal = None;
        self.refused = None;
        self.program_moved = false;
        self.owed_stop = Some(StopCode::StopApprovalRequired);
        if taken.gate == ApprovalGate::SG2 {
            self.drifted_before = None;
        }
    }

    /// Until when evidence that is taken or shown now is good. Showing it again extends nothing.
    pub fn good_until(&self, now: UtcTime) -> UtcTime {
        let ttl_seconds = self
            .created
            .as_ref()
            .map_or(0, |created| created.approvals.ttl_seconds);
        let since = self.equal_at.filter(|_| self.looks_again()).unwrap_or(now);
        since.plus_seconds(ttl_seconds)
    }

    /// Evidence that has not expired counts anew from a read of everything that found all equal.
    pub(super) fn extend_evidence(&mut self, at: UtcTime, read: &LiveRead) {
        if !self.looks_again() || !read.complete || read.failed.is_some() || self.has_moved() {
            return;
        }
        self.equal_at = Some(at);
        let until = self.good_until(at);
        let current = self.evidence.as_mut();
        if let Some(current) = current.filter(|evidence| at < evidence.expires_at) {
            current.expires_at = until;
        }
    }

    pub(super) fn show_evidence(&mut self, at: UtcTime, shown: &EvidenceShown) {
        let current = self.evidence.as_mut();
        if let Some(current) = current.filter(|e| e.digest == shown.evidence) {
            current.expires_at = shown.expires_at;
            current.shown_at = at;
            current.shown_boot.clone_from(&shown.boot_id);
            current.shown_uptime_ms = shown.uptime_ms;
        }
    }

    pub(super) fn find_drift(&mut self, at: UtcTime, found: &DriftFound) {
        // Drift at closeout voids nothing: the approvals took effect before it.
        if found.gate.is_some() {
            for approval in &mut self.approvals {
                if matches!(
                    approval.status,
                    ApprovalStatus::Pending | ApprovalStatus::Consumed
                ) {
                    approval.status = ApprovalStatus::Void;
                }
            }
        }
        self.owed_stop = Some(StopCode::StopFactsDrifted);
        self.drift = Some(Drift {
            gate: found.gate,
            changes: found.drift.clone(),
            at,
        });
    }

    pub(super) fn raise(&mut self, at: UtcTime, stop: &Stop) {
        self.owes_return |= matches!(
            stop.stop_code,
            StopCode::StopApprovalRequired | StopCode::StopFactsDrifted
        );
        if self.owed_stop == Some(stop.stop_code) {
            self.owed_stop = None;
        }
        let raised = RaisedStop {
            stop: stop.clone(),
            seq: self.last.map_or(0, |(seq, _)| seq),
            sha256: None,
            at,
        };
        let lost = stop.stop_code == StopCode::StopDatabaseUnavailable;
        self.database_lost = lost.then(|| raised.clone());
        self.stops.push(raised);
    }

    pub(super) fn record_decision(&mut self, at: UtcTime, recorded: &ApprovalRecorded) {
        self.refused = None;
        if recorded.decision == Decision::Withdraw
            && let Some(pending) = self
                .approvals
                .iter_mut()
                .rev()
                .find(|a| a.status == ApprovalStatus::Pending)
        {
            pending.status = ApprovalStatus::Withdrawn;
        }
        self.approvals.push(Approval {
            gate: recorded.gate,
            decision: recorded.decision,
            evidence: recorded.evidence.clone(),
            reason: recorded.reason.clone(),
            by: recorded.by.clone(),
            at,
            boot_id: recorded.boot_id.clone(),
            status: match recorded.decision {
                Decision::Approve => ApprovalStatus::Pending,
                Decision::Reject => ApprovalStatus::Rejection,
                Decision::Withdraw => ApprovalStatus::Withdrawn,
            },
        });
    }
}
