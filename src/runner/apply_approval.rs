//! Applies an approval: looks at code and program again, surveys the database again, compares with what was approved, then
//! simulates the steps behind the gate.
//! Invariant: no approval outlives what it was given on (`Driver::apply_approval`; tests
//! `what_another_session_changed_is_found_before_sg1_takes_effect` and `..._sg2_takes_effect` of
//! tests/integration/headless.rs).

use super::discoverer::{Discovered, discover};
use super::driver::{Driver, held};
use super::first_gates::{change_state, last_proof, suspect_mutation};
use super::repository::Repository;
use super::target::{SurveyRequest, Target};
use super::{RunnerError, drift};
use crate::audit;
use crate::run::{ApprovalGate, CheckRecorded, Event, Gate, State, SurveyPurpose, UnitsProgressed};

impl<T: Target, R: Repository> Driver<T, R> {
    /// Surveys again; without drift, the steps behind the gate are simulated from this very snapshot.
    pub(super) async fn apply_approval(&mut self, gate: ApprovalGate) -> Result<(), RunnerError> {
        let plan = self.plan.clone();
        let ask = SurveyRequest::SURVEY;
        self.look_around().await?;
        self.refuse_unread_repository()?;
        let recorder = held(&mut self.recorder)?;
        let lifecycle = plan.profile.lifecycle.as_ref();
        let mut found = match discover(&mut self.target, recorder, lifecycle, ask, Some(gate)).await
        {
            // Withdrawn before the error is returned: left pending, the approval would take effect at the next resume on the
            // right server without anybody having looked again.
            Err(RunnerError::OtherServer(unlike)) => {
                self.refuse_pending(&unlike)?;
                return Err(RunnerError::OtherServer(unlike));
            }
            found => found?,
        };
        let drift = drift::record_survey(recorder, SurveyPurpose::of(gate), &mut found)?;
        let proof = last_proof(recorder);
        // Our own transaction is checked before drift: a session that may have written cannot testify about the facts.
        if suspect_mutation(recorder, proof.as_ref())? {
            return Ok(());
        }
        let nonce = &found.taken.survey.snapshot.nonce;
        let drift = recorder.run().differs(drift, &found.taken.survey);
        if drift::record(recorder, Some(gate), drift, nonce)? || self.rehearse_for(gate).await? {
            return Ok(());
        }
        self.simulate(gate, found)
    }

    fn simulate(&mut self, gate: ApprovalGate, found: Discovered) -> Result<(), RunnerError> {
        let plan = self.plan.clone();
        let recorder = self.recorder()?;
        // Where no units are simulated there are no ledgers, and the run passes the same states.
        let mut ledgers = found.ledgers.into_iter();
        for (_, reached) in gate.steps() {
            let ledger = ledgers.next();
            // A crash between the steps leaves some of them recorded; a resume repeats only the rest.
            if recorder.run().state == *reached {
                continue;
            }
            if let (Some((step, ledger)), Some(simulation), Some(lifecycle)) =
                (ledger, &found.simulation, &plan.profile.lifecycle)
            {
                let counts = simulation.counts.clone();
                recorder.record(Event::UnitsProgressed(UnitsProgressed {
                    round: recorder.run().round(),
                    step,
                    effect: audit::step_effect(&plan.profile, lifecycle, step, &counts),
                    counts,
                    ledger: ledger.finish()?,
                }))?;
            }
            change_state(recorder, *reached)?;
        }
        // Only the checks of G3 that are known by now; the gate itself is finished after the post survey.
        let known = audit::g3_so_far(recorder.run(), &plan.profile);
        for check in audit::scope(recorder.run(), &plan.profile, known) {
            let gate = Gate::G3;
            recorder.record(Event::CheckRecorded(CheckRecorded { gate, check }))?;
        }
        Ok(())
    }

    /// A person rejected: the run ends, without a post survey.
    pub(super) fn reject(&mut self) -> Result<(), RunnerError> {
        change_state(self.recorder()?, State::Rejected)
    }
}
