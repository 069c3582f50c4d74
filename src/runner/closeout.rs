//! The closing order: post survey, non-mutation verdict, G3, G4.
//! Invariant: the verdict is durable before the run is `CLOSEOUT_REPORTED`; `Driver::judge_non_mutation` records it first and
//! changes the state after.

use super::discoverer::discover;
use super::driver::{Driver, held};
use super::first_gates::{change_state, last_proof, suspect_mutation};
use super::repository::Repository;
use super::target::{SurveyRequest, Target};
use super::{RunRecorder, RunnerError, drift};
use crate::audit;
use crate::journal::JournalError;
use crate::profile::Profile;
use crate::run::{
    Check, CheckRecorded, Event, Gate, GateFinished, GateStarted, InvocationReturned, State,
    SurveyPurpose, Verdict,
};

impl<T: Target, R: Repository> Driver<T, R> {
    /// The post survey, in a transaction of its own.
    pub(super) async fn take_post_survey(&mut self) -> Result<(), RunnerError> {
        let plan = self.plan.clone();
        let ask = SurveyRequest::SURVEY;
        let recorder = held(&mut self.recorder)?;
        let lifecycle = plan.profile.lifecycle.as_ref();
        let mut found = discover(&mut self.target, recorder, lifecycle, ask, None).await?;
        drift::record_survey(recorder, SurveyPurpose::Post, &mut found)?;
        let proof = last_proof(recorder);
        if suspect_mutation(recorder, proof.as_ref())? {
            return Ok(());
        }
        change_state(recorder, State::PostSurveyed)
    }

    /// The non-mutation verdict, then the final state.
    pub(super) fn judge_non_mutation(&mut self) -> Result<(), RunnerError> {
        let recorder = self.recorder()?;
        // A resume after a crash between the two records must not judge a second time.
        if recorder.run().non_mutation.is_none() {
            let mut judged = audit::non_mutation(recorder.run());
            if let (Some(pin), Some(post)) =
                (recorder.run().pin.clone(), recorder.run().post.clone())
            {
                judged.changes = drift::changes(recorder, &pin, &post).voids;
            }
            recorder.record(Event::NonMutationJudged(Box::new(judged)))?;
        }
        change_state(recorder, State::CloseoutReported)?;
        self.write_sidecar()
    }

    /// Finishes G3 with all its checks.
    pub(super) fn finish_orchestration(&mut self) -> Result<(), RunnerError> {
        let plan = self.plan.clone();
        let recorder = self.recorder()?;
        let checks = audit::g3(recorder.run(), &plan.profile);
        finish(recorder, &plan.profile, Gate::G3, checks)
    }

    /// G4: a fresh process resumes a copy of the run and comes back where this one is.
    pub(super) fn prove_resume(&mut self) -> Result<(), RunnerError> {
        let plan = self.plan.clone();
        let recorder = self.recorder()?;
        let held = recorder.run().clone();
        let run_id = held.run_id().ok_or(RunnerError::Missing("run id"))?;
        let copy = recorder.directory().copy()?;
        let fresh = plan.program.resume_copy(&plan.data_root, run_id);
        copy.remove().map_err(JournalError::from)?;
        let fresh = fresh?;
        if !held.gates.contains_key(&Gate::G4) {
            recorder.record(Event::GateStarted(GateStarted { gate: Gate::G4 }))?;
        }
        // What the fresh process did on the copy, the run itself does as well: it returns once more, as r4.
        if recorder.run().owes_return {
            record_return(recorder)?;
        }
        let checks = audit::g4(&held, &fresh);
        finish(recorder, &plan.profile, Gate::G4, checks)
    }
}

/// Records that the run came back to a person.
pub(super) fn record_return(recorder: &mut RunRecorder) -> Result<(), RunnerError> {
    let run = recorder.run();
    let r = u32::try_from(run.returns.len() + 1).unwrap_or(u32::MAX);
    let (state, stop_code) = (run.state, run.stop_code());
    recorder.record(Event::InvocationReturned(InvocationReturned {
        r,
        state,
        stop_code,
    }))?;
    Ok(())
}

/// Records checks as the profile asks for them, and finishes a gate. Other checks than the run's table requires are refused
/// before anything is recorded: what is missing or doubled would count as if it held.
pub(super) fn finish(
    recorder: &mut RunRecorder,
    profile: &Profile,
    gate: Gate,
    checks: Vec<Check>,
) -> Result<(), RunnerError> {
    let checks = audit::scope(recorder.run(), profile, checks);
    let created = recorder.run().created.as_ref();
    let version = created.map_or(audit::CHECK_TABLE, |created| created.check_table);
    let wrong = audit::not_the_checks_of(version, gate, &checks);
    if !wrong.is_empty() {
        return Err(RunnerError::OtherChecks(wrong.join("; ")));
    }
    let verdict = Verdict::of_gate(checks.iter().map(|check| check.verdict));
    for check in checks {
        recorder.record(Event::CheckRecorded(CheckRecorded { gate, check }))?;
    }
    recorder.record(Event::GateFinished(GateFinished { gate, verdict }))?;
    Ok(())
}
