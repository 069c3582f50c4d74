//! Taking evidence: builds the evidence sheet, stores it as a blob and raises the approval stop.
//! Invariant: what a person is shown is durable before it is shown; screens learn of a sheet only from
//! `RunnerMessage::Recorded`, which `RunRecorder::record_at` sends after the sync.

use std::sync::Arc;

use super::discoverer::discover;
use super::driver::Driver;
use super::first_gates::change_state;
use super::repository::Repository;
use super::target::{SurveyRequest, Target};
use super::{RunRecorder, RunnerError, drift};
use crate::audit;
use crate::run::{
    ApprovalGate, Event, EvidenceTaken, Gate, GateStarted, LastPass, StopCode, SurveyPurpose,
};
use crate::survey::Digest;

impl<T: Target, R: Repository> Driver<T, R> {
    /// Makes a gate's evidence durable and raises its stop.
    pub(super) fn take_evidence(&mut self, gate: ApprovalGate) -> Result<(), RunnerError> {
        let begin = gate == ApprovalGate::SG1;
        let recorder = self.recorder()?;
        let run = recorder.run();
        let open = run
            .gates
            .get(&Gate::G3)
            .is_some_and(|g| g.finished.is_none());
        let same_round = run
            .evidence
            .as_ref()
            .is_some_and(|e| e.gate == gate && e.sheet.context.round == run.round());
        // Each condition asks what is already recorded: a resume after a crash repeats this function and must add only what is
        // missing.
        if begin && (!open || !same_round) && run.state == crate::run::State::Seeded {
            recorder.record(Event::GateStarted(GateStarted { gate: Gate::G3 }))?;
        }
        if !same_round {
            self.record_evidence(gate)?;
        }
        let recorder = self.recorder()?;
        if recorder.run().state != gate.waiting_state() {
            change_state(recorder, gate.waiting_state())?;
        }
        ask(recorder)?;
        self.write_sidecar()
    }

    /// Surveys again for a gate whose evidence expired; earlier approvals stand unless facts drifted.
    pub(super) async fn renew_evidence(&mut self, gate: ApprovalGate) -> Result<(), RunnerError> {
        let plan = self.plan.clone();
        let ask_for = SurveyRequest::SURVEY;
        self.look_around().await?;
        let recorder = self.recorder.as_mut().ok_or(RunnerError::Sealed)?;
        let mut found = discover(
            &mut self.target,
            recorder,
            plan.profile.lifecycle.as_ref(),
            ask_for,
            None,
        )
        .await?;
        let drift = drift::record_survey(recorder, SurveyPurpose::Again, &mut found)?;
        let nonce = &found.taken.survey.snapshot.nonce;
        let drift = recorder.run().differs(drift, &found.taken.survey);
        if drift::record(recorder, Some(gate), drift, nonce)? {
            return Ok(());
        }
        self.record_evidence(gate)?;
        ask(self.recorder()?)?;
        self.write_sidecar()
    }

    fn record_evidence(&mut self, gate: ApprovalGate) -> Result<(), RunnerError> {
        let plan = self.plan.clone();
        let (boot_id, uptime_ms) = (self.clock.boot_id(), self.clock.uptime_ms());
        let last_pass = plan.last_pass.clone();
        self.look_at_program()?;
        let recorder = self.recorder()?;
        let now = recorder.now();
        let last = match &last_pass {
            Some(last) => Some((last, keep_last_pass(recorder, last)?)),
            None => None,
        };
        let version = &plan.tool.version;
        let sheet = audit::evidence_sheet(recorder.run(), &plan.profile, gate, last, version);
        let sheet = sheet.ok_or(RunnerError::Missing("pin, context or prediction"))?;
        let bytes = sheet.bytes()?;
        let evidence = recorder.keep(&bytes)?;
        let taken = EvidenceTaken {
            gate,
            round: sheet.round,
            evidence,
            sheet: Arc::new(sheet),
            expires_at: recorder.run().good_until(now),
            boot_id,
            uptime_ms,
        };
        // At the time that its expiry counts from.
        recorder.record_at(now, Event::EvidenceTaken(taken))?;
        Ok(())
    }
}

fn keep_last_pass(recorder: &mut RunRecorder, last: &LastPass) -> Result<Digest, RunnerError> {
    recorder.keep(&serde_json::to_vec_pretty(last)?)
}

/// Raises the stop that asks a person.
fn ask(recorder: &mut RunRecorder) -> Result<(), RunnerError> {
    let stop = recorder
        .run()
        .stop_of(StopCode::StopApprovalRequired)
        .ok_or(RunnerError::Missing("evidence"))?;
    recorder.record(Event::StopRaised(stop))?;
    Ok(())
}
