//! Taking evidence: builds the evidence sheet, stores it as a blob and raises the approval stop.
//! Invariant: what a person is shown is durable before it is shown; screens learn of a sheet only from
//! `RunnerMessage::Recorded`, which `RunRecorder::record_at` sends after the sync.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::discoverer::discover;
use super::driver::Driver;
use super::first_gates::change_state;
use super::repository::Repository;
use super::target::{SurveyRequest, Target};
use super::{RunRecorder, RunnerError, drift};
use crate::audit;
use crate::run::{
    ApprovalGate, Event, EvidenceSheet, EvidenceTaken, Gate, GateStarted, LastPass, RunState,
    StopCode, SurveyPurpose,
};
use crate::simulate::SimulatedStep;
use crate::survey::{Digest, Sides};

/// Schema version of the evidence sheet.
const SHEET_SCHEMA: u32 = 1;

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
            &plan.profile.lifecycle,
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
        let sheet = sheet(recorder.run(), gate, &plan, last)?;
        let bytes = sheet.bytes()?;
        let evidence = recorder.keep(&bytes)?;
        recorder.record(Event::EvidenceTaken(EvidenceTaken {
            gate,
            round: sheet.round,
            evidence,
            sheet: Arc::new(sheet),
            expires_at: recorder.run().good_until(now),
            boot_id,
            uptime_ms,
        }))?;
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

fn sheet(
    run: &RunState,
    gate: ApprovalGate,
    plan: &super::RunPlan,
    last: Option<(&LastPass, Digest)>,
) -> Result<EvidenceSheet, RunnerError> {
    let missing = RunnerError::Missing;
    let pin = run.pin.as_ref().ok_or_else(|| missing("pin"))?;
    let context = run
        .context
        .as_ref()
        .ok_or_else(|| missing("context pins"))?;
    let (predicted, predicted_counts) =
        run.predicted.clone().ok_or_else(|| missing("prediction"))?;
    // The round is counted by sheets of this gate, the superseded ones included.
    let taken = run
        .evidence
        .iter()
        .map(|e| e.gate)
        .chain(run.earlier_evidence.iter().map(|e| e.0));
    let round = u32::try_from(taken.filter(|known| *known == gate).count() + 1).unwrap_or(u32::MAX);
    let simulated = run
        .steps
        .iter()
        .rev()
        .find(|done| done.step == SimulatedStep::Verify)
        .map(|done| done.counts.clone());
    let created = run
        .created
        .as_ref()
        .ok_or_else(|| missing("first record"))?;
    let not_comparable = last.as_ref().map_or_else(Vec::new, |(last, _)| {
        let formats = Sides::new(last.evidence_format, created.evidence_format);
        audit::not_comparable(formats, &last.facts, &pin.facts, &plan.profile.grants)
    });
    let differences = last.as_ref().map_or_else(Vec::new, |(last, _)| {
        let mut found = audit::last_pass_differences(last, created, pin, &predicted);
        found.retain(|difference| !not_comparable.contains(&difference.key));
        found
    });
    Ok(EvidenceSheet {
        schema: SHEET_SCHEMA,
        run_id: context.run_id.clone(),
        gate,
        round,
        pin_nonce: pin.snapshot.nonce.clone(),
        pinned_at: pin.snapshot.began_at,
        facts_digest: pin.facts_digest.clone(),
        candidate_digest: pin.candidates.as_ref().map(|c| c.sha256.clone()),
        candidates: pin.candidates.as_ref().map_or(0, |c| c.rows),
        predicted,
        predicted_counts,
        simulated,
        context: (**context).clone(),
        profile_sha256: context.profile_sha256.clone(),
        target: plan.target.clone(),
        server: pin.server.clone(),
        facts: pin.facts.clone(),
        claims: audit::claims(run),
        runs: audit::pinned_runs(run)
            .into_values()
            .flatten()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        verdict_counts: run.verdict_counts(),
        last_pass: last.map(|(last, blob)| (last.run_id.clone(), last.sealed_at, blob)),
        last_pass_differences: differences,
        last_pass_not_comparable: not_comparable,
        drifted: run
            .drifted_before
            .as_ref()
            .map_or_else(Vec::new, |drift| drift.changes.clone()),
        beside: run.beside.clone(),
        cannot_pass: audit::obstacles(run, &plan.profile),
        tool_version: plan.tool.version.clone(),
    })
}
