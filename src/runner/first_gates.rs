//! G0, G1, G2: precheck, pin, seed.
//! Invariant: a FAIL ends the run (`close_gate`), and a gate is finished only with the checks of the table (`closeout::finish`;
//! test `a_gate_is_not_closed_with_other_checks_than_it_must_have`).

use super::closeout::finish;
use super::discoverer::discover;
use super::driver::{Driver, held};
use super::repository::{Repository, unless_shortage};
use super::seal::{recompute, scan};
use super::target::{SurveyRequest, Target, TargetError};
use super::{RunRecorder, RunnerError, drift};
use crate::audit::{self, DrySeams, Feasibility};
use crate::profile::Profile;
use crate::run::{
    Check, CheckName, ContextPinned, EffectPredicted, Event, Gate, GateStarted, RepositoryState,
    State, StateChanged, SurveyPurpose, TransactionEnd, Verdict,
};
use crate::survey::{Digest, TransactionProof};

impl<T: Target, R: Repository> Driver<T, R> {
    /// G0: looks at the profile, the SSOT documents and the repository. No database is asked.
    pub(super) fn precheck(&mut self) -> Result<(), RunnerError> {
        let plan = self.plan.clone();
        let checks = self.look_at_g0()?;
        let recorder = self.recorder()?;
        close_gate(recorder, &plan.profile, Gate::G0, checks, State::Prechecked)
    }

    /// G0 once more, for new evidence: what it sees of the repository is what the new evidence is of. `true`: it failed, and the run
    /// ended.
    fn precheck_again(&mut self) -> Result<bool, RunnerError> {
        let plan = self.plan.clone();
        let checks = self.look_at_g0()?;
        let recorder = self.recorder()?;
        finish(recorder, &plan.profile, Gate::G0, checks)?;
        let failed = recorder.run().finished(Gate::G0) == Some(Verdict::Fail);
        if failed {
            change_state(recorder, State::Failed)?;
        }
        Ok(failed)
    }

    fn look_at_g0(&mut self) -> Result<Vec<Check>, RunnerError> {
        let plan = self.plan.clone();
        self.read_change()?;
        self.recorder()?
            .record(Event::GateStarted(GateStarted { gate: Gate::G0 }))?;
        let repository = match &self.repository {
            Some(repository) => unless_shortage(repository.look())?,
            None => Err(RepositoryState::NO_REPOSITORY.to_owned()),
        };
        let ssot: Vec<_> = plan
            .ssot
            .iter()
            .map(|(name, text)| {
                (
                    name.clone(),
                    text.as_ref().map(Digest::of).map_err(Clone::clone),
                )
            })
            .collect();
        let profile_sha256 = Digest::of(&plan.profile_text);
        let checks = audit::g0(&plan.profile, &profile_sha256, &ssot, &repository);
        let recorder = self.recorder()?;
        for (_, text) in &plan.ssot {
            // Kept as blobs, so that `verify` can compute the checks again without the files.
            if let Ok(text) = text {
                recorder.keep(text.as_bytes())?;
            }
        }
        Ok(checks)
    }

    /// G1: the survey that becomes the pin.
    pub(super) async fn take_pin(&mut self) -> Result<(), RunnerError> {
        let plan = self.plan.clone();
        let run = self.recorder()?.run();
        if run.renewal.is_some() && run.looks_again() && self.precheck_again()? {
            return Ok(());
        }
        self.recorder()?
            .record(Event::GateStarted(GateStarted { gate: Gate::G1 }))?;
        let ask = SurveyRequest::SURVEY;
        let recorder = held(&mut self.recorder)?;
        let found = discover(
            &mut self.target,
            recorder,
            plan.profile.lifecycle.as_ref(),
            ask,
            None,
        )
        .await;
        let mut found = match found {
            Ok(found) => found,
            // The server answered but the session is not what was asked for: a failed check of G1, not an error to retry.
            Err(RunnerError::Target(error @ TargetError::Unfit(_))) => {
                let says = error.to_string();
                let raw = serde_json::json!({ "error": says });
                let check = Check::evaluated(CheckName::DatabaseCanBeSurveyed, false, says, raw);
                return close_gate(
                    recorder,
                    &plan.profile,
                    Gate::G1,
                    vec![check],
                    State::Surveyed,
                );
            }
            Err(error) => return Err(error),
        };
        drift::record_survey(recorder, SurveyPurpose::Pin, &mut found)?;
        // A transaction that is not clean fails `session_left_nothing`, and with it the gate.
        let proof = last_proof(recorder);
        // What the audit of G6 would find in what is there now is found now, before anybody is asked.
        let mut secrets = scan(recorder, &plan)?;
        if let Some(last) = &plan.last_pass {
            secrets.text("last PASS", &serde_json::to_string(last)?);
        }
        let checks = audit::g1(&Feasibility {
            profile: &plan.profile,
            survey: &found.taken.survey,
            proof: proof.as_ref(),
            rulings: &found.taken.rulings,
            statements: &self.target.statements(),
            secrets: Some(&secrets),
            recomputed: Some(&recompute(recorder, &plan)?),
        });
        close_gate(recorder, &plan.profile, Gate::G1, checks, State::Surveyed)
    }

    /// G2: the tables that the change asks for, context pins and prediction from the pin.
    pub(super) async fn seed(&mut self) -> Result<(), RunnerError> {
        let plan = self.plan.clone();
        self.recorder()?
            .record(Event::GateStarted(GateStarted { gate: Gate::G2 }))?;
        self.list_copy().await?;
        if self.rehearse_first_phase().await? {
            return Ok(());
        }
        let recorder = self.recorder()?;
        let run = recorder.run();
        let pin = run.pin.clone().ok_or(RunnerError::Missing("pin"))?;
        let simulation = run.pin_simulation.clone();
        let round = run.round();
        let context = audit::context_pins(run, &plan.profile);
        let context = context.ok_or(RunnerError::Missing("pin"))?;
        let bytes = context.bytes()?;
        let blob = recorder.keep(&bytes)?;
        recorder.directory().write_file("context.json", &bytes)?;
        recorder.record(Event::ContextPinned(ContextPinned {
            context: Box::new(context.clone()),
            blob: blob.clone(),
        }))?;
        let predicted = simulation.as_deref().and_then(|simulation| {
            let predicted = audit::predict(&plan.profile, simulation)?;
            Some((predicted, simulation.counts.clone()))
        });
        if let Some((predicted, counts)) = predicted.clone() {
            recorder.record(Event::EffectPredicted(EffectPredicted {
                round,
                predicted,
                counts,
            }))?;
        }
        // Read back from the disk: the check compares what was written, not what was meant.
        let read_back = recorder
            .directory()
            .read_file("context.json")?
            .unwrap_or_default();
        let written: Vec<String> = recorder
            .directory()
            .storage()
            .written_paths()
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let checks = audit::g2(&DrySeams {
            profile: &plan.profile,
            pin: &pin,
            simulation: simulation.as_deref(),
            context: &context,
            context_bytes: &read_back,
            context_blob: &blob,
            predicted: predicted.as_ref().map(|(effect, counts)| (effect, counts)),
            data_directory: &plan.data_root.display().to_string(),
            written: &written,
        });
        close_gate(recorder, &plan.profile, Gate::G2, checks, State::Seeded)
    }
}

/// Records checks, finishes the gate, and goes on to `reached`, or fails the run.
pub(super) fn close_gate(
    recorder: &mut RunRecorder,
    profile: &Profile,
    gate: Gate,
    checks: Vec<Check>,
    reached: State,
) -> Result<(), RunnerError> {
    finish(recorder, profile, gate, checks)?;
    if recorder.run().finished(gate) == Some(Verdict::Fail) {
        return change_state(recorder, State::Failed);
    }
    change_state(recorder, reached)
}

/// Moves the run to `to`.
pub(super) fn change_state(recorder: &mut RunRecorder, to: State) -> Result<(), RunnerError> {
    let from = recorder.run().state;
    recorder.record(Event::StateChanged(StateChanged { from, to }))?;
    Ok(())
}

/// The proof of the transaction that was closed last; `None` where its end was not seen.
pub(super) fn last_proof(recorder: &RunRecorder) -> Option<TransactionProof> {
    match &recorder.run().transactions.last()?.end {
        TransactionEnd::Closed(proof) => Some((**proof).clone()),
        TransactionEnd::Open | TransactionEnd::Unseen(_) => None,
    }
}

/// Ends the run if our own transaction was not clean. `true`: it ended.
pub(super) fn suspect_mutation(
    recorder: &mut RunRecorder,
    proof: Option<&TransactionProof>,
) -> Result<bool, RunnerError> {
    let violations = proof.map_or_else(Vec::new, TransactionProof::violations);
    if violations.is_empty() {
        return Ok(false);
    }
    change_state(recorder, State::Failed)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::close_gate;
    use crate::audit::g0;
    use crate::journal::{DirectoryStore, RunStore};
    use crate::profile::built_in;
    use crate::run::{Check, CheckName, Gate, History, State};
    use crate::runner::clock::SystemClock;
    use crate::runner::{RunRecorder, RunnerError};
    use crate::survey::Digest;
    use crate::testing::SimulatedDisk;

    /// What closing G0 with these checks says against it, and how many records it left.
    fn refused(change: impl FnOnce(&mut Vec<Check>)) -> (String, usize) {
        let (profile, text) = built_in("icx-const").expect("it is built in");
        let store = DirectoryStore::on(Arc::new(SimulatedDisk::new()));
        let run_id = "ictr-20261122T091402Z-8a941203".parse().expect("a run id");
        let directory = store.create(&run_id).expect("made");
        let clock = Arc::new(SystemClock);
        let mut recorder = RunRecorder::new(directory, History::default(), clock, Box::new(|_| ()));
        let mut checks = g0(&profile, &Digest::of(text), &[], &Err("none".to_owned()));
        change(&mut checks);
        let ended = close_gate(&mut recorder, &profile, Gate::G0, checks, State::Prechecked);
        let why = match ended {
            Err(RunnerError::OtherChecks(why)) => why,
            other => format!("{other:?}"),
        };
        (
            why,
            recorder
                .reader()
                .entries::<crate::run::Event>()
                .map_or(0, |all| all.len()),
        )
    }

    #[test]
    fn a_gate_is_not_closed_with_other_checks_than_it_must_have() {
        let of = |name: &str| Check::not_checked(CheckName::from(name), "", "");
        assert_eq!(
            refused(|checks| drop(checks.remove(1))),
            ("G0 ssot_documents is not recorded".to_owned(), 0)
        );
        assert_eq!(
            refused(|checks| checks.push(of("branch_and_head"))),
            ("G0 branch_and_head is there twice".to_owned(), 0)
        );
        assert_eq!(
            refused(|checks| checks.push(of("invented"))),
            ("G0 has no check invented".to_owned(), 0)
        );
        assert!(
            !refused(|_| ()).0.contains("G0 "),
            "the right ones are recorded"
        );
    }
}
