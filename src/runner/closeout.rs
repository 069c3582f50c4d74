//! The closing order: post survey, non-mutation verdict, G3, G4.
//! Invariant: the verdict is durable before the run is `CLOSEOUT_REPORTED`; `Driver::judge_non_mutation` records it first and
//! changes the state after.

use super::discoverer::discover;
use super::driver::{Driver, held};
use super::first_gates::{change_state, last_proof, suspect_mutation};
use super::repository::Repository;
use super::target::{SurveyRequest, Target};
use super::{RunRecorder, RunnerError, drift, fold_with};
use crate::audit::{self, ResumeResult};
use crate::run::{
    Check, CheckRecorded, Event, Gate, GateFinished, GateStarted, History, InvocationReturned,
    State, SurveyPurpose, Verdict,
};

impl<T: Target, R: Repository> Driver<T, R> {
    /// The post survey, in a transaction of its own.
    pub(super) async fn take_post_survey(&mut self) -> Result<(), RunnerError> {
        let plan = self.plan.clone();
        let ask = SurveyRequest::SURVEY;
        let recorder = held(&mut self.recorder)?;
        let lifecycle = &plan.profile.lifecycle;
        let found = discover(&mut self.target, recorder, lifecycle, ask, None).await?;
        drift::record_survey(recorder, SurveyPurpose::Post, &found)?;
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
                let documents: Vec<_> = post
                    .facts
                    .iter()
                    // The others are not compared, and all of them together may be long.
                    .filter(|fact| {
                        let pinned = pin.fact(fact.key.as_str());
                        pinned.is_none_or(|pinned| pinned.document != fact.document)
                    })
                    .filter_map(|fact| recorder.document(&fact.document.as_ref()?.sha256))
                    .map(|text| crate::survey::FactDocument { text })
                    .collect();
                judged.changes = drift::changes(recorder, &pin, &post, &documents).voids;
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
        let checks = audit::scope(&plan.profile, audit::g3(recorder.run(), &plan.profile));
        finish(self.recorder()?, Gate::G3, checks)
    }

    /// G4: a fresh runner folds the journal from disk and comes back where this one is.
    pub(super) fn prove_resume(&mut self) -> Result<(), RunnerError> {
        let recorder = self.recorder()?;
        if !recorder.run().gates.contains_key(&Gate::G4) {
            recorder.record(Event::GateStarted(GateStarted { gate: Gate::G4 }))?;
        }
        let before = recorder.run().clone();
        // Folded from the disk, not from memory: this is what the next process would see.
        let (refolded, transitions_before) = refolded(recorder)?;
        // A resume that finds nothing else to do only records that it returned. The check compares the journal before and after
        // it: no state may have changed.
        if recorder.run().owes_return {
            let run = recorder.run();
            let r = u32::try_from(run.returns.len() + 1).unwrap_or(u32::MAX);
            let state = run.state;
            let stop_code = run.stop_code();
            recorder.record(Event::InvocationReturned(InvocationReturned {
                r,
                state,
                stop_code,
            }))?;
        }
        let (again, transitions_after) = self::refolded(recorder)?;
        let returned = again.run().returns.last().copied();
        let resumed = returned.map(|(state, stop_code, _)| ResumeResult {
            state,
            stop_code,
            transitions_added: transitions_after - transitions_before,
        });
        let checks = audit::g4(&before, refolded.run(), resumed.as_ref());
        let plan = self.plan.clone();
        finish(
            self.recorder()?,
            Gate::G4,
            audit::scope(&plan.profile, checks),
        )
    }
}

/// The fold of the journal on the disk, and how many transitions are in it.
fn refolded(recorder: &RunRecorder) -> Result<(History, u64), RunnerError> {
    let mut transitions = 0;
    let history = fold_with(&recorder.reader(), &mut |entry| {
        transitions += u64::from(matches!(entry.event, Event::StateChanged(_)));
    })?;
    Ok((history, transitions))
}

/// Records checks and finishes a gate. Other checks than the run's table requires are refused before anything is recorded: what
/// is missing or doubled would count as if it held.
pub(super) fn finish(
    recorder: &mut RunRecorder,
    gate: Gate,
    checks: Vec<Check>,
) -> Result<(), RunnerError> {
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
