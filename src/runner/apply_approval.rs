//! Letting an approval take effect: survey again, compare, simulate. Invariant: no approval outlives the facts it was given on.

use super::discoverer::{Discovered, discover, publish};
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
        let purpose = match gate {
            ApprovalGate::SG1 => SurveyPurpose::ApproveSg1,
            ApprovalGate::SG2 => SurveyPurpose::ApproveSg2,
        };
        let recorder = held(&mut self.recorder)?;
        let lifecycle = &plan.profile.lifecycle;
        let found = match discover(&mut self.target, recorder, lifecycle, ask, Some(gate)).await {
            Err(RunnerError::OtherServer(unlike)) => {
                self.refuse_elsewhere(&unlike)?;
                return Err(RunnerError::OtherServer(unlike));
            }
            found => found?,
        };
        let drift = drift::record_survey(recorder, purpose, &found)?;
        let proof = last_proof(recorder);
        if suspect_mutation(recorder, proof.as_ref())? {
            return Ok(());
        }
        let nonce = &found.taken.survey.snapshot.nonce;
        if drift::record(recorder, Some(gate), drift, nonce)? {
            return Ok(());
        }
        self.simulate(gate, found)
    }

    fn simulate(&mut self, gate: ApprovalGate, found: Discovered) -> Result<(), RunnerError> {
        let plan = self.plan.clone();
        let recorder = self.recorder()?;
        let counts = found.simulation.counts;
        for ((step, ledger), (_, reached)) in found.ledgers.into_iter().zip(gate.steps()) {
            if recorder.run().state == *reached {
                continue;
            }
            recorder.record(Event::UnitsProgressed(UnitsProgressed {
                round: recorder.run().round,
                step,
                counts: counts.clone(),
                effect: audit::step_effect(&plan.profile, step, &counts),
                ledger: publish(ledger)?,
            }))?;
            change_state(recorder, *reached)?;
        }
        for check in audit::scope(
            &plan.profile,
            audit::g3_so_far(recorder.run(), &plan.profile),
        ) {
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
